//! Tests of merges into `users`, with the result read from the log and the files without the library.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path as FilePath, PathBuf};
use std::time::Instant;

use arrow_array::types::Int32Type;
use arrow_array::{DictionaryArray, Int64Array, StringViewArray};
use arrow_schema::Field;
use deltalake::arrow::util::display::array_value_to_string;
use deltalake::parquet::arrow::ArrowWriter;
use deltalake::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use deltalake::parquet::data_type::{ByteArray, ByteArrayType as ByteArrays, Int96, Int96Type};
use deltalake::parquet::file::properties::WriterProperties;
use deltalake::parquet::file::writer::SerializedFileWriter;
use deltalake::parquet::schema::parser::parse_message_type;
use headgate_terms::ColumnType;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::location::Location;

const ID: &str = "5d9f2d6e-0b0a-4d6c-9c53-8a7b2c1d0e0f";

/// A user's row: id, time, and texts by column.
type Row<'r> = (&'r str, i64, &'r [(&'r str, &'r str)]);

fn name() -> TableName {
    TableName { schema: "app".to_owned(), table: "users".to_owned() }
}

async fn lake(folder: &TempDir) -> Lake {
    let folder = folder.path().join("lake");
    Lake::open_or_create(Location::parse(folder.to_str().unwrap()).unwrap()).await.unwrap()
}

fn columns(texts: &[&str]) -> Vec<Column> {
    let column = |name: &str, kind| Column { name: name.to_owned(), kind };
    let times = ["received_at", "uuid_ts"].map(|name| column(name, ColumnType::Timestamp));
    let texts = texts.iter().map(|name| column(name, ColumnType::String));
    std::iter::once(column("id", ColumnType::String)).chain(times).chain(texts).collect()
}

fn statistics() -> Vec<String> {
    ["id", "received_at", "uuid_ts"].map(str::to_owned).to_vec()
}

fn batch(texts: &[&str], rows: &[Row<'_>]) -> RecordBatch {
    let times = || rows.iter().map(|row| row.1);
    let stamps = TimestampMicrosecondArray::from_iter_values(times()).with_timezone("UTC");
    let mut arrays: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0))),
        Arc::new(stamps.clone()),
        Arc::new(stamps),
    ];
    for text in texts {
        let value =
            |row: &Row<'_>| row.2.iter().find(|(name, _)| name == text).map(|v| v.1.to_owned());
        arrays.push(Arc::new(rows.iter().map(value).collect::<StringArray>()));
    }
    RecordBatch::try_new(schema(&columns(texts)), arrays).unwrap()
}

fn note() -> Note {
    Note { run: "run".to_owned(), installation: "here".to_owned(), rows: 0 }
}

