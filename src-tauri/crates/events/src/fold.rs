//! `users`: of every identify with a user, the latest value of each column (E23).
//!
//! Decides what each user's row becomes, given the rows the table has; it does not write them.

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{
    Array, ArrayRef, RecordBatch, TimestampMicrosecondArray, UInt32Array, new_null_array,
};
use arrow_schema::{ArrowError, Schema};
use arrow_select::concat::concat_batches;
use arrow_select::interleave::interleave;
use arrow_select::take::take_record_batch;
use hashbrown::HashMap;

use crate::table::{Table, TableColumn, arrow_field};

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

/// Merges a batch's identifies, in plan order, over the rows that the table has of these users.
///
/// `existing` has a column for each that the table has; `planned` becomes `uuid_ts` of every row
/// that is new or changed.
///
/// # Errors
/// When `existing` has other types than the table.
pub fn fold(
    table: &Table,
    existing: Option<&RecordBatch>,
    planned: i64,
) -> Result<Folded, ArrowError> {
    let column = |name: &str| {
        table.columns.iter().find(|column| column.column.name.eq_ignore_ascii_case(name))
    };
    let missing = || ArrowError::SchemaError(format!("`{}` has no id or time", table.name));
    let ids = column("id").ok_or_else(missing)?.data.packed().clone();
    let ids = ids.as_string::<i32>();
    let received = column("received_at").ok_or_else(missing)?.data.packed().clone();
    let received = received.as_primitive::<TimestampMicrosecondType>();

    let mut users: HashMap<&str, u32> = HashMap::new();
    let mut user_of_row = Vec::with_capacity(ids.len());
    for id in ids.iter().map(Option::unwrap_or_default) {
        let next = users.len() as u32;
        user_of_row.push(*users.entry(id).or_insert(next));
    }
    let mut had: Vec<Option<usize>> = vec![None; users.len()];
    let mut had_received = vec![i64::MIN; users.len()];
    if let Some(existing) = existing {
        let ids = existing.column_by_name("id").ok_or_else(missing)?.as_string::<i32>();
        let times = existing.column_by_name("received_at").ok_or_else(missing)?;
        let times = times.as_primitive::<TimestampMicrosecondType>();
        for (row, id) in ids.iter().enumerate() {
            if let Some(&user) = id.and_then(|id| users.get(id)) {
                had[user as usize] = Some(row);
                if times.is_valid(row) {
                    had_received[user as usize] = times.value(row);
                }
            }
        }
    }

    let latest = Latest { user_of_row, received, had, had_received };
    let mut changed = vec![false; latest.had.len()];
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    let mut stamp = None;
    for column in table.columns.iter().filter(|column| column.fixed || column.filled > 0) {
        if column.column.name == "uuid_ts" {
            stamp = Some(arrays.len());
        }
        let before = existing.and_then(|rows| rows.column_by_name(&column.column.name));
        let after = latest.values(column, before)?;
        if column.column.name != "uuid_ts" {
            latest.mark_changed(&after, before, &mut changed);
        }
        fields.push(arrow_field(&column.column));
        arrays.push(after);
    }
    if let Some(stamp) = stamp {
        let times = vec![planned; latest.had.len()];
        arrays[stamp] =
            std::sync::Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"));
    }
    let rows = RecordBatch::try_new(std::sync::Arc::new(Schema::new(fields)), arrays)?;
    let pick = |wanted: &dyn Fn(usize) -> bool| {
        let rows_at: Vec<u32> =
            (0..latest.had.len()).filter(|&user| wanted(user)).map(|user| user as u32).collect();
        take_record_batch(&rows, &UInt32Array::from(rows_at))
    };
    Ok(Folded {
        users: latest.had.len() as u64,
        new: pick(&|user| latest.had[user].is_none())?,
        changed: pick(&|user| latest.had[user].is_some() && changed[user])?,
    })
}

struct Latest<'a> {
    user_of_row: Vec<u32>,
    received: &'a TimestampMicrosecondArray,
    /// The row of the table that a user has.
    had: Vec<Option<usize>>,
    /// When that row was received; the beginning of time when it does not say.
    had_received: Vec<i64>,
}

impl Latest<'_> {
    /// Each user's latest value of one column.
    fn values(
        &self,
        column: &TableColumn,
        before: Option<&ArrayRef>,
    ) -> Result<ArrayRef, ArrowError> {
        let packed = column.data.packed();
        let nothing = new_null_array(packed.data_type(), 1);
        let before = before.unwrap_or(&nothing);
        let mut picks = vec![(2, 0); self.had.len()];
        // The row a user has comes first in order, so that a batch's value of the same time wins.
        let mut times = vec![i64::MIN; self.had.len()];
        for (user, row) in self.had.iter().enumerate() {
            if let Some(row) = row.filter(|&row| before.len() > row && before.is_valid(row)) {
                picks[user] = (1, row);
                times[user] = self.had_received[user];
            }
        }
        for (entry, row) in column.data.rows().enumerate() {
            let user = self.user_of_row[row as usize] as usize;
            let time = self.received.value(row as usize);
            if picks[user].0 == 2 || time >= times[user] {
                picks[user] = (0, entry);
                times[user] = time;
            }
        }
        interleave(&[packed.as_ref(), before.as_ref(), nothing.as_ref()], &picks)
    }

    fn mark_changed(&self, after: &ArrayRef, before: Option<&ArrayRef>, changed: &mut [bool]) {
        for (user, row) in self.had.iter().enumerate() {
            let Some(row) = *row else { continue };
            changed[user] |= match before {
                Some(before) => after.slice(user, 1) != before.slice(row, 1),
                None => after.is_valid(user),
            };
        }
    }
}
