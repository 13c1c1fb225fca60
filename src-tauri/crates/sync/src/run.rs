//! [`run`]: one sync from the request to the report. It opens the lake, finishes batches of earlier runs, reads
//! batch after batch, and ends with the report.
//!
//! [`RunRequest`] is what to do, [`Observer`] who follows and may cancel it. A batch is recorded before its first
//! commit and closed after its last; everything between can be repeated. The steps of a batch are in `land`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use headgate_lake::{Lake, Location, caught};
use headgate_store::{FileMark, Store};
use headgate_terms::{Error, Result, TableName, say};
use serde::Serialize;
use tokio::runtime::Handle;
use ts_rs::TS;

use crate::batch::{self, Compared, Feed, Stopped, stdin_mark};
use crate::choice::{self, ColumnChoice};
use crate::dead_letters::{Room, remove_strays};
use crate::expire::{Retention, expire};
use crate::folder::DataFolder;
use crate::installation::{HeartbeatGuard, Installation};
use crate::lines::Input;
use crate::plan::BatchPlan;
use crate::records::read_report;
use crate::refill::SCRATCH;
use crate::report::RunReport;
use crate::source::{DataFile, SourceFiles, find, schema_of};
use crate::spool::{Spool, left, remove, remove_held, remove_taken, segments, takes};
use crate::tables::Tables;
use crate::tally::Tally;
use crate::window::earlier;

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// A folder or a file; `None` is standard input.
    pub from: Option<PathBuf>,
    /// The lake, as a path or an address.
    pub to: String,
    /// The source's name; `None` takes it from the files' place.
    pub source: Option<String>,
    /// Whether files that have not changed are read too.
    pub again: bool,
    /// The only table to write: it gets what its rows lack (E27).
    pub refill: Option<TableName>,
    /// Types for columns that the lake does not have yet (E29); they are kept for it until the columns are made.
    pub columns: Vec<ColumnChoice>,
    /// Whether a lake that is a copy of one that is known here becomes a lake of its own.
    pub new_lake_id: bool,
    /// Whether links that lead out of the folder are followed.
    pub follow_links: bool,
    /// The most inflated bytes in one batch (E6).
    pub batch_bytes: u64,
    /// How far back duplicates are looked for, in microseconds (E7).
    pub window: i64,
    /// The most columns a table may have (E24).
    pub most_columns: usize,
    /// How long what it leaves behind is kept; `None` keeps everything.
    pub keep: Option<Retention>,
    /// Where runs are remembered.
    pub data: DataFolder,
}

impl RunRequest {
    /// With the settings as they come.
    #[must_use]
    pub fn new(from: Option<PathBuf>, to: String, data: DataFolder) -> Self {
        Self {
            from,
            to,
            source: None,
            again: false,
            refill: None,
            columns: Vec::new(),
            new_lake_id: false,
            follow_links: false,
            batch_bytes: 128 << 20,
            window: 7 * 86_400 * 1_000_000,
            most_columns: 2_000,
            keep: None,
            data,
        }
    }
}

/// How far a run or a preview is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, TS)]
pub struct Progress {
    /// The run; null for a preview.
    pub run: Option<String>,
    /// What it is doing: `reading`, `writing` or `committing`.
    pub phase: &'static str,
    /// Milliseconds since it began.
    pub ms: u64,
    /// Bytes read, as stored on disk.
    pub read: u64,
    /// Bytes there are to read; null for standard input.
    pub total: Option<u64>,
    /// Events that landed or were dropped so far.
    pub events: u64,
    /// Batches that landed so far.
    pub batches: u64,
    /// What landed in each table so far.
    pub tables: Vec<TableCount>,
}

/// Rows that landed in one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct TableCount {
    /// Its schema.
    pub schema: String,
    /// Its name there.
    pub table: String,
    /// Rows written, or merged.
    pub rows: u64,
}

/// Who looks on, and may stop it.
pub trait Observer: Sync {
    /// Called now and then.
    fn progress(&self, progress: &Progress);
    /// Whether the run is to stop: a batch that has begun to commit is finished first.
    fn cancelled(&self) -> bool;
}

