//! Previews and syncs, and the sample day to try them with.
//!
//! A preview answers with a [`Preview`], a sync with the report of its run; both report [`Progress`].
//!
//! Errors: `wrong_use` for a field that is empty, or is not an absolute path, `schema.table` or
//! `schema.table.column=TYPE`; of such a choice `column_fixed` and `column_exists`; `path_not_allowed` when the
//! user does not allow a path; of the source `source_not_found`, `source_unreadable`, `source_unnameable`; of
//! the lake `unsupported_location`, `not_a_lake`, `lake_failed`, `lake_newer`, `lake_damaged`; `data_folder_busy`
//! in the terminal while another process uses it, for which the window waits; `cancelled` before its turn.
//! Errors after a run has begun are the `error` of its report.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use headgate_sync::{Preview, PreviewType, Progress};

/// Events to look at.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct SchemaPreview {
    /// A folder or a file.
    pub from: String,
    /// A lake to compare with.
    pub lake: Option<String>,
    /// The source's name; null takes it from the files' place.
    pub source: Option<String>,
    /// Types for columns that the lake does not have yet, each as `schema.table.column=TYPE`.
    #[serde(default)]
    pub columns: Vec<String>,
}

/// Events to bring into a lake.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct SyncStart {
    /// A folder or a file.
    pub from: String,
    /// The lake.
    pub to: String,
    /// The source's name; null takes it from the files' place.
    pub source: Option<String>,
    /// Whether files that have not changed are read too.
    pub again: bool,
    /// The only table to write, as `schema.table`: it gets what its rows lack.
    #[serde(default)]
    pub refill: Option<String>,
    /// Types for columns that the lake does not have yet, each as `schema.table.column=TYPE`.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Whether a lake that is a copy of a known one becomes a lake of its own.
    #[serde(default)]
    pub new_lake_id: bool,
}

/// The sample day, ready to be synced.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Sample {
    /// The folder with its events.
    pub from: String,
    /// The lake that they are meant for, which need not exist.
    pub to: String,
    /// The source's name.
    pub source: &'static str,
    /// How many events.
    pub events: usize,
}
