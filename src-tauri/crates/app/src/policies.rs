//! A trust policy as text: analyzed, edited, planned, tried and exported. No account is needed; roles are read
//! in `roles`.

use std::collections::BTreeMap;

use headgate_policy::{
    Axes, Context, Decision, EXTERNAL_ID, Edit, Facts, Named, ParsedPolicy, PatchPlan, Policy,
    Problem, QUOTA, Request, Size, Who,
};
use headgate_terms::{Arn, Error, Finding, Fix, Range, Result, Shown, say};
use serde::Deserialize;

use crate::App;
use crate::api::{
    CellView, ColumnView, ConditionChip, FindingView, FixView, MatrixView, PolicyAnalyze,
    PolicyCards, PolicyEdit, PolicyExport, PolicyPlan, PolicyText, PolicyTried, PolicyTry,
    PolicyView, PrincipalChip, RowView, StatementCard,
};
use crate::callers::{self, Known};
use crate::cx::Cx;

/// What a finding's plan holds.
#[derive(Deserialize)]
struct PlannedFix {
    label: String,
    edits: Vec<Edit>,
}

/// Of how many findings the fixes are tried beforehand: each is read and drawn.
const MOST_FIXES: usize = 40;

impl App {
    pub(crate) fn policy_analyze(&self, cx: &Cx, request: &PolicyAnalyze) -> Result<PolicyView> {
        let known = Known { writer: self.writer_principal(&cx.profile)?, facts: &request.facts };
        Ok(analyze(&request.text, request.base.as_deref(), &request.facts, &known))
    }

    #[allow(clippy::unused_self, reason = "every command is alike")]
    pub(crate) fn policy_edit(&self, _: &Cx, request: &PolicyEdit) -> Result<PolicyText> {
        let text = headgate_policy::apply_all(&request.text, &request.edits)?;
        Ok(PolicyText { text })
    }

    #[allow(clippy::unused_self, reason = "every command is alike")]
    pub(crate) fn policy_plan(&self, _: &Cx, request: &PolicyPlan) -> Result<PatchPlan> {
        let policy = valid(&request.text)?;
        let quota = request.quota.unwrap_or(QUOTA);
        headgate_policy::plan(&request.text, &policy, &request.goals, request.form, quota)
    }

    #[allow(clippy::unused_self, reason = "every command is alike")]
    pub(crate) fn policy_try(&self, _: &Cx, request: &PolicyTry) -> Result<PolicyTried> {
        let role = request.role.as_ref().and_then(|role| role.parse::<Arn>().ok());
        let caller = request.caller.caller(role.as_ref()).ok_or_else(|| {
            Error::new(
                "wrong_use",
                "That is not a caller: it is neither an ARN nor an account's number.",
            )
            .hint("Write an ARN such as `arn:aws:iam::123456789012:role/name`.")
            .field("caller")
        })?;
        let mut context = headgate_policy::context_of(&caller, request.external_id.as_deref());
        fill(&mut context, &request.context);
        let action = caller.action().to_owned();
        let question = Request { caller, action, context, role };
        let says = |text: &str| {
            let policy = headgate_policy::read(text).valid().ok()?;
            Some(headgate_policy::explain(&policy, text, &question))
        };
        Ok(PolicyTried { now: request.base.as_deref().and_then(says), draft: says(&request.text) })
    }

    #[allow(clippy::unused_self, reason = "every command is alike")]
    pub(crate) fn policy_export(&self, _: &Cx, request: &PolicyExport) -> Result<PolicyText> {
        valid(&request.text)?;
        let text = headgate_policy::export(&request.text, &request.role, request.to)?;
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

/// The first reason why a text is not a policy, as a failure.
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

fn analyze(text: &str, base: Option<&str>, facts: &Facts, known: &Known<'_>) -> PolicyView {
    let parsed = headgate_policy::read(text);
    let before = base.map(headgate_policy::read);
    let base_policy = before
        .as_ref()
        .and_then(|reading| reading.policy.as_ref().filter(|_| stands(&reading.problems)));
    let role = facts.role.as_ref();
    let findings = headgate_policy::lint(text, &parsed, facts).unwrap_or_default();
    let old = base.zip(before.as_ref());
    let old = old.and_then(|(base, before)| headgate_policy::lint(base, before, facts));
    let old = old.unwrap_or_default();
    let ParsedPolicy { policy, problems } = parsed;
    let valid = policy.as_ref().filter(|_| stands(&problems));
    let is_left = |old: &Finding| findings.iter().any(|new| same_finding(old, new));
    let mended = old.into_iter().filter(|old| !is_left(old)).collect();
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
