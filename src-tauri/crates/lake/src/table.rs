//! [`LakeTable`]: one table that Headgate may write, opened once in a run and then kept up to date.
//!
//! Appending does not require the list of a table's files, which can be long; they are read only on request.

use std::collections::BTreeMap;
use std::sync::Arc;

use delta_kernel::Error::InvalidTableLocation;
use deltalake::errors::DeltaTableError;
use deltalake::kernel::{DataType, PrimitiveType, Snapshot};
use deltalake::table::state::DeltaTableState;
use deltalake::{DeltaTable, ObjectStore};
use futures::TryStreamExt;
use headgate_terms::{Column, ColumnType, Error, Result, Shown, TableName, say};
use serde_json::Value;

use crate::asks;
use crate::edge::{foreign_files, leaves, vector_leaves};
use crate::failure::{failed, unreadable};
use crate::guard::{Guard, Mark};
use crate::lake::Lake;
use crate::log::{Story, commit_file};
use crate::rows::cut;

/// A table that Headgate may write: the one handle on it for a run, brought up to date with
/// [`Lake::refresh`].
#[derive(Debug, Clone)]
pub struct LakeTable {
    /// The library's handle, with the table's files as they were read last, if they were.
    pub(crate) delta: DeltaTable,
    /// What the table is, as a version said it that no later one changed.
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) guard: Arc<Guard>,
    version: u64,
    id: String,
    columns: Vec<Column>,
    txns: BTreeMap<String, i64>,
    /// The newest checkpoint.
    pub(crate) checkpoint: Option<u64>,
    /// The files of the log that have its version, by name.
    tip: Vec<(String, Mark)>,
}

impl LakeTable {
    /// Its columns in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The version that was read.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The id that its maker gave it: another table in its place has another.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The last batch of an application that it has, if any.
    #[must_use]
    pub fn txn(&self, app: &str) -> Option<i64> {
        self.txns.get(app).copied()
    }

    /// The applications whose transactions it has.
    pub(crate) fn apps(&self) -> impl Iterator<Item = &str> {
        self.txns.keys().map(String::as_str)
    }

    /// Takes in the commits after its version, up to another; false when the log does not simply go on, or
    /// one of them changes what the table is.
    async fn go_on(&mut self, name: &TableName, to: Option<u64>) -> Result<bool> {
        for (file, mark) in &self.tip {
            let is_same = self.guard.is_same(file, mark).await;
            if !is_same.map_err(|error| self.guard.unread(name, &error))? {
                return Ok(false);
            }
        }
        while to.is_none_or(|to| self.version < to) {
            let file = commit_file(self.version + 1);
            let found = self.guard.look_at(&file).await;
            match found.map_err(|error| self.guard.unread(name, &error))? {
                None => return Ok(to.is_none() && !self.tip.is_empty()),
                Some((_, said)) if said.is_turn || said.has_more => return Ok(false),
                Some((mark, said)) => {
                    self.version += 1;
                    self.txns.extend(said.txns.clone());
                    self.tip = vec![(file, mark)];
                }
            }
        }
        Ok(true)
    }

    /// Reads which files it has, or what is new of them.
    pub(crate) async fn read_files(&mut self, name: &TableName) -> Result<()> {
        self.guard.read_whole();
        let (log, version) = (self.delta.log_store(), Some(self.version));
        if let Some(mut state) = self.delta.state.take()
            && state.update(log.as_ref(), version).await.is_ok()
        {
            self.delta.state = Some(state);
        } else {
            let state = DeltaTableState::try_new(log.as_ref(), version).await;
            self.delta.state = Some(state.map_err(|error| self.guard.unread(name, &error))?);
        }
        refuse_foreign_adds(name, &self.delta)
    }

    /// Refuses a table whose rows Headgate may not replace: one for new rows only, with a change feed,
    /// or with deletion vectors.
    ///
    /// # Errors
    /// `unsupported_table`.
    pub fn refuse_rewriting(&self, name: &TableName) -> Result<()> {
        let has_vectors = self.delta.state.as_ref().is_some_and(|files| {
            files.log_data().iter().any(|file| file.deletion_vector_descriptor().is_some())
        });
        asks::refuse_rewriting(name, &self.snapshot, has_vectors)
    }

