//! Recorded runs: reports, rejected lines, discarded values, and giving up what waits.
//!
//! Errors: `run_not_found`; `rejected_lines_expired` for lines that are no longer kept; `nothing_waits` where there is
//! nothing to give up, `output_failed` for a file that cannot be written, `data_folder_busy`, and `cancelled` before
//! its turn; for discarded values those of the lake.

use headgate_lake::DiscardRow;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use headgate_sync::{RejectedLines, Release, RunReport, SavedLines};

/// Which runs, from where on.
#[derive(Debug, Clone, Default, Deserialize, TS)]
pub struct RunsPage {
    /// What the page before gave as `next`; null for the first.
    pub before: Option<String>,
    /// How many at most.
    pub limit: Option<u32>,
}

/// A page of runs.
#[derive(Debug, Clone, Serialize, TS)]
pub struct RunList {
    /// Newest first, each without its tables.
    pub runs: Vec<RunReport>,
    /// The value of `before` for the next, older page; null at the end.
    pub next: Option<String>,
}

/// A run by its id.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct RunRef {
    /// The id, or the number it begins with.
    pub run: String,
}

/// Some of the lines that a run rejected.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct RunRejectedLines {
    /// The run.
    pub run: String,
    /// Of one reason, or of all.
    pub reason: Option<String>,
    /// Where to begin: 0, or what the answer before gave as `next`.
    pub from: u64,
}

/// A run's rejected lines, to be saved where the user says.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct RunRejectedSave {
    /// The run.
    pub run: String,
    /// Of one reason, or of all.
    pub reason: Option<String>,
}

/// What became of saving them.
#[derive(Debug, Clone, Serialize, TS)]
pub struct RunRejectedSaved {
    /// What was saved; none when the dialog was closed.
    pub saved: Option<SavedLines>,
}

/// Some of the values that a run set aside.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct RunDiscards {
    /// The run.
    pub run: String,
    /// How many to leave out at the beginning.
    pub from: usize,
}

/// Values that a run set aside.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Discards {
    /// The values.
    pub discards: Vec<DiscardRow>,
    /// Whether there are more.
    pub more: bool,
}

/// What a run's batches wait for, to be given up.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct RunRelease {
    /// The run.
    pub run: String,
    /// Of one table, as `schema.table`, or of all.
    #[serde(default)]
    pub table: Option<String>,
}
