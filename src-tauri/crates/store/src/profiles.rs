//! Profiles: their names, which one is in use, and a document that `app` understands.
//!
//! `app` chooses the ids. Every database begins with one profile, whose id and name are `default`.

use std::ffi::c_int;

use headgate_terms::{Error, Result, say};
use rusqlite::{OptionalExtension, Row, TransactionBehavior, ffi, params};

use crate::{Store, failed, or_nothing};

/// A profile as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRecord {
    /// Its id, which never changes.
    pub id: String,
    /// Its name, unique without regard to the case of ASCII letters.
    pub name: String,
    /// Whether it is the profile in use; at most one is.
    pub in_use: bool,
    /// When it was added, in RFC 3339.
    pub made: String,
    /// What belongs to it, as a JSON object.
    pub document: String,
}

const COLUMNS: &str = "id, name, in_use, made, document";

fn read(row: &Row<'_>) -> rusqlite::Result<ProfileRecord> {
    Ok(ProfileRecord {
        id: row.get(0)?,
        name: row.get(1)?,
        in_use: row.get(2)?,
        made: row.get(3)?,
        document: row.get(4)?,
    })
}

impl Store {
    /// All profiles in order of their names.
    ///
    /// # Errors
    /// When the database fails.
    pub fn profiles(&self) -> Result<Vec<ProfileRecord>> {
        let found = self
            .connection
            .prepare(&format!("SELECT {COLUMNS} FROM profiles ORDER BY name"))
            .and_then(|mut query| query.query_map([], read)?.collect());
        or_nothing(found, "read the profiles")
    }

    /// A profile by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub fn profile(&self, id: &str) -> Result<Option<ProfileRecord>> {
        self.profile_where("id = ?1", &[id])
    }

    /// A profile by its name, in upper or lower case.
    ///
    /// # Errors
    /// When the database fails.
    pub fn profile_named(&self, name: &str) -> Result<Option<ProfileRecord>> {
        self.profile_where("name = ?1", &[name])
    }

    /// The profile in use; `None` when that profile was removed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn profile_in_use(&self) -> Result<Option<ProfileRecord>> {
        self.profile_where("in_use = 1", &[])
    }

    fn profile_where(&self, condition: &str, values: &[&str]) -> Result<Option<ProfileRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM profiles WHERE {condition}");
        let values = rusqlite::params_from_iter(values);
        let found = self.connection.query_row(&sql, values, read).optional();
        or_nothing(found, "read a profile")
    }

    /// Adds a profile that is not in use. `made` is in RFC 3339, `document` a JSON object.
    ///
    /// # Errors
    /// `profile_exists` when a profile has that name, and when the database fails.
    pub fn add_profile(&self, id: &str, name: &str, made: &str, document: &str) -> Result<()> {
        self.connection
            .execute(
                "INSERT INTO profiles (id, name, in_use, made, document)
                 VALUES (?1, ?2, 0, ?3, ?4)",
                params![id, name, made, document],
            )
            .map(|_| ())
            .map_err(|error| not_saved(name, "add a profile", &error))
    }

    /// Saves what becomes of a profile's document, and its name; nobody else changes it meanwhile. False when
    /// there is no such profile.
    ///
    /// # Errors
    /// What `change` says, `profile_exists` when another profile has that name, and when the database fails.
    pub fn change_profile(
        &mut self,
        id: &str,
        change: impl FnOnce(&ProfileRecord) -> Result<(String, String)>,
    ) -> Result<bool> {
        let doing = "save a profile";
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| failed(doing, &error))?;
        let found = transaction
            .query_row(&format!("SELECT {COLUMNS} FROM profiles WHERE id = ?1"), [id], read)
            .optional()
            .map_err(|error| failed(doing, &error))?;
        let Some(was) = found else { return Ok(false) };
        let (name, document) = change(&was)?;
        transaction
            .execute(
                "UPDATE profiles SET name = ?2, document = ?3 WHERE id = ?1",
                params![id, name, document],
            )
            .and_then(|_| transaction.commit())
            .map_err(|error| not_saved(&name, doing, &error))?;
        Ok(true)
    }

    /// Makes a profile the one in use. False when there is no such profile; the one in use stays then.
    ///
    /// # Errors
    /// When the database fails; the one in use stays then.
    pub fn use_profile(&mut self, id: &str) -> Result<bool> {
        self.switch(id).map_err(|error| failed("switch to another profile", &error))
    }

    fn switch(&mut self, id: &str) -> rusqlite::Result<bool> {
        let transaction = self.connection.transaction()?;
        transaction
            .execute("UPDATE profiles SET in_use = 0 WHERE in_use = 1 AND id <> ?1", [id])?;
        let found = transaction.execute("UPDATE profiles SET in_use = 1 WHERE id = ?1", [id])? > 0;
        if found {
            transaction.commit()?;
        }
        Ok(found)
    }

    /// Removes a profile with its lakes, drafts, secrets, plans and ended jobs. Its part of the journal
    /// and jobs that are still open stay. False when there is no such profile.
    ///
    /// # Errors
    /// When the database fails; nothing is removed then.
    pub fn remove_profile(&mut self, id: &str) -> Result<bool> {
        self.remove(id).map_err(|error| failed("remove a profile", &error))
    }

    fn remove(&mut self, id: &str) -> rusqlite::Result<bool> {
        let transaction = self.connection.transaction()?;
        // Its lakes, drafts and secrets go with it.
        let found = transaction.execute("DELETE FROM profiles WHERE id = ?1", [id])? > 0;
        if found {
            transaction.execute("DELETE FROM plans WHERE profile = ?1", [id])?;
            transaction
                .execute("DELETE FROM jobs WHERE profile = ?1 AND ended IS NOT NULL", [id])?;
            transaction.commit()?;
        }
        Ok(found)
    }
}

