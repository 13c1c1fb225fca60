//! The tables of the database, and how an older file becomes today's.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use headgate_terms::{Error, Result, say};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use rusqlite_migration::{M, Migrations};
use url::Url;

use crate::failed;

/// One step a version; a step that has shipped is never edited.
const STEPS: &[M<'static>] = &[
    M::up(include_str!("steps/1.sql")),
    M::up(include_str!("steps/2.sql")),
    M::up(include_str!("steps/3.sql")),
];

pub(crate) fn open(path: &Path) -> Result<Connection> {
    let doing = say!("open `{}`", path);
    // SQLite gives its other files the same rights.
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(|error| {
        Error::new("store_failed", say!("Could not {}: {}.", doing, error))
            .hint("Give this user the right to write the data folder, or name another with `HEADGATE_DATA`.")
    })?;
    let mut connection = Connection::open(path).map_err(|error| failed(&doing, &error))?;
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;
             PRAGMA cache_size = -32768;",
        )
        .map_err(|error| failed(&doing, &error))?;
    Migrations::from_slice(STEPS).to_latest(&mut connection).map_err(|error| match error {
        rusqlite_migration::Error::MigrationDefinition(_) => {
            Error::new("store_newer", say!("`{}` was written by a newer Headgate.", path))
                .hint("Use that version, or name another data folder with `HEADGATE_DATA`.")
        }
        rusqlite_migration::Error::RusqliteError { err, .. } => failed(&doing, &err),
        other => Error::new("store_failed", say!("Could not {}: {}.", doing, other.to_string()))
            .hint("Name another data folder with `HEADGATE_DATA`."),
    })?;
    Ok(connection)
}

/// Opens the database without changing it; none when its first run has not made it yet.
pub(crate) fn open_to_read(path: &Path) -> Result<Option<Connection>> {
    let doing = say!("read `{}`", path);
    let open = |address: &str| {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(address, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        let made = connection
            .query_row("SELECT 1 FROM sqlite_master WHERE name = 'ids'", [], |_| Ok(()))
            .optional()?;
        Ok(made.map(|()| connection))
    };
    let address = Url::from_file_path(path).map(String::from).unwrap_or_default();
    open(&address)
        // A folder that nobody may write has no writer either.
        .or_else(|_: rusqlite::Error| open(&format!("{address}?immutable=1")))
        .map_err(|error| failed(&doing, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_hold() {
        Migrations::from_slice(STEPS).validate().unwrap();
    }
}
