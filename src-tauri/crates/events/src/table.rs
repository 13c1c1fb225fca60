//! One table of one batch: its columns while rows come in, and as Arrow batches afterwards.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};
use hashbrown::HashMap;
use headgate_terms::{Column, ColumnType};

use crate::calls::{Fixed, Shape};
use crate::column::{ColumnBuilder, FinishedColumn, Pushed, Value};
use crate::discard::Reason;
use crate::row::Place;
use crate::shredder::Existing;

/// Where a name leads in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Column(usize),
    /// A fixed column has the name (E18).
    Reserved,
    /// `name` or `category` of a page, which properties may fill (E17).
    PageField,
    /// The table has no room for another column (E24).
    Full,
}

struct BuiltColumn {
    builder: ColumnBuilder,
    existing: bool,
    fixed: Option<Fixed>,
    from: Vec<String>,
    discarded: u64,
}

/// A table while its batch is read.
pub(crate) struct TableBuilder {
    name: String,
    shape: Shape,
    existing: bool,
    refused: bool,
    columns: Vec<BuiltColumn>,
    /// By their name in lower case: `Email` and `email` are one column (E28).
    by_name: HashMap<String, usize>,
    /// The place of each fixed column, in the shape's order.
    fixed: Vec<usize>,
    rows: u32,
    accepted: u64,
    duplicate: u64,
    discarded: u64,
}

impl TableBuilder {
    pub(crate) fn new(name: String, shape: Shape, existing: Existing) -> Self {
        let mut table = Self {
            name,
            shape,
            existing: matches!(existing, Existing::Table(_)),
            refused: existing == Existing::Refused,
            columns: Vec::new(),
            by_name: HashMap::new(),
            fixed: Vec::new(),
            rows: 0,
            accepted: 0,
            duplicate: 0,
            discarded: 0,
        };
        if let Existing::Table(columns) = existing {
            for column in columns {
                table.add(column.name, Some(column.kind), true);
            }
        }
        for &fixed in shape.fixed() {
            let at = match table.by_name.get(fixed.column()) {
                Some(&at) => at,
                None => table.add(fixed.column().to_owned(), Some(fixed.kind()), false),
            };
            table.columns[at].fixed = Some(fixed);
            table.columns[at].from.extend(shape.source(fixed).map(str::to_owned));
            table.fixed.push(at);
        }
        table
    }

