//! Rows, files and discarded values of a table for display, with values as text of limited length.
//!
//! Values are text because numbers in JavaScript are exact only up to 2^53, and a BIGINT is larger.

use std::fmt::{self, Display, Write};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType};
use deltalake::arrow::compute::cast;
use deltalake::arrow::util::display::{ArrayFormatter, FormatOptions};
use deltalake::datafusion::logical_expr::{Expr, lit};
use deltalake::datafusion::prelude::{SessionConfig, SessionContext, col};
use deltalake::delta_datafusion::create_session;
use futures::TryStreamExt;
use headgate_terms::{Result, TableName, acts, say};
use serde::Serialize;
use ts_rs::TS;

use crate::failure::failed;
use crate::inspect::{ShownColumn, not_found};
use crate::lake::Lake;

/// Rows as JSON objects, one a row without its end; a value that is NULL is left out.
///
/// # Errors
/// When a value has no form in JSON.
pub fn json_lines(batch: &RecordBatch) -> Result<Vec<Vec<u8>>> {
    let doing = "write rows as JSON";
    let mut writer = deltalake::arrow::json::WriterBuilder::new()
        .with_timestamp_tz_format("%Y-%m-%dT%H:%M:%S%.6fZ".to_owned())
        .build::<_, deltalake::arrow::json::writer::LineDelimited>(Vec::new());
    writer.write(batch).map_err(|error| failed(doing, &error))?;
    writer.finish().map_err(|error| failed(doing, &error))?;
    let text: Vec<u8> = writer.into_inner();
    let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    Ok(lines.map(<[u8]>::to_vec).collect())
}

/// Rows of a table.
#[derive(Debug, Clone, Serialize, TS)]
pub struct TableRows {
    /// The columns in order.
    pub columns: Vec<ShownColumn>,
    /// Rows, each with a text or none for every column.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether values are only beginnings, or rows are left out, to keep the answer short.
    pub cut: bool,
}

/// One file of a table's newest version.
#[derive(Debug, Clone, Serialize, TS)]
pub struct TableFile {
    /// Its path below the table's folder.
    pub path: String,
    /// Rows, as its statistics say; null when they do not.
    pub rows: Option<u64>,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was written, in RFC 3339.
    pub modified: Option<String>,
}

/// A value that a run set aside, as `headgate_discards` keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct DiscardRow {
    /// The schema of the table.
    pub schema: String,
    /// The table of the row it is missing from.
    pub table: String,
    /// The id of that row.
    pub row: String,
    /// The column, or the path as sent where there is none.
    pub column: String,
    /// The value as text.
    pub value: String,
    /// When the event was received, in RFC 3339.
    pub received: String,
    /// Why.
    pub reason: String,
    /// Whether one of these is only a beginning.
    pub cut: bool,
}

/// Some of the values that a run set aside in one schema.
#[derive(Debug, Clone, Default)]
pub struct DiscardPage {
    /// The values.
    pub rows: Vec<DiscardRow>,
    /// How many were left out at the beginning: as many as were asked for, or all there are.
    pub skipped: usize,
    /// Whether there are more behind them.
    pub more: bool,
}

impl Lake {
    /// The first rows of a table of any maker, as far as one answer goes.
    ///
    /// # Errors
    /// `table_not_found`, and `unsupported_table` for one that cannot be read.
    pub async fn rows(&self, name: &TableName, most: usize) -> Result<TableRows> {
        let columns = self.summary(name).await?.columns;
        let (mut rows, mut cut, mut room) = (Vec::new(), false, ANSWER);
        self.query(name, None, most, |batch| {
            for row in text_rows(batch)? {
                room = room.saturating_sub(weight(&row.values));
                if room == 0 && !rows.is_empty() {
                    cut = true;
                    return Ok(false);
                }
                cut |= row.cut;
                rows.push(row.values);
            }
            Ok(true)
        })
        .await?;
        Ok(TableRows { columns, rows, cut })
    }

