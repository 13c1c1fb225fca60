//! Merges a batch's identifies into `users`: finds the rows of these users, and replaces them in one commit.
//!
//! [`headgate_events::fold`] decides which values win. If another writer commits in between, the merge starts
//! again from the new version.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray,
    UInt32Array, new_null_array,
};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use arrow_select::interleave::interleave;
use arrow_select::take::take;
use deltalake::arrow::compute::cast;
use deltalake::errors::DeltaTableError;
use deltalake::kernel::{Action, Remove};
use deltalake::logstore::object_store::path::Path;
use deltalake::parquet::arrow::arrow_reader::{ArrowPredicateFn, RowFilter};
use deltalake::protocol::DeltaOperation;
use hashbrown::{DefaultHashBuilder, HashTable};
use headgate_events::{Folded, arrow_field, fold};
use headgate_terms::{Column, Error, Result, Shown, TableName, say};
use serde_json::Value;

use crate::commit::{Committed, Note, Tries, Txn, arrived, has_landed, widened};
use crate::failure::failed;
use crate::files::{DataFile, LogStatistics, column};
use crate::lake::Lake;
use crate::parquet::{TARGET, adds};
use crate::table::{LakeTable, is_same_name};

/// Files that are open at once.
const OPEN: usize = 64;

impl Lake {
    /// Folds a batch's identifies, in plan order, over the rows that a table has of their users: one
    /// row for each, and what the batch does not say stays. Makes the table, with `id` as its id, and
    /// adds columns as needed.
    ///
    /// `columns` are all the table shall have, in order; `planned` becomes `uuid_ts` of every row that
    /// is new or changed, in microseconds. Only files that have such rows are rewritten.
    ///
    /// # Errors
    /// As [`Lake::append`]; `unsupported_table` for a table whose rows may not be replaced,
    /// `int96_timestamps` when a file would be read with wrong times.
    #[expect(clippy::too_many_arguments, reason = "each is another thing of the plan's")]
    pub async fn fold_in(
        &self,
        name: &TableName,
        table: Option<LakeTable>,
        id: &str,
        columns: &[Column],
        statistics: &[String],
        rows: &RecordBatch,
        txn: &Txn,
        note: &Note,
        planned: i64,
    ) -> Result<(LakeTable, Committed)> {
        let doing = say!("fold rows into `{}`", name);
        let ids = Arc::new(Ids::of(rows).map_err(|error| failed(&doing, &error))?);
        let note = Note { rows: ids.count() as u64, ..note.clone() };
        let fold = Fold {
            lake: self,
            name,
            id,
            columns,
            statistics,
            rows,
            ids,
            txn,
            note: &note,
            planned,
            doing,
        };
        let (table, is_found) = fold.until_it_lands(table).await?;
        Ok(arrived(table, &note, is_found))
    }
}

/// A batch's part in one table of users.
struct Fold<'a> {
    lake: &'a Lake,
    name: &'a TableName,
    id: &'a str,
    columns: &'a [Column],
    statistics: &'a [String],
    rows: &'a RecordBatch,
    ids: Arc<Ids>,
    txn: &'a Txn,
    note: &'a Note,
    planned: i64,
    doing: Shown,
}

/// A commit that was sent, and the files that it alone names.
struct Sent {
    answer: Result<LakeTable, DeltaTableError>,
    staged: Vec<Value>,
}

