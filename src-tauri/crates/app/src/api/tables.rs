//! The tables of a lake, with their commits, rows and files.
//!
//! Errors: as for lakes; `lake_not_found` and `not_a_lake` for a lake that does not exist, `lake_failed` and
//! `lake_damaged` for one that cannot be read; `table_not_found`, `table_damaged`, `foreign_table` and
//! `unsupported_table`. In a list each table has its own error.

use headgate_lake::{CommitEntry, TableFile, TableSummary};
use headgate_terms::Error;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use headgate_lake::{TableDetail, TableRows};

/// A table of a lake.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct TableRef {
    /// The lake's address or path.
    pub lake: String,
    /// The table, as `schema.table`.
    pub table: String,
}

/// How far the list of a lake's tables is.
#[derive(Debug, Clone, Copy, Serialize, TS)]
pub struct TablesProgress {
    /// Tables that were read.
    pub tables: u64,
    /// Tables that there are.
    pub all: u64,
}

/// The tables of a lake.
#[derive(Debug, Serialize, TS)]
pub struct TablesReport {
    /// The shape's version.
    pub v: u32,
    /// In order of name.
    pub tables: Vec<TableSummary>,
    /// Tables that could not be read, and why.
    pub unreadable: Vec<Unreadable>,
    /// Tables that lack rows which were written to them, whether or not they are there.
    pub behind: Vec<Unreadable>,
}

/// A table with which something is wrong.
#[derive(Debug, Serialize, TS)]
pub struct Unreadable {
    /// Its schema.
    pub schema: String,
    /// Its name there.
    pub table: String,
    /// What is wrong.
    pub error: Error,
}

/// The commits of a table.
#[derive(Debug, Serialize, TS)]
pub struct HistoryReport {
    /// The shape's version.
    pub v: u32,
    /// Newest first.
    pub commits: Vec<CommitEntry>,
}

/// The files of a table.
#[derive(Debug, Serialize, TS)]
pub struct FilesReport {
    /// Those of the newest version, the newest first.
    pub files: Vec<TableFile>,
}
