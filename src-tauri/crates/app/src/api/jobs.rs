//! Jobs, a page at a time, and one by its id.
//!
//! Errors: `job_not_found`, and `job_elsewhere` for one that runs in another process.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use crate::jobs::{Job, JobKind, JobState};

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
