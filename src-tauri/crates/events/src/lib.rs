//! Segment events to typed columns: names of tables and columns, flattening, types, coercion, and the values
//! that do not fit, which are discarded into a table of their own.
//!
//! A [`Shredder`] takes the lines of one batch, asks a [`Catalog`] which tables exist and a [`Window`] which
//! ids were seen before, and returns a [`Batch`] of Arrow tables. [`fold()`] merges identifies into `users`,
//! and [`refit()`] converts rows for a table whose columns have changed since.
//!
//! The crate has no clock, no files and no network; batches, files and commits belong to `sync` and `lake`.
//! Comments cite the rules of `event-decisions` by number, such as E7.
//!
//! ```
//! use std::collections::HashSet;
//! use headgate_events::{Catalog, Existing, Line, Outcome, ShredOptions, Shredder, Window};
//!
//! struct EmptyLake;
//! impl Catalog for EmptyLake {
//!     fn table(&mut self, _: &str) -> Existing {
//!         Existing::No
//!     }
//! }
//!
//! struct Ids(HashSet<String>);
//! impl Window for Ids {
//!     fn seen(&mut self, id: &str, _: Option<i64>) -> bool {
//!         !self.0.insert(id.to_owned())
//!     }
//!     fn unsee(&mut self, id: &str) {
//!         self.0.remove(id);
//!     }
//! }
//!
//! let event = br#"{"type":"track","messageId":"m-1","userId":"u-1","event":"Order Completed","properties":{"total":9.5}}"#;
//! let (mut lake, mut ids) = (EmptyLake, Ids(HashSet::new()));
//! let options = ShredOptions { planned: 1_767_225_600_000_000, most_columns: 1_000 };
//! let mut shredder = Shredder::new(options, &mut lake);
//! for number in 1..=2 {
//!     let line = Line { bytes: event, source: "web", path: "a.ndjson", number, id: None };
//!     let is_new = number == 1;
//!     assert_eq!(matches!(shredder.push(&line, &mut ids), Outcome::Written { .. }), is_new);
//! }
//!
//! let batch = shredder.finish();
//! let orders = batch.tables.iter().find(|table| table.name == "order_completed").unwrap();
//! assert_eq!(orders.rows, 1);
//! assert!(orders.schema().iter().any(|column| column.name == "total"));
//! ```

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