/// Runs a sync to its end.
///
/// # Errors
/// What goes wrong before there is a run; after that the report says it.
pub fn run(request: &RunRequest, handle: &Handle, watch: &dyn Observer) -> Result<RunReport> {
    let location = Location::parse(&request.to).map_err(|error| error.field("to"))?;
    if let Some(source) = &request.source {
        schema_of(source)?;
    }
    let found = match &request.from {
        Some(from) => {
            let data = request.data.real();
            find(
                from,
                &[location.folder(), &data],
                request.source.as_deref(),
                request.follow_links,
            )?
        }
        None => SourceFiles::default(),
    };
    refuse_refill(request, &found)?;
    let stdin = request.from.is_none().then(|| schema_of(source_of_stdin(request))).transpose()?;
    choice::refuse_other_schemas(&request.columns, &found, stdin.as_deref())?;
    let held = request.data.hold()?;
    let me = Installation::of(&request.data)?;
    let mut store = Store::open(request.data.path())?;
    let lake = open_lake(request, location, handle, &mut store)?;
    keep_choices(request, &lake, handle, &store)?;
    end_interrupted(&store)?;
    forget_scratch(&mut store)?;

    let id = store.begin_run()?;
    let to = lake.location().to_string();
    tracing::info!(run = id, to, files = found.files.len(), "run begins");
    let speaking = HeartbeatGuard::begin(&lake, handle, &me)?;
    let from = request.from.as_ref().map(|from| {
        // Wherever it was typed, it can be run again from anywhere.
        std::path::absolute(from).unwrap_or_else(|_| from.clone()).display().to_string()
    });
    let tally = Tally::new(id.clone(), from, to, &found);
    let mut running = ActiveRun::new(request, watch, handle, store, me, lake, tally);
    running.progress.run = Some(id);
    running.progress.total =
        request.from.as_ref().map(|_| found.files.iter().map(|f| f.size).sum());
    running.tally.report.again = request.again;
    running.tally.report.refill = request.refill.as_ref().map(ToString::to_string);
    let ended = running.whole(found.files);
    let (report, landed) = running.finish(ended)?;
    speaking.end(landed);
    if let Some(keep) = request.keep
        && let Err(error) = expire(&request.data, &held, keep)
    {
        tracing::warn!(%error, "what is old stays");
    }
    Ok(report)
}

/// Refuses to fill a table again from files of another schema, from a pipe, or without being told to read
/// the files again.
fn refuse_refill(request: &RunRequest, found: &SourceFiles) -> Result<()> {
    let Some(table) = &request.refill else { return Ok(()) };
    if request.again && request.from.is_some() {
        if found.files.is_empty() || found.files.iter().any(|file| file.schema == table.schema) {
            return Ok(());
        }
        let other = &found.files[0].schema;
        return Err(Error::new(
            "wrong_use",
            say!("These files fill schema `{}`, and `{}` is not in it.", other, table),
        )
        .hint("Name the source that the table was filled from with `--source`.")
        .field("refill"));
    }
    Err(Error::new("wrong_use", "`--refill` requires `--again` and files to read.")
        .hint("Name the folder or file that the table was filled from, and add `--again`.")
        .field("refill"))
}

/// Keeps the types that were chosen for columns, unless one is chosen for a column that exists with another.
fn keep_choices(request: &RunRequest, lake: &Lake, handle: &Handle, store: &Store) -> Result<()> {
    if request.columns.is_empty() {
        return Ok(());
    }
    let mut tables = Tables::new(lake.clone(), handle.clone(), request.most_columns);
    for ColumnChoice { table, column } in choice::open(&request.columns, Some(&mut tables))? {
        store.choose_column(&id_of(lake), &table, &column)?;
    }
    Ok(())
}

/// The source of standard input.
fn source_of_stdin(request: &RunRequest) -> &str {
    request.source.as_deref().unwrap_or("events")
}

/// Opens the lake, which may be one that was moved or copied since it was used last (E27).
fn open_lake(
    request: &RunRequest,
    location: Location,
    handle: &Handle,
    store: &mut Store,
) -> Result<Lake> {
    let here = location.to_string();
    let mut lake = handle
        .block_on(caught(Lake::open_or_create(location)))
        .map_err(|error| error.field("to"))?;
    if let Err(copied) = refuse_copy(&lake, handle, store) {
        if copied.code != "lake_copied" || !request.new_lake_id {
            return Err(copied);
        }
        handle.block_on(caught(lake.become_own()))?;
    }
    if let Some(there) = store.lake_at(&id_of(&lake))?.filter(|there| *there != here) {
        // It was moved, or the other place was a copy that is gone: what was known there counts no more.
        let key = format!("{}@{there}", id_of(&lake));
        for schema in store.schemas(&key)? {
            if let Some(ledger) = store.ledger(&key, &schema)? {
                store.forget_ledger(ledger.id)?;
            }
        }
        store.forget_checkpoints(&key)?;
    }
    store.remember_lake(&id_of(&lake), &here)?;
    // A database of an earlier version knows lakes by their ids alone.
    store.rename_lake(&id_of(&lake), &key_of(&lake))?;
    lake.recall(store.checkpoints(&key_of(&lake))?);
    Ok(lake)
}

