//! The event ids in a table's files, and when the events were received. A sync reads them to rebuild its
//! record of duplicates.
//!
//! All rows that were ever written count, deleted ones too: they did land.

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow_schema::{ArrowError, DataType};
use deltalake::arrow::compute::cast;
use deltalake::logstore::object_store::path::Path;
use headgate_terms::{Result, Shown, TableName, say};
use serde_json::Value;

use crate::failure::failed;
use crate::files::{DataFile, LogStatistics, column, micros};
use crate::lake::Lake;
use crate::parquet::adds;
use crate::table::is_same_name;

/// The columns that say which event a row is, and when it came: where the last two are the same, it
/// came without a time.
const COLUMNS: [&str; 3] = ["id", "received_at", "uuid_ts"];

/// The column that names the event's row instead, in a table of values that were set aside.
const ROW: &str = "row_id";

/// Takes an id, and when its row was received in microseconds; `None` when it came without a time.
pub(crate) type Give<'g> = dyn FnMut(&str, Option<i64>) + Send + 'g;

impl Lake {
    /// Gives the id of every row of a table, if there is one, that was received at `from` or later and before `to`, in
    /// microseconds, and of every row that came without a time.
    ///
    /// # Errors
    /// When a file cannot be read; those of the others were given all the same.
    pub async fn ids(
        &self,
        name: &TableName,
        from: Option<i64>,
        to: Option<i64>,
        give: &mut (dyn FnMut(&str, Option<i64>) + Send),
    ) -> Result<()> {
        let doing = say!("read the ids of `{}`", name);
        let span = Span { from, to };
        // Whatever else is wrong with a table, its ids count.
        let Some(table) = self.load(name).await? else { return Ok(()) };
        let snapshot = table.snapshot().map_err(|error| failed(&doing, &error))?;
        let schema = snapshot.schema();
        let spelled =
            |name| schema.fields().map(|field| &**field.name()).find(|c| is_same_name(c, name));
        let [_, received, written] = COLUMNS.map(spelled);
        let mut read = Ok(());
        for file in snapshot.log_data().iter() {
            let statistics = LogStatistics::read(file.stats().as_deref());
            let times = |name: Option<&str>| statistics.times(name?);
            if span.may_meet(times(received), times(written)) {
                let path = self.file_of(name, &file.object_store_path());
                read = read.and(self.ids_of(&path, span, &doing, give).await);
            }
        }
        read
    }

    /// Gives the texts of some columns of every row of a table, if there is one, joined as one text: what tells
    /// rows apart that share an id.
    ///
    /// # Errors
    /// When a file cannot be read; those of the others were given all the same.
    pub async fn keys(
        &self,
        name: &TableName,
        columns: &[&str],
        give: &mut (dyn FnMut(&str) + Send),
    ) -> Result<()> {
        let doing = say!("read `{}`", name);
        let Some(table) = self.load(name).await? else { return Ok(()) };
        let snapshot = table.snapshot().map_err(|error| failed(&doing, &error))?;
        let mut read = Ok(());
        for file in snapshot.log_data().iter() {
            let path = self.file_of(name, &file.object_store_path());
            read = read.and(self.keys_in(&path, columns, &doing, give).await);
        }
        read
    }

