//! The installation, and errors of the page's own.
//!
//! Errors: those of every command. A report of the page always succeeds.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Settings;

/// This installation.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Start {
    /// Headgate's version.
    pub version: &'static str,
    /// The settings.
    pub settings: Settings,
}

/// An error of the page's own.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct PageError {
    /// `error`, `rejection`, `console` or `policy`.
    pub kind: String,
    /// What the browser said of it.
    pub text: String,
}
