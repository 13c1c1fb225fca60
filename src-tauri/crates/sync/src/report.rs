//! [`RunReport`]: what a run did, as the document that scripts read and the store keeps.
//!
//! Only the shapes, as `contract.md` promises them; `tally` fills them in.

use headgate_terms::{Column, Error, Shown};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has not.
    Running,
    /// Everything landed.
    Succeeded,
    /// Something landed, and something needs attention.
    Partial,
    /// An error, and nothing landed.
    Failed,
    /// Stopped on request.
    Cancelled,
}

/// A run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunReport {
    /// The shape's version.
    pub v: u32,
    /// Its id.
    pub run: String,
    /// How it ended.
    pub status: Status,
    /// The source's name; null when there were several.
    pub source: Option<String>,
    /// The folder or file that was read; null for standard input.
    #[serde(default)]
    pub from: Option<String>,
    /// The lake.
    pub to: String,
    /// Whether files that had not changed were read too.
    #[serde(default)]
    pub again: bool,
    /// The only table that was written, as `schema.table`; null means all.
    #[serde(default)]
    pub refill: Option<String>,
    /// When it began, in RFC 3339.
    pub started: String,
    /// When it ended; null while it runs and when its process died.
    pub finished: Option<String>,
    /// Bytes of events, inflated.
    pub bytes_in: u64,
    /// Batches that landed, at least in part.
    pub batches: u64,
    /// Events in total.
    pub events: EventCounts,
    /// Every table that events were routed to.
    #[serde(default)]
    pub tables: Vec<TableReport>,
    /// Lines that are not events, by reason.
    pub rejected: Vec<Counted>,
    /// Values set aside, by reason.
    pub discards: Vec<Counted>,
    /// The files.
    pub files: FileCounts,
    /// Where the rejected lines are kept.
    pub dead_letters: Option<DeadLetters>,
    /// What else is worth knowing.
    pub notices: Vec<NoticeCount>,
    /// What its time went into.
    #[serde(default)]
    pub phases: Vec<PhaseTime>,
    /// Why it failed or was cancelled.
    pub error: Option<Error>,
}

/// Received = written + duplicate + rejected (E8), and where something is wrong with a table also what
/// waits for it and what was lost with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct EventCounts {
    /// Lines that were events or meant to be.
    pub received: u64,
    /// Events that landed in at least one table.
    pub written: u64,
    /// Events that had landed before.
    pub duplicate: u64,
    /// Lines that are not events.
    pub rejected: u64,
    /// Events that wait, because every table of theirs refused them.
    #[serde(default)]
    pub waiting: u64,
    /// Events that had landed and are gone, because their tables were taken away while the run went on.
    #[serde(default)]
    pub lost: u64,
}

/// A table's part in a run: received = written + duplicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TableReport {
    /// Its schema.
    pub schema: String,
    /// Its name there.
    pub table: String,
    /// Events routed here; null for a merged table.
    pub received: Option<u64>,
    /// Rows that landed; null for a merged table.
    pub written: Option<u64>,
    /// Events dropped as duplicates; null for a merged table.
    pub duplicate: Option<u64>,
    /// Values of its rows that were set aside.
    pub discarded: u64,
    /// Rows merged; null for a table that is appended to.
    pub merged: Option<u64>,
    /// Whether this run made it.
    pub created: bool,
    /// Its version after the run.
    pub version: Option<u64>,
    /// Columns it has since; of a table that was made, all.
    pub columns_added: Vec<Column>,
    /// Why its part did not land.
    pub error: Option<Error>,
}

/// How long one kind of work took, over all batches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PhaseTime {
    /// `read`, `write` or `commit`.
    pub phase: String,
    /// Milliseconds by the clock.
    pub ms: u64,
}

/// How often something happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Counted {
    /// What.
    pub reason: String,
    /// How often.
    pub count: u64,
}

/// A notice and how often it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct NoticeCount {
    /// A stable word.
    pub code: String,
    /// It in a sentence.
    pub message: Shown,
    /// How often.
    pub count: u64,
}

impl NoticeCount {
    /// Adds it to those that say the same.
    pub(crate) fn add_to(self, notices: &mut Vec<Self>) {
        let same = |known: &&mut Self| known.code == self.code && known.message == self.message;
        match notices.iter_mut().find(same) {
            Some(known) => known.count += self.count,
            None => notices.push(self),
        }
    }
}

/// What became of the files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FileCounts {
    /// Read to their end.
    pub taken: u64,
    /// Not read, because they went into this lake before and have not changed.
    pub unchanged: u64,
    /// Not data by their name.
    pub ignored: u64,
    /// Not readable, or only in part.
    pub damaged: Vec<Damaged>,
}

/// A file that could not be read, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Damaged {
    /// Its path below the source.
    pub path: String,
    /// What is wrong with it.
    pub error: Error,
}

/// The file that keeps a run's rejected lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DeadLetters {
    /// Its path.
    pub path: String,
    /// Lines in it.
    pub count: u64,
}
