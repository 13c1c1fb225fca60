//! [`preview`]: the tables, columns, discarded values and rejected lines that a sync of some events would
//! make. It decides as a run does, and writes nothing.
//!
//! [`Preview`] and its parts are the answer, as `contract.md` documents it. Values are cut to a length.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arrow_array::RecordBatch;
use headgate_events::{Catalog, Discard, Existing, OfType, ShredOptions, Table, TableColumn, fold};
use headgate_lake::{ANSWER, Lake, Location, caught, cut, text_rows, weight};
use headgate_store::{Ledger, Store};
use headgate_terms::{Column, ColumnType, Error, Result, TableName, say};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::runtime::Handle;
use ts_rs::TS;

use crate::batch::{Entry, Feed, ReadBatch, SideOutputs, Stopped};
use crate::choice::{self, Chosen, ColumnChoice};
use crate::dead_letters::{FirstRejected, RejectedLine};
use crate::folder::DataFolder;
use crate::installation::Installation;
use crate::report::{Counted, Damaged, NoticeCount};
use crate::run::{ActiveRun, Observer, Progress, RunRequest, id_of, key_of, millis, refuse_copy};
use crate::source::{DataFile, SourceFiles, find};
use crate::summary::{Summary, behind_of};
use crate::tables::{State, Tables};
use crate::tally::{LINKS, Tally};
use crate::window::{SeenWindow, earlier, span_of};

/// What to look at.
#[derive(Debug, Clone)]
pub struct PreviewRequest {
    /// A folder or a file.
    pub from: PathBuf,
    /// A lake to compare with.
    pub lake: Option<String>,
    /// The source's name; `None` takes it from the files' place.
    pub source: Option<String>,
    /// Types for columns that the lake does not have yet, beside those that are kept for it (E29).
    pub columns: Vec<ColumnChoice>,
    /// Whether links that lead out of the folder are followed.
    pub follow_links: bool,
    /// The most inflated bytes in one batch, for types are decided batch by batch (E6).
    pub batch_bytes: u64,
    /// Where earlier runs are remembered.
    pub data: DataFolder,
}

impl PreviewRequest {
    /// With the settings as they come, and no lake.
    #[must_use]
    pub fn new(from: PathBuf, data: DataFolder) -> Self {
        let RunRequest { batch_bytes, data, .. } = RunRequest::new(None, String::new(), data);
        let (lake, source, columns) = (None, None, Vec::new());
        Self { from, lake, source, columns, follow_links: false, batch_bytes, data }
    }
}

/// What would come of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct Preview {
    /// The shape's version.
    pub v: u32,
    /// Events in total.
    pub events: PreviewEvents,
    /// The tables that would get rows.
    pub tables: Vec<PreviewTable>,
    /// Values that would be set aside.
    pub discards: Vec<PreviewDiscard>,
    /// Files that cannot be read, or not to their end.
    pub damaged: Vec<Damaged>,
    /// What else is worth knowing.
    #[serde(default)]
    pub notices: Vec<NoticeCount>,
    /// Lines that are no event, by reason.
    #[serde(default)]
    pub rejected: Vec<Counted>,
    /// The first of those lines, in the order in which they were read.
    #[serde(default)]
    pub rejected_lines: Vec<RejectedLine>,
    /// Files that are left out: not data by their name, no files, or links that lead out of the folder.
    #[serde(default)]
    pub ignored: u64,
    /// The first of those files, by their paths below the folder.
    #[serde(default)]
    pub ignored_files: Vec<String>,
}

/// How many events there are.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, TS)]
pub struct PreviewEvents {
    /// Lines that are events or meant to be.
    pub received: u64,
    /// Those that landed before.
    pub duplicate: u64,
    /// Lines that are not events.
    pub rejected: u64,
}

/// A table as it would be.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PreviewTable {
    /// Its schema.
    pub schema: String,
    /// Its name there.
    pub table: String,
    /// `new`, `changed` or `unchanged`.
    pub state: String,
    /// Rows it would get; merged rows for `users`.
    pub rows: u64,
    /// All its columns.
    pub columns: Vec<PreviewColumn>,
    /// Some of its rows, each with a text or none for every column.
    pub sample: Vec<Vec<Option<String>>>,
    /// Why a run could not write it.
    pub error: Option<Error>,
}