/// Why a profile was not saved: its name is taken, or the database failed.
fn not_saved(name: &str, doing: &str, error: &rusqlite::Error) -> Error {
    if violates(error, ffi::SQLITE_CONSTRAINT_UNIQUE) {
        return Error::new("profile_exists", say!("A profile named `{}` already exists.", name))
            .hint("Choose another name; upper and lower case count as the same.")
            .field("name");
    }
    failed(doing, error)
}

/// Why something was not saved in a profile: there is no such profile, or the database failed.
pub(crate) fn not_saved_in(doing: &str, error: &rusqlite::Error) -> Error {
    if violates(error, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) {
        return Error::new(
            "profile_not_found",
            say!("Could not {}: the profile was removed.", doing),
        )
        .hint("Choose another profile and try again.");
    }
    failed(doing, error)
}

fn violates(error: &rusqlite::Error, constraint: c_int) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(code, _) if code.extended_code == constraint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn save(store: &mut Store, id: &str, name: &str, document: &str) -> Result<bool> {
        store.change_profile(id, |_| Ok((name.to_owned(), document.to_owned())))
    }

    fn store() -> Store {
        Store::of(crate::schema::in_memory())
    }

    fn names(store: &Store) -> Vec<(String, bool)> {
        store.profiles().unwrap().into_iter().map(|found| (found.name, found.in_use)).collect()
    }

    fn count(store: &Store, sql: &str) -> i64 {
        store.connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_new_database_has_one_profile() {
        let store = store();
        let first = store.profile_in_use().unwrap().unwrap();
        assert_eq!((&*first.id, &*first.name), ("default", "default"));
        assert!(first.made.ends_with('Z') && first.made.len() == 24, "{}", first.made);
        assert_eq!(store.profiles().unwrap(), [first]);
    }

    #[test]
    fn names_are_unique_and_sorted_without_regard_to_case() {
        let mut store = store();
        for (id, name) in [("1", "beta"), ("2", "Alpha"), ("3", "Gamma")] {
            store.add_profile(id, name, "2026-11-22T14:30:00Z", "{}").unwrap();
        }
        let sorted: Vec<_> = names(&store).into_iter().map(|(name, _)| name).collect();
        assert_eq!(sorted, ["Alpha", "beta", "default", "Gamma"]);
        assert_eq!(store.profile_named("ALPHA").unwrap().unwrap().id, "2");
        assert_eq!(store.profile("ALPHA").unwrap(), None);
        for error in [
            store.add_profile("4", "BETA", "", "{}").unwrap_err(),
            save(&mut store, "3", "Beta", "{}").unwrap_err(),
        ] {
            assert_eq!((&*error.code, error.field.as_deref()), ("profile_exists", Some("name")));
            assert!(error.hint.is_some());
        }
        // A taken id is a mistake of the caller; another name would not help.
        assert_eq!(store.add_profile("1", "new", "", "{}").unwrap_err().code, "store_failed");
        assert!(save(&mut store, "1", "BETA", r#"{"a":1}"#).unwrap(), "its own name");
        assert!(!save(&mut store, "9", "nine", "{}").unwrap());
        let saved = store.profile("1").unwrap().unwrap();
        assert_eq!((&*saved.name, &*saved.document), ("BETA", r#"{"a":1}"#));
        assert_eq!((&*saved.made, saved.in_use), ("2026-11-22T14:30:00Z", false));
    }

    #[test]
    fn one_profile_is_in_use() {
        let mut store = store();
        store.add_profile("1", "one", "", "{}").unwrap();
        store.add_profile("2", "two", "", "{}").unwrap();
        let in_use = |store: &Store| store.profile_in_use().unwrap().map(|found| found.id);
        for (id, found, then) in [
            ("1", true, "1"),
            ("1", true, "1"),
            ("2", true, "2"),
            ("3", false, "2"),
            ("default", true, "default"),
        ] {
            assert_eq!(store.use_profile(id).unwrap(), found, "{id}");
            assert_eq!(in_use(&store).as_deref(), Some(then), "{id}");
        }
        let second = "UPDATE profiles SET in_use = 1 WHERE id = '1'";
        assert!(store.connection.execute(second, []).is_err());
        assert_eq!(names(&store).iter().filter(|(_, in_use)| *in_use).count(), 1);
        assert!(store.remove_profile("default").unwrap());
        assert_eq!(in_use(&store), None);
        assert!(store.use_profile("1").unwrap());
        assert_eq!(in_use(&store).as_deref(), Some("1"));
    }

    #[test]
    fn a_profile_is_removed_with_what_belongs_to_it() {
        let mut store = store();
        store.add_profile("1", "one", "", "{}").unwrap();
        for profile in ["default", "1"] {
            store
                .connection
                .execute_batch(&format!(
                    "INSERT INTO lakes VALUES ('{profile}', '/lake', 1);
                     INSERT INTO drafts VALUES ('{profile}', 'arn', 'now', '{{}}', '[]');
                     INSERT INTO secrets VALUES ('{profile}', 'pat', 'host', 'keyring', 'now', NULL);
                     INSERT INTO plans VALUES ('plan {profile}', 'now', '{{}}', '{profile}', 'a');
                     INSERT INTO journal VALUES ('{profile}', 'now', 'arn', '{{}}', '{profile}', 'a');
                     INSERT INTO jobs (id, profile, kind, actor, lane, state, owner, queued, ended)
                     VALUES ('q {profile}', '{profile}', '', '', '', 'queued', '', 'now', NULL),
                            ('e {profile}', '{profile}', '', '', '', 'failed', '', 'now', 'now')"
                ))
                .unwrap();
        }
        assert!(store.remove_profile("1").unwrap());
        assert!(!store.remove_profile("1").unwrap());
        for table in ["profiles", "lakes", "drafts", "secrets", "plans"] {
            assert_eq!(count(&store, &format!("SELECT count(*) FROM {table}")), 1, "{table}");
        }
        assert_eq!(count(&store, "SELECT count(*) FROM journal"), 2);
        let left = "SELECT count(*) FROM jobs WHERE id IN ('q 1', 'q default', 'e default')";
        assert_eq!(count(&store, left), count(&store, "SELECT count(*) FROM jobs"));
        assert_eq!(count(&store, left), 3);
    }
}
