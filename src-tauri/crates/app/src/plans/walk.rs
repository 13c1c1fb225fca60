//! One change: read the object, compare it with the plan, change it, prove the change by reading it back.
//!
//! Each try begins with the read, so nothing is changed that was not shown. A lost answer proves nothing, so
//! what follows it is reported as unknown, never as refused. Where the other side has no conditional write, a
//! change that somebody else makes in the milliseconds between the read and the write is overwritten unseen.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use headgate_terms::{Error, Result};
use serde_json::{Map, Value};
use tokio::time::sleep;

use super::{PlanObserver, invalid};
use crate::api::{ChangeState, PlanProgress, Step, StepRole};

/// What a kind of plan knows of the objects that it changes.
pub(crate) trait PlanKind: Sync {
    /// An object as it was read.
    type Found;

    /// How patiently it is tried.
    const RETRIES: RetryPolicy;

    /// Reads an object.
    async fn read(&self, target: &str) -> Result<Self::Found>;
    /// What an object has, as plans and the journal have it.
    fn value(&self, found: &Self::Found) -> Value;
    /// Whether an object is the one that the plan is about, and has what means the same as this.
    fn is(&self, found: &Self::Found, value: &Value) -> bool;
    /// Why an object may not be changed; `None` when it is what the step begins from.
    fn refusal(&self, found: &Self::Found, step: &Step) -> Option<Error>;
    /// One try to change it. Returns the other side's name for that.
    async fn change(&self, found: &Self::Found, step: &Step) -> Result<String, NotChanged>;
    /// Whether a refusal may be temporary.
    fn may_pass(&self, _refusal: &Error) -> bool {
        false
    }

