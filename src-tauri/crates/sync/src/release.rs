//! [`release`]: gives up what waits for a table that refuses it (E28). The lines move to the rejected lines and
//! are counted there.

use std::collections::HashSet;

use headgate_events::{Catalog, Existing, Line, Outcome, ShredOptions, Shredder};
use headgate_lake::{Lake, Location, caught, json_lines};
use headgate_store::{Store, Taken};
use headgate_terms::{Error, Result, TableName, say};
use serde::Serialize;
use tokio::runtime::Handle;
use ts_rs::TS;

use crate::batch::held_lines;
use crate::catch_up::{Released, text_of};
use crate::dead_letters::{BatchRejectedLines, RejectedSink, Room};
use crate::deliver::is_missing;
use crate::folder::DataFolder;
use crate::installation::Installation;
use crate::land::{CLAIMS, outrun};
use crate::plan::{BatchPlan, IdRange, Record, Work};
use crate::records::read_report;
use crate::report::{Counted, DeadLetters, NoticeCount, RunReport, TableReport};
use crate::run::key_of;
use crate::summary::Summary;
use crate::window::Accepted;

/// What was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Release {
    /// The shape's version.
    pub v: u32,
    /// The run whose batches waited.
    pub run: String,
    /// Lines and rows that were given up.
    pub released: u64,
    /// Where they are kept.
    pub dead_letters: Option<DeadLetters>,
    /// Data files that were written for them and that no table names, as paths in the lake. They stay until their
    /// table is vacuumed: an installation that is at work may just be naming one.
    pub files: Vec<String>,
}

/// A catalog in which one table refuses: a line that is held is that table's.
struct OnlyRefused<'t>(&'t str);

impl Catalog for OnlyRefused<'_> {
    fn table(&mut self, table: &str) -> Existing {
        if table == self.0 { Existing::Refused } else { Existing::No }
    }
}

/// Gives up what a run's batches wait for, in one table or in all; of a run that has filled a table and left it
/// short, the rows that it lacks.
///
/// # Errors
/// `run_not_found`, `nothing_waits`, `data_folder_busy`, and when the lake cannot be reached.
pub fn release(
    data: &DataFolder,
    run: &str,
    table: Option<&str>,
    handle: &Handle,
) -> Result<Release> {
    let _held = data.hold()?;
    let mut store = Store::open(data.path())?;
    let me = Installation::of(data)?;
    let record = store.run(run)?;
    let mut report = record.as_ref().map(|record| read_report(record, false)).transpose()?;
    let run = report.as_ref().map_or(run, |report| &report.run).to_owned();
    let mut released =
        Release { v: 1, run: run.clone(), released: 0, dead_letters: None, files: Vec::new() };
    let mut is_found = false;
    for open in store.open_batches(None)? {
        let mut plan = BatchPlan::read(&open, data)?;
        if plan.run != run {
            continue;
        }
        let place = store.lake_of(open.ledger)?.unwrap_or_default();
        let at = place.split_once('@').map_or("", |(_, place)| place);
        let lake = handle.block_on(caught(Lake::open(Location::parse(at)?)))?;
        if key_of(&lake) != place {
            return Err(not_the_lake(&plan.run, at));
        }
        let parts = waiting_parts(&plan, table, &lake, handle)?;
        if parts.is_empty() {
            continue;
        }
        is_found = true;
        // The batch's own rejected lines come first, at the position in the plan.
        if let Some(letters) = plan.letters.take() {
            letters.join()?;
        }
        let mut letters = BatchRejectedLines::new(
            &data.dead_letters(),
            &plan.run,
            plan.number,
            Room::without_end(),
        );
        let lines = lines_of(&plan, &lake, handle)?;
        let mut given_up = HashSet::new();
        for &at in &parts {
            let name = plan.table(at);
            match &plan.tables[at].work {
                Work::Held => {
                    give_up_lines(&plan, &name, &lines, &mut given_up, &mut letters)?;
                }
                Work::Append { adds, .. } => {
                    let rows = handle.block_on(caught(lake.staged_rows(&name, adds)));
                    let files = adds.iter().filter_map(|add| add["path"].as_str());
                    let files = files.map(|file| format!("{}/{}/{file}", name.schema, name.table));
                    released.files.extend(files);
                    give_up_rows(&name, rows, &mut letters)?;
                }
                Work::Fold { rows, .. } | Work::Kept { rows } => {
                    let rows = handle.block_on(caught(lake.kept_rows(rows))).map(|rows| vec![rows]);
                    give_up_rows(&name, rows, &mut letters)?;
                }
                Work::Nothing => {}
            }
            plan.tables[at].give_up();
        }
        if let Some(waiting) = letters.finish()? {
            waiting.join()?;
            released.released += waiting.count;
            let path = waiting.run_file.display().to_string();
            let of_run = report.as_mut().map(|report| &mut report.dead_letters);
            for kept in [Some(&mut released.dead_letters), of_run].into_iter().flatten() {
                let none = DeadLetters { path: path.clone(), count: 0 };
                kept.get_or_insert(none).count += waiting.count;
            }
        }
        if let Some(report) = &mut report {
            tell(report, &mut plan);
        }
        let (name, given) = Released::of(&plan, &me);
        let text = serde_json::to_vec(&given).map_err(|error| crate::run::internal(&error))?;
        handle.block_on(caught(lake.replace_record(&plan.schema, &name, text)))?;
        let left = if plan.is_done() { None } else { Some(text_of(&plan)?) };
        let document =
            serde_json::to_string(&report).map_err(|error| crate::run::internal(&error))?;
        store.save_batch(open.ledger, open.number, left.as_deref(), &run, &document)?;
        if let Some(file) = plan.held_lines.as_ref().filter(|_| left.is_none()) {
            handle.block_on(lake.forget(file));
        }
    }
    if !is_found
        && let Some(report) = &mut report
        && let Some(rows) = give_up_missing_rows(&mut store, &me, report, table, handle)?
    {
        is_found = true;
        released.released = rows;
        tell_missing_rows(&store, report)?;
    }
    if !is_found {
        return Err(nothing_to_give_up(&run, report.is_some()));
    }
    Ok(released)
}

