//! The draft of each role's trust policy, and each role's goals: both JSON that `app` understands. A role is
//! its ARN; `''` is a pasted policy without a role.

use headgate_terms::Result;
use rusqlite::{OptionalExtension, Row, params};

use crate::profiles::not_saved_in;
use crate::{Store, failed, or_nothing};

/// A draft as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftRecord {
    /// The role's ARN; empty for a pasted policy without a role.
    pub role: String,
    /// When it was saved last, in RFC 3339.
    pub at: String,
    /// The draft, as JSON.
    pub document: String,
}

/// A role that has a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftedRole {
    /// The role's ARN; empty for a pasted policy without a role.
    pub role: String,
    /// When its draft was saved last, in RFC 3339.
    pub at: String,
}

fn read(row: &Row<'_>) -> rusqlite::Result<DraftRecord> {
    Ok(DraftRecord { role: row.get(0)?, at: row.get(1)?, document: row.get(2)? })
}

impl Store {
    /// The draft of a role in a profile; `None` when there never was one or it was discarded.
    ///
    /// # Errors
    /// When the database fails.
    pub fn draft(&self, profile: &str, role: &str) -> Result<Option<DraftRecord>> {
        let sql = "SELECT role, at, document FROM drafts
             WHERE profile = ?1 AND role = ?2 AND document IS NOT NULL";
        let found = self.connection.query_row(sql, [profile, role], read).optional();
        or_nothing(found, "read a draft")
    }

    /// The draft of a profile that was saved last.
    ///
    /// # Errors
    /// When the database fails.
    pub fn latest_draft(&self, profile: &str) -> Result<Option<DraftRecord>> {
        let sql = "SELECT role, at, document FROM drafts
             WHERE profile = ?1 AND document IS NOT NULL ORDER BY at DESC, role LIMIT 1";
        let found = self.connection.query_row(sql, [profile], read).optional();
        or_nothing(found, "read the latest draft")
    }

