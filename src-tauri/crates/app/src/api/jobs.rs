//! Lists jobs page by page, and cancels one.
//!
//! Errors: `job_not_found`, and `job_elsewhere` for a job that another process runs.

use headgate_terms::Error;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use ts_rs::TS;

use super::CallAbout;
use crate::cx::Actor;

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

/// Which jobs, and from where on.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct JobsPage {
    /// Only those that have not ended.
    pub open: bool,
    /// What the page before gave as `next`; null for the first.
    pub before: Option<String>,
    /// How many at most.
    pub limit: Option<u32>,
}

/// A page of jobs.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Jobs {
    /// Newest first.
    pub jobs: Vec<Job>,
    /// The value of `before` for the next, older page; null at the end.
    pub next: Option<String>,
}

/// A job by its id.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct JobId {
    /// The id.
    pub job: String,
}