impl Fold<'_> {
    /// The table with the batch in it, and whether it was found there.
    async fn until_it_lands(&self, table: Option<LakeTable>) -> Result<(LakeTable, bool)> {
        let mut tries = Tries::new();
        let mut table = match table {
            Some(table) => Some(self.lake.refresh(self.name, table).await?),
            None => self.lake.table(self.name).await?,
        };
        let is_landed = |table: &LakeTable| has_landed(table, self.txn);
        loop {
            if let Some(table) = table.take_if(|table| is_landed(table)) {
                return Ok((table, true));
            }
            let before = table.as_ref().map(LakeTable::version);
            let sent = match &mut table {
                Some(table) => self.send_over(table).await?,
                None => self.send_new().await?,
            };
            let error = match sent.answer {
                Ok(newer) => {
                    self.lake.no_longer_fresh(self.name, &sent.staged);
                    return Ok((newer, false));
                }
                Err(error) => error,
            };
            let (name, doing) = (self.name, &self.doing);
            table = self.lake.after(name, table, self.txn, doing, &error, &mut tries).await?;
            // Somebody else's commit has the place in the log that this one was sent to, so it cannot
            // land any more.
            let is_lost = |now: &LakeTable| Some(now.version()) > before && !is_landed(now);
            if table.as_ref().is_some_and(is_lost) {
                self.lake.unstage(self.name, &sent.staged).await;
            }
        }
    }

    /// Makes the table with the batch's users.
    async fn send_new(&self) -> Result<Sent> {
        let folded = self.broken(fold(self.rows, None, self.planned))?;
        let written = self.written(&schema(self.columns), None, &folded)?;
        let staged = self.lake.stage(self.name, self.statistics, [Ok(written)]).await?;
        let adds = self.adds(&staged)?.into_iter();
        let answer = self
            .lake
            .create(self.name, self.id, self.columns, self.statistics, adds, self.txn, self.note)
            .await?;
        Ok(Sent { answer, staged })
    }

    /// Folds the batch over a table as it was read.
    async fn send_over(&self, table: &mut LakeTable) -> Result<Sent> {
        table.read_files(self.name).await?;
        table.refuse_rewriting(self.name)?;
        let metadata = widened(table, self.name, self.columns)?;
        let mut columns = table.columns().to_vec();
        columns.extend(table.lacks(self.name, self.columns)?);
        let fields = schema(&columns);

        let found = self.find(table, &fields).await?;
        let folded = self.broken(fold(self.rows, found.rows.as_ref(), self.planned))?;
        let moved = Moved::of(&found, &folded.changed, &self.ids);
        let written = self.written(&fields, Some((&found, &moved)), &folded)?;

        let mut touched = vec![false; found.files.len()];
        for &(user, file) in &found.places {
            touched[file] |= moved.is(user);
        }
        let mut files = found.files;
        files.retain({
            let mut touched = touched.into_iter();
            move |_| touched.next().unwrap_or_default()
        });
        let mut actions: Vec<Action> = metadata.into_iter().collect();
        actions.extend(files.iter().map(|file| Action::Remove(file.remove.clone())));
        let staged = self.rewrite(&files, &fields, &moved, written).await?;
        actions.extend(self.adds(&staged)?);
        Ok(Sent { answer: self.send(table, actions).await?, staged })
    }

    /// The rows that the table has of the batch's users.
    async fn find(&self, table: &LakeTable, fields: &SchemaRef) -> Result<KnownUsers> {
        let snapshot = table.delta.snapshot().map_err(|error| self.failed(&error))?;
        let id = table
            .columns()
            .iter()
            .map(|column| &*column.name)
            .find(|name| is_same_name(name, "id"));
        let may_have = |statistics: &LogStatistics| match id.and_then(|id| statistics.texts(id)) {
            Some((least, most)) => self.ids.any_between(least.as_bytes(), most.as_bytes()),
            None => true,
        };
        let files: Vec<_> = snapshot
            .log_data()
            .iter()
            .filter(|file| may_have(&LogStatistics::read(file.stats().as_deref())))
            .map(|file| Held {
                path: self.lake.file_of(self.name, &file.object_store_path()),
                remove: file.remove_action(true),
            })
            .collect();
        let (mut found, mut rows) = (KnownUsers::default(), Vec::new());
        for held in files {
            let file = DataFile::open(self.lake, &held.path, &self.doing).await?;
            if file.has_int96() {
                return Err(int96(self.name, &held.path));
            }
            let (ids, fields, doing) = (self.ids.clone(), fields.clone(), self.doing.clone());
            let search = move || search(&file, &ids, &fields, &doing);
            let hits = tokio::task::spawn_blocking(search).await;
            let hits = hits.map_err(|error| self.failed(&error))??;
            if hits.is_empty() {
                continue;
            }
            let users = hits.iter().flat_map(|rows| self.ids.users(rows));
            found.places.extend(users.map(|user| (user, found.files.len())));
            found.files.push(held);
            rows.extend(hits);
        }
        if !rows.is_empty() {
            let rows = self.broken(concat_batches(fields, &rows))?;
            self.broken(found.take(rows, self.ids.count()))?;
        }
        Ok(found)
    }

    /// The rows to be written: those that leave their files, with what the batch says of them, and
    /// those that the table does not have.
    fn written(
        &self,
        fields: &SchemaRef,
        had: Option<(&KnownUsers, &Moved)>,
        folded: &Folded,
    ) -> Result<RecordBatch> {
        let (old, moved) = match had {
            Some((found, moved)) => {
                let row = |(row, user): (usize, &u32)| (row, moved.0[*user as usize]);
                (found.rows.as_ref(), found.users.iter().enumerate().map(row).collect())
            }
            None => (None, Vec::new()),
        };
        let count = moved.iter().filter(|(_, how)| *how != How::Stays).count();
        let new = 0..folded.new.num_rows();
        let stamps = TimestampMicrosecondArray::from(vec![self.planned; count + new.len()]);
        let stamps: ArrayRef = Arc::new(stamps.with_timezone("UTC"));
        let columns = fields.fields().iter().map(|field| {
            if is_same_name(field.name(), "uuid_ts") && field.data_type() == stamps.data_type() {
                return Ok(stamps.clone());
            }
            let null = new_null_array(field.data_type(), 1);
            let sources = [
                old.and_then(|rows| column(rows, field.name())),
                column(&folded.changed, field.name()),
                column(&folded.new, field.name()),
            ];
            let said = sources[2].is_some();
            let old = moved.iter().filter_map(|&(row, how)| match how {
                How::Stays => None,
                How::Changes(change) if said => Some((1, change)),
                How::Changes(_) | How::Doubled => Some((0, row)),
            });
            let new = new.clone().map(|row| if said { (2, row) } else { (3, 0) });
            let picks: Vec<_> = old.chain(new).collect();
            let [old, changed, new] = sources.map(|column| column.unwrap_or(&null).as_ref());
            interleave(&[old, changed, new, null.as_ref()], &picks)
        });
        let columns = self.broken(columns.collect::<Result<Vec<_>, _>>())?;
        self.broken(RecordBatch::try_new(fields.clone(), columns))
    }

    /// Rewrites files without the rows that leave them, and writes these rows. A large file stays one of
    /// its own, so that what its statistics say stays narrow; small ones become one.
    async fn rewrite(
        &self,
        files: &[Held],
        fields: &SchemaRef,
        moved: &Moved,
        written: RecordBatch,
    ) -> Result<Vec<Value>> {
        let (large, small): (Vec<_>, Vec<_>) =
            files.iter().partition(|file| file.bytes() >= TARGET / 2);
        let mut groups: Vec<Vec<&Held>> = large.into_iter().map(|file| vec![file]).collect();
        groups.push(Vec::new());
        let mut bytes = 0;
        for file in small {
            if bytes >= TARGET || groups.last().is_some_and(|group| group.len() == OPEN) {
                groups.push(Vec::new());
                bytes = 0;
            }
            bytes += file.bytes();
            groups.last_mut().into_iter().for_each(|group| group.push(file));
        }
        let (mut staged, mut written) = (Vec::new(), Some(written));
        let last = groups.len() - 1;
        for (at, group) in groups.into_iter().enumerate() {
            let written = if at == last { written.take() } else { None };
            match self.rewrite_as_one(&group, fields, moved, written).await {
                Ok(files) => staged.extend(files),
                Err(error) => {
                    self.lake.unstage(self.name, &staged).await;
                    return Err(error);
                }
            }
        }
        Ok(staged)
    }

    async fn rewrite_as_one(
        &self,
        files: &[&Held],
        fields: &SchemaRef,
        moved: &Moved,
        written: Option<RecordBatch>,
    ) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        for file in files {
            let file = DataFile::open(self.lake, &file.path, &self.doing).await?;
            rows.push(file.rows(fields, file.groups().collect(), None, &self.doing)?);
        }
        let stay = |rows: RecordBatch| self.broken(moved.without(&rows, &self.ids));
        let rows = rows.into_iter().flatten().map(|rows| rows.and_then(stay));
        self.lake.stage(self.name, self.statistics, rows.chain(written.map(Ok))).await
    }

    /// Sends one commit right behind the version that was read, or none at all: the library's own look
    /// at conflicts lets a rewrite pass that says it changed no data, and what that moved would be
    /// there twice.
    async fn send(
        &self,
        table: &LakeTable,
        actions: Vec<Action>,
    ) -> Result<Result<LakeTable, DeltaTableError>> {
        let operation = DeltaOperation::Merge {
            predicate: None,
            merge_predicate: None,
            matched_predicates: Vec::new(),
            not_matched_predicates: Vec::new(),
            not_matched_by_source_predicates: Vec::new(),
        };
        self.lake.send(self.name, table, actions, operation, self.txn, self.note).await
    }

    fn adds(&self, staged: &[Value]) -> Result<Vec<Action>> {
        Ok(adds(staged, &self.doing)?.into_iter().map(Action::Add).collect())
    }

    fn failed(&self, error: &(dyn std::error::Error + 'static)) -> Error {
        failed(&self.doing, error)
    }

    fn broken<T>(&self, made: Result<T, ArrowError>) -> Result<T> {
        made.map_err(|error| self.failed(&error))
    }
}

