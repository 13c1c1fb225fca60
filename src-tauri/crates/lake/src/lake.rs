//! A lake: a folder of schemas with tables in them, and the id that says which lake it is.

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Arc;

use deltalake::logstore::object_store::local::LocalFileSystem;
use deltalake::logstore::object_store::{
    self, ObjectStoreExt, PutMode, PutOptions, PutPayload, path::Path,
};
use deltalake::{DeltaTableBuilder, ObjectStore};
use futures::TryStreamExt;
use headgate_terms::{Error, Result, TableName};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use crate::failure::failed;
use crate::location::Location;

/// An open lake.
#[derive(Debug, Clone)]
pub struct Lake {
    location: Location,
    pub(crate) store: Arc<dyn ObjectStore>,
    root: Path,
    id: Option<Uuid>,
}

/// `_headgate/lake.json`: what every installation that writes here has to know.
#[derive(Serialize, Deserialize)]
struct Identity {
    v: u32,
    id: Uuid,
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
                format!("`{location}` is a file, not a folder."),
            )
            .hint("Name a folder for the lake; it is made if it does not exist."));
        }
        let mut lake = Self::at(location)?;
        lake.refuse_table().await?;
        let identity = Identity { v: 1, id: Uuid::new_v4() };
        let text = serde_json::to_vec(&identity)
            .map_err(|error| failed(&format!("describe lake `{}`", lake.location), &error))?;
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let put = lake.store.put_opts(&lake.identity(), PutPayload::from(text), options).await;
        lake.id = match put {
            Ok(_) => Some(identity.id),
            Err(object_store::Error::AlreadyExists { .. }) => lake.read_id().await?,
            Err(error) => return Err(failed(&format!("make lake `{}`", lake.location), &error)),
        };
        Ok(lake)
    }

    /// Opens a lake to look at, changing nothing.
    ///
    /// # Errors
    /// `lake_not_found` and `not_a_lake`.
    pub async fn open(location: Location) -> Result<Self> {
        let mut lake = Self::at(location)?;
        if !lake.location.folder().is_dir() {
            return Err(Error::new(
                "lake_not_found",
                format!("There is no folder `{}`.", lake.location),
            )
            .hint("Check the path; the first sync into a folder makes a lake of it.")
            .field("lake"));
        }
        lake.refuse_table().await?;
        lake.id = lake.read_id().await?;
        if lake.id.is_none() && lake.tables().await?.is_empty() {
            return Err(Error::new(
                "not_a_lake",
                format!("`{}` holds no Delta tables at `<schema>/<table>/`.", lake.location),
            )
            .hint("Name the folder that a sync wrote to; its tables lie two folders below.")
            .field("lake"));
        }
        Ok(lake)
    }

    /// As [`Self::open`], or none where there is no lake yet and a sync could make one.
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
        // Its root is the root of this machine's files.
        let store = Arc::new(LocalFileSystem::new());
        let root = Path::from_url_path(location.url().path())
            .map_err(|error| failed(&format!("use `{location}` as a lake"), &error))?;
        Ok(Self { location, store, root, id: None })
    }

    async fn refuse_table(&self) -> Result<()> {
        if !self.is_empty(&self.root.clone().join("_delta_log")).await? {
            return Err(Error::new(
                "lake_is_a_table",
                format!("`{}` is itself a Delta table.", self.location),
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

    async fn read_id(&self) -> Result<Option<Uuid>> {
        let doing = format!("read `{}`", self.identity());
        let text = match self.store.get(&self.identity()).await {
            Ok(found) => found.bytes().await.map_err(|error| failed(&doing, &error))?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(&doing, &error)),
        };
        let identity: Identity = serde_json::from_slice(&text).map_err(|error| {
            Error::new("lake_damaged", format!("`{}` cannot be read: {error}.", self.identity()))
                .hint("Put the file back from a backup; without its id a sync cannot go on safely.")
        })?;
        Ok(Some(identity.id))
    }

    /// The random id that the first sync gave it; none when Headgate never wrote here.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        self.id
    }

    /// Where it lies.
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
            for table in self.folders(&self.root.clone().join(schema.as_str())).await? {
                let name = TableName { schema: schema.clone(), table };
                if !self.is_empty(&self.path(&name).join("_delta_log")).await? {
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
            .map_err(|error| failed(&format!("list `{below}`"), &error))?;
        let names = listed.common_prefixes.iter().filter_map(|path| path.filename());
        // An event called "Users" makes `_users`; our own folder and Delta's are not tables.
        let own =
            |name: &&str| !name.starts_with('.') && !matches!(*name, "_headgate" | "_delta_log");
        Ok(names.filter(own).map(str::to_owned).collect())
    }

    /// Whether nothing lies below a path.
    pub(crate) async fn is_empty(&self, below: &Path) -> Result<bool> {
        let first = self.store.list(Some(below)).try_next().await;
        Ok(first.map_err(|error| failed(&format!("list `{below}`"), &error))?.is_none())
    }

    /// The folder of a table in the store.
    pub(crate) fn path(&self, name: &TableName) -> Path {
        self.root.clone().join(name.schema.as_str()).join(name.table.as_str())
    }

    /// The path of a table as a person writes it.
    #[must_use]
    pub fn table_path(&self, name: &TableName) -> std::path::PathBuf {
        self.location.folder().join(&name.schema).join(&name.table)
    }

    pub(crate) fn url(&self, name: &TableName) -> Result<Url> {
        Url::from_directory_path(self.table_path(name)).map_err(|()| {
            Error::new("unsupported_location", format!("`{name}` has no valid path."))
        })
    }

    /// Waits until files below a table's folder are on disk, names included: a power cut must not
    /// take what the store already counts on.
    pub(crate) async fn persist(&self, name: &TableName, files: Vec<String>) -> Result<()> {
        let folder = self.table_path(name);
        let synced = tokio::task::spawn_blocking(move || {
            let mut folders = BTreeSet::new();
            for file in &files {
                let path = folder.join(file);
                File::open(&path)?.sync_all()?;
                folders.extend(path.parent().map(std::path::Path::to_owned));
            }
            folders.iter().try_for_each(|folder| File::open(folder)?.sync_all())
        });
        let doing = format!("bring files of `{name}` to disk");
        match synced.await {
            Ok(synced) => synced.map_err(|error: std::io::Error| failed(&doing, &error)),
            Err(error) => Err(failed(&doing, &error)),
        }
    }

    /// The library's handle on a table, its log not read.
    pub(crate) fn builder(&self, name: &TableName) -> Result<DeltaTableBuilder> {
        let url = self.url(name)?;
        Ok(DeltaTableBuilder::from_url(url.clone())
            .map_err(|error| failed(&format!("open `{name}`"), &error))?
            .with_storage_backend(self.store.clone(), url))
    }
}
