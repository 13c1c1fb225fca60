//! Tests of plans with a simple kind: notes in files. Each test names what happens during the change.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use headgate_aws::{Endpoint, Identity};
use headgate_store::JournalRecord;
use headgate_terms::{Error, Result};
use serde_json::{Map, Value, json};

use super::walk::{Part, Walked, parts, walk};
use super::{Change, ChangesPage, NotChanged, PlanKind, PlanObserver, RetryPolicy, Sender, Why};
use crate::world::Consent;
use crate::{
    Actor, App, Call, ChangeRecord, ChangeState, Cx, Outcome, Plan, PlanProgress, Step, StepRole,
};

/// What becomes of a read or a write.
#[derive(Clone, Copy)]
enum Fate {
    /// It goes well.
    Passes,
    /// It is done, and its answer is lost.
    Lost,
    /// It is not done, and its answer is lost.
    Dropped,
    /// It is refused, for a moment or for good.
    Busy,
    Denied,
    /// Somebody else writes first.
    Overtaken,
    /// It is answered with this.
    Reads(&'static str),
    /// It never ends.
    Hangs,
}

/// Notes in files, as a kind of plan. White space does not matter to them.
#[derive(Default)]
struct Notes {
    /// What becomes of the next reads and writes; then all go well.
    reads: Mutex<VecDeque<Fate>>,
    writes: Mutex<VecDeque<Fate>>,
    written: AtomicUsize,
}

impl Notes {
    fn new(reads: &[Fate], writes: &[Fate]) -> Self {
        let fates = |of: &[Fate]| Mutex::new(of.iter().copied().collect());
        Self { reads: fates(reads), writes: fates(writes), written: AtomicUsize::new(0) }
    }
}

fn next(fates: &Mutex<VecDeque<Fate>>) -> Fate {
    fates.lock().unwrap().pop_front().unwrap_or(Fate::Passes)
}

fn same(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}

impl PlanKind for Notes {
    type Found = String;

    const RETRIES: RetryPolicy = RetryPolicy {
        first: Duration::from_millis(1),
        most: Duration::from_millis(4),
        cap: Duration::from_millis(60),
    };

    async fn read(&self, target: &str) -> Result<String> {
        match next(&self.reads) {
            Fate::Reads(text) => Ok(text.to_owned()),
            Fate::Denied => Err(Error::new("denied", "No.")),
            Fate::Hangs => std::future::pending().await,
            _ => Ok(fs::read_to_string(target).unwrap()),
        }
    }

    fn value(&self, found: &String) -> Value {
        json!(found)
    }

    fn is(&self, found: &String, value: &Value) -> bool {
        value.as_str().is_some_and(|value| same(found, value))
    }

    fn refusal(&self, found: &String, step: &Step) -> Option<Error> {
        let is_as_planned = step.before.as_ref().is_some_and(|before| self.is(found, before));
        (!is_as_planned).then(|| Error::new("note_changed", "Somebody else wrote."))
    }

    async fn change(&self, _: &String, step: &Step) -> Result<String, NotChanged> {
        let fate = next(&self.writes);
        let number = self.written.fetch_add(1, Ordering::SeqCst) + 1;
        let failed = |code: &'static str| Error::new(code, "No.");
        let text = step.after.as_ref().unwrap().as_str().unwrap();
        match fate {
            Fate::Busy => {
                Err(NotChanged { error: failed("busy").retryable(), outcome_unknown: false })
            }
            Fate::Denied => Err(NotChanged { error: failed("denied"), outcome_unknown: false }),
            Fate::Dropped => Err(NotChanged { error: failed("gone"), outcome_unknown: true }),
            Fate::Overtaken => {
                fs::write(&step.target, "of somebody else").unwrap();
                Err(NotChanged { error: failed("gone"), outcome_unknown: true })
            }
            Fate::Lost => {
                fs::write(&step.target, text).unwrap();
                Err(NotChanged { error: failed("gone"), outcome_unknown: true })
            }
            _ => {
                fs::write(&step.target, text).unwrap();
                Ok(format!("request {number}"))
            }
        }
    }

