//! The start of the page, and errors that occur in it.
//!
//! Errors: those of every command. Reporting an error of the page always succeeds.

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
