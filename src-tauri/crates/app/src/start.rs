//! Whether this installation can work, asked before anything is shown.

use headgate_store::Store;
use headgate_terms::Result;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::App;
use crate::calls::Nothing;
use crate::settings::Theme;

/// This installation.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Start {
    /// Headgate's version.
    pub version: &'static str,
    /// How the page looks.
    pub theme: Theme,
}

/// An error of the page's own.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct PageFailed {
    /// `error`, `rejection`, `console` or `policy`.
    pub kind: String,
    /// What the browser said of it.
    pub text: String,
}

impl App {
    /// The page has no log of its own.
    #[allow(clippy::unnecessary_wraps, clippy::unused_self, reason = "every command is alike")]
    pub(crate) fn page_failed(&self, failed: &PageFailed) -> Result<Nothing> {
        let PageFailed { kind, text } = failed;
        tracing::error!(kind, text, "the page failed");
        Ok(Nothing {})
    }

    /// Opens the data folder as a run would.
    pub(crate) fn app_start(&self, _: &Nothing) -> Result<Start> {
        self.data().make()?;
        drop(Store::open(self.data().path())?);
        let settings = self.settings()?;
        Ok(Start { version: env!("CARGO_PKG_VERSION"), theme: settings.theme })
    }
}