    fn explain(&self, why: Why<'_, String>) -> Error {
        let code = match why {
            Why::Stopped => "cancelled",
            Why::OutcomeUnknown(_) => "outcome_unknown",
            Why::NotProved { .. } => "note_drifted",
            Why::Moved(_) => "note_changed",
        };
        Error::new(code, "So it is.")
    }

    fn own(&self) -> Map<String, Value> {
        [("colour".to_owned(), json!("yellow"))].into_iter().collect()
    }
}

/// Stops once a step has begun.
#[derive(Default)]
struct Watching {
    stops_at: Option<usize>,
    is_stopped: AtomicBool,
    steps: Mutex<Vec<usize>>,
}

impl PlanObserver for Watching {
    fn begins(&self, _: &Identity, _: &[Endpoint]) -> Result<()> {
        Ok(())
    }

    fn progress(&self, progress: &PlanProgress) {
        self.steps.lock().unwrap().push(progress.step);
        if self.stops_at == Some(progress.step) {
            self.is_stopped.store(true, Ordering::SeqCst);
        }
    }

    fn stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }
}

fn step(role: StepRole, target: &Path, texts: Option<(&str, &str)>) -> Step {
    Step {
        n: 0,
        call: "note".to_owned(),
        role,
        changes: role == StepRole::Change,
        target: target.display().to_string(),
        what: "For".into(),
        before: texts.map(|(before, _)| json!(before)),
        after: texts.map(|(_, after)| json!(after)),
        undo: None,
    }
}

/// The steps that change one note.
fn steps(target: &Path, before: &str, after: &str) -> Vec<Step> {
    vec![
        step(StepRole::Check, target, None),
        step(StepRole::Change, target, Some((before, after))),
        step(StepRole::Prove, target, None),
    ]
}

#[test]
fn steps_are_grouped_into_check_change_and_prove() {
    use StepRole::{Change, Check, Prove};
    let of = |roles: &[StepRole]| {
        let steps: Vec<Step> =
            roles.iter().map(|role| step(*role, Path::new("note"), None)).collect();
        parts(&steps)
    };
    let part = |check, change, prove| Part { check, change, prove };
    assert_eq!(of(&[Check, Change, Prove]).unwrap(), [part(0, 1, 2)]);
    assert_eq!(
        of(&[Check, Check, Change, Prove, Check, Change, Prove]).unwrap(),
        [part(0, 2, 3), part(4, 5, 6)]
    );
    assert_eq!(of(&[Check]).unwrap(), []);
    for not_whole in [&[Change, Prove][..], &[Check, Change], &[Check, Change, Change, Prove]] {
        assert_eq!(of(not_whole).unwrap_err().code, "plan_invalid");
    }
}