    /// The roles of a profile that have a draft, the one saved last first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn drafted_roles(&self, profile: &str) -> Result<Vec<DraftedRole>> {
        let sql = "SELECT role, at FROM drafts
             WHERE profile = ?1 AND document IS NOT NULL ORDER BY at DESC, role";
        let found = self.connection.prepare(sql).and_then(|mut query| {
            let read = |row: &Row<'_>| Ok(DraftedRole { role: row.get(0)?, at: row.get(1)? });
            query.query_map([profile], read)?.collect()
        });
        or_nothing(found, "list the drafts")
    }

    /// Saves the draft of a role. `at` is in RFC 3339, `document` is JSON.
    ///
    /// # Errors
    /// `profile_not_found` when the profile was removed, and when the database fails.
    pub fn save_draft(&self, profile: &str, role: &str, at: &str, document: &str) -> Result<()> {
        self.connection
            .execute(
                "INSERT INTO drafts (profile, role, at, document) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET at = excluded.at, document = excluded.document",
                params![profile, role, at, document],
            )
            .map(|_| ())
            .map_err(|error| not_saved_in("save a draft", &error))
    }

    /// Discards the draft of a role; its goals stay. False when there was no draft.
    ///
    /// # Errors
    /// When the database fails.
    pub fn discard_draft(&self, profile: &str, role: &str) -> Result<bool> {
        self.connection
            .execute(
                "UPDATE drafts SET document = NULL
                 WHERE profile = ?1 AND role = ?2 AND document IS NOT NULL",
                [profile, role],
            )
            .map(|changed| changed > 0)
            .map_err(|error| failed("discard a draft", &error))
    }

    /// The goals that a role had last, as JSON; `None` when there never were any.
    ///
    /// # Errors
    /// When the database fails.
    pub fn goals(&self, profile: &str, role: &str) -> Result<Option<String>> {
        let sql = "SELECT goals FROM drafts WHERE profile = ?1 AND role = ?2";
        let found = self.connection.query_row(sql, [profile, role], |row| row.get(0)).optional();
        or_nothing(found.map(Option::flatten), "read the goals of a role")
    }

    /// Saves the goals of a role, as JSON; its draft stays as it is.
    ///
    /// # Errors
    /// `profile_not_found` when the profile was removed, and when the database fails.
    pub fn save_goals(&self, profile: &str, role: &str, goals: &str) -> Result<()> {
        self.connection
            .execute(
                "INSERT INTO drafts (profile, role, goals) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET goals = excluded.goals",
                [profile, role, goals],
            )
            .map(|_| ())
            .map_err(|error| not_saved_in("save the goals of a role", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Store {
        let store = Store::of(crate::schema::in_memory());
        store.add_profile("other", "other", "", "{}").unwrap();
        store
    }

    #[test]
    fn each_role_has_a_draft_of_its_own() {
        let store = store();
        for (profile, role, at, text) in [
            ("default", "a", "2026-01-01T00:00:00Z", "old"),
            ("default", "", "2026-01-03T00:00:00Z", "pasted"),
            ("default", "a", "2026-01-02T00:00:00Z", "new"),
            ("other", "a", "2026-01-04T00:00:00Z", "theirs"),
        ] {
            store.save_draft(profile, role, at, text).unwrap();
        }
        let text = |profile, role| store.draft(profile, role).unwrap().map(|found| found.document);
        assert_eq!(text("default", "a").as_deref(), Some("new"));
        assert_eq!(text("default", "").as_deref(), Some("pasted"));
        assert_eq!(text("other", "a").as_deref(), Some("theirs"));
        assert_eq!(text("other", ""), None);
        assert_eq!(store.latest_draft("default").unwrap().unwrap().role, "");
        let roles: Vec<_> =
            store.drafted_roles("default").unwrap().into_iter().map(|it| it.role).collect();
        assert_eq!(roles, ["", "a"]);

        assert!(store.discard_draft("default", "").unwrap());
        assert!(!store.discard_draft("default", "").unwrap());
        assert!(!store.discard_draft("default", "b").unwrap());
        let latest = store.latest_draft("default").unwrap().unwrap();
        assert_eq!((&*latest.role, &*latest.at), ("a", "2026-01-02T00:00:00Z"));
        assert_eq!(store.drafted_roles("default").unwrap().len(), 1);
        assert_eq!(store.drafted_roles("other").unwrap().len(), 1);
    }

    #[test]
    fn goals_stay_when_a_draft_is_discarded() {
        let store = store();
        assert_eq!(store.goals("default", "a").unwrap(), None);
        store.save_goals("default", "a", "[1]").unwrap();
        assert_eq!(store.draft("default", "a").unwrap(), None);
        assert_eq!(store.latest_draft("default").unwrap(), None);
        assert_eq!(store.drafted_roles("default").unwrap(), []);

        store.save_draft("default", "a", "2026-01-01T00:00:00Z", "{}").unwrap();
        assert_eq!(store.goals("default", "a").unwrap().as_deref(), Some("[1]"));
        store.save_goals("default", "a", "[2]").unwrap();
        assert_eq!(store.draft("default", "a").unwrap().unwrap().document, "{}");
        store.discard_draft("default", "a").unwrap();
        assert_eq!(store.goals("default", "a").unwrap().as_deref(), Some("[2]"));
        assert_eq!(store.goals("other", "a").unwrap(), None);
        store.save_draft("default", "b", "2026-01-01T00:00:00Z", "{}").unwrap();
        assert_eq!(store.goals("default", "b").unwrap(), None);
    }

    #[test]
    fn nothing_is_saved_for_a_profile_that_was_removed() {
        let mut store = store();
        store.remove_profile("other").unwrap();
        for error in [
            store.save_draft("other", "a", "", "{}").unwrap_err(),
            store.save_goals("other", "a", "[]").unwrap_err(),
        ] {
            assert_eq!(error.code, "profile_not_found", "{error}");
        }
        assert_eq!(store.goals("other", "a").unwrap(), None);
    }
}