async fn fold_as(
    lake: &Lake,
    app: &str,
    number: i64,
    table: Option<LakeTable>,
    texts: &[&str],
    rows: &[Row<'_>],
) -> Result<(LakeTable, Committed)> {
    let txn = Txn { app: format!("headgate/{app}"), batch: number };
    let note = note();
    let (columns, rows) = (columns(texts), batch(texts, rows));
    lake.fold_in(&name(), table, ID, &columns, &statistics(), &rows, &txn, &note, 1_000 + number)
        .await
}

async fn fold_next(lake: &Lake, number: i64, texts: &[&str], rows: &[Row<'_>]) -> LakeTable {
    let (table, committed) = fold_as(lake, "a", number, None, texts, rows).await.unwrap();
    let users: BTreeSet<_> = rows.iter().map(|row| row.0).collect();
    assert_eq!(committed.rows, users.len() as u64);
    table
}

fn folder(lake: &Lake) -> PathBuf {
    lake.table_path(&name())
}

/// The actions of every commit, in order.
fn log(folder: &FilePath) -> Vec<Value> {
    let mut actions = Vec::new();
    for version in 0.. {
        let path = folder.join(format!("_delta_log/{version:020}.json"));
        let Ok(text) = std::fs::read_to_string(path) else { break };
        actions.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
    }
    actions
}

fn append_to_log(folder: &FilePath, actions: &[Value]) {
    let version = std::fs::read_dir(folder.join("_delta_log")).unwrap().count();
    let text: Vec<_> = actions.iter().map(Value::to_string).collect();
    let path = folder.join(format!("_delta_log/{version:020}.json"));
    std::fs::write(path, text.join("\n")).unwrap();
}

/// The adds of the newest version, by path.
fn files(folder: &FilePath) -> BTreeMap<String, Value> {
    let mut files = BTreeMap::new();
    for action in log(folder) {
        if let Some(path) = action["add"]["path"].as_str() {
            files.insert(path.to_owned(), action["add"].clone());
        } else if let Some(path) = action["remove"]["path"].as_str() {
            assert!(files.remove(path).is_some(), "{path} is removed twice");
        }
    }
    files
}

/// Every row of the newest version, as text by column, in order of id.
fn rows(folder: &FilePath) -> Vec<BTreeMap<String, String>> {
    let mut rows = Vec::new();
    for path in files(folder).keys() {
        let file = File::open(folder.join(path)).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        for batch in reader.map(Result::unwrap) {
            for row in 0..batch.num_rows() {
                let schema = batch.schema();
                let values = schema.fields().iter().zip(batch.columns());
                let values = values.filter(|(_, column)| column.is_valid(row));
                let text = |(field, column): (&Arc<Field>, &ArrayRef)| {
                    (field.name().clone(), array_value_to_string(column, row).unwrap())
                };
                rows.push(values.map(text).collect::<BTreeMap<_, _>>());
            }
        }
    }
    rows.sort_by_key(|row| row["id"].clone());
    rows
}

fn of<'r>(rows: &'r [BTreeMap<String, String>], column: &str) -> Vec<&'r str> {
    rows.iter().map(|row| row.get(column).map_or("-", |text| text)).collect()
}