/// Refuses a lake that is a copy of one that is known and still there.
///
/// # Errors
/// `lake_copied`, and when the store fails.
pub(crate) fn refuse_copy(lake: &Lake, handle: &Handle, store: &Store) -> Result<()> {
    let here = lake.location().to_string();
    if let Some(there) = store.lake_at(&id_of(lake))?
        && there != here
        && let Ok(other) = Location::parse(&there)
        && !lake.is_same_place(&other)
        && let Ok(Some(other)) = handle.block_on(caught(Lake::open_if_any(other)))
        && other.id() == lake.id()
    {
        return Err(Error::new(
            "lake_copied",
            say!("`{}` is a copy of the lake `{}`.", here, there),
        )
        .hint("To make it a lake of its own, run this sync once with `--new-lake-id`; to go on with the other, name that one.")
        .field("to"));
    }
    Ok(())
}

pub(crate) fn id_of(lake: &Lake) -> String {
    lake.id().map(|id| id.to_string()).unwrap_or_default()
}

/// What the store knows a lake by: its id and its place. What is known of a lake says nothing of its copy, nor
/// of the one that it was a copy of.
pub(crate) fn key_of(lake: &Lake) -> String {
    format!("{}@{}", id_of(lake), lake.location())
}

fn end_interrupted(store: &Store) -> Result<()> {
    for record in store.running()? {
        let report = read_report(&record, false)?;
        store.save_run(&record.id, false, &document(&report)?)?;
    }
    Ok(())
}

/// Forgets the ids that a refill which did not come to its end had read.
fn forget_scratch(store: &mut Store) -> Result<()> {
    for ledger in store.ledgers_below(SCRATCH)? {
        store.forget_ledger(ledger)?;
    }
    Ok(())
}

fn document(report: &RunReport) -> Result<String> {
    serde_json::to_string(report).map_err(|error| internal(&error))
}

pub(crate) fn internal(error: &dyn std::fmt::Display) -> Error {
    Error::new("internal", say!("A record could not be written: {}.", error.to_string()))
        .hint("Keep the input; this is a defect in Headgate.")
}

/// A running sync. Its methods are in several files, such as `turn` (waits for the turn to write), `catch_up` (takes in
/// the lake's records) and `land` (commits batches).
pub(crate) struct ActiveRun<'r> {
    pub(crate) request: &'r RunRequest,
    pub(crate) watch: &'r dyn Observer,
    pub(crate) handle: Handle,
    pub(crate) store: Store,
    pub(crate) me: Installation,
    pub(crate) lake_id: String,
    /// What the store knows the lake by.
    pub(crate) lake_key: String,
    pub(crate) tables: Tables,
    /// Batches of which something is left to do, in order of schema and number.
    pub(crate) open: Vec<OpenPlan>,
    /// The last batch of each ledger whose record was seen in the lake.
    pub(crate) seen: HashMap<i64, i64>,
    /// The last batch of each schema that the lake had a record of when it was looked at.
    pub(crate) listed: HashMap<String, i64>,
    /// Schemas whose tables were looked at.
    pub(crate) checked: BTreeSet<String>,
    pub(crate) tally: Tally,
    pub(crate) begun: Instant,
    pub(crate) progress: Progress,
    pub(crate) read: Arc<AtomicU64>,
    /// What rejected lines may still take.
    pub(crate) room: Room,
}

/// A recorded batch of which something is left to do.
#[derive(Clone)]
pub(crate) struct OpenPlan {
    pub(crate) ledger: i64,
    pub(crate) plan: BatchPlan,
}

impl<'r> ActiveRun<'r> {
    pub(crate) fn new(
        request: &'r RunRequest,
        watch: &'r dyn Observer,
        handle: &Handle,
        store: Store,
        me: Installation,
        lake: Lake,
        tally: Tally,
    ) -> Self {
        let read = Arc::<AtomicU64>::default();
        Self {
            request,
            watch,
            handle: handle.clone(),
            store,
            me,
            lake_id: id_of(&lake),
            lake_key: key_of(&lake),
            tables: Tables::new(lake, handle.clone(), request.most_columns),
            open: Vec::new(),
            seen: HashMap::new(),
            listed: HashMap::new(),
            checked: BTreeSet::new(),
            begun: Instant::now(),
            progress: Progress { phase: "reading", ..Progress::default() },
            tally,
            room: Room::new(read.clone()),
            read,
        }
    }

