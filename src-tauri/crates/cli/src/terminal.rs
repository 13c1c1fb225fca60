//! What a terminal can do of what a desktop can: ask its user.

use std::io::{self, IsTerminal};

use headgate_app::{Confirm, Host};
use headgate_terms::{Error, Result, say};

use crate::output::{self, line};

/// The terminal that the command was typed into.
pub(crate) struct Terminal {
    /// Whether the user agreed beforehand.
    pub(crate) agrees: bool,
}

impl Host for Terminal {
    fn confirm(&self, confirm: &Confirm) -> Result<bool> {
        // A script cannot be asked: it names the plan that it carries out, and that is its word.
        if self.agrees || !io::stdin().is_terminal() || !output::is_read_by_a_person() {
            return Ok(true);
        }
        let asked = output::stderr(|out| {
            line!(out, "{} {}", confirm.title, confirm.text)?;
            line!(out, "{}? [y/N]", confirm.yes)
        });
        let mut answer = String::new();
        asked.and_then(|()| io::stdin().read_line(&mut answer)).map_err(|error| {
            Error::new("confirmation_required", say!("The question could not be asked: {}.", error))
                .hint("Nothing was sent. Run the command with `--yes` to agree to it.")
        })?;
        Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
    }
}
