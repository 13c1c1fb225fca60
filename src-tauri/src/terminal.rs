//! The only code of the window that writes to standard output and standard error: answers to its command line,
//! and its log.

#![expect(clippy::disallowed_methods, reason = "this is the one place that writes")]

use std::io::{self, Stderr, Write};

use headgate_terms::Shown;

/// Writes a line to standard output.
pub(crate) fn print(text: impl Into<Shown>) {
    // Where nobody reads it, nobody can be told.
    let _ = writeln!(io::stdout(), "{}", text.into());
}

/// Writes a line to standard error.
pub(crate) fn warn(text: impl Into<Shown>) {
    let _ = writeln!(io::stderr(), "{}", text.into());
}

/// Standard error for the log, which cleans its lines.
pub(crate) fn log() -> Stderr {
    io::stderr()
}