/// A column as it would be.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PreviewColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// `new`, `mixed` (a new one that becomes STRING because its values are of several types), `unchanged` or
    /// `conflict`.
    pub state: String,
    /// The paths that fill it, as sent.
    pub from: Vec<String>,
    /// Rows that would have a value.
    pub filled: u64,
    /// Values that its type cannot hold.
    pub discarded: u64,
    /// Of a new column whose values are of several types that have no type in common but STRING: how many
    /// there are of each.
    #[serde(default)]
    pub mixture: Option<Vec<PreviewType>>,
    /// Whether its type can be chosen: no table has it yet, and it is not a fixed one (E29).
    #[serde(default)]
    pub choosable: bool,
    /// Whether its type was chosen.
    #[serde(default)]
    pub chosen: bool,
}

/// The values of one type that a column would get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PreviewType {
    /// The type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// How many.
    pub count: u64,
    /// The first of them, cut; null where the answer has no room for it.
    pub example: Option<String>,
}

/// Values set aside, with one of them.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PreviewDiscard {
    /// The schema of the table.
    pub schema: String,
    /// The table whose rows would miss them.
    pub table: String,
    /// Its column, or the path as sent where there is none.
    pub column: String,
    /// Why.
    pub reason: String,
    /// How many.
    pub count: u64,
    /// One of them.
    pub sample: String,
}

/// Looks at events as a run would whose files are all new.
///
/// # Errors
/// As a run before it begins, when something cannot be read, and `cancelled`.
pub fn preview(request: &PreviewRequest, handle: &Handle, watch: &dyn Observer) -> Result<Preview> {
    let location = request.lake.as_deref().map(Location::parse).transpose()?;
    let data = request.data.real();
    let mut apart = vec![data.as_path()];
    apart.extend(location.as_ref().map(Location::folder));
    let found = find(&request.from, &apart, request.source.as_deref(), request.follow_links)?;
    let lake = match location {
        Some(location) => handle.block_on(caught(Lake::open_if_any(location)))?,
        None => None,
    };
    let store = match &lake {
        Some(_) => Store::open_if_any(request.data.path())?,
        None => None,
    };
    if let (Some(lake), Some(store)) = (&lake, &store) {
        refuse_copy(lake, handle, store)?;
    }
    let lake_key = lake.as_ref().map(key_of);
    let lake_id = lake.as_ref().map(id_of).unwrap_or_default();
    let most_columns = RunRequest::new(None, String::new(), request.data.clone()).most_columns;
    choice::refuse_other_schemas(&request.columns, &found, None)?;
    let mut tables = lake.map(|lake| Tables::new(lake, handle.clone(), most_columns));
    let choices = choice::open(&request.columns, tables.as_mut())?;
    let mut looking = PreviewRun {
        lakes: LakeCatalog {
            tables,
            schema: String::new(),
            planned: BTreeMap::new(),
            refusals: BTreeMap::new(),
            chosen: Chosen::default(),
        },
        choices,
        lake_id,
        lake_key,
        handle,
        store: store.as_ref(),
        whole: Whole::default(),
        batch_bytes: request.batch_bytes,
        watch,
        begun: Instant::now(),
        total: found.files.iter().map(|file| file.size).sum(),
        read: Arc::default(),
    };
    looking.whole.preview.ignored = found.ignored;
    looking.whole.preview.ignored_files = found.ignored_names.into_iter().collect();
    if found.links > 0 {
        looking.whole.preview.notices.push(NoticeCount {
            code: "links_not_followed".to_owned(),
            message: LINKS.into(),
            count: found.links,
        });
    }
    let mut files = found.files.into_iter().peekable();
    while let Some(first) = files.next() {
        let mut of_source = vec![first];
        while let Some(next) = files.next_if(|next| next.source == of_source[0].source) {
            of_source.push(next);
        }
        looking.source(&of_source)?;
    }
    Ok(looking.whole.finish())
}

