//! A run: what is left of earlier ones first, then batch after batch, then the report.
//!
//! The order of steps is the promise: a batch is recorded before its first commit, settled after
//! its last, and everything between can be done again.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use headgate_events::{Notice, Plan};
use headgate_lake::{Lake, Location, caught};
use headgate_store::{FileMark, Ledger, Planned, Store};
use headgate_terms::{Error, Result, say};
use jiff::Timestamp;
use serde::Serialize;
use tokio::runtime::Handle;
use ts_rs::TS;

use crate::batch::{self, Aside, Feed, ReadBatch, Stopped, stdin_mark};
use crate::dead_letters::{BatchLetters, Room, remove_strays};
use crate::deliver::{LakeView, SchemaView};
use crate::expire::{Keep, expire};
use crate::folder::DataFolder;
use crate::lines::Input;
use crate::plan::{BatchPlan, Once, RoutePlan};
use crate::records::read_report;
use crate::report::RunReport;
use crate::source::{DataFile, Found, find, schema_of};
use crate::spool::{Spool, remove, remove_taken, segments};
use crate::tally::Tally;
use crate::window::{Known, SeenWindow};

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// A folder or a file; none is standard input.
    pub from: Option<PathBuf>,
    /// The lake, as a path or an address.
    pub to: String,
    /// The source's name; none takes it from the files' place.
    pub source: Option<String>,
    /// Whether files that have not changed are read too.
    pub again: bool,
    /// Whether links that lead out of the folder are followed.
    pub follow_links: bool,
    /// The most inflated bytes in one batch (E6).
    pub batch_bytes: u64,
    /// How far back duplicates are looked for, in microseconds (E7).
    pub window: i64,
    /// The most columns a table may have (E24).
    pub most_columns: usize,
    /// How long what it leaves behind is kept; none keeps everything.
    pub keep: Option<Keep>,
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
    /// The run; none for a preview.
    pub run: Option<String>,
    /// What it is doing: `reading`, `writing` or `committing`.
    pub phase: &'static str,
    /// Milliseconds since it began.
    pub ms: u64,
    /// Bytes read as they lie on disk.
    pub read: u64,
    /// Bytes there are to read; none for standard input.
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
pub trait Watch: Sync {
    /// Called now and then.
    fn progress(&self, progress: &Progress);
    /// Whether the run is to stop: a batch that has begun to commit is finished first.
    fn cancelled(&self) -> bool;
}

/// Runs a sync to its end.
///
/// # Errors
/// What goes wrong before there is a run; after that the report says it.
pub fn run(request: &RunRequest, handle: &Handle, watch: &dyn Watch) -> Result<RunReport> {
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
        None => Found::default(),
    };
    let held = request.data.hold()?;
    let store = Store::open(request.data.path())?;
    let lake = handle
        .block_on(caught(Lake::open_or_create(location)))
        .map_err(|error| error.field("to"))?;
    end_interrupted(&store)?;

    let id = store.begin_run()?;
    let to = lake.location().to_string();
    tracing::info!(run = id, to, files = found.files.len(), "run begins");
    let lake_id = lake.id().map(|id| id.to_string()).unwrap_or_default();
    let read = Arc::<AtomicU64>::default();
    let mut running = Running {
        request,
        watch,
        store,
        known: HashMap::new(),
        lake_id,
        view: LakeView::new(lake, handle.clone(), request.most_columns),
        begun: Instant::now(),
        progress: Progress {
            run: Some(id.clone()),
            phase: "reading",
            total: request.from.as_ref().map(|_| found.files.iter().map(|f| f.size).sum()),
            ..Progress::default()
        },
        tally: Tally::new(
            id,
            request.from.as_ref().map(|from| {
                // Wherever it was typed, it can be run again from anywhere.
                std::path::absolute(from).unwrap_or_else(|_| from.clone()).display().to_string()
            }),
            to,
            &found,
        ),
        room: Room::new(read.clone()),
        read,
    };
    let ended = running.whole(found.files);
    let report = running.finish(ended)?;
    if let Some(keep) = request.keep
        && let Err(error) = expire(&request.data, &held, keep)
    {
        tracing::warn!(%error, "what is old stays");
    }
    Ok(report)
}

fn end_interrupted(store: &Store) -> Result<()> {
    for record in store.running()? {
        let report = read_report(&record, false)?;
        store.keep_run(&record.id, false, &document(&report)?)?;
    }
    Ok(())
}

