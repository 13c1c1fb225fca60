//! What only a desktop can do. The window implements it, and the browser tests do.

use std::path::PathBuf;

use headgate_terms::{Error, Result, Shown};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A desktop.
pub trait Host: Send + Sync {
    /// Opens a dialog and waits for it; none when it was closed without a choice.
    ///
    /// # Errors
    /// When there is no dialog to open.
    fn choose(&self, choose: &Choose) -> Result<Option<PathBuf>>;
    /// Puts text on the clipboard.
    ///
    /// # Errors
    /// When there is no clipboard.
    fn copy(&self, text: &str) -> Result<()>;
    /// Asks the user in a dialog of its own, which the page can neither draw nor answer; true when
    /// the user agreed.
    ///
    /// # Errors
    /// When there is nobody to ask.
    fn confirm(&self, confirm: &Confirm) -> Result<bool>;
}

/// A question that only the user can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    /// The question, short.
    pub title: Shown,
    /// What will happen, in one or two sentences.
    pub text: Shown,
    /// The word on the button that agrees.
    pub yes: Shown,
}

/// What to choose.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct Choose {
    /// Of which kind.
    pub kind: ChooseKind,
    /// The dialog's title.
    pub title: String,
}

/// What can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ChooseKind {
    /// A file of events.
    File,
    /// A folder.
    Folder,
}

/// What was chosen.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Chosen {
    /// Its path; none when the dialog was closed.
    pub path: Option<String>,
}

/// Text for the clipboard.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct Copy {
    /// The text.
    pub text: String,
}

/// What happens outside the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HostEvent {
    /// Files or folders are held over the window.
    Over,
    /// They were taken away again.
    Away,
    /// They were dropped.
    Dropped {
        /// Where they lie.
        paths: Vec<String>,
    },
    /// The window was asked to close and waits until what was sent outside this machine has ended.
    Closing {
        /// The commands it waits for.
        commands: Vec<String>,
    },
    /// A page of the application was asked for from outside.
    Open {
        /// Its address, beginning with `/`.
        address: String,
    },
}

/// Where there is no desktop.
pub(crate) struct NoDesktop;

impl Host for NoDesktop {
    fn choose(&self, _: &Choose) -> Result<Option<PathBuf>> {
        Err(no_desktop())
    }

    fn copy(&self, _: &str) -> Result<()> {
        Err(no_desktop())
    }

    fn confirm(&self, _: &Confirm) -> Result<bool> {
        Err(no_desktop())
    }
}

fn no_desktop() -> Error {
    Error::new("no_desktop", "There is no desktop to ask.").hint("Use the window for it.")
}
