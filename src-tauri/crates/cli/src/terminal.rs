//! The terminal as a host: it can ask its user a question, and nothing else that a desktop can.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use headgate_app::{Confirm, Host};
use headgate_terms::{Error, Result, say};

use crate::output::{self, line};

/// The terminal that the command was typed into.
pub(crate) struct Terminal {
    /// Whether the user agreed beforehand.
    pub(crate) agrees: bool,
}

/// What a question waits for: a line, or none because the process was asked to end.
type Answer = Option<io::Result<String>>;

/// The question of this process's one terminal.
static QUESTION: Mutex<Question> = Mutex::new(Question::None);

enum Question {
    None,
    Open(Sender<Answer>),
    /// The process was asked to end: nothing more is asked.
    Ended,
}

fn question() -> MutexGuard<'static, Question> {
    QUESTION.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the question that is open without an answer, and those to come.
pub(crate) fn end_questions() {
    if let Question::Open(asks) = std::mem::replace(&mut *question(), Question::Ended) {
        let _ = asks.send(None);
    }
}

impl Host for Terminal {
    fn confirm(&self, confirm: &Confirm) -> Result<bool> {
        // A script cannot be asked: it names the plan that it carries out, and that is its word.
        if self.agrees || !io::stdin().is_terminal() || !output::is_read_by_a_person() {
            return Ok(true);
        }
        let (answer, answers) = channel::<Answer>();
        match &mut *question() {
            Question::Ended => return Err(ended()),
            open => *open = Question::Open(answer.clone()),
        }
        let asked = output::stderr(|out| {
            line!(out, "{} {}", confirm.title, confirm.text)?;
            line!(out, "{}? [y/N]", confirm.yes)
        });
        asked.map_err(|error| not_asked(&error))?;
        // A signal does not end the reading of a line, so a thread does that: it ends with the process.
        std::thread::spawn(move || {
            let mut typed = String::new();
            let read = io::stdin().read_line(&mut typed).map(|_| typed);
            let _ = answer.send(Some(read));
        });
        match answers.recv() {
            Ok(Some(Ok(typed))) => Ok(["y", "yes"].contains(&typed.trim().to_lowercase().as_str())),
            Ok(Some(Err(error))) => Err(not_asked(&error)),
            Ok(None) | Err(_) => Err(ended()),
        }
    }
}

fn not_asked(error: &io::Error) -> Error {
    Error::new("confirmation_required", say!("The question could not be asked: {}.", error))
        .hint("Nothing was sent. Run the command with `--yes` to agree to it.")
}

fn ended() -> Error {
    Error::new("cancelled", "The command was stopped at its question.")
        .hint("Nothing was sent; run it again to be asked again.")
}