/// Changes a note from "old" to "new". Returns how that ended, what the note has, and the steps begun.
fn changed(notes: &Notes, watch: &Watching) -> (Walked<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("note");
    fs::write(&note, "old").unwrap();
    let steps = steps(&note, "old", "new");
    let part = Part { check: 0, change: 1, prove: 2 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let walked = runtime.block_on(walk(notes, &steps, &part, watch));
    (walked, fs::read_to_string(&note).unwrap())
}

/// Its name; what becomes of reads and of writes; how it ends, with which code, after how many writes.
type Case<'c> = (&'c str, &'c [Fate], &'c [Fate], ChangeState, &'c str, usize);

#[test]
fn an_unknown_outcome_is_never_reported_as_refused() {
    use ChangeState::{Done, Drifted, Refused, Sent, Unneeded};
    use Fate::{Busy, Denied, Dropped, Lost, Overtaken, Passes, Reads};
    let always = |fate| [fate; 400];
    let old = always(Reads("old"));
    let cases: &[Case<'_>] = &[
        ("written", &[], &[], Done, "", 1),
        (
            "the proof waits for two equal answers",
            &[Passes, Reads("old"), Reads(" new "), Reads("old"), Passes, Passes],
            &[],
            Done,
            "",
            1,
        ),
        ("so already", &[Reads("new ")], &[], Unneeded, "", 0),
        ("changed meanwhile", &[Reads("else")], &[], Refused, "note_changed", 0),
        ("not to be read", &[Denied], &[], Refused, "denied", 0),
        ("busy, then written", &[], &[Busy, Busy], Done, "", 3),
        ("busy, then changed", &[Passes, Reads("else")], &[Busy], Refused, "note_changed", 1),
        ("denied", &[], &[Denied], Refused, "denied", 1),
        ("its answer lost", &[], &[Lost], Done, "", 1),
        ("its request lost", &[], &[Dropped], Done, "", 2),
        ("lost, then denied", &[], &[Dropped, Denied], Sent, "outcome_unknown", 2),
        ("lost, then not to be read", &[Passes, Denied], &[Lost], Sent, "outcome_unknown", 1),
        ("lost, then overtaken", &[], &[Overtaken], Sent, "outcome_unknown", 1),
        ("never seen", &old, &[], Drifted, "note_drifted", 1),
        ("not to be read back", &[Passes, Denied], &[], Drifted, "note_drifted", 1),
    ];
    for (case, reads, writes, state, code, written) in cases {
        let notes = Notes::new(reads, writes);
        let (walked, _) = changed(&notes, &Watching::default());
        let error = walked.error.map(|error| error.code.to_string()).unwrap_or_default();
        assert_eq!((walked.state, &*error), (*state, *code), "{case}");
        assert_eq!(notes.written.load(Ordering::SeqCst), *written, "{case}");
        assert_eq!(
            walked.state.outcome() == Outcome::Written,
            walked.after.is_some_and(|after| same(after.as_str().unwrap(), "new")),
            "{case}"
        );
    }
    let busy = always(Busy);
    let (walked, note) = changed(&Notes::new(&[], &busy), &Watching::default());
    assert_eq!((walked.state, &*note), (Refused, "old"), "what is busy is not asked for ever");
    let dropped = always(Dropped);
    let (walked, _) = changed(&Notes::new(&[], &dropped), &Watching::default());
    assert_eq!((walked.state, walked.state.outcome()), (Sent, Outcome::Unknown));
}

#[test]
fn each_try_reads_the_object_first() {
    let watch = Watching::default();
    changed(&Notes::new(&[], &[Fate::Busy, Fate::Dropped]), &watch);
    assert_eq!(*watch.steps.lock().unwrap(), [0, 1, 0, 1, 0, 1, 2, 2]);
}

#[test]
fn a_change_can_be_stopped_before_it_is_sent_and_its_proof_afterwards() {
    for (stops_at, state, code, note) in [
        (0, ChangeState::Refused, "cancelled", "old"),
        (2, ChangeState::Drifted, "note_drifted", "new"),
    ] {
        let watch = Watching { stops_at: Some(stops_at), ..Watching::default() };
        let (walked, is) = changed(&Notes::default(), &watch);
        assert_eq!((walked.state, &*walked.error.unwrap().code, &*is), (state, code, note));
    }
}

#[test]
fn changes_of_one_object_are_serialised() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("note");
    fs::write(&note, "old").unwrap();
    let notes = Notes::default();
    let watch = Watching::default();
    let each: Vec<Vec<Step>> = (0..8).map(|n| steps(&note, "old", &format!("new {n}"))).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let part = Part { check: 0, change: 1, prove: 2 };
    let ended = runtime.block_on(futures::future::join_all(
        each.iter().map(|steps| walk(&notes, steps, &part, &watch)),
    ));
    let written = ended.iter().filter(|one| one.state == ChangeState::Done).count();
    assert_eq!((written, notes.written.load(Ordering::SeqCst)), (1, 1));
}

/// An application, and two notes in a folder.
struct TestApp {
    app: App,
    cx: Cx,
    folder: tempfile::TempDir,
}

const SENDER: &str = "me";

