//! A table's log, read file by file: its history for display, and what the library does not return, such as
//! transactions, restores and paths of files.
//!
//! [`Lake::history`] lists commits. `look_through_commit` and `look_through_checkpoint` refuse a log that
//! names files outside its table. Rows are read through the library.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::io::Cursor;
use std::path::Path as FilePath;
use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, StructArray};
use arrow_schema::ArrowError;
use deltalake::ObjectStore;
use deltalake::arrow::compute::filter_record_batch;
use deltalake::logstore::object_store::path::Path;
use deltalake::logstore::object_store::{self, ObjectStoreExt};
use deltalake::parquet::arrow::ProjectionMask;
use deltalake::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use deltalake::parquet::file::reader::ChunkReader;
use headgate_terms::{Column, Result, Shown, TableName, say};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::edge::{leaves, vector_leaves};
use crate::failure::{damaged, failed};
use crate::guard::{Mark, Seen};
use crate::lake::Lake;
use crate::swell::{self, as_views, bytes_of, is_too_far, rows_at_once, too_far};
use crate::table::{LakeTable, columns_of, foreign_path};

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
    /// The installation of Headgate's that did, if one did and said so.
    pub installation: Option<String>,
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
/// The word in a commit for the installation that made it.
pub(crate) const INSTALLATION: &str = "headgateInstallation";

/// What a file of a log says, besides which files the table has.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct LogFileFacts {
    pub(crate) txns: BTreeMap<String, i64>,
    protocol: Option<Value>,
    operation: Option<String>,
    /// Whether it says what the table is, and not only what is in it.
    pub(crate) is_turn: bool,
    /// Whether it is not enough to know of its files: some are named in other files, or rows of theirs are deleted.
    pub(crate) has_more: bool,
    /// Whether every column was looked through, and not only those that are read for an append.
    pub(crate) is_whole: bool,
}

impl LogFileFacts {
    fn by(actions: &[Value]) -> Self {
        let mut said = Self { is_whole: true, ..Self::default() };
        for action in actions {
            let is_one = |kind: &str| action.get(kind).is_some_and(|it| !it.is_null());
            said.is_turn |= is_one("metaData") || is_one("protocol");
            let of_files = ["add", "remove"].iter().filter_map(|kind| action.get(*kind));
            said.has_more |= is_one("sidecar")
                || of_files.into_iter().any(|file| !file["deletionVector"].is_null());
            let txn = &action["txn"];
            if let (Some(app), Some(version)) = (txn["appId"].as_str(), txn["version"].as_i64()) {
                said.txns.insert(app.to_owned(), version);
            }
            if let Some(protocol) = action.get("protocol").filter(|protocol| !protocol.is_null()) {
                said.protocol = Some(protocol.clone());
            }
            if let Some(info) = action.get("commitInfo") {
                said.operation = info["operation"].as_str().map(str::to_owned);
            }
        }
        said
    }
}

/// What RESTORE took from a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// The newest commit that restored an earlier state.
    pub version: u64,
    /// The rows that the table has less since, as far as its log still tells.
    pub rows: u64,
}

/// What the files of a log say as one, up to a version.
#[derive(Debug, Default)]
pub(crate) struct Story {
    /// The latest version of every application's transactions.
    pub(crate) txns: BTreeMap<String, i64>,
    /// The newest protocol.
    pub(crate) protocol: Option<Value>,
    /// The newest checkpoint.
    pub(crate) checkpoint: Option<u64>,
    /// The state of the files of the version itself.
    pub(crate) tip: Vec<(String, Mark)>,
    /// Whether the files of the table must be read to know them.
    pub(crate) has_more: bool,
}