/// A file that has rows of the batch's users.
struct Held {
    path: Path,
    remove: Remove,
}

impl Held {
    fn bytes(&self) -> u64 {
        self.remove.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default()
    }
}

/// What a table has of the batch's users.
#[derive(Default)]
struct KnownUsers {
    files: Vec<Held>,
    /// Of every row its user, and the file it is in.
    places: Vec<(u32, usize)>,
    /// One row for each user that has any.
    rows: Option<RecordBatch>,
    /// The users of these rows.
    users: Vec<u32>,
    /// Users of whom there was more than one row.
    doubled: Vec<u32>,
}

impl KnownUsers {
    /// Takes all rows. Where several writers added the same user, their rows become one: of each
    /// column the latest value by the time its row was received.
    fn take(&mut self, rows: RecordBatch, users: usize) -> Result<(), ArrowError> {
        let mut slots = vec![None; users];
        for &(user, _) in &self.places {
            if slots[user as usize].is_some() {
                self.doubled.push(user);
            } else {
                slots[user as usize] = Some(self.users.len());
                self.users.push(user);
            }
        }
        if self.doubled.is_empty() {
            self.rows = Some(rows);
            return Ok(());
        }
        let mut order: Vec<usize> = (0..rows.num_rows()).collect();
        if let Some(times) = column(&rows, "received_at").and_then(|c| c.as_primitive_opt()) {
            let times: &TimestampMicrosecondArray = times;
            order.sort_by_key(|&row| times.is_valid(row).then(|| times.value(row)));
        }
        let columns = rows.columns().iter().map(|values| {
            let mut picks = vec![None; self.users.len()];
            for &row in order.iter().filter(|&&row| values.is_valid(row)) {
                if let Some(slot) = slots[self.places[row].0 as usize] {
                    picks[slot] = Some(row as u32);
                }
            }
            take(values, &UInt32Array::from(picks), None)
        });
        self.rows = Some(RecordBatch::try_new(rows.schema(), columns.collect::<Result<_, _>>()?)?);
        Ok(())
    }
}

