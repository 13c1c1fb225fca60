//! Opens the database file and migrates it: the SQL of each step is in `steps/`, and a step that has shipped
//! is never edited.
//!
//! A database of a newer Headgate is refused. A damaged or busy one is an error, never read as an older state.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use headgate_terms::{Error, Result, say};
use rusqlite::ErrorCode::{CannotOpen, ReadOnly};
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, OptionalExtension};
use rusqlite_migration::{M, Migrations};
use url::Url;

use crate::failed;
use crate::merge_ledgers::merge_ledgers;

/// How many steps there are.
pub(crate) const VERSION: i64 = 7;

/// One step a version; a step that has shipped is never edited.
pub(crate) fn steps() -> Migrations<'static> {
    Migrations::new(vec![
        M::up(include_str!("steps/1.sql")),
        M::up(include_str!("steps/2.sql")),
        M::up(include_str!("steps/3.sql")),
        M::up_with_hook(include_str!("steps/4.sql"), merge_ledgers),
        M::up(include_str!("steps/5.sql")),
        M::up(include_str!("steps/6.sql")),
        M::up(include_str!("steps/7.sql")),
    ])
}

/// Opens the database to write, and brings it up to date.
pub(crate) fn open(path: &Path) -> Result<Connection> {
    let doing = say!("open `{}`", path);
    let mut connection = {
        // A file that is closed takes the locks along that others of this process have on it, so it is
        // opened past SQLite while nobody else here can have it open: by whoever makes it.
        let _alone = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        make(path).map_err(|error| {
            Error::new("store_failed", say!("Could not {}: {}.", doing, error))
                .hint("Give this user the right to write the data folder, or name another with `HEADGATE_DATA`.")
        })?;
        let connection = Connection::open(path).map_err(|error| failed(&doing, &error))?;
        // SQLite opens what it may not write to read, and says so when something is written.
        if connection.is_readonly(MAIN_DB).unwrap_or(false) {
            return Err(read_only(path));
        }
        // The files beside it were made with its rights when it could only be read.
        for file in ["db-wal", "db-shm"].map(|ending| path.with_extension(ending)) {
            let is_read_only = |file: fs::Metadata| file.permissions().readonly();
            if fs::metadata(&file).is_ok_and(is_read_only) {
                let rights = fs::Permissions::from_mode(0o600);
                fs::set_permissions(&file, rights).map_err(|_| read_only(&file))?;
            }
        }
        connection
    };
    bring_up_to_date(&mut connection).map_err(|error| match error {
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

/// A file of the database that this user may not write.
fn read_only(file: &Path) -> Error {
    Error::new("permission_denied", say!("`{}` is read-only.", file)).hint(
        "Give this user the right to write it, or name another data folder with `HEADGATE_DATA`.",
    )
}

/// Held while the file of a database may be made.
static MAKING: Mutex<()> = Mutex::new(());

/// Makes the file for this user alone, unless there is one; SQLite gives its other files the same rights.
fn make(path: &Path) -> std::io::Result<()> {
    match OpenOptions::new().create_new(true).append(true).mode(0o600).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// Sets a connection up and takes the steps that are missing, with others who do so at the same moment: SQLite
/// refuses at once, without waiting, whom it would have wait for a lock that it holds itself.
fn bring_up_to_date(connection: &mut Connection) -> rusqlite_migration::Result<()> {
    let begun = Instant::now();
    loop {
        let before = version_of(connection);
        let done = connection
            .execute_batch(
                "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864;",
            )
            .map_err(Into::into)
            .and_then(|()| steps().to_latest(connection));
        let Err(rusqlite_migration::Error::RusqliteError { err, .. }) = &done else { return done };
        let is_busy = matches!(
            err.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        );
        // Where another took some of the steps meanwhile, what is left is taken again.
        let may_pass = is_busy && begun.elapsed() < PATIENCE;
        if !may_pass && version_of(connection) == before {
            return done;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The step that a database is at.
pub(crate) fn version_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT user_version FROM pragma_user_version", [], |row| row.get(0))
}

/// How long a database that is in use is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens the database to read; `None` when its first run has not made it yet. One of an older
/// Headgate is brought up to date first, unless its folder cannot be written.
pub(crate) fn open_to_read(path: &Path) -> Result<Option<Connection>> {
    let is_writable = || path.parent().is_some_and(is_writable);
    let mut found = read(path, PATIENCE, is_writable)?;
    if found.as_ref().is_some_and(|(_, version)| *version < VERSION) && is_writable() {
        drop(open(path)?);
        found = read(path, PATIENCE, is_writable)?;
    }
    Ok(found.map(|(connection, _)| connection))
}

fn read(
    path: &Path,
    patience: Duration,
    is_writable: impl Fn() -> bool + Copy,
) -> Result<Option<(Connection, i64)>> {
    let open = |address: &str| {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(address, flags)?;
        connection.busy_timeout(patience)?;
        let sql = "SELECT user_version FROM pragma_user_version, sqlite_master WHERE name = 'runs'";
        let made = connection.query_row(sql, [], |row| row.get(0)).optional()?;
        Ok(made.map(|version| (connection, version)))
    };
    let address = Url::from_file_path(path).map(String::from).unwrap_or_default();
    open(&address)
        .or_else(|error: rusqlite::Error| {
            let log = fs::metadata(path.with_extension("db-wal")).map_or(0, |log| log.len());
            if has_no_writer(error.sqlite_error_code(), log, is_writable) {
                return open(&format!("{address}?immutable=1"));
            }
            Err(error)
        })
        .map_err(|error| failed(&say!("read `{}`", path), &error))
}

/// Whether a database that could not be opened may be read as it is. Only a folder that cannot be
/// written keeps SQLite from its files beside the database, and it has no writer either; what is in a
/// `log` beside it, in bytes, must not be passed over.
fn has_no_writer(code: Option<ErrorCode>, log: u64, is_writable: impl Fn() -> bool) -> bool {
    matches!(code, Some(CannotOpen | ReadOnly)) && log == 0 && !is_writable()
}

/// Whether this process can make a file in a folder, found out by making one.
fn is_writable(folder: &Path) -> bool {
    let probe = folder.join(format!(".probe-{}", std::process::id()));
    let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&probe);
    made.is_ok_and(|_| fs::remove_file(&probe).is_ok())
}

/// An empty database of today's tables, for tests.
#[cfg(test)]
pub(crate) fn in_memory() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    steps().to_latest(&mut connection).unwrap();
    connection
}

/// How SQLite finds what a query asks for, a line for each step, for tests.
#[cfg(test)]
pub(crate) fn plan_of(connection: &Connection, sql: &str) -> String {
    let mut query = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = query.raw_query().mapped(|row| row.get("detail"));
    steps.collect::<Result<Vec<String>, _>>().unwrap().join("\n")
}

#[cfg(test)]
mod tests {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseCorrupt};

    use super::*;

    #[test]
    fn the_migration_steps_are_valid() {
        steps().validate().unwrap();
        let (_folder, path) = made();
        let (_, version) = read(&path, SHORT, || true).unwrap().unwrap();
        assert_eq!(version, VERSION);
    }

    const SHORT: Duration = Duration::from_millis(50);

    fn made() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("headgate.db");
        drop(open(&path).unwrap());
        (folder, path)
    }

    #[test]
    fn a_busy_database_is_not_read_as_an_old_one() {
        let (_folder, path) = made();
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM runs;")
            .unwrap();
        for writable in [true, false] {
            let error = read(&path, SHORT, || writable).unwrap_err();
            assert_eq!((&*error.code, error.retryable), ("database_busy", true), "{error}");
        }
        drop(writer);
        assert!(read(&path, SHORT, || true).unwrap().is_some());
    }

    #[test]
    fn a_database_that_several_make_at_once_is_made_once() {
        for _ in 0..10 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("headgate.db");
            let ready = std::sync::Barrier::new(4);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        ready.wait();
                        let connection = open(&path).unwrap();
                        assert_eq!(version_of(&connection), Ok(VERSION));
                    });
                }
            });
        }
    }

    /// Another process that closes its connection last takes the log away: only the lock of those that
    /// are still open says that it is not the last.
    #[test]
    fn opening_it_once_more_leaves_the_locks_of_the_first_alone() {
        let (_folder, path) = made();
        let first = open(&path).unwrap();
        drop(open(&path).unwrap());
        let found = std::process::Command::new("python3")
            .args(["-c", "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); print(c.execute('SELECT count(*) FROM runs').fetchone()[0]); c.close()"])
            .arg(&path)
            .output()
            .unwrap();
        assert_eq!(found.stdout, b"0\n", "{found:?}");
        assert!(path.with_extension("db-wal").exists(), "the log is still the first one's");
        drop(first);
    }

    #[test]
    fn a_damaged_database_is_not_read_at_all() {
        for at in [0, 100] {
            let (_folder, path) = made();
            let mut bytes = fs::read(&path).unwrap();
            bytes[at..at + 64].fill(0xA5);
            fs::write(&path, bytes).unwrap();
            for writable in [true, false] {
                let error = read(&path, SHORT, || writable).unwrap_err();
                assert_eq!(error.code, "database_damaged", "{error}");
                assert!(error.hint.is_some());
            }
            assert_eq!(open(&path).unwrap_err().code, "database_damaged");
        }
    }

    /// Root can write everywhere, so what decides is asked for itself.
    #[test]
    fn only_a_database_without_a_writer_is_opened_immutable() {
        let (folder, path) = made();
        for (code, log, writable, expected) in [
            (Some(CannotOpen), 0, false, true),
            (Some(ReadOnly), 0, false, true),
            (Some(CannotOpen), 0, true, false),
            (Some(CannotOpen), 1, false, false),
            (Some(DatabaseBusy), 0, false, false),
            (Some(DatabaseCorrupt), 0, false, false),
            (None, 0, false, false),
        ] {
            assert_eq!(
                has_no_writer(code, log, || writable),
                expected,
                "{code:?} {log} {writable}"
            );
        }
        assert!(is_writable(folder.path()) && !is_writable(&folder.path().join("none")));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the probe is gone");
        assert!(path.exists());
    }
}
