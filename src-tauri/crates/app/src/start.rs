//! Checks at the start whether the installation can work, and logs errors of the page.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use headgate_terms::Result;

use crate::App;
use crate::api::{Empty, PageError, Start};
use crate::cx::Cx;

/// How many reports of the page are logged in a minute.
const MOST_REPORTS: u32 = 60;
/// How many characters of one.
const MOST_CHARACTERS: usize = 4_000;

impl App {
    /// The page has no log of its own. Of a page that reports without end only the first reports of
    /// each minute are kept, and of each the beginning.
    #[allow(clippy::unnecessary_wraps, reason = "every command is alike")]
    pub(crate) fn page_log_error(&self, _: &Cx, failed: &PageError) -> Result<Empty> {
        let mut reports = self.page_reports.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = reports.0.get_or_insert_with(Instant::now);
        if begun.elapsed() > Duration::from_mins(1) {
            *reports = (Some(Instant::now()), 0);
        }
        reports.1 += 1;
        if reports.1 <= MOST_REPORTS {
            let cut = |text: &str| text.chars().take(MOST_CHARACTERS).collect::<String>();
            let (kind, text) = (cut(&failed.kind), cut(&failed.text));
            tracing::error!(kind, text, "the page failed");
        }
        Ok(Empty {})
    }

    /// Opens the data folder as a run would, and shows the page as large as it was chosen.
    pub(crate) fn app_start(&self, _: &Cx, _: &Empty) -> Result<Start> {
        drop(self.store()?);
        let settings = self.settings()?;
        self.host.zoom(settings.zoom_percent);
        Ok(Start { version: env!("CARGO_PKG_VERSION"), settings })
    }
}
