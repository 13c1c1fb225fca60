//! Changes of a role's trust policy: planned, applied, listed and restored.
//!
//! Errors of planning: `policy_invalid`, `policy_too_large`, `role_protected`, `nothing_to_change`, of a restore
//! `change_not_found` and `role_changed`, and those of a role. Errors of applying occur before anything was sent:
//! `plan_gone`, `read_only`, `not_confirmed`, `cancelled`, and those of a role. What fails afterwards is in the
//! answer: `role_changed`, `role_recreated`, `role_drifted`, `policy_refused`, `outcome_unknown`.

use headgate_aws::{AnalyzerFinding, Role};
use headgate_policy::{CellChange, Goal, Size};
use headgate_terms::{Error, Shown};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{AwsAccess, ChangeState, Outcome, Plan};

/// A change to plan.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct ChangeRequest {
    /// The role's ARN.
    pub role: String,
    /// Its id when it was read; absent for a text that did not come from AWS.
    pub role_id: Option<String>,
    /// The text as it was read.
    pub before: String,
    /// The text to write.
    pub after: String,
    /// Who is to get in, to be remembered for this role.
    pub goals: Vec<Goal>,
    /// How AWS is reached.
    pub access: AwsAccess,
}

/// A plan to write a trust policy; a file of it lets another admin apply it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct TrustPlan {
    /// What it has in common with plans of other kinds.
    #[serde(flatten)]
    pub plan: Plan,
    /// The role's ARN.
    pub role: String,
    /// The role's id when it was read.
    pub role_id: Option<String>,
    /// The text as it was read.
    pub before: String,
    /// The text to write.
    pub after: String,
    /// A warning when it opens the role to those whom the policy does not name.
    #[serde(default)]
    pub opens: Option<Shown>,
    /// The cells that change.
    pub cells: Vec<CellChange>,
    /// How large it is and may be.
    pub size: Size,
    /// What Access Analyzer reports for the new text; absent where the permission to call it is missing.
    pub analyzer: Option<Vec<AnalyzerFinding>>,
}

/// A plan to apply.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct PlanRef {
    /// Its id.
    pub plan: String,
    /// How AWS is reached.
    pub access: AwsAccess,
}

/// What became of a plan.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Applied {
    /// 1.
    pub v: u8,
    /// Whether the role has the new policy.
    pub outcome: Outcome,
    /// The change as the journal has it.
    pub change: ChangeRecord,
    /// AWS's id of the write, where AWS accepted one.
    pub request_id: Option<String>,
    /// Why it was not written, or why that is not known.
    pub error: Option<Error>,
    /// Why the journal does not have this outcome; the outcome holds all the same.
    pub journal: Option<Error>,
    /// The role as it is now, where that was read; the next plan begins from it.
    pub now: Option<Role>,
    /// How often the text was read back.
    pub reads: u32,
    /// How long that took.
    pub waited_ms: u64,
}

/// A change of a trust policy in the journal.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ChangeRecord {
    /// Its id.
    pub id: String,
    /// When it was sent.
    pub at: String,
    /// Who sent it.
    pub by: String,
    /// The role.
    pub role: String,
    /// The role's id.
    pub role_id: String,
    /// How it ended.
    pub state: ChangeState,
    /// The text just before.
    pub before: String,
    /// The text as it was read back, or as it was sent.
    pub after: String,
    /// Its name at AWS.
    pub request_id: Option<String>,
    /// The cells that changed.
    pub cells: Vec<CellChange>,
    /// The change that it put back.
    pub restores: Option<String>,
    /// The endpoint of IAM, when it is not AWS's own.
    pub endpoint: Option<String>,
    /// Why it was not written, or why that is not known.
    pub error: Option<Error>,
}

/// Whose changes, from where on.
#[derive(Debug, Clone, Default, Deserialize, TS)]
pub struct HistoryOf {
    /// A role's ARN; all roles without.
    pub role: Option<String>,
    /// What the page before gave as `next`; null for the first.
    pub before: Option<String>,
    /// How many at most.
    pub limit: Option<u32>,
}

/// Changes, newest first.
#[derive(Debug, Clone, Serialize, TS)]
pub struct ChangeHistory {
    /// 1.
    pub v: u8,
    /// The changes.
    pub changes: Vec<ChangeRecord>,
    /// The value of `before` for the next, older page; null at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub next: Option<String>,
}

/// A change to put back.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct ChangeRef {
    /// Its id in the journal.
    pub change: String,
    /// How AWS is reached.
    pub access: AwsAccess,
}
