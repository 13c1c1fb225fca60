//! [`Finding`], the result of a check or a lint, in the shape that the terminal, the window and scripts
//! share: severity, status, sentences, the place in the text, and a [`Fix`].
//!
//! The crate that runs the check chooses the words and decides the severity.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::Shown;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something to know.
    Info,
    /// Works, and will hurt later.
    Warning,
    /// Lets in more than it should.
    Security,
    /// Does not work.
    Error,
}

/// How a check ended. What fires of a lint is `Failed` or `Warning`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "FindingStatus")]
pub enum FindingStatus {
    /// It is as it should be.
    Passed,
    /// It works, with something to look at.
    Warning,
    /// It is not as it should be.
    Failed,
    /// Another check has to pass first.
    Blocked,
    /// It does not apply.
    Skipped,
    /// The check could not be made.
    Unknown,
}

/// A call whose answer a finding is based on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Evidence {
    /// The call, such as `iam:GetRole`.
    pub call: String,
    /// When, in RFC 3339 and UTC.
    pub at: String,
    /// How long it took.
    pub ms: u64,
}

/// A part of a text, in bytes of UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
pub struct Range {
    /// Where it begins.
    pub start: usize,
    /// Where it has ended.
    pub end: usize,
}

/// The fix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Fix {
    /// Something that Headgate plans: its shape is that of the crate that found it.
    #[ts(type = "unknown")]
    Plan(Value),
    /// A command to copy, with its values filled in.
    Command(String),
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Finding {
    /// Its name, such as `TP003`.
    pub id: String,
    /// The step of the guide that it belongs to.
    pub step: u8,
    /// How bad it is.
    pub severity: Severity,
    /// How the check ended.
    pub status: FindingStatus,
    /// What is so, in one sentence.
    pub title: Shown,
    /// What should be, where that is a value.
    pub expected: Option<Shown>,
    /// What is, where that is a value.
    pub found: Option<Shown>,
    /// What it means for whoever runs the lake.
    pub meaning: Shown,
    /// Why the judgement is so: the rule, or what was read.
    pub because: Shown,
    /// The calls that it is based on; empty for a finding on text alone.
    pub evidence: Vec<Evidence>,
    /// Where in the text.
    pub range: Option<Range>,
    /// The statement of a trust policy, counted from 0.
    pub statement: Option<usize>,
    /// The fix.
    pub fix: Option<Fix>,
}