/// A running preview.
struct PreviewRun<'l> {
    lakes: LakeCatalog,
    /// What was chosen for this preview.
    choices: Vec<ColumnChoice>,
    lake_id: String,
    lake_key: Option<String>,
    handle: &'l Handle,
    store: Option<&'l Store>,
    whole: Whole,
    batch_bytes: u64,
    watch: &'l dyn Observer,
    begun: Instant,
    total: u64,
    read: Arc<AtomicU64>,
}

impl PreviewRun<'_> {
    fn source(&mut self, files: &[DataFile]) -> Result<()> {
        let settings = RunRequest::new(None, String::new(), DataFolder::new(PathBuf::new()));
        let (source, schema) = (files[0].source.clone(), files[0].schema.clone());
        self.lakes.schema.clone_from(&schema);
        let taken_in = self.taken_in(&schema, files)?;
        let store = taken_in.as_ref().map(|(_, store)| store).or(self.store);
        let ledger = match (store, &self.lake_key) {
            (Some(store), Some(lake)) => store.ledger(lake, &schema)?,
            _ => None,
        };
        self.check(&schema, ledger.as_ref())?;
        let mut entries = Vec::new();
        for file in files {
            let before = match (store, &ledger) {
                (Some(store), Some(ledger)) => store.file(ledger.id, &file.key)?,
                _ => None,
            };
            entries.push(Entry::file(file, before.as_ref(), false));
        }
        let mut feed = Feed::new(source, schema.clone(), entries, self.read.clone());
        let planned = Timestamp::now().as_microsecond();
        let earlier = store.zip(ledger.as_ref()).map(|(store, ledger)| (store, ledger.id));
        let newest = ledger.as_ref().and_then(|ledger| ledger.newest);
        let summary = ledger.as_ref().map(|ledger| Summary::read(&ledger.summary));
        let summary = summary.unwrap_or_default();
        let chosen = Chosen::of(&summary, self.store, &self.lake_id, &schema)?;
        self.lakes.chosen = chosen.with(&self.choices, &schema);
        let span = span_of(&summary, settings.window);
        let mut window = SeenWindow::new(earlier, span, planned, newest);
        let plan = ShredOptions { planned, most_columns: settings.most_columns };
        let (watch, read, total, begun) = (self.watch, self.read.clone(), self.total, self.begun);
        let events = self.whole.preview.events.received;
        let look_on = || {
            watch.progress(&Progress {
                phase: "reading",
                ms: millis(begun),
                read: read.load(Ordering::Relaxed),
                total: Some(total),
                events,
                ..Progress::default()
            });
            watch.cancelled()
        };
        while !feed.is_empty() {
            let aside = SideOutputs { letters: Some(&mut self.whole.first_rejected), held: None };
            let most = self.batch_bytes;
            let read = feed.read(most, plan, &mut self.lakes, &mut window, aside, &look_on);
            let read = match read {
                Ok(_) if watch.cancelled() => return Err(cancelled()),
                Ok(read) => read,
                Err(Stopped::Failed(error)) => return Err(error),
                Err(Stopped::Cancelled) => return Err(cancelled()),
            };
            window.next_batch()?;
            self.whole.count(&schema, &read);
            for table in &read.batch.tables {
                let chosen = self.lakes.chosen.of_table(&table.name);
                self.whole.table(&schema, table, planned, &self.lakes.refusals, &chosen)?;
                self.lakes.refusals.remove(&table.name);
                if table.rows > 0 {
                    self.lakes.planned.insert(
                        TableName { schema: schema.clone(), table: table.name.clone() },
                        Existing::Table(table.schema()),
                    );
                }
            }
        }
        Ok(())
    }
}

