//! Changes to the world outside: those that were planned, and those that were made.
//!
//! Both travel through here as JSON; what they mean is known to `app`.

use headgate_terms::Result;
use rusqlite::{OptionalExtension, params};

use crate::{Store, failed};

impl Store {
    /// Puts a change into the journal, or what is now known of one that is in it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn journal(&self, id: &str, at: &str, object: &str, document: &str) -> Result<()> {
        self.connection
            .execute(
                "INSERT INTO journal (id, at, object, document) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (id) DO UPDATE SET document = excluded.document",
                params![id, at, object, document],
            )
            .map(|_| ())
            .map_err(|error| failed("write the journal", &error))
    }

    /// The changes to one object or to all, newest first, at most so many.
    ///
    /// # Errors
    /// When the database fails.
    pub fn journal_of(&self, object: Option<&str>, most: usize) -> Result<Vec<String>> {
        let doing = "read the journal";
        let found = self
            .connection
            .prepare(
                "SELECT document FROM journal WHERE ?1 IS NULL OR object = ?1
                 ORDER BY at DESC, id DESC LIMIT ?2",
            )
            .and_then(|mut query| {
                query
                    .query_map(params![object, most as i64], |row| row.get(0))
                    .and_then(Iterator::collect)
            });
        match found {
            Err(error) if crate::is_behind(&error) => Ok(Vec::new()),
            found => found.map_err(|error| failed(doing, &error)),
        }
    }

    /// One change of the journal, by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub fn journal_entry(&self, id: &str) -> Result<Option<String>> {
        let found = self
            .connection
            .query_row("SELECT document FROM journal WHERE id = ?1", [id], |row| row.get(0))
            .optional();
        match found {
            Err(error) if crate::is_behind(&error) => Ok(None),
            found => found.map_err(|error| failed("read the journal", &error)),
        }
    }

    /// Keeps a plan, and lets go of those that are older than `since`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn keep_plan(&self, id: &str, at: &str, since: &str, document: &str) -> Result<()> {
        self.connection
            .execute("DELETE FROM plans WHERE at < ?1", [since])
            .and_then(|_| {
                self.connection.execute(
                    "INSERT INTO plans (id, at, document) VALUES (?1, ?2, ?3)",
                    params![id, at, document],
                )
            })
            .map(|_| ())
            .map_err(|error| failed("keep a plan", &error))
    }

    /// A plan by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub fn plan_document(&self, id: &str) -> Result<Option<String>> {
        self.connection
            .query_row("SELECT document FROM plans WHERE id = ?1", [id], |row| row.get(0))
            .optional()
            .map_err(|error| failed("read a plan", &error))
    }
}
