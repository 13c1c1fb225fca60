//! The installation, and errors of the page's own.
//!
//! Errors: those of every command. A report of the page always succeeds.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Theme;

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
pub struct PageError {
    /// `error`, `rejection`, `console` or `policy`.
    pub kind: String,
    /// What the browser said of it.
    pub text: String,
}