    fn whole(&mut self, files: Vec<DataFile>) -> Result<(), Stopped> {
        self.keep_report(true)?;
        self.tell("reading");
        self.read_open_batches()?;
        let mut others: BTreeSet<String> =
            self.open.iter().map(|open| open.plan.schema.clone()).collect();
        for file in &files {
            others.remove(&file.schema);
        }
        for schema in others {
            match self.take_turn_within(&schema, Duration::ZERO) {
                // Whoever began it finishes it; this run has nothing else to do there.
                Err(Stopped::Failed(busy)) if busy.code == "lake_busy" => {
                    tracing::info!(schema, "a batch of another installation is left to it");
                }
                done => done?,
            }
        }
        if self.request.refill.is_none() {
            self.left_over_lines(&files)?;
        }
        if self.request.from.is_none() {
            return self.standard_input();
        }
        // Files come in byte order; a batch is for one schema, and so is a feed.
        let mut files = files.into_iter().peekable();
        while let Some(first) = files.next() {
            let (source, schema) = (first.source.clone(), first.schema.clone());
            let mut of_source = vec![first];
            while let Some(next) = files.next_if(|next| next.source == source) {
                of_source.push(next);
            }
            match self.request.refill.clone() {
                Some(table) if table.schema == schema => self.refill(&table, &of_source)?,
                Some(_) => {}
                None => self.files_of_source(&of_source)?,
            }
        }
        Ok(())
    }

    fn files_of_source(&mut self, files: &[DataFile]) -> Result<(), Stopped> {
        let (source, schema) = (files[0].source.clone(), files[0].schema.clone());
        self.tally.source(&source);
        self.take_turn(&schema)?;
        let ledger = self.store.ledger_or_new(&self.lake_key, &schema)?;
        let compared = if self.request.again { Compared::Again } else { Compared::Unchanged };
        let (mut entries, mut floor) = (Vec::new(), None);
        for (at, file) in files.iter().enumerate() {
            if at % LOOKED_AT == 0 {
                self.tell("reading");
                if self.watch.cancelled() {
                    return Err(Stopped::Cancelled);
                }
            }
            let known = self.store.file(ledger.id, &file.key)?;
            let is_same = |known: &FileMark| known.done && known.is_of(file.size, file.modified);
            if !self.request.again && known.as_ref().is_some_and(is_same) {
                self.tally.report.files.unchanged += 1;
                self.read.fetch_add(file.size, Ordering::Relaxed);
                continue;
            }
            floor = earlier(floor, known.and_then(|known| known.oldest));
            entries.push(batch::Entry::file(file, None, false).compared(compared));
        }
        // A file that was met before reaches back further than ids are kept (E1).
        if let (Some(floor), Some(horizon)) = (floor, ledger.horizon)
            && floor < horizon
        {
            self.take_ids(&schema, Some(floor))?;
        }
        let feed = Feed::new(source, schema, entries, self.read.clone());
        self.feed(feed, None)
    }

    fn standard_input(&mut self) -> Result<(), Stopped> {
        let source = source_of_stdin(self.request).to_owned();
        let schema = schema_of(&source)?;
        self.tally.source(&source);
        let run = self.tally.report.run.clone();
        let ledger = self.spooled_for(&schema);
        let spool = Spool::new(self.request.data.spool(), ledger.clone(), run.clone());
        let entry = batch::Entry::stdin(Input::Stdin(spool), &run, 1, 0);
        let feed = Feed::new(source, schema, [entry], self.read.clone());
        let ended = self.feed(feed, Some((&ledger, &run)));
        if matches!(ended, Ok(()) | Err(Stopped::Cancelled)) {
            remove_taken(&self.request.data.spool(), &ledger, &run, 0, true);
        }
        ended
    }

    /// What names the lines of standard input that wait for a schema of this lake.
    fn spooled_for(&self, schema: &str) -> String {
        format!("{}-{schema}", self.lake_id)
    }

