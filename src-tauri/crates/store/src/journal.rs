//! The journal of changes outside this machine, and plans that are not applied yet: both JSON that `app`
//! understands.

use headgate_terms::Result;
use rusqlite::{OptionalExtension, Row, named_params, params};

use crate::{Page, Store, failed, or_nothing};

/// A change in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRecord {
    /// Its id.
    pub id: String,
    /// The id of the profile that it was made in, which may have been removed since.
    pub profile: String,
    /// What kind of change it is, such as `trust_policy`.
    pub kind: String,
    /// When it was made, in RFC 3339.
    pub at: String,
    /// What it changed, such as a role's ARN.
    pub object: String,
    /// The change, as JSON.
    pub document: String,
}

/// A change that is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRecord {
    /// Its id.
    pub id: String,
    /// The id of the profile that it was made in.
    pub profile: String,
    /// What kind of change it is, such as `trust_policy`.
    pub kind: String,
    /// When it was made, in RFC 3339.
    pub at: String,
    /// The plan, as JSON.
    pub document: String,
}

const COLUMNS: &str = "id, profile, kind, at, object, document";

fn read(row: &Row<'_>) -> rusqlite::Result<JournalRecord> {
    Ok(JournalRecord {
        id: row.get(0)?,
        profile: row.get(1)?,
        kind: row.get(2)?,
        at: row.get(3)?,
        object: row.get(4)?,
        document: row.get(5)?,
    })
}

impl Store {
    /// Adds a change to the journal. Of a change that is in it only the document is replaced.
    ///
    /// # Errors
    /// When the database fails.
    pub fn journal(&self, change: &JournalRecord) -> Result<()> {
        let JournalRecord { id, profile, kind, at, object, document } = change;
        self.connection
            .execute(
                "INSERT INTO journal (id, profile, kind, at, object, document)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (id) DO UPDATE SET document = excluded.document",
                params![id, profile, kind, at, object, document],
            )
            .map(|_| ())
            .map_err(|error| failed("write the journal", &error))
    }

    /// A page of at most `most` changes of a kind made in a profile, to one object or to all, newest first:
    /// the latest, or those before a change, given by its id. No change is before one that is not known.
    ///
    /// # Errors
    /// When the database fails.
    pub fn journal_of(
        &self,
        profile: &str,
        kind: &str,
        object: Option<&str>,
        before: Option<&str>,
        most: u32,
    ) -> Result<Page<JournalRecord>> {
        let sql = page_of(object.is_some(), before.is_some());
        let found = self.connection.prepare(&sql).and_then(|mut query| {
            let values = named_params! {
                ":profile": profile,
                ":kind": kind,
                ":object": object,
                ":before": before,
                ":limit": i64::from(most) + 1,
            };
            query.query_map(values, read)?.collect::<rusqlite::Result<_>>()
        });
        or_nothing(found.map(|found| Page::of(found, most)), "read the journal")
    }

    /// One change of the journal, by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub fn journal_entry(&self, id: &str) -> Result<Option<JournalRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM journal WHERE id = ?1");
        or_nothing(self.connection.query_row(&sql, [id], read).optional(), "read the journal")
    }

    /// Saves a plan, and removes the plans of all profiles that were made before `since`, in RFC 3339.
    ///
    /// # Errors
    /// When the database fails.
    pub fn save_plan(&self, plan: &PlanRecord, since: &str) -> Result<()> {
        let PlanRecord { id, profile, kind, at, document } = plan;
        self.connection
            .execute("DELETE FROM plans WHERE at < ?1", [since])
            .and_then(|_| {
                self.connection.execute(
                    "INSERT INTO plans (id, profile, kind, at, document)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![id, profile, kind, at, document],
                )
            })
            .map(|_| ())
            .map_err(|error| failed("save a plan", &error))
    }

    /// A plan by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub fn plan(&self, id: &str) -> Result<Option<PlanRecord>> {
        let sql = "SELECT id, profile, kind, at, document FROM plans WHERE id = ?1";
        let read = |row: &Row<'_>| {
            Ok(PlanRecord {
                id: row.get(0)?,
                profile: row.get(1)?,
                kind: row.get(2)?,
                at: row.get(3)?,
                document: row.get(4)?,
            })
        };
        or_nothing(self.connection.query_row(sql, [id], read).optional(), "read a plan")
    }
}

