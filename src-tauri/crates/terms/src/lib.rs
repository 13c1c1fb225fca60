//! The nouns that cross crates: text that may be shown, the error shape, findings, ARNs, column types,
//! table names.
//!
//! Nothing here decides or does anything; a verb belongs in the crate that owns the matter.

mod arn;
mod error;
mod finding;
mod shown;
mod table;

pub use arn::{Arn, NoArn, is_account_id};
pub use error::{Error, Result};
pub use finding::{Evidence, Finding, FindingStatus, Fix, Range, Severity};
pub use shown::{Cleaned, Say, Shown, acts, grouped, shell_word, takes_arguments_only};
pub use table::{Column, ColumnType, TableName};
