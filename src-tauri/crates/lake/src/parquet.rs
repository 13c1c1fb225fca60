//! Writes rows as Parquet files that no commit names yet (staged files), and removes them if no commit will.
//!
//! Every data file of a table is written here, so that types, compression and statistics are the same in all.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};
use deltalake::arrow::compute::cast;
use deltalake::datafile::writer::{DeltaWriter, WriterConfig};
use deltalake::kernel::Add;
use deltalake::logstore::object_store::path::Path;
use deltalake::logstore::object_store::{self, ObjectStoreExt};
use deltalake::operations::get_num_idx_cols_and_stats_columns;
use deltalake::parquet::basic::{Compression, ZstdLevel};
use deltalake::parquet::file::properties::{EnabledStatistics, WriterProperties};
use deltalake::parquet::schema::types::ColumnPath;
use headgate_terms::{Error, Result, Say, TableName, say};
use serde_json::Value;

use crate::failure::failed;
use crate::guard::Guard;
use crate::lake::Lake;

/// The size at which a file is closed and another begun.
pub(crate) const TARGET: u64 = 128 << 20;
/// Rows after which a row group is closed: its columns stay in memory until then.
const GROUP: usize = 1 << 17;
/// Rows handed to the encoder at once.
const STEP: usize = 8_192;
/// Values looked at to see whether a column repeats itself.
const SAMPLE: usize = 512;

impl Lake {
    /// Writes rows as files of a table and returns the log actions that would add them. Whoever writes
    /// files of a table writes them here: text is plain, times are microseconds in UTC, and every file
    /// lists statistics for the same columns.
    ///
    /// `statistics` are those columns.
    ///
    /// # Errors
    /// `disk_full` and other failures of the storage; what was written is gone again.
    pub async fn stage(
        &self,
        name: &TableName,
        statistics: &[String],
        batches: impl IntoIterator<Item = Result<RecordBatch>>,
    ) -> Result<Vec<Value>> {
        let guard = self.guard(name);
        let staged = self.write(name, guard.clone(), statistics, batches).await;
        let written = guard.written();
        if staged.is_err() {
            for path in &written {
                self.remove(path).await;
            }
        } else if let Ok(mut fresh) = self.fresh.lock() {
            fresh.extend(written);
        }
        staged
    }

    async fn write(
        &self,
        name: &TableName,
        guard: Arc<Guard>,
        statistics: &[String],
        batches: impl IntoIterator<Item = Result<RecordBatch>>,
    ) -> Result<Vec<Value>> {
        let doing = say!("write files of `{}`", name);
        let mut writer: Option<DeltaWriter> = None;
        for batch in batches {
            let batch = plain(&batch?).map_err(|error| failed(&doing, &error))?;
            if batch.num_rows() == 0 {
                continue;
            }
            let writer = match &mut writer {
                Some(writer) => writer,
                None => writer.insert(self.writer(name, guard.clone(), statistics, &batch)?),
            };
            writer.write(&batch).await.map_err(|error| failed(&doing, &error))?;
        }
        let Some(writer) = writer else { return Ok(Vec::new()) };
        let adds = writer.close().await.map_err(|error| failed(&doing, &error))?;
        adds.into_iter()
            .map(|mut add| {
                add.stats = add.stats.map(|stats| same_statistics(&stats, statistics));
                serde_json::to_value(&add).map_err(|error| failed(&doing, &error))
            })
            .collect()
    }

    /// Removes staged files that no commit will name.
    pub async fn unstage(&self, name: &TableName, staged: &[Value]) {
        self.no_longer_fresh(name, staged);
        for path in self.paths(name, staged) {
            self.remove(&path).await;
        }
    }

