//! Jobs: syncs, changes to the world outside and what is given up, whoever asked for them.
//!
//! A job waits in its lane until those before it have ended, so that a second sync queues and is not
//! refused. It is on record from the moment it waits or has begun; a command that fails before that
//! leaves none. Every job names its process, which holds a lock for as long as it lives: a job whose
//! process is gone is found by the next one, and ended as `interrupted`.
//!
//! What a job does is its command's own; what a sync records of its batches is `sync`'s.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use headgate_store::{JobRecord, JobState as Kept, NewJob};
use headgate_sync::{DataFolder, Progress, Watch};
use headgate_terms::{Error, Result, Shown, say};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use ts_rs::TS;
use uuid::Uuid;

use crate::App;
use crate::api::{CallAbout, Empty, Tag};
use crate::calls::Call;
use crate::cx::{Actor, Cx};
use crate::host::Notice;
use crate::owners::{Owner, lock_file, lock_of, owners, sweep_owners};
use crate::plans::short_id;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Brings events into a lake.
    Sync,
    /// Changes something outside this machine.
    Change,
    /// Gives up what waits for a table.
    Release,
}

impl JobKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Change => "change",
            Self::Release => "release",
        }
    }

    fn of(text: &str) -> Self {
        let known = [Self::Sync, Self::Release].into_iter().find(|kind| kind.as_str() == text);
        known.unwrap_or(Self::Change)
    }
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for the jobs before it.
    Queued,
    /// It is carried out.
    Running,
    /// It was asked to stop.
    Stopping,
    /// It did all.
    Succeeded,
    /// It did part, and something needs attention.
    Partial,
    /// It failed.
    Failed,
    /// It was stopped on request.
    Cancelled,
    /// Its process ended before it did.
    Interrupted,
}

impl From<Kept> for JobState {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Queued => Self::Queued,
            Kept::Running => Self::Running,
            Kept::Succeeded => Self::Succeeded,
            Kept::Partial => Self::Partial,
            Kept::Failed => Self::Failed,
            Kept::Cancelled => Self::Cancelled,
            Kept::Interrupted => Self::Interrupted,
        }
    }
}

impl JobState {
    fn kept(self) -> Kept {
        match self {
            Self::Queued => Kept::Queued,
            Self::Running | Self::Stopping => Kept::Running,
            Self::Succeeded => Kept::Succeeded,
            Self::Partial => Kept::Partial,
            Self::Failed => Kept::Failed,
            Self::Cancelled => Kept::Cancelled,
            Self::Interrupted => Kept::Interrupted,
        }
    }
}

/// A job.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// The profile that it works in.
    pub profile: String,
    /// Who asked for it.
    pub actor: Actor,
    /// How it stands.
    pub state: JobState,
    /// What it works on, where its command says so.
    pub about: Option<CallAbout>,
    /// The job of its lane that it waits for.
    pub waits_for: Option<String>,
    /// The run of a sync, once that has begun.
    pub run: Option<String>,
    /// What it reported last.
    #[ts(type = "Progress | PlanProgress | null")]
    pub progress: Option<Box<RawValue>>,
    /// When it was asked for, in RFC 3339.
    pub queued: String,
    /// When it began.
    pub started: Option<String>,
    /// When it ended.
    pub ended: Option<String>,
    /// Why it failed.
    pub error: Option<Error>,
}

impl Job {
    fn of(kept: JobRecord) -> Self {
        let parsed = |text: &Option<String>| text.as_deref().map(str::to_owned);
        Self {
            id: kept.id,
            kind: JobKind::of(&kept.kind),
            profile: kept.profile,
            actor: Actor::of(&kept.actor),
            state: kept.state.into(),
            about: kept.about.and_then(|text| serde_json::from_str(&text).ok()),
            waits_for: None,
            run: kept.run,
            progress: parsed(&kept.progress).and_then(|text| RawValue::from_string(text).ok()),
            queued: kept.queued,
            started: kept.started,
            ended: kept.ended,
            error: kept.error.and_then(|text| serde_json::from_str(&text).ok()),
        }
    }
}