    /// The files of a table's newest version, the newest first.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub async fn files(&self, name: &TableName) -> Result<Vec<TableFile>> {
        let table = self.load(name).await?.ok_or_else(|| not_found(name))?;
        let doing = say!("read `{}`", name);
        let snapshot = table.snapshot().map_err(|error| failed(&doing, &error))?;
        let mut files: Vec<TableFile> = snapshot
            .log_data()
            .iter()
            .map(|file| TableFile {
                path: file.path().to_string(),
                rows: file.num_records().map(|rows| rows as u64),
                bytes: u64::try_from(file.size()).unwrap_or_default(),
                modified: Some(crate::log::format_millis(file.modification_time()))
                    .filter(|at| !at.is_empty()),
            })
            .collect();
        files.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.path.cmp(&b.path)));
        Ok(files)
    }

    /// Values of one schema that a run set aside, from a place on, as far as one answer goes.
    ///
    /// # Errors
    /// When the table of discards cannot be read; without one there are none.
    pub async fn discards(
        &self,
        schema: &str,
        run: &str,
        from: usize,
        most: usize,
    ) -> Result<DiscardPage> {
        let name = TableName { schema: schema.to_owned(), table: "headgate_discards".to_owned() };
        let mut page = DiscardPage::default();
        if self.load(&name).await?.is_none() {
            return Ok(page);
        }
        let mut room = ANSWER;
        self.query(&name, Some(col("run_id").eq(lit(run))), usize::MAX, |batch| {
            let skipped = batch.num_rows().min(from - page.skipped);
            page.skipped += skipped;
            let place = |column: &str| batch.schema().index_of(column).ok();
            let places =
                ["table_name", "row_id", "column_name", "column_value", "received_at", "reason"]
                    .map(place);
            for mut row in text_rows(&batch.slice(skipped, batch.num_rows() - skipped))? {
                room = room.saturating_sub(weight(&row.values));
                if page.rows.len() == most || (room == 0 && !page.rows.is_empty()) {
                    page.more = true;
                    return Ok(false);
                }
                let mut text = |place: usize| {
                    places[place].and_then(|at| row.values[at].take()).unwrap_or_default()
                };
                page.rows.push(DiscardRow {
                    schema: schema.to_owned(),
                    table: text(0),
                    row: text(1),
                    column: text(2),
                    value: text(3),
                    received: text(4),
                    reason: text(5),
                    cut: row.cut,
                });
            }
            Ok(true)
        })
        .await?;
        Ok(page)
    }

    /// Gives the rows of a table that meet a condition to `take`, a few at a time and in the order of
    /// its files, until it has enough.
    pub(crate) async fn query(
        &self,
        name: &TableName,
        condition: Option<Expr>,
        most: usize,
        mut take: impl FnMut(&RecordBatch) -> Result<bool>,
    ) -> Result<()> {
        let table = self.load(name).await?.ok_or_else(|| not_found(name))?;
        let doing = say!("read rows of `{}`", name);
        let context: SessionContext = create_session().into_inner();
        // One part, so that rows keep the order of the files from one page to the next.
        let at_once = self.rows_at_once(name, &table, most, &doing)?;
        let few = |config: SessionConfig| config.with_target_partitions(1).with_batch_size(at_once);
        {
            let state = context.state_ref();
            let mut state = state.write();
            let config = std::mem::take(state.config_mut());
            *state.config_mut() = few(config);
        }
        let provider = table.table_provider().await.map_err(|error| failed(&doing, &error))?;
        let rows = context.read_table(provider).and_then(|rows| match condition {
            Some(condition) => rows.filter(condition),
            None => Ok(rows),
        });
        let mut rows = rows
            .and_then(|rows| rows.limit(0, (most < usize::MAX).then_some(most)))
            .map_err(|error| failed(&doing, &error))?
            .execute_stream()
            .await
            .map_err(|error| failed(&doing, &error))?;
        while let Some(batch) = rows.try_next().await.map_err(|error| failed(&doing, &error))? {
            if !take(&shortened(&batch)?)? {
                break;
            }
        }
        Ok(())
    }
}

