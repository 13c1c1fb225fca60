//! The lakes of a profile, that is those that were opened in it or that its syncs wrote to; where each lake was
//! when it was used last; and what was read from the checkpoints in it.

use std::collections::BTreeMap;

use headgate_terms::Result;
use rusqlite::OptionalExtension;

use crate::profiles::not_saved_in;
use crate::{Store, failed, or_nothing};

/// How many of a profile's lakes are kept.
const MOST: u32 = 20;

impl Store {
    /// The addresses of a profile's lakes, the latest used first; at most 20.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lakes_of(&self, profile: &str) -> Result<Vec<String>> {
        let sql = "SELECT url FROM lakes WHERE profile = ?1 ORDER BY opened DESC LIMIT ?2";
        let found = self
            .connection
            .prepare(sql)
            .and_then(|mut query| query.query_map((profile, MOST), |row| row.get(0))?.collect());
        or_nothing(found, "read the lakes of a profile")
    }

    /// Puts a lake in front of those of a profile. Beyond 20 the oldest are forgotten.
    ///
    /// # Errors
    /// `profile_not_found` when the profile was removed, and when the database fails.
    pub fn remember_lake_of(&self, profile: &str, url: &str) -> Result<()> {
        self.connection
            .execute(
                "INSERT INTO lakes (profile, url, opened)
                 SELECT ?1, ?2, ifnull(max(opened), 0) + 1 FROM lakes WHERE profile = ?1
                 ON CONFLICT DO UPDATE SET opened = excluded.opened",
                [profile, url],
            )
            .and_then(|_| {
                self.connection.execute(
                    "DELETE FROM lakes WHERE profile = ?1 AND url NOT IN (SELECT url FROM lakes
                         WHERE profile = ?1 ORDER BY opened DESC LIMIT ?2)",
                    (profile, MOST),
                )
            })
            .map(|_| ())
            .map_err(|error| not_saved_in("remember a lake", &error))
    }

    /// Takes a lake off those of a profile, where it is one of them.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_lake_of(&self, profile: &str, url: &str) -> Result<()> {
        self.connection
            .execute("DELETE FROM lakes WHERE profile = ?1 AND url = ?2", [profile, url])
            .map(|_| ())
            .map_err(|error| failed("forget a lake", &error))
    }

    /// Where a lake was when it was used last, by its id; `None` when it never was.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lake_at(&self, id: &str) -> Result<Option<String>> {
        let sql = "SELECT at FROM lake_places WHERE id = ?1";
        let found = self.connection.query_row(sql, [id], |row| row.get(0)).optional();
        or_nothing(found, "look a lake up")
    }

    /// Saves where a lake is.
    ///
    /// # Errors
    /// When the database fails.
    pub fn remember_lake(&self, id: &str, at: &str) -> Result<()> {
        self.connection
            .execute(
                "INSERT INTO lake_places (id, at) VALUES (?1, ?2)
                 ON CONFLICT (id) DO UPDATE SET at = excluded.at WHERE at <> excluded.at",
                [id, at],
            )
            .map(|_| ())
            .map_err(|error| failed("remember a lake", &error))
    }

    /// What is kept of the checkpoints in a lake, by the folder of their log.
    ///
    /// # Errors
    /// When the database fails.
    pub fn checkpoints(&self, lake: &str) -> Result<BTreeMap<String, String>> {
        let sql = "SELECT log, document FROM checkpoints WHERE lake = ?1";
        self.connection
            .prepare(sql)
            .and_then(|mut query| {
                query.query_map([lake], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            })
            .map_err(|error| failed("read what is kept of checkpoints", &error))
    }

    /// Keeps this of checkpoints in a lake; what is kept of others stays.
    ///
    /// # Errors
    /// When the database fails; nothing is kept then.
    pub fn keep_checkpoints(
        &mut self,
        lake: &str,
        checkpoints: &BTreeMap<String, String>,
    ) -> Result<()> {
        let sql = "INSERT INTO checkpoints (lake, log, document) VALUES (?1, ?2, ?3)
             ON CONFLICT (lake, log) DO UPDATE SET document = excluded.document";
        let keep = |connection: &mut rusqlite::Connection| {
            let transaction = connection.transaction()?;
            for (log, document) in checkpoints {
                transaction.prepare_cached(sql)?.execute([lake, log, document])?;
            }
            transaction.commit()
        };
        keep(&mut self.connection).map_err(|error| failed("keep what was read", &error))
    }

    /// Forgets what is kept of the checkpoints in a lake.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_checkpoints(&self, lake: &str) -> Result<()> {
        self.connection
            .execute("DELETE FROM checkpoints WHERE lake = ?1", [lake])
            .map(|_| ())
            .map_err(|error| failed("forget what was read", &error))
    }

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

    #[test]
    fn what_was_read_of_checkpoints_is_kept_by_lake_and_log() {
        let mut store = Store::of(crate::schema::in_memory());
        let of = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(log, kept)| ((*log).to_owned(), (*kept).to_owned())).collect()
        };
        store.keep_checkpoints("a", &of(&[("x", "1"), ("y", "1")])).unwrap();
        store.keep_checkpoints("b", &of(&[("x", "2")])).unwrap();
        store.keep_checkpoints("a", &of(&[("x", "3")])).unwrap();
        assert_eq!(store.checkpoints("a").unwrap(), of(&[("x", "3"), ("y", "1")]));
        store.forget_checkpoints("a").unwrap();
        assert_eq!(store.checkpoints("a").unwrap(), of(&[]));
        assert_eq!(store.checkpoints("b").unwrap(), of(&[("x", "2")]));
    }

    #[test]
    fn the_lake_opened_last_comes_first() {
        let store = Store::of(crate::schema::in_memory());
        store.add_profile("other", "other", "", "{}").unwrap();
        assert_eq!(store.lakes_of("default").unwrap(), [""; 0]);
        for lake in ["/a", "/b", "/c", "/a", "/a"] {
            store.remember_lake_of("default", lake).unwrap();
        }
        store.remember_lake_of("other", "/b").unwrap();
        assert_eq!(store.lakes_of("default").unwrap(), ["/a", "/c", "/b"]);
        store.remember_lake_of("default", "/b").unwrap();
        assert_eq!(store.lakes_of("default").unwrap(), ["/b", "/a", "/c"]);
        assert_eq!(store.lakes_of("other").unwrap(), ["/b"]);
        store.forget_lake_of("default", "/b").unwrap();
        store.forget_lake_of("default", "/never known").unwrap();
        assert_eq!(store.lakes_of("default").unwrap(), ["/a", "/c"]);
        assert_eq!(store.lakes_of("other").unwrap(), ["/b"], "another profile's stays");
        let error = store.remember_lake_of("gone", "/a").unwrap_err();
        assert_eq!(error.code, "profile_not_found");
    }

    #[test]
    fn lakes_of_runs_before_step_7_become_their_profiles() {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        crate::schema::steps().to_version(&mut connection, 6).unwrap();
        connection
            .execute_batch(
                r#"INSERT INTO profiles VALUES ('other', 'other', 0, '', '{}');
                INSERT INTO lakes VALUES ('default', '/opened', 1), ('default', '/both', 2);
                INSERT INTO runs (id, running, document) VALUES
                    ('1', 0, '{"to": "/first"}'), ('2', 0, '{"to": "/of other"}'),
                    ('3', 0, '{"to": "/both"}'), ('4', 0, '{"to": "/first"}'),
                    ('5', 0, '{"to": "/second"}'), ('6', 0, '{"to": "/of one that is gone"}'),
                    ('7', 1, ''), ('8', 0, '{}');
                INSERT INTO jobs (id, profile, kind, actor, lane, state, owner, run, queued) VALUES
                    ('a', 'other', 'sync', 'window', 'syncs', 'running', 'w', '2', 'q'),
                    ('b', 'gone', 'sync', 'window', 'syncs', 'running', 'w', '6', 'q'),
                    ('c', 'default', 'sync', 'window', 'syncs', 'running', 'w', '5', 'q');"#,
            )
            .unwrap();
        crate::schema::steps().to_latest(&mut connection).unwrap();
        let store = Store::of(connection);
        let of_default = store.lakes_of("default").unwrap();
        assert_eq!(of_default, ["/both", "/opened", "/second", "/first"]);
        assert_eq!(store.lakes_of("other").unwrap(), ["/of other"]);
        store.remember_lake_of("other", "/new").unwrap();
        assert_eq!(store.lakes_of("other").unwrap(), ["/new", "/of other"]);
    }

    #[test]
    fn the_newest_lakes_are_kept() {
        let store = Store::of(crate::schema::in_memory());
        store.add_profile("other", "other", "", "{}").unwrap();
        store.remember_lake_of("other", "/0").unwrap();
        for at in 0..25 {
            store.remember_lake_of("default", &format!("/{at}")).unwrap();
        }
        let expected: Vec<_> = (5..25).rev().map(|at| format!("/{at}")).collect();
        assert_eq!(store.lakes_of("default").unwrap(), expected);
        assert_eq!(store.lakes_of("other").unwrap(), ["/0"]);
        let left = "SELECT count(*) FROM lakes";
        let left: i64 = store.connection.query_row(left, [], |row| row.get(0)).unwrap();
        assert_eq!(left, 21);
    }
}
