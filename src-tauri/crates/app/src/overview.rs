//! The overview page: what is running, what needs attention, what changed in lakes. It is computed from run
//! records alone.

use std::collections::BTreeMap;

use headgate_sync::{PeriodTotals, RunReport, RunsDigest, Status};
use headgate_terms::{Error, Result};
use jiff::{SignedDuration, Timestamp};

use crate::App;
use crate::api::{Attention, AttentionKind, Day, Empty, LakeChange, Overview};
use crate::cx::Cx;

/// How many runs are looked at.
const RUNS: u32 = 60;
/// How many changes are shown.
const CHANGES: usize = 40;

/// Judges what the records say.
fn overview(digest: RunsDigest) -> Overview {
    let mut needs: Vec<Attention> = digest.last_of_each.iter().flat_map(needs_of).collect();
    needs.sort_by_key(|need| need.kind);
    let mut changes: Vec<LakeChange> = digest.changed.iter().flat_map(changes_of).collect();
    changes.truncate(CHANGES);
    let mut runs = digest.runs;
    for run in &mut runs {
        run.tables.clear();
    }
    let PeriodTotals { runs: began, sources, received, written, lakes } = digest.since;
    let day = Day { runs: began, sources, lakes, received, written };
    Overview { runs, all_runs: digest.all, needs, changes, day }
}

fn needs_of(run: &RunReport) -> Vec<Attention> {
    let need = |kind, count, error: Option<&Error>, on: Option<String>| Attention {
        kind,
        run: run.run.clone(),
        source: run.source.clone(),
        count,
        error: error.cloned(),
        on,
    };
    let mut needs = Vec::new();
    match run.status {
        Status::Failed => needs.push(need(AttentionKind::Failed, 1, run.error.as_ref(), None)),
        Status::Cancelled => {
            needs.push(need(AttentionKind::Cancelled, 1, run.error.as_ref(), None));
        }
        Status::Partial if run.error.is_some() => {
            needs.push(need(AttentionKind::BrokeOff, 1, run.error.as_ref(), None));
        }
        Status::Running | Status::Succeeded | Status::Partial => {}
    }
    // What is lost comes before what waits, and what waits for a user before what may pass.
    let harm = |error: &Error| match error.code.as_ref() {
        "table_behind" => 0,
        _ if error.retryable => 2,
        _ => 1,
    };
    let refused = run.tables.iter().filter_map(|table| Some((table, table.error.as_ref()?)));
    let count = refused.clone().count() as u64;
    if let Some((first, error)) = refused.min_by_key(|(_, error)| harm(error))
        && run.status != Status::Failed
    {
        let on = format!("{}.{}", first.schema, first.table);
        needs.push(need(AttentionKind::Tables, count, Some(error), Some(on)));
    }
    if let Some(first) = run.files.damaged.first() {
        let count = run.files.damaged.len() as u64;
        needs.push(need(AttentionKind::Files, count, Some(&first.error), Some(first.path.clone())));
    }
    // What a user has given up needs nobody.
    let given_up = run.rejected.iter().filter(|counted| counted.reason == "released");
    let given_up: u64 = given_up.map(|counted| counted.count).sum();
    let rejected = run.events.rejected.saturating_sub(given_up);
    if rejected > 0 {
        needs.push(need(AttentionKind::Rejected, rejected, None, None));
    }
    let set_aside: u64 = run.discards.iter().map(|discard| discard.count).sum();
    if set_aside > 0 {
        needs.push(need(AttentionKind::Discarded, set_aside, None, None));
    }
    needs
}

fn changes_of(run: &RunReport) -> Vec<LakeChange> {
    let at = run.finished.as_ref().unwrap_or(&run.started);
    let change = |schema: &str, created| LakeChange {
        at: at.clone(),
        run: run.run.clone(),
        to: run.to.clone(),
        schema: schema.to_owned(),
        tables: Vec::new(),
        created,
        columns: Vec::new(),
    };
    let mut made: BTreeMap<&str, LakeChange> = BTreeMap::new();
    let mut grown = Vec::new();
    for table in &run.tables {
        let schema = table.schema.as_str();
        if table.created {
            made.entry(schema)
                .or_insert_with(|| change(schema, true))
                .tables
                .push(table.table.clone());
        } else if !table.columns_added.is_empty() {
            grown.push(LakeChange {
                tables: vec![table.table.clone()],
                columns: table.columns_added.iter().map(|column| column.name.clone()).collect(),
                ..change(schema, false)
            });
        }
    }
    made.into_values().chain(grown).collect()
}

