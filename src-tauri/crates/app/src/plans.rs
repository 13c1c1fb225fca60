//! Plans of any kind: saved, carried out as a job, recorded in the journal, and listed.
//!
//! Nothing here knows what a plan changes. A kind implements [`PlanKind`], and the values before and after a
//! change are JSON. `walk` carries out the steps of one change, `watch` reports them.

mod walk;
mod watch;

#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};

use headgate_store::{JournalRecord, PlanRecord};
use headgate_terms::{Error, Result, say};
use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::App;
use crate::api::{ChangeState, JobKind, JobState, Outcome, Plan, Step};
use crate::cx::Cx;
use crate::jobs::NewWork;
use crate::stores::Held;
use crate::world::Consent;

pub(crate) use watch::OnPage;
pub use watch::PlanObserver;

pub(crate) use walk::{NotChanged, PlanKind, RetryPolicy, Why};
use walk::{Part, Walked, parts, walk};
use watch::OnJob;

impl ChangeState {
    /// What that says of the object.
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Self::Done | Self::Unneeded => Outcome::Written,
            Self::Refused => Outcome::NotWritten,
            Self::Sent | Self::Drifted => Outcome::Unknown,
        }
    }
}

/// A change of any kind in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) id: String,
    /// When it was sent.
    pub(crate) at: String,
    /// Who sent it.
    pub(crate) by: String,
    pub(crate) kind: String,
    /// What it changed.
    pub(crate) object: String,
    /// How it ended.
    pub(crate) state: ChangeState,
    /// What was there just before.
    pub(crate) before: Value,
    /// What was read back, or what was sent.
    pub(crate) after: Value,
    /// Its name at the other side.
    pub(crate) request_id: Option<String>,
    /// The change that it put back.
    pub(crate) restores: Option<String>,
    /// Where it was sent, when that is not the other side's own endpoint.
    pub(crate) endpoint: Option<String>,
    /// Why it was not written, or why that is not known.
    pub(crate) error: Option<Error>,
    /// What only its kind knows.
    #[serde(flatten)]
    pub(crate) own: Map<String, Value>,
}

impl Change {
    /// From the journal, which said of older ones in its own columns what they are.
    fn of(record: &JournalRecord) -> Option<Self> {
        let mut document: Map<String, Value> = serde_json::from_str(&record.document).ok()?;
        document.entry("kind").or_insert_with(|| record.kind.clone().into());
        document.entry("object").or_insert_with(|| record.object.clone().into());
        serde_json::from_value(document.into()).ok()
    }

    /// As its kind shows it.
    pub(crate) fn shown<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_value(serde_json::to_value(self).ok()?).ok()
    }

    fn end<F>(&mut self, walked: &Walked<F>) {
        self.state = walked.state;
        self.request_id.clone_from(&walked.request_id);
        self.error.clone_from(&walked.error);
        if let Some(before) = &walked.before {
            self.before.clone_from(before);
        }
        if let Some(after) = &walked.after {
            self.after.clone_from(after);
        }
    }
}

/// Which changes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ChangesPage<'a> {
    /// To which object; to all without.
    pub(crate) object: Option<&'a str>,
    /// What the page before gave as its next; `None` for the first.
    pub(crate) before: Option<&'a str>,
    /// How many at most.
    pub(crate) limit: Option<u32>,
}

/// Who sends changes, and where to.
pub(crate) struct Sender {
    by: String,
    endpoint: Option<String>,
}

impl Sender {
    /// As the other side names who asks; with an endpoint where that is not the other side's own. There is
    /// none without the user's consent.
    pub(crate) fn new(_: &Consent, by: String, endpoint: Option<String>) -> Self {
        Self { by, endpoint }
    }
}

/// A plan that was carried out, as far as it went.
pub(crate) struct Carried<F> {
    /// The changes that were begun, in order; all but the last were written.
    pub(crate) changes: Vec<Change>,
    /// How the last one ended.
    pub(crate) last: Walked<F>,
    /// Why the journal does not have it; the outcome holds all the same.
    pub(crate) unrecorded: Option<Error>,
}

