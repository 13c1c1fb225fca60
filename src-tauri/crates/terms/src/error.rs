//! [`Error`], the one shape of a failure in the terminal, the window, a run's report and JSON output.
//!
//! The message, hint and field are for people; the code, `retryable` and `trace` are for programs. Codes are
//! chosen where a failure occurs; this file only carries them.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::Shown;

/// What failed, on what, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(rename = "Failure")]
pub struct Error {
    /// A stable word in `snake_case` that a program may branch on.
    pub code: Cow<'static, str>,
    /// What failed and on what, in one sentence.
    pub message: Shown,
    /// The one next action, in one sentence.
    pub hint: Option<Shown>,
    /// The argument or setting at fault, where there is one.
    pub field: Option<Shown>,
    /// Whether the same call may succeed later without a change.
    pub retryable: bool,
    /// What finds the log lines: a run's id, or the id of this process.
    pub trace: Option<Shown>,
}

/// A result whose failure is ready to be shown.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure that the same call would meet again.
    pub fn new(code: &'static str, message: impl Into<Shown>) -> Self {
        Self {
            code: Cow::Borrowed(code),
            message: message.into(),
            hint: None,
            field: None,
            retryable: false,
            trace: None,
        }
    }

    /// Adds the next action.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Shown>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the argument or setting at fault.
    #[must_use]
    pub fn field(mut self, field: impl Into<Shown>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says that the same call may succeed later.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
