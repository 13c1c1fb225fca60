//! Delta tables in a folder: created, appended to, merged into, given columns, and read for display.
//!
//! A [`Lake`] is a folder of schemas with tables in them; a [`LakeTable`] is one table that Headgate may
//! write. Rows are staged as Parquet files first, then one commit adds them, and sending that commit again
//! adds nothing. Paths that lead out of the lake are refused. What the rows are, and which batch they belong
//! to, is decided in `events` and `sync`. This is the only crate that uses `deltalake`.
//!
//! ```
//! use headgate_lake::{Lake, Location};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("lake");
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! let tables = runtime.block_on(async {
//!     let lake = Lake::open_or_create(Location::parse(&path.to_string_lossy())?).await?;
//!     assert!(lake.id().is_some());
//!     lake.tables().await
//! })?;
//! assert!(tables.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
pub use records::{Heartbeat, Records};
pub use rows::{
    ANSWER, DiscardPage, DiscardRow, TableFile, TableRows, TextRow, cut, json_lines, text_rows,
    weight,
};
pub use standing::{Arrival, Standing, Trace};
pub use table::LakeTable;
