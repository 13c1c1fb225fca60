//! Whether this installation can work, asked before anything is shown.

use headgate_store::Store;
use headgate_terms::Result;
use serde::Serialize;
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

impl App {
    /// Opens the data folder as a run would, and removes what is kept no longer.
    pub(crate) fn app_start(&self, _: Nothing) -> Result<Start> {
        self.data().make()?;
        drop(Store::open(self.data().path())?);
        let settings = self.settings()?;
        self.expire(&settings)?;
        Ok(Start { version: env!("CARGO_PKG_VERSION"), theme: settings.theme })
    }
}
