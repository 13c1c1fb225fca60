//! A trust policy under a person's hands: looked at, changed, planned, tried, exported. No account is
//! needed for any of it; what talks to AWS is in `roles`.

use std::collections::BTreeMap;

use headgate_policy::{
    Axes, CallerKind, CellChange, Context, Decision, EXTERNAL_ID, Edit, Effect, Explanation,
    Export, Facts, Form, Goals, Lines as ChangedLines, Named, PatchPlan, Policy, PrincipalKind,
    Problem, QUOTA, Reading, Request, Size, Who,
};
use headgate_terms::{Arn, Error, Finding, Fix, Range, Result, Shown, say};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::App;
use crate::callers::{self, Known};
use crate::cx::Cx;

/// A draft to look at.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct PolicyLook {
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
    /// Why AWS would refuse the text; none for a valid policy.
    pub problems: Vec<Problem>,
    /// The statements; none while the text cannot be read.
    pub policy: Option<PolicyCards>,
    /// Who may assume the role with which id; none unless the policy is valid.
    pub matrix: Option<MatrixView>,
    /// What the lints say, the worst first.
    pub findings: Vec<FindingView>,
    /// Findings of the base that the draft no longer has.
    pub mended: usize,
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
    /// Where it stands.
    pub range: Range,
    /// The line it begins in, from 1.
    pub line: usize,
}

/// A principal of a card.
#[derive(Debug, Clone, Serialize, TS)]
pub struct PrincipalChip {
    /// The list it stands in.
    pub kind: PrincipalKind,
    /// As it is written.
    pub value: String,
    /// What people call it, where that is known.
    pub label: Option<String>,
    /// What it means.
    pub means: &'static str,
    /// Whether it means nobody: the id of something that was deleted, or no principal.
    pub dead: bool,
    /// Where it stands.
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
    /// Where it stands.
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
    /// What people call it.
    pub label: String,
    /// Whether the draft names it and the base does not.
    pub added: bool,
}

/// A column.
#[derive(Debug, Clone, Serialize, TS)]
pub struct ColumnView {
    /// The id; none for callers that bring none.
    pub external_id: Option<String>,
    /// Whether it stands for every id that nobody names.
    pub any_other: bool,
    /// The pattern whose ids it stands for.
    pub like: Option<String>,
    /// What people call it; a pattern stands in back-ticks.
    pub label: String,
}

/// A cell.
#[derive(Debug, Clone, Serialize, TS)]
pub struct CellView {
    /// Its row.
    pub row: usize,
    /// Its column.
    pub column: usize,
    /// What the base says; none without a base that is valid.
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

/// What a finding's plan holds.
#[derive(Deserialize)]
struct PlannedFix {
    label: String,
    edits: Vec<Edit>,
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
    /// Who asks.
    pub caller: Named,
    /// The id it brings; none for a caller that brings none.
    pub external_id: Option<String>,
    /// Condition keys and what they hold, such as `aws:MultiFactorAuthPresent`; an empty list says
    /// that the key is absent. What is not here is not known.
    pub context: BTreeMap<String, Vec<String>>,
}

/// What both policies say to a caller.
#[derive(Debug, Clone, Serialize, TS)]
pub struct PolicyTried {
    /// The base; none when it is no valid policy.
    pub now: Option<Explanation>,
    /// The draft; none when it is no valid policy.
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

/// Of how many findings the fixes are tried beforehand: each is read and drawn.
const MOST_FIXES: usize = 40;

impl App {
    pub(crate) fn policy_look(&self, cx: &Cx, asked: &PolicyLook) -> Result<PolicyView> {
        let known = Known { writer: self.writer_principal(&cx.profile)?, facts: &asked.facts };
        Ok(look(&asked.text, asked.base.as_deref(), &asked.facts, &known))
    }

    #[allow(clippy::unused_self, reason = "every command is alike")]
    pub(crate) fn policy_edit(&self, _: &Cx, asked: &PolicyEdit) -> Result<PolicyText> {
        let text = headgate_policy::apply_all(&asked.text, &asked.edits)?;
        Ok(PolicyText { text })
    }

    #[allow(clippy::unused_self, reason = "every command is alike")]
    pub(crate) fn policy_plan(&self, _: &Cx, asked: &PolicyPlan) -> Result<PatchPlan> {
        let policy = valid(&asked.text)?;
        let quota = asked.quota.unwrap_or(QUOTA);
        headgate_policy::plan(&asked.text, &policy, &asked.goals, asked.form, quota)
    }

