//! A trust policy as text: analyzed, edited, planned, tried and exported, without an account.
//!
//! Errors: `policy_invalid` for text that is not a policy where one is required, `edit_impossible` for an edit of
//! something that does not exist, `goals_invalid`, and `wrong_use` for text that is neither a caller nor a role.
//! Why a draft cannot be planned for is part of the answer. From the clipboard: `no_policy_copied`.

use std::collections::BTreeMap;

use headgate_policy::{
    CallerKind, CellChange, Decision, Edit, Effect, Explanation, Export, Facts, Form, Goals,
    Lines as ChangedLines, Named, PrincipalKind, Problem, Size,
};
use headgate_terms::{Finding, Range};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use headgate_policy::PatchPlan;

/// A draft to look at.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct PolicyAnalyze {
    /// The draft.
    pub text: String,
    /// What it is compared with: the text as AWS has it, or as it was pasted.
    pub base: Option<String>,
    /// What is known of the role and of those who are to get in.
    pub facts: Facts,
}

/// All that can be said of a draft.
#[derive(Debug, Clone, Serialize, TS)]
pub struct PolicyView {
    /// Why AWS would refuse the text; empty for a valid policy.
    pub problems: Vec<Problem>,
    /// The statements; null while the text cannot be read.
    pub policy: Option<PolicyCards>,
    /// Who may assume the role with which id; null unless the policy is valid.
    pub matrix: Option<MatrixView>,
    /// What the lints say, the worst first.
    pub findings: Vec<FindingView>,
    /// Findings of the base that the draft no longer has.
    pub mended: Vec<Finding>,
    /// How large it is.
    pub size: Size,
    /// Lines that differ from the base.
    pub lines: ChangedLines,
    /// Whether AWS would see no difference from the base.
    pub same: bool,
}

/// A policy as cards.
#[derive(Debug, Clone, Serialize, TS)]
pub struct PolicyCards {
    /// The version, as it is written.
    pub version: Option<String>,
    /// The statements.
    pub statements: Vec<StatementCard>,
}

/// A statement as a card.
#[derive(Debug, Clone, Serialize, TS)]
pub struct StatementCard {
    /// Its name.
    pub sid: Option<String>,
    /// Allow or Deny.
    pub effect: Effect,
    /// Whom it names.
    pub principals: Vec<PrincipalChip>,
    /// Whether its actions are those that it does not mean.
    pub not_action: bool,
    /// Its actions.
    pub actions: Vec<String>,
    /// Its conditions.
    pub conditions: Vec<ConditionChip>,
    /// Its range in the text.
    pub range: Range,
    /// The line it begins in, from 1.
    pub line: usize,
}

/// A principal of a card.
#[derive(Debug, Clone, Serialize, TS)]
pub struct PrincipalChip {
    /// The list that it is in.
    pub kind: PrincipalKind,
    /// As it is written.
    pub value: String,
    /// Its display name, where that is known.
    pub label: Option<String>,
    /// What it means.
    pub means: &'static str,
    /// Whether it means nobody: the id of something that was deleted, or no principal.
    pub dead: bool,
    /// Its range in the text.
    pub range: Range,
}

/// A condition of a card.
#[derive(Debug, Clone, Serialize, TS)]
pub struct ConditionChip {
    /// The operator, as it is written.
    pub operator: String,
    /// The key, as it is written.
    pub key: String,
    /// The values.
    pub values: Vec<String>,
    /// Its range in the text.
    pub range: Range,
    /// The line of its key.
    pub line: usize,
}

/// The matrix of a draft and its base.
#[derive(Debug, Clone, Serialize, TS)]
pub struct MatrixView {
    /// Callers.
    pub rows: Vec<RowView>,
    /// External ids.
    pub columns: Vec<ColumnView>,
    /// Row by row; services and providers have the cell without an id only.
    pub cells: Vec<CellView>,
    /// Cells that become allowed.
    pub opens: usize,
    /// Cells that were allowed.
    pub closes: usize,
    /// Callers that are not shown, because there are too many.
    pub left_out: usize,
}

/// A row.
#[derive(Debug, Clone, Serialize, TS)]
pub struct RowView {
    /// The caller.
    pub principal: Named,
    /// Why it is here.
    pub kind: CallerKind,
    /// Its display name.
    pub label: String,
    /// Whether the draft names it and the base does not.
    pub added: bool,
}

