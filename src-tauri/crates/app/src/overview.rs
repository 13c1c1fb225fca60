//! The first page: what goes on, what needs a person, what changed. Judged from the run records
//! alone, so that it says nothing that did not happen.

use std::collections::BTreeSet;

use headgate_sync::{RunReport, Status};
use headgate_terms::{Error, Result};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use ts_rs::TS;

use crate::App;
use crate::calls::Nothing;

/// What the first page shows.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Overview {
    /// Runs, newest first, without their tables.
    pub runs: Vec<RunReport>,
    /// How many runs are on record.
    pub all_runs: usize,
    /// What needs a person, the worst first.
    pub needs: Vec<Need>,
    /// What changed in lakes, newest first.
    pub changes: Vec<Change>,
    /// Events of the last 24 hours.
    pub day: Day,
}

/// The last 24 hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, TS)]
pub struct Day {
    /// Runs that began.
    pub runs: u64,
    /// Events received.
    pub received: u64,
    /// Events written.
    pub written: u64,
}

/// Something that needs a person: of the latest run from one place into one lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Need {
    /// What.
    pub kind: NeedKind,
    /// The run.
    pub run: String,
    /// Its source; none when there were several.
    pub source: Option<String>,
    /// How many lines, values, files or tables.
    pub count: u64,
    /// The error, for a run, a file or a table.
    pub error: Option<Error>,
    /// The file or the table.
    pub on: Option<String>,
}

/// What needs a person. The order is that of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum NeedKind {
    /// A run failed: nothing landed.
    Failed,
    /// A run was stopped, so that there is more to take.
    Cancelled,
    /// Tables refused their part.
    Tables,
    /// Files could not be read, or not to their end.
    Files,
    /// Lines were rejected.
    Rejected,
    /// Values were set aside.
    Discarded,
}

/// A table that a run made or gave columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Change {
    /// When the run ended, in RFC 3339.
    pub at: String,
    /// The run.
    pub run: String,
    /// The lake.
    pub to: String,
    /// The table's schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// Whether it was made.
    pub created: bool,
    /// The columns it has since, in order; of a table that was made, all.
    pub columns: Vec<String>,
}

/// How many runs are looked at.
const RUNS: usize = 60;
/// How many changes are shown.
const CHANGES: usize = 40;

/// Judges runs, newest first.
fn overview(runs: Vec<RunReport>, all_runs: usize, now: Timestamp) -> Overview {
    let mut needs: Vec<Need> = latest(&runs).into_iter().flat_map(needs_of).collect();
    needs.sort_by_key(|need| need.kind);
    let mut changes: Vec<Change> = runs.iter().flat_map(changes_of).collect();
    changes.truncate(CHANGES);
    let since = now - SignedDuration::from_hours(24);
    let mut day = Day::default();
    for run in &runs {
        if run.started.parse::<Timestamp>().is_ok_and(|started| started >= since) {
            day.runs += 1;
            day.received += run.events.received;
            day.written += run.events.written;
        }
    }
    let mut runs = runs;
    for run in &mut runs {
        run.tables.clear();
    }
    Overview { runs, all_runs, needs, changes, day }
}

/// The latest ended run from each place into each lake.
fn latest(runs: &[RunReport]) -> Vec<&RunReport> {
    let mut seen = BTreeSet::new();
    runs.iter()
        .filter(|run| run.status != Status::Running)
        .filter(|run| seen.insert((&run.from, &run.source, &run.to)))
        .collect()
}

fn needs_of(run: &RunReport) -> Vec<Need> {
    let need = |kind, count, error: Option<&Error>, on: Option<String>| Need {
        kind,
        run: run.run.clone(),
        source: run.source.clone(),
        count,
        error: error.cloned(),
        on,
    };
    let mut needs = Vec::new();
    match run.status {
        Status::Failed => needs.push(need(NeedKind::Failed, 1, run.error.as_ref(), None)),
        Status::Cancelled => needs.push(need(NeedKind::Cancelled, 1, run.error.as_ref(), None)),
        Status::Running | Status::Succeeded | Status::Partial => {}
    }
    let mut refused = run.tables.iter().filter(|table| table.error.is_some());
    if let Some(first) = refused.next()
        && run.status != Status::Failed
    {
        let on = format!("{}.{}", first.schema, first.table);
        let count = 1 + refused.count() as u64;
        needs.push(need(NeedKind::Tables, count, first.error.as_ref(), Some(on)));
    }
    if let Some(first) = run.files.damaged.first() {
        let count = run.files.damaged.len() as u64;
        needs.push(need(NeedKind::Files, count, Some(&first.error), Some(first.path.clone())));
    }
    if run.events.rejected > 0 {
        needs.push(need(NeedKind::Rejected, run.events.rejected, None, None));
    }
    let set_aside: u64 = run.discards.iter().map(|discard| discard.count).sum();
    if set_aside > 0 {
        needs.push(need(NeedKind::Discarded, set_aside, None, None));
    }
    needs
}