    async fn keys_in(
        &self,
        path: &Path,
        columns: &[&str],
        doing: &Shown,
        give: &mut (dyn FnMut(&str) + Send),
    ) -> Result<()> {
        let file = DataFile::open(self, path, doing).await?;
        for group in file.groups() {
            let mask = file.mask(columns.iter().copied());
            for rows in file.views(mask, vec![group], None, doing)? {
                let rows = rows.map_err(|error| failed(doing, &error))?;
                keys_of(&rows, columns, give)?;
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Gives the id of every row of staged files, whether a commit names them or not.
    ///
    /// # Errors
    /// When a file is gone or cannot be read.
    pub async fn staged_ids(
        &self,
        name: &TableName,
        staged: &[Value],
        give: &mut (dyn FnMut(&str, Option<i64>) + Send),
    ) -> Result<()> {
        let doing = say!("read the ids of files staged for `{}`", name);
        for add in adds(staged, &doing)? {
            let path = self.path(name).join(add.path.as_str());
            self.ids_of(&path, Span { from: None, to: None }, &doing, give).await?;
        }
        Ok(())
    }

    /// The rows of staged files, whether a commit names them or not.
    ///
    /// # Errors
    /// When a file is gone or cannot be read.
    pub async fn staged_rows(
        &self,
        name: &TableName,
        staged: &[Value],
    ) -> Result<Vec<RecordBatch>> {
        let doing = say!("read files staged for `{}`", name);
        let mut rows = Vec::new();
        for add in adds(staged, &doing)? {
            let file =
                DataFile::open(self, &self.path(name).join(add.path.as_str()), &doing).await?;
            let fields = file.plain_schema();
            for batch in file.rows(&fields, file.groups().collect(), None, &doing)? {
                rows.push(batch?);
            }
            tokio::task::yield_now().await;
        }
        Ok(rows)
    }

    /// The location of a file of a table, by its path in the log.
    pub(crate) fn file_of(&self, name: &TableName, path: &Path) -> Path {
        self.path(name).parts().chain(path.parts()).collect()
    }

    async fn ids_of(
        &self,
        path: &Path,
        span: Span,
        doing: &Shown,
        give: &mut Give<'_>,
    ) -> Result<()> {
        let file = DataFile::open(self, path, doing).await?;
        let [_, received, written] = COLUMNS;
        for group in file.groups() {
            if !span.may_meet(file.times(group, received), file.times(group, written)) {
                continue;
            }
            for batch in file.views(
                file.mask([COLUMNS[0], ROW, COLUMNS[1], COLUMNS[2]]),
                vec![group],
                None,
                doing,
            )? {
                let batch = batch.map_err(|error| failed(doing, &error))?;
                span.give(&batch, give).map_err(|error| failed(doing, &error))?;
            }
            // Files are read in place, without waiting: others get their turn in between.
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// Gives the texts of some columns of every row, joined as one text.
///
/// # Errors
/// When a column is not text.
pub fn keys_of(rows: &RecordBatch, columns: &[&str], give: &mut dyn FnMut(&str)) -> Result<()> {
    let doing = "read columns of rows";
    let texts = columns.iter().map(|name| match column(rows, name) {
        Some(texts) => cast(texts, &DataType::Utf8View),
        None => Ok(new_null_array(&DataType::Utf8View, rows.num_rows())),
    });
    let texts = texts.collect::<Result<Vec<_>, _>>().map_err(|error| failed(doing, &error))?;
    for row in 0..rows.num_rows() {
        let of_row = texts.iter().map(|texts| {
            let texts = texts.as_string_view();
            if texts.is_valid(row) { texts.value(row) } else { "" }
        });
        give(&key(of_row));
    }
    Ok(())
}

/// Texts joined as one that is of no other texts.
pub fn key<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut key = String::new();
    for text in texts {
        key.push_str(&text.len().to_string());
        key.push(':');
        key.push_str(text);
    }
    key
}

/// The rows that are asked for: those received in a span of time, and those that do not say when.
#[derive(Clone, Copy)]
struct Span {
    from: Option<i64>,
    to: Option<i64>,
}

impl Span {
    /// Whether there can be such rows where they were received and written between these times.
    fn may_meet(self, received: Option<(i64, i64)>, written: Option<(i64, i64)>) -> bool {
        let (Some((first, last)), Some((earliest, latest))) = (received, written) else {
            return true;
        };
        // A row that came without a time is received when it is written.
        let without = last >= earliest && first <= latest;
        without || self.from.is_none_or(|from| last >= from) && self.to.is_none_or(|to| first < to)
    }

    fn has(self, received: i64) -> bool {
        self.from.is_none_or(|from| received >= from) && self.to.is_none_or(|to| received < to)
    }

    fn give(self, rows: &RecordBatch, give: &mut Give<'_>) -> Result<(), ArrowError> {
        let [ids, received, written] = COLUMNS.map(|name| column(rows, name));
        let Some(ids) = ids.or_else(|| column(rows, ROW)) else { return Ok(()) };
        let ids = cast(ids, &DataType::Utf8View)?;
        let times = |times: Option<&ArrayRef>| match times {
            Some(times) => cast(times, &micros()),
            None => Ok(new_null_array(&micros(), rows.num_rows())),
        };
        let (received, written) = (times(received)?, times(written)?);
        let received = received.as_primitive::<TimestampMicrosecondType>().iter();
        let written = written.as_primitive::<TimestampMicrosecondType>().iter();
        for (id, (received, written)) in ids.as_string_view().iter().zip(received.zip(written)) {
            let Some(id) = id else { continue };
            match received.filter(|_| received != written) {
                None => give(id, None),
                Some(received) if self.has(received) => give(id, Some(received)),
                Some(_) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use arrow_array::{StringArray, TimestampMicrosecondArray};
    use headgate_terms::{Column, ColumnType};
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;
    use crate::commit::{Note, Txn};
    use crate::location::Location;

    /// A row: its id, when it was received and when it was written.
    type Row<'r> = (&'r str, Option<i64>, i64);

    const ID: &str = "5d9f2d6e-0b0a-4d6c-9c53-8a7b2c1d0e0f";
    const DAY: i64 = 86_400_000_000;

    fn batch(rows: &[Row<'_>]) -> RecordBatch {
        let times = |times: Vec<Option<i64>>| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"))
        };
        RecordBatch::try_from_iter_with_nullable([
            ("id", Arc::new(StringArray::from_iter_values(rows.iter().map(|r| r.0))) as _, true),
            ("Received_At", times(rows.iter().map(|row| row.1).collect()), true),
            ("uuid_ts", times(rows.iter().map(|row| Some(row.2)).collect()), true),
        ])
        .unwrap()
    }

    struct Table {
        lake: Lake,
        name: TableName,
        staged: Vec<Vec<Value>>,
        _folder: TempDir,
    }

    /// A table with one file for each of these.
    async fn table(files: &[&[Row<'_>]]) -> Table {
        let folder = TempDir::new().unwrap();
        let location = Location::parse(folder.path().join("lake").to_str().unwrap()).unwrap();
        let lake = Lake::open_or_create(location).await.unwrap();
        let name = TableName { schema: "app".to_owned(), table: "tracks".to_owned() };
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        let columns = [
            column("id", ColumnType::String),
            column("Received_At", ColumnType::Timestamp),
            column("uuid_ts", ColumnType::Timestamp),
        ];
        let statistics = columns.each_ref().map(|column| column.name.clone());
        let here = "here".to_owned();
        let note = Note { run: "run".to_owned(), installation: here, rows: 1 };
        let mut read = None;
        let mut staged = Vec::new();
        for (batch, rows) in (1..).zip(files) {
            let file =
                lake.stage(&name, &statistics, [Ok(super::tests::batch(rows))]).await.unwrap();
            let txn = Txn { app: "headgate/a".to_owned(), batch };
            let sent =
                lake.append(&name, read, ID, &columns, &statistics, &file, &txn, &note).await;
            read = Some(sent.unwrap().0);
            staged.push(file);
        }
        Table { lake, name, staged, _folder: folder }
    }

    impl Table {
        async fn ids(
            &self,
            from: Option<i64>,
            to: Option<i64>,
        ) -> Result<Vec<(String, Option<i64>)>> {
            let mut found = Vec::new();
            let mut give = |id: &str, at: Option<i64>| found.push((id.to_owned(), at));
            self.lake.ids(&self.name, from, to, &mut give).await?;
            found.sort();
            Ok(found)
        }

        fn path(&self, file: usize) -> std::path::PathBuf {
            let path = self.staged[file][0]["path"].as_str().unwrap();
            self.lake.table_path(&self.name).join(path)
        }
    }

    fn pairs(rows: &[(&str, Option<i64>)]) -> Vec<(String, Option<i64>)> {
        rows.iter().map(|(id, at)| ((*id).to_owned(), *at)).collect()
    }

    #[tokio::test]
    async fn ids_come_from_a_span_of_time_and_always_without_one() {
        // The last of each file came without a time; a missing time is none either.
        let table = table(&[
            &[
                ("a", Some(DAY), 3 * DAY),
                ("b", Some(2 * DAY), 3 * DAY),
                ("c", Some(3 * DAY), 3 * DAY),
            ],
            &[("d", Some(4 * DAY), 9 * DAY), ("e", None, 9 * DAY)],
        ])
        .await;
        let all = [
            ("a", Some(DAY)),
            ("b", Some(2 * DAY)),
            ("c", None),
            ("d", Some(4 * DAY)),
            ("e", None),
        ];
        assert_eq!(table.ids(None, None).await.unwrap(), pairs(&all));
        let some = table.ids(Some(2 * DAY), Some(4 * DAY)).await.unwrap();
        assert_eq!(some, pairs(&[("b", Some(2 * DAY)), ("c", None), ("e", None)]));
        let late = table.ids(Some(2 * DAY + 1), None).await.unwrap();
        assert_eq!(late, pairs(&[("c", None), ("d", Some(4 * DAY)), ("e", None)]));
    }

    #[tokio::test]
    async fn files_of_other_times_are_not_opened() {
        let table = table(&[
            &[("a", Some(DAY), 8 * DAY), ("b", Some(2 * DAY), 8 * DAY)],
            &[("c", Some(5 * DAY), 9 * DAY)],
        ])
        .await;
        std::fs::remove_file(table.path(0)).unwrap();
        let found = table.ids(Some(2 * DAY + 1_001), Some(6 * DAY)).await.unwrap();
        assert_eq!(found, pairs(&[("c", Some(5 * DAY))]));
        // Statistics are cut to milliseconds by some, so that near the edge a file is looked into.
        assert!(table.ids(Some(2 * DAY + 1), None).await.is_err());
        assert!(table.ids(None, Some(DAY)).await.is_ok_and(|found| found.is_empty()));
    }

    #[tokio::test]
    async fn ids_of_deleted_rows_count() {
        let table = table(&[&[("a", Some(1), 9), ("b", Some(2), 9)]]).await;
        let folder = table.lake.table_path(&table.name);
        let mut add = table.staged[0][0].clone();
        add["deletionVector"] = json!({
            "storageType": "u", "pathOrInlineDv": "vBn[lx{q8@P<9BNH/isA", "offset": 1,
            "sizeInBytes": 36, "cardinality": 1,
        });
        let path = add["path"].clone();
        let actions = [
            json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7,
                "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}}),
            json!({"remove": {"path": path, "dataChange": true, "deletionTimestamp": 1}}),
            json!({"add": add}),
        ];
        let text = actions.map(|action| action.to_string()).join("\n");
        std::fs::write(folder.join("_delta_log/00000000000000000001.json"), text).unwrap();
        let mut found = BTreeSet::new();
        let mut give = |id: &str, _: Option<i64>| {
            found.insert(id.to_owned());
        };
        table.lake.ids(&table.name, None, None, &mut give).await.unwrap();
        assert!(found.into_iter().eq(["a", "b"]));
    }

    #[tokio::test]
    async fn staged_files_are_read_without_a_commit() {
        let table = table(&[&[("a", Some(1), 9)]]).await;
        let rows = batch(&[("x", Some(5), 9), ("y", Some(9), 9)]);
        let staged =
            table.lake.stage(&table.name, &["id".to_owned()], [Ok(rows.clone())]).await.unwrap();
        let mut found = Vec::new();
        let mut give = |id: &str, at: Option<i64>| found.push((id.to_owned(), at));
        table.lake.staged_ids(&table.name, &staged, &mut give).await.unwrap();
        assert_eq!(found, pairs(&[("x", Some(5)), ("y", None)]));
        let read = table.lake.staged_rows(&table.name, &staged).await.unwrap();
        assert_eq!(read, [rows]);
        assert_eq!(table.ids(None, None).await.unwrap().len(), 1);
    }
}