impl App {
    pub(crate) fn overview_show(&self, _: &Cx, _: &Empty) -> Result<Overview> {
        let since = Timestamp::now() - SignedDuration::from_hours(24);
        Ok(overview(headgate_sync::digest(self.data(), RUNS, since)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(change: &serde_json::Value) -> RunReport {
        let mut document = json!({
            "v": 1, "run": "1-abc", "status": "succeeded", "source": "web", "from": "/in",
            "to": "/lake", "started": "2026-11-22T14:30:00Z", "finished": "2026-11-22T14:30:08Z",
            "bytes_in": 1, "batches": 1, "dead_letters": null, "error": null,
            "events": {"received": 10, "written": 9, "duplicate": 1, "rejected": 0},
            "tables": [], "rejected": [], "discards": [], "notices": [],
            "files": {"taken": 1, "unchanged": 0, "ignored": 0, "damaged": []},
        });
        for (key, value) in change.as_object().unwrap() {
            document[key] = value.clone();
        }
        serde_json::from_value(document).unwrap()
    }

    fn table(name: &str, created: bool, columns: &[&str]) -> serde_json::Value {
        let columns: Vec<_> =
            columns.iter().map(|name| json!({"name": name, "type": "STRING"})).collect();
        json!({"schema": "web", "table": name, "received": 1, "written": 1, "duplicate": 0,
               "discarded": 0, "merged": null, "created": created, "version": 3, "error": null,
               "columns_added": columns})
    }

    fn error() -> serde_json::Value {
        json!({"code": "lake_not_found", "message": "No.", "hint": null, "field": null,
               "retryable": false, "trace": null})
    }

    #[test]
    fn attention_is_sorted_by_severity() {
        let partial = run(&json!({
            "status": "partial", "discards": [{"reason": "type_mismatch", "count": 4}],
            "events": {"received": 10, "written": 8, "duplicate": 0, "rejected": 2},
            "files": {"taken": 1, "unchanged": 0, "ignored": 0,
                      "damaged": [{"path": "a.gz", "error": error()}]},
        }));
        let failed = run(&json!({"from": "/other", "status": "failed", "error": error()}));
        let found = overview(RunsDigest {
            last_of_each: vec![partial, failed],
            since: PeriodTotals { runs: 1, received: 10, written: 8, ..PeriodTotals::default() },
            ..RunsDigest::default()
        });
        let kinds: Vec<_> = found.needs.iter().map(|need| (need.kind, need.count)).collect();
        assert_eq!(
            kinds,
            [
                (AttentionKind::Failed, 1),
                (AttentionKind::Files, 1),
                (AttentionKind::Rejected, 2),
                (AttentionKind::Discarded, 4)
            ]
        );
        assert_eq!((found.day.runs, found.day.received, found.day.written), (1, 10, 8));
    }

    #[test]
    fn created_tables_are_one_change_and_each_table_with_new_columns_is_one() {
        let grew = run(&json!({"tables": [
            table("a", true, &["id"]), table("b", true, &["id"]),
            table("tracks", false, &["plan"]), table("pages", false, &[]),
        ]}));
        let found = overview(RunsDigest {
            runs: vec![grew.clone()],
            changed: vec![grew],
            ..RunsDigest::default()
        });
        let said: Vec<_> = found
            .changes
            .iter()
            .map(|change| (change.created, change.tables.join(" "), change.columns.join(" ")))
            .collect();
        let text = |text: &str| text.to_owned();
        assert_eq!(said, [(true, text("a b"), text("")), (false, text("tracks"), text("plan"))]);
        assert!(found.runs[0].tables.is_empty());
    }
}
