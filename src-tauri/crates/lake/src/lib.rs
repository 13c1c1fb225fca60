//! Delta tables: create, append, add columns, merge, and look inside.
//!
//! The one door to `deltalake`. What the rows are and which batch they belong to is decided
//! elsewhere; here they become files and commits that land once however often they are sent.

mod commit;
mod edge;
mod failure;
mod inspect;
mod lake;
mod location;
mod log;
mod merge;
mod pages;
mod parquet;
mod rows;
mod swell;
mod table;

pub use commit::{Committed, Note, Txn};
pub use failure::{caught, panicked};
pub use inspect::{ShownColumn, TableDetail, TableSummary};
pub use lake::Lake;
pub use location::Location;
pub use log::CommitEntry;
pub use rows::{
    ANSWER, DiscardPage, DiscardRow, TableFile, TableRows, TextRow, cut, text_rows, weight,
};
pub use table::LakeTable;
