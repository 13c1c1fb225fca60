//! Jobs: queued, running or ended, with their progress and error.
//!
//! A job is queued, may run, and ends once. Each SQL statement names the states from which it applies, so a
//! job that has ended is not changed again by any process. `app` decides when a job runs and in which order.

use headgate_terms::Result;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{OptionalExtension, Row, named_params, params};

use crate::{Page, Store, failed, or_nothing};

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// It waits for its turn.
    Queued,
    /// It runs.
    Running,
    /// It did all that it was to do.
    Succeeded,
    /// It did part of it.
    Partial,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Its process ended before the job did.
    Interrupted,
}

impl JobState {
    const ALL: [Self; 7] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Partial,
        Self::Failed,
        Self::Cancelled,
        Self::Interrupted,
    ];

    /// Its name as it is stored: the variant's in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether a job in this state has not ended: it is queued or running.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

impl FromSql for JobState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(FromSqlError::InvalidType)
    }
}

/// A job to add.
#[derive(Debug, Clone, Copy)]
pub struct NewJob<'a> {
    /// Its id, which `app` makes.
    pub id: &'a str,
    /// The profile's id.
    pub profile: &'a str,
    /// What it does, in `app`'s words.
    pub kind: &'a str,
    /// Who asked for it, in `app`'s words.
    pub actor: &'a str,
    /// The lane that it runs in.
    pub lane: &'a str,
    /// The process that runs it, in `app`'s words.
    pub owner: &'a str,
    /// What it is to do, as JSON.
    pub about: Option<&'a str>,
    /// When it was requested, in RFC 3339.
    pub queued: &'a str,
}

/// A job as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRecord {
    /// Its number, which counts up.
    pub number: i64,
    /// Its id.
    pub id: String,
    /// The profile's id.
    pub profile: String,
    /// What it does, in `app`'s words.
    pub kind: String,
    /// Who asked for it, in `app`'s words.
    pub actor: String,
    /// The lane that it runs in.
    pub lane: String,
    /// How far it is.
    pub state: JobState,
    /// The process that runs it, in `app`'s words.
    pub owner: String,
    /// The id of its run, for a job that has one.
    pub run: Option<String>,
    /// What it is to do, as JSON.
    pub about: Option<String>,
    /// What it reported last, as JSON.
    pub progress: Option<String>,
    /// Why it did not succeed, as JSON.
    pub error: Option<String>,
    /// When it was requested, in RFC 3339.
    pub queued: String,
    /// When it began to run, in RFC 3339.
    pub started: Option<String>,
    /// When it ended, in RFC 3339; `None` while it is open.
    pub ended: Option<String>,
}

const COLUMNS: &str = "number, id, profile, kind, actor, lane, state, owner, run, about, progress, \
    error, queued, started, ended";

/// Jobs that are open. Their index is named because SQLite would look for a page of them among all jobs.
const OPEN: &str = "FROM jobs INDEXED BY jobs_open WHERE state IN ('queued', 'running')";

fn read(row: &Row<'_>) -> rusqlite::Result<JobRecord> {
    Ok(JobRecord {
        number: row.get(0)?,
        id: row.get(1)?,
        profile: row.get(2)?,
        kind: row.get(3)?,
        actor: row.get(4)?,
        lane: row.get(5)?,
        state: row.get(6)?,
        owner: row.get(7)?,
        run: row.get(8)?,
        about: row.get(9)?,
        progress: row.get(10)?,
        error: row.get(11)?,
        queued: row.get(12)?,
        started: row.get(13)?,
        ended: row.get(14)?,
    })
}

