//! The nouns that cross crates: the error shape, column types, table names.
//!
//! Nothing here decides or does anything; a verb belongs in the crate that owns the matter.

mod error;
mod table;

pub use error::{Error, Result};
pub use table::{Column, ColumnType, TableName};
