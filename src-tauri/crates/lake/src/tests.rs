//! Tests with tables in real folders: what is opened, what is refused, what a commit sent twice does, and the
//! cost in reads.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use arrow_array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, StringViewArray,
    TimestampNanosecondArray,
};
use arrow_schema::{DataType, TimeUnit};
use async_trait::async_trait;
use deltalake::ObjectStore;
use deltalake::logstore::object_store::local::LocalFileSystem;
use deltalake::logstore::object_store::path::Path;
use deltalake::logstore::object_store::{
    CopyOptions, Error as Stored, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as Answer,
};
use deltalake::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use headgate_terms::{Column, ColumnType, Error, Result, TableName};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Arrival, Checkpoints, Lake, LakeTable, Location, Note, Records, Restored, Standing, Trace, Txn,
};

/// A lake in a folder of its own.
struct TestLake {
    folder: TempDir,
    lake: Lake,
}

impl TestLake {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let lake = Lake::open_or_create(location(&folder)).await.unwrap();
        Self { folder, lake }
    }

    /// The same lake as another process has it.
    async fn other(&self) -> Lake {
        Lake::open_or_create(location(&self.folder)).await.unwrap()
    }

    /// The same lake through a store that counts and can do harm.
    fn through(&self, store: &Arc<Harm>) -> Lake {
        Lake::through(location(&self.folder), store.clone()).unwrap()
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn log(&self, file: impl fmt::Display) -> PathBuf {
        self.path(&format!("s/t/_delta_log/{file}"))
    }

    fn version(&self, version: u64) -> PathBuf {
        self.log(format_args!("{version:020}.json"))
    }

    /// Writes a commit as somebody else would.
    fn commit(&self, version: u64, actions: &[Value]) {
        let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
        fs::write(self.version(version), lines.join("\n")).unwrap();
    }

    fn actions(&self, version: u64) -> Vec<Value> {
        let text = fs::read_to_string(self.version(version)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The metadata of version 0, to change it.
    fn metadata(&self, change: impl FnOnce(&mut Value)) -> Value {
        let mut found = self.actions(0);
        let at = found.iter().position(|action| action.get("metaData").is_some()).unwrap();
        let mut action = found.swap_remove(at);
        change(&mut action["metaData"]);
        action
    }

    /// A table with one row at version 0.
    async fn table(&self) -> LakeTable {
        put(&self.lake, None, 1, &["a"]).await.unwrap()
    }
}

fn location(folder: &TempDir) -> Location {
    Location::parse(folder.path().to_str().unwrap()).unwrap()
}

fn name() -> TableName {
    TableName { schema: "s".into(), table: "t".into() }
}

fn columns() -> Vec<Column> {
    [("id", ColumnType::String), ("n", ColumnType::BigInt)]
        .map(|(name, kind)| Column { name: name.into(), kind })
        .to_vec()
}

fn rows(ids: &[&str]) -> RecordBatch {
    let ns: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ids.len() as i64));
    let ids: ArrayRef = Arc::new(StringArray::from(ids.to_vec()));
    RecordBatch::try_from_iter_with_nullable([("id", ids, true), ("n", ns, true)]).unwrap()
}

fn note() -> Note {
    Note { run: "run1".into(), installation: "here".into(), rows: 1 }
}

fn txn(batch: i64) -> Txn {
    Txn { app: "headgate/test".into(), batch }
}

async fn put(lake: &Lake, table: Option<LakeTable>, batch: i64, ids: &[&str]) -> Result<LakeTable> {
    put_as(lake, table, &format!("id{batch}"), &columns(), &txn(batch), rows(ids)).await
}

async fn put_as(
    lake: &Lake,
    table: Option<LakeTable>,
    id: &str,
    columns: &[Column],
    txn: &Txn,
    rows: RecordBatch,
) -> Result<LakeTable> {
    let statistics = ["id".to_owned()];
    let staged = lake.stage(&name(), &statistics, [Ok(rows)]).await?;
    let (table, _) =
        lake.append(&name(), table, id, columns, &statistics, &staged, txn, &note()).await?;
    Ok(table)
}

async fn opened(lake: &Lake) -> LakeTable {
    lake.table(&name()).await.unwrap().unwrap()
}

async fn ids(lake: &Lake) -> Vec<String> {
    let mut ids = Vec::new();
    lake.query(&name(), None, 1_000_000, |batch| {
        let batch = batch.column_by_name("id").unwrap().clone();
        let plain = deltalake::arrow::compute::cast(&batch, &DataType::Utf8).unwrap();
        let plain = plain.as_any().downcast_ref::<StringArray>().unwrap().clone();
        ids.extend(plain.iter().flatten().map(str::to_owned));
        Ok(true)
    })
    .await
    .unwrap();
    ids.sort();
    ids
}

