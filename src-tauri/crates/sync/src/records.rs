//! Reports of runs from the store: a list, one run, or a digest for the overview. Also the known lakes, and
//! the tables that lack rows. Nothing is written here.

use std::collections::BTreeSet;

use headgate_lake::{Lake, caught};
use headgate_store::{PeriodTotals, RunRecord, Store};
use headgate_terms::{Error, Result, Shown, TableName, say};
use jiff::Timestamp;
use tokio::runtime::Handle;

use crate::folder::DataFolder;
use crate::report::{RunReport, Status};
use crate::spool::{Left, left, takes};
use crate::summary::behind_of;

/// Every run, newest first, without their tables.
///
/// # Errors
/// When the store fails.
pub fn list_runs(data: &DataFolder) -> Result<Vec<RunReport>> {
    let Some(records) = Records::of(data)? else { return Ok(Vec::new()) };
    let mut runs = records.read(&records.store.runs(None)?)?;
    for run in &mut runs {
        run.tables.clear();
    }
    Ok(runs)
}

/// A page of runs without their tables, newest first, from before a run that is named on; and whether there are
/// more.
///
/// # Errors
/// When the store fails.
pub fn runs_before(
    data: &DataFolder,
    before: Option<&str>,
    most: u32,
) -> Result<(Vec<RunReport>, bool)> {
    let Some(records) = Records::of(data)? else { return Ok((Vec::new(), false)) };
    let page = records.store.runs_before(before, most)?;
    let mut runs = records.read(&page.entries)?;
    for run in &mut runs {
        run.tables.clear();
    }
    Ok((runs, page.more))
}

/// What the run records say at a glance.
#[derive(Debug, Default)]
pub struct RunsDigest {
    /// The latest runs, newest first.
    pub runs: Vec<RunReport>,
    /// How many there are.
    pub all: u64,
    /// The latest ended run from each place into each lake.
    pub last_of_each: Vec<RunReport>,
    /// The latest runs that made a table or gave one columns, newest first.
    pub changed: Vec<RunReport>,
    /// What came in since a time.
    pub since: PeriodTotals,
}

/// Looks at the latest runs, the last of each sync, and what came in since a time.
///
/// # Errors
/// When the store fails.
pub fn digest(data: &DataFolder, most: u32, since: Timestamp) -> Result<RunsDigest> {
    let Some(records) = Records::of(data)? else { return Ok(RunsDigest::default()) };
    Ok(RunsDigest {
        runs: records.read(&records.store.runs(Some(most))?)?,
        all: records.store.count_runs()?,
        last_of_each: records.read(&records.store.last_of_each()?)?,
        changed: records.read(&records.store.changed(most)?)?,
        since: records.store.since(&format!("{since:.3}"))?,
    })
}

/// The lakes that runs wrote to, the latest first.
///
/// # Errors
/// When the store fails.
pub fn lakes(data: &DataFolder) -> Result<Vec<String>> {
    data.refuse_shared()?;
    match Store::open_if_any(data.path())? {
        Some(store) => store.lakes(),
        None => Ok(Vec::new()),
    }
}

/// The tables of a lake that lack what the lake's records say was written to them, and what they lack.
///
/// # Errors
/// When the lake or the store cannot be read.
pub fn behind(data: &DataFolder, lake: &Lake, handle: &Handle) -> Result<Vec<(TableName, Error)>> {
    let store = Store::open_if_any(data.path())?;
    let id = crate::run::key_of(lake);
    let mut found = Vec::new();
    let mut schemas = handle.block_on(caught(lake.recorded_schemas()))?;
    if let Some(store) = &store {
        schemas.extend(store.schemas(&id)?);
    }
    schemas.sort();
    schemas.dedup();
    for schema in schemas {
        let ledger = match &store {
            Some(store) => store.ledger(&id, &schema)?,
            None => None,
        };
        found.extend(behind_of(lake, handle, &schema, ledger.as_ref())?);
    }
    Ok(found)
}

/// The run records, and whether a run is running.
struct Records {
    store: Store,
    held: bool,
    /// Whose lines of standard input wait.
    left: BTreeSet<Left>,
}

impl Records {
    fn of(data: &DataFolder) -> Result<Option<Self>> {
        data.refuse_shared()?;
        let Some(store) = Store::open_if_any(data.path())? else { return Ok(None) };
        // Asked in this order, a run that ends meanwhile has recorded its end.
        let held = !store.running()?.is_empty() && data.is_held();
        Ok(Some(Self { store, held, left: left(&data.spool()) }))
    }

    fn read(&self, records: &[RunRecord]) -> Result<Vec<RunReport>> {
        let mut runs = Vec::new();
        for record in records {
            let mut report = read_report(record, self.held)?;
            tell_of_lines(&mut report, &self.store, &self.left)?;
            runs.push(report);
        }
        Ok(runs)
    }
}

/// Says of a run whose process died what takes the lines that it has left.
fn tell_of_lines(report: &mut RunReport, store: &Store, left: &BTreeSet<Left>) -> Result<()> {
    let Some(error) = report.error.take_if(|error| error.code == "interrupted") else {
        return Ok(());
    };
    report.error = Some(match left.iter().find(|left| left.run == report.run) {
        Some(left) => error.hint(say!(
            "Lines that it read from standard input wait: `{}` takes them.",
            takes(store, left)?
        )),
        None => error,
    });
    Ok(())
}

/// One run by its id, or by the number it begins with.
///
/// # Errors
/// `run_not_found`.
pub fn show_run(data: &DataFolder, id: &str) -> Result<RunReport> {
    data.refuse_shared()?;
    let held = data.is_held();
    let not_found = || {
        Error::new("run_not_found", say!("There is no run `{}`.", id))
            .hint("It may have been forgotten; the list of runs has those that are kept.")
            .field("run")
    };
    let store = Store::open_if_any(data.path())?.ok_or_else(not_found)?;
    let record = store.run(id)?.ok_or_else(not_found)?;
    let mut report = read_report(&record, held || data.is_held())?;
    tell_of_lines(&mut report, &store, &left(&data.spool()))?;
    Ok(report)
}

pub(crate) fn read_report(record: &RunRecord, somebody_runs: bool) -> Result<RunReport> {
    let mut report: RunReport = serde_json::from_str(&record.document).map_err(|error| {
        Error::new("store_failed", say!("Run `{}` cannot be read: {}.", record.id, error))
            .hint("Name another data folder with `HEADGATE_DATA`.")
    })?;
    if record.running && !somebody_runs {
        interrupt(&mut report);
    }
    Ok(report)
}

/// Marks a run whose process is gone.
fn interrupt(report: &mut RunReport) {
    report.status = Status::Failed;
    let mut error = Error::new("interrupted", say!("The process of run `{}` died.", report.run))
        .hint("Run the sync again; it finishes what had begun.")
        .retryable();
    error.trace = Some(Shown::clean(&report.run));
    report.error = Some(error);
}
