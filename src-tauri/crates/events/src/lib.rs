//! Segment events to typed tables: names, flattening, types, coercion, discards.
//!
//! Pure: no clock, no files, no network. What is decided here is settled in `event-decisions`
//! (E2 to E5, E7, E9 to E24, E28, E29) and named by those numbers. Files, batches and the lake belong
//! to others.

mod calls;
mod column;
mod discard;
mod envelope;
mod fold;
mod json;
mod mixture;
mod names;
mod notice;
mod paths;
mod refit;
mod row;
mod shredder;
mod snake;
mod table;
pub mod timestamp;

pub use calls::{DISCARDS, discards_columns, is_fixed, misfit, statistics_columns, twin};
pub use discard::{Discard, Reason, discard_rows};
pub use fold::{Folded, fold};
pub use json::Rejection;
pub use mixture::OfType;
pub use notice::{Notice, Notices};
pub use refit::refit;
pub use shredder::{
    Batch, Catalog, Existing, LONGEST_LINE, Line, Outcome, Route, ShredOptions, Shredder, Window,
};
pub use snake::{event_table, schema_name, segment};
pub use table::{Table, TableColumn, arrow_field};
