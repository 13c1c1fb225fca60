//! Headgate's local database, one SQLite file in the data folder: profiles with their lakes and drafts, jobs,
//! plans, the journal, reports of runs, settings, and a cache of each lake's batches, files and event ids.
//!
//! [`Store`] has a method for each question and each change; its files below group them by table. Documents
//! such as reports and plans are stored as JSON that `app` and `sync` understand. What counts as a duplicate,
//! or when a job runs, is decided there too. This is the only crate that uses `rusqlite`.
//!
//! The lake itself is the truth: when this file is deleted, the next sync rebuilds the cache from it.
//!
//! ```
//! use headgate_store::Store;
//!
//! let folder = tempfile::tempdir()?;
//! let store = Store::open(folder.path())?;
//! let run = store.begin_run()?;
//! store.save_run(&run, false, r#"{"status":"succeeded"}"#)?;
//!
//! let saved = store.run(&run)?.expect("the run that was saved");
//! assert!(!saved.running);
//! assert_eq!(saved.document, r#"{"status":"succeeded"}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batches;
mod chosen_columns;
mod drafts;
mod files;
mod filter;
mod id_runs;
mod ids;
mod jobs;
mod journal;
mod lakes;
mod merge_ledgers;
mod pages;
mod profiles;
mod runs;
mod schema;
mod settings;
#[cfg(test)]
mod steps_from_4;

use std::path::Path;

use headgate_terms::{Error, Result, Say, say};
use rusqlite::Connection;

pub use batches::{Ledger, NOTHING_KNOWN, OpenBatch, Taken};
pub use drafts::{DraftRecord, DraftedRole};
pub use files::FileMark;
pub use ids::Seen;
pub use jobs::{JobRecord, JobState, NewJob};
pub use journal::{JournalRecord, PlanRecord};
pub use pages::Page;
pub use profiles::ProfileRecord;
pub use runs::{PeriodTotals, RunRecord};

/// The file in the data folder.
pub const FILE: &str = "headgate.db";

/// The open database.
pub struct Store {
    connection: Connection,
    filters: ids::Filters,
}

impl Store {
    /// Opens the database to look at; `None` when nothing was ever kept there.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_if_any(data: &Path) -> Result<Option<Self>> {
        let path = data.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        Ok(schema::open_to_read(&path)?.map(Self::of))
    }

    /// Opens or makes the database in a data folder that exists.
    ///
    /// # Errors
    /// `database_busy`, `database_damaged`, `store_failed` and `store_newer`.
    pub fn open(data: &Path) -> Result<Self> {
        let connection = schema::open(&data.join(FILE))?;
        Ok(Self::of(connection))
    }

    /// Whether it still has the tables that this version works with.
    #[must_use]
    pub fn is_current(&self) -> bool {
        schema::version_of(&self.connection) == Ok(schema::VERSION)
    }

    fn of(connection: Connection) -> Self {
        Self { connection, filters: ids::Filters::default() }
    }
}

/// What was read; nothing from a database that was opened to read and is a step behind.
fn or_nothing<T: Default>(found: rusqlite::Result<T>, doing: &str) -> Result<T> {
    match found {
        Err(error) if is_behind(&error) => Ok(T::default()),
        found => found.map_err(|error| failed(doing, &error)),
    }
}

/// Whether a database is a step behind: it has no such table or column yet.
fn is_behind(error: &rusqlite::Error) -> bool {
    let text = match error {
        rusqlite::Error::SqliteFailure(_, Some(text)) => text,
        rusqlite::Error::SqlInputError { msg, .. } => msg,
        _ => return false,
    };
    ["no such table", "no such column"].iter().any(|missing| text.contains(missing))
}

/// A failure of the database, in Headgate's words.
fn failed(doing: &(impl Say + ?Sized), error: &rusqlite::Error) -> Error {
    use rusqlite::ErrorCode::{
        DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase, ReadOnly,
    };
    match error.sqlite_error_code() {
        Some(DiskFull) => Error::new("disk_full", say!("Could not {}: the disk is full.", doing))
            .hint("Free some space on the disk of the data folder and run it again.")
            .retryable(),
        Some(ReadOnly) => {
            Error::new("permission_denied", say!("Could not {}: the data folder is read-only.", doing))
                .hint("Give this user the right to write the data folder, or name another with `HEADGATE_DATA`.")
        }
        Some(DatabaseBusy | DatabaseLocked) => {
            Error::new("database_busy", say!("Could not {}: the database is in use.", doing))
                .hint("Wait for the other run to end, then try again.")
                .retryable()
        }
        Some(DatabaseCorrupt | NotADatabase) => {
            Error::new("database_damaged", say!("Could not {}: the database is damaged.", doing)).hint(
                "Restore the data folder from a backup, or name another with `HEADGATE_DATA`; the tables of a lake are not touched by this.",
            )
        }
        _ => Error::new("store_failed", say!("Could not {}: {}.", doing, error.to_string()))
            .hint("Check the data folder; `HEADGATE_DATA` names another."),
    }
}
