//! Reports of runs, their rejected lines and discarded values, and the release of what waits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use headgate_lake::{Lake, Location, caught};
use headgate_sync::{
    RejectedLines, Release, RunReport, SavedLines, read_rejected_lines, save_rejected_lines,
};
use headgate_terms::{Error, Result, say};

use crate::App;
use crate::api::{
    CallAbout, Discards, RunDiscards, RunList, RunRef, RunRejectedLines, RunRejectedSave,
    RunRejectedSaved, RunRelease, RunsPage,
};
use crate::cx::Cx;
use crate::host::SaveAs;
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
        match self.letters_of(&self.runs_show(cx, &RunRef { run: request.run.clone() })?) {
            Some(path) => read_rejected_lines(&path, request.from, PAGE, request.reason.as_deref()),
            None => Ok(RejectedLines { letters: Vec::new(), next: None }),
        }
    }

    /// Saves the lines that a run rejected in a file that the user names in a dialog.
    ///
    /// # Errors
    /// As [`Self::save_rejected`], and those of the dialog.
    pub(crate) fn runs_rejected_save(
        &self,
        cx: &Cx,
        request: &RunRejectedSave,
    ) -> Result<RunRejectedSaved> {
        let run = self.runs_show(cx, &RunRef { run: request.run.clone() })?;
        let asked = SaveAs {
            title: say!("Save the rejected lines of run {}", run.run),
            name: say!("rejected-{}.ndjson", run.run),
        };
        let to = self.questions.alone(|| self.host.save_as(&asked))?;
        let save = |to: PathBuf| self.save_rejected(&run, request.reason.as_deref(), &to);
        Ok(RunRejectedSaved { saved: to.map(save).transpose()? })
    }

    /// Saves the lines that a run rejected, as they came, of one reason or of all.
    ///
    /// # Errors
    /// `rejected_lines_expired` when they are no longer kept, and `output_failed` when the file cannot be written.
    pub(crate) fn save_rejected(
        &self,
        run: &RunReport,
        reason: Option<&str>,
        to: &Path,
    ) -> Result<SavedLines> {
        match self.letters_of(run) {
            Some(path) => save_rejected_lines(&path, reason, to),
            None => Err(Error::new(
                "rejected_lines_expired",
                say!("Run {} has no rejected lines.", run.run),
            )
            .hint("`headgate runs list` shows how many lines each run rejected.")
            .field("run")),
        }
    }

    /// The file of a run's rejected lines.
    fn letters_of(&self, run: &RunReport) -> Option<PathBuf> {
        let kept = run.dead_letters.as_ref()?;
        // The data folder may have been moved since.
        let name = Path::new(&kept.path).file_name().unwrap_or_default();
        Some(self.data().dead_letters().join(name))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::played::{TestApp, User};

    #[test]
    fn rejected_lines_are_saved_where_the_user_says_and_nowhere_without() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("out.ndjson");
        let saved = |chooses| {
            let mut user = User::new(true);
            user.chooses = chooses;
            let desk = TestApp::with(user);
            let events = desk.events("in");
            std::fs::write(format!("{events}/a.ndjson"), "no event\n{\"type\":7}\n").unwrap();
            let run = desk.sync(&events, &desk.path("lake")).unwrap();
            let save = json!({"run": run["run"], "reason": "unknown_type"});
            let saved = desk.call("runs_rejected_save", &save).unwrap();
            // The file that keeps them is a source that nobody has to be asked about.
            let kept = run["dead_letters"]["path"].as_str().unwrap();
            let asked = desk.user.asked().len();
            desk.call("schema_preview", &json!({"from": kept, "lake": null, "source": null}))
                .unwrap();
            assert_eq!(desk.user.asked().len(), asked);
            saved
        };
        assert_eq!(saved(None), json!({"saved": null}));
        let answer = saved(Some(to.clone()));
        assert_eq!(
            (&answer["saved"]["saved"], &answer["saved"]["left_out"]),
            (&json!(1), &json!(0))
        );
        assert_eq!(std::fs::read_to_string(to).unwrap(), "{\"type\":7}\n");
    }
}
