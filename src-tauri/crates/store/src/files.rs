//! How far each file of a source went into its lake.

use headgate_terms::Result;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::{Store, failed};

/// A file as a batch leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMark {
    /// Its full path.
    pub path: String,
    /// Its size in bytes when it was opened.
    pub size: u64,
    /// When it was changed last, in nanoseconds since 1970.
    pub modified: i64,
    /// Lines taken so far.
    pub lines: u64,
    /// Bytes taken so far, inflated.
    pub bytes: u64,
    /// Whether that is all of it.
    pub done: bool,
    /// The oldest receivedAt it has landed, in microseconds.
    pub oldest: Option<i64>,
}

/// A file that was met before.
pub type KnownFile = FileMark;

impl Store {
    /// What is known of a file.
    ///
    /// # Errors
    /// When the database fails.
    pub fn file(&self, ledger: i64, path: &str) -> Result<Option<KnownFile>> {
        self.connection
            .prepare_cached(
                "SELECT size, modified, lines, bytes, done, oldest FROM files
                 WHERE ledger = ?1 AND path = ?2",
            )
            .and_then(|mut query| {
                query
                    .query_row(params![ledger, path], |row| {
                        Ok(FileMark {
                            path: path.to_owned(),
                            size: row.get::<_, i64>(0)? as u64,
                            modified: row.get(1)?,
                            lines: row.get::<_, i64>(2)? as u64,
                            bytes: row.get::<_, i64>(3)? as u64,
                            done: row.get(4)?,
                            oldest: row.get(5)?,
                        })
                    })
                    .optional()
            })
            .map_err(|error| failed("look a file up", &error))
    }
}

pub(crate) fn mark(transaction: &Transaction<'_>, ledger: i64, files: &[FileMark]) -> Result<()> {
    let doing = "record files";
    let mut put = transaction
        .prepare_cached(
            "INSERT INTO files (ledger, path, size, modified, lines, bytes, done, oldest)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT DO UPDATE SET size = ?3, modified = ?4, lines = ?5, bytes = ?6, done = ?7,
             oldest = min(ifnull(oldest, ?8), ifnull(?8, oldest))",
        )
        .map_err(|error| failed(doing, &error))?;
    for file in files {
        put.execute(params![
            ledger,
            file.path,
            file.size as i64,
            file.modified,
            file.lines as i64,
            file.bytes as i64,
            file.done,
            file.oldest
        ])
        .map_err(|error| failed(doing, &error))?;
    }
    Ok(())
}
