//! Runs and their reports as JSON, and totals over them. Reports are written and read in `sync`.

use std::collections::BTreeSet;

use headgate_terms::Result;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use crate::{Page, Store, failed};

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

/// What came in since a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeriodTotals {
    /// Runs that began.
    pub runs: u64,
    /// Places, or for standard input sources, that they took from.
    pub sources: u64,
    /// Events received.
    pub received: u64,
    /// Events written.
    pub written: u64,
    /// Lakes that they wrote to, the latest first.
    pub lakes: Vec<String>,
}

/// A sync is known by where its events come from: a place, or for standard input a source.
const LAST_OF_EACH: &str = "SELECT max(number) FROM runs WHERE NOT running AND json_valid(document)
    GROUP BY json_extract(document, '$.to'),
             coalesce(json_extract(document, '$.from'), json_extract(document, '$.source'))";

/// Forgets runs that began before a time, but for those of a list and the latest of each sync.
fn forgetting() -> String {
    format!(
        "DELETE FROM runs WHERE NOT running AND json_valid(document)
         AND json_extract(document, '$.started') < ?1
         AND number NOT IN ({LAST_OF_EACH})
         AND id NOT IN (SELECT value FROM json_each(?2))"
    )
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
    pub fn save_run(&self, id: &str, running: bool, document: &str) -> Result<()> {
        self.connection
            .execute(
                "UPDATE runs SET running = ?2, document = ?3 WHERE id = ?1",
                params![id, running, document],
            )
            .map(|_| ())
            .map_err(|error| failed("keep the run's report", &error))
    }

    /// All runs or the latest, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn runs(&self, most: Option<u32>) -> Result<Vec<RunRecord>> {
        self.runs_where("document <> ''", most)
    }

    /// A page of at most `most` runs, newest first: the latest, or those before a run, given by its id
    /// or its number alone. That run may have been forgotten since.
    ///
    /// # Errors
    /// When the database fails.
    pub fn runs_before(&self, before: Option<&str>, most: u32) -> Result<Page<RunRecord>> {
        let sql = "SELECT id, running, document FROM runs
             WHERE document <> '' AND number < ?1 ORDER BY number DESC LIMIT ?2";
        // An id begins with its number.
        let number = before.map_or(i64::MAX, |id| {
            id.split('-').next().and_then(|number| number.parse().ok()).unwrap_or_default()
        });
        self.connection
            .prepare(sql)
            .and_then(|mut query| query.query_map([number, i64::from(most) + 1], record)?.collect())
            .map(|found| Page::of(found, most))
            .map_err(|error| failed("read the runs", &error))
    }

    /// The runs of which no end was recorded.
    ///
    /// # Errors
    /// When the database fails.
    pub fn running(&self) -> Result<Vec<RunRecord>> {
        self.runs_where("document <> '' AND running", None)
    }

    /// How many runs there are.
    ///
    /// # Errors
    /// When the database fails.
    pub fn count_runs(&self) -> Result<u64> {
        self.connection
            .query_row("SELECT count(*) FROM runs WHERE document <> ''", [], |row| count(row, 0))
            .map_err(|error| failed("count the runs", &error))
    }

    /// The latest run that has ended from each place into each lake, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn last_of_each(&self) -> Result<Vec<RunRecord>> {
        self.runs_where(&format!("number IN ({LAST_OF_EACH})"), None)
    }

    /// The latest runs that made a table or gave one columns, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn changed(&self, most: u32) -> Result<Vec<RunRecord>> {
        let changed = "document <> '' AND EXISTS (SELECT 1 FROM json_each(document, '$.tables')
            WHERE json_extract(value, '$.columns_added[0]') IS NOT NULL)";
        self.runs_where(changed, Some(most))
    }

    /// What came in by runs that began since a time, given in RFC 3339.
    ///
    /// # Errors
    /// When the database fails.
    pub fn since(&self, since: &str) -> Result<PeriodTotals> {
        let mut found = self
            .connection
            .query_row(
                "SELECT count(*),
                        count(DISTINCT coalesce(json_extract(document, '$.from'),
                                                json_extract(document, '$.source'))),
                        coalesce(sum(json_extract(document, '$.events.received')), 0),
                        coalesce(sum(json_extract(document, '$.events.written')), 0)
                 FROM runs WHERE document <> '' AND json_extract(document, '$.started') >= ?1",
                [since],
                |row| {
                    Ok(PeriodTotals {
                        runs: count(row, 0)?,
                        sources: count(row, 1)?,
                        received: count(row, 2)?,
                        written: count(row, 3)?,
                        lakes: Vec::new(),
                    })
                },
            )
            .map_err(|error| failed("add up the runs", &error))?;
        found.lakes = self.lakes_since(since)?;
        Ok(found)
    }

    /// The lakes that runs wrote to, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lakes(&self) -> Result<Vec<String>> {
        self.lakes_since("")
    }

    fn lakes_since(&self, since: &str) -> Result<Vec<String>> {
        let doing = "read the lakes";
        let mut query = self
            .connection
            .prepare(
                "SELECT json_extract(document, '$.to') AS lake FROM runs
                 WHERE document <> '' AND json_extract(document, '$.started') >= ?1
                 GROUP BY lake ORDER BY max(number) DESC",
            )
            .map_err(|error| failed(doing, &error))?;
        let rows =
            query.query_map([since], |row| row.get(0)).map_err(|error| failed(doing, &error))?;
        rows.collect::<Result<_, _>>().map_err(|error| failed(doing, &error))
    }

    /// Forgets the runs that have ended and began before a time, given in RFC 3339, but for those
    /// that are named and for the latest of each sync.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_runs(&self, before: &str, but: &BTreeSet<String>) -> Result<()> {
        let but: Vec<_> = but.iter().collect();
        let but = serde_json::to_string(&but).unwrap_or_default();
        self.connection
            .execute(&forgetting(), [before, &but])
            .map(|_| ())
            .map_err(|error| failed("forget old runs", &error))
    }

    fn runs_where(&self, condition: &str, most: Option<u32>) -> Result<Vec<RunRecord>> {
        let doing = "read the runs";
        let mut query = self
            .connection
            .prepare(&format!(
                "SELECT id, running, document FROM runs WHERE {condition} ORDER BY number DESC
                 LIMIT {}",
                most.map_or(-1, i64::from)
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

/// A number that is never negative; SQLite has no other than signed ones.
fn count(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(at).map(|count| count as u64)
}

fn record(row: &rusqlite::Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord { id: row.get(0)?, running: row.get(1)?, document: row.get(2)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_go_from_the_newest_to_the_oldest() {
        let store = Store::of(crate::schema::in_memory());
        let mut ids = Vec::new();
        for at in 0..5 {
            let id = store.begin_run().unwrap();
            // The second has no report yet.
            if at != 1 {
                store.save_run(&id, at == 4, r#"{"started":"2026-01-01T00:00:00Z"}"#).unwrap();
            }
            ids.push(id);
        }
        let page = |before: Option<&str>, most| {
            let page = store.runs_before(before, most).unwrap();
            let found: Vec<_> = page.entries.into_iter().map(|run| run.id).collect();
            (found, page.more)
        };
        let of = |numbers: &[usize]| numbers.iter().map(|at| ids[*at].clone()).collect::<Vec<_>>();
        let forgotten = "3-000000";
        for (before, most, expected, more) in [
            (None, 3, &[4, 3, 2][..], true),
            (Some(&*ids[2]), 3, &[0], false),
            (None, 4, &[4, 3, 2, 0], false),
            (Some(&*ids[4]), 1, &[3], true),
            (Some(forgotten), 3, &[0], false),
            (Some("3"), 3, &[0], false),
            (Some(&*ids[0]), 3, &[], false),
            (Some("none"), 3, &[], false),
            (None, 0, &[], true),
        ] {
            assert_eq!(page(before, most), (of(expected), more), "{before:?} {most}");
        }
        assert!(store.runs_before(None, 1).unwrap().entries[0].running);
    }

    #[test]
    fn a_run_that_begins_reads_only_the_runs_that_it_asks_for() {
        let connection = crate::schema::in_memory();
        for (sql, index) in [
            (
                "SELECT id FROM runs WHERE document <> '' AND running ORDER BY number DESC",
                "runs_running",
            ),
            (&*forgetting(), "runs_by_start"),
            (LAST_OF_EACH, "runs_by_sync"),
        ] {
            let plan = crate::schema::plan_of(&connection, sql);
            assert!(plan.contains(index) && !plan.contains("SCAN runs\n"), "{sql}\n{plan}");
        }
    }
}
