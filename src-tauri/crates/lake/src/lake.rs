//! [`Lake`]: a folder of schemas with tables in them, and the id in `_headgate/lake.json` that identifies it
//! for every installation.
//!
//! Opens or creates a lake, and lists its tables. Tables are opened in `table`.

use std::collections::HashSet;
use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::sync::{Arc, Mutex};

use deltalake::logstore::object_store::{
    self, ObjectStoreExt, PutMode, PutOptions, PutPayload, path::Path,
};
use deltalake::{DeltaTableBuilder, ObjectStore};
use futures::TryStreamExt;
use headgate_terms::{Error, Result, TableName, say};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use crate::edge::Fence;
use crate::failure::failed;
use crate::guard::{Checkpoints, Guard, Logs};
use crate::location::Location;

/// An open lake.
#[derive(Debug, Clone)]
pub struct Lake {
    location: Location,
    pub(crate) store: Arc<Fence>,
    root: Path,
    id: Option<Uuid>,
    pub(crate) logs: Arc<Logs>,
    /// Staged files that were written on this handle or a copy of it.
    pub(crate) fresh: Arc<Mutex<HashSet<Path>>>,
}

/// `_headgate/lake.json`: what every installation that writes here has to know.
#[derive(Serialize, Deserialize)]
struct Identity {
    v: u32,
    id: Uuid,
}

/// Refuses a file of `_headgate/` that a later version wrote, which may mean more than this one reads.
///
/// # Errors
/// `lake_newer`.
pub fn newest_known(name: &str, version: u32) -> Result<()> {
    if version <= 1 {
        return Ok(());
    }
    Err(Error::new("lake_newer", say!("`_headgate/{}` was written by a newer Headgate.", name))
        .hint("Update Headgate on this computer, then run it again."))
}

impl Lake {
    /// Opens a lake to write, making it a lake if it is none yet.
    ///
    /// # Errors
    /// `lake_is_a_table` when the folder itself is a Delta table, `not_a_folder` when it is a file.
    pub async fn open_or_create(location: Location) -> Result<Self> {
        if location.folder().is_file() {
            return Err(Error::new(
                "not_a_folder",
                say!("`{}` is a file, not a folder.", location),
            )
            .hint("Name a folder for the lake; it is made if it does not exist."));
        }
        if location.folder().is_symlink() && !location.folder().exists() {
            return Err(Error::new(
                "not_a_folder",
                say!("`{}` is a link to a folder that does not exist.", location),
            )
            .hint("Make the folder that it leads to, or remove the link."));
        }
        // Rows hold personal data: a folder that is made here is this user's alone.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(location.folder())
            .map_err(|error| failed(&say!("make lake `{}`", location), &error))?;
        let mut lake = Self::at(location)?;
        lake.refuse_table().await?;
        lake.id = lake.read_id().await?;
        if lake.id.is_none() {
            let id = lake.id_of_tables().await?.unwrap_or_else(Uuid::new_v4);
            lake.id =
                if lake.write_id(id, false).await? { Some(id) } else { lake.read_id().await? };
        }
        Ok(lake)
    }

    /// The id that the transactions of the tables name, where the file that said it is lost; `None` when they
    /// name several or none.
    async fn id_of_tables(&self) -> Result<Option<Uuid>> {
        let mut ids = HashSet::new();
        for name in self.tables().await? {
            if name.table.is_empty() {
                self.folders(&self.root.clone().join(name.schema.as_str())).await?;
            }
            // What is wrong with a table is told when there is something to write.
            if let Ok(Some(table)) = self.table(&name).await {
                let lakes = table.apps().filter_map(|app| app.strip_prefix("headgate/"));
                ids.extend(lakes.filter_map(|app| app.split('/').next()?.parse::<Uuid>().ok()));
            }
        }
        let mut ids = ids.into_iter();
        Ok(ids.next().filter(|_| ids.next().is_none()))
    }