/// Something that happens once, before a file is put.
type Meanwhile = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// The files of this machine behind a store that counts, and that lets others come first or gives wrong answers.
#[derive(Default)]
struct Harm {
    files: LocalFileSystem,
    gets: AtomicUsize,
    /// Of the GETs those of a whole file.
    whole: AtomicUsize,
    lists: AtomicUsize,
    puts: AtomicUsize,
    /// What happens before the first file with this ending is put.
    meanwhile: Mutex<Option<(&'static str, Meanwhile)>>,
    /// Puts of files with this ending land and are answered with an error, so many times.
    lies: Mutex<Option<(&'static str, usize)>>,
}

impl Harm {
    /// GETs, LISTs and PUTs since the last time.
    fn counts(&self) -> [usize; 3] {
        [&self.gets, &self.lists, &self.puts].map(|count| count.swap(0, Ordering::Relaxed))
    }
}

impl fmt::Debug for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Harm")
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Harm")
    }
}

#[async_trait]
impl ObjectStore for Harm {
    async fn put_opts(
        &self,
        at: &Path,
        bytes: PutPayload,
        options: PutOptions,
    ) -> Answer<PutResult> {
        self.puts.fetch_add(1, Ordering::Relaxed);
        let meanwhile = {
            let mut meanwhile = self.meanwhile.lock().unwrap();
            meanwhile.take_if(|(ending, _)| at.as_ref().ends_with(*ending))
        };
        if let Some((_, happens)) = meanwhile {
            happens().await;
        }
        let answer = self.files.put_opts(at, bytes, options).await?;
        let mut lies = self.lies.lock().unwrap();
        match &mut *lies {
            Some((ending, times)) if *times > 0 && at.as_ref().ends_with(*ending) => {
                *times -= 1;
                Err(Stored::Generic { store: "harm", source: "no answer".into() })
            }
            _ => Ok(answer),
        }
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Answer<Box<dyn MultipartUpload>> {
        self.files.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Answer<GetResult> {
        self.gets.fetch_add(1, Ordering::Relaxed);
        let is_whole = !options.head && options.range.is_none();
        self.whole.fetch_add(usize::from(is_whole), Ordering::Relaxed);
        self.files.get_opts(at, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Answer<Path>>,
    ) -> BoxStream<'static, Answer<Path>> {
        self.files.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Answer<ObjectMeta>> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        self.files.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Answer<ListResult> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Answer<()> {
        self.files.copy_opts(from, to, options).await
    }
}

fn code(error: &Error) -> (&str, bool) {
    (&error.code, error.retryable)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_lands_once_and_a_table_has_the_id_it_was_planned_with() {
    let desk = TestLake::new().await;
    assert!(desk.lake.table(&name()).await.unwrap().is_none());
    let table = desk.table().await;
    assert_eq!((table.version(), table.id(), table.columns()), (0, "id1", &*columns()));
    assert_eq!((table.txn("headgate/test"), table.txn("headgate/other")), (Some(1), None));
    let table = put(&desk.lake, Some(table), 2, &["b"]).await.unwrap();
    assert_eq!((table.version(), table.txn("headgate/test")), (1, Some(2)));
    let again = put(&desk.lake, Some(table), 2, &["b"]).await.unwrap();
    assert_eq!(again.version(), 1);
    let fresh = opened(&desk.other().await).await;
    assert_eq!((fresh.version(), fresh.id(), fresh.txn("headgate/test")), (1, "id1", Some(2)));
    assert_eq!(ids(&desk.lake).await, ["a", "b"]);
    let history = desk.lake.history(&name()).await.unwrap();
    assert_eq!(history[0].installation.as_deref(), Some("here"));
    assert_eq!(history[0].run.as_deref(), Some("run1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_makes_no_second_commit() {
    let desk = TestLake::new().await;
    for (batch, ending) in [(1, "0000.json"), (2, "0001.json")] {
        let store = Arc::new(Harm::default());
        *store.lies.lock().unwrap() = Some((ending, 1));
        let lake = desk.through(&store);
        let table = lake.table(&name()).await.unwrap();
        let table = put(&lake, table, batch, &["a"]).await.unwrap();
        assert_eq!((table.version(), table.id()), (batch as u64 - 1, "id1"));
        assert_eq!(store.lies.lock().unwrap().unwrap().1, 0);
    }
    assert_eq!(ids(&desk.lake).await, ["a", "a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_appears_meanwhile_is_added_to() {
    let desk = TestLake::new().await;
    let other = desk.other().await;
    let store = Arc::new(Harm::default());
    let faster: Meanwhile = Box::new(move || {
        Box::pin(async move {
            let mut columns = columns();
            columns.push(Column { name: "theirs".into(), kind: ColumnType::Boolean });
            let txn = Txn { app: "headgate/other".into(), batch: 1 };
            put_as(&other, None, "theirs", &columns, &txn, rows(&["b"])).await.unwrap();
        })
    });
    *store.meanwhile.lock().unwrap() = Some(("0000.json", faster));
    let table = put(&desk.through(&store), None, 1, &["a"]).await.unwrap();
    assert_eq!((table.id(), table.version(), table.columns().len()), ("theirs", 1, 3));
    assert_eq!((table.txn("headgate/other"), table.txn("headgate/test")), (Some(1), Some(1)));
    assert_eq!(ids(&desk.lake).await, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_that_make_one_table_lose_nothing() {
    let desk = TestLake::new().await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..6 {
        let lake = desk.other().await;
        writers.spawn(async move {
            let mut table = lake.table(&name()).await.unwrap();
            for batch in 1..=4 {
                let txn = Txn { app: format!("headgate/{writer}"), batch };
                let rows = rows(&[&format!("{writer}-{batch}")]);
                let id = format!("id{writer}");
                table = Some(put_as(&lake, table, &id, &columns(), &txn, rows).await.unwrap());
            }
            table.unwrap().id().to_owned()
        });
    }
    let made: std::collections::BTreeSet<String> = writers.join_all().await.into_iter().collect();
    assert_eq!(made.len(), 1, "{made:?}");
    let table = opened(&desk.lake).await;
    assert_eq!((table.version(), ids(&desk.lake).await.len()), (23, 24));
    assert!((0..6).all(|writer| table.txn(&format!("headgate/{writer}")) == Some(4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_no_longer_fit_are_table_changed() {
    let desk = TestLake::new().await;
    let first = desk.table().await;
    let double = |name: &str| Column { name: name.into(), kind: ColumnType::Double };
    for (column, change) in [
        (double("n"), "type"),
        (Column { name: "N".into(), kind: ColumnType::BigInt }, "spelling"),
        (Column { name: "ID".into(), kind: ColumnType::String }, "spelling of another"),
    ] {
        let txn = txn(7);
        let failed =
            put_as(&desk.lake, Some(first.clone()), "x", &[column], &txn, rows(&["b"])).await;
        assert_eq!(code(&failed.unwrap_err()), ("table_changed", true), "{change}");
    }
    // Somebody adds the column first, with another type.
    let added = desk.metadata(|metadata| {
        let mut schema: Value =
            serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
        let field = json!({"name": "Total", "type": "string", "nullable": true, "metadata": {}});
        schema["fields"].as_array_mut().unwrap().push(field);
        metadata["schemaString"] = json!(schema.to_string());
    });
    desk.commit(1, &[added]);
    let mut wanted = columns();
    wanted.push(double("total"));
    let failed = put_as(&desk.lake, Some(first), "x", &wanted, &txn(2), rows(&["b"])).await;
    assert_eq!(code(&failed.unwrap_err()), ("table_changed", true));
    assert_eq!(ids(&desk.lake).await, ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_reads_new_commits_and_refuses_another_table() {
    let desk = TestLake::new().await;
    let first = desk.table().await;
    let other = desk.other().await;
    let second = put(&other, Some(opened(&other).await), 2, &["b"]).await.unwrap();
    let third = put(&other, Some(second), 3, &["c"]).await.unwrap();
    let now = desk.lake.refresh(&name(), first.clone()).await.unwrap();
    assert_eq!((now.version(), now.txn("headgate/test")), (2, Some(3)));
    let same = desk.lake.refresh(&name(), now).await.unwrap();
    assert_eq!(same.version(), third.version());

    let behind = |error: Error| {
        assert_eq!(code(&error), ("table_behind", false));
        assert!(error.hint.unwrap().contains("--refill s.t"));
        error.message.to_string()
    };
    // Rolled back to an earlier copy.
    let last = fs::read(desk.version(2)).unwrap();
    fs::remove_file(desk.version(2)).unwrap();
    let said = behind(desk.lake.refresh(&name(), same.clone()).await.unwrap_err());
    assert_eq!(said, "`s.t` is at version 1 and should be at 2 or later.");
    // Put back: the same table, whatever the clock says of its files.
    fs::write(desk.version(2), &last).unwrap();
    let same = desk.lake.refresh(&name(), same).await.unwrap();
    // Gone.
    fs::rename(desk.path("s/t"), desk.path("s/kept")).unwrap();
    let said = behind(desk.lake.refresh(&name(), same.clone()).await.unwrap_err());
    assert_eq!(said, "`s.t` is gone; it was at version 2.");
    // Created again, and longer than before.
    let mut table = None;
    for batch in 11..16 {
        table = Some(put(&other, table, batch, &["x"]).await.unwrap());
    }
    let said = behind(desk.lake.refresh(&name(), same.clone()).await.unwrap_err());
    assert_eq!(said, "`s.t` was made again: its id is `id11` and should be `id1`.");
    let failed = put(&desk.lake, Some(same), 4, &["d"]).await;
    behind(failed.unwrap_err());
    let anew = opened(&desk.lake).await;
    assert_eq!(anew.txn("headgate/test"), Some(15), "nothing of the table before");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_commit_is_left_behind_a_vanished_version() {
    let desk = TestLake::new().await;
    let store = Arc::new(Harm::default());
    let lake = desk.through(&store);
    let first = put(&lake, None, 1, &["a"]).await.unwrap();
    let second = put(&lake, Some(first), 2, &["b"]).await.unwrap();
    // An older copy takes the table's place.
    let gone = desk.version(1);
    let happens: Meanwhile = Box::new(move || {
        Box::pin(async move {
            fs::remove_file(&gone).unwrap();
        })
    });
    *store.meanwhile.lock().unwrap() = Some(("00000002.json", happens));
    let error = put(&lake, Some(second), 3, &["c"]).await.unwrap_err();
    assert_eq!(code(&error), ("table_behind", false));
    let now = opened(&desk.lake).await;
    assert_eq!((now.version(), now.txn("headgate/test")), (0, Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_commits_differ_from_cleaned_up_ones() {
    let desk = TestLake::new().await;
    let mut table = desk.table().await;
    for batch in 2..=5 {
        table = put(&desk.lake, Some(table), batch, &["b"]).await.unwrap();
    }
    let missing = async || {
        let app = "headgate/test";
        let traces = (0..5).map(|at| Trace { version: at, app, batch: at as i64 + 1, id: None });
        desk.lake.missing(&name(), traces).await.unwrap()
    };
    assert_eq!(missing().await, Vec::<i64>::new());
    fs::remove_file(desk.version(0)).unwrap();
    fs::remove_file(desk.version(1)).unwrap();
    assert_eq!(missing().await, Vec::<i64>::new(), "cleaned up");
    fs::remove_file(desk.version(3)).unwrap();
    assert_eq!(missing().await, [4]);
    desk.commit(4, &[json!({"txn": {"appId": "headgate/other", "version": 5}})]);
    assert_eq!(missing().await, [4, 5]);
    fs::remove_dir_all(desk.path("s/t")).unwrap();
    assert_eq!(missing().await, [1, 2, 3, 4, 5]);
}

/// A change of a table's metadata.
type Change = Box<dyn Fn(&mut Value)>;

#[tokio::test(flavor = "multi_thread")]
async fn unsupported_writer_features_are_refused() {
    let field = |metadata: &mut Value, change: &dyn Fn(&mut Value)| {
        let mut schema: Value =
            serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
        change(&mut schema["fields"][1]);
        metadata["schemaString"] = json!(schema.to_string());
    };
    let set = |key: &'static str, value: &'static str| {
        move |metadata: &mut Value| metadata["configuration"][key] = json!(value)
    };
    let noted = |key: &'static str| {
        move |metadata: &mut Value| field(metadata, &|field| field["metadata"][key] = json!("1"))
    };
    let asks: Vec<(&str, Change)> = vec![
        ("the constraint `small`", Box::new(set("delta.constraints.small", "n < 3"))),
        ("column mapping by name", Box::new(set("delta.columnMapping.mode", "name"))),
        ("is partitioned", Box::new(|metadata| metadata["partitionColumns"] = json!(["n"]))),
        ("NOT NULL", Box::new(move |m| field(m, &|field| field["nullable"] = json!(false)))),
        ("a date, a type", Box::new(move |m| field(m, &|field| field["type"] = json!("date")))),
        ("an invariant", Box::new(noted("delta.invariants"))),
        ("generated", Box::new(noted("delta.generationExpression"))),
        ("has an identity column", Box::new(noted("delta.identity.start"))),
        ("has a default", Box::new(noted("CURRENT_DEFAULT"))),
        ("CHAR or VARCHAR", Box::new(noted("__CHAR_VARCHAR_TYPE_STRING"))),
    ];
    for (what, change) in asks {
        let desk = TestLake::new().await;
        let table = desk.table().await;
        desk.commit(1, &[desk.metadata(change)]);
        let error = desk.other().await.table(&name()).await.unwrap_err();
        assert_eq!(code(&error), ("unsupported_table", false), "{what}: {error}");
        assert!(error.message.contains(what), "{error}");
        assert!(error.hint.is_some(), "{what}");
        let error = put(&desk.lake, Some(table), 2, &["b"]).await.unwrap_err();
        assert_eq!(code(&error), ("unsupported_table", false), "{what}: {error}");
        assert!(!desk.version(2).exists(), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_table_features_are_refused() {
    let legacy = |writer: i32| json!({"minReaderVersion": if writer > 4 { 2 } else { 1 }, "minWriterVersion": writer});
    let both = |feature: &str| json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": [feature], "writerFeatures": [feature]});
    let writer = |feature: &str| json!({"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": [feature]});
    for (protocol, named) in [
        (legacy(2), None),
        (legacy(3), None),
        (legacy(4), None),
        (legacy(5), None),
        (legacy(6), Some("protocol (2, 6)")),
        (writer("appendOnly"), None),
        (writer("invariants"), None),
        (writer("checkConstraints"), None),
        (both("deletionVectors"), None),
        (both("v2Checkpoint"), None),
        (writer("rowTracking"), Some("`rowTracking`")),
        (writer("domainMetadata"), Some("`domainMetadata`")),
        (writer("inCommitTimestamp"), Some("`inCommitTimestamp`")),
        (writer("identityColumns"), Some("`identityColumns`")),
        (writer("clustering"), Some("`clustering`")),
        (writer("icebergCompatV2"), Some("`icebergCompatV2`")),
        (writer("somethingNew"), Some("`somethingNew`")),
        (both("somethingNew"), Some("`somethingNew`")),
        (both("typeWidening"), Some("`typeWidening`")),
    ] {
        let desk = TestLake::new().await;
        desk.table().await;
        desk.commit(1, &[json!({"protocol": protocol})]);
        let lake = desk.other().await;
        match (lake.table(&name()).await, named) {
            (Ok(table), None) => {
                put(&lake, table, 2, &["b"]).await.unwrap_or_else(|e| panic!("{protocol}: {e}"));
            }
            (Err(error), Some(named)) => {
                assert_eq!(code(&error), ("unsupported_table", false), "{protocol}: {error}");
                assert!(error.message.contains(named), "{error}");
            }
            (answer, _) => panic!("{protocol}: {:?}", answer.map(|_| "opened")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_some_tables_may_be_added_but_not_replaced() {
    for (key, is_refused) in [
        ("delta.appendOnly", true),
        ("delta.enableChangeDataFeed", true),
        ("delta.enableDeletionVectors", true),
        ("delta.autoOptimize.optimizeWrite", false),
    ] {
        let desk = TestLake::new().await;
        desk.table().await;
        desk.commit(1, &[desk.metadata(|metadata| metadata["configuration"][key] = json!("true"))]);
        let table = desk.lake.table(&name()).await.unwrap();
        let table = put(&desk.lake, table, 2, &["b"]).await.unwrap();
        let refused = table.refuse_rewriting(&name());
        assert_eq!(refused.is_err(), is_refused, "{key}");
        if let Err(error) = refused {
            assert_eq!(code(&error), ("unsupported_table", false));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_has_the_same_statistics_and_plain_types() {
    let desk = TestLake::new().await;
    let id: ArrayRef = Arc::new(StringViewArray::from(vec!["a", "b"]));
    let at: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1_500, 2_500]));
    let flag: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
    let n: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let all = [("id", id), ("received_at", at), ("table_name", flag), ("n", n)];
    let statistics = ["id", "received_at", "sent_at"].map(str::to_owned);
    let part = |at: &[usize]| {
        let columns = at.iter().map(|at| (all[*at].0, all[*at].1.clone(), true));
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    };
    for (columns, with_values) in
        [(&[0, 1, 2, 3][..], vec!["id", "received_at"]), (&[3, 0], vec!["id"]), (&[2], vec![])]
    {
        let staged = desk.lake.stage(&name(), &statistics, [Ok(part(columns))]).await.unwrap();
        let stats: Value = serde_json::from_str(staged[0]["stats"].as_str().unwrap()).unwrap();
        let keys = |kind: &str| -> Vec<String> {
            let listed = stats[kind].as_object().cloned().unwrap_or_default();
            listed.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(stats["numRecords"], 2);
        assert_eq!(
            (keys("minValues"), keys("maxValues")),
            (
                with_values.iter().map(ToString::to_string).collect(),
                with_values.iter().map(ToString::to_string).collect(),
            )
        );
        let mut counted = keys("nullCount");
        counted.sort();
        assert_eq!(counted, statistics, "{stats}");
        let nulls = |name: &str| if with_values.contains(&name) { 0 } else { 2 };
        for name in &statistics {
            assert_eq!(stats["nullCount"][name], nulls(name), "{name}: {stats}");
        }
        let path = desk.path("s/t").join(staged[0]["path"].as_str().unwrap());
        let file = fs::File::open(path).unwrap();
        let schema = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().schema().clone();
        for field in schema.fields() {
            let wanted = match field.name().as_str() {
                "id" => DataType::Utf8,
                "received_at" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                "n" => DataType::Int64,
                _ => DataType::Boolean,
            };
            assert_eq!(field.data_type(), &wanted);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_writes_leave_no_files() {
    let desk = TestLake::new().await;
    let files = || fs::read_dir(desk.path("s/t")).map_or(0, Iterator::count);
    let broken = || Err(Error::new("broken", "The rows ended."));
    let error = desk.lake.stage(&name(), &[], [Ok(rows(&["a"])), broken()]).await.unwrap_err();
    assert_eq!((&*error.code, files()), ("broken", 0));
    let store = Arc::new(Harm::default());
    *store.lies.lock().unwrap() = Some((".parquet", 1));
    desk.through(&store).stage(&name(), &[], [Ok(rows(&["a"]))]).await.unwrap_err();
    assert_eq!((store.lies.lock().unwrap().unwrap().1, files()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_staged_file_is_staged_file_missing() {
    let desk = TestLake::new().await;
    let staged = desk.lake.stage(&name(), &[], [Ok(rows(&["a"]))]).await.unwrap();
    fs::remove_file(desk.path("s/t").join(staged[0]["path"].as_str().unwrap())).unwrap();
    let lake = desk.other().await;
    let (name, columns, txn, note) = (name(), columns(), txn(1), note());
    let appended = lake.append(&name, None, "x", &columns, &[], &staged, &txn, &note).await;
    assert_eq!(&*appended.unwrap_err().code, "staged_file_missing");
    assert!(!desk.version(0).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_removed_by_restore_are_counted() {
    let desk = TestLake::new().await;
    let mut table = desk.table().await;
    for (batch, ids) in [(2, &["b", "c"][..]), (3, &["d"])] {
        table = put(&desk.lake, Some(table), batch, ids).await.unwrap();
    }
    assert_eq!(desk.lake.restored(&name(), &table, 0).await.unwrap(), None);
    desk.lake
        .load(&name())
        .await
        .unwrap()
        .unwrap()
        .restore()
        .with_version_to_restore(0)
        .await
        .unwrap();
    let table = desk.lake.refresh(&name(), table).await.unwrap();
    let restored = Some(Restored { version: 3, rows: 3 });
    assert_eq!(desk.lake.restored(&name(), &table, 2).await.unwrap(), restored);
    assert_eq!(desk.lake.restored(&name(), &table, 3).await.unwrap(), None);
    // As one that read nothing of it before.
    let other = desk.other().await;
    assert_eq!(other.restored(&name(), &opened(&other).await, 0).await.unwrap(), restored);
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_shortens_the_log_without_changing_the_table() {
    let desk = TestLake::new().await;
    desk.table().await;
    let interval = |metadata: &mut Value| {
        metadata["configuration"]["delta.checkpointInterval"] = json!("5");
    };
    desk.commit(1, &[desk.metadata(interval)]);
    let mut table = opened(&desk.lake).await;
    let checkpoints = || {
        let files = fs::read_dir(desk.path("s/t/_delta_log")).unwrap();
        let mut names: Vec<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name.contains(".checkpoint."));
        names.sort();
        names.iter().map(|name| name[..20].parse().unwrap()).collect::<Vec<u64>>()
    };
    for batch in 2..=12 {
        table = put(&desk.lake, Some(table), batch, &["b"]).await.unwrap();
        desk.lake.maintain(&name(), &mut table).await.unwrap();
        table = desk.lake.refresh(&name(), table).await.unwrap();
    }
    assert_eq!((table.version(), checkpoints()), (12, vec![4, 9]));
    // A month later.
    let past = SystemTime::now() - Duration::from_hours(31 * 24);
    for file in fs::read_dir(desk.path("s/t/_delta_log")).unwrap() {
        let file = fs::File::options().append(true).open(file.unwrap().path()).unwrap();
        file.set_modified(past).unwrap();
    }
    let known = opened(&desk.lake).await;
    for batch in 13..=14 {
        table = put(&desk.lake, Some(table), batch, &["b"]).await.unwrap();
        desk.lake.maintain(&name(), &mut table).await.unwrap();
    }
    assert_eq!(checkpoints(), [9, 14]);
    assert!(!desk.version(8).exists() && desk.version(9).exists());
    let other = desk.other().await;
    let after = opened(&other).await;
    assert_eq!((after.version(), after.txn("headgate/test")), (14, Some(14)));
    assert_eq!(ids(&other).await.len(), 14);
    // A handle from before the cleaning goes on, even if the file of its version is gone.
    for version in 9..14 {
        fs::remove_file(desk.version(version)).unwrap();
    }
    let now = desk.lake.refresh(&name(), known).await.unwrap();
    assert_eq!((now.version(), now.txn("headgate/test")), (14, Some(14)));
    put(&desk.lake, Some(now), 15, &["z"]).await.unwrap();
    assert_eq!(ids(&other).await.len(), 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_costs_no_more_reads_than_a_short_one() {
    let desk = TestLake::new().await;
    desk.table().await;
    let add = desk.actions(0).into_iter().find(|action| action.get("add").is_some()).unwrap();
    let commit = |version: u64| {
        let txn = json!({"txn": {"appId": "headgate/test", "version": version + 1}});
        desk.commit(version, &[txn, add.clone()]);
    };
    let store = Arc::new(Harm::default());
    let mut costs = Vec::new();
    let mut next = 1;
    for length in [10, 1_000] {
        while next < length {
            commit(next);
            next += 1;
        }
        desk.lake.maintain(&name(), &mut opened(&desk.lake).await).await.unwrap();
        for _ in 0..3 {
            commit(next);
            next += 1;
        }
        let lake = desk.through(&store);
        store.counts();
        let table = opened(&lake).await;
        let open = store.counts();
        let table = lake.refresh(&name(), table).await.unwrap();
        let nothing_new = store.counts();
        commit(next);
        next += 1;
        let table = lake.refresh(&name(), table).await.unwrap();
        let one_new = store.counts();
        let table = put(&lake, Some(table), 5_000 + length as i64, &["b"]).await.unwrap();
        let append = store.counts();
        next += 1;
        assert_eq!(table.version(), next - 1);
        costs.push([open, nothing_new, one_new, append]);
    }
    println!("GET, LIST, PUT to open, refresh twice and append: {costs:?}");
    let [short, long] = costs[..] else { panic!() };
    let [open, nothing_new, one_new, append] = long;
    assert!(open[0] <= short[0][0] + 8 && open[1] <= 2, "{costs:?}");
    assert_eq!((nothing_new, one_new, append), ([2, 0, 0], [3, 0, 0], [4, 0, 2]), "{costs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_out_of_the_table_is_refused_whenever_it_appears() {
    let desk = TestLake::new().await;
    let table = desk.table().await;
    let add = json!({"add": {"path": "../x.parquet", "partitionValues": {}, "size": 1, "modificationTime": 0, "dataChange": true}});
    desk.commit(1, std::slice::from_ref(&add));
    for _ in 0..2 {
        let error = desk.lake.refresh(&name(), table.clone()).await.unwrap_err();
        assert_eq!(code(&error), ("foreign_files", false), "{error}");
        let error = put(&desk.lake, Some(table.clone()), 2, &["b"]).await.unwrap_err();
        assert_eq!(code(&error), ("foreign_files", false), "{error}");
        let error = desk.lake.table(&name()).await.unwrap_err();
        assert_eq!(code(&error), ("foreign_files", false), "{error}");
        let error = desk.lake.summary(&name()).await.unwrap_err();
        assert_eq!(code(&error), ("foreign_files", false), "{error}");
    }
    // The same file, changed in its place.
    desk.commit(1, &[json!({"commitInfo": {"operation": "WRITE"}})]);
    let table = opened(&desk.lake).await;
    desk.commit(1, &[json!({"remove": {"path": "/etc/passwd", "dataChange": true}})]);
    let error = desk.lake.refresh(&name(), table).await.unwrap_err();
    assert_eq!(code(&error), ("foreign_files", false), "{error}");
    assert!(!desk.version(2).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn log_files_that_the_library_skips_are_checked_too() {
    let desk = TestLake::new().await;
    let table = desk.table().await;
    // All that says what the table is comes later than its rows.
    let protocol = json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}});
    desk.commit(1, &[protocol, desk.metadata(|_| ())]);
    let lake = desk.other().await;
    assert_eq!(opened(&lake).await.txn("headgate/test"), Some(1));
    assert_eq!(lake.refresh(&name(), table).await.unwrap().version(), 1);
    let mut first = desk.actions(0);
    first.push(json!({"remove": {"path": "/etc/passwd", "dataChange": true}}));
    desk.commit(0, &first);
    let error = desk.other().await.table(&name()).await.unwrap_err();
    assert_eq!(code(&error), ("foreign_files", false), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_vectors_are_noticed_while_they_exist() {
    let desk = TestLake::new().await;
    let features = json!(["deletionVectors"]);
    let protocol = json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}});
    let mut table = desk.table().await;
    let mut add = desk.actions(0).into_iter().find(|action| action.get("add").is_some()).unwrap();
    let path = add["add"]["path"].clone();
    let vector = json!({"storageType": "u", "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^", "offset": 1, "sizeInBytes": 36, "cardinality": 1});
    add["add"]["deletionVector"] = vector.clone();
    let remove = |vector: &Value| json!({"remove": {"path": path, "dataChange": true, "deletionTimestamp": 1, "deletionVector": vector}});
    desk.commit(1, &[protocol, remove(&Value::Null), add.clone()]);
    add["add"]["deletionVector"] = Value::Null;
    for (version, has_vectors) in [(1, true), (2, false)] {
        if version == 2 {
            desk.commit(2, &[remove(&vector), add.clone()]);
        }
        table = desk.lake.refresh(&name(), table).await.unwrap();
        assert_eq!(table.version(), version);
        assert_eq!(table.refuse_rewriting(&name()).is_err(), has_vectors, "{version}");
        assert_eq!(
            opened(&desk.other().await).await.refuse_rewriting(&name()).is_err(),
            has_vectors
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn standing_is_judged_by_the_commits_after_the_last_known() {
    let desk = TestLake::new().await;
    let app = "headgate/test";
    let stands = async |version, batch| {
        desk.lake.standing(&name(), Trace { version, app, batch, id: None }).await.unwrap()
    };
    assert_eq!(stands(0, 1).await, Standing::Gone);
    let mut table = desk.table().await;
    for (batch, ids) in [(2, &["b", "c"][..]), (3, &["d"])] {
        table = put(&desk.lake, Some(table), batch, ids).await.unwrap();
    }
    for (version, batch, expected) in [
        (2, 3, Standing::Whole),
        (0, 1, Standing::Whole),
        // That version is of an earlier batch, or there is none yet.
        (1, 3, Standing::Another),
        (7, 8, Standing::Another),
    ] {
        assert_eq!(stands(version, batch).await, expected, "{version}");
    }
    let other = Trace { version: 2, app: "headgate/other", batch: 3, id: None };
    assert_eq!(desk.lake.standing(&name(), other).await.unwrap(), Standing::Another);
    // Another table took its place in the same log.
    desk.commit(3, &[desk.metadata(|metadata| metadata["id"] = json!("other"))]);
    for (id, expected) in [
        (Some("id1"), Standing::Another),
        (Some("other"), Standing::Whole),
        (None, Standing::Whole),
    ] {
        let trace = Trace { version: 2, app, batch: 3, id };
        assert_eq!(desk.lake.standing(&name(), trace).await.unwrap(), expected, "{id:?}");
    }
    fs::remove_file(desk.version(3)).unwrap();

    // Put back, before and after what is known of.
    desk.lake
        .load(&name())
        .await
        .unwrap()
        .unwrap()
        .restore()
        .with_version_to_restore(0)
        .await
        .unwrap();
    let restored = Standing::Restored { version: 3, rows: 3 };
    assert_eq!((stands(2, 3).await, stands(0, 1).await), (restored, restored));
    let table = desk.lake.refresh(&name(), table).await.unwrap();
    put(&desk.lake, Some(table), 4, &["e"]).await.unwrap();
    assert_eq!((stands(2, 3).await, stands(4, 4).await), (restored, Standing::Whole));

    // The log was cleaned up behind a later commit.
    for version in 0..4 {
        fs::remove_file(desk.version(version)).unwrap();
    }
    assert_eq!((stands(2, 3).await, stands(4, 4).await), (Standing::Unclear, Standing::Whole));
    // Made again, with fewer commits.
    fs::remove_dir_all(desk.path("s/t")).unwrap();
    assert_eq!(stands(4, 4).await, Standing::Gone);
    put_as(&desk.lake, None, "new", &columns(), &txn(9), rows(&["z"])).await.unwrap();
    assert_eq!(stands(4, 4).await, Standing::Another);
}

#[tokio::test(flavor = "multi_thread")]
async fn arrival_finds_the_commit_and_installation_of_a_batch() {
    let desk = TestLake::new().await;
    let arrival = async |batch| desk.lake.arrival(&name(), "headgate/test", batch).await.unwrap();
    assert_eq!(arrival(1).await, None);
    let table = desk.table().await;
    put(&desk.lake, Some(table), 4, &["b"]).await.unwrap();
    let brought = |version| Some(Arrival { version, installation: Some("here".into()) });
    // A later batch stands for those before it, as nothing of a table lands out of turn.
    for (batch, expected) in [(3, brought(1)), (4, brought(1)), (5, None)] {
        assert_eq!(arrival(batch).await, expected, "{batch}");
    }
    desk.commit(2, &[json!({"commitInfo": {"operation": "OPTIMIZE"}})]);
    assert_eq!(arrival(4).await, brought(1));
    assert_eq!(desk.lake.arrival(&name(), "headgate/other", 1).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_put_once_and_read_as_it_was_put() {
    let desk = TestLake::new().await;
    assert_eq!(desk.lake.records("s").await.unwrap(), Records::default());
    let other = desk.other().await;
    assert!(desk.lake.put_record("s", "7.json", b"mine".to_vec()).await.unwrap());
    // Our own, sent again, is ours; another's stays.
    assert!(other.put_record("s", "7.json", b"mine".to_vec()).await.unwrap());
    assert!(!other.put_record("s", "7.json", b"theirs".to_vec()).await.unwrap());
    assert_eq!(other.record("s", "7.json").await.unwrap().as_deref(), Some(&b"mine"[..]));
    assert_eq!(other.record("s", "8.json").await.unwrap(), None);
    for name in
        ["10.json", "9.json", "1-6.json", "1-6.files", "7.released.by-a.json", "x.json", "9.tmp"]
    {
        desk.lake.replace_record("s", name, Vec::new()).await.unwrap();
    }
    let records = other.records("s").await.unwrap();
    assert_eq!(records.batches, [7, 9, 10]);
    let released = [(7, vec!["7.released.by-a.json".to_owned()])].into();
    assert_eq!((records.folded, records.released), (vec![(1, 6)], released));
    assert_eq!(other.recorded_schemas().await.unwrap(), ["s"]);
    desk.lake.remove_record("s", "7.json").await;
    desk.lake.remove_record("s", "7.json").await;
    assert_eq!(other.record("s", "7.json").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_checked_once_across_runs() {
    let desk = TestLake::new().await;
    desk.table().await;
    for version in 1..25 {
        desk.commit(version, &[json!({"txn": {"appId": "headgate/test", "version": version + 1}})]);
    }
    desk.lake.maintain(&name(), &mut opened(&desk.lake).await).await.unwrap();
    let store = Arc::new(Harm::default());
    let open = async |kept: Checkpoints| {
        let lake = desk.through(&store);
        lake.recall(kept);
        store.whole.store(0, Ordering::Relaxed);
        let table = opened(&lake).await;
        assert_eq!((table.version(), table.txn("headgate/test")), (24, Some(25)));
        (store.whole.load(Ordering::Relaxed), lake.new_checkpoints())
    };
    let (whole, kept) = open(Checkpoints::new()).await;
    assert_eq!(kept.len(), 1);
    let (again, nothing) = open(kept.clone()).await;
    assert_eq!((again, nothing.len()), (whole - 1, 0));
    // What is not understood is as nothing.
    let odd = kept.keys().map(|log| (log.clone(), "{}".to_owned())).collect();
    assert_eq!(open(odd).await, (whole, kept.clone()));
    // Another state of the file is another file.
    let checkpoint = desk.path("s/t/_delta_log").join(format!("{:020}.checkpoint.parquet", 24));
    fs::File::options()
        .append(true)
        .open(checkpoint)
        .unwrap()
        .set_modified(SystemTime::now() - Duration::from_hours(1))
        .unwrap();
    let (whole_of_changed, changed) = open(kept.clone()).await;
    assert_eq!(whole_of_changed, whole);
    assert!(!changed.is_empty() && changed != kept);
}
