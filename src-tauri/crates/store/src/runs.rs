//! The runs, each with its report as far as it is known.

use headgate_terms::Result;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use crate::{Store, failed};

/// A run as it is kept.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// Its id.
    pub id: String,
    /// Whether no end of it was recorded.
    pub running: bool,
    /// The report, as JSON.
    pub document: String,
}

impl Store {
    /// Begins a run and names it: a number that counts up, and six digits that tell it from the
    /// runs of other installations.
    ///
    /// # Errors
    /// When the database fails.
    pub fn begin_run(&self) -> Result<String> {
        let doing = "begin a run";
        let unique = Uuid::new_v4().simple().to_string();
        self.connection
            .execute("INSERT INTO runs (id, running, document) VALUES (?1, 1, '')", [&unique])
            .map_err(|error| failed(doing, &error))?;
        let number = self.connection.last_insert_rowid();
        let id = format!("{number}-{}", &unique[..6]);
        self.connection
            .execute("UPDATE runs SET id = ?2 WHERE number = ?1", params![number, id])
            .map_err(|error| failed(doing, &error))?;
        Ok(id)
    }

    /// Keeps a run's report; `running` until it has ended.
    ///
    /// # Errors
    /// When the database fails.
    pub fn keep_run(&self, id: &str, running: bool, document: &str) -> Result<()> {
        self.connection
            .execute(
                "UPDATE runs SET running = ?2, document = ?3 WHERE id = ?1",
                params![id, running, document],
            )
            .map(|_| ())
            .map_err(|error| failed("keep the run's report", &error))
    }

    /// All runs, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn runs(&self) -> Result<Vec<RunRecord>> {
        self.runs_where("document <> ''")
    }

    /// The runs of which no end was recorded.
    ///
    /// # Errors
    /// When the database fails.
    pub fn running(&self) -> Result<Vec<RunRecord>> {
        self.runs_where("document <> '' AND running")
    }

    /// Forgets the runs that have ended and began before a time, given in RFC 3339.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_runs(&self, before: &str) -> Result<()> {
        self.connection
            .execute(
                "DELETE FROM runs WHERE NOT running AND document <> ''
                 AND json_extract(document, '$.started') < ?1",
                [before],
            )
            .map(|_| ())
            .map_err(|error| failed("forget old runs", &error))
    }

    fn runs_where(&self, condition: &str) -> Result<Vec<RunRecord>> {
        let doing = "read the runs";
        let mut query = self
            .connection
            .prepare(&format!(
                "SELECT id, running, document FROM runs WHERE {condition} ORDER BY number DESC"
            ))
            .map_err(|error| failed(doing, &error))?;
        let rows = query.query_map([], record).map_err(|error| failed(doing, &error))?;
        rows.collect::<Result<_, _>>().map_err(|error| failed(doing, &error))
    }

    /// A run by its id or its number alone.
    ///
    /// # Errors
    /// When the database fails.
    pub fn run(&self, id: &str) -> Result<Option<RunRecord>> {
        self.connection
            .query_row(
                "SELECT id, running, document FROM runs
                 WHERE (id = ?1 OR CAST(number AS TEXT) = ?1) AND document <> ''",
                [id],
                record,
            )
            .optional()
            .map_err(|error| failed("read the run", &error))
    }
}

fn record(row: &rusqlite::Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord { id: row.get(0)?, running: row.get(1)?, document: row.get(2)? })
}