impl PreviewRun<'_> {
    /// What the lake knows of a schema and the data folder does not, as a run would take it in: in a store that
    /// goes with the preview. `None` when the data folder knows all of it.
    fn taken_in(&self, schema: &str, files: &[DataFile]) -> Result<Option<(TempDir, Store)>> {
        let (Some(tables), Some(key)) = (&self.lakes.tables, &self.lake_key) else {
            return Ok(None);
        };
        let lake = &tables.lake;
        let ledger = self.store.map(|store| store.ledger(key, schema)).transpose()?.flatten();
        let records = self.handle.block_on(caught(lake.records(schema)))?;
        if let (Some(store), Some(ledger)) = (self.store, &ledger)
            && ledger.applied > 0
            && records.last() <= ledger.applied
            && reach(store, ledger, files)?.is_none()
        {
            return Ok(None);
        }
        let folder = tempfile::tempdir().map_err(|error| {
            Error::new("permission_denied", say!("No temporary folder could be made: {}.", error))
                .hint("Name one that this user may write with the environment variable `TMPDIR`.")
        })?;
        let store = Store::open(folder.path())?;
        let data = DataFolder::new(folder.path().to_owned());
        let request = RunRequest::new(None, String::new(), data);
        let me = Installation { id: "preview".to_owned(), name: "a preview".to_owned() };
        let tally = Tally::new(String::new(), None, String::new(), &SourceFiles::default());
        let (lake, watch) = (lake.clone(), self.watch);
        let mut running = ActiveRun::new(&request, watch, self.handle, store, me, lake, tally);
        running.catch_up(schema)?;
        if let Some(ledger) = running.store.ledger(key, schema)?
            && let Some(floor) = reach(&running.store, &ledger, files)?
        {
            running.take_ids(schema, Some(floor))?;
        }
        Ok(Some((folder, running.store)))
    }

    /// Finds the tables of a schema that lack what they should have: a run does not write them (E27).
    fn check(&mut self, schema: &str, ledger: Option<&Ledger>) -> Result<()> {
        let Some(tables) = &mut self.lakes.tables else { return Ok(()) };
        for (name, error) in behind_of(&tables.lake, self.handle, schema, ledger)? {
            tables.refuse(name, error);
        }
        Ok(())
    }
}

/// The oldest event that files landed before, where that is further back than ids are kept (E1).
fn reach(store: &Store, ledger: &Ledger, files: &[DataFile]) -> Result<Option<i64>> {
    let mut floor = None;
    for file in files {
        floor = earlier(floor, store.file(ledger.id, &file.key)?.and_then(|known| known.oldest));
    }
    Ok(floor.filter(|floor| ledger.horizon.is_some_and(|horizon| *floor < horizon)))
}

fn cancelled() -> Error {
    Error::new("cancelled", "The preview was stopped on request.")
        .hint("Nothing was written; start it again.")
        .retryable()
}

/// The lake's tables if there is a lake, with what the batches before have made of them.
struct LakeCatalog {
    tables: Option<Tables>,
    schema: String,
    planned: BTreeMap<TableName, Existing>,
    /// Why tables refuse, until it was reported.
    refusals: BTreeMap<String, Error>,
    /// The types that count for columns which the tables of this schema do not have.
    chosen: Chosen,
}

impl Catalog for LakeCatalog {
    fn table(&mut self, table: &str) -> Existing {
        let name = TableName { schema: self.schema.clone(), table: table.to_owned() };
        if let Some(existing) = self.planned.get(&name) {
            return existing.clone();
        }
        let Some(tables) = &mut self.tables else { return Existing::No };
        match tables.state(&name) {
            State::Table(columns) => Existing::Table(columns),
            State::No => Existing::No,
            State::Refused(error) => {
                self.refusals.insert(table.to_owned(), error);
                self.planned.insert(name, Existing::Refused);
                Existing::Refused
            }
        }
    }

    fn chosen(&mut self, table: &str) -> Vec<Column> {
        self.chosen.of_table(table)
    }

    fn counts_types(&self) -> bool {
        true
    }
}

/// How many rows a sample has.
const SAMPLE: usize = 20;
/// How many of the paths that fill a column are reported.
const MOST_PATHS: usize = 100;

impl PreviewTable {
    /// Adds rows to the sample until it is full, in the order of the columns. Returns what they take.
    fn add_sample(&mut self, rows: &RecordBatch, mut room: usize) -> Result<usize> {
        let before = room;
        for row in &mut self.sample {
            row.resize(self.columns.len(), None);
        }
        let rows = rows.slice(0, rows.num_rows().min(SAMPLE - self.sample.len()));
        let schema = rows.schema();
        let places: Vec<Option<usize>> = schema
            .fields()
            .iter()
            .map(|field| self.columns.iter().position(|column| column.name == *field.name()))
            .collect();
        for row in text_rows(&rows)? {
            let Some(left) = room.checked_sub(weight(&row.values)) else { break };
            room = left;
            let mut shown = vec![None; self.columns.len()];
            for (value, place) in row.values.into_iter().zip(&places) {
                if let Some(place) = place {
                    shown[*place] = value;
                }
            }
            self.sample.push(shown);
        }
        Ok(before - room)
    }
}