fn nothing_to_give_up(run: &str, is_known: bool) -> Error {
    if !is_known {
        return Error::new("run_not_found", say!("There is no run `{}`.", run))
            .hint("See `headgate runs list`.")
            .field("run");
    }
    Error::new("nothing_waits", say!("Nothing of run `{}` waits for a table.", run))
        .hint("What a run left that was interrupted is finished by the next sync. `headgate runs show` says what a run left.")
        .field("run")
}

/// Gives up the rows that a table still lacks after this run has filled it: it counts as whole with those that it
/// has. How many those are; `None` when the run left no table so.
fn give_up_missing_rows(
    store: &mut Store,
    me: &Installation,
    report: &RunReport,
    table: Option<&str>,
    handle: &Handle,
) -> Result<Option<u64>> {
    let Some((schema, name)) = report.refill.as_deref().and_then(|name| name.split_once('.'))
    else {
        return Ok(None);
    };
    let name = TableName { schema: schema.to_owned(), table: name.to_owned() };
    if table.is_some_and(|table| table != name.to_string()) {
        return Ok(None);
    }
    let lake = handle.block_on(caught(Lake::open(Location::parse(&report.to)?)))?;
    for _ in 0..CLAIMS {
        let Some(ledger) = store.ledger(&key_of(&lake), &name.schema)? else { return Ok(None) };
        let summary = Summary::read(&ledger.summary);
        let known = summary.tables.get(&name.table).filter(|known| {
            known.lacks == Some(true)
                && known.left_short_by.as_ref().is_some_and(|by| by.run == report.run)
        });
        let Some(known) = known else { return Ok(None) };
        let rows = match handle.block_on(caught(lake.summary(&name))) {
            Ok(table) => table.rows.unwrap_or(0),
            Err(error) if error.code == "table_not_found" => 0,
            Err(error) => return Err(error),
        };
        let records = handle.block_on(caught(lake.records(&name.schema)))?;
        let number = records.last().max(ledger.applied) + 1;
        let source = report.source.as_deref().unwrap_or_default();
        let plan = BatchPlan {
            number,
            whole: Some(name.table.clone()),
            rows: Some(rows),
            ..BatchPlan::bare(known.app.clone(), &report.run, me, source, &name.schema)
        };
        let record = Record { v: 1, newest: ledger.newest, ids: IdRange::default(), plan };
        let text = serde_json::to_vec(&record).map_err(|error| crate::run::internal(&error))?;
        let file = format!("{number}.json");
        let put = lake.put_record(&name.schema, &file, text);
        if handle.block_on(caught(put))? {
            let missing = known.rows.saturating_sub(rows);
            // What others recorded meanwhile the next run takes in first, and then this.
            if number == ledger.applied + 1 {
                let mut summary = summary.clone();
                summary.recorded(&record.plan);
                store.take_in(&mut Taken {
                    ledger: &ledger,
                    number,
                    newest: ledger.newest,
                    plan: None,
                    files: &[],
                    ids: &mut [],
                    summary: &summary.text(),
                })?;
            }
            return Ok(Some(missing));
        }
    }
    Err(outrun(&lake, handle, &name.schema, &me.id))
}

/// Says in the record of a refill that the rows it could not bring were given up.
fn tell_missing_rows(store: &Store, report: &mut RunReport) -> Result<()> {
    let is_filled = |table: &&mut TableReport| {
        report.refill.as_deref() == Some(&format!("{}.{}", table.schema, table.table))
    };
    for table in report.tables.iter_mut().filter(is_filled) {
        table.error = None;
    }
    let message = say!(
        "The rows that `{}` lacked were given up: it counts as whole with those that it has.",
        report.refill.as_deref().unwrap_or_default()
    );
    report.notices.push(NoticeCount { code: RELEASED.to_owned(), message, count: 1 });
    let document = serde_json::to_string(report).map_err(|error| crate::run::internal(&error))?;
    store.save_run(&report.run, false, &document)
}