impl Store {
    /// Adds a job that is queued, and returns its number.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_job(&self, job: &NewJob<'_>) -> Result<i64> {
        let NewJob { id, profile, kind, actor, lane, owner, about, queued } = job;
        self.connection
            .execute(
                "INSERT INTO jobs (id, profile, kind, actor, lane, state, owner, about, queued)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'queued', ?6, ?7, ?8)",
                params![id, profile, kind, actor, lane, owner, about, queued],
            )
            .map(|_| self.connection.last_insert_rowid())
            .map_err(|error| failed("add a job", &error))
    }

    /// Starts a job that is queued. False when it is not; then nothing changed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn start_job(&self, id: &str, started: &str) -> Result<bool> {
        self.connection
            .execute(
                "UPDATE jobs SET state = 'running', started = ?2
                 WHERE id = ?1 AND state IN ('queued')",
                [id, started],
            )
            .map(|changed| changed > 0)
            .map_err(|error| failed("start a job", &error))
    }

    /// Names the run of a job that runs. False when it does not run; then nothing changed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_job_run(&self, id: &str, run: &str) -> Result<bool> {
        self.connection
            .execute("UPDATE jobs SET run = ?2 WHERE id = ?1 AND state IN ('running')", [id, run])
            .map(|changed| changed > 0)
            .map_err(|error| failed("name the run of a job", &error))
    }

    /// Saves what a job that runs reports, as JSON. False when it does not run; then nothing changed.
    /// Each call waits for the disk.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_job_progress(&self, id: &str, progress: &str) -> Result<bool> {
        self.connection
            .execute(
                "UPDATE jobs SET progress = ?2 WHERE id = ?1 AND state IN ('running')",
                [id, progress],
            )
            .map(|changed| changed > 0)
            .map_err(|error| failed("save the progress of a job", &error))
    }

    /// Ends a job that is open. One that is queued did nothing yet, so it can fail, be cancelled or be
    /// interrupted, and not succeed. False when the job cannot end so; then nothing changed.
    ///
    /// `error` is JSON, `ended` is in RFC 3339.
    ///
    /// # Errors
    /// When the database fails.
    pub fn end_job(
        &self,
        id: &str,
        state: JobState,
        error: Option<&str>,
        ended: &str,
    ) -> Result<bool> {
        self.connection
            .execute(
                "UPDATE jobs SET state = ?2, error = ?3, ended = ?4 WHERE id = ?1 AND (
                     state IN ('running')
                         AND ?2 IN ('succeeded', 'partial', 'failed', 'cancelled', 'interrupted')
                     OR state IN ('queued') AND ?2 IN ('failed', 'cancelled', 'interrupted'))",
                params![id, state.as_str(), error, ended],
            )
            .map(|changed| changed > 0)
            .map_err(|error| failed("end a job", &error))
    }

    /// Marks those of the jobs that are still open as interrupted, and returns their ids.
    ///
    /// `error` is JSON, `ended` is in RFC 3339.
    ///
    /// # Errors
    /// When the database fails.
    pub fn interrupt_jobs(
        &self,
        ids: &[&str],
        error: Option<&str>,
        ended: &str,
    ) -> Result<Vec<String>> {
        let ids = serde_json::to_string(ids).unwrap_or_default();
        let sql = "UPDATE jobs SET state = 'interrupted', error = ?2, ended = ?3
             WHERE id IN (SELECT value FROM json_each(?1)) AND state IN ('queued', 'running')
             RETURNING id";
        self.connection
            .prepare(sql)
            .and_then(|mut query| {
                query.query_map(params![ids, error, ended], |row| row.get(0))?.collect()
            })
            .map_err(|error| failed("mark jobs as interrupted", &error))
    }

    /// A job by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub fn job(&self, id: &str) -> Result<Option<JobRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM jobs WHERE id = ?1");
        or_nothing(self.connection.query_row(&sql, [id], read).optional(), "read a job")
    }

    /// A page of at most `most` jobs, newest first: the latest, or those before a number. All jobs, or only
    /// those that are open.
    ///
    /// # Errors
    /// When the database fails.
    pub fn jobs(&self, only_open: bool, before: Option<i64>, most: u32) -> Result<Page<JobRecord>> {
        let found = self.connection.prepare(&page_of(only_open)).and_then(|mut query| {
            let values = named_params! {
                ":before": before.unwrap_or(i64::MAX),
                ":limit": i64::from(most) + 1,
            };
            query.query_map(values, read)?.collect::<rusqlite::Result<_>>()
        });
        or_nothing(found.map(|found| Page::of(found, most)), "read the jobs")
    }

    /// The jobs that are queued or running, in the order in which they were added.
    ///
    /// # Errors
    /// When the database fails.
    pub fn open_jobs(&self) -> Result<Vec<JobRecord>> {
        let found = self
            .connection
            .prepare(&format!("SELECT {COLUMNS} {OPEN} ORDER BY number"))
            .and_then(|mut query| query.query_map([], read)?.collect());
        or_nothing(found, "read the open jobs")
    }

    /// Removes a job that has not begun. False when there is none, or it has.
    ///
    /// # Errors
    /// When the database fails.
    pub fn remove_job(&self, id: &str) -> Result<bool> {
        self.connection
            .execute("DELETE FROM jobs WHERE id = ?1 AND state = 'queued'", [id])
            .map(|changed| changed > 0)
            .map_err(|error| failed("remove a job", &error))
    }

    /// Forgets the jobs that ended before a time, given in RFC 3339. False when there were none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_jobs(&self, before: &str) -> Result<bool> {
        self.connection
            .execute("DELETE FROM jobs WHERE ended < ?1", [before])
            .map(|changed| changed > 0)
            .map_err(|error| failed("forget old jobs", &error))
    }
}

