//! Delta tables: create, append, fold in, add columns, and look inside.
//!
//! The one door to `deltalake`. What the rows are and which batch they belong to is decided
//! elsewhere; here they become files and commits that land once however often they are sent.

mod asks;
mod commit;
mod edge;
mod failure;
mod files;
mod guard;
mod ids;
mod inspect;
mod kept;
mod lake;
mod location;
mod log;
mod pages;
mod parquet;
mod records;
mod rows;
mod standing;
mod swell;
mod table;
#[cfg(test)]
mod tests;
mod upkeep;
mod users;

pub use commit::{Committed, Note, Txn};
pub use failure::{caught, panicked};
pub use guard::Checkpoints;
pub use ids::{key, keys_of};
pub use inspect::{ShownColumn, TableDetail, TableSummary};
pub use lake::{Lake, newest_known};
pub use location::Location;
pub use log::{CommitEntry, Restored};
pub use records::{Heard, Records};
pub use rows::{
    ANSWER, DiscardPage, DiscardRow, TableFile, TableRows, TextRow, cut, json_lines, text_rows,
    weight,
};
pub use standing::{Arrival, Standing, Trace};
pub use table::LakeTable;
