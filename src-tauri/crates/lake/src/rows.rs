//! Rows and files of a table for a person to look at, values as text and exact to the last digit.
//!
//! Text, because a page's numbers end at 2^53 and a BIGINT does not.

use arrow_array::RecordBatch;
use deltalake::arrow::util::display::{ArrayFormatter, FormatOptions};
use deltalake::datafusion::logical_expr::{Expr, lit};
use deltalake::datafusion::prelude::{SessionContext, col};
use deltalake::delta_datafusion::create_session;
use headgate_terms::{Result, TableName, say};
use serde::Serialize;
use ts_rs::TS;

use crate::failure::failed;
use crate::inspect::{ShownColumn, not_found};
use crate::lake::Lake;

/// Rows of a table.
#[derive(Debug, Clone, Serialize, TS)]
pub struct TableRows {
    /// The columns in order.
    pub columns: Vec<ShownColumn>,
    /// Rows, each with a text or none for every column.
    pub rows: Vec<Vec<Option<String>>>,
}

/// One file of a table's newest version.
#[derive(Debug, Clone, Serialize, TS)]
pub struct TableFile {
    /// Its path below the table's folder.
    pub path: String,
    /// Rows, as its statistics say; none when they do not.
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
}

impl Lake {
    /// The first rows of a table of any maker.
    ///
    /// # Errors
    /// `table_not_found`, and `unsupported_protocol` for one that cannot be read.
    pub async fn rows(&self, name: &TableName, most: usize) -> Result<TableRows> {
        let columns = self.summary(name).await?.columns;
        let batches = self.query(name, None, 0, most).await?;
        let mut rows = Vec::new();
        for batch in &batches {
            rows.extend(text_rows(batch)?);
        }
        Ok(TableRows { columns, rows })
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

    /// Values of one schema that a run set aside, from a place on.
    ///
    /// # Errors
    /// When the table of discards cannot be read; without one there are none.
    pub async fn discards(
        &self,
        schema: &str,
        run: &str,
        from: usize,
        most: usize,
    ) -> Result<Vec<DiscardRow>> {
        let name = TableName { schema: schema.to_owned(), table: "headgate_discards".to_owned() };
        if self.load(&name).await?.is_none() {
            return Ok(Vec::new());
        }
        let of_run = col("run_id").eq(lit(run));
        let mut found = Vec::new();
        for batch in self.query(&name, Some(of_run), from, most).await? {
            let place = |column: &str| batch.schema().index_of(column).ok();
            let places =
                ["table_name", "row_id", "column_name", "column_value", "received_at", "reason"]
                    .map(place);
            for mut row in text_rows(&batch)? {
                let mut text =
                    |place: usize| places[place].and_then(|at| row[at].take()).unwrap_or_default();
                found.push(DiscardRow {
                    schema: schema.to_owned(),
                    table: text(0),
                    row: text(1),
                    column: text(2),
                    value: text(3),
                    received: text(4),
                    reason: text(5),
                });
            }
        }
        Ok(found)
    }

    /// Rows of a table that meet a condition, in the order of its files.
    pub(crate) async fn query(
        &self,
        name: &TableName,
        condition: Option<Expr>,
        from: usize,
        most: usize,
    ) -> Result<Vec<RecordBatch>> {
        let table = self.load(name).await?.ok_or_else(|| not_found(name))?;
        let doing = say!("read rows of `{}`", name);
        let context: SessionContext = create_session().into_inner();
        // One part, so that rows keep the order of the files from one page to the next.
        context.state_ref().write().config_mut().options_mut().execution.target_partitions = 1;
        let provider = table.table_provider().await.map_err(|error| failed(&doing, &error))?;
        let rows = context.read_table(provider).and_then(|rows| match condition {
            Some(condition) => rows.filter(condition),
            None => Ok(rows),
        });
        rows.and_then(|rows| rows.limit(from, Some(most)))
            .map_err(|error| failed(&doing, &error))?
            .collect()
            .await
            .map_err(|error| failed(&doing, &error))
    }
}

/// The rows of a batch as text: times in RFC 3339, numbers in full, none for a null.
///
/// # Errors
/// For a type that has no text.
pub fn text_rows(batch: &RecordBatch) -> Result<Vec<Vec<Option<String>>>> {
    let options = FormatOptions::default().with_display_error(true);
    let columns = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &options).map(|format| (column, format)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| failed("show rows", &error))?;
    let value = |row: usize| {
        columns
            .iter()
            .map(|(column, format)| column.is_valid(row).then(|| format.value(row).to_string()))
            .collect()
    };
    Ok((0..batch.num_rows()).map(value).collect())
}