impl Story {
    /// What these files say up to a version.
    pub(crate) fn by(files: &Seen, version: u64) -> Self {
        let mut files: Vec<_> = files.iter().collect();
        files.sort_by_key(|(file, _)| std::cmp::Reverse(version_of(file)));
        let mut story = Self::default();
        for (file, (mark, said)) in files {
            let Some(at) = version_of(file).filter(|at| *at <= version) else { continue };
            // A checkpoint, in however many parts, says all that was before it.
            if story.checkpoint.is_some_and(|checkpoint| at < checkpoint) {
                break;
            }
            for (app, batch) in &said.txns {
                story.txns.entry(app.clone()).or_insert(*batch);
            }
            story.protocol = story.protocol.or_else(|| said.protocol.clone());
            story.has_more |= said.has_more;
            if is_checkpoint(file) {
                story.checkpoint = Some(at);
            }
            if at == version {
                story.tip.push((file.clone(), mark.clone()));
            }
        }
        story
    }
}

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
                installation: None,
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
                    entry.installation = text(INSTALLATION);
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

    /// What RESTORE took from a table after the version `since`; `None` when nobody restored it.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn restored(
        &self,
        name: &TableName,
        table: &LakeTable,
        since: u64,
    ) -> Result<Option<Restored>> {
        let log = self.log(name);
        let (mut newest, mut taken, mut brought) = (None, 0, 0);
        for version in since + 1..=table.version() {
            let operation = match self.logs.seen(&log, &commit_file(version)) {
                Some((_, said)) => said.operation.clone(),
                None => {
                    LogFileFacts::by(&self.commit(name, version).await?.unwrap_or_default())
                        .operation
                }
            };
            if operation.as_deref() == Some("RESTORE") {
                newest = Some(version);
                let (took, gave) = self.rows_restored(name, version).await?;
                (taken, brought) = (taken + took, brought + gave);
            }
        }
        Ok(newest.map(|version| Restored { version, rows: taken.saturating_sub(brought) }))
    }

    /// The rows that a commit took from a table and those that it brought.
    pub(crate) async fn rows_restored(&self, name: &TableName, version: u64) -> Result<(u64, u64)> {
        let path = |file: &Value| file["path"].as_str().unwrap_or_default().to_owned();
        let actions = self.commit(name, version).await?.unwrap_or_default();
        let brought = actions.iter().filter_map(|action| action.get("add")).map(rows_of).sum();
        let mut gone: HashMap<String, Option<u64>> = actions
            .iter()
            .filter_map(|action| action.get("remove"))
            .map(|remove| (path(remove), stated_rows(remove)))
            .collect();
        for before in (0..version).rev() {
            if gone.values().all(Option::is_some) {
                break;
            }
            let Some(actions) = self.commit(name, before).await? else { break };
            for add in actions.iter().filter_map(|action| action.get("add")) {
                if let Some(rows @ None) = gone.get_mut(&path(add)) {
                    *rows = Some(rows_of(add));
                }
            }
        }
        Ok((gone.values().flatten().sum(), brought))
    }

    /// The commit files, oldest first.
    pub(crate) async fn commits(&self, name: &TableName) -> Result<Vec<(u64, Path)>> {
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

    pub(crate) async fn actions(&self, path: &Path) -> Result<Vec<Value>> {
        let doing = reading(path);
        let found = self.store.get(path).await.map_err(|error| failed(&doing, &error))?;
        let bytes = found.bytes().await.map_err(|error| failed(&doing, &error))?;
        parse(&bytes, &doing)
    }

    /// The actions of one commit; `None` when its file is not there.
    pub(crate) async fn commit(
        &self,
        name: &TableName,
        version: u64,
    ) -> Result<Option<Vec<Value>>> {
        let path = self.log(name).join(commit_file(version));
        let doing = reading(&path);
        let found = match self.store.get(&path).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(&doing, &error)),
        };
        let bytes = found.bytes().await.map_err(|error| failed(&doing, &error))?;
        parse(&bytes, &doing).map(Some)
    }

    /// The folder of a table's log in the store, links resolved: so the store lists what is in it.
    pub(crate) fn log(&self, name: &TableName) -> Path {
        let real = self.table_path(name).join("_delta_log").canonicalize().ok();
        real.and_then(|real| Path::from_absolute_path(real).ok())
            .unwrap_or_else(|| self.path(name).join("_delta_log"))
    }
}

/// The name of a commit's file.
pub(crate) fn commit_file(version: u64) -> String {
    format!("{version:020}.json")
}

/// The version that a file of a log brings its table to; `None` for other files.
pub(crate) fn version_of(file: &str) -> Option<u64> {
    let digits = |at: usize| file.get(at..at + 20)?.parse().ok();
    let first = digits(0)?;
    // `<from>.<to>.compacted.json` stands for many commits.
    if file.ends_with(".compacted.json") { digits(21) } else { Some(first) }
}

/// Whether a file of a log is a checkpoint, or a part of one.
pub(crate) fn is_checkpoint(file: &str) -> bool {
    file.contains(".checkpoint.")
}

fn reading(path: &Path) -> Shown {
    say!("read `/{}`", path.as_ref())
}

/// A file of a log whose bytes are not what it should hold.
fn broken(doing: &Shown, error: &dyn Error) -> headgate_terms::Error {
    tracing::warn!(%error, %doing, "a file of a log is damaged");
    damaged(&say!("Could not {}: the file is damaged", doing))
}

fn parse(commit: &[u8], doing: &Shown) -> Result<Vec<Value>> {
    let lines = commit.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(|error| broken(doing, &error))).collect()
}

/// Refuses a commit, or a checkpoint in JSON, that names a file which is not the table's own, in
/// whatever action.
pub(crate) fn look_through_commit(
    name: &TableName,
    path: &Path,
    bytes: &[u8],
) -> Result<LogFileFacts> {
    let actions = parse(bytes, &reading(path))?;
    match actions.iter().find_map(foreign_in) {
        Some(foreign) => Err(foreign_path(name, &foreign)),
        None => Ok(LogFileFacts::by(&actions)),
    }
}

