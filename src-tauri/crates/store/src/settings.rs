//! Settings as text by name. `app` knows what they mean.

use headgate_terms::Result;
use rusqlite::{OptionalExtension, params};

use crate::{Store, failed, or_nothing};

impl Store {
    /// A setting's text; `None` when it is as installed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn setting(&self, name: &str) -> Result<Option<String>> {
        let found = self
            .connection
            .query_row("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0))
            .optional();
        or_nothing(found, "read the settings")
    }

    /// Keeps a setting; none puts it back as installed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn save_setting(&self, name: &str, value: Option<&str>) -> Result<()> {
        match value {
            Some(value) => self.connection.execute(
                "INSERT INTO settings (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                params![name, value],
            ),
            None => self.connection.execute("DELETE FROM settings WHERE name = ?1", [name]),
        }
        .map(|_| ())
        .map_err(|error| failed("keep the settings", &error))
    }
}