    #[allow(clippy::unused_self, reason = "every command is alike")]
    pub(crate) fn policy_try(&self, _: &Cx, asked: &PolicyTry) -> Result<PolicyTried> {
        let role = asked.role.as_ref().and_then(|role| role.parse::<Arn>().ok());
        let caller = asked.caller.caller(role.as_ref()).ok_or_else(|| {
            Error::new(
                "wrong_use",
                "That is not a caller: it is neither an ARN nor an account's number.",
            )
            .hint("Write an ARN such as `arn:aws:iam::123456789012:role/name`.")
            .field("caller")
        })?;
        let mut context = headgate_policy::context_of(&caller, asked.external_id.as_deref());
        fill(&mut context, &asked.context);
        let action = caller.action().to_owned();
        let request = Request { caller, action, context, role };
        let says = |text: &str| {
            let policy = headgate_policy::read(text).valid().ok()?;
            Some(headgate_policy::explain(&policy, text, &request))
        };
        Ok(PolicyTried { now: asked.base.as_deref().and_then(says), draft: says(&asked.text) })
    }

    #[allow(clippy::unused_self, reason = "every command is alike")]
    pub(crate) fn policy_export(&self, _: &Cx, asked: &PolicyExport) -> Result<PolicyText> {
        valid(&asked.text)?;
        let text = headgate_policy::export(&asked.text, &asked.role, asked.to)?;
        Ok(PolicyText { text })
    }
}

fn fill(context: &mut Context, keys: &BTreeMap<String, Vec<String>>) {
    for (key, values) in keys.iter().filter(|(key, _)| !key.eq_ignore_ascii_case(EXTERNAL_ID)) {
        if values.is_empty() {
            context.without(key);
        } else {
            context.set(key, values.clone());
        }
    }
}

/// A policy that AWS would take.
///
/// # Errors
/// `policy_invalid`, with the first reason and its line.
pub fn valid(text: &str) -> Result<Policy> {
    headgate_policy::read(text).valid().map_err(|problems| invalid(&problems))
}

/// Whether IAM can have such a policy, even if it would not save it again.
fn stands(problems: &[Problem]) -> bool {
    problems.iter().all(|one| one.code.stays())
}

/// Refuses a text that AWS would not save. A policy that a role has may hold what AWS no longer saves,
/// such as the id of a principal that was deleted; [`valid`] takes it.
///
/// # Errors
/// `policy_invalid`.
pub(crate) fn saved(text: &str) -> Result<()> {
    let problems = headgate_policy::read(text).problems;
    if problems.is_empty() { Ok(()) } else { Err(invalid(&problems)) }
}

/// The first of the reasons why a text is no policy, as a failure.
#[must_use]
pub fn invalid(problems: &[Problem]) -> Error {
    let said = problems.first().map_or_else(
        || Shown::from("The policy cannot be read."),
        |first| say!("Line {}, column {}: {}", first.line, first.column, first.message),
    );
    let more = match problems.len() {
        0 | 1 => Shown::default(),
        2 => " One more reason follows.".into(),
        count => say!(" {} more reasons follow.", count - 1),
    };
    Error::new("policy_invalid", say!("{}{}", said, more))
        .hint("`headgate policy validate` names every place; correct the text and try again.")
}

fn look(text: &str, base: Option<&str>, facts: &Facts, known: &Known<'_>) -> PolicyView {
    let Reading { policy, problems } = headgate_policy::read(text);
    let before = base.map(headgate_policy::read);
    let base_policy = before
        .as_ref()
        .and_then(|reading| reading.policy.as_ref().filter(|_| stands(&reading.problems)));
    let role = facts.role.as_ref();
    let valid = policy.as_ref().filter(|_| stands(&problems));
    let findings = headgate_policy::lint_text(text, facts).unwrap_or_default();
    let old = base.and_then(|base| headgate_policy::lint_text(base, facts)).unwrap_or_default();
    let mended =
        old.iter().filter(|old| !findings.iter().any(|new| same_finding(old, new))).count();
    let same = match (valid, base_policy) {
        (Some(new), Some(old)) => {
            headgate_policy::semantic_hash(new, role) == headgate_policy::semantic_hash(old, role)
        }
        _ => base == Some(text),
    };
    let base_size = base.map_or(0, headgate_policy::size);
    PolicyView {
        policy: policy.as_ref().map(|policy| cards(policy, text, known)),
        matrix: valid.map(|policy| matrix(policy, base_policy, known)),
        findings: findings
            .into_iter()
            .enumerate()
            .map(|(at, finding)| FindingView {
                fix: if at < MOST_FIXES { fix(text, &finding, known) } else { None },
                finding,
            })
            .collect(),
        mended,
        size: Size {
            before: base_size,
            after: headgate_policy::size(text),
            quota: facts.quota.unwrap_or(QUOTA),
        },
        lines: headgate_policy::lines(base.unwrap_or_default(), text),
        same,
        problems,
    }
}

fn same_finding(one: &Finding, other: &Finding) -> bool {
    one.id == other.id && one.title == other.title
}

fn cards(policy: &Policy, text: &str, known: &Known<'_>) -> PolicyCards {
    let line = |range: Range| headgate_policy::place(text, range.start).0;
    let statements = policy.statements.iter().map(|statement| StatementCard {
        sid: statement.sid.as_ref().map(|sid| sid.value.clone()),
        effect: statement.effect,
        principals: statement
            .principals
            .iter()
            .map(|one| PrincipalChip {
                kind: one.kind,
                value: one.text.value.clone(),
                label: known.principal(&one.text.value),
                means: callers::means(&one.who),
                dead: matches!(one.who, Who::Gone(_) | Who::Nobody),
                range: one.text.range,
            })
            .collect(),
        not_action: statement.not_action,
        actions: statement.actions.iter().map(|action| action.value.clone()).collect(),
        conditions: statement
            .conditions
            .iter()
            .map(|one| ConditionChip {
                operator: one.operator_text.value.clone(),
                key: one.key.value.clone(),
                values: one.values.iter().map(|value| value.value.clone()).collect(),
                range: one.range,
                line: line(one.range),
            })
            .collect(),
        range: statement.range,
        line: line(statement.range),
    });
    PolicyCards {
        version: policy.version.as_ref().map(|version| version.value.clone()),
        statements: statements.collect(),
    }
}

/// Rows and columns for two policies at most.
fn drawn(policies: &[&Policy], known: &Known<'_>) -> Axes {
    headgate_policy::axes(policies, &known.facts.goals, known.facts.role.as_ref())
}

fn matrix(policy: &Policy, base: Option<&Policy>, known: &Known<'_>) -> MatrixView {
    let role = known.facts.role.as_ref();
    let both: Vec<&Policy> = base.into_iter().chain([policy]).collect();
    let axes = drawn(&both, known);
    let named = |policy: &Policy, row: &Named| {
        let statements = policy.statements.iter().flat_map(|statement| &statement.principals);
        statements.into_iter().any(|one| *row == Named::Aws(one.text.value.clone()))
    };
    let rows: Vec<RowView> = axes
        .callers
        .iter()
        .map(|row| RowView {
            principal: row.principal.clone(),
            kind: row.kind,
            label: known.row(row),
            added: base
                .is_some_and(|base| named(policy, &row.principal) && !named(base, &row.principal)),
        })
        .collect();
    let columns: Vec<ColumnView> = axes
        .ids
        .iter()
        .map(|id| ColumnView {
            external_id: id.external_id.clone(),
            any_other: id.any_other,
            like: id.like.clone(),
            label: known.column(id),
        })
        .collect();
    let old = base.map(|base| headgate_policy::cells(base, &axes, role));
    let new = headgate_policy::cells(policy, &axes, role);
    let cells: Vec<CellView> = new
        .into_iter()
        .enumerate()
        .map(|(at, cell)| CellView {
            row: axes.callers.iter().position(|row| row.principal == cell.principal).unwrap_or(0),
            column: axes.ids.iter().position(|id| id.external_id == cell.external_id).unwrap_or(0),
            before: old.as_ref().and_then(|old| old.get(at)).map(|old| old.decision),
            after: cell.decision,
            statements: cell.statements,
        })
        .collect();
    let count = |from: bool| {
        let moved = |cell: &&CellView| {
            cell.before.is_some_and(|before| before != cell.after)
                && (cell.before == Some(Decision::Allow)) == from
                && (cell.after == Decision::Allow) != from
        };
        cells.iter().filter(moved).count()
    };
    MatrixView {
        opens: count(false),
        closes: count(true),
        rows,
        columns,
        left_out: axes.left_out,
        cells,
    }
}

fn fix(text: &str, finding: &Finding, known: &Known<'_>) -> Option<FixView> {
    let Some(Fix::Plan(plan)) = &finding.fix else { return None };
    let planned: PlannedFix = serde_json::from_value(plan.clone()).ok()?;
    let fixed = headgate_policy::apply_all(text, &planned.edits).ok()?;
    let old = headgate_policy::read(text).policy?;
    let new = headgate_policy::read(&fixed).policy?;
    let axes = drawn(&[&old, &new], known);
    let cells = headgate_policy::changes(&old, &new, &axes, known.facts.role.as_ref());
    Some(FixView { label: planned.label, edits: planned.edits, cells, text: fixed })
}