/// As [`look_through_commit`], for a checkpoint, or a part of one, in Parquet. Refuses one that takes
/// far more memory than its size, in the columns that are read next: all, or those that an append needs.
pub(crate) fn look_through_checkpoint<B>(
    name: &TableName,
    path: &Path,
    bytes: B,
    is_whole: bool,
) -> Result<LogFileFacts>
where
    B: ChunkReader + AsRef<[u8]> + 'static,
{
    let doing = reading(path);
    let size = bytes.len();
    let options = || ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata =
        ArrowReaderMetadata::load(&bytes, options()).map_err(|error| broken(&doing, &error))?;
    let largest = swell::largest(metadata.metadata(), Cursor::new(bytes.as_ref()), size)
        .map_err(|error| broken(&doing, &error))?;
    if is_too_far(largest, size) {
        return Err(too_far(&doing, FilePath::new(path.as_ref())));
    }
    let views = options().with_schema(Arc::new(as_views(metadata.schema())));
    let columns = metadata.metadata().file_metadata().schema_descr();
    let is_read = |leaf: &usize| is_whole || is_for_appends(columns.column(*leaf).path().parts());
    let mask = ProjectionMask::leaves(columns, (0..columns.num_columns()).filter(is_read));
    // Whoever reads these columns next does not share values among rows.
    let batches = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, views)
        .and_then(|reader| {
            let reader = reader.with_projection(mask);
            reader.with_batch_size(rows_at_once(largest, size, ACTIONS)).build()
        })
        .map_err(|error| broken(&doing, &error))?;
    let (mut taken, mut actions, mut has_more) = (0, Vec::new(), false);
    for batch in batches {
        let batch = batch.map_err(|error| broken(&doing, &error))?;
        taken += bytes_of(&batch);
        if is_too_far(taken, size) {
            return Err(too_far(&doing, FilePath::new(path.as_ref())));
        }
        if let Some(path) = PATHS.iter().find_map(|action| foreign_in_column(&batch, action)) {
            return Err(foreign_path(name, &path));
        }
        has_more |= has_more_files(&batch);
        actions.extend(noted(&batch).map_err(|error| failed(&doing, &error))?);
    }
    Ok(LogFileFacts { has_more, is_whole, ..LogFileFacts::by(&actions) })
}

/// Whether a column of a checkpoint is read to append: what the table is, and where its files are.
fn is_for_appends(path: &[String]) -> bool {
    match path {
        [action, field, ..] if matches!(&**action, "add" | "remove" | "cdc") => {
            matches!(&**field, "path" | "deletionVector")
        }
        _ => true,
    }
}

/// Whether actions of a checkpoint name files with more files, or with deleted rows.
fn has_more_files(batch: &RecordBatch) -> bool {
    let is_any = |column: &ArrayRef| column.null_count() < column.len();
    let has_vectors = |action: &str| {
        let files = batch.column_by_name(action).and_then(|files| files.as_struct_opt());
        let vectors = files.and_then(|files| files.column_by_name("deletionVector"));
        vectors.is_some_and(is_any)
    };
    batch.column_by_name("sidecar").is_some_and(is_any)
        || ["add", "remove"].map(has_vectors).contains(&true)
}

/// The actions of a checkpoint that [`LogFileFacts`] asks for.
fn noted(batch: &RecordBatch) -> Result<Vec<Value>, ArrowError> {
    let schema = batch.schema();
    let wanted: Vec<usize> =
        ["txn", "protocol"].iter().filter_map(|action| schema.index_of(action).ok()).collect();
    let batch = batch.project(&wanted)?;
    let is_one = |row| batch.columns().iter().any(|action| action.is_valid(row));
    let rows = filter_record_batch(
        &batch,
        &(0..batch.num_rows()).map(|r| Some(is_one(r))).collect::<BooleanArray>(),
    )?;
    if rows.num_rows() == 0 {
        return Ok(Vec::new());
    }
    let mut writer = deltalake::arrow::json::ArrayWriter::new(Vec::new());
    writer.write(&rows)?;
    writer.finish()?;
    serde_json::from_slice(&writer.into_inner())
        .map_err(|error| ArrowError::JsonError(error.to_string()))
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
        // Without a vector there is nothing in the file, and something here where nothing may not be.
        let is_one = |row: &usize| action.is_valid(*row) && vector.is_valid(*row);
        let mut vectors = (0..vector.len()).filter(is_one);
        vectors
            .find(|row| vector_leaves(kinds.value(*row), paths.value(*row)))
            .map(|row| paths.value(row).to_owned())
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
    stated_rows(add).unwrap_or(0)
}

fn stated_rows(file: &Value) -> Option<u64> {
    let stats: Value = serde_json::from_str(file["stats"].as_str()?).ok()?;
    stats["numRecords"].as_u64()
}

pub(crate) fn format_millis(millis: i64) -> String {
    deltalake::arrow::temporal_conversions::timestamp_ms_to_datetime(millis)
        .map(|at| format!("{}Z", at.format("%Y-%m-%dT%H:%M:%S%.3f")))
        .unwrap_or_default()
}
