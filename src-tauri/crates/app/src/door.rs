//! [`Door`]: every command as a method, for hosts written in Rust. The methods are made from the table in
//! `serve`; here are those that only the terminal needs. Each follows the rules of its command's line.

use std::path::Path;

use headgate_sync::{Observer, Preview, PreviewRequest, RunReport, RunRequest, SavedLines};
use headgate_terms::Result;

use crate::App;
use crate::api::{Applied, AwsAccess, ChangeRequest, RunRef, TrustPlan};
use crate::cx::Cx;
use crate::demo::DemoReport;
use crate::plans::PlanObserver;
use crate::serve::line;
use crate::trust::HandedPlan;

/// The use-cases for a host in this process. Its paths are not confirmed, because its user names them.
pub struct Door<'a> {
    pub(crate) app: &'a App,
    pub(crate) cx: &'a Cx,
}

impl App {
    /// The use-cases as methods.
    #[must_use]
    pub fn door<'a>(&'a self, cx: &'a Cx) -> Door<'a> {
        Door { app: self, cx }
    }
}

impl Door<'_> {
    /// Brings events into a lake, also those of standard input.
    ///
    /// # Errors
    /// What goes wrong before there is a run; the report says the rest.
    pub fn sync_run(&self, request: &RunRequest, watch: &dyn Observer) -> Result<RunReport> {
        let Self { app, cx } = self;
        app.carry_out(&line::sync_start, cx, |_| app.sync_run(cx, request, watch))
    }

    /// Shows what events would make of a lake.
    ///
    /// # Errors
    /// As [`headgate_sync::preview`].
    pub fn preview(&self, request: &PreviewRequest, watch: &dyn Observer) -> Result<Preview> {
        let Self { app, cx } = self;
        app.carry_out(&line::schema_preview, cx, |_| app.preview(cx, request, watch))
    }

    /// Makes a lake of the sample day, in a new temporary folder if none is named.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn demo(&self, to: Option<&str>, watch: &dyn Observer) -> Result<DemoReport> {
        let Self { app, cx } = self;
        app.carry_out(&line::sample_create, cx, |_| app.demo(cx, to, watch))
    }

    /// Every run with its tables, newest first.
    ///
    /// # Errors
    /// When the data folder cannot be read.
    pub fn runs(&self) -> Result<Vec<RunReport>> {
        let Self { app, cx } = self;
        app.carry_out(&line::runs_list, cx, |_| app.runs(cx))
    }

    /// Saves the lines that a run rejected, of one reason or of all, in a file.
    ///
    /// # Errors
    /// `run_not_found`, `rejected_lines_expired` and `output_failed`.
    pub fn save_rejected(&self, run: &str, reason: Option<&str>, to: &Path) -> Result<SavedLines> {
        let Self { app, cx } = self;
        app.carry_out(&line::runs_rejected_save, cx, |_| {
            let run = app.runs_show(cx, &RunRef { run: run.to_owned() })?;
            app.save_rejected(&run, reason, to)
        })
    }

    /// Plans a change under a quota that the caller knows; AWS is not asked for it.
    ///
    /// # Errors
    /// As [`Self::role_plan`].
    pub fn role_plan_within(&self, request: &ChangeRequest, quota: usize) -> Result<TrustPlan> {
        let Self { app, cx } = self;
        app.carry_out(&line::role_plan, cx, |_| app.role_plan_within(cx, request, quota))
    }

    /// Takes a plan from a file that somebody handed over. Nothing is kept or sent.
    ///
    /// # Errors
    /// `plan_invalid` for what is not a plan of this version, and `policy_invalid` when AWS would refuse
    /// the text to write.
    pub fn plan_handed_over(&self, text: &str) -> Result<HandedPlan> {
        self.app.plan_handed_over(self.cx, text)
    }

    /// Applies a plan that need not be kept here.
    ///
    /// # Errors
    /// As [`Self::role_apply`].
    pub fn apply_plan(
        &self,
        plan: &TrustPlan,
        access: &AwsAccess,
        watch: &dyn PlanObserver,
    ) -> Result<Applied> {
        let Self { app, cx } = self;
        app.carry_out(&line::role_apply, cx, |world| app.apply_plan(cx, plan, access, watch, world))
    }
}
