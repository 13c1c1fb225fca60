//! Discarded values (E22): their [`Reason`]s, and the rows of `headgate_discards` that are made of them. The
//! rest of the event's row is written to its own table.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::{ArrowError, Schema};

use crate::calls::discards_columns;
use crate::table::arrow_field;

/// Why a value has no place in its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The column's type cannot hold it.
    TypeMismatch,
    /// `context`, `properties` or `traits` that is not an object.
    NotAnObject,
    /// Another path of the event won the column.
    Collision,
    /// A property or trait named like a fixed column.
    ReservedName,
    /// Snake-casing leaves nothing of a key.
    UnnameableKey,
    /// The properties of a track without a usable event name.
    NoEventTable,
    /// The table has as many columns as it may have.
    TooManyColumns,
}

impl Reason {
    /// The word for it in the table and in reports.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TypeMismatch => "type_mismatch",
            Self::NotAnObject => "not_an_object",
            Self::Collision => "collision",
            Self::ReservedName => "reserved_name",
            Self::UnnameableKey => "unnameable_key",
            Self::NoEventTable => "no_event_table",
            Self::TooManyColumns => "too_many_columns",
        }
    }
}

/// One value set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discard {
    /// The table of the row it is missing from.
    pub table: String,
    /// The id of that row.
    pub row_id: String,
    /// The table's column, or the dotted path as sent where there is none.
    pub column: String,
    /// The value as text; objects and arrays as JSON.
    pub value: String,
    /// When the event was received, in microseconds.
    pub received_at: i64,
    /// Why.
    pub reason: Reason,
}

/// The rows of `headgate_discards`, in the order of its columns.
///
/// # Errors
/// Never as long as every list has one entry for each discard.
pub fn discard_rows(
    discards: &[Discard],
    planned: i64,
    run: &str,
) -> Result<RecordBatch, ArrowError> {
    let text = |of: &dyn Fn(&Discard) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(discards.iter().map(of)))
    };
    let time = |of: &dyn Fn(&Discard) -> i64| -> ArrayRef {
        let times = TimestampMicrosecondArray::from_iter_values(discards.iter().map(of));
        Arc::new(times.with_timezone("UTC"))
    };
    let fields: Vec<_> = discards_columns().iter().map(arrow_field).collect();
    RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        vec![
            text(&|discard| discard.table.clone()),
            text(&|discard| discard.row_id.clone()),
            text(&|discard| discard.column.clone()),
            text(&|discard| discard.value.clone()),
            time(&|discard| discard.received_at),
            time(&|_| planned),
            text(&|discard| discard.reason.code().to_owned()),
            text(&|_| run.to_owned()),
        ],
    )
}