    /// Opens a lake to look at, changing nothing.
    ///
    /// # Errors
    /// `lake_not_found` and `not_a_lake`.
    pub async fn open(location: Location) -> Result<Self> {
        let mut lake = Self::at(location)?;
        let folder = std::fs::metadata(lake.location.folder());
        if let Err(error) = &folder
            && error.kind() == std::io::ErrorKind::PermissionDenied
        {
            return Err(failed(&say!("open the lake `{}`", lake.location), error).field("lake"));
        }
        if !folder.is_ok_and(|folder| folder.is_dir()) {
            return Err(Error::new(
                "lake_not_found",
                say!("There is no folder `{}`.", lake.location),
            )
            .hint("Check the path; the first sync into a folder makes a lake of it.")
            .field("lake"));
        }
        lake.refuse_table().await?;
        lake.id = lake.read_id().await?;
        if lake.id.is_none() && lake.tables().await?.is_empty() {
            return Err(Error::new(
                "not_a_lake",
                say!("`{}` holds no Delta tables at `<schema>/<table>/`.", lake.location),
            )
            .hint("Name the folder that a sync wrote to; its tables lie two folders below.")
            .field("lake"));
        }
        Ok(lake)
    }

    /// As [`Self::open`], or `None` where there is no lake yet and a sync could make one.
    ///
    /// # Errors
    /// As [`Self::open`], for what a sync would refuse as well.
    pub async fn open_if_any(location: Location) -> Result<Option<Self>> {
        match Self::open(location).await {
            Ok(lake) => Ok(Some(lake)),
            Err(error) if error.code == "lake_not_found" => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn at(location: Location) -> Result<Self> {
        let store = Fence::around(location.folder().to_owned());
        Self::over(location, store)
    }

    /// As a lake at a location, reached through a store.
    fn over(location: Location, store: Fence) -> Result<Self> {
        let root = Path::from_url_path(location.url().path())
            .map_err(|error| failed(&say!("use `{}` as a lake", location), &error))?;
        let store = Arc::new(store);
        Ok(Self { location, store, root, id: None, logs: Arc::default(), fresh: Arc::default() })
    }

    /// A lake whose files are reached through `files`.
    #[cfg(test)]
    pub(crate) fn through(location: Location, files: Arc<dyn ObjectStore>) -> Result<Self> {
        let store = Fence::over(location.folder().to_owned(), files);
        Self::over(location, store)
    }

    /// Takes in what an earlier run read of the tables' checkpoints, so that those which are as they were
    /// are not read again.
    pub fn recall(&self, checkpoints: Checkpoints) {
        self.logs.recall(checkpoints);
    }

    /// What was read of the newest checkpoint of each table, where it is not what was recalled.
    #[must_use]
    pub fn new_checkpoints(&self) -> Checkpoints {
        self.logs.new_checkpoints()
    }

    async fn refuse_table(&self) -> Result<()> {
        if !self.is_empty(&self.root.clone().join("_delta_log")).await? {
            return Err(Error::new(
                "lake_is_a_table",
                say!("`{}` is itself a Delta table.", self.location),
            )
            .hint("Name the folder two levels above: a lake holds `<schema>/<table>/`.")
            .field("lake"));
        }
        Ok(())
    }

    fn identity(&self) -> Path {
        self.own("lake.json")
    }

    /// A path in the folder that Headgate keeps for itself.
    pub(crate) fn own(&self, name: &str) -> Path {
        self.root.clone().join("_headgate").join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn set_id(&mut self, id: Uuid) {
        self.id = Some(id);
    }

    /// Writes the lake's id, over another when `again`; says whether it did.
    pub(crate) async fn write_id(&self, id: Uuid, again: bool) -> Result<bool> {
        let doing = say!("write `/{}`", self.identity().as_ref());
        let text =
            serde_json::to_vec(&Identity { v: 1, id }).map_err(|error| failed(&doing, &error))?;
        let mode = if again { PutMode::Overwrite } else { PutMode::Create };
        let options = PutOptions { mode, ..PutOptions::default() };
        match self.store.put_opts(&self.identity(), PutPayload::from(text), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(failed(&doing, &error)),
        }
    }

    pub(crate) async fn read_id(&self) -> Result<Option<Uuid>> {
        let doing = say!("read `/{}`", self.identity().as_ref());
        let text = match self.store.get(&self.identity()).await {
            Ok(found) => found.bytes().await.map_err(|error| failed(&doing, &error))?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(&doing, &error)),
        };
        let identity: Identity = serde_json::from_slice(&text).map_err(|error| {
            tracing::warn!(%error, "the lake's id is damaged");
            Error::new("lake_damaged", say!("`/{}` is damaged.", self.identity().as_ref()))
                .hint("Put the file back from a backup; without its id a sync cannot go on safely.")
        })?;
        newest_known("lake.json", identity.v)?;
        Ok(Some(identity.id))
    }

    /// The random id that the first sync gave it; `None` when Headgate never wrote here.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        self.id
    }

    /// Whether another address leads to this very lake, as after a folder was mounted twice.
    #[must_use]
    pub fn is_same_place(&self, other: &Location) -> bool {
        let file = |folder: &std::path::Path| {
            let file = std::fs::metadata(folder.join("_headgate").join("lake.json")).ok()?;
            Some((file.dev(), file.ino()))
        };
        let here = file(self.location.folder());
        here.is_some() && here == file(other.folder())
    }

    /// Its location.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Every Delta table two levels down, in order of name.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub async fn tables(&self) -> Result<Vec<TableName>> {
        let mut tables = Vec::new();
        for schema in self.folders(&self.root).await? {
            // Where nobody can say what is in it, one name stands for all, and whoever opens it hears why.
            let Ok(inside) = self.folders(&self.root.clone().join(schema.as_str())).await else {
                tables.push(TableName { schema, table: String::new() });
                continue;
            };
            for table in inside {
                let name = TableName { schema: schema.clone(), table };
                if !matches!(self.is_empty(&self.path(&name).join("_delta_log")).await, Ok(true)) {
                    tables.push(name);
                }
            }
        }
        tables.sort();
        Ok(tables)
    }

