//! Jobs: syncs, changes outside this machine, and releases, whoever asked for them.
//!
//! A job waits in its lane until the jobs before it have ended, so a second sync is queued, not refused. It is
//! recorded from the moment it waits or begins; a command that fails before that leaves no record. `job` is the
//! data, `lanes` the order, `runner` carries one out, `ends` records its end, and `processes` tells whether the
//! process of a job is alive. What a job does is in its command.

mod ends;
mod job;
mod lanes;
mod processes;
mod runner;

use headgate_terms::{Error, Result, say};

use crate::App;
use crate::api::{Empty, JobId, Jobs, JobsPage};
use crate::cx::Cx;
use crate::host::Notice;

pub(crate) use crate::api::{Job, JobKind, JobState};
pub(crate) use runner::{NewWork, Work};

/// How many jobs a page has by default, and at most.
const PAGE: u32 = 100;
/// The lane of what writes to lakes: one data folder has one runner, so all share it, whatever their profile.
pub(crate) const SYNC_LANE: &str = "syncs";

/// All that this process knows of jobs beside the store.
#[derive(Default)]
pub(crate) struct Runner {
    lanes: lanes::Lanes,
    ends: ends::Ends,
    processes: processes::Processes,
}

impl Runner {
    /// Has every job that waits look whether it is to stop.
    pub(crate) fn wake(&self) {
        self.lanes.wake();
    }
}

impl App {
    /// Whether a job of this process has not ended.
    #[must_use]
    pub fn has_jobs(&self) -> bool {
        !self.jobs.lanes.is_empty()
    }

    /// Waits until every job of this process has ended. It blocks.
    pub fn wait_for_jobs(&self) {
        self.jobs.lanes.wait_until_empty();
        self.record_last_ends();
    }

    /// Whether a job of a profile is open here.
    pub(crate) fn has_jobs_of(&self, profile: &str) -> bool {
        self.jobs.lanes.jobs().iter().any(|job| job.profile == profile)
    }

    /// Releases the page of a closed window: its reads end, and its jobs continue. The user is
    /// told that they do.
    pub fn leave_page(&self) {
        let title = match self.jobs.lanes.jobs().as_slice() {
            [] => return,
            [one] => say!("{} goes on", one.named()),
            more => say!("{} jobs go on", more.len()),
        };
        self.calls.cancel_reads();
        self.wake();
        self.host.notify(&Notice { title, text: "Open Headgate again to follow it.".into() });
    }

    pub(crate) fn jobs_list(&self, _: &Cx, request: &JobsPage) -> Result<Jobs> {
        let before = request.before.as_deref().and_then(|before| before.parse().ok());
        // Asked first: a job that ends meanwhile has its end in the store. They are on the first page.
        let here = if before.is_none() { self.jobs.lanes.jobs() } else { Vec::new() };
        let Some(store) = self.store_if_any()? else { return Ok(Jobs { jobs: here, next: None }) };
        let most = request.limit.unwrap_or(PAGE).clamp(1, PAGE);
        let page = store.jobs(request.open, before, most)?;
        let next = page.entries.last().filter(|_| page.more).map(|job| job.number.to_string());
        let kept: Vec<Job> = page.entries.into_iter().map(Job::of).collect();
        let unknown = here.iter().filter(|job| kept.iter().all(|one| one.id != job.id));
        let mut jobs: Vec<Job> = unknown.cloned().collect();
        // Of its own jobs this process knows more than the store.
        for job in kept {
            let newer = here.iter().find(|one| one.id == job.id).cloned();
            match self.jobs.ends.of(&job.id) {
                Some(end) if end.leaves_nothing || request.open => {}
                Some(end) => jobs.push(end.job),
                None => jobs.push(newer.unwrap_or(job)),
            }
        }
        Ok(Jobs { jobs, next })
    }

    pub(crate) fn jobs_cancel(&self, _: &Cx, request: &JobId) -> Result<Empty> {
        let has_ended = || self.jobs.ends.of(&request.job).is_some();
        if self.jobs.lanes.stop(&request.job, |job| self.bus.job(job)) || has_ended() {
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

#[cfg(test)]
mod tests;
