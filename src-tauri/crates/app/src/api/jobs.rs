//! Jobs, a page at a time, and one by its id.
//!
//! Errors: `job_not_found`, and `job_elsewhere` for one that runs in another process.

pub use crate::jobs::{Job, JobId, JobKind, JobState, Jobs, JobsPage};
