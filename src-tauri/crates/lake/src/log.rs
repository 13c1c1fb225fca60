//! A table's log read as it lies: who committed what and when, and whose transactions it carries.
//!
//! For people and for the question whose table it is; the rows are read through the library.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path as FilePath;
use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{RecordBatch, StructArray};
use deltalake::ObjectStore;
use deltalake::logstore::object_store::ObjectStoreExt;
use deltalake::logstore::object_store::path::Path;
use deltalake::parquet::arrow::ProjectionMask;
use deltalake::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use futures::TryStreamExt;
use headgate_terms::{Column, Result, Shown, TableName, say};
use serde::Serialize;
use serde_json::Value;
use ts_rs::TS;

use crate::edge::{leaves, vector_leaves};
use crate::failure::failed;
use crate::lake::Lake;
use crate::swell::{self, as_views, bytes_of, is_too_far, rows_at_once, too_far};
use crate::table::{columns_of, foreign_path};

/// One commit of a table.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct CommitEntry {
    /// Its version.
    pub version: u64,
    /// When, in RFC 3339.
    pub at: Option<String>,
    /// What it was called, such as `WRITE` or `MERGE`.
    pub operation: Option<String>,
    /// Which program wrote it.
    pub engine: Option<String>,
    /// The run of Headgate's that did, if one did.
    pub run: Option<String>,
    /// Rows that came in; for a merge the rows that were merged.
    pub rows_added: u64,
    /// Files that came in.
    pub files_added: u64,
    /// Files that went.
    pub files_removed: u64,
    /// Columns that the table has since.
    pub columns_added: Vec<Column>,
}

/// The word in a commit for the run that made it.
pub(crate) const RUN: &str = "headgateRun";
/// The word in a commit for the rows it brought.
pub(crate) const ROWS: &str = "headgateRows";

