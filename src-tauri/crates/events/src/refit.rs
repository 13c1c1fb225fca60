//! Converts rows that were made for columns which have other types or spellings by now (E13, E28).
//!
//! Which rows wait for which table is known in `sync`.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Schema, TimeUnit};
use headgate_terms::Column;

use crate::column::{ColumnBuilder, Pushed, Value};
use crate::discard::{Discard, Reason};
use crate::fold::{ids, received};
use crate::json::{Json, write_scalar};
use crate::names::Names;
use crate::table::arrow_field;
use crate::timestamp;

/// Fits rows into the columns that a table has by now: names as it spells them, values by E13. What
/// does not fit becomes NULL and a discard, but for `users`, which has none of its own (E23). A column
/// that the table does not have stays as it is.
///
/// # Errors
/// When a column of `rows` is of a type that Headgate does not write, or when there is a discard and
/// `id` is missing or not text, or `received_at` is missing or not a timestamp.
pub fn refit(
    rows: &RecordBatch,
    table: &str,
    columns: &[Column],
) -> Result<(RecordBatch, Vec<Discard>), ArrowError> {
    let mut names = Names::default();
    for (at, column) in columns.iter().enumerate() {
        names.insert(&column.name, at);
    }
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    let mut discards = Vec::new();
    for (field, values) in rows.schema_ref().fields().iter().zip(rows.columns()) {
        let Some(column) = names.any(field.name()).map(|at| &columns[at]) else {
            fields.push(field.as_ref().clone());
            arrays.push(values.clone());
            continue;
        };
        let wanted = arrow_field(column);
        arrays.push(if field.data_type() == wanted.data_type() {
            values.clone()
        } else {
            let (values, refused) = coerce(values, column)?;
            if table != "users" {
                aside(rows, table, column, refused, &mut discards)?;
            }
            values
        });
        fields.push(wanted);
    }
    Ok((RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?, discards))
}

/// The values as a column's type, and those that it cannot hold, as text with their row.
fn coerce(
    values: &ArrayRef,
    column: &Column,
) -> Result<(ArrayRef, Vec<(usize, String)>), ArrowError> {
    let mut builder = ColumnBuilder::new(column.name.clone(), Some(column.kind));
    let (mut refused, mut text) = (Vec::new(), String::new());
    for row in (0..values.len()).filter(|&row| values.is_valid(row)) {
        let value = value(values, row)?;
        if builder.push(row as u32, value, &mut text) == Pushed::Refused {
            let mut lost = String::new();
            match value {
                Value::Time(micros) => lost = timestamp::format(micros),
                Value::Array(sent) => lost.push_str(sent),
                Value::Sent(scalar) => write_scalar(scalar, &mut lost),
            }
            refused.push((row, lost));
        }
    }
    let missing = || ArrowError::SchemaError(format!("`{}` has no type", column.name));
    let (finished, _) = builder.finish().ok_or_else(missing)?;
    Ok((finished.array(0, values.len() as u32)?, refused))
}

/// A value that is not null, as it went in.
fn value(values: &ArrayRef, row: usize) -> Result<Value<'_>, ArrowError> {
    Ok(match values.data_type() {
        DataType::Int64 => Value::Sent(Json::Int(values.as_primitive::<Int64Type>().value(row))),
        DataType::Float64 => {
            Value::Sent(Json::Double(values.as_primitive::<Float64Type>().value(row)))
        }
        DataType::Boolean => Value::Sent(Json::Bool(values.as_boolean().value(row))),
        DataType::Utf8 => Value::Sent(Json::Text(values.as_string::<i32>().value(row))),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Value::Time(values.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        other => {
            return Err(ArrowError::SchemaError(format!("rows of Headgate's hold no {other}")));
        }
    })
}

fn aside(
    rows: &RecordBatch,
    table: &str,
    column: &Column,
    refused: Vec<(usize, String)>,
    discards: &mut Vec<Discard>,
) -> Result<(), ArrowError> {
    if refused.is_empty() {
        return Ok(());
    }
    let (ids, received) = (ids(rows)?, received(rows)?);
    discards.extend(refused.into_iter().map(|(row, value)| Discard {
        table: table.to_owned(),
        row_id: ids.value(row).to_owned(),
        column: column.name.clone(),
        value,
        received_at: received.value(row),
        reason: Reason::TypeMismatch,
    }));
    Ok(())
}
