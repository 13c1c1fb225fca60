//! [`Cx`]: the first argument of every use-case, with the profile, who calls ([`Actor`]), the [`Call`], and the
//! clock.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::calls::Call;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The page of the window.
    Window,
    /// The terminal command.
    Terminal,
    /// A schedule.
    Schedule,
    /// The receiver.
    Receiver,
}

impl Actor {
    /// As the store has it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Terminal => "terminal",
            Self::Schedule => "schedule",
            Self::Receiver => "receiver",
        }
    }

    pub(crate) fn of(text: &str) -> Self {
        match text {
            "window" => Self::Window,
            "schedule" => Self::Schedule,
            "receiver" => Self::Receiver,
            _ => Self::Terminal,
        }
    }
}

/// The clock; tests pass their own.
pub type Clock = fn() -> Timestamp;

/// What a use-case is carried out with.
pub struct Cx {
    /// The profile, by its id.
    pub(crate) profile: String,
    /// Who calls.
    pub(crate) actor: Actor,
    /// Who listens, and whether to stop.
    pub call: Call,
    /// The clock.
    pub(crate) clock: Clock,
    /// The profile that the user sees, where a page said so.
    pub(crate) shown: Option<String>,
}

impl Cx {
    pub(crate) fn new(profile: String, actor: Actor, call: Call) -> Self {
        Self { profile, actor, call, clock: Timestamp::now, shown: None }
    }

    /// As a page asks that shows a profile, by its id: nothing is changed in another one.
    #[must_use]
    pub fn shown(self, profile: Option<String>) -> Self {
        Self { shown: profile, ..self }
    }

    /// Now, in RFC 3339.
    pub(crate) fn now(&self) -> String {
        (self.clock)().to_string()
    }
}
