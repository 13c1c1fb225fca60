//! The overview page: running work, what needs attention, and recent changes of tables.
//!
//! Errors: those of every command.

use headgate_sync::{EventCounts, RunReport};
use headgate_terms::Error;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What the first page shows.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Overview {
    /// Runs, newest first, without their tables.
    pub runs: Vec<RunReport>,
    /// How many runs are on record.
    pub all_runs: u64,
    /// What needs attention, the worst first.
    pub needs: Vec<Attention>,
    /// What changed in lakes, newest first.
    pub changes: Vec<LakeChange>,
    /// Events of the last 24 hours.
    pub day: Day,
}

/// The last 24 hours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, TS)]
pub struct Day {
    /// Runs that began.
    pub runs: u64,
    /// Places and sources that they took from.
    pub sources: u64,
    /// Lakes that they wrote to, the latest first.
    pub lakes: Vec<String>,
    /// Events received.
    pub received: u64,
    /// Events written.
    pub written: u64,
}

/// Something that needs attention: of the latest run from one place into one lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Attention {
    /// What tells it from others, and from itself once its numbers have changed.
    pub id: String,
    /// What.
    pub kind: AttentionKind,
    /// The run.
    pub run: String,
    /// Its source; null when there were several.
    pub source: Option<String>,
    /// How many lines, values, files or tables.
    pub count: u64,
    /// The error, for a run, a file or a table.
    pub error: Option<Error>,
    /// The file or the table.
    pub on: Option<String>,
    /// The events of its run.
    pub events: EventCounts,
    /// Whether it is muted until it changes.
    pub muted: bool,
}

/// Something that needs a person, to be muted or not.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct AttentionMute {
    /// Its id.
    pub id: String,
    /// Whether it is muted.
    pub muted: bool,
}

/// What needs attention. The order is that of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum AttentionKind {
    /// A run failed: nothing landed.
    Failed,
    /// A run broke off after part of it had landed.
    BrokeOff,
    /// A run was stopped, so that there is more to take.
    Cancelled,
    /// Tables refused their part.
    Tables,
    /// Files could not be read, or not to their end.
    Files,
    /// Lines were rejected.
    Rejected,
    /// Values were set aside.
    Discarded,
}

/// Tables that a run made, or one that it gave columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct LakeChange {
    /// When the run ended, in RFC 3339.
    pub at: String,
    /// The run.
    pub run: String,
    /// The lake.
    pub to: String,
    /// The tables' schema.
    pub schema: String,
    /// The tables: all that were made there, or the one that gained columns.
    pub tables: Vec<String>,
    /// Whether they were made.
    pub created: bool,
    /// The columns that a table gained, in order; empty for tables that were made.
    pub columns: Vec<String>,
}