fn not_the_lake(run: &str, place: &str) -> Error {
    Error::new(
        "lake_gone",
        say!("The lake at `{}` is not the one that run `{}` wrote to.", place, run),
    )
    .hint("Put that lake back at this place, then release again. Nothing was given up.")
}

/// The parts of a batch that wait because their table refused them. What no table has refused yet waits for nothing:
/// the next run lands it.
fn waiting_parts(
    plan: &BatchPlan,
    table: Option<&str>,
    lake: &Lake,
    handle: &Handle,
) -> Result<Vec<usize>> {
    let mut waiting = Vec::new();
    for (at, part) in plan.tables.iter().enumerate() {
        let name = plan.table(at);
        let is_wanted = table.is_none_or(|table| name.to_string() == table);
        if part.is_settled() || part.error.is_none() || !is_wanted {
            continue;
        }
        // Another installation may have landed it since.
        let app = plan.app(part);
        let arrival = lake.arrival(&name, &app, plan.number);
        if handle.block_on(caught(arrival))?.is_none() {
            waiting.push(at);
        }
    }
    Ok(waiting)
}

/// The lines that are held. What is gone cannot be kept, and nothing may wait for it for ever.
fn lines_of(plan: &BatchPlan, lake: &Lake, handle: &Handle) -> Result<Vec<u8>> {
    let Some(file) = &plan.held_lines else { return Ok(Vec::new()) };
    match handle.block_on(caught(lake.kept_lines(file))) {
        Err(error) if is_missing(&error) => Ok(Vec::new()),
        lines => lines,
    }
}

/// Says in the run's record what became of what waited: events of which nothing landed are rejected now.
pub(crate) fn tell(report: &mut RunReport, plan: &mut BatchPlan) {
    let is_given_up =
        |table: &String| plan.tables.iter().any(|part| part.table == *table && part.released);
    let mut events = 0;
    for at in 0..plan.routes.len() {
        let route = &plan.routes[at];
        if !route.counted && route.tables.iter().all(is_given_up) {
            events += route.accepted;
            plan.routes[at].counted = true;
        }
    }
    report.events.waiting = report.events.waiting.saturating_sub(events);
    report.events.rejected += events;
    match report.rejected.iter_mut().find(|counted| counted.reason == RELEASED) {
        Some(counted) => counted.count += events,
        None if events > 0 => {
            report.rejected.push(Counted { reason: RELEASED.to_owned(), count: events });
        }
        None => {}
    }
    for part in plan.tables.iter().filter(|part| part.released) {
        let table = report
            .tables
            .iter_mut()
            .find(|table| table.schema == plan.schema && table.table == part.table);
        if let Some(table) = table {
            table.error = None;
        }
        let message = say!(
            "What waited for `{}.{}` was given up: its lines are among the rejected ones.",
            plan.schema,
            part.table
        );
        if !report.notices.iter().any(|notice| notice.message == message) {
            report.notices.push(NoticeCount { code: RELEASED.to_owned(), message, count: 1 });
        }
    }
}

/// Adds the lines of one table to the rejected lines, each once.
fn give_up_lines(
    plan: &BatchPlan,
    name: &TableName,
    lines: &[u8],
    given_up: &mut HashSet<(String, u64)>,
    letters: &mut BatchRejectedLines,
) -> Result<()> {
    let events = ShredOptions { planned: plan.planned, most_columns: usize::MAX };
    let mut catalog = OnlyRefused(&name.table);
    let mut shredder = Shredder::new(events, &mut catalog);
    for (head, bytes) in held_lines(lines).flatten() {
        let line = Line {
            bytes,
            source: &plan.source,
            path: &head.file,
            number: head.line,
            id: Some(&head.id),
        };
        let outcome = shredder.push(&line, &mut Accepted);
        let is_held = matches!(outcome, Outcome::Written { held: Some(_), .. });
        if is_held && given_up.insert((head.file.clone(), head.line)) {
            letters.push(&head.file, head.line, RELEASED, bytes, None)?;
        }
    }
    Ok(())
}

/// Adds rows that were made already to the rejected lines, as JSON.
fn give_up_rows(
    name: &TableName,
    rows: Result<Vec<arrow_array::RecordBatch>>,
    letters: &mut BatchRejectedLines,
) -> Result<()> {
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => {
            // Files that are gone cannot be kept, and nothing may wait for them for ever.
            tracing::warn!(table = %name, %error, "rows that are given up are gone already");
            return Ok(());
        }
    };
    let mut number = 0;
    for batch in rows {
        for row in json_lines(&batch)? {
            number += 1;
            letters.push(&name.to_string(), number, RELEASED, &row, None)?;
        }
    }
    Ok(())
}

/// The reason of such a rejected line.
const RELEASED: &str = "released";
