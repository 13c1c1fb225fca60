//! Carries out a job: waits for its turn, records it when it waits or begins, reports its progress, and ends it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use headgate_store::NewJob;
use headgate_sync::{Observer, Progress};
use headgate_terms::{Error, Result};
use serde::Serialize;
use serde_json::value::to_raw_value;

use super::ends::End;
use crate::App;
use crate::api::{CallAbout, Job, JobKind, JobState, Tag};
use crate::cx::{Actor, Cx};
use crate::plans::short_id;

/// How often progress of a job is sent to listeners, and how often it is recorded.
const OFTEN: Duration = Duration::from_millis(100);
const SELDOM: Duration = Duration::from_secs(2);

/// A job to carry out.
pub(crate) struct NewWork<'w> {
    pub(crate) kind: JobKind,
    /// Jobs of one lane are carried out one after the other.
    pub(crate) lane: String,
    pub(crate) about: Option<CallAbout>,
    /// Who hears how far it is, and may stop it.
    pub(crate) watch: &'w dyn Observer,
}

/// A job that has its turn, or waits for it.
pub(crate) struct Work<'w> {
    app: &'w App,
    cx: &'w Cx,
    id: String,
    lane: String,
    watch: &'w dyn Observer,
    recorded: Mutex<Recorded>,
    has_ended: AtomicBool,
}

#[derive(Default)]
struct Recorded {
    /// Whether it is on record.
    is_kept: bool,
    told: Option<Instant>,
    kept: Option<Instant>,
}

impl App {
    /// Carries out work in its lane. What the work returns says how the job ended.
    ///
    /// # Errors
    /// `cancelled` when it is stopped before its turn, and what the work says.
    pub(crate) fn job<T>(
        &self,
        cx: &Cx,
        new: NewWork<'_>,
        work: impl FnOnce(&Work<'_>) -> Result<T>,
        ended: impl FnOnce(&T) -> (JobState, Option<Error>),
    ) -> Result<T> {
        let job = Job {
            id: short_id(),
            kind: new.kind,
            profile: cx.profile.clone(),
            actor: cx.actor,
            state: JobState::Queued,
            about: new.about,
            waits_for: None,
            run: None,
            progress: None,
            queued: cx.now(),
            started: None,
            ended: None,
            error: None,
        };
        let this = Work {
            app: self,
            cx,
            id: job.id.clone(),
            lane: new.lane,
            watch: new.watch,
            recorded: Mutex::default(),
            has_ended: AtomicBool::new(false),
        };
        self.jobs.lanes.join(&this.lane, job, cx.call.clone());
        // Whatever happens in the work, the lane goes on.
        let leaving = Leaving(&this);
        let done = this.wait_for_turn().and_then(|()| {
            this.change(|job| job.state = JobState::Running);
            work(&this)
        });
        let (state, error) = match &done {
            Ok(done) => ended(done),
            Err(error) if error.code == "cancelled" => (JobState::Cancelled, Some(error.clone())),
            Err(error) => (JobState::Failed, Some(error.clone())),
        };
        this.end(state, error, done.is_err());
        drop(leaving);
        done
    }
}

/// Leaves the lane, however the work ended.
struct Leaving<'l, 'w>(&'l Work<'w>);

impl Drop for Leaving<'_, '_> {
    fn drop(&mut self) {
        let Work { app, id, lane, has_ended, .. } = self.0;
        if !has_ended.load(Ordering::SeqCst) {
            let error = Error::new("internal", "The job stopped because of a defect.").hint(
                "This is a defect in Headgate; what was recorded is finished by the next run.",
            );
            self.0.end(JobState::Failed, Some(error), true);
        }
        app.jobs.lanes.leave(lane, id, |job| app.bus.job(job));
    }
}

impl Work<'_> {
    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the job, and says so.
    fn change(&self, change: impl FnOnce(&mut Job)) {
        self.app.jobs.lanes.change(&self.id, change, |job| self.app.bus.job(job));
    }

    /// Whether it is to stop before it has begun.
    fn gives_up(&self) -> bool {
        self.cancelled() || self.app.closing.load(Ordering::SeqCst)
    }

    fn wait_for_turn(&self) -> Result<()> {
        let lanes = &self.app.jobs.lanes;
        if lanes.has_turn(&self.lane, &self.id) {
            return Ok(());
        }
        self.keep_if_possible();
        if lanes.wait_for_turn(&self.lane, &self.id, || self.gives_up()) {
            return Ok(());
        }
        Err(stopped_before_its_turn())
    }

    /// Does what needs the data folder to itself, once no other process works with it. At a terminal nothing
    /// waits: the user is told who works with it.
    ///
    /// # Errors
    /// `cancelled` while it waits, and what the work says.
    pub(crate) fn once_free<T>(&self, work: impl Fn() -> Result<T>) -> Result<T> {
        loop {
            match work() {
                Err(error)
                    if error.code == "data_folder_busy" && self.cx.actor != Actor::Terminal =>
                {
                    self.wait_for_other_process()?;
                }
                done => return done,
            }
        }
    }

