//! A table for display: columns, properties, protocol, transactions and a sample of rows.
//!
//! It reads tables of any writer, also those that Headgate may not write.

use std::collections::BTreeMap;

use arrow_array::{BooleanArray, RecordBatch};
use deltalake::DeltaTable;
use deltalake::arrow::compute::nullif;
use headgate_terms::{Error, Result, Shown, TableName, say};
use serde::Serialize;
use serde_json::{Map, Value};
use ts_rs::TS;

use crate::failure::failed;
use crate::lake::Lake;
use crate::log::Story;
use crate::rows::{ANSWER, text_rows};
use crate::table::column_type;

/// A table in a list.
#[derive(Debug, Clone, Serialize, TS)]
pub struct TableSummary {
    /// Its schema.
    pub schema: String,
    /// Its name there.
    pub table: String,
    /// Its folder.
    pub path: String,
    /// The newest version.
    pub version: u64,
    /// Rows, as the files' statistics say; null when one does not.
    pub rows: Option<u64>,
    /// Files of the newest version.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// The columns in order; one of a type that Headgate never makes has that type's name.
    pub columns: Vec<ShownColumn>,
}

/// A column as shown.
#[derive(Debug, Clone, Serialize, TS)]
pub struct ShownColumn {
    /// Its name.
    pub name: String,
    /// Its type's name.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A table with all that is worth knowing.
#[derive(Debug, Clone, Serialize, TS)]
pub struct TableDetail {
    /// As in a list.
    #[serde(flatten)]
    pub summary: TableSummary,
    /// Delta's table properties.
    pub properties: BTreeMap<String, String>,
    /// What a program must know to read and to write it.
    pub protocol: Protocol,
    /// The last batch of each application that writes transactions.
    pub txn: BTreeMap<String, i64>,
    /// Some rows, each a map from column to value.
    pub sample: Vec<Map<String, Value>>,
    /// Whether values of the sample are only beginnings, or rows of it are left out.
    pub cut: bool,
}

/// Delta's two protocol numbers.
#[derive(Debug, Clone, Copy, Serialize, TS)]
pub struct Protocol {
    /// For reading.
    pub reader: i32,
    /// For writing.
    pub writer: i32,
}

/// How many rows a sample has.
const SAMPLE: usize = 20;

impl Lake {
    /// A table of any maker, as a list shows it.
    ///
    /// # Errors
    /// `table_not_found`, and `unsupported_table` for one that cannot be read.
    pub async fn summary(&self, name: &TableName) -> Result<TableSummary> {
        let table = self.load(name).await?.ok_or_else(|| not_found(name))?;
        self.summarize(name, &table)
    }

    fn summarize(&self, name: &TableName, table: &DeltaTable) -> Result<TableSummary> {
        let doing = say!("read `{}`", name);
        let snapshot = table.snapshot().map_err(|error| failed(&doing, &error))?;
        let (mut rows, mut files, mut bytes) = (Some(0), 0, 0);
        for file in snapshot.log_data().iter() {
            let count = file.num_records().map(|count| count as u64);
            rows = rows.zip(count).map(|(sum, count)| sum + count);
            files += 1;
            bytes += u64::try_from(file.size()).unwrap_or_default();
        }
        let columns = snapshot.schema();
        let columns = columns.fields().map(|field| ShownColumn {
            name: field.name().clone(),
            kind: column_type(field.data_type()).map_or_else(
                || field.data_type().to_string().to_uppercase(),
                |kind| kind.to_string(),
            ),
        });
        Ok(TableSummary {
            schema: name.schema.clone(),
            table: name.table.clone(),
            path: self.table_path(name).display().to_string(),
            version: table.version().unwrap_or_default(),
            rows,
            files,
            bytes,
            columns: columns.collect(),
        })
    }