impl Job {
    /// What it does, as the subject of a sentence.
    fn named(&self) -> Shown {
        let what = self.about.as_ref().map(|about| {
            let from = Path::new(&about.from).file_name().unwrap_or_default().to_string_lossy();
            about.source.clone().unwrap_or_else(|| from.into_owned())
        });
        match (self.kind, what) {
            (JobKind::Sync, Some(what)) => say!("The sync of {}", what),
            (JobKind::Sync, None) => "The sync".into(),
            (JobKind::Change, _) => "The change in AWS".into(),
            (JobKind::Release, _) => "Giving up what waits".into(),
        }
    }

    /// Whether the user said no.
    fn is_refused(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.code == "not_confirmed")
    }

    /// What a user is told at its end who looks elsewhere; none where there is nothing to tell.
    fn ending(&self) -> Option<Notice> {
        let at = |text: &Option<String>| text.as_ref()?.parse::<Timestamp>().ok();
        let took = at(&self.ended)?.duration_since(at(&self.started).or(at(&self.ended))?);
        let title = match self.state {
            JobState::Succeeded if took >= LONG => say!("{} is done", self.named()),
            JobState::Failed if self.is_refused() => return None,
            // Whether AWS has a change that failed may not be known.
            JobState::Failed if self.kind != JobKind::Change => say!("{} failed", self.named()),
            JobState::Partial | JobState::Failed => say!("{} needs attention", self.named()),
            _ => return None,
        };
        let text = match &self.error {
            Some(error) => error.message.clone(),
            None => "Open Headgate to see what it did.".into(),
        };
        Some(Notice { title, text })
    }
}

/// Which jobs, and from where on.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct JobsPage {
    /// Only those that have not ended.
    pub open: bool,
    /// What the page before gave as `next`; none for the first.
    pub before: Option<String>,
    /// How many at most.
    pub limit: Option<u32>,
}

/// A page of jobs.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Jobs {
    /// Newest first.
    pub jobs: Vec<Job>,
    /// What to ask for as `before` for those that are older; none at the end.
    pub next: Option<String>,
}

/// A job by its id.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct JobId {
    /// The id.
    pub job: String,
}

/// How many jobs a page has when nothing else is asked for, and at most.
const PAGE: u32 = 100;
/// The lane of what writes to lakes: one data folder has one runner, so all share it, whatever their profile.
pub(crate) const SYNC_LANE: &str = "syncs";
/// How long a job takes of whose end the user is told.
const LONG: SignedDuration = SignedDuration::from_secs(10);
/// How often what a job reports is brought to those who listen, and how often it is put on record.
const OFTEN: Duration = Duration::from_millis(100);
const SELDOM: Duration = Duration::from_secs(2);

/// The jobs of this process that have not ended.
#[derive(Default)]
pub(crate) struct Lanes {
    open: Mutex<Open>,
    turn: Condvar,
    owner: OnceLock<Owner>,
    /// The other processes whose end is waited for.
    others: Mutex<BTreeSet<String>>,
}

#[derive(Default)]
struct Open {
    /// The ids of each lane, in order; the first has its turn.
    lanes: BTreeMap<String, VecDeque<String>>,
    jobs: BTreeMap<String, (Job, Call)>,
}

impl Lanes {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has every job that waits look whether it is to stop.
    pub(crate) fn wake(&self) {
        let open = self.open();
        self.turn.notify_all();
        drop(open);
    }

    /// The other processes whose end is waited for.
    fn others(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name of this process for its jobs; its lock is taken first.
    fn owner(&self, data: &DataFolder) -> Result<&str> {
        if let Some(owner) = self.owner.get() {
            return Ok(&owner.id);
        }
        let id = Uuid::new_v4().to_string();
        let lock = lock_of(data, &id).map_err(|error| {
            Error::new("permission_denied", say!("Could not lock `{}`: {}.", owners(data), error))
                .hint("Give this user the right to write the data folder.")
        })?;
        Ok(&self.owner.get_or_init(|| Owner { lock: lock_file(data, &id), id, _held: lock }).id)
    }
}

/// A job to carry out.
pub(crate) struct NewWork<'w> {
    pub(crate) kind: JobKind,
    /// Jobs of one lane are carried out one after the other.
    pub(crate) lane: String,
    pub(crate) about: Option<CallAbout>,
    /// Who hears how far it is, and may stop it.
    pub(crate) watch: &'w dyn Watch,
}