/// What becomes of the row that a user has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// Nothing.
    Stays,
    /// There were several, which are one now.
    Doubled,
    /// It takes this row of the changes.
    Changes(usize),
}

/// What becomes of the row that each user has.
struct Moved(Vec<How>);

impl Moved {
    fn of(found: &KnownUsers, changed: &RecordBatch, ids: &Ids) -> Self {
        let mut moved = vec![How::Stays; ids.count()];
        for &user in &found.doubled {
            moved[user as usize] = How::Doubled;
        }
        for (row, user) in ids.users(changed).enumerate() {
            moved[user as usize] = How::Changes(row);
        }
        Self(moved)
    }

    fn is(&self, user: u32) -> bool {
        self.0[user as usize] != How::Stays
    }

    /// The rows that stay where they are.
    fn without(&self, rows: &RecordBatch, ids: &Ids) -> Result<RecordBatch, ArrowError> {
        let Some(texts) = column(rows, "id").and_then(|ids| ids.as_string_opt::<i32>()) else {
            return Ok(rows.clone());
        };
        let leaves = |id: Option<&str>| id.and_then(|id| ids.get(id)).is_some_and(|u| self.is(u));
        let stay: BooleanArray = texts.iter().map(|id| Some(!leaves(id))).collect();
        filter_record_batch(rows, &stay)
    }
}