/// All values are bound, so all are in the text.
fn page_of(has_object: bool, has_before: bool) -> String {
    let object = if has_object { "object = :object" } else { ":object IS NULL" };
    let before = if has_before {
        "(at, id) < (SELECT at, id FROM journal WHERE id = :before)"
    } else {
        ":before IS NULL"
    };
    format!(
        "SELECT {COLUMNS} FROM journal WHERE profile = :profile AND kind = :kind AND {object} AND {before}
         ORDER BY at DESC, id DESC LIMIT :limit"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Store {
        Store::of(crate::schema::in_memory())
    }

    fn change(id: &str, profile: &str, at: &str, object: &str) -> JournalRecord {
        JournalRecord {
            id: id.to_owned(),
            profile: profile.to_owned(),
            kind: "trust_policy".to_owned(),
            at: at.to_owned(),
            object: object.to_owned(),
            document: "{}".to_owned(),
        }
    }

    #[test]
    fn pages_are_of_one_profile_and_kind_and_of_one_object_or_all() {
        let store = store();
        // Three at the same time: their order is that of their ids.
        for (id, profile, at, object) in [
            ("e", "default", "2026-01-01T00:00:00Z", "role"),
            ("b", "default", "2026-01-02T00:00:00Z", "other"),
            ("a", "default", "2026-01-02T00:00:00Z", "role"),
            ("c", "default", "2026-01-02T00:00:00Z", "role"),
            ("d", "default", "2026-01-03T00:00:00Z", "role"),
            ("f", "removed", "2026-01-02T00:00:00Z", "role"),
        ] {
            store.journal(&change(id, profile, at, object)).unwrap();
        }
        let other_kind = JournalRecord {
            kind: "bucket".to_owned(),
            ..change("g", "default", "2026-01-02T00:00:00Z", "role")
        };
        store.journal(&other_kind).unwrap();
        let of = |profile, object, before: Option<&str>, most| {
            store.journal_of(profile, "trust_policy", object, before, most).unwrap()
        };
        for (profile, object, pages) in [
            ("default", None, &["dc", "ba", "e"][..]),
            ("default", Some("role"), &["dc", "ae"]),
            ("default", Some("other"), &["b"]),
            ("default", Some("none"), &[""]),
            ("removed", None, &["f"]),
        ] {
            let mut before: Option<String> = None;
            for (at, ids) in pages.iter().enumerate() {
                let page = of(profile, object, before.as_deref(), 2);
                let found: String = page.entries.iter().map(|change| &*change.id).collect();
                assert_eq!((&*found, page.more), (*ids, at + 1 < pages.len()), "{object:?}");
                before = page.entries.last().map(|change| change.id.clone());
            }
        }
        assert_eq!(of("default", None, Some("none"), 2), Page::default());
        let whole = of("default", None, None, u32::MAX);
        assert_eq!((whole.entries.len(), whole.more), (5, false));
        let other = store.journal_of("default", "bucket", Some("role"), None, 2).unwrap();
        assert_eq!(other, Page { entries: vec![other_kind], more: false });
    }

    #[test]
    fn what_is_known_later_replaces_the_document_alone() {
        let store = store();
        let sent = change("a", "default", "2026-01-01T00:00:00Z", "role");
        store.journal(&sent).unwrap();
        let ended = JournalRecord {
            document: r#"{"state":"done"}"#.to_owned(),
            ..change("a", "other", "2026-01-02T00:00:00Z", "none")
        };
        store.journal(&ended).unwrap();
        let expected = JournalRecord { document: ended.document, ..sent };
        assert_eq!(store.journal_entry("a").unwrap(), Some(expected));
        assert_eq!(store.journal_entry("b").unwrap(), None);
    }

    #[test]
    fn a_page_is_read_from_an_index_in_its_order() {
        let store = store();
        for (has_object, has_before) in [(false, false), (false, true), (true, false), (true, true)]
        {
            let plan = crate::schema::plan_of(&store.connection, &page_of(has_object, has_before));
            let index = if has_object { "journal_by_object" } else { "journal_by_time" };
            assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{plan}");
            assert_eq!(plan.contains("at<?"), has_before, "{plan}");
        }
    }

    #[test]
    fn plans_are_kept_until_they_are_old() {
        let store = store();
        let plan = |id: &str, profile: &str, at: &str| PlanRecord {
            id: id.to_owned(),
            profile: profile.to_owned(),
            kind: "trust_policy".to_owned(),
            at: at.to_owned(),
            document: "{}".to_owned(),
        };
        let (old, new) = (
            plan("a", "other", "2026-01-01T00:00:00Z"),
            plan("b", "default", "2026-02-02T00:00:00Z"),
        );
        store.save_plan(&old, "2025-12-02T00:00:00Z").unwrap();
        assert_eq!(store.plan("a").unwrap(), Some(old));
        store.save_plan(&new, "2026-01-02T00:00:00Z").unwrap();
        assert_eq!(store.plan("a").unwrap(), None);
        assert_eq!(store.plan("b").unwrap(), Some(new));
    }
}