    /// The folders directly below a path that can be a schema or a table.
    async fn folders(&self, below: &Path) -> Result<Vec<String>> {
        let listed = self
            .store
            .list_with_delimiter(Some(below))
            .await
            .map_err(|error| failed(&say!("list `/{}`", below.as_ref()), &error))?;
        let names = listed.common_prefixes.iter().filter_map(|path| path.filename());
        // An event called "Users" makes `_users`; our own folder and Delta's are not tables.
        let own =
            |name: &&str| !name.starts_with('.') && !matches!(*name, "_headgate" | "_delta_log");
        Ok(names.filter(own).map(str::to_owned).collect())
    }

    /// Whether nothing is below a path.
    pub(crate) async fn is_empty(&self, below: &Path) -> Result<bool> {
        let first = self.store.list(Some(below)).try_next().await;
        Ok(first.map_err(|error| failed(&say!("list `/{}`", below.as_ref()), &error))?.is_none())
    }

    /// The folder of a table in the store.
    pub(crate) fn path(&self, name: &TableName) -> Path {
        self.root.clone().join(name.schema.as_str()).join(name.table.as_str())
    }

    /// The path of a table as a user writes it.
    #[must_use]
    pub fn table_path(&self, name: &TableName) -> std::path::PathBuf {
        self.location.folder().join(&name.schema).join(&name.table)
    }

    pub(crate) fn url(&self, name: &TableName) -> Result<Url> {
        Url::from_directory_path(self.table_path(name)).map_err(|()| {
            Error::new("unsupported_location", say!("`{}` has no valid path.", name))
                .hint("Move the lake to a folder whose path is plain text.")
        })
    }

    /// The way on which the library reaches a table.
    pub(crate) fn guard(&self, name: &TableName) -> Arc<Guard> {
        let (store, logs) = (self.store.clone(), self.logs.clone());
        Arc::new(Guard::new(name.clone(), self.log(name), store, logs))
    }

    /// The library's handle on a table, its log not read.
    pub(crate) fn builder(&self, name: &TableName, guard: Arc<Guard>) -> Result<DeltaTableBuilder> {
        let url = self.url(name)?;
        Ok(DeltaTableBuilder::from_url(url.clone())
            .map_err(|error| failed(&say!("open `{}`", name), &error))?
            .with_storage_backend(guard, url))
    }
}