    /// Removes a file; one that cannot be removed is not a failure.
    pub(crate) async fn remove(&self, path: &Path) {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => tracing::warn!(%path, %error, "a file that no commit names stays"),
        }
    }

    /// Forgets that files were staged here: they are in the log, or gone.
    pub(crate) fn no_longer_fresh(&self, name: &TableName, staged: &[Value]) {
        if let Ok(mut fresh) = self.fresh.lock() {
            for path in self.paths(name, staged) {
                fresh.remove(&path);
            }
        }
    }

    fn paths(&self, name: &TableName, staged: &[Value]) -> impl Iterator<Item = Path> {
        let adds = adds(staged, "name files").unwrap_or_default();
        let table = self.path(name);
        adds.into_iter().map(move |add| table.clone().join(add.path.as_str()))
    }

    /// Whether every staged file is there, as long as it was written; those that were staged on this
    /// handle are.
    pub(crate) async fn refuse_missing(&self, name: &TableName, staged: &[Add]) -> Result<()> {
        for add in staged {
            let path = self.path(name).join(add.path.as_str());
            if self.fresh.lock().is_ok_and(|fresh| fresh.contains(&path)) {
                continue;
            }
            let there = match self.store.head(&path).await {
                Ok(file) => file.size == add.size as u64,
                Err(object_store::Error::NotFound { .. }) => false,
                Err(error) => return Err(failed(&say!("look for files of `{}`", name), &error)),
            };
            if !there {
                return Err(Error::new(
                    "staged_file_missing",
                    say!(
                        "`{}`, a file of a batch that has begun, is not as it was written.",
                        path.as_ref()
                    ),
                )
                .hint("Run the sync again: it makes the file again from what is left."));
            }
        }
        Ok(())
    }

    fn writer(
        &self,
        name: &TableName,
        guard: Arc<Guard>,
        statistics: &[String],
        first: &RecordBatch,
    ) -> Result<DeltaWriter> {
        let doing = say!("write files of `{}`", name);
        let log_store =
            self.builder(name, guard)?.build_storage().map_err(|error| failed(&doing, &error))?;
        let (key, value) = statistics_property(statistics);
        let configuration = HashMap::from([(key.to_owned(), Some(value))]);
        let (indexed, columns) = get_num_idx_cols_and_stats_columns(None, configuration);
        let config = WriterConfig::new(
            first.schema(),
            Vec::new(),
            Some(properties(first, statistics)),
            std::num::NonZeroU64::new(TARGET),
            Some(STEP),
            indexed,
            columns,
        );
        Ok(DeltaWriter::new(log_store.object_store(None), config))
    }
}

/// Rows in the Arrow types that every file has: plain text, and microseconds in UTC.
fn plain(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = rows.schema();
    let fields = schema.fields().iter().map(|field| {
        let kind = match field.data_type() {
            DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
            DataType::Timestamp(..) => {
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
            }
            kind => kind.clone(),
        };
        Field::new(field.name(), kind, true)
    });
    let schema = Schema::new(fields.collect::<Vec<_>>());
    let columns = schema.fields().iter().zip(rows.columns());
    let columns = columns.map(|(field, column)| cast(column, field.data_type()));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(schema), columns, &options)
}

/// A file's statistics for exactly these columns: one that it does not have is NULL in every row.
fn same_statistics(stats: &str, columns: &[String]) -> String {
    let Ok(mut stats) = serde_json::from_str::<Value>(stats) else { return stats.to_owned() };
    let rows = stats["numRecords"].clone();
    for kind in ["minValues", "maxValues", "nullCount"] {
        if let Some(listed) = stats[kind].as_object_mut() {
            listed.retain(|name, _| columns.contains(name));
        }
    }
    for name in columns {
        if stats["nullCount"][name].is_null() {
            stats["nullCount"][name] = rows.clone();
        }
    }
    stats.to_string()
}

/// Delta's table property for which columns have statistics.
pub(crate) fn statistics_property(columns: &[String]) -> (&'static str, String) {
    if columns.is_empty() {
        ("delta.dataSkippingNumIndexedCols", "0".to_owned())
    } else {
        ("delta.dataSkippingStatsColumns", columns.join(","))
    }
}

/// Turns staged actions back into the library's.
pub(crate) fn adds(staged: &[Value], doing: &(impl Say + ?Sized)) -> Result<Vec<Add>> {
    staged
        .iter()
        .map(|add| serde_json::from_value(add.clone()).map_err(|error| failed(doing, &error)))
        .collect()
}

/// Zstandard at its fastest, and a dictionary only where values repeat.
pub(crate) fn properties(sample: &RecordBatch, statistics: &[String]) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(GROUP))
        .set_created_by(concat!("headgate ", env!("CARGO_PKG_VERSION")).to_owned());
    for (field, column) in sample.schema().fields().iter().zip(sample.columns()) {
        let path = ColumnPath::from(field.name().as_str());
        if !repeats(column) {
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
        }
        if !statistics.contains(field.name()) && field.data_type() == &DataType::Utf8 {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
        }
    }
    properties.build()
}

/// Whether a dictionary would pay: whether the first values come more than once.
fn repeats(column: &ArrayRef) -> bool {
    fn share<T: std::hash::Hash + Eq>(values: impl Iterator<Item = T>) -> bool {
        let (mut seen, mut count) = (HashSet::new(), 0_usize);
        for value in values.take(SAMPLE) {
            seen.insert(value);
            count += 1;
        }
        seen.len() * 2 <= count || count < SAMPLE / 8
    }
    match column.data_type() {
        DataType::Utf8 => share(column.as_string::<i32>().iter().flatten()),
        DataType::Int64 => share(column.as_primitive::<Int64Type>().iter().flatten()),
        DataType::Float64 => {
            share(column.as_primitive::<Float64Type>().iter().flatten().map(f64::to_bits))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            share(column.as_primitive::<TimestampMicrosecondType>().iter().flatten())
        }
        _ => true,
    }
}