    /// The columns of `wanted` that the table lacks, names compared without case.
    ///
    /// # Errors
    /// `table_changed` when it has one with another type or spelling, so that files with the wanted
    /// columns do not fit.
    pub(crate) fn lacks(&self, name: &TableName, wanted: &[Column]) -> Result<Vec<Column>> {
        let mut missing = Vec::new();
        for column in wanted {
            match self.columns.iter().find(|has| is_same_name(&has.name, &column.name)) {
                None => missing.push(column.clone()),
                Some(has) if has == column => {}
                Some(has) => {
                    return Err(Error::new(
                        "table_changed",
                        say!("Column `{}` {} of `{}` does not match the rows that wait for it, which have `{}` {}.", has.name, has.kind, name, column.name, column.kind),
                    )
                    .hint("Run the sync again: it makes the rows again for the columns that are there.")
                    .retryable());
                }
            }
        }
        Ok(missing)
    }
}

/// Whether two column names are one to Delta.
pub(crate) fn is_same_name(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

impl Lake {
    /// Opens a table to write; `None` when it does not exist.
    ///
    /// # Errors
    /// `foreign_table` (E25), `unsupported_table` (E28).
    pub async fn table(&self, name: &TableName) -> Result<Option<LakeTable>> {
        if self.table_path(name).is_file() {
            return Err(foreign(name, "is a file"));
        }
        let mut found = self.read(name, None, false).await?;
        if found.is_none()
            && let Err(strangers) = self.refuse_strangers(name).await
        {
            // They may be the table's own, when somebody made it at this moment.
            found = self.read(name, None, false).await?;
            if found.is_none() {
                return Err(strangers);
            }
        }
        let Some(found) = found else { return Ok(None) };
        let table = opened(name, found).await?;
        self.refuse_unwritable(name)?;
        Ok(Some(table))
    }

    /// Brings a handle up to date, reading only what is new.
    ///
    /// # Errors
    /// `table_behind` when the table is gone, is another, or has not the version that it had; else as
    /// [`Self::table`].
    pub async fn refresh(&self, name: &TableName, table: LakeTable) -> Result<LakeTable> {
        self.advance(name, table, None).await
    }

    /// As [`Self::refresh`], up to a version.
    pub(crate) async fn advance(
        &self,
        name: &TableName,
        mut table: LakeTable,
        to: Option<u64>,
    ) -> Result<LakeTable> {
        if table.go_on(name, to).await? {
            return Ok(table);
        }
        let Some(found) = self.read(name, to, false).await? else {
            return Err(behind(name, &table, None));
        };
        let now = &found.snapshot;
        if now.metadata().id() != table.id || now.version() < table.version {
            return Err(behind(name, &table, Some(now)));
        }
        opened(name, found).await
    }

    /// The id of a table, also of one that Headgate may not write; `None` when it does not exist.
    ///
    /// # Errors
    /// When its log cannot be read.
    pub async fn id_of(&self, name: &TableName) -> Result<Option<String>> {
        let found = self.read(name, None, false).await?;
        Ok(found.map(|found| found.snapshot.metadata().id().to_owned()))
    }

    /// Refuses a table whose folder this user may not write, before rows are made for it.
    fn refuse_unwritable(&self, name: &TableName) -> Result<()> {
        // A file without a name: nothing is left behind, whatever happens.
        tempfile::tempfile_in(self.table_path(name))
            .map(|_| ())
            .map_err(|error| failed(&say!("write to `{}`", name), &error))
    }

    /// Loads a table's state; `None` when it has no log.
    pub(crate) async fn load(&self, name: &TableName) -> Result<Option<DeltaTable>> {
        Ok(self.load_guarded(name).await?.map(|(table, _)| table))
    }

    /// As [`Self::load`], with the way on which the log was read.
    pub(crate) async fn load_guarded(
        &self,
        name: &TableName,
    ) -> Result<Option<(DeltaTable, Arc<Guard>)>> {
        let Some(ReadTable { mut delta, snapshot, guard }) = self.read(name, None, true).await?
        else {
            return Ok(None);
        };
        let state =
            DeltaTableState::try_new(delta.log_store().as_ref(), Some(snapshot.version())).await;
        delta.state = Some(state.map_err(|error| guard.unread(name, &error))?);
        refuse_foreign_adds(name, &delta)?;
        Ok(Some((delta, guard)))
    }

    /// Reads what a table is, at a version or now, and if `is_whole` not only for an append; `None` when it has
    /// no log.
    pub(crate) async fn read(
        &self,
        name: &TableName,
        at: Option<u64>,
        is_whole: bool,
    ) -> Result<Option<ReadTable>> {
        // Of the log, what is in it is checked when it is listed, and any file when it is read. To append none of
        // the table's files is, and they are many.
        let path = self.table_path(name);
        let checked = if is_whole {
            self.store.check_below(&path)
        } else {
            self.store.check(&path.join("_delta_log"))
        };
        checked.map_err(|outside| outside.failure(&open(name)))?;
        let guard = self.guard(name);
        if is_whole {
            guard.read_whole();
        }
        let built = self.builder(name, guard.clone())?.build();
        let delta = built.map_err(|error| unreadable(name, &error))?;
        let mut read = Snapshot::try_new(delta.log_store().as_ref(), at).await;
        if matches!(&read, Err(DeltaTableError::KernelError(InvalidTableLocation(_)))) {
            // Not even a folder, unless somebody has made it since the library looked.
            if self.is_empty(&self.log(name)).await? {
                return Ok(None);
            }
            read = Snapshot::try_new(delta.log_store().as_ref(), at).await;
        }
        match read {
            Ok(snapshot) => Ok(Some(ReadTable { delta, snapshot, guard })),
            Err(DeltaTableError::NotATable(_)) => Ok(None),
            Err(error) => Err(guard.unread(name, &error)),
        }
    }

    /// Refuses a place that has something which is neither a table nor left over from a write.
    async fn refuse_strangers(&self, name: &TableName) -> Result<()> {
        let mut objects = self.store.list(Some(&self.path(name)));
        while let Some(object) =
            objects.try_next().await.map_err(|error| failed(&open(name), &error))?
        {
            let file = object.location.filename().unwrap_or_default();
            if !(file.starts_with("part-") && file.ends_with("-c000.zstd.parquet")) {
                return Err(foreign(name, "holds files that are not a Delta table"));
            }
        }
        Ok(())
    }
}

/// A table of which it was read what it is.
pub(crate) struct ReadTable {
    /// Without a state.
    delta: DeltaTable,
    snapshot: Snapshot,
    guard: Arc<Guard>,
}

/// A table that was found, as far as Headgate may write it.
pub(crate) async fn opened(name: &TableName, found: ReadTable) -> Result<LakeTable> {
    let ReadTable { delta, snapshot, guard } = found;
    let version = snapshot.version();
    guard.look_at_all(version).await.map_err(|error| guard.unread(name, &error))?;
    let story = Story::by(&guard.seen(), version);
    if !story.txns.keys().any(|app| app.starts_with("headgate/")) {
        return Err(foreign(name, "was not made by Headgate"));
    }
    asks::refuse(name, &snapshot)?;
    let schema = snapshot.schema();
    let columns = schema.fields().filter_map(|field| {
        Some(Column { name: field.name().clone(), kind: column_type(field.data_type())? })
    });
    let mut table = LakeTable {
        delta,
        guard,
        version,
        id: snapshot.metadata().id().to_owned(),
        columns: columns.collect(),
        snapshot: Arc::new(snapshot),
        txns: story.txns,
        checkpoint: story.checkpoint,
        tip: story.tip,
    };
    if story.has_more {
        table.read_files(name).await?;
    }
    Ok(table)
}

impl Guard {
    /// Why a log could not be read.
    fn unread(&self, name: &TableName, error: &(dyn std::error::Error + 'static)) -> Error {
        self.refusal().unwrap_or_else(|| {
            // The library does not say which protocol it would not read.
            let protocol = Story::by(&self.seen(), u64::MAX).protocol;
            protocol
                .and_then(|protocol| asks::unreadable(name, &protocol))
                .unwrap_or_else(|| unreadable(name, error))
        })
    }
}

/// A table that is not what it was, or not there.
fn behind(name: &TableName, table: &LakeTable, now: Option<&Snapshot>) -> Error {
    let version = table.version();
    let message = match now {
        None => say!("`{}` is gone; it was at version {}.", name, version),
        Some(now) if now.metadata().id() != table.id() => say!(
            "`{}` was made again: its id is `{}` and should be `{}`.",
            name,
            now.metadata().id(),
            table.id()
        ),
        Some(now) => say!(
            "`{}` is at version {} and should be at {} or later.",
            name,
            now.version(),
            version
        ),
    };
    Error::new("table_behind", message).hint(say!(
        "Fill it from the files that were synced: `headgate sync run --from … --to … --again --refill {}`.",
        name
    ))
}

/// Refuses a table with files that are not its own, as the library sees them. What it read from
/// checkpoints and their parts is here too.
fn refuse_foreign_adds(name: &TableName, table: &DeltaTable) -> Result<()> {
    let snapshot = table.snapshot().map_err(|error| failed(&open(name), &error))?;
    for file in snapshot.log_data().iter() {
        let path = file.path();
        if leaves(&path) {
            return Err(foreign_path(name, &path));
        }
        if let Some(vector) = file.deletion_vector_descriptor()
            && vector_leaves(vector.storage_type.as_ref(), &vector.path_or_inline_dv)
        {
            return Err(foreign_path(name, &vector.path_or_inline_dv));
        }
    }
    Ok(())
}

/// A path in a table's log that leads out of the table.
pub(crate) fn foreign_path(name: &TableName, path: &str) -> Error {
    let mut path = path.to_owned();
    cut(&mut path);
    foreign_files(say!(
        "The log of `{}` names `{}`, which is not a file of that table.",
        name,
        path
    ))
}

fn open(name: &TableName) -> Shown {
    say!("open `{}`", name)
}

fn foreign(name: &TableName, why: &str) -> Error {
    Error::new("foreign_table", say!("`{}` {}, so Headgate does not write there.", name, why))
        .hint("Move it away, or sync under another source name.")
}

pub(crate) fn column_type(kind: &DataType) -> Option<ColumnType> {
    match kind {
        DataType::Primitive(PrimitiveType::Long) => Some(ColumnType::BigInt),
        DataType::Primitive(PrimitiveType::Double) => Some(ColumnType::Double),
        DataType::Primitive(PrimitiveType::Boolean) => Some(ColumnType::Boolean),
        DataType::Primitive(PrimitiveType::String) => Some(ColumnType::String),
        DataType::Primitive(PrimitiveType::Timestamp) => Some(ColumnType::Timestamp),
        _ => None,
    }
}

pub(crate) fn delta_type(kind: ColumnType) -> DataType {
    DataType::Primitive(match kind {
        ColumnType::BigInt => PrimitiveType::Long,
        ColumnType::Double => PrimitiveType::Double,
        ColumnType::Boolean => PrimitiveType::Boolean,
        ColumnType::String => PrimitiveType::String,
        ColumnType::Timestamp => PrimitiveType::Timestamp,
    })
}

/// The columns of a `metaData` action, those of other types left out.
pub(crate) fn columns_of(metadata: &Value) -> Vec<Column> {
    let schema = metadata["schemaString"].as_str().unwrap_or_default();
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let fields = schema["fields"].as_array().cloned().unwrap_or_default();
    fields
        .iter()
        .filter_map(|field| {
            let kind = match field["type"].as_str()? {
                "long" => ColumnType::BigInt,
                "double" => ColumnType::Double,
                "boolean" => ColumnType::Boolean,
                "string" => ColumnType::String,
                "timestamp" => ColumnType::Timestamp,
                _ => return None,
            };
            Some(Column { name: field["name"].as_str()?.to_owned(), kind })
        })
        .collect()
}
