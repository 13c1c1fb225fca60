//! One table as the lake has it: the handle on it for a run, and whether Headgate may write it.

use std::collections::BTreeMap;
use std::sync::Arc;

use delta_kernel::Error::InvalidTableLocation;
use deltalake::errors::DeltaTableError;
use deltalake::kernel::{DataType, PrimitiveType};
use deltalake::table::state::DeltaTableState;
use deltalake::{DeltaTable, ObjectMeta, ObjectStore};
use futures::TryStreamExt;
use headgate_terms::{Column, ColumnType, Error, Result, Shown, TableName, say};
use serde_json::Value;

use crate::asks;
use crate::edge::{foreign_files, leaves, vector_leaves};
use crate::failure::{failed, unreadable};
use crate::guard::{Guard, Mark};
use crate::lake::Lake;
use crate::log::{Story, is_checkpoint, is_commit, version_of};
use crate::rows::cut;

/// A table that Headgate may write: the one handle on it for a run, brought up to date with
/// [`Lake::refresh`].
#[derive(Debug, Clone)]
pub struct LakeTable {
    pub(crate) delta: DeltaTable,
    guard: Arc<Guard>,
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
        self.delta.version().unwrap_or_default()
    }

    /// The id that its maker gave it: another table in its place has another.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The last batch of an application that it has; none when it has none.
    #[must_use]
    pub fn txn(&self, app: &str) -> Option<i64> {
        self.txns.get(app).copied()
    }

    /// The applications whose transactions it has.
    pub(crate) fn apps(&self) -> impl Iterator<Item = &str> {
        self.txns.keys().map(String::as_str)
    }

    /// The table in a later state that was reached through this handle.
    pub(crate) fn with(&self, name: &TableName, state: DeltaTableState) -> Result<Self> {
        let mut delta = self.delta.clone();
        delta.state = Some(state);
        let newer = opened(name, delta, self.guard.clone())?;
        Ok(Self { checkpoint: newer.checkpoint.max(self.checkpoint), ..newer })
    }

    pub(crate) fn state(&self, name: &TableName) -> Result<&DeltaTableState> {
        self.delta.snapshot().map_err(|error| failed(&open(name), &error))
    }

    /// Refuses a table whose rows Headgate may not replace: one for new rows only, with a change feed,
    /// or with deletion vectors.
    ///
    /// # Errors
    /// `unsupported_table`.
    pub fn refuse_rewriting(&self, name: &TableName) -> Result<()> {
        asks::refuse_rewriting(name, self.state(name)?)
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
    /// Opens a table to write; none when there is none.
    ///
    /// # Errors
    /// `foreign_table` (E25), `unsupported_table` (E28).
    pub async fn table(&self, name: &TableName) -> Result<Option<LakeTable>> {
        if self.table_path(name).is_file() {
            return Err(foreign(name, "is a file"));
        }
        let mut loaded = self.load_guarded(name).await?;
        if loaded.is_none()
            && let Err(strangers) = self.refuse_strangers(name).await
        {
            // They may be the table's own, when somebody made it at this moment.
            loaded = self.load_guarded(name).await?;
            if loaded.is_none() {
                return Err(strangers);
            }
        }
        let Some((delta, guard)) = loaded else { return Ok(None) };
        let table = opened(name, delta, guard)?;
        self.refuse_unwritable(name)?;
        Ok(Some(table))
    }

    /// Brings a handle up to date, reading only what is new.
    ///
    /// # Errors
    /// `table_behind` when the table is gone, is another, or has not the version that it had; else as
    /// [`Self::table`].
    pub async fn refresh(&self, name: &TableName, table: LakeTable) -> Result<LakeTable> {
        let version = table.version();
        let files = self.log_from(name, version).await?;
        let news = News::of(&files, &table);
        if !news.is_continued {
            return self.reopened(name, &table).await;
        }
        let checkpoint = table.checkpoint.max(news.checkpoint);
        if news.newest == version {
            return Ok(LakeTable { checkpoint, ..table });
        }
        let mut delta = table.delta.clone();
        if let Err(error) = delta.update_state().await {
            tracing::debug!(table = %name, %error, "reading the table anew");
            return self.reopened(name, &table).await;
        }
        refuse_foreign_adds(name, &delta)?;
        let newer = opened(name, delta, table.guard.clone())?;
        if newer.id != table.id || newer.version() < version {
            return Err(behind(name, &table, Some(&newer.delta)));
        }
        Ok(LakeTable { checkpoint: newer.checkpoint.max(checkpoint), ..newer })
    }

    /// The table read from nothing, as long as it goes on from what the handle knows.
    async fn reopened(&self, name: &TableName, table: &LakeTable) -> Result<LakeTable> {
        let Some((delta, guard)) = self.load_guarded(name).await? else {
            return Err(behind(name, table, None));
        };
        let state = delta.snapshot().map_err(|error| failed(&open(name), &error))?;
        if state.metadata().id() != table.id || state.version() < table.version() {
            return Err(behind(name, table, Some(&delta)));
        }
        opened(name, delta, guard)
    }

    /// The id of a table, also of one that Headgate may not write; none when there is none.
    ///
    /// # Errors
    /// When its log cannot be read.
    pub async fn id_of(&self, name: &TableName) -> Result<Option<String>> {
        let Some(table) = self.load(name).await? else { return Ok(None) };
        let state = table.snapshot().map_err(|error| failed(&open(name), &error))?;
        Ok(Some(state.metadata().id().to_owned()))
    }

    /// Refuses a table whose folder this user may not write, before rows are made for it.
    fn refuse_unwritable(&self, name: &TableName) -> Result<()> {
        // A file without a name: nothing is left behind, whatever happens.
        tempfile::tempfile_in(self.table_path(name))
            .map(|_| ())
            .map_err(|error| failed(&say!("write to `{}`", name), &error))
    }

    /// Loads a table's state; none when it has no log.
    pub(crate) async fn load(&self, name: &TableName) -> Result<Option<DeltaTable>> {
        Ok(self.load_guarded(name).await?.map(|(table, _)| table))
    }

    /// As [`Self::load`], with the way on which the log was read.
    pub(crate) async fn load_guarded(
        &self,
        name: &TableName,
    ) -> Result<Option<(DeltaTable, Arc<Guard>)>> {
        self.store
            .check_below(&self.table_path(name))
            .map_err(|outside| outside.failure(&open(name)))?;
        let guard = self.guard(name);
        let mut loaded = self.builder(name, guard.clone())?.load().await;
        if matches!(&loaded, Err(DeltaTableError::KernelError(InvalidTableLocation(_)))) {
            // Not even a folder, unless somebody has made it since the library looked.
            if self.is_empty(&self.log(name)).await? {
                return Ok(None);
            }
            loaded = self.builder(name, guard.clone())?.load().await;
        }
        match loaded {
            Ok(table) => {
                refuse_foreign_adds(name, &table)?;
                Ok(Some((table, guard)))
            }
            Err(DeltaTableError::NotATable(_)) => Ok(None),
            Err(error) => Err(guard.refusal().unwrap_or_else(|| {
                // The library does not say which protocol it would not read.
                let protocol = Story::by(&guard.seen(), u64::MAX).protocol;
                protocol
                    .and_then(|protocol| asks::unreadable(name, &protocol))
                    .unwrap_or_else(|| unreadable(name, &error))
            })),
        }
    }

    /// Refuses a place where something lies that is neither a table nor left over from a write.
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

/// A table that was loaded, as far as Headgate may write it.
pub(crate) fn opened(name: &TableName, delta: DeltaTable, guard: Arc<Guard>) -> Result<LakeTable> {
    let state = delta.snapshot().map_err(|error| failed(&open(name), &error))?;
    let story = Story::by(&guard.seen(), state.version());
    if !story.txns.keys().any(|app| app.starts_with("headgate/")) {
        return Err(foreign(name, "was not made by Headgate"));
    }
    asks::refuse(name, state)?;
    let schema = state.schema();
    let columns = schema.fields().filter_map(|field| {
        Some(Column { name: field.name().clone(), kind: column_type(field.data_type())? })
    });
    let (columns, id) = (columns.collect(), state.metadata().id().to_owned());
    let (txns, checkpoint, tip) = (story.txns, story.checkpoint, story.tip);
    Ok(LakeTable { delta, guard, id, columns, txns, checkpoint, tip })
}

/// What a log has since a handle was read.
struct News {
    /// Whether it goes on from the handle's version.
    is_continued: bool,
    newest: u64,
    checkpoint: Option<u64>,
}

impl News {
    fn of(files: &[ObjectMeta], table: &LakeTable) -> Self {
        let version = table.version();
        let mut news = Self { is_continued: false, newest: version, checkpoint: None };
        let mut is_other = false;
        for file in files {
            let Some(name) = file.location.filename() else { continue };
            let Some(at) = version_of(name).filter(|at| *at >= version) else { continue };
            if is_checkpoint(name) {
                news.checkpoint = news.checkpoint.max(Some(at));
            }
            // A checkpoint stands for its version when the log was cleaned up behind it.
            news.is_continued |= (at == version && is_commit(name)) || is_checkpoint(name);
            is_other |= table.tip.iter().any(|(tip, mark)| tip == name && *mark != Mark::of(file));
            if is_commit(name) || is_checkpoint(name) {
                news.newest = news.newest.max(at);
            }
        }
        news.is_continued &= !is_other;
        news
    }
}

/// A table that is not what it was, or not there.
fn behind(name: &TableName, table: &LakeTable, now: Option<&DeltaTable>) -> Error {
    let version = table.version();
    let id = |now: &DeltaTable| now.snapshot().ok().map(|now| now.metadata().id().to_owned());
    let message = match now {
        None => say!("`{}` is gone; it was at version {}.", name, version),
        Some(now) if id(now).as_deref() != Some(table.id()) => say!(
            "`{}` was made again: its id is `{}` and should be `{}`.",
            name,
            id(now).unwrap_or_default(),
            table.id()
        ),
        Some(now) => say!(
            "`{}` is at version {} and should be at {} or later.",
            name,
            now.version().unwrap_or_default(),
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