    /// A table of any maker with its first rows.
    ///
    /// # Errors
    /// As [`Self::summary`].
    pub async fn detail(&self, name: &TableName) -> Result<TableDetail> {
        let (table, guard) = self.load_guarded(name).await?.ok_or_else(|| not_found(name))?;
        let summary = self.summarize(name, &table)?;
        let doing = say!("read rows of `{}`", name);
        let snapshot = table.snapshot().map_err(|error| failed(&doing, &error))?;
        let protocol = snapshot.protocol();
        let protocol = Protocol {
            reader: protocol.min_reader_version(),
            writer: protocol.min_writer_version(),
        };
        let properties =
            snapshot.metadata().configuration().iter().map(|(k, v)| (k.clone(), v.clone()));
        let properties = properties.collect();
        let (mut sample, mut cut, mut room) = (Vec::new(), false, ANSWER);
        self.query(name, None, SAMPLE, |batch| {
            for (row, is_cut) in json_rows(batch, &doing)? {
                cut |= is_cut;
                room = room.saturating_sub(serde_json::to_string(&row).map_or(0, |row| row.len()));
                if room == 0 && !sample.is_empty() {
                    cut = true;
                    return Ok(false);
                }
                sample.push(row);
            }
            Ok(true)
        })
        .await?;
        let txn = Story::by(&guard.seen(), summary.version).txns;
        Ok(TableDetail { summary, properties, protocol, txn, sample, cut })
    }

    /// The table of a lake that a user named as `schema.table`.
    ///
    /// # Errors
    /// `table_not_found`, naming what is there.
    pub async fn named(&self, text: &str) -> Result<TableName> {
        let tables = self.tables().await?;
        if let Some(name) = tables.iter().find(|name| name.to_string() == text) {
            return Ok(name.clone());
        }
        let like: Vec<Shown> = tables
            .iter()
            .filter(|name| name.table == text || name.to_string().contains(text))
            .take(3)
            .map(|name| say!("`{}`", name))
            .collect();
        let hint = if like.is_empty() {
            "List the tables with `headgate tables list`.".into()
        } else {
            say!("There is {}.", Shown::join(&like, ", "))
        };
        Err(Error::new("table_not_found", say!("The lake has no table `{}`.", text))
            .hint(hint)
            .field("table"))
    }
}

/// The rows of a batch as JSON. A value that is longer than is shown becomes the beginning of its
/// text; says of each row whether it has such a value.
fn json_rows(batch: &RecordBatch, doing: &Shown) -> Result<Vec<(Map<String, Value>, bool)>> {
    let texts = text_rows(batch)?;
    let schema = batch.schema();
    let mut columns = batch.columns().to_vec();
    for (place, column) in columns.iter_mut().enumerate() {
        let long = texts.iter().map(|row| Some(row.cuts[place]));
        *column = nullif(column, &long.collect::<BooleanArray>())
            .map_err(|error| failed(doing, &error))?;
    }
    let names = schema.fields().iter().map(|field| field.name());
    let short = RecordBatch::try_from_iter_with_nullable(
        names.clone().zip(columns).map(|(name, column)| (name, column, true)),
    )
    .map_err(|error| failed(doing, &error))?;
    let mut writer = deltalake::arrow::json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .with_timestamp_tz_format("%Y-%m-%dT%H:%M:%S%.6fZ".to_owned())
        .build::<_, deltalake::arrow::json::writer::JsonArray>(Vec::new());
    writer.write(&short).map_err(|error| failed(doing, &error))?;
    writer.finish().map_err(|error| failed(doing, &error))?;
    let text: Vec<u8> = writer.into_inner();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Map<String, Value>> =
        serde_json::from_slice(&text).map_err(|error| failed(doing, &error))?;
    let rows = rows.into_iter().zip(texts).map(|(mut row, texts)| {
        for (place, name) in names.clone().enumerate().filter(|(place, _)| texts.cuts[*place]) {
            row.insert(name.clone(), texts.values[place].clone().into());
        }
        let is_cut = texts.cut;
        (row, is_cut)
    });
    Ok(rows.collect())
}

pub(crate) fn not_found(name: &TableName) -> Error {
    Error::new("table_not_found", say!("There is no table `{}`.", name))
        .hint("List the tables with `headgate tables list`.")
}