fn page_of(only_open: bool) -> String {
    let which = if only_open { OPEN } else { "FROM jobs WHERE true" };
    format!("SELECT {COLUMNS} {which} AND number < :before ORDER BY number DESC LIMIT :limit")
}

#[cfg(test)]
mod tests {
    use super::*;
    use JobState::{Cancelled, Failed, Interrupted, Partial, Queued, Running, Succeeded};

    fn store() -> Store {
        Store::of(crate::schema::in_memory())
    }

    fn add(store: &Store, id: &str, profile: &str) -> i64 {
        let job = NewJob {
            id,
            profile,
            kind: "sync",
            actor: "window",
            lane: "/lake",
            owner: "window 7",
            about: Some(r#"{"from":"/in"}"#),
            queued: "2026-01-01T00:00:00Z",
        };
        store.add_job(&job).unwrap()
    }

    /// A job in a state, by a row of its own.
    fn put(store: &Store, id: &str, state: JobState) {
        let ended = (!state.is_open()).then_some("2026-01-01T00:00:02Z");
        store
            .connection
            .execute(
                "INSERT INTO jobs (id, profile, kind, actor, lane, state, owner, queued, ended)
                 VALUES (?1, 'default', 'sync', 'window', '/lake', ?2, 'window 7', 'q', ?3)",
                params![id, state.as_str(), ended],
            )
            .unwrap();
    }

    type Change = fn(&Store, &str) -> Result<bool>;

    const TIME: &str = "2026-01-01T00:00:09Z";

    fn end(store: &Store, id: &str, state: JobState) -> Result<bool> {
        store.end_job(id, state, Some("{}"), TIME)
    }

    /// Each change, the states in which it may be made, and the state after it.
    const CHANGES: [(&str, Change, &[JobState], Option<JobState>); 11] = [
        ("start", |store, id| store.start_job(id, TIME), &[Queued], Some(Running)),
        ("run", |store, id| store.set_job_run(id, "1-abc"), &[Running], None),
        ("progress", |store, id| store.set_job_progress(id, "{}"), &[Running], None),
        ("queued", |store, id| end(store, id, Queued), &[], None),
        ("running", |store, id| end(store, id, Running), &[], None),
        ("succeeded", |store, id| end(store, id, Succeeded), &[Running], Some(Succeeded)),
        ("partial", |store, id| end(store, id, Partial), &[Running], Some(Partial)),
        ("failed", |store, id| end(store, id, Failed), &[Queued, Running], Some(Failed)),
        ("cancelled", |store, id| end(store, id, Cancelled), &[Queued, Running], Some(Cancelled)),
        (
            "interrupted",
            |store, id| end(store, id, Interrupted),
            &[Queued, Running],
            Some(Interrupted),
        ),
        (
            "interrupt",
            |store, id| Ok(store.interrupt_jobs(&[id, "none"], Some("{}"), TIME)? == [id]),
            &[Queued, Running],
            Some(Interrupted),
        ),
    ];

    #[test]
    fn a_change_is_made_from_some_states_only() {
        let store = store();
        for (change, make, from, to) in CHANGES {
            for state in JobState::ALL {
                let id = format!("{change} {}", state.as_str());
                put(&store, &id, state);
                let before = store.job(&id).unwrap().unwrap();
                let expected = from.contains(&state);
                assert_eq!(make(&store, &id).unwrap(), expected, "{id}");
                let after = store.job(&id).unwrap().unwrap();
                if expected {
                    assert_eq!(after.state, to.unwrap_or(state), "{id}");
                    assert_ne!(after, before, "{id}");
                } else {
                    assert_eq!(after, before, "{id}");
                }
            }
            assert!(!make(&store, "none").unwrap(), "{change}");
        }
    }

    #[test]
    fn a_job_says_how_it_went() {
        let store = store();
        let number = add(&store, "a", "default");
        assert!(store.start_job("a", "2026-01-01T00:00:01Z").unwrap());
        assert!(store.set_job_run("a", "7-abcdef").unwrap());
        assert!(store.set_job_progress("a", r#"{"bytes":1}"#).unwrap());
        assert!(store.set_job_progress("a", r#"{"bytes":2}"#).unwrap());
        let ended = "2026-01-01T00:00:02Z";
        assert!(store.end_job("a", Partial, Some(r#"{"code":"x"}"#), ended).unwrap());
        let text = |text: &str| text.to_owned();
        assert_eq!(
            store.job("a").unwrap().unwrap(),
            JobRecord {
                number,
                id: text("a"),
                profile: text("default"),
                kind: text("sync"),
                actor: text("window"),
                lane: text("/lake"),
                state: Partial,
                owner: text("window 7"),
                run: Some(text("7-abcdef")),
                about: Some(text(r#"{"from":"/in"}"#)),
                progress: Some(text(r#"{"bytes":2}"#)),
                error: Some(text(r#"{"code":"x"}"#)),
                queued: text("2026-01-01T00:00:00Z"),
                started: Some(text("2026-01-01T00:00:01Z")),
                ended: Some(text(ended)),
            }
        );
        assert_eq!(store.job("b").unwrap(), None);
    }

    #[test]
    fn only_jobs_that_are_named_and_open_are_interrupted() {
        let store = store();
        for id in ["queued", "running", "ended", "other"] {
            add(&store, id, "default");
        }
        store.start_job("running", "s").unwrap();
        store.end_job("ended", Cancelled, None, "e").unwrap();
        let ids = ["queued", "running", "ended", "none"];
        let mut changed = store.interrupt_jobs(&ids, Some("{}"), TIME).unwrap();
        changed.sort();
        assert_eq!(changed, ["queued", "running"]);
        assert_eq!(store.interrupt_jobs(&ids, None, TIME).unwrap(), [""; 0]);
        assert_eq!(store.interrupt_jobs(&[], None, TIME).unwrap(), [""; 0]);
        let running = store.job("running").unwrap().unwrap();
        assert_eq!((running.state, running.error.as_deref()), (Interrupted, Some("{}")));
        assert_eq!(store.job("ended").unwrap().unwrap().state, Cancelled);
        assert_eq!(store.job("other").unwrap().unwrap().state, Queued);
    }

    #[test]
    fn pages_go_from_the_newest_to_the_oldest() {
        let store = store();
        for at in 0..7 {
            add(&store, &at.to_string(), "default");
        }
        store.start_job("4", "s").unwrap();
        store.end_job("2", Cancelled, None, "e").unwrap();
        store.end_job("3", Cancelled, None, "e").unwrap();
        for (only_open, expected) in [(false, ["6543", "210"]), (true, ["6541", "0"])] {
            let mut before = None;
            for (at, ids) in expected.iter().enumerate() {
                let page = store.jobs(only_open, before, 4).unwrap();
                let found: String = page.entries.iter().map(|job| &*job.id).collect();
                assert_eq!((&*found, page.more), (*ids, at + 1 < expected.len()), "{only_open}");
                before = page.entries.last().map(|job| job.number);
            }
        }
        let none = store.jobs(false, None, 0).unwrap();
        assert!(none.entries.is_empty() && none.more);
        assert_eq!(store.jobs(false, Some(1), 4).unwrap(), Page::default());
    }

    #[test]
    fn jobs_that_have_ended_cost_nothing() {
        let store = store();
        store
            .connection
            .execute_batch(
                "WITH RECURSIVE counted (n) AS
                     (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 10000)
                 INSERT INTO jobs (id, profile, kind, actor, lane, state, owner, queued, ended)
                 SELECT n, 'default', 'sync', 'window', '/lake', 'succeeded', 'window 7', 'q',
                        printf('2026-01-%02d', n % 10 + 1) FROM counted",
            )
            .unwrap();
        for id in ["a", "b", "c"] {
            add(&store, id, "default");
        }
        store.start_job("b", "s").unwrap();
        let open = store.open_jobs().unwrap();
        let found: Vec<_> = open.iter().map(|job| (&*job.id, job.state, &*job.owner)).collect();
        let owner = "window 7";
        assert_eq!(found, [("a", Queued, owner), ("b", Running, owner), ("c", Queued, owner)]);

        for (sql, index) in [
            (format!("SELECT {COLUMNS} {OPEN} ORDER BY number"), "jobs_open"),
            (page_of(true), "jobs_open"),
            (page_of(false), "INTEGER PRIMARY KEY"),
        ] {
            let plan = crate::schema::plan_of(&store.connection, &sql);
            assert!(plan.starts_with("SEARCH jobs") && plan.contains(index), "{sql}: {plan}");
        }

        assert!(store.forget_jobs("2026-01-02").unwrap());
        assert!(!store.forget_jobs("2026-01-02").unwrap());
        let left = "SELECT count(*) FROM jobs";
        let left: i64 = store.connection.query_row(left, [], |row| row.get(0)).unwrap();
        assert_eq!(left, 9_003);
        assert!(store.forget_jobs("9999").unwrap());
        assert_eq!(store.open_jobs().unwrap().len(), 3);
    }

    #[test]
    fn numbers_count_up_when_the_latest_is_forgotten() {
        let store = store();
        let first = add(&store, "a", "default");
        store.end_job("a", Cancelled, None, "2026-01-01").unwrap();
        store.forget_jobs("2026-01-02").unwrap();
        assert!(add(&store, "a", "default") > first);
    }
}