impl TestApp {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let app = App::with_data(folder.path().join("data")).unwrap();
        let cx = app.cx(Actor::Terminal, Call::unheard());
        for name in ["a", "b"] {
            fs::write(folder.path().join(name), "old").unwrap();
        }
        Self { app, cx, folder }
    }

    fn note(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// A plan that changes both notes, as it is kept.
    fn plan(&self) -> Plan {
        let of = |name| steps(&self.folder.path().join(name), "old", "new");
        let plan = Plan::new(&self.cx, "note", [of("a"), of("b")].concat());
        self.app.save_plan(&self.cx, &plan, &plan).unwrap();
        self.app.saved_plan(&self.cx, "note", &plan.id).unwrap()
    }

    /// Carries a plan out. Returns the states of its changes.
    fn carry_out(&self, plan: &Plan, notes: &Notes) -> Result<Vec<ChangeState>> {
        let sender = Sender::new(&Consent::given(), SENDER.to_owned(), None);
        let watch = Watching::default();
        let work = |watch: &dyn PlanObserver| {
            let carried = self.app.carry_out_plan(&self.cx, plan, notes, &sender, watch);
            self.app.runtime().block_on(carried)
        };
        let outcome = |carried: &super::Carried<String>| (carried.last.state.outcome(), None);
        let carried = self.app.change_job(&self.cx, &watch, work, outcome)?;
        assert!(carried.unrecorded.is_none());
        Ok(carried.changes.iter().map(|change| change.state).collect())
    }

    /// The journal, newest first.
    fn journal(&self) -> Vec<Change> {
        self.app.changes_of(&self.cx, "note", &ChangesPage::default()).unwrap().0
    }

    /// A plan that puts a change back.
    fn back(&self, id: &str) -> Result<Plan> {
        let change = self.app.change_to_put_back(&self.cx, "note", id)?;
        let notes = Notes::default();
        let now = self.app.runtime().block_on(self.app.still_has(&notes, &change))?;
        let steps = steps(Path::new(&change.object), &now, change.before.as_str().unwrap());
        Ok(Plan { restores: Some(change.id), ..Plan::new(&self.cx, "note", steps) })
    }
}

#[test]
fn a_plan_is_saved_applied_journalled_and_restored() {
    let desk = TestApp::new();
    let plan = desk.plan();
    let states = desk.carry_out(&plan, &Notes::default()).unwrap();
    assert_eq!(states, [ChangeState::Done; 2]);
    assert_eq!((&*desk.note("a"), &*desk.note("b")), ("new", "new"));
    let journal = desk.journal();
    assert_eq!(journal.len(), 2);
    for change in &journal {
        assert_eq!((&*change.by, &*change.kind), (SENDER, "note"));
        assert_eq!((&change.before, &change.after), (&json!("old"), &json!("new")));
        assert_eq!((&change.own["colour"], change.restores.as_ref()), (&json!("yellow"), None));
    }
    let of_a = journal.iter().find(|change| change.object.ends_with("/a")).unwrap();
    let asked = ChangesPage { object: Some(&of_a.object), ..ChangesPage::default() };
    let by_object = desk.app.changes_of(&desk.cx, "note", &asked).unwrap();
    assert_eq!(by_object, (vec![of_a.clone()], None));
    let first = ChangesPage { limit: Some(1), ..ChangesPage::default() };
    let (newest, next) = desk.app.changes_of(&desk.cx, "note", &first).unwrap();
    let rest = ChangesPage { before: next.as_deref(), ..first };
    let oldest = desk.app.changes_of(&desk.cx, "note", &rest).unwrap();
    assert_eq!((newest, oldest), (vec![journal[0].clone()], (vec![journal[1].clone()], None)));

    // Carried out again it changes nothing.
    let states = desk.carry_out(&plan, &Notes::default()).unwrap();
    assert_eq!(states, [ChangeState::Unneeded; 2]);
    let unneeded = desk.journal()[0].id.clone();
    assert_eq!(desk.back(&unneeded).unwrap_err().code, "nothing_to_change");

    let states = desk.carry_out(&desk.back(&of_a.id).unwrap(), &Notes::default()).unwrap();
    assert_eq!((states, &*desk.note("a")), (vec![ChangeState::Done], "old"));
    let put_back = desk.journal().into_iter().find(|change| change.restores.is_some()).unwrap();
    assert_eq!(put_back.restores.as_ref(), Some(&of_a.id));
    assert_eq!(desk.back(&of_a.id).unwrap_err().code, "note_changed");
}

