//! Names and types of tables and columns: [`TableName`], [`Column`] and the five [`ColumnType`]s.
//!
//! They know neither Arrow nor Delta; `events` and `lake` convert to and from the types of those libraries.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The five types a column of Headgate's can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "UPPERCASE")]
pub enum ColumnType {
    /// A signed 64-bit integer.
    BigInt,
    /// A 64-bit float, never NaN or infinite.
    Double,
    /// True or false.
    Boolean,
    /// UTF-8 text of any length.
    String,
    /// An instant in UTC, in microseconds.
    Timestamp,
}

impl ColumnType {
    /// All of them, the narrowest first.
    pub const ALL: [Self; 5] =
        [Self::BigInt, Self::Double, Self::Boolean, Self::Timestamp, Self::String];

    /// The type of a name, in any case; `None` when no type has it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.to_string().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::BigInt => "BIGINT",
            Self::Double => "DOUBLE",
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Timestamp => "TIMESTAMP",
        })
    }
}

/// A column: every one is nullable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Column {
    /// Its name in the table.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
}

/// A table's place in a lake: `<lake>/<schema>/<table>/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableName {
    /// The schema, made from the source's name.
    pub schema: String,
    /// The table inside it.
    pub table: String,
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.table)
    }
}