impl Lake {
    /// Every commit that the log still has, newest first.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn history(&self, name: &TableName) -> Result<Vec<CommitEntry>> {
        let mut entries = Vec::new();
        let mut columns: Vec<Column> = Vec::new();
        for (version, path) in self.commits(name).await? {
            let actions = self.actions(&path).await?;
            let mut entry = CommitEntry {
                version,
                at: None,
                operation: None,
                engine: None,
                run: None,
                rows_added: 0,
                files_added: 0,
                files_removed: 0,
                columns_added: Vec::new(),
            };
            let mut rows = None;
            for action in &actions {
                if let Some(info) = action.get("commitInfo") {
                    let text = |key: &str| info.get(key).and_then(Value::as_str).map(str::to_owned);
                    entry.at = info.get("timestamp").and_then(Value::as_i64).map(format_millis);
                    entry.operation = text("operation");
                    entry.engine = text("engineInfo").or_else(|| text("clientVersion"));
                    entry.run = text(RUN);
                    rows = info.get(ROWS).and_then(Value::as_u64);
                } else if let Some(add) = action.get("add") {
                    entry.files_added += 1;
                    if add.get("dataChange").and_then(Value::as_bool) != Some(false) {
                        entry.rows_added += rows_of(add);
                    }
                } else if action.get("remove").is_some() {
                    entry.files_removed += 1;
                } else if let Some(metadata) = action.get("metaData") {
                    let now = columns_of(metadata);
                    let had = |column: &Column| columns.iter().any(|c| c.name == column.name);
                    entry.columns_added = now.iter().filter(|c| !had(c)).cloned().collect();
                    columns = now;
                }
            }
            if let Some(rows) = rows {
                entry.rows_added = rows;
            }
            entries.push(entry);
        }
        entries.reverse();
        Ok(entries)
    }

    /// The latest version of every application's transactions, as far as `wanted` asks: reading
    /// stops at the first that it accepts.
    pub(crate) async fn transactions(
        &self,
        name: &TableName,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, i64>> {
        let mut found = BTreeMap::new();
        let commits = self.commits(name).await?;
        let oldest = commits.first().map(|(version, _)| *version);
        for (_, path) in commits.into_iter().rev() {
            for action in self.actions(&path).await? {
                let Some(txn) = action.get("txn") else { continue };
                if let (Some(app), Some(version)) = (txn["appId"].as_str(), txn["version"].as_i64())
                {
                    found.entry(app.to_owned()).or_insert(version);
                    if wanted(app) {
                        return Ok(found);
                    }
                }
            }
        }
        if oldest != Some(0) {
            self.checkpoint_transactions(name, &mut found).await?;
        }
        Ok(found)
    }

    /// What the newest checkpoint knows of transactions whose commits are gone.
    async fn checkpoint_transactions(
        &self,
        name: &TableName,
        found: &mut BTreeMap<String, i64>,
    ) -> Result<()> {
        let doing = say!("read the checkpoints of `{}`", name);
        let mut checkpoints: Vec<Path> = self
            .store
            .list(Some(&self.path(name).join("_delta_log")))
            .try_filter_map(|object| async move {
                let is = object.location.filename().is_some_and(|name| {
                    name.contains(".checkpoint.") && name.ends_with(".parquet")
                });
                Ok(is.then_some(object.location))
            })
            .try_collect()
            .await
            .map_err(|error| failed(&doing, &error))?;
        checkpoints.sort();
        for path in checkpoints.into_iter().rev() {
            let read = self.store.get(&path).await.map_err(|error| failed(&doing, &error))?;
            let bytes = read.bytes().await.map_err(|error| failed(&doing, &error))?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
                .map_err(|error| failed(&doing, &error))?;
            let mask = ProjectionMask::columns(reader.parquet_schema(), ["txn"]);
            let batches =
                reader.with_projection(mask).build().map_err(|error| failed(&doing, &error))?;
            for batch in batches {
                let batch = batch.map_err(|error| failed(&doing, &error))?;
                let Some(txn) = batch.column_by_name("txn").and_then(|c| c.as_struct_opt()) else {
                    continue;
                };
                let (Some(apps), Some(versions)) =
                    (txn.column_by_name("appId"), txn.column_by_name("version"))
                else {
                    continue;
                };
                let versions = versions.as_primitive::<Int64Type>();
                for (row, app) in apps.as_string::<i32>().iter().enumerate() {
                    if let Some(app) = app.filter(|_| txn.is_valid(row)) {
                        found.entry(app.to_owned()).or_insert(versions.value(row));
                    }
                }
            }
        }
        Ok(())
    }

    /// The newest protocol that the log still names, read without the library's consent.
    pub(crate) async fn protocol(&self, name: &TableName) -> Result<Option<Value>> {
        for (_, path) in self.commits(name).await?.into_iter().rev() {
            for mut action in self.actions(&path).await? {
                if let Some(protocol) = action.get_mut("protocol") {
                    return Ok(Some(protocol.take()));
                }
            }
        }
        Ok(None)
    }

    /// Waits until a commit and the files it adds are on disk.
    pub(crate) async fn persist_commit(&self, name: &TableName, version: u64) -> Result<()> {
        let file = format!("_delta_log/{version:020}.json");
        let path = self.path(name).join("_delta_log").join(format!("{version:020}.json"));
        let mut files = vec![file];
        for action in self.actions(&path).await? {
            files.extend(action["add"]["path"].as_str().map(str::to_owned));
        }
        self.persist(name, files).await
    }

    /// Refuses a table whose log names files outside its folder, in whatever action, before
    /// anything else of it is read. Files of the log that were looked through are not again.
    pub(crate) async fn refuse_foreign_files(&self, name: &TableName) -> Result<()> {
        let doing = say!("read the log of `{}`", name);
        let log = self.path(name).join("_delta_log");
        let files: Vec<_> = self
            .store
            .list(Some(&log))
            .try_collect()
            .await
            .map_err(|error| failed(&doing, &error))?;
        for file in files {
            let mark = (file.location, file.size, file.last_modified.timestamp_micros());
            if self.checked.lock().is_ok_and(|checked| checked.contains(&mark)) {
                continue;
            }
            let path = &mark.0;
            let foreign = match path.extension() {
                Some("json") => self.actions(path).await?.iter().find_map(foreign_in),
                Some("parquet") => self.foreign_in_checkpoint(path, &doing).await?,
                _ => None,
            };
            if let Some(foreign) = foreign {
                return Err(foreign_path(name, &foreign));
            }
            if let Ok(mut checked) = self.checked.lock() {
                checked.insert(mark);
            }
        }
        Ok(())
    }

    /// The first path in a checkpoint, or in a part of one, that leaves the table. Refuses one that
    /// takes far more memory than its size.
    async fn foreign_in_checkpoint(&self, path: &Path, doing: &Shown) -> Result<Option<String>> {
        let read = self.store.get(path).await.map_err(|error| failed(doing, &error))?;
        let bytes = read.bytes().await.map_err(|error| failed(doing, &error))?;
        let size = bytes.len() as u64;
        let options = || ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata =
            ArrowReaderMetadata::load(&bytes, options()).map_err(|error| failed(doing, &error))?;
        let largest = swell::largest(metadata.metadata(), Cursor::new(&bytes), size)
            .map_err(|error| failed(doing, &error))?;
        if is_too_far(largest, size) {
            return Err(too_far(doing, FilePath::new(path.as_ref())));
        }
        let views = options().with_schema(Arc::new(as_views(metadata.schema())));
        // Every column: whoever reads the checkpoint next does not share values among rows.
        let batches = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, views)
            .and_then(|reader| reader.with_batch_size(rows_at_once(largest, size, ACTIONS)).build())
            .map_err(|error| failed(doing, &error))?;
        let mut taken = 0;
        for batch in batches {
            let batch = batch.map_err(|error| failed(doing, &error))?;
            taken += bytes_of(&batch);
            if is_too_far(taken, size) {
                return Err(too_far(doing, FilePath::new(path.as_ref())));
            }
            if let Some(path) = PATHS.iter().find_map(|action| foreign_in_column(&batch, action)) {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// The commit files, oldest first.
    async fn commits(&self, name: &TableName) -> Result<Vec<(u64, Path)>> {
        let log = self.path(name).join("_delta_log");
        let mut commits: Vec<(u64, Path)> = self
            .store
            .list_with_delimiter(Some(&log))
            .await
            .map_err(|error| failed(&say!("list the log of `{}`", name), &error))?
            .objects
            .into_iter()
            .filter_map(|object| {
                let version = object.location.filename()?.strip_suffix(".json")?.parse().ok()?;
                Some((version, object.location))
            })
            .collect();
        commits.sort();
        Ok(commits)
    }

    async fn actions(&self, path: &Path) -> Result<Vec<Value>> {
        let doing = say!("read `/{}`", path.as_ref());
        let found = self.store.get(path).await.map_err(|error| failed(&doing, &error))?;
        let bytes = found.bytes().await.map_err(|error| failed(&doing, &error))?;
        bytes
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).map_err(|error| failed(&doing, &error)))
            .collect()
    }
}

