//! Previews and syncs: requests of the page and of the terminal, checked and run as jobs.

use std::path::PathBuf;

use headgate_sync::{ColumnChoice, Observer, Preview, PreviewRequest, RunReport, RunRequest};
use headgate_terms::{Error, Result, TableName, say};

use crate::App;
use crate::api::{CallAbout, SchemaPreview, SyncStart};
use crate::cx::Cx;
use crate::jobs::{JobKind, JobState, NewWork, SYNC_LANE, Work};

impl App {
    pub(crate) fn schema_preview(&self, cx: &Cx, request: &SchemaPreview) -> Result<Preview> {
        let from = place("from", &request.from)?;
        let mut preview = PreviewRequest::new(from, self.data().clone());
        preview.lake = given(request.lake.as_deref());
        preview.source = given(request.source.as_deref());
        preview.columns = ColumnChoice::parse_all(&request.columns)?;
        preview.batch_bytes = self.settings()?.batch_bytes();
        self.preview(cx, &preview, &cx.call)
    }

    /// As [`Self::schema_preview`], with all that a request of the terminal may say.
    ///
    /// # Errors
    /// As [`headgate_sync::preview`].
    pub(crate) fn preview(
        &self,
        _: &Cx,
        request: &PreviewRequest,
        watch: &dyn Observer,
    ) -> Result<Preview> {
        headgate_sync::preview(request, self.runtime().handle(), watch)
    }

    pub(crate) fn sync_start(&self, cx: &Cx, request: &SyncStart) -> Result<RunReport> {
        if request.to.trim().is_empty() {
            return Err(Error::new("wrong_use", "No lake is named.")
                .hint("Choose the folder that holds the tables, or a new one.")
                .field("to"));
        }
        let from = place("from", &request.from)?;
        let mut run =
            RunRequest::new(Some(from), request.to.trim().to_owned(), self.data().clone());
        run.source = given(request.source.as_deref());
        run.again = request.again;
        run.refill =
            given(request.refill.as_deref()).map(|text| table_to_fill(&text)).transpose()?;
        run.columns = ColumnChoice::parse_all(&request.columns)?;
        run.new_lake_id = request.new_lake_id;
        self.settings()?.apply(&mut run);
        // As it was asked for: so whoever asked finds its job.
        let (from, to) = (request.from.clone(), Some(request.to.clone()));
        let about = CallAbout { from, to, source: request.source.clone() };
        self.sync_about(cx, &run, about, &cx.call)
    }

    /// As [`Self::sync_start`], with all that a request of the terminal may say.
    ///
    /// # Errors
    /// What goes wrong before there is a run; the report says the rest.
    pub(crate) fn sync_run(
        &self,
        cx: &Cx,
        request: &RunRequest,
        watch: &dyn Observer,
    ) -> Result<RunReport> {
        let from =
            request.from.as_ref().map_or_else(|| "-".to_owned(), |from| from.display().to_string());
        let to = Some(request.to.clone());
        let about = CallAbout { from, to, source: request.source.clone() };
        self.sync_about(cx, request, about, watch)
    }

    fn sync_about(
        &self,
        cx: &Cx,
        request: &RunRequest,
        about: CallAbout,
        watch: &dyn Observer,
    ) -> Result<RunReport> {
        let lane = SYNC_LANE.to_owned();
        let new = NewWork { kind: JobKind::Sync, lane, about: Some(about), watch };
        let work = |work: &Work<'_>| {
            work.once_free(|| headgate_sync::run(request, self.runtime().handle(), work))
        };
        if let Err(error) = self.end_interrupted_jobs() {
            tracing::warn!(%error, "jobs that were interrupted are not ended on record");
        }
        let report = self
            .job(cx, new, work, |report| (JobState::of_run(report.status), report.error.clone()));
        report.map_err(|error| self.with_holder(error))
    }
}

/// A table as a user names it, to be filled again.
///
/// # Errors
/// `wrong_use` when it is not `schema.table`.
pub fn table_to_fill(text: &str) -> Result<TableName> {
    let parts = text.split_once('.').filter(|(schema, table)| {
        !schema.is_empty() && !table.is_empty() && !table.contains(['.', '/'])
    });
    let (schema, table) = parts.ok_or_else(|| {
        Error::new("wrong_use", say!("`{}` is not a table's name.", text))
            .hint("Name it as `schema.table`, such as `web.tracks`.")
            .field("refill")
    })?;
    Ok(TableName { schema: schema.to_owned(), table: table.to_owned() })
}

/// What a field holds, unless it is left empty.
fn given(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A folder or a file as a user names it.
pub(crate) fn place(field: &'static str, text: &str) -> Result<PathBuf> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::new("wrong_use", "No events are named.")
            .hint("Choose a file or a folder.")
            .field(field));
    }
    let path = PathBuf::from(text.strip_prefix("file://").unwrap_or(text));
    if path.is_relative() {
        return Err(Error::new("wrong_use", say!("`{}` is not an absolute path.", text))
            .hint("Give the path from the root, beginning with `/`.")
            .field(field));
    }
    Ok(path)
}
