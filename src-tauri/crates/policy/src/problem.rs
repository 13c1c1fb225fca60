//! [`Problem`]: why a text is not a valid trust policy, and where, with a [`Code`] for programs.
//!
//! These are IAM's own reasons to refuse a document. What IAM accepts, but is a risk, is a lint.

use headgate_terms::{Range, Shown};
use serde::Serialize;
use ts_rs::TS;

/// The kind of a problem, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is its own name")]
#[ts(rename = "ProblemCode")]
pub enum Code {
    Empty,
    TooLarge,
    NotJson,
    Encoded,
    BadCharacter,
    NotAnObject,
    DuplicateKey,
    DuplicateConditionKey,
    UnknownElement,
    ResourceNotAllowed,
    InvalidVersion,
    InvalidId,
    MissingStatement,
    EmptyStatement,
    InvalidStatement,
    InvalidSid,
    DuplicateSid,
    MissingEffect,
    InvalidEffect,
    MissingPrincipal,
    NotPrincipal,
    BarePrincipal,
    InvalidPrincipalElement,
    UnknownPrincipalType,
    CanonicalUser,
    EmptyPrincipal,
    InvalidPrincipal,
    MissingAction,
    ActionAndNotAction,
    EmptyAction,
    InvalidAction,
    NotStsAction,
    InvalidCondition,
    InvalidOperator,
    InvalidConditionKey,
    InvalidConditionValue,
    MissingClaim,
    DeletedPrincipal,
}

impl Code {
    /// Whether IAM only refuses to save such a policy, and goes by one that it has.
    #[must_use]
    pub fn stays(self) -> bool {
        matches!(self, Self::MissingClaim | Self::DeletedPrincipal)
    }
}

/// One reason why IAM would refuse the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Problem {
    /// The kind.
    pub code: Code,
    /// What is wrong and what to do, in one or two sentences.
    pub message: Shown,
    /// Where, in bytes.
    pub range: Range,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Problem {
    pub(crate) fn new(code: Code, range: Range, message: impl Into<Shown>) -> Self {
        Self { code, message: message.into(), range, line: 1, column: 1 }
    }

    /// A file that holds no text.
    #[must_use]
    pub fn not_text(message: &str) -> Self {
        Self::new(Code::NotJson, Range { start: 0, end: 0 }, Shown::clean(message))
    }

    /// Adds its line and column in a text.
    #[must_use]
    pub(crate) fn placed(mut self, text: &str) -> Self {
        (self.line, self.column) = place(text, self.range.start);
        self
    }
}

/// The line and column of a byte, both from 1; columns count characters.
#[must_use]
pub fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let begin = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before[begin..].chars().filter(|c| *c != '\u{feff}').count() + 1;
    (line, column)
}