/// The rows of a file that have one of these ids.
fn search(
    file: &DataFile,
    ids: &Arc<Ids>,
    fields: &SchemaRef,
    doing: &Shown,
) -> Result<Vec<RecordBatch>> {
    let mut hits = Vec::new();
    for group in file.groups() {
        if file.texts(group, "id").is_some_and(|(least, most)| !ids.any_between(least, most)) {
            continue;
        }
        let ids = ids.clone();
        let has = ArrowPredicateFn::new(file.mask(["id"]), move |rows| ids.among(&rows));
        let filter = RowFilter::new(vec![Box::new(has)]);
        for rows in file.rows(fields, vec![group], Some(filter), doing)? {
            hits.extend(Some(rows?).filter(|rows| rows.num_rows() > 0));
        }
    }
    Ok(hits)
}

/// The users of a batch, each with a number, without copies of their ids.
struct Ids {
    texts: StringArray,
    /// A row with the id, and the user's number.
    table: HashTable<(u32, u32)>,
    hasher: DefaultHashBuilder,
    /// A row of each user, in order of id.
    sorted: Vec<u32>,
}

impl Ids {
    fn of(rows: &RecordBatch) -> Result<Self, ArrowError> {
        let texts = column(rows, "id").and_then(|ids| ids.as_string_opt::<i32>());
        let missing = || ArrowError::SchemaError("the rows have no ids".to_owned());
        let texts = texts.ok_or_else(missing)?.clone();
        let (mut table, hasher) = (HashTable::new(), DefaultHashBuilder::default());
        let mut sorted: Vec<u32> = Vec::new();
        for (row, id) in texts.iter().enumerate() {
            let Some(id) = id else { continue };
            let hash = |row: u32| hasher.hash_one(texts.value(row as usize));
            table
                .entry(
                    hasher.hash_one(id),
                    |&(row, _)| texts.value(row as usize) == id,
                    |&(row, _)| hash(row),
                )
                .or_insert_with(|| {
                    sorted.push(row as u32);
                    (row as u32, sorted.len() as u32 - 1)
                });
        }
        sorted.sort_by_key(|&row| texts.value(row as usize));
        Ok(Self { texts, table, hasher, sorted })
    }

    fn count(&self) -> usize {
        self.sorted.len()
    }

    fn get(&self, id: &str) -> Option<u32> {
        let same = |&(row, _): &(u32, u32)| self.texts.value(row as usize) == id;
        self.table.find(self.hasher.hash_one(id), same).map(|&(_, user)| user)
    }

    /// The users of rows that all have one.
    fn users(&self, rows: &RecordBatch) -> impl Iterator<Item = u32> {
        let texts = column(rows, "id").and_then(|ids| ids.as_string_opt::<i32>()).cloned();
        let users =
            texts.iter().flat_map(|texts| texts.iter().flatten().filter_map(|id| self.get(id)));
        users.collect::<Vec<_>>().into_iter()
    }

    /// Whether some id may be between two texts, the greater of which may be cut.
    fn any_between(&self, least: &[u8], most: &[u8]) -> bool {
        let text = |row: u32| self.texts.value(row as usize).as_bytes();
        let next = self.sorted.partition_point(|&row| text(row) < least);
        self.sorted.get(next).is_some_and(|&row| text(row) <= most || text(row).starts_with(most))
    }

    /// Which rows have one of these ids.
    fn among(&self, rows: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let Some(ids) = column(rows, "id") else { return Ok(vec![false; rows.num_rows()].into()) };
        let ids = cast(ids, &DataType::Utf8View)?;
        let has = |id: Option<&str>| Some(id.is_some_and(|id| self.get(id).is_some()));
        Ok(ids.as_string_view().iter().map(has).collect())
    }
}

fn schema(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(arrow_field).collect::<Vec<_>>()))
}

/// Refuses a file whose timestamps would be read wrongly.
fn int96(name: &TableName, path: &Path) -> Error {
    Error::new(
        "int96_timestamps",
        say!("`{}` has a file, `/{}`, with timestamps in Spark's old form.", name, path.as_ref()),
    )
    .hint(
        "Rewrite it in Spark with `spark.sql.parquet.outputTimestampType` set to \
         `TIMESTAMP_MICROS`, then run the sync again.",
    )
}

#[cfg(test)]
mod tests;