    /// Takes the lines of standard input that a dead run had read and no batch has.
    fn left_over_lines(&mut self, files: &[DataFile]) -> Result<(), Stopped> {
        let mut sources: Vec<String> = files.iter().map(|file| file.source.clone()).collect();
        if self.request.from.is_none() {
            sources.push(source_of_stdin(self.request).to_owned());
        }
        sources.dedup();
        for source in sources {
            let schema = schema_of(&source)?;
            let folder = self.request.data.spool();
            let left = segments(&folder, &self.spooled_for(&schema), None);
            if left.is_empty() {
                continue;
            }
            self.take_turn(&schema)?;
            let ledger = self.store.ledger_or_new(&self.lake_key, &schema)?;
            let mut entries = Vec::new();
            for segment in &left {
                let known = self.store.file(ledger.id, &stdin_mark(&segment.run))?;
                let taken = known.map_or(0, |known: FileMark| known.lines);
                let (input, first) = (segment.input(), segment.first_line);
                entries.push(batch::Entry::stdin(input, &segment.run, first, taken));
            }
            self.tally.source(&source);
            let feed = Feed::new(source.clone(), schema, entries, Arc::default());
            self.feed(feed, None)?;
            for segment in &left {
                remove(&segment.path);
            }
        }
        Ok(())
    }

    /// Reads what earlier runs recorded and did not land.
    fn read_open_batches(&mut self) -> Result<()> {
        // The rejected lines of other lakes' batches are in the same folder.
        let mut parts = Vec::new();
        for open in self.store.open_batches(None)? {
            let plan = BatchPlan::read(&open, &self.request.data)?;
            parts.extend(plan.letters.as_ref().map(|letters| letters.part().to_owned()));
        }
        remove_strays(&self.request.data.dead_letters(), &parts);
        remove_held(&self.request.data.spool());
        for open in self.store.open_batches(Some(&self.lake_key))? {
            let plan = BatchPlan::read(&open, &self.request.data)?;
            self.open.push(OpenPlan { ledger: open.ledger, plan });
        }
        Ok(())
    }

    /// Tells whoever looks on how far it is.
    pub(crate) fn tell(&mut self, phase: &'static str) {
        self.progress.phase = phase;
        self.progress.read = self.read.load(Ordering::Relaxed);
        self.progress.ms = millis(self.begun);
        self.watch.progress(&self.progress);
    }

    /// Tells how far reading is whenever it is called, and whether to stop.
    pub(crate) fn look_on(&self) -> impl Fn() -> bool + use<'r> {
        let (watch, read, begun) = (self.watch, self.read.clone(), self.begun);
        let progress = Progress { phase: "reading", ..self.progress.clone() };
        move || {
            let (read, ms) = (read.load(Ordering::Relaxed), millis(begun));
            watch.progress(&Progress { ms, read, ..progress.clone() });
            watch.cancelled()
        }
    }

    pub(crate) fn document(&self) -> Result<String> {
        document(&self.tally.report())
    }

    fn keep_report(&self, running: bool) -> Result<()> {
        self.store.save_run(&self.tally.report.run, running, &self.document()?)
    }

    /// Ends the run. Returns its report, and the last batch that is known to be in each table.
    fn finish(mut self, ended: Result<(), Stopped>) -> Result<(RunReport, BTreeMap<String, i64>)> {
        let id = self.tally.report.run.clone();
        let mut error = match ended {
            Ok(()) => None,
            Err(Stopped::Failed(error)) => Some(error),
            Err(Stopped::Cancelled) => Some(
                Error::new("cancelled", say!("Run `{}` was stopped on request.", id))
                    .hint("Run it again to go on where it stopped.")
                    .retryable(),
            ),
        };
        if let Err(late) = self.settle_all() {
            error.get_or_insert(late);
        }
        if let Err(late) = self.settle_choices().and_then(|()| self.note_open_choices()) {
            error.get_or_insert(late);
        }
        self.tally.waiting(self.open.iter().map(|open| &open.plan));
        for left in left(&self.request.data.spool()) {
            let takes = takes(&self.store, &left).unwrap_or_default();
            self.tally.lines_wait(&left.run, &takes);
        }
        self.tally.end(error);
        let report = self.tally.report();
        tracing::info!(run = id, status = ?report.status, "run ended");
        // A full disk must not hide why the run failed.
        if let Err(error) = self.keep_report(false)
            && report.error.is_none()
        {
            return Err(error);
        }
        self.maintain();
        let landed = self.landed().unwrap_or_default();
        Ok((report, landed))
    }
}

/// Files that are looked up before whoever looks on hears of it.
const LOOKED_AT: usize = 1_000;

pub(crate) fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Dies here when a test requests it, or panics with the words behind `panic`; nothing in what ships.
pub(crate) fn crash_point(name: &str) {
    #[cfg(debug_assertions)]
    if let Ok(at) = std::env::var("HEADGATE_CRASH")
        && let Some(how) = at.strip_prefix(name)
    {
        match how.strip_prefix(" panic ") {
            Some(words) => panic!("{words}"),
            None if how.is_empty() => std::process::abort(),
            None => {}
        }
    }
    let _ = name;
}
