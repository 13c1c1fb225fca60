//! Rows to Parquet files that no commit names yet, in a table's folder or beside the ledger.

use std::collections::{HashMap, HashSet};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use deltalake::datafile::writer::{DeltaWriter, WriterConfig};
use deltalake::kernel::Add;
use deltalake::logstore::object_store::ObjectStoreExt;
use deltalake::operations::get_num_idx_cols_and_stats_columns;
use deltalake::parquet::basic::{Compression, ZstdLevel};
use deltalake::parquet::file::properties::{EnabledStatistics, WriterProperties};
use deltalake::parquet::schema::types::ColumnPath;
use headgate_terms::{Error, Result, Say, TableName, say};
use serde_json::Value;

use crate::failure::failed;
use crate::lake::Lake;

/// The size at which a file is closed and another begun.
const TARGET: u64 = 128 << 20;
/// Rows handed to the encoder at once.
const STEP: usize = 8_192;
/// Values looked at to see whether a column repeats itself.
const SAMPLE: usize = 512;

impl Lake {
    /// Writes rows as files of a table and returns the log actions that would add them.
    ///
    /// `statistics` are the columns to keep minima and maxima of.
    ///
    /// # Errors
    /// `disk_full` and other failures of the storage; what was written is in no commit.
    pub async fn stage(
        &self,
        name: &TableName,
        statistics: &[String],
        batches: impl IntoIterator<Item = Result<RecordBatch>>,
    ) -> Result<Vec<Value>> {
        let doing = say!("write files of `{}`", name);
        let mut writer: Option<DeltaWriter> = None;
        for batch in batches {
            let batch = batch?;
            if batch.num_rows() == 0 {
                continue;
            }
            let writer = match &mut writer {
                Some(writer) => writer,
                None => writer.insert(self.writer(name, statistics, &batch)?),
            };
            writer.write(&batch).await.map_err(|error| failed(&doing, &error))?;
        }
        let Some(writer) = writer else { return Ok(Vec::new()) };
        let adds = writer.close().await.map_err(|error| failed(&doing, &error))?;
        self.persist(name, adds.iter().map(|add| add.path.clone()).collect()).await?;
        adds.iter()
            .map(|add| serde_json::to_value(add).map_err(|error| failed(&doing, &error)))
            .collect()
    }

    /// Removes staged files that no commit will name.
    pub async fn unstage(&self, name: &TableName, staged: &[Value]) {
        for add in adds(staged, "remove files").into_iter().flatten() {
            let path = self.path(name).join(add.path.as_str());
            if let Err(error) = self.store.delete(&path).await {
                tracing::warn!(%path, %error, "a file that no commit names stays");
            }
        }
    }

    /// Whether every staged file is there, as long as it was written.
    pub(crate) async fn refuse_missing(&self, name: &TableName, staged: &[Add]) -> Result<()> {
        for add in staged {
            let path = self.path(name).join(add.path.as_str());
            let there = self.store.head(&path).await.is_ok_and(|file| file.size == add.size as u64);
            if !there {
                return Err(Error::new(
                    "staged_file_missing",
                    say!(
                        "`{}`, a file of a batch that has begun, is not as it was written.",
                        path.as_ref()
                    ),
                )
                .hint(
                    "Put it back, or remove the lake and sync everything again with `--again`.",
                ));
            }
        }
        Ok(())
    }

    fn writer(
        &self,
        name: &TableName,
        statistics: &[String],
        first: &RecordBatch,
    ) -> Result<DeltaWriter> {
        let doing = say!("write files of `{}`", name);
        let log_store =
            self.builder(name)?.build_storage().map_err(|error| failed(&doing, &error))?;
        let configuration = HashMap::from([(
            "delta.dataSkippingStatsColumns".to_owned(),
            Some(statistics.join(",")),
        )]);
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