fn changes_of(run: &RunReport) -> Vec<Change> {
    let at = run.finished.as_ref().unwrap_or(&run.started);
    run.tables
        .iter()
        .filter(|table| table.created || !table.columns_added.is_empty())
        .map(|table| Change {
            at: at.clone(),
            run: run.run.clone(),
            to: run.to.clone(),
            schema: table.schema.clone(),
            table: table.table.clone(),
            created: table.created,
            columns: table.columns_added.iter().map(|column| column.name.clone()).collect(),
        })
        .collect()
}

impl App {
    pub(crate) fn overview_show(&self, _: Nothing) -> Result<Overview> {
        let (runs, all) = headgate_sync::latest_runs(self.data(), RUNS)?;
        Ok(overview(runs, all, Timestamp::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A run from `from` that started so many hours ago.
    fn run(id: &str, hours: i64, change: serde_json::Value) -> RunReport {
        let started = now() - SignedDuration::from_hours(hours);
        let mut document = json!({
            "v": 1, "run": id, "status": "succeeded", "source": "web", "from": "/in", "to": "/lake",
            "started": started.to_string(), "finished": started.to_string(), "bytes_in": 1,
            "batches": 1, "events": {"received": 10, "written": 9, "duplicate": 1, "rejected": 0},
            "tables": [], "rejected": [], "discards": [], "notices": [], "error": null,
            "files": {"taken": 1, "unchanged": 0, "ignored": 0, "damaged": []},
            "dead_letters": null,
        });
        for (key, value) in change.as_object().unwrap() {
            document[key] = value.clone();
        }
        serde_json::from_value(document).unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-22T14:30:00Z".parse().unwrap()
    }

    fn error() -> serde_json::Value {
        json!({"code": "lake_not_found", "message": "No.", "hint": null, "field": null,
               "retryable": false, "trace": null})
    }

    #[test]
    fn what_a_later_run_mended_needs_nobody() {
        let failed = json!({"status": "failed", "error": error()});
        let only = overview(vec![run("1", 1, failed.clone())], 1, now());
        assert_eq!(only.needs[0].kind, NeedKind::Failed);
        assert_eq!(only.needs[0].error.as_ref().unwrap().code, "lake_not_found");

        let mended = overview(vec![run("2", 0, json!({})), run("1", 1, failed.clone())], 2, now());
        assert_eq!(mended.needs, []);

        let elsewhere = json!({"from": "/other", "status": "failed", "error": error()});
        let other = overview(vec![run("2", 0, json!({})), run("1", 1, elsewhere)], 2, now());
        assert_eq!(other.needs.len(), 1, "another place is not mended by it");

        let going = json!({"status": "running", "finished": null});
        let again = overview(vec![run("2", 0, going), run("1", 1, failed)], 2, now());
        assert_eq!(again.needs.len(), 1, "nor by a run that has not ended");
    }

    #[test]
    fn the_worst_comes_first() {
        let rejected = json!({
            "status": "partial", "discards": [{"reason": "type_mismatch", "count": 4}],
            "events": {"received": 10, "written": 8, "duplicate": 0, "rejected": 2},
            "files": {"taken": 1, "unchanged": 0, "ignored": 0,
                      "damaged": [{"path": "a.gz", "error": error()}]},
        });
        let failed = json!({"from": "/other", "status": "failed", "error": error()});
        let found = overview(vec![run("2", 0, rejected), run("1", 30, failed)], 2, now());
        let kinds: Vec<_> = found.needs.iter().map(|need| (need.kind, need.count)).collect();
        assert_eq!(
            kinds,
            [
                (NeedKind::Failed, 1),
                (NeedKind::Files, 1),
                (NeedKind::Rejected, 2),
                (NeedKind::Discarded, 4)
            ]
        );
        assert_eq!(found.day, Day { runs: 1, received: 10, written: 8 });
    }

    #[test]
    fn tables_that_were_made_or_grew_are_changes() {
        let grew = json!({"tables": [
            {"schema": "web", "table": "tracks", "received": 1, "written": 1, "duplicate": 0,
             "discarded": 0, "merged": null, "created": false, "version": 3, "error": null,
             "columns_added": [{"name": "plan", "type": "STRING"}]},
            {"schema": "web", "table": "pages", "received": 1, "written": 1, "duplicate": 0,
             "discarded": 0, "merged": null, "created": false, "version": 3, "error": null,
             "columns_added": []},
        ]});
        let found = overview(vec![run("1", 1, grew)], 1, now());
        assert_eq!(found.changes.len(), 1);
        assert_eq!((found.changes[0].table.as_str(), found.changes[0].created), ("tracks", false));
        assert_eq!(found.changes[0].columns, ["plan"]);
        assert!(found.runs[0].tables.is_empty());
    }
}
