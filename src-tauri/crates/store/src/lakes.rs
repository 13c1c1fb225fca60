//! Where each lake lay when it was used last.

use headgate_terms::Result;
use rusqlite::OptionalExtension;

use crate::{Store, failed};

impl Store {
    /// Where a lake lay when it was used last, by its id; none when it never was.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lake_at(&self, id: &str) -> Result<Option<String>> {
        let found = self
            .connection
            .query_row("SELECT at FROM lakes WHERE id = ?1", [id], |row| row.get(0))
            .optional();
        match found {
            Err(error) if crate::is_behind(&error) => Ok(None),
            found => found.map_err(|error| failed("look a lake up", &error)),
        }
    }

    /// Keeps where a lake lies.
    ///
    /// # Errors
    /// When the database fails.
    pub fn remember_lake(&self, id: &str, at: &str) -> Result<()> {
        self.connection
            .execute(
                "INSERT INTO lakes (id, at) VALUES (?1, ?2)
                 ON CONFLICT (id) DO UPDATE SET at = excluded.at WHERE at <> excluded.at",
                [id, at],
            )
            .map(|_| ())
            .map_err(|error| failed("remember a lake", &error))
    }
}

impl Store {
    /// Knows a lake's ledgers by another name from now on, where that name has none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn rename_lake(&self, from: &str, to: &str) -> Result<()> {
        self.connection
            .execute(
                "UPDATE ledgers SET lake = ?2 WHERE lake = ?1
                 AND NOT EXISTS (SELECT 1 FROM ledgers WHERE lake = ?2)",
                [from, to],
            )
            .map(|_| ())
            .map_err(|error| failed("rename a lake", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_place_of_a_lake_is_kept() {
        let store = Store::of(crate::schema::in_memory());
        assert_eq!(store.lake_at("a").unwrap(), None);
        for (id, at) in [("a", "/1"), ("b", "/2"), ("a", "/3")] {
            store.remember_lake(id, at).unwrap();
        }
        assert_eq!(store.lake_at("a").unwrap().as_deref(), Some("/3"));
        assert_eq!(store.lake_at("b").unwrap().as_deref(), Some("/2"));
    }
}