/// The actions that name a file.
const PATHS: [&str; 4] = ["add", "remove", "cdc", "sidecar"];

/// Actions of a checkpoint that are decoded at once.
const ACTIONS: usize = 1_024;

/// The path in a checkpoint's column of an action that leaves the table, if one does.
fn foreign_in_column(batch: &RecordBatch, action: &str) -> Option<String> {
    let action = batch.column_by_name(action)?.as_struct_opt()?;
    let texts =
        |of: &StructArray, name: &str| of.column_by_name(name)?.as_string_view_opt().cloned();
    let path = texts(action, "path")
        .and_then(|paths| paths.iter().flatten().find(|path| leaves(path)).map(str::to_owned));
    path.or_else(|| {
        let vector = action.column_by_name("deletionVector")?.as_struct_opt()?;
        let (kinds, paths) = (texts(vector, "storageType")?, texts(vector, "pathOrInlineDv")?);
        let mut vectors = kinds.iter().zip(paths.iter()).filter_map(|(kind, path)| kind.zip(path));
        vectors.find(|(kind, path)| vector_leaves(kind, path)).map(|(_, path)| path.to_owned())
    })
}

/// The path in an action that leaves the table, if one does.
fn foreign_in(action: &Value) -> Option<String> {
    let leaving = |path: &Value| path.as_str().filter(|path| leaves(path)).map(str::to_owned);
    PATHS.iter().find_map(|kind| {
        let file = action.get(kind)?;
        let vector = &file["deletionVector"];
        let of_vector = &vector["pathOrInlineDv"];
        leaving(&file["path"]).or_else(|| {
            let (kind, path) = (vector["storageType"].as_str()?, of_vector.as_str()?);
            vector_leaves(kind, path).then(|| path.to_owned())
        })
    })
}

/// The rows that an added file says it holds.
fn rows_of(add: &Value) -> u64 {
    add.get("stats")
        .and_then(Value::as_str)
        .and_then(|stats| serde_json::from_str::<Value>(stats).ok())
        .and_then(|stats| stats.get("numRecords").and_then(Value::as_u64))
        .unwrap_or(0)
}

pub(crate) fn format_millis(millis: i64) -> String {
    deltalake::arrow::temporal_conversions::timestamp_ms_to_datetime(millis)
        .map(|at| format!("{}Z", at.format("%Y-%m-%dT%H:%M:%S%.3f")))
        .unwrap_or_default()
}