fn document(report: &RunReport) -> Result<String> {
    serde_json::to_string(report).map_err(|error| internal(&error))
}

fn internal(error: &dyn std::fmt::Display) -> Error {
    Error::new("internal", say!("A record could not be written: {}.", error.to_string()))
        .hint("Keep the input; this is a defect in Headgate.")
}

struct Running<'r> {
    request: &'r RunRequest,
    watch: &'r dyn Watch,
    store: Store,
    /// What is known of the ids of each ledger.
    known: HashMap<i64, Known>,
    lake_id: String,
    view: LakeView,
    tally: Tally,
    begun: Instant,
    progress: Progress,
    read: Arc<AtomicU64>,
    /// What rejected lines may still take.
    room: Room,
}

impl Running<'_> {
    fn whole(&mut self, files: Vec<DataFile>) -> Result<(), Stopped> {
        self.keep_report(true)?;
        self.finish_open_batches()?;
        self.left_over_lines(&files)?;
        if self.request.from.is_none() {
            return self.standard_input();
        }
        // Files come in byte order; a batch is for one source, and so is a feed.
        let mut files = files.into_iter().peekable();
        while let Some(first) = files.next() {
            let source = first.source.clone();
            let mut of_source = vec![first];
            while let Some(next) = files.next_if(|next| next.source == source) {
                of_source.push(next);
            }
            self.files_of_source(&of_source)?;
        }
        Ok(())
    }

    fn files_of_source(&mut self, files: &[DataFile]) -> Result<(), Stopped> {
        let (source, schema) = (files[0].source.clone(), files[0].schema.clone());
        self.tally.source(&source);
        let ledger = self.store.ledger_or_new(&self.lake_id, &source)?;
        let mut entries = Vec::new();
        for file in files {
            let known = self.store.file(ledger.id, &file.key)?;
            let same = known
                .as_ref()
                .is_some_and(|known| known.size == file.size && known.modified == file.modified);
            let done = known.as_ref().is_some_and(|known| known.done);
            if same && done && !self.request.again {
                self.tally.report.files.unchanged += 1;
                self.read.fetch_add(file.size, Ordering::Relaxed);
                continue;
            }
            entries.push(batch::Entry::file(file, known.as_ref(), same && !done));
        }
        let feed = Feed::new(source, schema, entries, self.read.clone());
        self.feed(feed, None)
    }

    fn standard_input(&mut self) -> Result<(), Stopped> {
        let source = self.request.source.clone().unwrap_or_else(|| "events".to_owned());
        let schema = schema_of(&source)?;
        self.tally.source(&source);
        let ledger = self.store.ledger_or_new(&self.lake_id, &source)?;
        let run = self.tally.report.run.clone();
        let spool = Spool::new(self.request.data.spool(), ledger.id, run.clone());
        let entry = batch::Entry::stdin(Input::Stdin(spool), &run, 1, 0);
        let feed = Feed::new(source, schema, [entry], self.read.clone());
        let ended = self.feed(feed, Some((ledger.id, &run)));
        if matches!(ended, Ok(()) | Err(Stopped::Cancelled)) {
            remove_taken(&self.request.data.spool(), ledger.id, &run, 0, true);
        }
        ended
    }

    /// Takes the lines of standard input that a dead run had read and no batch has.
    fn left_over_lines(&mut self, files: &[DataFile]) -> Result<(), Stopped> {
        let mut sources: Vec<String> = files.iter().map(|file| file.source.clone()).collect();
        if self.request.from.is_none() {
            sources.push(self.request.source.clone().unwrap_or_else(|| "events".to_owned()));
        }
        sources.dedup();
        for source in sources {
            let Some(ledger) = self.store.ledger(&self.lake_id, &source)? else { continue };
            let folder = self.request.data.spool();
            let left = segments(&folder, ledger.id, None);
            let mut entries = Vec::new();
            for segment in &left {
                let known = self.store.file(ledger.id, &stdin_mark(&segment.run))?;
                let taken = known.map_or(0, |known| known.lines);
                let (input, first) = (segment.input(), segment.first_line);
                entries.push(batch::Entry::stdin(input, &segment.run, first, taken));
            }
            if entries.is_empty() {
                continue;
            }
            self.tally.source(&source);
            let feed = Feed::new(source.clone(), schema_of(&source)?, entries, Arc::default());
            self.feed(feed, None)?;
            for segment in &left {
                remove(&segment.path);
            }
        }
        Ok(())
    }

    /// Reads and lands the batches of one feed. `stdin` is the ledger and run of a spool to tidy.
    fn feed(&mut self, mut feed: Feed, stdin: Option<(i64, &str)>) -> Result<(), Stopped> {
        while !feed.is_empty() {
            if self.watch.cancelled() {
                return Err(Stopped::Cancelled);
            }
            let ledger = self.store.ledger_or_new(&self.lake_id, &feed.source)?;
            let folder = self.request.data.dead_letters();
            let (run, number) = (&self.tally.report.run, ledger.next_batch);
            let mut letters = BatchLetters::new(&folder, run, number, self.room.clone());
            let held =
                self.request.data.spool().join(format!("held.{}.{}", ledger.id, ledger.next_batch));
            let planned = self.plan_batch(&mut feed, &ledger, &mut letters, held.clone());
            let (plan, mark) = match planned {
                Ok(planned) => planned,
                Err(stopped) => {
                    letters.drop_all();
                    remove(&held);
                    if matches!(stopped, Stopped::Misjudged) {
                        continue;
                    }
                    return Err(stopped);
                }
            };
            self.room.take(&letters);
            // From here on the record counts on what was kept aside, whatever fails.
            self.land(plan)?;
            if let (Some((ledger, run)), Some(mark)) = (stdin, mark) {
                remove_taken(&self.request.data.spool(), ledger, run, mark.lines, false);
            }
        }
        Ok(())
    }

    /// One batch from its first line to its record. Returns how far its last file came.
    fn plan_batch(
        &mut self,
        feed: &mut Feed,
        ledger: &Ledger,
        letters: &mut BatchLetters,
        held: PathBuf,
    ) -> Result<(BatchPlan, Option<FileMark>), Stopped> {
        let planned = Timestamp::now().as_microsecond();
        let plan = Plan { planned, most_columns: self.request.most_columns };
        let known = match self.known.entry(ledger.id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) if self.store.has_no_ids(ledger.id)? => {
                place.insert(Known::of_nothing())
            }
            Entry::Vacant(place) => place.insert(Known::default()),
        };
        let earlier = Some((&self.store, ledger.id, known));
        let mut window = SeenWindow::new(earlier, self.request.window, planned, ledger.newest);
        let schema = feed.schema.clone();
        let mut catalog = SchemaView { view: &mut self.view, schema: &schema, only: None };
        let aside = Aside { letters: Some(&mut *letters), held: Some(held) };
        let (watch, read, progress, begun) = (self.watch, &self.read, &self.progress, self.begun);
        let look_on = || {
            let read = read.load(Ordering::Relaxed);
            let ms = millis(begun);
            watch.progress(&Progress { read, ms, phase: "reading", ..progress.clone() });
            watch.cancelled()
        };
        let reading = Instant::now();
        let most = self.request.batch_bytes;
        let batch = feed.read(most, plan, &mut catalog, &mut window, aside, &look_on)?;
        self.tally.spent("read", reading.elapsed());
        crash_point("read");
        if watch.cancelled() {
            return Err(Stopped::Cancelled);
        }
        let writing = Instant::now();
        let (mut ids, newest) = window.finish()?;
        let ReadBatch { batch, marks, bytes, rejected, held_lines, damaged, taken } = batch;
        let last = marks.last().cloned();

        self.tell("writing");
        let routes = batch
            .routes
            .iter()
            .map(|route| RoutePlan {
                tables: route.tables.clone(),
                accepted: route.accepted,
                duplicate: route.duplicate,
                counted: false,
            })
            .collect();
        let mut notices: BTreeMap<_, _> = batch
            .notices
            .iter()
            .map(|(notice, &count): (&Notice, _)| {
                (notice.code().to_owned(), (notice.message(), count))
            })
            .collect();
        if letters.left_out() > 0 {
            let message = "Rejected lines were counted and not kept: those that are take all the room that is left for them.";
            notices.insert("letters_left_out".to_owned(), (message.into(), letters.left_out()));
        }
        let tables = self.view.stage(&schema, batch, plan, &self.tally.report.run)?;
        if self.watch.cancelled() {
            self.view.give_up(&schema, &tables);
            return Err(Stopped::Cancelled);
        }
        let rejected = rejected.into_iter().map(|(reason, n)| (reason.code().to_owned(), n));
        let plan = BatchPlan {
            ledger: ledger.id,
            number: ledger.next_batch,
            app: ledger.app.clone(),
            run: self.tally.report.run.clone(),
            source: feed.source.clone(),
            schema,
            planned,
            tables,
            routes,
            once: Some(Once { bytes, taken, damaged, rejected: rejected.collect(), notices }),
            letters: letters.finish()?,
            held_lines,
        };
        let text = serde_json::to_string(&plan).map_err(|error| internal(&error))?;
        let (files, ids) = (&marks, &mut ids[..]);
        self.store.plan(&mut Planned { ledger, newest, plan: &text, files, ids })?;
        crash_point("planned");
        if let Some(known) = self.known.get_mut(&ledger.id) {
            known.extend(ids);
        }
        self.view.remember(&plan);
        self.tally.spent("write", writing.elapsed());
        Ok((plan, last))
    }

    /// Commits a recorded batch and counts what landed.
    fn land(&mut self, mut plan: BatchPlan) -> Result<()> {
        self.tell("committing");
        let committing = Instant::now();
        if let Some(letters) = &plan.letters {
            letters.join()?;
        }
        let run = plan.run.clone();
        self.view.commit(&mut plan, &run);
        crash_point("committed");
        self.tally.count(&mut plan);
        self.tally.spent("commit", committing.elapsed());
        self.progress.batches = self.tally.report.batches;
        self.progress.events = self.tally.report.events.received;
        self.progress.tables = self.tally.landed();
        let left = if plan.is_done() {
            None
        } else {
            Some(serde_json::to_string(&plan).map_err(|error| internal(&error))?)
        };
        let text = document(&self.tally.report())?;
        let (ledger, number, run) = (plan.ledger, plan.number, &self.tally.report.run);
        self.store.settle(ledger, number, left.as_deref(), run, &text)?;
        self.view.clean_up();
        if left.is_none()
            && let Some(path) = &plan.held_lines
        {
            remove(path);
        }
        self.tell("committing");
        Ok(())
    }

    /// Tells whoever looks on how far it is.
    fn tell(&mut self, phase: &'static str) {
        self.progress.phase = phase;
        self.progress.read = self.read.load(Ordering::Relaxed);
        self.progress.ms = millis(self.begun);
        self.watch.progress(&self.progress);
    }

    /// Finishes what earlier runs recorded and did not land.
    fn finish_open_batches(&mut self) -> Result<()> {
        // The letters of other lakes' batches lie in the same folder.
        let mut parts = Vec::new();
        for open in self.store.open_batches(None)? {
            let plan = BatchPlan::read(&open, &self.request.data)?;
            parts.extend(plan.letters.as_ref().map(|letters| letters.part().to_owned()));
        }
        remove_strays(&self.request.data.dead_letters(), &parts);
        for open in self.store.open_batches(Some(&self.lake_id))? {
            let mut plan = BatchPlan::read(&open, &self.request.data)?;
            tracing::info!(batch = plan.number, source = plan.source, "finishing an open batch");
            self.tally.source(&plan.source);
            self.view.take_up(&mut plan)?;
            self.view.remember(&plan);
            // What was taken up is recorded before its commits, like a batch.
            let text = serde_json::to_string(&plan).map_err(|error| internal(&error))?;
            let report = document(&self.tally.report())?;
            let run = &self.tally.report.run;
            self.store.settle(plan.ledger, plan.number, Some(&text), run, &report)?;
            self.land(plan)?;
        }
        Ok(())
    }

    fn keep_report(&self, running: bool) -> Result<()> {
        let report = self.tally.report();
        self.store.keep_run(&report.run, running, &document(&report)?)
    }

    fn finish(mut self, ended: Result<(), Stopped>) -> Result<RunReport> {
        let id = self.tally.report.run.clone();
        let error = match ended {
            Ok(()) => None,
            Err(Stopped::Failed(error)) => Some(error),
            Err(Stopped::Cancelled | Stopped::Misjudged) => Some(
                Error::new("cancelled", say!("Run `{}` was stopped on request.", id))
                    .hint("Run it again to go on where it stopped.")
                    .retryable(),
            ),
        };
        self.tally.end(error);
        let report = self.tally.report();
        tracing::info!(run = id, status = ?report.status, "run ended");
        // A full disk must not hide why the run failed.
        if let Err(error) = self.keep_report(false)
            && report.error.is_none()
        {
            return Err(error);
        }
        Ok(report)
    }
}

pub(crate) fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Dies here when a test asks for it, or panics with the words behind `panic`; nothing in what ships.
fn crash_point(name: &str) {
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