#[test]
fn a_plan_ends_with_the_first_change_that_is_not_written() {
    let desk = TestApp::new();
    let notes = Notes::new(&[], &[Fate::Passes, Fate::Denied]);
    let states = desk.carry_out(&desk.plan(), &notes).unwrap();
    assert_eq!(states, [ChangeState::Done, ChangeState::Refused]);
    let notes = Notes::new(&[], &[Fate::Lost; 80]);
    fs::write(desk.folder.path().join("a"), "old").unwrap();
    let denied = Notes::new(&[Fate::Passes, Fate::Denied], &[Fate::Lost]);
    assert_eq!(desk.carry_out(&desk.plan(), &denied).unwrap(), [ChangeState::Sent]);
    assert_eq!(desk.note("b"), "old", "what comes after is not begun");
    assert_eq!(
        desk.carry_out(&desk.plan(), &notes).unwrap(),
        [ChangeState::Unneeded, ChangeState::Done]
    );
    let nothing = Plan::new(&desk.cx, "note", Vec::new());
    assert_eq!(desk.carry_out(&nothing, &Notes::default()).unwrap_err().code, "plan_invalid");
}

#[test]
fn a_crash_before_the_proof_leaves_an_unknown_change() {
    let desk = TestApp::new();
    let plan = desk.plan();
    let notes = Notes::new(&[Fate::Passes, Fate::Hangs], &[]);
    let sender = Sender::new(&Consent::given(), SENDER.to_owned(), None);
    let watch = Watching::default();
    desk.app.runtime().block_on(async {
        let carried = desk.app.carry_out_plan(&desk.cx, &plan, &notes, &sender, &watch);
        let ended = tokio::time::timeout(Duration::from_millis(200), carried).await;
        assert!(ended.is_err(), "it waits for the proof");
    });
    assert_eq!(desk.note("a"), "new");
    let journal = desk.journal();
    assert_eq!((journal.len(), journal[0].state), (1, ChangeState::Sent));
    assert_eq!(journal[0].state.outcome(), Outcome::Unknown);
    // Reading tells: it is there, so it can be put back, and the plan need not write it again.
    assert!(desk.back(&journal[0].id).is_ok());
    let states = desk.carry_out(&plan, &Notes::default()).unwrap();
    assert_eq!(states, [ChangeState::Unneeded, ChangeState::Done]);
}

#[test]
fn plans_and_changes_are_of_one_profile_and_kind() {
    let desk = TestApp::new();
    let plan = desk.plan();
    desk.carry_out(&plan, &Notes::default()).unwrap();
    let id = &desk.journal()[0].id;
    let mut other = desk.app.cx(Actor::Terminal, Call::unheard());
    other.profile = "other".to_owned();
    for (cx, kind) in [(&other, "note"), (&desk.cx, "trust_policy")] {
        let gone = desk.app.saved_plan::<Plan>(cx, kind, &plan.id).unwrap_err();
        assert_eq!(gone.code, "plan_gone");
        let gone = desk.app.change_to_put_back(cx, kind, id).unwrap_err();
        assert_eq!(gone.code, "change_not_found");
        assert_eq!(desk.app.changes_of(cx, kind, &ChangesPage::default()).unwrap().0, []);
    }
}

#[test]
fn a_change_that_an_older_version_recorded_is_read() {
    let document = json!({"id": "c1", "at": "2026-01-01T00:00:00Z", "by": "arn:me",
        "role": "arn:aws:iam::417620938841:role/lake", "role_id": "AROA1", "state": "done",
        "before": "old", "after": "new", "request_id": "r", "cells": [], "restores": null,
        "endpoint": null, "error": null});
    let change = Change::of(&JournalRecord {
        id: "c1".to_owned(),
        profile: "default".to_owned(),
        kind: "trust_policy".to_owned(),
        at: "2026-01-01T00:00:00Z".to_owned(),
        object: "arn:aws:iam::417620938841:role/lake".to_owned(),
        document: document.to_string(),
    })
    .unwrap();
    assert_eq!(
        (&*change.kind, &*change.object),
        ("trust_policy", "arn:aws:iam::417620938841:role/lake")
    );
    let shown: ChangeRecord = change.shown().unwrap();
    assert_eq!(json!(shown), document);
}