/// A column.
#[derive(Debug, Clone, Serialize, TS)]
pub struct ColumnView {
    /// The id; null for callers that pass none.
    pub external_id: Option<String>,
    /// Whether it represents every id that is not named.
    pub any_other: bool,
    /// The pattern whose ids it represents.
    pub like: Option<String>,
    /// Its display name; a pattern is between back-ticks.
    pub label: String,
}

/// A cell.
#[derive(Debug, Clone, Serialize, TS)]
pub struct CellView {
    /// Its row.
    pub row: usize,
    /// Its column.
    pub column: usize,
    /// What the base says; null without a base that is valid.
    pub before: Option<Decision>,
    /// What the draft says.
    pub after: Decision,
    /// The statements that decided.
    pub statements: Vec<usize>,
}

/// A finding with what its fix would do.
#[derive(Debug, Clone, Serialize, TS)]
pub struct FindingView {
    /// The finding.
    pub finding: Finding,
    /// What the fix would do, where it is one that Headgate carries out.
    pub fix: Option<FixView>,
}

/// A fix before it is carried out.
#[derive(Debug, Clone, Serialize, TS)]
pub struct FixView {
    /// What to write on its button.
    pub label: String,
    /// What it does.
    pub edits: Vec<Edit>,
    /// The cells that it changes.
    pub cells: Vec<CellChange>,
    /// The text afterwards.
    pub text: String,
}

/// A text to change.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct PolicyEdit {
    /// The draft.
    pub text: String,
    /// What to do, in order.
    pub edits: Vec<Edit>,
}

/// A text.
#[derive(Debug, Clone, Serialize, TS)]
pub struct PolicyText {
    /// The text.
    pub text: String,
}

/// A file with a policy.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct PolicyFile {
    /// Its path.
    pub path: String,
}

/// A plan to make.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct PolicyPlan {
    /// The draft that it begins from.
    pub text: String,
    /// Who is to get in.
    pub goals: Goals,
    /// Into which statement.
    pub form: Form,
    /// The role's quota; as AWS sets it at first, if it is not known.
    pub quota: Option<usize>,
}

/// A caller to try.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct PolicyTry {
    /// The draft.
    pub text: String,
    /// What AWS has now.
    pub base: Option<String>,
    /// The role that has the policy.
    pub role: Option<String>,
    /// Who calls.
    pub caller: Named,
    /// The id that it passes; null for a caller that passes none.
    pub external_id: Option<String>,
    /// Condition keys and what they hold, such as `aws:MultiFactorAuthPresent`; an empty list says
    /// that the key is absent. What is not here is not known.
    pub context: BTreeMap<String, Vec<String>>,
}

/// What both policies say to a caller.
#[derive(Debug, Clone, Serialize, TS)]
pub struct PolicyTried {
    /// The base; null when it is not a valid policy.
    pub now: Option<Explanation>,
    /// The draft; null when it is not a valid policy.
    pub draft: Option<Explanation>,
}

/// A policy to write for another tool.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct PolicyExport {
    /// The policy.
    pub text: String,
    /// The role's ARN or name.
    pub role: String,
    /// The tool.
    pub to: Export,
}

/// Which role the templates are for.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct TemplatesFor {
    /// Its ARN, where it is known.
    pub role: Option<String>,
    /// Its policy, from which ids are taken.
    pub text: String,
}

/// The callers that a policy can be planned for.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Templates {
    /// In the order of the guide.
    pub templates: Vec<Template>,
}

/// One caller, as far as it is known.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Template {
    /// A name for programs.
    pub id: &'static str,
    /// Its display name.
    pub label: String,
    /// Its ARN; null where it has to be named.
    pub principal: Option<String>,
    /// The ids that it is known by, the surest first.
    pub known_ids: Vec<KnownId>,
    /// Where a user finds the id.
    pub where_id: &'static str,
    /// Whether Databricks needs it in any case.
    pub required: bool,
    /// What its statement is called.
    pub sid: Option<&'static str>,
}

/// An id with where it is known from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct KnownId {
    /// The id.
    pub id: String,
    /// Where from, in words.
    pub from: String,
}
