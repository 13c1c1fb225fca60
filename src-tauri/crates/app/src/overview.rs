//! The overview page: what is running, what needs attention, what changed in lakes. It is computed from run
//! records alone.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sync::{EventCounts, PeriodTotals, RunReport, RunsDigest, Status};
use headgate_terms::{Error, Result};
use jiff::{SignedDuration, Timestamp};

use crate::App;
use crate::api::{Attention, AttentionKind, AttentionMute, Day, Empty, LakeChange, Overview};
use crate::cx::Cx;

/// How many runs are looked at.
const RUNS: u32 = 60;
/// How many changes are shown.
const CHANGES: usize = 40;

/// The name under which the store keeps the ids of what is muted.
const MUTED: &str = "muted";

/// Judges what the records say.
fn overview(digest: RunsDigest, muted: &BTreeSet<String>) -> Overview {
    let mut needs: Vec<Attention> = digest.last_of_each.iter().flat_map(needs_of).collect();
    needs.sort_by_key(|need| need.kind);
    for need in &mut needs {
        need.muted = muted.contains(&need.id);
    }
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
        id: id_of(run, kind, count, error, on.as_deref()),
        kind,
        run: run.run.clone(),
        source: run.source.clone(),
        count,
        error: error.cloned(),
        on,
        events: run.events,
        muted: false,
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

/// What is the same from run to run as long as nothing about it changes. A run that failed or was stopped is news
/// each time.
fn id_of(
    run: &RunReport,
    kind: AttentionKind,
    count: u64,
    error: Option<&Error>,
    on: Option<&str>,
) -> String {
    let ends = [AttentionKind::Failed, AttentionKind::BrokeOff, AttentionKind::Cancelled];
    let only = ends.contains(&kind).then_some(&run.run);
    let code = error.map(|error| &error.code);
    let EventCounts { waiting, lost, .. } = run.events;
    let sync = (&run.from, &run.to, &run.source);
    serde_json::json!([kind, sync, only, on, code, count, waiting, lost]).to_string()
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
        let mut digest = headgate_sync::digest(self.data(), RUNS, since)?;
        // Of a sample that was removed nothing needs anybody.
        if let Some(sample) = self.sample_lake().filter(|_| !self.sample().is_dir()) {
            digest.last_of_each.retain(|run| run.to != sample);
        }
        Ok(overview(digest, &self.muted()?))
    }

    /// The ids of what is muted; what a later version kept is not understood, and counts as nothing.
    fn muted(&self) -> Result<BTreeSet<String>> {
        let Some(store) = self.store_if_any()? else { return Ok(BTreeSet::new()) };
        let kept = store.setting(MUTED)?.unwrap_or_default();
        Ok(serde_json::from_str(&kept).unwrap_or_default())
    }

    /// Mutes something that needs a person, or takes that back. What is not there any more is not kept.
    pub(crate) fn overview_mute(&self, cx: &Cx, request: &AttentionMute) -> Result<Empty> {
        let needs = self.overview_show(cx, &Empty {})?.needs;
        let is_muted = |need: &Attention| {
            if need.id == request.id { request.muted } else { need.muted }
        };
        let muted: BTreeSet<String> =
            needs.into_iter().filter(is_muted).map(|need| need.id).collect();
        let text = serde_json::to_string(&muted).unwrap_or_default();
        self.store()?.save_setting(MUTED, (!muted.is_empty()).then_some(text.as_str()))?;
        Ok(Empty {})
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
        let found = overview(
            RunsDigest {
                last_of_each: vec![partial, failed],
                since: PeriodTotals {
                    runs: 1,
                    received: 10,
                    written: 8,
                    ..PeriodTotals::default()
                },
                ..RunsDigest::default()
            },
            &BTreeSet::new(),
        );
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
        let found = overview(
            RunsDigest { runs: vec![grew.clone()], changed: vec![grew], ..RunsDigest::default() },
            &BTreeSet::new(),
        );
        let said: Vec<_> = found
            .changes
            .iter()
            .map(|change| (change.created, change.tables.join(" "), change.columns.join(" ")))
            .collect();
        let text = |text: &str| text.to_owned();
        assert_eq!(said, [(true, text("a b"), text("")), (false, text("tracks"), text("plan"))]);
        assert!(found.runs[0].tables.is_empty());
    }

    #[test]
    fn what_is_muted_comes_back_when_its_numbers_change() {
        let of = |run: &str, rejected: u64| {
            self::run(&json!({
                "run": run, "status": "partial",
                "events": {"received": 100, "written": 100 - rejected, "duplicate": 0, "rejected": rejected},
            }))
        };
        let needs = |run: RunReport, muted: &BTreeSet<String>| {
            let digest = RunsDigest { last_of_each: vec![run], ..RunsDigest::default() };
            overview(digest, muted).needs.remove(0)
        };
        let first = needs(of("1-a", 5), &BTreeSet::new());
        assert!(!first.muted);
        let muted = BTreeSet::from([first.id]);
        assert!(needs(of("1-a", 5), &muted).muted);
        assert!(needs(of("2-b", 5), &muted).muted, "the next run left out as many");
        assert!(!needs(of("2-b", 6), &muted).muted);
        let stopped = |run: &str| self::run(&json!({"run": run, "status": "cancelled"}));
        let muted = BTreeSet::from([needs(stopped("1-a"), &BTreeSet::new()).id]);
        assert!(needs(stopped("1-a"), &muted).muted);
        assert!(!needs(stopped("2-b"), &muted).muted, "that it was stopped again is news");
    }
}
