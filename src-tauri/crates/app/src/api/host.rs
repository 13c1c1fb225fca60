//! What the desktop does for the page: dialogs and the clipboard.
//!
//! Errors: `no_desktop` where there is none, and `question_open` while another dialog is open.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
    /// Its path; null when the dialog was closed.
    pub path: Option<String>,
}

/// Text for the clipboard.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct Copy {
    /// The text.
    pub text: String,
}