    fn add(&mut self, name: String, kind: Option<ColumnType>, existing: bool) -> usize {
        let at = self.columns.len();
        let folded = name.to_lowercase();
        // Of several that differ in case only, the one spelled as we would is ours.
        if folded == name || !self.by_name.contains_key(&folded) {
            self.by_name.insert(folded, at);
        }
        self.columns.push(BuiltColumn {
            builder: ColumnBuilder::new(name, kind),
            existing,
            fixed: None,
            from: Vec::new(),
            discarded: 0,
        });
        at
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    pub(crate) fn column_name(&self, column: usize) -> &str {
        &self.columns[column].builder.name
    }

    /// A column's name as the table spells it, if it has the column.
    pub(crate) fn spelled<'n>(&'n self, name: &'n str) -> &'n str {
        self.by_name.get(name).map_or(name, |&column| self.column_name(column))
    }

    /// Where a column's name leads, adding the column when there is room.
    pub(crate) fn target(&mut self, name: &str, most_columns: usize) -> Target {
        if self.shape == Shape::Page && matches!(name, "name" | "category") {
            return Target::PageField;
        }
        if self.shape.reserves(name) {
            return Target::Reserved;
        }
        if let Some(&column) = self.by_name.get(name) {
            return Target::Column(column);
        }
        if self.columns.len() >= most_columns {
            return Target::Full;
        }
        Target::Column(self.add(name.to_owned(), None, false))
    }

    /// Remembers that a path fills a column.
    pub(crate) fn note_path(&mut self, column: usize, path: String) {
        let from = &mut self.columns[column].from;
        if !from.contains(&path) {
            from.push(path);
        }
    }

    pub(crate) fn push(&mut self, column: usize, value: Value<'_>, text: &mut String) -> Pushed {
        self.columns[column].builder.push(self.rows, value, text)
    }

    /// The fixed column at a place of the shape's order.
    pub(crate) fn fixed_column(&self, place: usize) -> usize {
        self.fixed[place]
    }

    /// Whether the fixed column at a place holds instants, as it was made.
    pub(crate) fn has_times(&self, place: usize) -> bool {
        self.columns[self.fixed[place]].builder.has_times()
    }

    /// Fills the fixed column at a place of the shape's order, and says which that is.
    pub(crate) fn push_fixed(
        &mut self,
        place: usize,
        value: Value<'_>,
        text: &mut String,
    ) -> (usize, Pushed) {
        let column = self.fixed[place];
        (column, self.push(column, value, text))
    }

    /// A fixed column, which the shape has.
    pub(crate) fn named_column(&self, fixed: Fixed) -> usize {
        let place = self.shape.fixed().iter().position(|&has| has == fixed).unwrap_or(0);
        self.fixed[place]
    }

    /// Whether no rows are made here.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    /// Counts an event that was routed here.
    pub(crate) fn count(&mut self, duplicate: bool) {
        if duplicate {
            self.duplicate += 1;
        } else {
            self.accepted += 1;
        }
    }

    pub(crate) fn count_discard(&mut self, place: Place, reason: Reason) {
        self.discarded += 1;
        if let (Place::Column(column), Reason::TypeMismatch) = (place, reason) {
            self.columns[column].discarded += 1;
        }
    }

    pub(crate) fn end_row(&mut self) {
        self.rows += 1;
    }

    pub(crate) fn finish(self, lossy: &mut u64) -> Table {
        let mut columns = Vec::new();
        for column in self.columns {
            let name = column.builder.name.clone();
            let filled = column.builder.filled() as u64;
            if let Some((data, lost)) = column.builder.finish() {
                // What `users` loses, `identifies` loses too.
                if self.shape != Shape::Users {
                    *lossy += lost;
                }
                columns.push(TableColumn {
                    column: Column { name, kind: data.kind },
                    existing: column.existing,
                    fixed: column.fixed.is_some(),
                    from: column.from,
                    filled,
                    discarded: column.discarded,
                    data,
                });
            }
        }
        Table {
            name: self.name,
            merged: self.shape == Shape::Users,
            existing: self.existing,
            refused: self.refused,
            rows: self.rows,
            accepted: self.accepted,
            duplicate: self.duplicate,
            discarded: self.discarded,
            columns,
        }
    }
}

/// A column of a table whose batch has ended.
#[derive(Debug)]
pub struct TableColumn {
    /// Its name, as the table spells it, and its type.
    pub column: Column,
    /// Whether the table had it before this batch.
    pub existing: bool,
    /// Whether the table has it from its creation (E10).
    pub fixed: bool,
    /// The paths that fill it, as sent.
    pub from: Vec<String>,
    /// Rows with a value.
    pub filled: u64,
    /// Values that its type could not hold.
    pub discarded: u64,
    pub(crate) data: FinishedColumn,
}

/// A table whose batch has ended.
#[derive(Debug)]
pub struct Table {
    /// Its name in the schema.
    pub name: String,
    /// Whether rows are merged by id, as in `users`, and not appended.
    pub merged: bool,
    /// Whether it was there before this batch.
    pub existing: bool,
    /// Whether it could not be written, so that no rows were made.
    pub refused: bool,
    /// Rows to write; for a merged table before the merge.
    pub rows: u32,
    /// Events that were routed here and are no duplicates.
    pub accepted: u64,
    /// Events that were routed here and dropped as duplicates.
    pub duplicate: u64,
    /// Values of its rows that were set aside.
    pub discarded: u64,
    /// All its columns in order: those it has, then the new ones as they appeared.
    pub columns: Vec<TableColumn>,
}

/// How much one Arrow batch spreads out at most, in cells.
const CELLS: usize = 1 << 21;

impl Table {
    /// Its columns as they will be after this batch.
    #[must_use]
    pub fn schema(&self) -> Vec<Column> {
        self.columns.iter().map(|column| column.column.clone()).collect()
    }

    /// The ids of its rows, repeated where rows share one.
    #[must_use]
    pub fn ids(&self) -> Option<ArrayRef> {
        let id =
            self.columns.iter().find(|column| column.column.name.eq_ignore_ascii_case("id"))?;
        Some(id.data.packed().clone())
    }

    /// The rows as Arrow batches of bounded size. A column without a value in this batch is left
    /// out unless it is fixed: readers fill it with nulls.
    pub fn batches(&self) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + '_ {
        let columns: Vec<&TableColumn> =
            self.columns.iter().filter(|column| column.fixed || column.filled > 0).collect();
        let fields: Vec<Field> = columns.iter().map(|c| arrow_field(&c.column)).collect();
        let schema = Arc::new(Schema::new(fields));
        let step = (CELLS / columns.len().max(1)).clamp(256, 65_536) as u32;
        (0..self.rows).step_by(step as usize).map(move |from| {
            let to = self.rows.min(from + step);
            let arrays = columns
                .iter()
                .map(|column| column.data.array(from, to))
                .collect::<Result<_, _>>()?;
            let options = RecordBatchOptions::new().with_row_count(Some((to - from) as usize));
            RecordBatch::try_new_with_options(schema.clone(), arrays, &options)
        })
    }
}

/// A column as an Arrow field.
#[must_use]
pub fn arrow_field(column: &Column) -> Field {
    let kind = match column.kind {
        ColumnType::BigInt => DataType::Int64,
        ColumnType::Double => DataType::Float64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::String => DataType::Utf8,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    };
    Field::new(&column.name, kind, true)
}