/// How long a plan is kept.
const PLAN_DAYS: i64 = 30;
/// How many changes a page has, and the most that one may have.
const PAGE: u32 = 100;
const MOST: u32 = 500;

impl Plan {
    /// A plan that was made now.
    pub(crate) fn new(cx: &Cx, kind: &str, steps: Vec<Step>) -> Self {
        Self {
            v: 1,
            kind: kind.to_owned(),
            id: short_id(),
            profile: cx.profile.clone(),
            made: cx.now(),
            by: None,
            endpoints: Vec::new(),
            steps,
            restores: None,
        }
    }
}

impl App {
    /// Keeps a plan as its kind writes it: `document` has all that [`Plan`] has.
    pub(crate) fn save_plan(&self, cx: &Cx, plan: &Plan, document: &impl Serialize) -> Result<()> {
        let since = (cx.clock)() - SignedDuration::from_hours(24 * PLAN_DAYS);
        let record = PlanRecord {
            id: plan.id.clone(),
            profile: plan.profile.clone(),
            kind: plan.kind.clone(),
            at: plan.made.clone(),
            document: serde_json::to_string(document).unwrap_or_default(),
        };
        self.store()?.save_plan(&record, &since.to_string())
    }

    /// A plan that is kept, as its kind wrote it.
    ///
    /// # Errors
    /// `plan_gone` when there is none of that kind in this profile.
    pub(crate) fn saved_plan<T: DeserializeOwned>(
        &self,
        cx: &Cx,
        kind: &str,
        id: &str,
    ) -> Result<T> {
        let found = match self.store_if_any()? {
            Some(store) => store.plan(id)?,
            None => None,
        };
        found
            .filter(|kept| kept.kind == kind && kept.profile == cx.profile)
            .and_then(|kept| serde_json::from_str(&kept.document).ok())
            .ok_or_else(|| {
                Error::new("plan_gone", say!("Plan `{}` is no longer available.", id))
                    .hint("Plan again.")
            })
    }

    /// Carries out a change as a job, one after the other in a profile. `outcome` says what became of it.
    ///
    /// # Errors
    /// What the work says.
    pub(crate) fn change_job<T>(
        &self,
        cx: &Cx,
        watch: &dyn PlanObserver,
        work: impl FnOnce(&dyn PlanObserver) -> Result<T>,
        outcome: impl FnOnce(&T) -> (Outcome, Option<Error>),
    ) -> Result<T> {
        let lane = format!("changes of {}", cx.profile);
        let new = NewWork { kind: JobKind::Change, lane, about: None, watch: &cx.call };
        self.job(
            cx,
            new,
            |job| work(&OnJob::new(job, watch)),
            |done| match outcome(done) {
                (Outcome::Written, error) => (JobState::Succeeded, error),
                (Outcome::NotWritten | Outcome::Unknown, error) => (JobState::Failed, error),
            },
        )
    }

    /// Carries out the steps of a plan, change by change, until one is not written. Each change is in the
    /// journal before it is sent, so that a process that dies leaves a trace of what it did.
    ///
    /// # Errors
    /// When nothing can be sent: `plan_invalid`, and what the journal says before the first change.
    pub(crate) async fn carry_out_plan<K: PlanKind>(
        &self,
        cx: &Cx,
        plan: &Plan,
        kind: &K,
        sender: &Sender,
        watch: &dyn PlanObserver,
    ) -> Result<Carried<K::Found>> {
        // Held for as long as the plan takes, for at its end the journal may be out of reach.
        let store = Mutex::new(self.store()?);
        let mut changes: Vec<Change> = Vec::new();
        let mut last = None;
        for part in parts(&plan.steps)? {
            let mut change = begun(cx, plan, &part, kind.own(), sender);
            match keep(&store, cx, &change) {
                Ok(()) => {}
                Err(error) if changes.is_empty() => return Err(error),
                Err(error) => {
                    let failed = Walked::not_sent(error.clone());
                    change.end(&failed);
                    changes.push(change);
                    last = Some((failed, Some(error)));
                    break;
                }
            }
            let walked = walk(kind, &plan.steps, &part, watch).await;
            change.end(&walked);
            // The outcome is true whether or not the journal can be told.
            let unrecorded = keep(&store, cx, &change)
                .inspect_err(|failed| tracing::error!(error = %failed, "journal not written"))
                .err();
            let goes_on = walked.state.outcome() == Outcome::Written && unrecorded.is_none();
            changes.push(change);
            last = Some((walked, unrecorded));
            if !goes_on {
                break;
            }
        }
        let (last, unrecorded) = last.ok_or_else(|| invalid("it changes nothing"))?;
        Ok(Carried { changes, last, unrecorded })
    }

