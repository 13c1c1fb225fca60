//! [`FileMark`]s: how far each source file of a schema was read into its lake.

use headgate_terms::Result;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::{Store, failed};

/// A file as a batch leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMark {
    /// Its full path.
    pub path: String,
    /// Its path below the source, when it was taken first; not known of files that were taken before it was kept.
    pub name: Option<String>,
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
    /// What it holds, as far as that is known: the same text for the same content.
    pub content: Option<String>,
}

impl FileMark {
    /// Whether a file of this size, changed last at this time, is the one that was marked.
    #[must_use]
    pub fn is_of(&self, size: u64, modified: i64) -> bool {
        self.size == size && self.modified == modified
    }
}

impl Store {
    /// What is known of a file.
    ///
    /// # Errors
    /// When the database fails.
    pub fn file(&self, ledger: i64, path: &str) -> Result<Option<FileMark>> {
        self.file_where("path = ?2", ledger, path)
    }

    /// A file that was taken to its end and held the same.
    ///
    /// # Errors
    /// When the database fails.
    pub fn file_with_content(&self, ledger: i64, content: &str) -> Result<Option<FileMark>> {
        self.file_where("content = ?2 AND done ORDER BY path LIMIT 1", ledger, content)
    }

    /// What is known of files with a content, apart from one of them: whether one was taken to its end, and the
    /// oldest receivedAt they landed, in microseconds. None when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn content(
        &self,
        ledger: i64,
        content: &str,
        path: &str,
    ) -> Result<Option<(bool, Option<i64>)>> {
        const FIND: &str = "SELECT max(done), min(oldest) FROM files
            WHERE ledger = ?1 AND content = ?2 AND path <> ?3";
        self.connection
            .prepare_cached(FIND)
            .and_then(|mut query| {
                query.query_row(params![ledger, content, path], |row| {
                    let (done, oldest): (Option<bool>, _) = (row.get(0)?, row.get(1)?);
                    Ok(done.map(|done| (done, oldest)))
                })
            })
            .map_err(|error| failed("look a file up", &error))
    }

    /// How many files are known by what they hold; those of which that is not known count each.
    ///
    /// # Errors
    /// When the database fails.
    pub fn files_known(&self, ledger: i64) -> Result<u64> {
        const COUNT: &str =
            "SELECT count(DISTINCT ifnull(content, path)) FROM files WHERE ledger = ?1";
        self.connection
            .prepare_cached(COUNT)
            .and_then(|mut query| query.query_row([ledger], |row| row.get::<_, i64>(0)))
            .map(|count| count as u64)
            .map_err(|error| failed("count files", &error))
    }

    fn file_where(&self, condition: &str, ledger: i64, text: &str) -> Result<Option<FileMark>> {
        let sql = format!("SELECT {COLUMNS} FROM files WHERE ledger = ?1 AND {condition}");
        self.connection
            .prepare_cached(&sql)
            .and_then(|mut query| query.query_row(params![ledger, text], read).optional())
            .map_err(|error| failed("look a file up", &error))
    }
}

const COLUMNS: &str = "path, size, modified, lines, bytes, done, oldest, content, name";

fn read(row: &Row<'_>) -> rusqlite::Result<FileMark> {
    Ok(FileMark {
        path: row.get(0)?,
        size: row.get::<_, i64>(1)? as u64,
        modified: row.get(2)?,
        lines: row.get::<_, i64>(3)? as u64,
        bytes: row.get::<_, i64>(4)? as u64,
        done: row.get(5)?,
        oldest: row.get(6)?,
        content: row.get(7)?,
        name: row.get(8)?,
    })
}

pub(crate) fn mark(
    transaction: &Transaction<'_>,
    ledger: i64,
    files: &[FileMark],
) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached(&format!(
        "INSERT INTO files (ledger, {COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT DO UPDATE SET size = ?3, modified = ?4, lines = ?5, bytes = ?6, done = ?7,
         oldest = min(ifnull(oldest, ?8), ifnull(?8, oldest)), content = ?9, name = ?10"
    ))?;
    for file in files {
        put.execute(params![
            ledger,
            file.path,
            file.size as i64,
            file.modified,
            file.lines as i64,
            file.bytes as i64,
            file.done,
            file.oldest,
            file.content,
            file.name
        ])?;
    }
    Ok(())
}
