//! What Headgate can do, for any host: the window, the terminal command, and tests.
//!
//! [`App`] is one installation with its data folder. A host calls it by the name of a command with JSON
//! ([`App::call`], which is what the page does) or through methods ([`App::door`], which is what the terminal
//! does); both are made from the table in `commands.rs`, and follow the rules of its lines. [`Cx`] says for
//! whom, and in which profile. A host implements [`Host`] for what only a desktop can do.
//!
//! The crate knows no window and no terminal. Events, policies, AWS and Delta are in crates of their own.
//!
//! ```
//! use headgate_app::{Actor, App, Call};
//!
//! let folder = tempfile::tempdir()?;
//! let app = App::with_data(folder.path().join("data"))?;
//! let cx = app.cx(Actor::Terminal, Call::unheard());
//! assert!(app.door(&cx).runs()?.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

include!("commands.rs");

mod api;
mod callers;
mod calls;
mod cx;
mod demo;
mod door;
mod drafts;
mod events;
mod grants;
mod host;
#[cfg(test)]
mod hostile_page;
mod jobs;
mod lakes;
mod neighbour;
mod overview;
mod plans;
#[cfg(test)]
mod played;
mod policies;
mod profiles;
mod questions;
mod roles;
mod runs;
mod serve;
mod sessions;
mod settings;
mod start;
mod stores;
mod syncs;
mod tables;
mod trust;
#[cfg(test)]
mod truth;
mod world;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use headgate_terms::{Error, Result, say};
use tokio::runtime::Runtime;

use calls::CallRegistry;
use events::Bus;
use grants::Grants;
use host::NoDesktop;
use jobs::Runner;
use questions::Questions;
use sessions::Sessions;
use stores::Stores;

pub use api::*;
pub use calls::{Call, Sink};
pub use cx::{Actor, Cx};
pub use demo::DemoReport;
pub use door::Door;
pub use events::Listener;
pub use headgate_aws::{Endpoint, Identity};
pub use headgate_lake::{CommitEntry, DiscardRow, TableSummary};
pub use headgate_policy as policy;
pub use headgate_sync::{
    ColumnChoice, Counted, DataFolder, Observer, PreviewRequest, RejectedLine, RunRequest, Status,
    TableReport,
};
pub use host::{Confirm, Host, Notice, SaveAs};
pub use neighbour::{Changed, Message, SOCKET};
pub use plans::PlanObserver;
pub use policies::{invalid, valid};
pub use roles::{facts_of, now};
pub use serve::{COMMANDS, Command, Kind};
pub use syncs::table_to_fill;
pub use trust::HandedPlan;

/// One installation: everything that a host can call.
pub struct App {
    data: DataFolder,
    stores: Stores,
    runtime: Runtime,
    host: Box<dyn Host>,
    calls: CallRegistry,
    bus: Bus,
    jobs: Runner,
    grants: Grants,
    questions: Questions,
    /// The id of the profile in use, once it was looked up.
    in_use: Mutex<Option<String>>,
    sessions: Sessions,
    /// Whether the application is closing: then nothing more is begun.
    closing: AtomicBool,
    /// When the page's reports began to be counted, and how many came since.
    page_reports: Mutex<(Option<Instant>, u32)>,
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
                Error::new("internal", say!("The runtime did not start: {}.", error))
                    .hint("Check the limits on threads of this user.")
            })?;
        Ok(Self {
            data: DataFolder::new(data),
            stores: Stores::default(),
            runtime,
            host: Box::new(NoDesktop),
            calls: CallRegistry::default(),
            bus: Bus::default(),
            jobs: Runner::default(),
            grants: Grants::default(),
            questions: Questions::default(),
            in_use: Mutex::default(),
            sessions: Sessions::default(),
            closing: AtomicBool::new(false),
            page_reports: Mutex::default(),
        })
    }

    /// With a desktop.
    #[must_use]
    pub fn on(mut self, host: Box<dyn Host>) -> Self {
        self.host = host;
        self
    }

    /// What a program that stays up does in passing: removes what is kept no longer.
    pub fn tidy(&self) {
        if let Err(error) = self.end_interrupted_jobs() {
            tracing::warn!(%error, "jobs that were interrupted are not ended on record");
        }
        self.expire();
    }

    /// Where runs are remembered.
    #[must_use]
    pub fn data(&self) -> &DataFolder {
        &self.data
    }

    /// The runtime that carries the outside world's work.
    #[must_use]
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Calls once when the process is asked to end.
    pub fn on_signal(&self, then: impl FnOnce() + Send + 'static) {
        self.runtime.spawn(async move {
            use tokio::signal::unix::{SignalKind, signal};
            let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            tokio::task::spawn_blocking(then);
        });
    }

    /// Ends everything that runs, with a short wait.
    pub fn close(self) {
        self.record_last_ends();
        self.runtime.shutdown_timeout(Duration::from_secs(2));
    }
}