    /// Waits until no other process holds the data folder, and says meanwhile for whose run it waits.
    ///
    /// # Errors
    /// `cancelled`.
    fn wait_for_other_process(&self) -> Result<()> {
        let holder = self.app.run_elsewhere().map(|job| job.id);
        self.change(|job| {
            job.state = JobState::Queued;
            job.waits_for = holder;
        });
        self.keep_if_possible();
        let is_free = Arc::new(AtomicBool::new(false));
        let (lanes, data) = (self.app.jobs.lanes.clone(), self.app.data().clone());
        let frees = is_free.clone();
        // Only a thread of its own can wait for a lock; one that is not needed any more ends with the lock.
        std::thread::spawn(move || {
            if let Err(error) = data.wait_until_free() {
                tracing::warn!(%error, "the end of another process's run is not waited for");
            }
            frees.store(true, Ordering::SeqCst);
            lanes.wake();
        });
        let is_free = || is_free.load(Ordering::SeqCst);
        self.app.jobs.lanes.wait_until(|| is_free() || self.gives_up());
        if !is_free() {
            return Err(stopped_before_its_turn());
        }
        self.change(|job| {
            job.state = JobState::Running;
            job.waits_for = None;
        });
        Ok(())
    }

    /// Puts a job that waits on record. It has its turn whether or not that can be done.
    fn keep_if_possible(&self) {
        if let Err(error) = self.keep() {
            tracing::warn!(%error, job = self.id, "a job that waits is not on record");
        }
    }

    /// Puts the job on record, unless it is.
    fn keep(&self) -> Result<()> {
        let mut recorded = self.recorded();
        if recorded.is_kept {
            return Ok(());
        }
        let owner = self.app.jobs.processes.owner(self.app.data())?;
        let Some(job) = self.app.jobs.lanes.job(&self.id) else { return Ok(()) };
        let about = job.about.as_ref().and_then(|about| serde_json::to_string(about).ok());
        self.app.store()?.add_job(&NewJob {
            id: &job.id,
            profile: &job.profile,
            kind: job.kind.as_str(),
            actor: job.actor.as_str(),
            lane: &self.lane,
            owner,
            about: about.as_deref(),
            queued: &job.queued,
        })?;
        recorded.is_kept = true;
        drop(recorded);
        self.change(|_| {});
        Ok(())
    }

    /// Says that the job has begun: it is on record from here on, with the run of a sync.
    pub(crate) fn begin(&self, run: Option<&str>) {
        let now = self.cx.now();
        let kept = self.keep().and_then(|()| {
            let store = self.app.store()?;
            store.start_job(&self.id, &now)?;
            run.map_or(Ok(false), |run| store.set_job_run(&self.id, run))
        });
        if let Err(error) = kept {
            tracing::warn!(%error, job = self.id, "a job is not on record");
        }
        self.change(|job| {
            job.started.get_or_insert(now);
            job.run = run.map(str::to_owned).or(job.run.take());
        });
        // The journal has a change before it is sent.
        self.app.changed(self.cx, &[Tag::Runs, Tag::Changes, Tag::Jobs]);
    }

    /// The lake that a run writes to is one of its profile's from now on.
    fn remember_lake(&self) {
        let job = self.app.jobs.lanes.job(&self.id);
        let Some(lake) = job.and_then(|job| job.about?.to) else { return };
        if let Err(error) = self.app.remember_lake(self.cx, &lake) {
            tracing::warn!(%error, "the lake of a run is not remembered");
        }
        self.app.changed(self.cx, &[Tag::Lakes]);
    }

    /// Brings what was reported to those who listen, now and then.
    pub(crate) fn reports(&self, progress: &impl Serialize) {
        let mut recorded = self.recorded();
        let is_due = |last: Option<Instant>, every| last.is_none_or(|last| last.elapsed() >= every);
        if !is_due(recorded.told, OFTEN) {
            return;
        }
        let Ok(text) = to_raw_value(progress) else { return };
        let now = Instant::now();
        recorded.told = Some(now);
        let keeps = recorded.is_kept && is_due(recorded.kept, SELDOM);
        if keeps {
            recorded.kept = Some(now);
        }
        drop(recorded);
        if keeps {
            let kept =
                self.app.store().and_then(|store| store.set_job_progress(&self.id, text.get()));
            if let Err(error) = kept {
                tracing::debug!(%error, "what a job reported is not on record");
            }
        }
        self.change(|job| job.progress = Some(text));
        if keeps && self.cx.actor != Actor::Window {
            // The window of this data folder may be another process, which reads it from the record.
            self.app.changed(self.cx, &[Tag::Jobs]);
        }
    }

    fn end(&self, state: JobState, error: Option<Error>, is_failure: bool) {
        self.has_ended.store(true, Ordering::SeqCst);
        let is_kept = self.recorded().is_kept;
        let at = self.cx.now();
        let mut ended = None;
        self.change(|job| {
            job.state = state;
            job.waits_for = None;
            job.ended = Some(at.clone());
            job.error = error;
            ended = Some(job.clone());
        });
        let Some(job) = ended else { return };
        if job.actor == Actor::Window
            && let Some(notice) = job.ending()
        {
            self.app.host.notify(&notice);
        }
        if !is_kept {
            return;
        }
        // What failed before it had begun leaves nothing behind.
        let leaves_nothing = is_failure && job.started.is_none() && state != JobState::Cancelled;
        self.app.record_end(End { job, at, leaves_nothing });
        self.app.changed(self.cx, &[Tag::Jobs, Tag::Runs]);
    }
}

fn stopped_before_its_turn() -> Error {
    Error::new("cancelled", "The job was stopped before its turn.")
        .hint("Nothing was done; start it again.")
}

impl Observer for Work<'_> {
    fn progress(&self, progress: &Progress) {
        let is_new = progress.run.is_some()
            && self.app.jobs.lanes.job(&self.id).is_some_and(|job| job.run != progress.run);
        if is_new {
            self.begin(progress.run.as_deref());
            self.remember_lake();
        }
        self.watch.progress(progress);
        self.reports(progress);
    }

    fn cancelled(&self) -> bool {
        self.watch.cancelled() || self.cx.call.stopped()
    }
}
