//! Reports of runs, their rejected lines and discarded values, and the release of what waits.

use std::collections::BTreeSet;
use std::path::Path;

use headgate_lake::{Lake, Location, caught};
use headgate_sync::{RejectedLines, Release, RunReport, read_rejected_lines};
use headgate_terms::Result;

use crate::App;
use crate::api::{
    CallAbout, Discards, RunDiscards, RunList, RunRef, RunRejectedLines, RunRelease, RunsPage,
};
use crate::cx::Cx;
use crate::jobs::{JobKind, JobState, NewWork, SYNC_LANE, Work};

/// How many runs a page has at most.
const RUNS: u32 = 200;
/// How many lines or values one answer holds at most.
const PAGE: usize = 10_000;

impl App {
    /// Every run, newest first.
    ///
    /// # Errors
    /// When the data folder cannot be read.
    pub(crate) fn runs(&self, _: &Cx) -> Result<Vec<RunReport>> {
        headgate_sync::list_runs(self.data())
    }

    pub(crate) fn runs_list(&self, _: &Cx, request: &RunsPage) -> Result<RunList> {
        let most = request.limit.unwrap_or(RUNS).clamp(1, RUNS);
        let (runs, more) =
            headgate_sync::runs_before(self.data(), request.before.as_deref(), most)?;
        let next = runs.last().filter(|_| more).map(|run| run.run.clone());
        Ok(RunList { runs, next })
    }

    /// One run.
    ///
    /// # Errors
    /// `run_not_found`.
    pub(crate) fn runs_show(&self, _: &Cx, request: &RunRef) -> Result<RunReport> {
        headgate_sync::show_run(self.data(), &request.run)
    }

    /// Some of the lines that a run rejected.
    ///
    /// # Errors
    /// `run_not_found`, and `rejected_lines_expired` when they are no longer kept.
    pub(crate) fn runs_rejected_lines(
        &self,
        cx: &Cx,
        request: &RunRejectedLines,
    ) -> Result<RejectedLines> {
        let run = self.runs_show(cx, &RunRef { run: request.run.clone() })?;
        let Some(kept) = run.dead_letters else {
            return Ok(RejectedLines { letters: Vec::new(), next: None });
        };
        // The data folder may have been moved since.
        let name = Path::new(&kept.path).file_name().unwrap_or_default();
        let path = self.data().dead_letters().join(name);
        read_rejected_lines(&path, request.from, PAGE, request.reason.as_deref())
    }

    /// Gives up what a run's batches wait for: its lines move to the rejected lines. It waits for the syncs
    /// before it, also those of another process.
    ///
    /// # Errors
    /// `run_not_found`, `nothing_waits`, `cancelled` before its turn, and at a terminal `data_folder_busy` while
    /// another process works with it.
    pub(crate) fn runs_release(&self, cx: &Cx, request: &RunRelease) -> Result<Release> {
        let (table, handle) = (request.table.as_deref(), self.runtime().handle());
        let (lane, watch) = (SYNC_LANE.to_owned(), &cx.call);
        let about =
            CallAbout { from: request.run.clone(), to: request.table.clone(), source: None };
        let new = NewWork { kind: JobKind::Release, lane, about: Some(about), watch };
        let work = |work: &Work<'_>| {
            work.once_free(|| headgate_sync::release(self.data(), &request.run, table, handle))
        };
        let released = self.job(cx, new, work, |_| (JobState::Succeeded, None));
        released.map_err(|error| self.with_holder(error))
    }

    /// Some of the values that a run set aside, as the lake keeps them.
    ///
    /// # Errors
    /// `run_not_found`, and when the lake cannot be read.
    pub(crate) fn runs_discards(&self, cx: &Cx, request: &RunDiscards) -> Result<Discards> {
        let run = self.runs_show(cx, &RunRef { run: request.run.clone() })?;
        let schemas: BTreeSet<_> = run
            .tables
            .iter()
            .filter(|table| table.discarded > 0)
            .map(|table| table.schema.clone())
            .collect();
        let location = Location::parse(&run.to)?;
        self.runtime().block_on(caught(async {
            let lake = Lake::open(location).await?;
            let (mut found, mut left_out, mut more) = (Vec::new(), request.from, false);
            for schema in schemas {
                let room = PAGE - found.len();
                let part = lake.discards(&schema, &run.run, left_out, room).await?;
                left_out -= part.skipped;
                found.extend(part.rows);
                more = part.more;
                if more {
                    break;
                }
            }
            Ok(Discards { discards: found, more })
        }))
    }
}
