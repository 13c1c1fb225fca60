//! Questions to the user, and addresses that the desktop opens.
//!
//! The page decides when a command is called, so without limits it could ask until the user gives in. One
//! question is open at a time; after several refusals in a row, every question counts as refused for a while.
//! Addresses are opened one at a time too.

use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use headgate_terms::{Error, Result};

use crate::host::{Confirm, Host};

/// How many refusals in a row end the questions.
const MOST_REFUSALS: u32 = 5;
/// For how long they end.
const PAUSE: Duration = Duration::from_mins(1);
/// How long after one address another is opened.
const BETWEEN: Duration = Duration::from_secs(1);

/// What was asked.
#[derive(Default)]
pub(crate) struct Questions {
    open: Mutex<()>,
    refused: Mutex<Refused>,
    /// When an address was opened last.
    opened: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Refused {
    in_a_row: u32,
    last: Option<Instant>,
}

impl Questions {
    /// Asks; true when the user agreed.
    ///
    /// # Errors
    /// `question_open` while another question is open, and when there is no user to ask.
    pub(crate) fn ask(&self, host: &dyn Host, confirm: &Confirm) -> Result<bool> {
        self.alone(|| {
            if self.refused.lock().unwrap_or_else(PoisonError::into_inner).pauses() {
                return Ok(false);
            }
            let agrees = host.confirm(confirm)?;
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            refused.in_a_row = if agrees { 0 } else { refused.in_a_row + 1 };
            refused.last = Some(Instant::now());
            Ok(agrees)
        })
    }

    /// Opens an address in the browser, unless one was opened a moment ago.
    ///
    /// # Errors
    /// `too_soon`, and when there is no browser.
    pub(crate) fn open(&self, host: &dyn Host, url: &str) -> Result<()> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.is_some_and(|last| last.elapsed() < BETWEEN) {
            return Err(Error::new("too_soon", "An address was opened a moment ago.")
                .hint("Try it again in a second.")
                .retryable());
        }
        *opened = Some(Instant::now());
        host.open_url(url)
    }

    /// Opens one dialog, unless another is open.
    ///
    /// # Errors
    /// `question_open`, and what the dialog ends in.
    pub(crate) fn alone<T>(&self, dialog: impl FnOnce() -> Result<T>) -> Result<T> {
        let _open = match self.open.try_lock() {
            Ok(open) => open,
            Err(TryLockError::Poisoned(open)) => open.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new("question_open", "Another dialog waits for an answer.")
                    .hint("Answer it first, then try again.")
                    .retryable());
            }
        };
        dialog()
    }
}

impl Refused {
    fn pauses(&self) -> bool {
        self.in_a_row >= MOST_REFUSALS && self.last.is_some_and(|last| last.elapsed() < PAUSE)
    }
}