/// The most bytes of a value that are shown.
const VALUE: usize = 4 << 10;
/// The most bytes of values in one answer, by what they take as JSON.
pub const ANSWER: usize = 8 << 20;
/// The batch with texts hardly longer than is shown: by a character, so that the cut is still seen.
fn shortened(batch: &RecordBatch) -> Result<RecordBatch> {
    let text = |column: &ArrayRef| {
        matches!(column.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
    };
    let columns = batch.columns().iter().map(|column| {
        if !text(column) {
            return Ok(column.clone());
        }
        let column = cast(column, &DataType::Utf8View)?;
        let short = column.as_string_view().iter();
        let short =
            short.map(|value| value.map(|text| &text[..text.floor_char_boundary(VALUE + 4)]));
        Ok(Arc::new(short.collect::<StringArray>()) as ArrayRef)
    });
    let columns = columns
        .collect::<Result<Vec<_>, ArrowError>>()
        .map_err(|error| failed("show rows", &error))?;
    let names = batch.schema();
    let names = names.fields().iter().map(|field| field.name().as_str());
    RecordBatch::try_from_iter_with_nullable(
        names.zip(columns).map(|(name, column)| (name, column, true)),
    )
    .map_err(|error| failed("show rows", &error))
}

/// A row as text: none for a null.
#[derive(Debug, Clone)]
pub struct TextRow {
    /// A text or none for every column.
    pub values: Vec<Option<String>>,
    /// Whether one of them is only a beginning.
    pub cut: bool,
    /// Which are.
    pub(crate) cuts: Vec<bool>,
}

/// What a row takes as JSON, about.
#[must_use]
pub fn weight(row: &[Option<String>]) -> usize {
    let one = |text: &String| text.chars().map(|c| if acts(c) { 6 } else { c.len_utf8() }).sum();
    row.iter().map(|value| value.as_ref().map_or(4, one)).map(|length: usize| length + 3).sum()
}

/// Cuts a text that is longer than is shown, and marks its end.
pub fn cut(text: &mut String) -> bool {
    if text.len() <= VALUE {
        return false;
    }
    text.truncate(text.floor_char_boundary(VALUE));
    text.push('…');
    true
}

/// As much of a value's text as shows that it is longer than is shown.
pub(crate) fn beginning(value: &impl Display) -> String {
    struct Beginning(String);
    impl Write for Beginning {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let room = VALUE + 4 - self.0.len();
            self.0.push_str(&text[..text.floor_char_boundary(room)]);
            // A value that is long enough need not be written out.
            if self.0.len() > VALUE { Err(fmt::Error) } else { Ok(()) }
        }
    }
    let mut text = Beginning(String::new());
    let _ = write!(text, "{value}");
    text.0
}

/// The rows of a batch as text: times in RFC 3339, numbers in full, none for a null. A text longer
/// than 4 KiB is cut there.
///
/// # Errors
/// For a type that has no text.
pub fn text_rows(batch: &RecordBatch) -> Result<Vec<TextRow>> {
    let options = FormatOptions::default().with_display_error(true);
    let columns = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &options).map(|format| (column, format)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| failed("show rows", &error))?;
    let row = |at: usize| {
        let mut row = TextRow { values: Vec::new(), cut: false, cuts: Vec::new() };
        for (column, format) in &columns {
            let mut value = column.is_valid(at).then(|| beginning(&format.value(at)));
            let is_cut = value.as_mut().is_some_and(cut);
            row.cut |= is_cut;
            row.cuts.push(is_cut);
            row.values.push(value);
        }
        row
    };
    Ok((0..batch.num_rows()).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_characters() {
        let texts =
            ["short".to_owned(), "日".repeat(VALUE), "x".repeat(VALUE), "x".repeat(VALUE + 1)];
        let column: ArrayRef = Arc::new(StringArray::from_iter_values(&texts));
        let batch = RecordBatch::try_from_iter([("a", column)]).unwrap();
        let rows = text_rows(&shortened(&batch).unwrap()).unwrap();
        let cuts: Vec<bool> = rows.iter().map(|row| row.cut).collect();
        assert_eq!(cuts, [false, true, false, true]);
        for (row, text) in rows.iter().zip(&texts) {
            let shown = row.values[0].as_deref().unwrap();
            assert!(shown.len() <= VALUE + '…'.len_utf8());
            assert!(text.starts_with(shown.trim_end_matches('…')));
        }
    }
}
