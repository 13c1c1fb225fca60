//! Plans of any kind: their steps, their progress and their outcome.
//!
//! Errors of a plan are listed with its kind, such as `trust`.

use headgate_aws::Endpoint;
use headgate_terms::Shown;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

/// A change of something outside this machine, as it is shown and waits.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Plan {
    /// 1.
    pub v: u8,
    /// What it changes, such as `trust_policy`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// The id of the profile that it was made in.
    #[serde(default)]
    pub profile: String,
    /// When it was made.
    pub made: String,
    /// Who made it, where AWS was called.
    pub by: Option<String>,
    /// The endpoints that are not AWS's own, where AWS was called.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// Its steps, in order.
    #[serde(rename = "calls")]
    pub steps: Vec<Step>,
    /// The change that it puts back.
    pub restores: Option<String>,
}

/// One call of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Step {
    /// Its place, from 1.
    pub n: usize,
    /// Such as `iam:GetRole`.
    pub call: String,
    /// What it is for.
    pub role: StepRole,
    /// Whether it changes something.
    pub changes: bool,
    /// What it concerns, such as a role's ARN.
    pub target: String,
    /// What it is for, in words.
    pub what: Shown,
    /// What it changes; null for a step that changes nothing.
    #[ts(type = "unknown")]
    pub before: Option<Value>,
    /// What it changes that to.
    #[ts(type = "unknown")]
    pub after: Option<Value>,
    /// The call that takes the change back.
    pub undo: Option<String>,
}

/// What a step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StepRole {
    /// To see that nothing has changed.
    Check,
    /// To change something.
    Change,
    /// To see that it was changed.
    Prove,
}

/// How far a plan is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct PlanProgress {
    /// The current step, from 0.
    pub step: usize,
    /// How often what was changed was read back.
    pub reads: u32,
}

/// What became of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is as planned, read back.
    Written,
    /// It was not changed by this.
    NotWritten,
    /// The other side may have carried it out; only reading the object again shows that.
    Unknown,
}

/// How a change of the journal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// It was sent, and no answer is recorded.
    Sent,
    /// The other side returns what was sent.
    Done,
    /// It was so already; nothing was sent.
    Unneeded,
    /// Nothing was changed.
    Refused,
    /// The other side took it and returns something else.
    Drifted,
}
