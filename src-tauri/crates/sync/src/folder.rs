//! [`DataFolder`]: where its parts are, and the lock ([`Held`]) by which only one run works in it at a time.
//!
//! Whether the folder belongs to this user alone is checked in `trust`.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use headgate_terms::{Error, Result, say};

use crate::trust::{Me, deepest};

/// A data folder, which need not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFolder {
    path: PathBuf,
}

/// Holds the folder for one run; given back when dropped, by the system if the process dies.
#[derive(Debug)]
pub struct Held {
    _lock: File,
}

/// Checking for a run holds the lock for an instant.
const TRIES: u32 = 10;

impl DataFolder {
    /// A folder at a path.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its path with links resolved, as far as it exists.
    #[must_use]
    pub(crate) fn real(&self) -> PathBuf {
        self.path.canonicalize().unwrap_or_else(|_| self.path.clone())
    }

    /// Where rejected lines are kept.
    #[must_use]
    pub fn dead_letters(&self) -> PathBuf {
        self.path.join("dead_letters")
    }

    /// Where lines wait that a batch has not taken, or not brought everywhere.
    #[must_use]
    pub fn spool(&self) -> PathBuf {
        self.path.join("spool")
    }

    /// Makes the folder and its parts, for this user alone.
    ///
    /// # Errors
    /// `data_folder_shared` when others own it, can write to it, or can put another in its place, and
    /// when a part of it is a link; `data_folder_unusable`.
    pub fn make(&self) -> Result<()> {
        let unusable = |error: io::Error| self.unusable(&error);
        let me = Me::find().map_err(unusable)?;
        let make = |folder: &Path| {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unusable)
        };
        let there = deepest(&self.path);
        if there != self.path {
            me.refuse_swappable_below(&self.path, &there)?;
        }
        make(&self.path)?;
        me.refuse_shared(&self.path)?;
        me.tighten(&self.path)?;
        make(&self.dead_letters())?;
        make(&self.spool())
    }

    /// Refuses a folder whose records others could have written; one that does not exist has none.
    ///
    /// # Errors
    /// As [`Self::make`].
    pub fn refuse_shared(&self) -> Result<()> {
        if !self.path.exists() {
            return Ok(());
        }
        Me::find().map_err(|error| self.unusable(&error))?.refuse_shared(&self.path)
    }

    fn unusable(&self, error: &io::Error) -> Error {
        Error::new(
            "data_folder_unusable",
            say!("The data folder `{}` cannot be used: {}.", self.path, error),
        )
        .hint("Give this user the right to write it, or name another with `HEADGATE_DATA`.")
    }

    /// Makes the folder and its parts, for this user alone, and holds it.
    ///
    /// # Errors
    /// `data_folder_busy` while another run holds it, `data_folder_unusable` otherwise.
    pub fn hold(&self) -> Result<Held> {
        let unusable = |error: io::Error| self.unusable(&error);
        self.make()?;
        let lock = private().open(self.path.join("lock")).map_err(unusable)?;
        for attempt in 0..TRIES {
            match lock.try_lock() {
                Ok(()) => return Ok(Held { _lock: lock }),
                Err(TryLockError::WouldBlock) if attempt + 1 < TRIES => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => break,
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
        }
        Err(Error::new(
            "data_folder_busy",
            say!("Another run is using the data folder `{}`.", self.path),
        )
        .hint("Wait for it to end, or name another folder with `HEADGATE_DATA`.")
        .retryable())
    }

    /// Waits until no run holds the folder. It blocks.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn wait_until_free(&self) -> io::Result<()> {
        File::open(self.path.join("lock"))?.lock_shared()
    }

    /// Whether a run holds the folder now.
    #[must_use]
    pub fn is_held(&self) -> bool {
        File::open(self.path.join("lock"))
            .is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

/// Options for a file that only this user can read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    options
}

/// Waits until the names in a file's folder are on disk.
pub(crate) fn sync_names(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// A failure to read or write a file of the data folder.
pub(crate) fn failed(doing: &str, path: &Path, error: &io::Error) -> Error {
    let message = say!("Could not {} `{}`: {}.", doing, path, error);
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return Error::new("disk_full", message)
            .hint("Free some space and run it again; nothing that was read is lost.")
            .retryable();
    }
    Error::new("data_folder_failed", message)
        .hint("Check the data folder; `HEADGATE_DATA` names another.")
}