#[tokio::test]
async fn each_user_has_one_row_with_the_latest_of_each_column() {
    let temporary = TempDir::new().unwrap();
    let lake = lake(&temporary).await;
    let texts = ["email", "city"];
    let first: &[Row<'_>] = &[
        ("ann", 10, &[("email", "a@1"), ("city", "Oslo")]),
        ("bob", 11, &[("email", "b@1")]),
        ("ann", 12, &[("email", "a@2")]),
    ];
    fold_next(&lake, 1, &texts, first).await;
    // An older event fills what is NULL and no more.
    let second: &[Row<'_>] = &[
        ("bob", 5, &[("email", "b@0"), ("city", "Bern")]),
        ("cid", 20, &[("city", "Rome")]),
        ("ann", 21, &[("city", "Lima")]),
    ];
    let table = fold_next(&lake, 2, &texts, second).await;
    assert_eq!(table.version(), 1);
    let rows = rows(&folder(&lake));
    assert_eq!(of(&rows, "id"), ["ann", "bob", "cid"]);
    assert_eq!(of(&rows, "email"), ["a@2", "b@1", "-"]);
    assert_eq!(of(&rows, "city"), ["Lima", "Bern", "Rome"]);
    let operations: Vec<_> = log(&folder(&lake))
        .iter()
        .filter_map(|action| action["commitInfo"]["operation"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(operations, ["CREATE TABLE", "MERGE"]);
}

#[tokio::test]
async fn a_batch_lands_once() {
    let temporary = TempDir::new().unwrap();
    let lake = lake(&temporary).await;
    let rows_of = |email| [("ann", 10, email)];
    let one = [("email", "1")];
    let two = [("email", "2")];
    let table = fold_next(&lake, 5, &["email"], &rows_of(&one[..])).await;
    let (again, committed) =
        fold_as(&lake, "a", 5, Some(table), &["email"], &rows_of(&two[..])).await.unwrap();
    assert_eq!((again.version(), committed.version, committed.rows), (0, 0, 1));
    assert_eq!(of(&rows(&folder(&lake)), "email"), ["1"]);
    // A batch that changes nothing is known to have landed all the same.
    let (table, _) =
        fold_as(&lake, "a", 6, Some(again), &["email"], &rows_of(&one[..])).await.unwrap();
    assert_eq!((table.version(), files(&folder(&lake)).len()), (1, 1));
}

#[tokio::test]
async fn files_without_changed_users_stay_as_they_are() {
    let temporary = TempDir::new().unwrap();
    let lake = lake(&temporary).await;
    fold_next(&lake, 1, &["email"], &[("ann", 1, &[]), ("bob", 1, &[])]).await;
    let first: BTreeSet<_> = files(&folder(&lake)).into_keys().collect();
    fold_next(&lake, 2, &["email"], &[("zoe", 2, &[]), ("yan", 2, &[])]).await;
    let both: BTreeSet<_> = files(&folder(&lake)).into_keys().collect();
    assert!(first.is_subset(&both) && both.len() == 2);
    // `bob` is met, but the event is older and says nothing new; `mia` is between all bounds.
    let rows_of: &[Row<'_>] = &[("yan", 3, &[("email", "y")]), ("bob", 0, &[]), ("mia", 3, &[])];
    fold_next(&lake, 3, &["email"], rows_of).await;
    let now: BTreeSet<_> = files(&folder(&lake)).into_keys().collect();
    assert!(first.is_subset(&now), "{now:?}");
    assert!(now.is_disjoint(&(&both - &first)), "{now:?}");
    let rows = rows(&folder(&lake));
    assert_eq!(of(&rows, "id"), ["ann", "bob", "mia", "yan", "zoe"]);
    assert_eq!(of(&rows, "email"), ["-", "-", "-", "y", "-"]);
}

#[tokio::test]
async fn a_file_that_is_rewritten_has_the_statistics_of_one_that_is_appended() {
    let temporary = TempDir::new().unwrap();
    let lake = lake(&temporary).await;
    fold_next(&lake, 1, &["email"], &[("ann", 1, &[]), ("bob", 2, &[("email", "b")])]).await;
    fold_next(&lake, 2, &["email"], &[("bob", 4, &[("email", "c")]), ("cid", 3, &[])]).await;
    let files = files(&folder(&lake));
    let add = files.values().next().unwrap();
    let rewritten: Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
    let appended =
        batch(&["email"], &[("ann", 1, &[]), ("bob", 4, &[("email", "c")]), ("cid", 3, &[])]);
    let staged = lake.stage(&name(), &statistics(), [Ok(appended)]).await.unwrap();
    let mut appended: Value = serde_json::from_str(staged[0]["stats"].as_str().unwrap()).unwrap();
    for bound in ["minValues", "maxValues"] {
        let planned = rewritten[bound]["uuid_ts"].clone();
        assert_ne!(appended[bound]["uuid_ts"].take(), planned);
        appended[bound]["uuid_ts"] = planned;
    }
    assert_eq!(rewritten, appended);
    let types = |path: &str| {
        let file = File::open(folder(&lake).join(path)).unwrap();
        ParquetRecordBatchReaderBuilder::try_new(file).unwrap().schema().clone()
    };
    assert_eq!(types(add["path"].as_str().unwrap()), types(staged[0]["path"].as_str().unwrap()));
}

#[tokio::test]
async fn unreferenced_files_are_not_read() {
    let temporary = TempDir::new().unwrap();
    let lake = lake(&temporary).await;
    fold_next(&lake, 1, &["email"], &[("ann", 1, &[])]).await;
    // A writer died between its files and its commit.
    let rows_of = batch(&["email"], &[("ann", 9, &[("email", "lost")]), ("bob", 9, &[])]);
    lake.stage(&name(), &statistics(), [Ok(rows_of)]).await.unwrap();
    fold_next(&lake, 2, &["email"], &[("ann", 2, &[("email", "kept")])]).await;
    let rows = rows(&folder(&lake));
    assert_eq!((of(&rows, "id"), of(&rows, "email")), (vec!["ann"], vec!["kept"]));
}

#[tokio::test]
async fn rows_of_the_same_user_become_one() {
    let temporary = TempDir::new().unwrap();
    let lake = lake(&temporary).await;
    let texts = ["email", "city"];
    let doubled: &[Row<'_>] = &[
        ("ann", 5, &[("email", "new"), ("city", "Oslo")]),
        ("bob", 5, &[("email", "bob")]),
        ("cid", 5, &[]),
        ("cid", 6, &[]),
    ];
    let table =
        fold_next(&lake, 1, &texts, &[("ann", 3, &[("email", "old"), ("city", "Bern")])]).await;
    let staged = lake.stage(&name(), &statistics(), [Ok(batch(&texts, doubled))]).await.unwrap();
    let action = |add: &Value| json!({"add": add});
    append_to_log(&folder(&lake), &staged.iter().map(action).collect::<Vec<_>>());
    assert_eq!(of(&rows(&folder(&lake)), "id"), ["ann", "ann", "bob", "cid", "cid"]);
    // The event is older than both rows, so that it has nothing to say.
    let old: &[Row<'_>] = &[("ann", 1, &[("email", "older")])];
    let (table, _) = fold_as(&lake, "a", 2, Some(table), &texts, old).await.unwrap();
    let now = rows(&folder(&lake));
    assert_eq!(of(&now, "id"), ["ann", "bob", "cid", "cid"], "only what is touched is mended");
    assert_eq!((now[0]["email"].as_str(), now[0]["city"].as_str()), ("new", "Oslo"));
    let (_, _) = fold_as(&lake, "a", 3, Some(table), &texts, &[("cid", 9, &[])]).await.unwrap();
    assert_eq!(of(&rows(&folder(&lake)), "id"), ["ann", "bob", "cid"]);
}

#[tokio::test]
async fn columns_keep_the_order_and_spelling_of_the_table() {
    let temporary = TempDir::new().unwrap();
    let lake = lake(&temporary).await;
    fold_next(&lake, 1, &["email", "city"], &[("ann", 1, &[("email", "a"), ("city", "Oslo")])])
        .await;
    fold_next(&lake, 2, &["email", "city", "plan"], &[("bob", 2, &[("plan", "free")])]).await;
    // A batch that knows fewer columns leaves the others alone.
    let table = fold_next(&lake, 3, &["plan"], &[("ann", 3, &[("plan", "pro")])]).await;
    let columns: Vec<_> = table.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(columns, ["id", "received_at", "uuid_ts", "email", "city", "plan"]);
    let rows = rows(&folder(&lake));
    assert_eq!(of(&rows, "email"), ["a", "-"]);
    assert_eq!(of(&rows, "plan"), ["pro", "free"]);
    for path in files(&folder(&lake)).keys() {
        let file = File::open(folder(&lake).join(path)).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let fields = reader.schema().fields().iter().map(|field| field.name().clone());
        assert!(fields.eq(columns.iter().copied()) || path.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn writers_at_once_leave_one_row_for_each_user() {
    const WRITERS: i64 = 8;
    const BATCHES: i64 = 3;
    let temporary = TempDir::new().unwrap();
    let first = lake(&temporary).await;
    let ids: Vec<String> = (0..20).map(|id| format!("user-{id:02}")).collect();
    let writers = (0..WRITERS).map(|writer| {
        let (location, ids) = (first.location().clone(), ids.clone());
        tokio::spawn(async move {
            let lake = Lake::open_or_create(location).await.unwrap();
            let mut table = None;
            for number in 1..=BATCHES {
                let time = number * 100 + writer;
                let (email, own) = (format!("mail-{time}"), format!("of-{writer}"));
                let texts = [("email", email.as_str()), ("city", own.as_str())];
                let mut rows: Vec<Row<'_>> =
                    ids.iter().map(|id| (id.as_str(), time, &texts[..1])).collect();
                let alone = format!("only-{writer}");
                rows.push((&alone, time, &texts[1..]));
                let app = format!("writer-{writer}");
                let sent = fold_as(&lake, &app, number, table, &["email", "city"], &rows).await;
                table = Some(sent.unwrap().0);
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let rows = rows(&folder(&first));
    let shared: Vec<_> = rows.iter().filter(|row| row["id"].starts_with("user-")).collect();
    assert_eq!(shared.len(), ids.len());
    let newest = format!("mail-{}", BATCHES * 100 + WRITERS - 1);
    assert!(shared.iter().all(|row| row["email"] == newest), "{shared:?}");
    assert_eq!(rows.len(), ids.len() + WRITERS as usize);
    let transactions = log(&folder(&first)).iter().filter(|a| a["txn"].is_object()).count();
    assert_eq!(transactions, (WRITERS * BATCHES) as usize);
    // Files of commits that lost their race are not left lying.
    let named: BTreeSet<_> = log(&folder(&first))
        .iter()
        .filter_map(|action| action["add"]["path"].as_str().map(str::to_owned))
        .collect();
    let there = std::fs::read_dir(folder(&first)).unwrap().map(|e| e.unwrap().file_name());
    let strangers = there.filter(|file| {
        let file = file.to_str().unwrap();
        FilePath::new(file).extension().is_some_and(|kind| kind == "parquet")
            && !named.contains(file)
    });
    assert_eq!(strangers.count(), 0);
}

#[tokio::test]
async fn a_merge_restarts_after_a_concurrent_commit() {
    let temporary = TempDir::new().unwrap();
    let lake = lake(&temporary).await;
    let mut table = fold_next(&lake, 1, &["email"], &[("ann", 1, &[])]).await;
    // A compaction: it moves rows and says that it changes no data.
    let now = files(&folder(&lake));
    let (path, add) = now.iter().next().unwrap();
    std::fs::copy(folder(&lake).join(path), folder(&lake).join("compact.parquet")).unwrap();
    let (mut add, path) = (add.clone(), path.clone());
    add["path"] = json!("compact.parquet");
    add["dataChange"] = json!(false);
    let remove = json!({"path": path, "dataChange": false, "deletionTimestamp": 1});
    append_to_log(&folder(&lake), &[json!({"remove": remove}), json!({"add": add})]);

    let (columns, statistics) = (columns(&["email"]), statistics());
    let rows_of = batch(&["email"], &[("ann", 2, &[("email", "a")])]);
    let (txn, note) = (Txn { app: "headgate/a".to_owned(), batch: 2 }, note());
    let name = name();
    let fold = Fold {
        lake: &lake,
        name: &name,
        id: ID,
        columns: &columns,
        statistics: &statistics,
        rows: &rows_of,
        ids: Arc::new(Ids::of(&rows_of).unwrap()),
        txn: &txn,
        note: &note,
        planned: 7,
        doing: say!("test"),
    };
    let sent = fold.send_over(&mut table).await.unwrap();
    assert!(sent.answer.is_err());
    let (table, is_found) = fold.until_it_lands(Some(table)).await.unwrap();
    assert_eq!((table.version(), is_found), (2, false));
    assert_eq!(of(&rows(&folder(&lake)), "email"), ["a"]);
}

#[tokio::test]
async fn append_only_and_change_feed_tables_are_refused_for_merges() {
    for (property, says) in [
        ("delta.appendOnly", "is append-only"),
        ("delta.enableChangeDataFeed", "change data feed enabled"),
    ] {
        let temporary = TempDir::new().unwrap();
        let lake = lake(&temporary).await;
        fold_next(&lake, 1, &["email"], &[("ann", 1, &[])]).await;
        let mut metadata =
            log(&folder(&lake)).into_iter().find(|action| action["metaData"].is_object()).unwrap();
        metadata["metaData"]["configuration"][property] = json!("true");
        let protocol = json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 4}});
        append_to_log(&folder(&lake), &[protocol, metadata]);
        let refused = fold_as(&lake, "a", 2, None, &["email"], &[("ann", 2, &[])]).await;
        let error = refused.unwrap_err();
        assert_eq!((error.code.as_ref(), error.retryable), ("unsupported_table", false));
        assert!(error.message.contains(says), "{error}");
        assert_eq!(rows(&folder(&lake)).len(), 1);
    }
}

fn add_of(folder: &FilePath, path: &str) -> Value {
    let size = folder.join(path).metadata().unwrap().len();
    json!({"add": {
        "path": path, "partitionValues": {}, "size": size, "modificationTime": 1, "dataChange": true,
    }})
}

#[tokio::test]
async fn all_text_types_of_other_writers_are_merged() {
    let temporary = TempDir::new().unwrap();
    let lake = lake(&temporary).await;
    fold_next(&lake, 1, &["email", "city"], &[("zoe", 1, &[])]).await;
    let ids: ArrayRef = Arc::new(StringViewArray::from(vec!["ann", "bob"]));
    let cities: DictionaryArray<Int32Type> = vec!["Oslo", "Oslo"].into_iter().collect();
    let emails: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let millis = arrow_array::TimestampMillisecondArray::from(vec![1, 1]).with_timezone("UTC");
    // Another order, another spelling, a column too few and one too many.
    let foreign = RecordBatch::try_from_iter([
        ("City", Arc::new(cities) as ArrayRef),
        ("received_at", Arc::new(millis) as ArrayRef),
        ("id", ids),
        ("EMAIL", emails),
        ("extra", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
    ])
    .unwrap();
    let file = File::create(folder(&lake).join("a foreign one.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, foreign.schema(), None).unwrap();
    writer.write(&foreign).unwrap();
    writer.close().unwrap();
    let mut add = add_of(&folder(&lake), "a foreign one.parquet");
    add["add"]["path"] = json!("a%20foreign%20one.parquet");
    append_to_log(&folder(&lake), &[add]);
    fold_next(&lake, 2, &["email", "city"], &[("ann", 2_000, &[("email", "new")])]).await;
    let rows = rows(&folder(&lake));
    assert_eq!(of(&rows, "id"), ["ann", "bob", "zoe"]);
    assert_eq!(of(&rows, "email"), ["new", "b", "-"]);
    assert_eq!(of(&rows, "city"), ["Oslo", "Oslo", "-"]);
    assert_eq!(of(&rows, "received_at")[1], "1970-01-01T00:00:00.001Z");
    assert!(!rows[0].contains_key("extra"));
}

#[tokio::test]
async fn int96_timestamps_are_refused() {
    let temporary = TempDir::new().unwrap();
    let lake = lake(&temporary).await;
    fold_next(&lake, 1, &[], &[("zoe", 1, &[])]).await;
    let text = "message m { optional binary id (STRING); optional int96 received_at; }";
    let message = Arc::new(parse_message_type(text).unwrap());
    let file = File::create(folder(&lake).join("old.parquet")).unwrap();
    let properties = Arc::new(WriterProperties::default());
    let mut writer = SerializedFileWriter::new(file, message, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrays>().write_batch(&[ByteArray::from("ann")], Some(&[1]), None).unwrap();
    column.close().unwrap();
    // The year 9999, which nanoseconds do not reach.
    let mut time = Int96::new();
    time.set_data(0, 0, 5_373_484);
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int96Type>().write_batch(&[time], Some(&[1]), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    append_to_log(&folder(&lake), &[add_of(&folder(&lake), "old.parquet")]);
    let refused = fold_as(&lake, "a", 2, None, &[], &[("ann", 2, &[])]).await.unwrap_err();
    assert_eq!(refused.code, "int96_timestamps");
    // Ids are read all the same, and in the right year.
    let mut found = Vec::new();
    let mut give = |id: &str, at: Option<i64>| found.push((id.to_owned(), at));
    lake.ids(&name(), None, None, &mut give).await.unwrap();
    found.sort();
    assert_eq!(
        found,
        [("ann".to_owned(), Some(253_402_214_400_000_000)), ("zoe".to_owned(), Some(1))]
    );
}

#[test]
fn an_id_between_two_bounds_is_found_even_where_the_upper_is_cut() {
    let rows = batch(&[], &[("b", 1, &[]), ("delta", 1, &[]), ("b", 1, &[]), ("f", 1, &[])]);
    let ids = Ids::of(&rows).unwrap();
    assert_eq!(ids.count(), 3);
    assert_eq!((ids.get("b"), ids.get("f"), ids.get("c")), (Some(0), Some(2), None));
    let between = |least: &str, most: &str| ids.any_between(least.as_bytes(), most.as_bytes());
    assert!(between("a", "b") && between("c", "d") && between("f", "z"));
    assert!(!between("c", "c") && !between("g", "z") && !between("a", "a"));
}

/// Ten million users of eight columns, and a hundred thousand events over them. Prints what it takes;
/// run with `--ignored --nocapture --exact users::tests::ten_million_users`.
#[tokio::test]
#[ignore = "takes minutes"]
async fn ten_million_users() {
    const USERS: u64 = 10_000_000;
    const EVENTS: u64 = 100_000;
    const STEP: u64 = 100_000;
    let proc = |file: &str| std::fs::read_to_string(format!("/proc/self/{file}")).unwrap();
    let peak = || {
        let status = proc("status");
        status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default().to_owned()
    };
    let cpu = || -> u64 {
        let stat = proc("stat");
        let after = stat.rsplit(')').next().unwrap();
        after.split_whitespace().skip(11).take(2).map(|n| n.parse::<u64>().unwrap()).sum()
    };
    // Numbers that look like chance, so that the ids of a batch are in every row group.
    let id = |n: u64| {
        let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        format!("{:016x}-{:08x}", mixed ^ (mixed >> 29), n.wrapping_mul(0x85EB_CA6B) as u32)
    };
    let texts = ["email", "first_name", "last_name", "city", "plan"];
    let made = |users: &mut dyn Iterator<Item = u64>, time: i64| {
        let rows: Vec<_> = users.map(|n| (id(n), n)).collect();
        let text = |make: &dyn Fn(u64) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, n)| make(*n))))
        };
        let times = rows.iter().map(|(_, n)| time + (n % 1_000) as i64);
        let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC");
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(rows.iter().map(|(id, _)| id))),
            Arc::new(times.clone()),
            Arc::new(times),
            text(&|n| format!("{}@example.com", id(n))),
            text(&|n| format!("First{}", n % 5_000)),
            text(&|n| format!("Last{}", n % 20_000)),
            text(&|n| format!("City{}", n % 1_000)),
            text(&|n| ["free", "pro", "team"][(n % 3) as usize].to_owned()),
        ];
        RecordBatch::try_new(schema(&columns(&texts)), arrays).unwrap()
    };
    let temporary = TempDir::new().unwrap();
    let lake = lake(&temporary).await;
    let (columns, statistics, name) = (columns(&texts), statistics(), name());
    let note = note();
    let batches = (0..USERS / STEP).map(|at| Ok(made(&mut (at * STEP..(at + 1) * STEP), 1)));
    let staged = lake.stage(&name, &statistics, batches).await.unwrap();
    let txn = |batch| Txn { app: "headgate/a".to_owned(), batch };
    lake.append(&name, None, ID, &columns, &statistics, &staged, &txn(1), &note).await.unwrap();
    let bytes: u64 = staged.iter().filter_map(|add| add["size"].as_u64()).sum();
    println!(
        "{USERS} users in {} files, {} MB; {} to make them",
        staged.len(),
        bytes >> 20,
        peak()
    );

    // The rest of the memory that making them took does not count.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    println!("before: {}", peak());
    for (number, time) in [(2, 1_000_000), (3, 2_000_000)] {
        // Every hundredth user, some of them new.
        let batch = made(&mut (0..EVENTS).map(|n| n * 101), time);
        let (began, used, before) = (Instant::now(), cpu(), files(&folder(&lake)));
        let (_, committed) = lake
            .fold_in(&name, None, ID, &columns, &statistics, &batch, &txn(number), &note, 9)
            .await
            .unwrap();
        let now = files(&folder(&lake));
        let kept = now.keys().filter(|path| before.contains_key(*path)).count();
        println!(
            "{} users folded in: {:.1} s, {:.1} CPU s, {} of {} files rewritten, {} now; {}",
            committed.rows,
            began.elapsed().as_secs_f64(),
            (cpu() - used) as f64 / 100.0,
            before.len() - kept,
            before.len(),
            now.len(),
            peak(),
        );
    }
    for to in [None, Some(1_000_000)] {
        let (began, used, mut found) = (Instant::now(), cpu(), 0);
        let mut give = |_: &str, _: Option<i64>| found += 1;
        lake.ids(&name, Some(0), to, &mut give).await.unwrap();
        println!(
            "{found} ids read: {:.1} s, {:.1} CPU s; {}",
            began.elapsed().as_secs_f64(),
            (cpu() - used) as f64 / 100.0,
            peak(),
        );
    }
}
