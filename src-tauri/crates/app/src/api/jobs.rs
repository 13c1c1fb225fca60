//! Lists jobs page by page, and cancels one.
//!
//! Errors: `job_not_found`, and `job_elsewhere` for a job that another process runs.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use crate::jobs::{Job, JobKind, JobState};

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