    /// A page of the changes of a kind, newest first, and the value of `before` for the next page, of those that are
    /// older: to one object, or to all.
    pub(crate) fn changes_of(
        &self,
        cx: &Cx,
        kind: &str,
        asked: &ChangesPage<'_>,
    ) -> Result<(Vec<Change>, Option<String>)> {
        let Some(store) = self.store_if_any()? else { return Ok((Vec::new(), None)) };
        let most = asked.limit.unwrap_or(PAGE).clamp(1, MOST);
        let found = store.journal_of(&cx.profile, kind, asked.object, asked.before, most)?;
        let next = found.entries.last().filter(|_| found.more).map(|kept| kept.id.clone());
        Ok((found.entries.iter().filter_map(Change::of).collect(), next))
    }

    /// A change that wrote something, or may have.
    ///
    /// # Errors
    /// `change_not_found`, and `nothing_to_change` for one that wrote nothing.
    pub(crate) fn change_to_put_back(&self, cx: &Cx, kind: &str, id: &str) -> Result<Change> {
        let found = match self.store_if_any()? {
            Some(store) => store.journal_entry(id)?,
            None => None,
        };
        let change = found
            .filter(|kept| kept.kind == kind && kept.profile == cx.profile)
            .and_then(|kept| Change::of(&kept))
            .ok_or_else(|| {
                Error::new("change_not_found", say!("Change `{}` was not found.", id))
                    .hint("See the history for those that there are.")
                    .field("change")
            })?;
        if matches!(change.state, ChangeState::Refused | ChangeState::Unneeded) {
            return Err(Error::new(
                "nothing_to_change",
                say!("The change `{}` wrote nothing, so there is nothing to put back.", change.id),
            )
            .hint("See the history for those that did."));
        }
        Ok(change)
    }

    /// What there is now where a change was made, if that is still what the change wrote.
    ///
    /// # Errors
    /// What the kind says of another state, and of what cannot be read.
    pub(crate) async fn still_has<K: PlanKind>(
        &self,
        kind: &K,
        change: &Change,
    ) -> Result<K::Found> {
        let now = kind.read(&change.object).await?;
        if kind.is(&now, &change.after) { Ok(now) } else { Err(kind.explain(Why::Moved(&now))) }
    }
}

/// A change that is about to be sent.
fn begun(cx: &Cx, plan: &Plan, part: &Part, own: Map<String, Value>, sender: &Sender) -> Change {
    let step = &plan.steps[part.change];
    Change {
        id: short_id(),
        at: cx.now(),
        by: sender.by.clone(),
        kind: plan.kind.clone(),
        object: step.target.clone(),
        state: ChangeState::Sent,
        before: step.before.clone().unwrap_or_default(),
        after: step.after.clone().unwrap_or_default(),
        request_id: None,
        restores: plan.restores.clone(),
        endpoint: sender.endpoint.clone(),
        error: None,
        own,
    }
}

fn keep(store: &Mutex<Held<'_>>, cx: &Cx, change: &Change) -> Result<()> {
    let store = store.lock().unwrap_or_else(PoisonError::into_inner);
    store.journal(&JournalRecord {
        id: change.id.clone(),
        profile: cx.profile.clone(),
        kind: change.kind.clone(),
        at: change.at.clone(),
        object: change.object.clone(),
        document: serde_json::to_string(change).unwrap_or_default(),
    })
}

fn invalid(why: &str) -> Error {
    Error::new("plan_invalid", say!("This is not a plan that can be carried out: {}.", why))
        .hint("Plan again.")
}

pub(crate) fn short_id() -> String {
    Uuid::new_v4().simple().to_string()[..12].to_owned()
}
