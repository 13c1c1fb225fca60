//! Runs one batch through the shredder and returns tables, discards and outcomes as plain values that a test
//! can compare.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use headgate_events::{
    Batch, Catalog, Discard, Existing, Line, Notice, Outcome, ShredOptions, Shredder, Window, fold,
    timestamp,
};
use headgate_terms::Column;
use serde_json::{Map, Value, json};

/// Tables by name: their columns and rows.
pub type Tables = BTreeMap<String, (Vec<Column>, Vec<Map<String, Value>>)>;

/// What one batch made.
pub struct Shredded {
    pub tables: Tables,
    pub discards: Vec<Discard>,
    pub notices: BTreeMap<String, u64>,
    /// Line number and what became of it.
    pub outcomes: Vec<(u64, Outcome)>,
}

/// A lake in memory: what tables there are, which ids were seen, which rows `users` has.
#[derive(Default)]
pub struct Memory {
    pub tables: BTreeMap<String, Vec<Column>>,
    /// Types that were chosen for columns, by table.
    pub chosen: BTreeMap<String, Vec<Column>>,
    pub seen: BTreeSet<String>,
    users: BTreeMap<String, Map<String, Value>>,
    user_rows: Option<RecordBatch>,
}

struct Known<'m> {
    tables: &'m BTreeMap<String, Vec<Column>>,
    chosen: &'m BTreeMap<String, Vec<Column>>,
}

impl Catalog for Known<'_> {
    fn table(&mut self, table: &str) -> Existing {
        self.tables.get(table).cloned().map_or(Existing::No, Existing::Table)
    }

    fn chosen(&mut self, table: &str) -> Vec<Column> {
        self.chosen.get(table).cloned().unwrap_or_default()
    }
}

struct Seen<'m>(&'m mut BTreeSet<String>);

impl Window for Seen<'_> {
    fn seen(&mut self, id: &str, _: Option<i64>) -> bool {
        !self.0.insert(id.to_owned())
    }

    fn unsee(&mut self, id: &str) {
        self.0.remove(id);
    }
}

impl Memory {
    /// Puts the next batch through, planned at a time.
    pub fn batch(&mut self, text: &[u8], planned: &str, most_columns: usize) -> Shredded {
        let planned = timestamp::parse(planned).expect("a time");
        let mut catalog = Known { tables: &self.tables, chosen: &self.chosen };
        let mut shredder = Shredder::new(ShredOptions { planned, most_columns }, &mut catalog);
        let mut outcomes = Vec::new();
        for (number, bytes) in (1..).zip(text.split(|&byte| byte == b'\n')) {
            if bytes.is_empty() {
                continue;
            }
            let line = Line { bytes, source: "shop", path: "events.ndjson", number, id: None };
            outcomes.push((number, shredder.push(&line, &mut Seen(&mut self.seen))));
        }
        let batch = shredder.finish();
        let tables = self.rows(&batch, planned);
        for (name, (columns, _)) in &tables {
            self.tables.insert(name.clone(), columns.clone());
        }
        let notices = batch.notices.iter().map(|(notice, &n)| (told(notice), n)).collect();
        Shredded { tables, discards: batch.discards, notices, outcomes }
    }

    fn rows(&mut self, batch: &Batch, planned: i64) -> Tables {
        let mut tables = Tables::new();
        for table in batch.tables.iter().filter(|table| table.rows > 0) {
            let rows = if table.merged {
                let rows = table.whole().expect("rows fit");
                let folded = fold(&rows, self.user_rows.as_ref(), planned).expect("users fold");
                let mut columns = table.columns.iter().map(|column| &column.column.name);
                let id = columns.find(|name| name.eq_ignore_ascii_case("id")).expect("an id");
                for row in objects(&folded.all().expect("one shape")) {
                    let id = row[id].as_str().expect("an id").to_owned();
                    self.users.entry(id).or_default().extend(row);
                }
                self.user_rows = None;
                self.users.values().cloned().collect()
            } else {
                let batches = table.batches().map(|batch| batch.expect("rows fit"));
                batches.flat_map(|batch| objects(&batch)).collect()
            };
            tables.insert(table.name.clone(), (table.schema(), rows));
        }
        if let Some((columns, rows)) = tables.get("users") {
            self.user_rows = Some(arrow(columns, rows));
        }
        tables
    }
}

/// A notice's code, with its sentence where that names something.
fn told(notice: &Notice) -> String {
    match notice {
        Notice::NamedByHash { .. } | Notice::ColumnsAlmostUsed { .. } => {
            format!("{}: {}", notice.code(), notice.message().as_str())
        }
        _ => notice.code().to_owned(),
    }
}

/// The rows of a batch, without nulls.
pub fn objects(batch: &RecordBatch) -> Vec<Map<String, Value>> {
    let schema = batch.schema();
    (0..batch.num_rows())
        .map(|row| {
            let cells = schema.fields().iter().zip(batch.columns());
            cells
                .filter(|(_, column)| column.is_valid(row))
                .map(|(field, column)| (field.name().clone(), cell(column, row)))
                .collect()
        })
        .collect()
}

fn cell(column: &ArrayRef, row: usize) -> Value {
    match column.data_type() {
        DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => json!(column.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => json!(column.as_boolean().value(row)),
        DataType::Utf8 => json!(column.as_string::<i32>().value(row)),
        _ => json!(timestamp::format(column.as_primitive::<TimestampMicrosecondType>().value(row))),
    }
}

/// Rows back as Arrow, as a lake would hand them over.
pub fn arrow(columns: &[Column], rows: &[Map<String, Value>]) -> RecordBatch {
    use arrow_array::TimestampMicrosecondArray;
    use arrow_array::{BooleanArray, Float64Array, Int64Array, StringArray};
    let fields: Vec<_> = columns.iter().map(headgate_events::arrow_field).collect();
    let arrays = columns.iter().map(|column| -> ArrayRef {
        let values = rows.iter().map(|row| row.get(&column.name));
        match column.kind {
            headgate_terms::ColumnType::BigInt => std::sync::Arc::new(
                values.map(|v| v.and_then(Value::as_i64)).collect::<Int64Array>(),
            ),
            headgate_terms::ColumnType::Double => std::sync::Arc::new(
                values.map(|v| v.and_then(Value::as_f64)).collect::<Float64Array>(),
            ),
            headgate_terms::ColumnType::Boolean => std::sync::Arc::new(
                values.map(|v| v.and_then(Value::as_bool)).collect::<BooleanArray>(),
            ),
            headgate_terms::ColumnType::String => std::sync::Arc::new(
                values.map(|v| v.and_then(Value::as_str)).collect::<StringArray>(),
            ),
            headgate_terms::ColumnType::Timestamp => std::sync::Arc::new(
                values
                    .map(|v| v.and_then(Value::as_str).and_then(timestamp::parse))
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ),
        }
    });
    RecordBatch::try_new(std::sync::Arc::new(arrow_schema::Schema::new(fields)), arrays.collect())
        .expect("rows fit")
}
