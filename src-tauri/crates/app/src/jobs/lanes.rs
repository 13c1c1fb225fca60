//! `Lanes`: the jobs of this process that have not ended. In each lane the first job runs and the others wait.
//!
//! A change is reported while the lanes are locked, so that the last report is the current state.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::api::{Job, JobState};
use crate::calls::Call;

/// The lanes of this process. A clone is the same lanes.
#[derive(Clone, Default)]
pub(crate) struct Lanes(Arc<Shared>);

#[derive(Default)]
struct Shared {
    open: Mutex<Open>,
    woken: Condvar,
}

#[derive(Default)]
struct Open {
    /// The ids of each lane, in order.
    lanes: BTreeMap<String, VecDeque<String>>,
    jobs: BTreeMap<String, (Job, Call)>,
}

impl Lanes {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has all that wait look again.
    pub(crate) fn wake(&self) {
        // Whoever is between its look and its wait holds this.
        drop(self.open());
        self.0.woken.notify_all();
    }

    /// Puts a job behind those of its lane.
    pub(super) fn join(&self, lane: &str, job: Job, call: Call) {
        let mut open = self.open();
        open.lanes.entry(lane.to_owned()).or_default().push_back(job.id.clone());
        open.jobs.insert(job.id.clone(), (job, call));
    }

    /// Removes a job from its lane, and reports the state of those that stay.
    pub(super) fn leave(&self, lane: &str, id: &str, tell: impl Fn(&Job)) {
        let mut open = self.open();
        open.jobs.remove(id);
        if let Some(ids) = open.lanes.get_mut(lane) {
            ids.retain(|one| one != id);
            if ids.is_empty() {
                open.lanes.remove(lane);
            }
        }
        for id in open.lanes.get(lane).into_iter().flatten() {
            if let Some(job) = open.job(id) {
                tell(&job);
            }
        }
        self.0.woken.notify_all();
    }

    /// Whether a job is the first of its lane.
    pub(super) fn has_turn(&self, lane: &str, id: &str) -> bool {
        self.open().is_first(lane, id)
    }

    /// Waits until a job is the first of its lane; false when `gives_up` says so before. Whoever changes what
    /// that says wakes the lanes.
    pub(super) fn wait_for_turn(&self, lane: &str, id: &str, gives_up: impl Fn() -> bool) -> bool {
        let mut gave_up = false;
        let open = self.0.woken.wait_while(self.open(), |open| {
            let waits = !open.is_first(lane, id);
            gave_up = waits && gives_up();
            waits && !gave_up
        });
        drop(open.unwrap_or_else(PoisonError::into_inner));
        !gave_up
    }

    /// Waits until something holds. Whoever changes it wakes the lanes.
    pub(super) fn wait_until(&self, holds: impl Fn() -> bool) {
        let open = self.0.woken.wait_while(self.open(), |_| !holds());
        drop(open.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until every job has ended.
    pub(super) fn wait_until_empty(&self) {
        let open = self.0.woken.wait_while(self.open(), |open| !open.jobs.is_empty());
        drop(open.unwrap_or_else(PoisonError::into_inner));
    }

    /// Changes a job and reports its state, unless it has ended.
    pub(super) fn change(&self, id: &str, change: impl FnOnce(&mut Job), tell: impl FnOnce(&Job)) {
        let mut open = self.open();
        let Some((job, _)) = open.jobs.get_mut(id) else { return };
        change(job);
        if let Some(job) = open.job(id) {
            tell(&job);
        }
    }

    /// Asks a job to stop and reports its state; false when it has ended, or is another process's.
    pub(super) fn stop(&self, id: &str, tell: impl FnOnce(&Job)) -> bool {
        let mut open = self.open();
        let Some((job, call)) = open.jobs.get_mut(id) else { return false };
        call.stop();
        if job.state == JobState::Running {
            job.state = JobState::Stopping;
        }
        if let Some(job) = open.job(id) {
            tell(&job);
        }
        self.0.woken.notify_all();
        true
    }

    /// A job with its state, unless it has ended.
    pub(super) fn job(&self, id: &str) -> Option<Job> {
        self.open().job(id)
    }

    /// The jobs with their states.
    pub(super) fn jobs(&self) -> Vec<Job> {
        let open = self.open();
        open.jobs.keys().filter_map(|id| open.job(id)).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open().jobs.is_empty()
    }
}

impl Open {
    fn is_first(&self, lane: &str, id: &str) -> bool {
        self.lanes.get(lane).and_then(VecDeque::front).is_none_or(|first| first == id)
    }

    /// A job with the one before it in its lane.
    fn job(&self, id: &str) -> Option<Job> {
        let (job, _) = self.jobs.get(id)?;
        let before = self.lanes.values().find_map(|lane| {
            let at = lane.iter().position(|one| one == id)?;
            lane.get(at.checked_sub(1)?).cloned()
        });
        // The first of a lane may wait for another process's.
        Some(Job { waits_for: before.or_else(|| job.waits_for.clone()), ..job.clone() })
    }
}
