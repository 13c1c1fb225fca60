//! The use-cases: what a host (terminal, window, tests) can ask for, with shapes in and out.
//!
//! No terminal and no window is known here. A host brings a runtime and a watcher.

mod demo;
mod tables;

use std::path::PathBuf;
use std::time::Duration;

use headgate_terms::{Error, Result};
use tokio::runtime::Runtime;

pub use demo::DemoReport;
pub use headgate_lake::{CommitEntry, TableDetail, TableSummary};
pub use headgate_sync::{
    Counted, DataFolder, Preview, PreviewRequest, Progress, RunReport, RunRequest, Status,
    TableReport, Watch,
};
pub use tables::{HistoryReport, TablesReport};

/// Everything a host can ask for.
pub struct App {
    data: DataFolder,
    runtime: Runtime,
}

impl App {
    /// With the data folder that the environment names: `HEADGATE_DATA`, else
    /// `XDG_DATA_HOME/headgate`, else `~/.local/share/headgate`.
    ///
    /// # Errors
    /// `no_data_folder` when the environment names none.
    pub fn from_environment() -> Result<Self> {
        let named = |key: &str| std::env::var_os(key).filter(|v| !v.is_empty()).map(PathBuf::from);
        let data = named("HEADGATE_DATA")
            .or_else(|| named("XDG_DATA_HOME").map(|base| base.join("headgate")))
            .or_else(|| named("HOME").map(|home| home.join(".local/share/headgate")))
            .ok_or_else(|| {
                Error::new("no_data_folder", "No folder for Headgate's data is known.")
                    .hint("Name one with the environment variable `HEADGATE_DATA`.")
            })?;
        Self::with_data(data)
    }

    /// With a data folder of the host's choice.
    ///
    /// # Errors
    /// When this machine gives no threads.
    pub fn with_data(data: PathBuf) -> Result<Self> {
        let data = std::path::absolute(&data).unwrap_or(data);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| {
                Error::new("internal", format!("The runtime did not start: {error}."))
                    .hint("Check the limits on threads of this user.")
            })?;
        Ok(Self { data: DataFolder::new(data), runtime })
    }

    /// Where runs are remembered.
    #[must_use]
    pub fn data(&self) -> &DataFolder {
        &self.data
    }

    /// The runtime that carries the outside world's work.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Brings events into a lake.
    ///
    /// # Errors
    /// What goes wrong before there is a run; the report says the rest.
    pub fn sync_run(&self, request: &RunRequest, watch: &dyn Watch) -> Result<RunReport> {
        headgate_sync::run(request, self.runtime.handle(), watch)
    }

    /// Shows what events would make of a lake.
    ///
    /// # Errors
    /// As [`headgate_sync::preview`].
    pub fn schema_preview(&self, request: &PreviewRequest) -> Result<Preview> {
        headgate_sync::preview(request, self.runtime.handle())
    }

    /// Every run, newest first.
    ///
    /// # Errors
    /// When the data folder cannot be read.
    pub fn runs_list(&self) -> Result<Vec<RunReport>> {
        headgate_sync::list_runs(&self.data)
    }

    /// One run.
    ///
    /// # Errors
    /// `run_not_found`.
    pub fn runs_show(&self, run: &str) -> Result<RunReport> {
        headgate_sync::show_run(&self.data, run)
    }

    /// Ends all that goes on, waiting a moment for it.
    pub fn close(self) {
        self.runtime.shutdown_timeout(Duration::from_secs(2));
    }
}
