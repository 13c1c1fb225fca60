//! A batch as it is recorded before its first commit: all that is left to do, and what it counts.
//!
//! Serialised into the store and read back by a later run, so a field may be added, never changed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow_array::RecordBatch;
use headgate_events::Discard;
use headgate_store::OpenBatch;
use headgate_terms::{Column, Error, Result, Shown, say};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dead_letters::Waiting;
use crate::folder::DataFolder;
use crate::report::Damaged;

/// A batch whose commits may have begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BatchPlan {
    pub(crate) ledger: i64,
    pub(crate) number: i64,
    /// The application id of its commits.
    pub(crate) app: String,
    /// The run that read it.
    pub(crate) run: String,
    pub(crate) source: String,
    pub(crate) schema: String,
    /// When it was planned, in microseconds.
    pub(crate) planned: i64,
    pub(crate) tables: Vec<TablePlan>,
    pub(crate) routes: Vec<RoutePlan>,
    /// What is counted once, by the first run that gets to the end of it.
    pub(crate) once: Option<Once>,
    pub(crate) letters: Option<Waiting>,
    /// The lines of events whose tables refused, each after its id and a tab.
    pub(crate) held_lines: Option<PathBuf>,
}

impl BatchPlan {
    /// Reads a record. Its files lie in the data folder wherever that is by now.
    pub(crate) fn read(open: &OpenBatch, data: &DataFolder) -> Result<Self> {
        let mut plan: Self = serde_json::from_str(&open.plan).map_err(|error| {
            Error::new("store_failed", say!("Batch {} cannot be read: {}.", open.number, error))
                .hint("Use the version of Headgate that began it.")
        })?;
        if let Some(letters) = &mut plan.letters {
            letters.move_to(&data.dead_letters());
        }
        if let Some(held) = &mut plan.held_lines
            && let Some(name) = held.file_name()
        {
            *held = data.spool().join(name);
        }
        Ok(plan)
    }
}

/// A batch's part in one table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TablePlan {
    pub(crate) table: String,
    pub(crate) work: Work,
    pub(crate) counts: TableCounts,
    pub(crate) landed: bool,
    /// The table's version with this part in it, where there is a table.
    pub(crate) version: Option<u64>,
    /// Whether a run has counted it.
    pub(crate) counted: bool,
    pub(crate) error: Option<Error>,
    /// What tells these commits from others of the batch into the same table.
    pub(crate) app_suffix: String,
}

/// What a table is to get.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// Nothing: only duplicates were routed here.
    Nothing,
    /// Files that are written, to be added.
    Append { columns: Vec<Column>, statistics: Vec<String>, adds: Vec<Value> },
    /// Rows kept in the lake, to be merged by id.
    Merge { columns: Vec<Column>, rows: String },
    /// Rows kept in the lake, to be written once the table takes them.
    Kept { rows: String },
    /// The lines that are held, to be read once the table takes them.
    Held,
}

/// What a table's part comes to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct TableCounts {
    /// Rows made, or merged where `is_merged`.
    pub(crate) rows: u64,
    pub(crate) is_merged: bool,
    pub(crate) duplicate: u64,
    pub(crate) discards: BTreeMap<String, u64>,
    pub(crate) created: bool,
    pub(crate) columns_added: Vec<Column>,
}

/// Events that go to the same tables.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RoutePlan {
    pub(crate) tables: Vec<String>,
    pub(crate) accepted: u64,
    pub(crate) duplicate: u64,
    pub(crate) counted: bool,
}

/// What belongs to the batch as a whole.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Once {
    pub(crate) bytes: u64,
    /// Files read to their end.
    pub(crate) taken: u64,
    pub(crate) damaged: Vec<Damaged>,
    pub(crate) rejected: BTreeMap<String, u64>,
    /// By code: message and count.
    pub(crate) notices: BTreeMap<String, (Shown, u64)>,
}

/// The table of values set aside, which counts no events.
pub(crate) const DISCARDS: &str = "headgate_discards";

impl BatchPlan {
    pub(crate) fn is_done(&self) -> bool {
        self.tables.iter().all(|table| table.landed)
    }

    /// Whether an event of this route is in the lake: in any of its tables.
    pub(crate) fn has_landed(&self, route: &RoutePlan) -> bool {
        self.tables.iter().any(|table| {
            route.tables.contains(&table.table)
                && table.landed
                && !matches!(table.work, Work::Nothing)
        })
    }
}

/// The rows of `headgate_discards` (E22).
pub(crate) fn discard_rows(
    discards: &[Discard],
    planned: i64,
    run: &str,
) -> Result<RecordBatch, Error> {
    headgate_events::discard_rows(discards, planned, run).map_err(|error| {
        Error::new(
            "internal",
            say!("The values set aside do not fit together: {}.", error.to_string()),
        )
        .hint("Keep the input; this is a defect in Headgate.")
    })
}
