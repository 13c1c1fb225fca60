//! One table of one batch: `TableBuilder` while rows are added, [`Table`] with its Arrow
//! batches afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow_select::concat::concat_batches;
use headgate_terms::{Column, ColumnType};

use crate::calls::{Fixed, Shape};
use crate::column::{ColumnBuilder, FinishedColumn, Pushed, Value};
use crate::discard::Reason;
use crate::mixture::OfType;
use crate::names::Names;
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

/// Where a table was before a line.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mark {
    columns: usize,
    rows: u32,
    accepted: u64,
    discarded: u64,
}

/// The most paths that are reported for one column.
const MOST_PATHS: usize = 32;

/// A table while its batch is read.
pub(crate) struct TableBuilder {
    name: String,
    shape: Shape,
    existing: bool,
    refused: bool,
    columns: Vec<BuiltColumn>,
    names: Names,
    /// Types that were chosen for columns that it may get, by their names in lower case (E29).
    chosen: BTreeMap<String, ColumnType>,
    counts_types: bool,
    /// The place of each fixed column, in the shape's order.
    fixed: Vec<usize>,
    rows: u32,
    accepted: u64,
    duplicate: u64,
    discarded: u64,
}

impl TableBuilder {
    /// A table that gets columns: `chosen` are types for those that it does not have, `counts_types` says
    /// whether the types of all values are counted.
    pub(crate) fn new(
        name: String,
        shape: Shape,
        existing: Existing,
        chosen: Vec<Column>,
        counts_types: bool,
    ) -> Self {
        let chosen = chosen.into_iter().map(|column| (column.name.to_lowercase(), column.kind));
        let mut table = Self {
            name,
            shape,
            existing: matches!(existing, Existing::Table(_)),
            refused: existing == Existing::Refused,
            columns: Vec::new(),
            names: Names::default(),
            chosen: chosen.collect(),
            counts_types,
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
            let at = match table.names.lower(fixed.column()) {
                Some(at) => at,
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
        self.names.insert(&name, at);
        let mut builder = ColumnBuilder::new(name, kind);
        if self.counts_types {
            builder.count_types();
        }
        self.columns.push(BuiltColumn {
            builder,
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
        self.names.lower(name).map_or(name, |column| self.column_name(column))
    }

    /// Where a column's name leads, adding the column when there is room.
    pub(crate) fn target(&mut self, name: &str, most_columns: usize) -> Target {
        if self.shape == Shape::Page && matches!(name, "name" | "category") {
            return Target::PageField;
        }
        if self.shape.reserves(name) {
            return Target::Reserved;
        }
        if let Some(column) = self.names.lower(name) {
            return Target::Column(column);
        }
        if self.columns.len() >= most_columns {
            return Target::Full;
        }
        let kind = self.chosen.get(name).copied();
        Target::Column(self.add(name.to_owned(), kind, false))
    }

    /// Whether there is room to tell of another path that fills a column.
    pub(crate) fn wants_path(&self, column: usize) -> bool {
        self.columns[column].from.len() < MOST_PATHS
    }

    /// Remembers that a path fills a column. Returns how many were known if this one was not.
    pub(crate) fn note_path(&mut self, column: usize, path: String) -> Option<usize> {
        let from = &mut self.columns[column].from;
        let known = from.len();
        let is_new = !from.contains(&path);
        if is_new {
            from.push(path);
        }
        is_new.then_some(known)
    }

    /// Takes back the last path of a column.
    pub(crate) fn forget_path(&mut self, column: usize) {
        if let Some(column) = self.columns.get_mut(column) {
            column.from.pop();
        }
    }

    /// Takes back that a column could not hold a value.
    pub(crate) fn forget_misfit(&mut self, column: usize) {
        if let Some(column) = self.columns.get_mut(column) {
            column.discarded -= 1;
        }
    }

    /// What a line may change, but for what single columns count.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            columns: self.columns.len(),
            rows: self.rows,
            accepted: self.accepted,
            discarded: self.discarded,
        }
    }

    /// Goes back to what it was.
    pub(crate) fn back_to(&mut self, mark: Mark) {
        self.columns.truncate(mark.columns);
        self.names.truncate(mark.columns);
        for column in &mut self.columns {
            column.builder.truncate(mark.rows);
        }
        self.rows = mark.rows;
        self.accepted = mark.accepted;
        self.discarded = mark.discarded;
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

    /// Fills the fixed column at a place of the shape's order.
    pub(crate) fn push_fixed(
        &mut self,
        place: usize,
        value: Value<'_>,
        text: &mut String,
    ) -> Pushed {
        self.push(self.fixed[place], value, text)
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

    /// Counts a value set aside. Returns the column that could not hold it, if that was why.
    pub(crate) fn count_discard(&mut self, place: Place, reason: Reason) -> Option<usize> {
        self.discarded += 1;
        let (Place::Column(column), Reason::TypeMismatch) = (place, reason) else { return None };
        self.columns[column].discarded += 1;
        Some(column)
    }

    pub(crate) fn end_row(&mut self) {
        self.rows += 1;
    }

    pub(crate) fn finish(self, lossy: &mut u64) -> Table {
        let (mut columns, mut unmade) = (Vec::new(), Vec::new());
        for mut column in self.columns {
            let name = column.builder.name.clone();
            let filled = column.builder.filled() as u64;
            let mixture = column.builder.take_types();
            // A column appears with its first value that fits: until then another type can be chosen.
            let is_made = column.existing || column.fixed.is_some() || filled > 0;
            if !is_made && column.discarded == 0 && mixture.is_empty() {
                continue;
            }
            if let Some((data, lost)) = column.builder.finish() {
                // What `users` loses, `identifies` loses too.
                if self.shape != Shape::Users {
                    *lossy += lost;
                }
                let into = if is_made { &mut columns } else { &mut unmade };
                into.push(TableColumn {
                    column: Column { name, kind: data.kind },
                    existing: column.existing,
                    fixed: column.fixed.is_some(),
                    from: column.from,
                    filled,
                    discarded: column.discarded,
                    mixture,
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
            unmade,
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
    /// The paths that fill it, as sent; of very many the first ones.
    pub from: Vec<String>,
    /// Rows with a value.
    pub filled: u64,
    /// Values that its type could not hold.
    pub discarded: u64,
    /// Its values by their types as sent, where the caller requested it.
    pub mixture: Vec<OfType>,
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
    /// Events that were routed here and are not duplicates.
    pub accepted: u64,
    /// Events that were routed here and dropped as duplicates.
    pub duplicate: u64,
    /// Values of its rows that were set aside.
    pub discarded: u64,
    /// All its columns in order: those it has, then the new ones as they appeared.
    pub columns: Vec<TableColumn>,
    /// Columns of a chosen type that none of the values fits, so that they are not made (E29).
    pub unmade: Vec<TableColumn>,
}

/// How much one Arrow batch spreads out at most, in cells.
const CELLS: usize = 1 << 21;
/// How much text one column of an Arrow batch holds, unless one row has more.
const TEXT: usize = 256 << 20;

impl Table {
    /// Its columns as they will be after this batch.
    #[must_use]
    pub fn schema(&self) -> Vec<Column> {
        self.columns.iter().map(|column| column.column.clone()).collect()
    }

    /// All rows as one Arrow batch, in plan order: what [`fold`](crate::fold) takes.
    ///
    /// # Errors
    /// When a column has more text than one Arrow array can hold.
    pub fn whole(&self) -> Result<RecordBatch, ArrowError> {
        for column in &self.columns {
            let bytes = column.data.text_bytes(0, self.rows);
            if i32::try_from(bytes).is_err() {
                return Err(ArrowError::OffsetOverflowError(bytes));
            }
        }
        let batches = self.batches().collect::<Result<Vec<_>, _>>()?;
        concat_batches(&self.arrow_schema(), &batches)
    }

    /// The columns that [`Self::batches`] have.
    fn written(&self) -> impl Iterator<Item = &TableColumn> {
        self.columns.iter().filter(|column| column.fixed || column.filled > 0)
    }

    fn arrow_schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.written().map(|c| arrow_field(&c.column)).collect::<Vec<_>>()))
    }

    /// The rows as Arrow batches of bounded size in rows, cells and text. A column without a value in this batch is left
    /// out unless it is fixed: readers fill it with nulls.
    pub fn batches(&self) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + '_ {
        self.cut(TEXT)
    }

    fn cut(&self, most_text: usize) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + '_ {
        let columns: Vec<&TableColumn> = self.written().collect();
        let schema = self.arrow_schema();
        let step = (CELLS / columns.len().max(1)).clamp(256, 65_536) as u32;
        let mut from = 0;
        std::iter::from_fn(move || {
            if from == self.rows {
                return None;
            }
            let mut to = self.rows.min(from + step);
            while to - from > 1 && columns.iter().any(|c| c.data.text_bytes(from, to) > most_text) {
                to = from + (to - from) / 2;
            }
            let rows = from..to;
            from = to;
            let arrays = columns.iter().map(|column| column.data.array(rows.start, rows.end));
            Some(arrays.collect::<Result<Vec<_>, _>>().and_then(|arrays| {
                let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
                RecordBatch::try_new_with_options(schema.clone(), arrays, &options)
            }))
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

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;

    use super::*;
    use crate::json::Json;

    #[test]
    fn long_text_columns_are_split_into_several_batches() {
        let mut table =
            TableBuilder::new("e".to_owned(), Shape::Track, Existing::No, Vec::new(), false);
        let mut scratch = String::new();
        let column = table.add("s".to_owned(), None, false);
        // Rows without a value among the others, and one longer than all that fits.
        let texts: Vec<Option<String>> = (0..1_000_usize)
            .map(|row| match row {
                500 => Some("long".repeat(1_000)),
                _ if row % 3 == 0 => None,
                _ => Some("é".repeat(row % 50)),
            })
            .collect();
        for text in &texts {
            if let Some(text) = text {
                table.push(column, Value::Sent(Json::Text(text)), &mut scratch);
            }
            table.end_row();
        }
        let table = table.finish(&mut 0);
        for most in [100, 2_000, 10_000, TEXT] {
            let mut read: Vec<Option<String>> = Vec::new();
            for batch in table.cut(most) {
                let batch = batch.unwrap();
                let texts = batch.column_by_name("s").unwrap().as_string::<i32>();
                let bytes = texts.value_data().len();
                assert!(bytes <= most || batch.num_rows() == 1, "{bytes} of {most}");
                read.extend(texts.iter().map(|text| text.map(str::to_owned)));
            }
            assert_eq!(read, texts);
        }
        assert_eq!(
            table.cut(100).count().cmp(&table.cut(TEXT).count()),
            std::cmp::Ordering::Greater
        );
        assert_eq!(table.whole().unwrap().num_rows(), 1_000);
    }
}