    /// What happened, in the words of the kind.
    fn explain(&self, why: Why<'_, Self::Found>) -> Error;
    /// What the journal has of such a change beside what it has of all.
    fn own(&self) -> Map<String, Value> {
        Map::new()
    }
}

/// A change that has no answer, or one that refuses it.
pub(crate) struct NotChanged {
    pub(crate) error: Error,
    /// Whether the other side may have taken it all the same.
    pub(crate) outcome_unknown: bool,
}

/// What is to be explained.
pub(crate) enum Why<'f, F> {
    /// It was stopped before it was sent.
    Stopped,
    /// A try whose answer was lost may have gone through; afterwards this failed.
    OutcomeUnknown(&'f Error),
    /// It was taken, and what was read back in that time is something else, or could not be read.
    NotProved { failure: Option<&'f Error>, waited: Duration, stopped: bool },
    /// There is something else now than what a change wrote.
    Moved(&'f F),
}

/// How long to wait between tries, and in all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
    /// The first wait; each is twice the one before.
    pub(crate) first: Duration,
    /// The longest wait.
    pub(crate) most: Duration,
    /// When to give up, once for the change and once for the proof.
    pub(crate) cap: Duration,
}

/// The steps of one change, by their places in the plan.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) check: usize,
    pub(super) change: usize,
    pub(super) prove: usize,
}

/// The changes of a plan, each with the steps that check and prove it.
pub(super) fn parts(steps: &[Step]) -> Result<Vec<Part>> {
    let of = |role, from: usize, to: usize| {
        steps[from..to].iter().position(|step| step.role == role).map(|at| from + at)
    };
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(change) = of(StepRole::Change, from, steps.len()) {
        let next = of(StepRole::Change, change + 1, steps.len()).unwrap_or(steps.len());
        let check = of(StepRole::Check, from, change);
        let prove = of(StepRole::Prove, change + 1, next);
        let (Some(check), Some(prove)) = (check, prove) else {
            return Err(invalid("a change in it is not checked or not proved"));
        };
        found.push(Part { check, change, prove });
        from = prove + 1;
    }
    Ok(found)
}

/// How a change ended.
pub(crate) struct Walked<F> {
    pub(crate) state: ChangeState,
    /// What was there just before, where that was read.
    pub(crate) before: Option<Value>,
    /// What was there in the end, where that was read.
    pub(crate) after: Option<Value>,
    /// The other side's name for the change, where it accepted one.
    pub(crate) request_id: Option<String>,
    /// How often it was read back.
    pub(crate) reads: u32,
    /// How long the proof took.
    pub(crate) waited: Duration,
    /// The object as it was last read.
    pub(crate) now: Option<F>,
    /// Why it was not written, or why that is not known.
    pub(crate) error: Option<Error>,
}

impl<F> Walked<F> {
    /// One that failed before anything was sent.
    pub(super) fn not_sent(error: Error) -> Self {
        Self {
            state: ChangeState::Refused,
            before: None,
            after: None,
            request_id: None,
            reads: 0,
            waited: Duration::ZERO,
            now: None,
            error: Some(error),
        }
    }
}

/// Carries out one change. Changes of one object wait for each other in this process.
pub(super) async fn walk<K: PlanKind>(
    kind: &K,
    steps: &[Step],
    part: &Part,
    watch: &dyn PlanObserver,
) -> Walked<K::Found> {
    let step = &steps[part.change];
    let lock = object_lock(&step.target);
    let _turn = lock.lock().await;
    let after = step.after.clone().unwrap_or_default();
    let mut backoff = Backoff::new(K::RETRIES);
    // What was there before the first try whose answer was lost: it may have gone through.
    let mut lost: Option<Value> = None;
    let (before, request_id) = loop {
        if watch.stopped() {
            return failed(kind, kind.explain(Why::Stopped), None, lost.is_some());
        }
        watch.progress(&PlanProgress { step: part.check, reads: 0 });
        let found = match kind.read(&step.target).await {
            Ok(found) => found,
            Err(error) => return failed(kind, error, None, lost.is_some()),
        };
        let has = kind.value(&found);
        if kind.is(&found, &after) {
            match lost {
                Some(before) => break (before, None),
                None => return unneeded(has, found),
            }
        }
        if let Some(error) = kind.refusal(&found, step) {
            return failed(kind, error, Some(found), lost.is_some());
        }
        if watch.stopped() {
            return failed(kind, kind.explain(Why::Stopped), Some(found), lost.is_some());
        }
        watch.progress(&PlanProgress { step: part.change, reads: 0 });
        match kind.change(&found, step).await {
            Ok(id) => break (lost.unwrap_or(has), Some(id)),
            Err(NotChanged { error, outcome_unknown }) => {
                let again = outcome_unknown || error.retryable || kind.may_pass(&error);
                if !(again && backoff.wait(watch).await) {
                    // A lost answer says nothing of what is there now.
                    let unknown = outcome_unknown || lost.is_some();
                    return failed(kind, error, Some(found).filter(|_| !unknown), unknown);
                }
                if outcome_unknown {
                    lost.get_or_insert(has);
                }
            }
        }
    };
    prove(kind, step, part.prove, (before, after, request_id), watch).await
}

/// It was so before anything was done.
fn unneeded<F>(has: Value, found: F) -> Walked<F> {
    Walked {
        state: ChangeState::Unneeded,
        before: Some(has.clone()),
        after: Some(has),
        request_id: None,
        reads: 1,
        waited: Duration::ZERO,
        now: Some(found),
        error: None,
    }
}

/// It was not written, or this is not known because an earlier try may have gone through.
fn failed<K: PlanKind>(
    kind: &K,
    error: Error,
    now: Option<K::Found>,
    unknown: bool,
) -> Walked<K::Found> {
    let error = if unknown { kind.explain(Why::OutcomeUnknown(&error)) } else { error };
    Walked {
        state: if unknown { ChangeState::Sent } else { ChangeState::Refused },
        after: now.as_ref().map(|now| kind.value(now)),
        now,
        ..Walked::not_sent(error)
    }
}

/// Reads until two answers in a row are what was written.
async fn prove<K: PlanKind>(
    kind: &K,
    step: &Step,
    place: usize,
    (before, after, request_id): (Value, Value, Option<String>),
    watch: &dyn PlanObserver,
) -> Walked<K::Found> {
    let begun = Instant::now();
    let mut backoff = Backoff::new(K::RETRIES);
    let (mut reads, mut equal) = (0, 0);
    let mut now = None;
    loop {
        reads += 1;
        watch.progress(&PlanProgress { step: place, reads });
        let failure = match kind.read(&step.target).await {
            Ok(found) => {
                equal = if kind.is(&found, &after) { equal + 1 } else { 0 };
                now = Some(found);
                None
            }
            Err(error) => {
                equal = 0;
                Some(error)
            }
        };
        let waited = begun.elapsed();
        let is_proved = equal == 2;
        let lasts = failure.as_ref().is_some_and(|error| !error.retryable);
        if !is_proved && !lasts && backoff.wait(watch).await {
            continue;
        }
        let error = (!is_proved).then(|| {
            let (failure, stopped) = (failure.as_ref(), watch.stopped());
            kind.explain(Why::NotProved { failure, waited, stopped })
        });
        return Walked {
            state: if is_proved { ChangeState::Done } else { ChangeState::Drifted },
            before: Some(before),
            after: now.as_ref().map(|now| kind.value(now)),
            request_id,
            reads,
            waited,
            now,
            error,
        };
    }
}

/// Waits that grow until the time is up.
struct Backoff {
    next: Duration,
    most: Duration,
    end: Instant,
}

impl Backoff {
    fn new(policy: RetryPolicy) -> Self {
        Self { next: policy.first, most: policy.most, end: Instant::now() + policy.cap }
    }

    /// Waits; false when the time is up or the change is to stop.
    async fn wait(&mut self, watch: &dyn PlanObserver) -> bool {
        if Instant::now() + self.next > self.end {
            return false;
        }
        let end = Instant::now() + self.next;
        while !watch.stopped() && Instant::now() < end {
            sleep((end - Instant::now()).min(Duration::from_millis(100))).await;
        }
        self.next = self.most.min(self.next * 2);
        !watch.stopped()
    }
}

/// What those wait for that change one object.
fn object_lock(target: &str) -> Arc<tokio::sync::Mutex<()>> {
    static LOCKS: LazyLock<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>> =
        LazyLock::new(Mutex::default);
    let mut locks = LOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(locks.entry(target.to_owned()).or_default())
}
