//! Rows that replace rows by id: what `users` needs.
//!
//! Which values win is decided before; here whole values go in, and the library's MERGE carries
//! them. The rows wait in a file of the lake, so that a batch that has begun can always be finished.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader};
use arrow_schema::{Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use deltalake::arrow::compute::cast;
use deltalake::datafusion::logical_expr::JoinType;
use deltalake::datafusion::prelude::{SessionContext, col};
use deltalake::delta_datafusion::create_session;
use deltalake::errors::DeltaTableError;
use deltalake::logstore::object_store::path::Path;
use deltalake::logstore::object_store::{ObjectStoreExt, PutPayload};
use deltalake::parquet::arrow::ArrowWriter;
use deltalake::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use deltalake::parquet::basic::Type;
use deltalake::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use deltalake::protocol::DeltaOperation;
use deltalake::{DeltaTable, ObjectStore};
use headgate_terms::{Column, Error, Result, Say, TableName, say};

use crate::commit::{Committed, Note, Txn, commit_properties, landed, send, widened};
use crate::failure::failed;
use crate::lake::Lake;
use crate::parquet::properties;
use crate::table::LakeTable;

impl Lake {
    /// The rows of a table that have one of these ids, with the table's own types.
    ///
    /// # Errors
    /// `int96_timestamps` when a file would be read with wrong times.
    pub async fn rows_with_ids(
        &self,
        name: &TableName,
        table: &LakeTable,
        fields: &Schema,
        ids: ArrayRef,
    ) -> Result<RecordBatch> {
        let doing = say!("read `{}`", name);
        self.refuse_int96(name, &table.delta).await?;
        let context: SessionContext = create_session().into_inner();
        let provider =
            table.delta.table_provider().await.map_err(|error| failed(&doing, &error))?;
        let wanted = RecordBatch::try_from_iter([("wanted_id", ids)])
            .map_err(|error| failed(&doing, &error))?;
        let rows = context
            .read_table(provider)
            .and_then(|rows| {
                let wanted = context.read_batch(wanted)?;
                rows.join(wanted, JoinType::LeftSemi, &["id"], &["wanted_id"], None)
            })
            .map_err(|error| failed(&doing, &error))?
            .collect()
            .await
            .map_err(|error| failed(&doing, &error))?;
        // The library reads text as views; the rest of the house speaks plain Arrow.
        let has: Vec<_> = fields
            .fields()
            .iter()
            .filter(|field| table.columns().iter().any(|column| column.name == *field.name()))
            .cloned()
            .collect();
        let schema: SchemaRef = Arc::new(Schema::new(has));
        let rows = rows
            .iter()
            .map(|batch| {
                let columns = schema
                    .fields()
                    .iter()
                    .map(|field| cast(&batch[field.name().as_str()], field.data_type()))
                    .collect::<Result<Vec<_>, _>>()?;
                RecordBatch::try_new(schema.clone(), columns)
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| failed(&doing, &error))?;
        concat_batches(&schema, &rows).map_err(|error| failed(&doing, &error))
    }

    /// Keeps rows in the lake until they are merged, and says where.
    ///
    /// # Errors
    /// `disk_full` and other failures of the storage.
    pub async fn keep(&self, rows: &RecordBatch) -> Result<String> {
        let doing = "keep rows for a merge";
        let mut bytes = Vec::new();
        let mut writer =
            ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties(rows, &[])))
                .map_err(|error| failed(doing, &error))?;
        writer.write(rows).map_err(|error| failed(doing, &error))?;
        writer.close().map_err(|error| failed(doing, &error))?;
        let file = format!("{}.parquet", uuid::Uuid::new_v4());
        self.store
            .put(&self.kept(&file), PutPayload::from(bytes))
            .await
            .map_err(|error| failed(doing, &error))?;
        Ok(file)
    }

    /// Gives up rows that were kept; nothing happens when they are gone already.
    pub async fn forget(&self, file: &str) {
        if let Err(error) = self.store.delete(&self.kept(file)).await {
            tracing::debug!(file, %error, "kept rows were gone already");
        }
    }

    fn kept(&self, file: &str) -> Path {
        self.own("kept").join(file)
    }

    /// Merges kept rows into a table by `id`: rows with a known id replace the values of the
    /// columns they have, the others are added.
    ///
    /// # Errors
    /// As [`Lake::append`]; the rows stay kept.
    pub async fn merge(
        &self,
        name: &TableName,
        columns: &[Column],
        file: &str,
        txn: &Txn,
        note: &Note,
    ) -> Result<Committed> {
        let doing = say!("merge into `{}`", name);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let Some(table) = self.load(name).await? else {
                return Err(Error::new("table_changed", say!("`{}` is gone.", name))
                    .hint("Put the table back, then run the sync again."));
            };
            if let Some(landed) = landed(Some(&table), txn, &doing).await? {
                return Ok(landed);
            }
            self.refuse_int96(name, &table).await?;
            let rows = self.read_kept(file, &doing).await?;
            let sent = self.merge_once(name, table, columns, rows, txn, note).await?;
            let error = match sent {
                Ok(version) => {
                    self.persist_commit(name, version).await?;
                    return Ok(Committed { version });
                }
                Err(error) => error,
            };
            if let Some(landed) = self.believe(name, txn, &doing, &error, attempt).await? {
                return Ok(landed);
            }
        }
    }

    async fn merge_once(
        &self,
        name: &TableName,
        mut table: DeltaTable,
        columns: &[Column],
        rows: RecordBatch,
        txn: &Txn,
        note: &Note,
    ) -> Result<Result<u64, DeltaTableError>> {
        let added = widened(&table, name, columns)?;
        if let Some(metadata) = added {
            // A commit of its own: it changes no row, so that repeating it does no harm.
            let operation = DeltaOperation::AddColumn { fields: Vec::new() };
            let quiet = Note { run: note.run.clone(), rows: 0 };
            if let Err(error) = send(&table, vec![metadata], operation, None, &quiet).await {
                return Ok(Err(error));
            }
            let Some(widened) = self.load(name).await? else { return Ok(Ok(0)) };
            table = widened;
        }
        let names: Vec<String> =
            rows.schema().fields().iter().map(|field| field.name().clone()).collect();
        let properties = properties(&rows, &[]);
        let context: SessionContext = create_session().into_inner();
        let quoted = |side: &str, name: &str| col(format!("{side}.\"{name}\""));
        let merged = async {
            let source = context.read_batch(rows)?;
            table
                .merge(source, col("target.id").eq(col("source.id")))
                .with_source_alias("source")
                .with_target_alias("target")
                .with_safe_cast(false)
                .with_writer_properties(properties)
                .with_commit_properties(commit_properties(Some(txn), note))
                .when_matched_update(|update| {
                    names.iter().filter(|name| *name != "id").fold(update, |update, name| {
                        update.update(name.as_str(), quoted("source", name))
                    })
                })?
                .when_not_matched_insert(|insert| {
                    names.iter().fold(insert, |insert, name| {
                        insert.set(name.as_str(), quoted("source", name))
                    })
                })?
                .await
        };
        Ok(merged.await.map(|(table, _)| table.version().unwrap_or_default()))
    }

    /// Reads rows that were kept.
    ///
    /// # Errors
    /// When they are gone or cannot be read.
    pub async fn kept_rows(&self, file: &str) -> Result<RecordBatch> {
        self.read_kept(file, "read kept rows").await
    }

    async fn read_kept(&self, file: &str, doing: &(impl Say + ?Sized)) -> Result<RecordBatch> {
        let found =
            self.store.get(&self.kept(file)).await.map_err(|error| failed(doing, &error))?;
        let bytes = found.bytes().await.map_err(|error| failed(doing, &error))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
            .and_then(ParquetRecordBatchReaderBuilder::build)
            .map_err(|error| failed(doing, &error))?;
        let schema = reader.schema();
        let rows = reader
            .collect::<Result<Vec<_>, _>>()
            .and_then(|rows| concat_batches(&schema, &rows))
            .map_err(|error| failed(doing, &error))?;
        Ok(rows)
    }

    /// Refuses a table with files whose timestamps the library would read wrongly: Spark's INT96
    /// comes out in nanoseconds, and years far from now come out as others (delta-path 11).
    async fn refuse_int96(&self, name: &TableName, table: &DeltaTable) -> Result<()> {
        let doing = say!("read the files of `{}`", name);
        let snapshot = table.snapshot().map_err(|error| failed(&doing, &error))?;
        let store = table.object_store();
        for file in snapshot.log_data().iter() {
            let path = file.object_store_path();
            let size = u64::try_from(file.size()).unwrap_or_default();
            let metadata = footer(store.as_ref(), &path, size, &doing).await?;
            let int96 = metadata
                .file_metadata()
                .schema_descr()
                .columns()
                .iter()
                .any(|column| column.physical_type() == Type::INT96);
            if int96 {
                return Err(Error::new(
                    "int96_timestamps",
                    say!(
                        "`{}` has a file, `{}`, with timestamps in Spark's old form.",
                        name,
                        path.as_ref()
                    ),
                )
                .hint(
                    "Rewrite it in Spark with `spark.sql.parquet.outputTimestampType` set to \
                     `TIMESTAMP_MICROS`, then run the sync again.",
                ));
            }
        }
        Ok(())
    }
}

/// A Parquet file's own description of itself.
async fn footer(
    store: &dyn ObjectStore,
    path: &Path,
    size: u64,
    doing: &(impl Say + ?Sized),
) -> Result<ParquetMetaData> {
    /// The length of the metadata and the magic word.
    const TAIL: u64 = 8;
    let range = |length: u64| size.saturating_sub(length)..size;
    let tail = store.get_range(path, range(TAIL)).await.map_err(|error| failed(doing, &error))?;
    let length = tail.first_chunk().map_or(0, |length| u64::from(u32::from_le_bytes(*length)));
    let bytes =
        store.get_range(path, range(length + TAIL)).await.map_err(|error| failed(doing, &error))?;
    let metadata = bytes.get(..length as usize).unwrap_or_default();
    ParquetMetaDataReader::decode_metadata(metadata).map_err(|error| failed(doing, &error))
}