impl PreviewColumn {
    /// Adds values by their types. An example is kept where an answer that takes so much has room for it.
    /// Returns what the examples take.
    fn count_types(&mut self, types: &[OfType], taken: usize) -> usize {
        let mut more = 0;
        let known = self.mixture.get_or_insert_default();
        for of in types {
            if let Some(known) = known.iter_mut().find(|known| known.kind == of.kind) {
                known.count += of.count;
                continue;
            }
            let example = Some(of.example.clone());
            let weight = weight(std::slice::from_ref(&example));
            let has_room = taken + more + weight <= ANSWER;
            more += if has_room { weight } else { 0 };
            let example = example.filter(|_| has_room);
            known.push(PreviewType { kind: of.kind, count: of.count, example });
        }
        more
    }

    /// Says that it mixes types, when all its values have come.
    fn settle(&mut self) {
        let is_number =
            |of: &PreviewType| matches!(of.kind, ColumnType::BigInt | ColumnType::Double);
        self.mixture =
            self.mixture.take().filter(|types| types.len() > 1 && !types.iter().all(is_number));
        if let Some(types) = &mut self.mixture {
            types.sort_by_key(|of| std::cmp::Reverse(of.count));
            if self.state == "new" && !self.chosen && self.kind == ColumnType::String {
                "mixed".clone_into(&mut self.state);
            }
        }
    }
}

/// A value as a preview shows it.
fn shown(value: &str) -> String {
    let mut value = value.to_owned();
    cut(&mut value);
    value
}

fn unfit(table: &str, error: &dyn std::fmt::Display) -> Error {
    Error::new("internal", say!("`{}` does not fit: {}.", table, error.to_string()))
        .hint("Keep the input; this is a defect in Headgate.")
}

#[derive(Default)]
struct Whole {
    preview: Preview,
    discards: BTreeMap<(String, String, String, &'static str), (u64, String)>,
    rejected: BTreeMap<&'static str, u64>,
    first_rejected: FirstRejected,
    /// What the samples of rows and of discards take, about, of what one answer may.
    taken: usize,
}

impl Whole {
    fn count(&mut self, schema: &str, read: &ReadBatch) {
        self.preview.damaged.extend(read.damaged.iter().cloned());
        for notice in read.notices() {
            notice.add_to(&mut self.preview.notices);
        }
        for (reason, count) in &read.rejected {
            *self.rejected.entry(reason.code()).or_default() += count;
        }
        let rejected: u64 = read.rejected.values().sum();
        let events = &mut self.preview.events;
        events.rejected += rejected;
        events.received += rejected;
        for route in &read.batch.routes {
            events.received += route.accepted + route.duplicate;
            events.duplicate += route.duplicate;
        }
        for discard in &read.batch.discards {
            self.discard(schema, discard);
        }
        for ((table, reason), count) in &read.batch.left_out {
            // Of these no column is known.
            let key = (schema.to_owned(), table.clone(), "…".to_owned(), reason.code());
            self.discards.entry(key).or_default().0 += count;
        }
    }

    fn discard(&mut self, schema: &str, discard: &Discard) {
        let (schema, table) = (schema.to_owned(), discard.table.clone());
        let mut key = (schema, table, discard.column.clone(), discard.reason.code());
        if let Some(known) = self.discards.get_mut(&key) {
            known.0 += 1;
            return;
        }
        let mut sample = shown(&discard.value);
        let more = weight(&[Some(key.2.clone()), Some(sample.clone())]);
        if self.taken + more > ANSWER {
            "…".clone_into(&mut key.2);
            sample.clear();
        } else {
            self.taken += more;
        }
        self.discards.entry(key).or_insert((0, sample)).0 += 1;
    }

