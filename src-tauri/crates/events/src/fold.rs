//! The merge of identifies into `users`: for each user, the latest value of each column (E23).
//!
//! [`fold`] computes the new and changed rows from a batch and the rows that the table has. `lake` reads the
//! existing rows and commits the result.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{
    Array, ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, UInt32Array,
    new_null_array,
};
use arrow_ord::cmp::distinct;
use arrow_schema::ArrowError;
use arrow_select::concat::concat_batches;
use arrow_select::interleave::interleave;
use arrow_select::take::{take, take_record_batch};
use hashbrown::HashMap;

use crate::names::Names;

/// The rows of `users` that a batch makes or changes.
#[derive(Debug)]
pub struct Folded {
    /// How many users the batch has.
    pub users: u64,
    /// Rows of users that the table does not have.
    pub new: RecordBatch,
    /// Rows that replace a row of the table, with the columns this batch has values for.
    pub changed: RecordBatch,
}

impl Folded {
    /// All of them.
    ///
    /// # Errors
    /// Never: both have the same columns.
    pub fn all(&self) -> Result<RecordBatch, ArrowError> {
        concat_batches(&self.new.schema(), [&self.new, &self.changed])
    }
}

/// Merges a batch's identifies over the rows that the table has of these users.
///
/// `rows` are in plan order, as [`Table::whole`](crate::Table::whole) makes them; the rows that come out
/// have the same columns. `existing` is what the table has: its columns are found by their names
/// without case (E28), and those that `rows` lacks are not looked at. `planned` becomes `uuid_ts` of
/// every row that is new or changed.
///
/// # Errors
/// When a column that both have is of another type in `existing`, or when the `id` of either
/// is missing or not text, or its `received_at` is missing or not a timestamp.
pub fn fold(
    rows: &RecordBatch,
    existing: Option<&RecordBatch>,
    planned: i64,
) -> Result<Folded, ArrowError> {
    let (ids, received) = (ids(rows)?, received(rows)?);
    let mut users: HashMap<&str, u32> = HashMap::new();
    let mut user_of_row = Vec::with_capacity(ids.len());
    for id in ids.iter().map(Option::unwrap_or_default) {
        let next = users.len() as u32;
        user_of_row.push(*users.entry(id).or_insert(next));
    }
    let mut had: Vec<Option<u32>> = vec![None; users.len()];
    let mut had_received = vec![i64::MIN; users.len()];
    if let Some(existing) = existing {
        let times = self::received(existing)?;
        for (row, id) in self::ids(existing)?.iter().enumerate() {
            if let Some(&user) = id.and_then(|id| users.get(id)) {
                had[user as usize] = Some(row as u32);
                if times.is_valid(row) {
                    had_received[user as usize] = times.value(row);
                }
            }
        }
    }

    let latest = Latest { user_of_row, received, had, had_received };
    let names = existing.map(|existing| Names::of(existing.schema_ref().fields()));
    let names = names.unwrap_or_default();
    let mut changed = vec![false; latest.had.len()];
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(rows.num_columns());
    for (field, values) in rows.schema_ref().fields().iter().zip(rows.columns()) {
        if field.name().eq_ignore_ascii_case("uuid_ts") {
            let times = TimestampMicrosecondArray::from(vec![planned; latest.had.len()]);
            arrays.push(Arc::new(times.with_timezone("UTC")));
            continue;
        }
        let before = existing.and_then(|existing| Some(existing.column(names.any(field.name())?)));
        let after = latest.values(values, before)?;
        latest.mark_changed(&after, before, &mut changed)?;
        arrays.push(after);
    }
    let rows = RecordBatch::try_new(rows.schema(), arrays)?;
    let pick = |wanted: &dyn Fn(usize) -> bool| {
        let users = (0..latest.had.len()).filter(|&user| wanted(user));
        take_record_batch(&rows, &users.map(|user| user as u32).collect::<UInt32Array>())
    };
    Ok(Folded {
        users: latest.had.len() as u64,
        new: pick(&|user| latest.had[user].is_none())?,
        changed: pick(&|user| latest.had[user].is_some() && changed[user])?,
    })
}

fn named<'r>(rows: &'r RecordBatch, name: &str) -> Option<&'r ArrayRef> {
    let fields = rows.schema_ref().fields();
    Some(rows.column(fields.iter().position(|field| field.name().eq_ignore_ascii_case(name))?))
}

/// The ids of rows.
pub(crate) fn ids(rows: &RecordBatch) -> Result<&StringArray, ArrowError> {
    named(rows, "id")
        .and_then(|ids| ids.as_string_opt())
        .ok_or_else(|| ArrowError::SchemaError("`id` is missing or is not text".to_owned()))
}

/// When rows were received.
pub(crate) fn received(rows: &RecordBatch) -> Result<&TimestampMicrosecondArray, ArrowError> {
    named(rows, "received_at")
        .and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>())
        .ok_or_else(|| {
            ArrowError::SchemaError("`received_at` is missing or is not a timestamp".to_owned())
        })
}

struct Latest<'a> {
    user_of_row: Vec<u32>,
    received: &'a TimestampMicrosecondArray,
    /// The row of the table that a user has.
    had: Vec<Option<u32>>,
    /// When that row was received; the beginning of time when it does not say.
    had_received: Vec<i64>,
}

impl Latest<'_> {
    /// Each user's latest value of one column.
    fn values(&self, values: &ArrayRef, before: Option<&ArrayRef>) -> Result<ArrayRef, ArrowError> {
        let nothing = new_null_array(values.data_type(), 1);
        let before = before.unwrap_or(&nothing);
        let mut picks = vec![(2, 0); self.had.len()];
        // The row a user has comes first in order, so that a batch's value of the same time wins.
        let mut times = vec![i64::MIN; self.had.len()];
        for (user, row) in self.had.iter().enumerate() {
            let row = row.map(|row| row as usize);
            if let Some(row) = row.filter(|&row| before.len() > row && before.is_valid(row)) {
                picks[user] = (1, row);
                times[user] = self.had_received[user];
            }
        }
        for (row, &user) in self.user_of_row.iter().enumerate() {
            if values.is_null(row) {
                continue;
            }
            let (user, time) = (user as usize, self.received.value(row));
            if picks[user].0 == 2 || time >= times[user] {
                picks[user] = (0, row);
                times[user] = time;
            }
        }
        interleave(&[values.as_ref(), before.as_ref(), nothing.as_ref()], &picks)
    }

    /// Marks the users whose value of a column is another than their row has.
    fn mark_changed(
        &self,
        after: &ArrayRef,
        before: Option<&ArrayRef>,
        changed: &mut [bool],
    ) -> Result<(), ArrowError> {
        let Some(before) = before else {
            for (user, changed) in changed.iter_mut().enumerate() {
                *changed |= after.is_valid(user);
            }
            return Ok(());
        };
        let before = take(before, &UInt32Array::from(self.had.clone()), None)?;
        let differs = distinct(after, &before)?;
        for (user, changed) in changed.iter_mut().enumerate() {
            *changed |= differs.value(user);
        }
        Ok(())
    }
}