/// A job that has its turn, or waits for it.
pub(crate) struct Work<'w> {
    app: &'w App,
    cx: &'w Cx,
    id: String,
    lane: String,
    watch: &'w dyn Watch,
    state: Mutex<Recorded>,
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
            state: Mutex::default(),
            has_ended: AtomicBool::new(false),
        };
        {
            let mut open = self.jobs.open();
            open.lanes.entry(this.lane.clone()).or_default().push_back(job.id.clone());
            open.jobs.insert(job.id.clone(), (job, cx.call.clone()));
        }
        // Whatever happens in the work, the lane goes on.
        let leaving = Leaving(&this);
        let done = this.wait().and_then(|()| {
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

    /// Waits for the end of each other process that has open jobs, and ends what it left. It blocks; of
    /// processes that are waited for already, it does not wait for the end.
    pub fn wait_for_others(&self) {
        let Ok(at_work) = self.others_at_work() else { return };
        let new: Vec<_> = {
            let mut known = self.jobs.others();
            at_work.into_iter().filter(|owner| known.insert(owner.clone())).collect()
        };
        std::thread::scope(|scope| {
            for owner in new {
                scope.spawn(move || {
                    // Held for as long as the other lives; where the file is gone, so is the other.
                    if let Ok(lock) = File::open(lock_file(self.data(), &owner)) {
                        let _ = lock.lock();
                    }
                    self.jobs.others().remove(&owner);
                    if let Err(error) = self.end_interrupted_jobs() {
                        tracing::warn!(%error, "jobs that were interrupted are not ended on record");
                    }
                });
            }
        });
    }

    /// The other processes that have open jobs.
    fn others_at_work(&self) -> Result<BTreeSet<String>> {
        let Some(store) = self.store_if_any()? else { return Ok(BTreeSet::new()) };
        let mine = self.jobs.owner.get().map(|owner| owner.id.as_str());
        let owners = store.open_jobs()?.into_iter().map(|job| job.owner);
        Ok(owners.filter(|owner| Some(owner.as_str()) != mine).collect())
    }

    /// Whether a job of this process has not ended.
    #[must_use]
    pub fn has_jobs(&self) -> bool {
        !self.jobs.open().jobs.is_empty()
    }

    /// Waits until every job of this process has ended. It blocks.
    pub fn wait_for_jobs(&self) {
        let open = self.jobs.open();
        let open = self.jobs.turn.wait_while(open, |open| !open.jobs.is_empty());
        drop(open.unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether a job of a profile is open here.
    pub(crate) fn has_jobs_of(&self, profile: &str) -> bool {
        self.jobs.open().jobs.values().any(|(job, _)| job.profile == profile)
    }

    /// Lets a page go whose window is closed: what only it waited for ends, and its jobs go on. The user is
    /// told that they do.
    pub fn leave_page(&self) {
        let goes_on: Vec<Job> =
            self.jobs.open().jobs.values().map(|(job, _)| job.clone()).collect();
        let title = match goes_on.as_slice() {
            [] => return,
            [one] => say!("{} goes on", one.named()),
            more => say!("{} jobs go on", more.len()),
        };
        self.calls.cancel_reads();
        self.wake();
        self.host.notify(&Notice { title, text: "Open Headgate again to follow it.".into() });
    }

    /// Says of a data folder that is in use which job of another process uses it.
    pub(crate) fn with_holder(&self, mut error: Error) -> Error {
        if error.code != "data_folder_busy" {
            return error;
        }
        let open = self.store_if_any().ok().flatten().and_then(|store| store.open_jobs().ok());
        let runs =
            open.into_iter().flatten().find(|job| job.state == Kept::Running && job.run.is_some());
        if let Some(job) = runs.map(Job::of) {
            let actor = job.actor.as_str();
            error.message =
                say!("{}, started in the {}, is using the data folder.", job.named(), actor);
            error.hint = Some("Wait for it to end, or stop it where it was started.".into());
        }
        error
    }

    /// Ends the jobs whose process is gone.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn end_interrupted_jobs(&self) -> Result<()> {
        sweep_owners(self.data());
        let Some(store) = self.store_if_any()? else { return Ok(()) };
        let open = store.open_jobs()?;
        let mine = self.jobs.owner.get().map(|owner| owner.id.as_str());
        let mut gone = Vec::new();
        for job in open.iter().filter(|job| Some(job.owner.as_str()) != mine) {
            if lock_of(self.data(), &job.owner).is_ok() {
                gone.push(job);
            }
        }
        drop(store);
        if gone.is_empty() {
            return Ok(());
        }
        let error = Error::new("interrupted", "Headgate ended before the job did.").hint(
            "Run the sync again: it finishes what was recorded. Of a change, read the role to see whether AWS has it.",
        );
        let ids: Vec<&str> = gone.iter().map(|job| job.id.as_str()).collect();
        let text = serde_json::to_string(&error).unwrap_or_default();
        let now = Timestamp::now().to_string();
        self.store()?.interrupt_jobs(&ids, Some(&text), &now)?;
        for job in &gone {
            let _ = fs::remove_file(lock_file(self.data(), &job.owner));
            self.bus.changed(&job.profile, &[Tag::Jobs, Tag::Runs]);
        }
        Ok(())
    }

    pub(crate) fn jobs_list(&self, _: &Cx, request: &JobsPage) -> Result<Jobs> {
        let Some(store) = self.store_if_any()? else {
            return Ok(Jobs { jobs: self.open_here(None), next: None });
        };
        let before = request.before.as_deref().and_then(|before| before.parse().ok());
        // Asked first: a job that ends meanwhile has its end in the store.
        let here = self.open_here(before);
        let most = request.limit.unwrap_or(PAGE).clamp(1, PAGE);
        let page = store.jobs(request.open, before, most)?;
        let next = page.entries.last().filter(|_| page.more).map(|job| job.number.to_string());
        let mut jobs: Vec<Job> = page.entries.into_iter().map(Job::of).collect();
        // Of its own jobs this process knows more than the store, and those that are not kept yet.
        for job in &mut jobs {
            if let Some(newer) = here.iter().find(|one| one.id == job.id) {
                job.clone_from(newer);
            }
        }
        let known: Vec<String> = jobs.iter().map(|job| job.id.clone()).collect();
        jobs.splice(0..0, here.into_iter().filter(|job| !known.contains(&job.id)));
        Ok(Jobs { jobs, next })
    }

    /// The jobs of this process that have not ended, for a first page.
    fn open_here(&self, before: Option<i64>) -> Vec<Job> {
        if before.is_some() {
            return Vec::new();
        }
        let open = self.jobs.open();
        open.jobs.values().map(|(job, _)| with_place(&open, job)).collect()
    }

    pub(crate) fn jobs_cancel(&self, _: &Cx, request: &JobId) -> Result<Empty> {
        let is_here = {
            let mut open = self.jobs.open();
            let found = open.jobs.get_mut(&request.job).map(|(job, call)| {
                call.stop();
                if job.state == JobState::Running {
                    job.state = JobState::Stopping;
                }
                job.clone()
            });
            // Told while nobody else can change it, so that what comes last is told last.
            found.map(|job| self.bus.job(&with_place(&open, &job))).is_some()
        };
        if is_here {
            self.wake();
            return Ok(Empty {});
        }
        let kept = match self.store_if_any()? {
            Some(store) => store.job(&request.job)?,
            None => None,
        };
        match kept {
            None => Err(Error::new("job_not_found", say!("There is no job `{}`.", request.job))
                .hint("It may have ended, and be forgotten.")
                .field("job")),
            Some(job) if job.state.is_open() => {
                Err(Error::new("job_elsewhere", say!("Job `{}` runs in another process.", job.id))
                    .hint("Stop it where it was started, such as with Ctrl-C in its terminal."))
            }
            Some(_) => Ok(Empty {}),
        }
    }
}

/// A job with the one before it in its lane.
fn with_place(open: &Open, job: &Job) -> Job {
    let before = open.lanes.values().find_map(|lane| {
        let at = lane.iter().position(|id| *id == job.id)?;
        lane.get(at.checked_sub(1)?).cloned()
    });
    Job { waits_for: before, ..job.clone() }
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
        let mut open = app.jobs.open();
        open.jobs.remove(id);
        if let Some(ids) = open.lanes.get_mut(lane) {
            ids.retain(|one| one != id);
            if ids.is_empty() {
                open.lanes.remove(lane);
            }
        }
        let ids = open.lanes.get(lane).into_iter().flatten();
        for (job, _) in ids.filter_map(|id| open.jobs.get(id)) {
            app.bus.job(&with_place(&open, job));
        }
        app.jobs.turn.notify_all();
    }
}

impl Work<'_> {
    /// Waits for the turn.
    fn wait(&self) -> Result<()> {
        let has_turn = |open: &Open| {
            open.lanes.get(&self.lane).and_then(VecDeque::front).is_none_or(|id| *id == self.id)
        };
        if has_turn(&self.app.jobs.open()) {
            return Ok(());
        }
        // It has its turn whether or not it is on record.
        if let Err(error) = self.keep() {
            tracing::warn!(%error, job = self.id, "a job that waits is not on record");
        }
        let mut open = self.app.jobs.open();
        while !has_turn(&open) {
            if self.cancelled() || self.app.closing.load(Ordering::SeqCst) {
                return Err(Error::new("cancelled", "The job was stopped before its turn.")
                    .hint("Nothing was done; start it again."));
            }
            open = self.app.jobs.turn.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// Changes the job, and says so.
    fn change(&self, change: impl FnOnce(&mut Job)) {
        let mut open = self.app.jobs.open();
        let Some((job, _)) = open.jobs.get_mut(&self.id) else { return };
        change(job);
        let job = job.clone();
        // Told while nobody else can change it, so that what comes last is told last.
        self.app.bus.job(&with_place(&open, &job));
    }

    /// Puts the job on record, unless it is.
    fn keep(&self) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_kept {
            return Ok(());
        }
        let owner = self.app.jobs.owner(self.app.data())?;
        let job = {
            let open = self.app.jobs.open();
            open.jobs.get(&self.id).map(|(job, _)| job.clone())
        };
        let Some(job) = job else { return Ok(()) };
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
        state.is_kept = true;
        drop(state);
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
        self.app.changed(self.cx, &[Tag::Runs, Tag::Jobs]);
    }

    /// Brings what was reported to those who listen, now and then.
    pub(crate) fn reports(&self, progress: &impl Serialize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = |last: Option<Instant>, every| last.is_none_or(|last| last.elapsed() >= every);
        if !is_due(state.told, OFTEN) {
            return;
        }
        let Ok(text) = to_raw_value(progress) else { return };
        let now = Instant::now();
        state.told = Some(now);
        let keeps = state.is_kept && is_due(state.kept, SELDOM);
        if keeps {
            state.kept = Some(now);
        }
        drop(state);
        if keeps {
            let kept =
                self.app.store().and_then(|store| store.set_job_progress(&self.id, text.get()));
            if let Err(error) = kept {
                tracing::debug!(%error, "what a job reported is not on record");
            }
        }
        self.change(|job| job.progress = Some(text));
    }

    fn end(&self, state: JobState, error: Option<Error>, is_failure: bool) {
        self.has_ended.store(true, Ordering::SeqCst);
        let is_kept = self.state.lock().unwrap_or_else(PoisonError::into_inner).is_kept;
        let now = self.cx.now();
        let mut has_begun = false;
        let mut ending = None;
        self.change(|job| {
            has_begun = job.started.is_some();
            job.state = state;
            job.ended = Some(now.clone());
            job.error.clone_from(&error);
            ending = Some(&*job).filter(|job| job.actor == Actor::Window).and_then(Job::ending);
        });
        if let Some(notice) = ending {
            self.app.host.notify(&notice);
        }
        if !is_kept {
            return;
        }
        let text = error.and_then(|error| serde_json::to_string(&error).ok());
        let kept = self.app.store().and_then(|store| {
            // What failed before it had begun leaves nothing behind.
            if is_failure && !has_begun && state != JobState::Cancelled {
                return store.remove_job(&self.id);
            }
            // What took nothing has begun all the same.
            store.start_job(&self.id, &now)?;
            store.end_job(&self.id, state.kept(), text.as_deref(), &now)
        });
        if let Err(error) = kept {
            tracing::warn!(%error, job = self.id, "the end of a job is not on record");
        }
        self.app.changed(self.cx, &[Tag::Jobs, Tag::Runs]);
    }
}

impl Watch for Work<'_> {
    fn progress(&self, progress: &Progress) {
        let is_new = {
            let open = self.app.jobs.open();
            let job = open.jobs.get(&self.id);
            progress.run.is_some() && job.is_some_and(|(job, _)| job.run != progress.run)
        };
        if is_new {
            self.begin(progress.run.as_deref());
        }
        self.watch.progress(progress);
        self.reports(progress);
    }

    fn cancelled(&self) -> bool {
        self.watch.cancelled() || self.cx.call.stopped()
    }
}

#[cfg(test)]
mod tests;