    fn table(
        &mut self,
        schema: &str,
        table: &Table,
        planned: i64,
        refusals: &BTreeMap<String, Error>,
        chosen: &[Column],
    ) -> Result<()> {
        if let Some(error) = refusals.get(&table.name)
            && table.accepted > 0
        {
            self.preview.tables.push(PreviewTable {
                schema: schema.to_owned(),
                table: table.name.clone(),
                state: "unchanged".to_owned(),
                rows: 0,
                columns: Vec::new(),
                sample: Vec::new(),
                error: Some(error.clone()),
            });
        }
        if table.rows == 0 {
            return Ok(());
        }
        let folded = if table.merged {
            let folded = table.whole().and_then(|rows| fold(&rows, None, planned));
            Some(folded.map_err(|error| unfit(&table.name, &error))?)
        } else {
            None
        };
        let filled = |column: &TableColumn| match &folded {
            Some(folded) => folded
                .new
                .column_by_name(&column.column.name)
                .map_or(0, |values| (values.len() - values.null_count()) as u64),
            None => column.filled,
        };
        let rows = folded.as_ref().map_or(u64::from(table.rows), |folded| folded.users);
        let tables = &mut self.preview.tables;
        let at = tables.iter().position(|t| t.schema == schema && t.table == table.name);
        let at = at.unwrap_or_else(|| {
            tables.push(PreviewTable {
                schema: schema.to_owned(),
                table: table.name.clone(),
                state: if table.existing { "unchanged" } else { "new" }.to_owned(),
                rows: 0,
                columns: Vec::new(),
                sample: Vec::new(),
                error: None,
            });
            tables.len() - 1
        });
        let shown = &mut tables[at];
        shown.rows += rows;
        for column in table.columns.iter().chain(&table.unmade) {
            let Column { name, kind } = &column.column;
            let known = shown.columns.iter().position(|c| c.name == *name);
            let place = known.unwrap_or_else(|| {
                shown.columns.push(PreviewColumn {
                    name: name.clone(),
                    kind: *kind,
                    state: if column.existing { "unchanged" } else { "new" }.to_owned(),
                    from: Vec::new(),
                    filled: 0,
                    discarded: 0,
                    mixture: None,
                    choosable: !column.existing && !column.fixed,
                    chosen: chosen.iter().any(|chosen| chosen.name == *name),
                });
                shown.columns.len() - 1
            });
            let shown_column = &mut shown.columns[place];
            shown_column.filled += filled(column);
            shown_column.discarded += column.discarded;
            for path in &column.from {
                if shown_column.from.len() < MOST_PATHS && !shown_column.from.contains(path) {
                    shown_column.from.push(path.clone());
                }
            }
            if shown_column.choosable {
                self.taken += shown_column.count_types(&column.mixture, self.taken);
            } else {
                shown_column.chosen = false;
            }
            if shown_column.state == "new" && shown.state == "unchanged" {
                "changed".clone_into(&mut shown.state);
            }
            if shown_column.discarded > 0 {
                "conflict".clone_into(&mut shown_column.state);
            }
        }
        let rows = match folded {
            Some(folded) => Some(Ok(folded.new)),
            None => table.batches().next(),
        };
        if let Some(rows) = rows {
            let rows = rows.map_err(|error| unfit(&table.name, &error))?;
            self.taken += shown.add_sample(&rows, ANSWER.saturating_sub(self.taken))?;
        }
        Ok(())
    }

    fn finish(mut self) -> Preview {
        self.preview.v = 1;
        let rejected = self.rejected.into_iter();
        self.preview.rejected =
            rejected.map(|(reason, count)| Counted { reason: reason.to_owned(), count }).collect();
        self.preview.rejected_lines = self.first_rejected.lines;
        let tables = self.preview.tables.iter_mut();
        tables.flat_map(|table| &mut table.columns).for_each(PreviewColumn::settle);
        self.preview.tables.sort_by(|a, b| (&a.schema, &a.table).cmp(&(&b.schema, &b.table)));
        self.preview.discards = self
            .discards
            .into_iter()
            .map(|((schema, table, column, reason), (count, sample))| PreviewDiscard {
                schema,
                table,
                column,
                reason: reason.to_owned(),
                count,
                sample,
            })
            .collect();
        self.preview
    }
}
