//! The planner: the smallest change that allows some callers, or the reason why there is none.
//!
//! It has two forms. `Separate` adds a statement for each caller and changes nothing else, so only the goals
//! are opened. `Guide` (in `guide`) adds to the one statement that Segment's guide describes, where every
//! principal may use every ID. Before a [`PatchPlan`] is returned, its text is parsed again and every cell of
//! the matrix is compared.

use headgate_terms::{Arn, Error, Result, Shown, say};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::axes::axes;
use crate::condition::Truth;
use crate::edit::{ConditionDraft, Edit, PrincipalRef, StatementDraft, apply_all};
use crate::evaluate::{Caller, Decision, decide, is_named};
use crate::goals::{Goals, Wanted};
use crate::matrix::{CellChange, EXTERNAL_ID, Goal, compared, request_of};
use crate::policy::{Effect, Policy, Principal, PrincipalKind, Who};
use crate::read::read;
use crate::text::size;
use crate::well_known::is_protected;

/// The quota of a role's trust policy as AWS sets it at first.
pub const QUOTA: usize = 2_048;

/// The most to which AWS raises it, since May 2026 by two public notes; what counts is the account's own.
pub(crate) const MOST_QUOTA: usize = 8_192;

/// Which statement a change goes into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "PlanForm")]
pub enum Form {
    /// The one statement of the guide.
    Guide,
    /// One statement for each caller.
    Separate,
}

/// Why there is no plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is its own name")]
pub enum Refusal {
    ProtectedRole,
    WrongPartition,
    DenyBlocksGoal,
    NotAction,
    NoIdInGuide,
    NoTarget,
    AmbiguousTarget,
    WildcardPrincipal,
    MixedPrincipal,
    NoCondition,
    OtherConditions,
    PassesWithoutId,
    NegatedId,
    TwoIdOperators,
    TooLarge,
    OtherCells,
    NotSaved,
}

/// A refusal with its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Refused {
    /// For programs.
    pub code: Refusal,
    /// What prevents it, and the next action.
    pub message: Shown,
}

/// How large the policy is, in characters that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(rename = "PolicySize")]
pub struct Size {
    /// Now.
    pub before: usize,
    /// With the plan.
    pub after: usize,
    /// The most that AWS takes for this role.
    pub quota: usize,
}

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct PatchPlan {
    /// Whether the goals held before any edit; then nothing is to be done.
    pub satisfied: bool,
    /// Why nothing is planned.
    pub refused: Option<Refused>,
    /// The text afterwards; the text itself when nothing is to be done.
    pub after: String,
    /// What makes it so, in order.
    pub operations: Vec<Edit>,
    /// Every cell, before and after.
    pub matrix: Vec<CellChange>,
    /// The sizes.
    pub size: Size,
}

/// Plans. `policy` was read from `text`.
///
/// # Errors
/// `goals_invalid`. A goal that cannot be reached is not an error but a refusal.
pub fn plan(
    text: &str,
    policy: &Policy,
    goals: &Goals,
    form: Form,
    quota: usize,
) -> Result<PatchPlan> {
    let role = goals.role()?;
    let wanted = goals.wanted()?;
    let scene = PlanContext { text, policy, role: &role, wanted: &wanted, quota };
    let missing: Vec<&Wanted> = wanted.iter().filter(|one| !scene.is_in(policy, one)).collect();
    if missing.is_empty() {
        return Ok(scene.nothing(true, None));
    }
    let mut made = scene.made(&missing, form)?;
    if let Some(refused) = &mut made.refused {
        let other = match form {
            Form::Guide => Form::Separate,
            Form::Separate => Form::Guide,
        };
        if let Some(advice) = scene.advice(refused.code, other, &missing)? {
            refused.message = say!("{} {}", refused.message, advice);
        }
    }
    Ok(made)
}

/// What a plan is made from.
pub(crate) struct PlanContext<'s> {
    text: &'s str,
    pub policy: &'s Policy,
    pub role: &'s Arn,
    pub wanted: &'s [Wanted],
    quota: usize,
}

pub(crate) fn refused(code: Refusal, message: impl Into<Shown>) -> Refused {
    Refused { code, message: message.into() }
}

impl PlanContext<'_> {
    fn decision(&self, policy: &Policy, one: &Wanted) -> Decision {
        let id = one.goal.external_id.as_deref();
        decide(policy, &request_of(&one.caller, id, Some(self.role))).decision
    }

    fn is_in(&self, policy: &Policy, one: &Wanted) -> bool {
        self.decision(policy, one) == Decision::Allow
    }

    fn nothing(&self, satisfied: bool, refused: Option<Refused>) -> PatchPlan {
        let now = size(self.text);
        PatchPlan {
            satisfied,
            refused,
            after: self.text.to_owned(),
            operations: Vec::new(),
            matrix: self.compared(self.policy).into_iter().map(|(cell, _)| cell).collect(),
            size: Size { before: now, after: now, quota: self.quota },
        }
    }

    /// Every cell, as the policy has it and as another would, and whether it changes.
    fn compared(&self, new: &Policy) -> Vec<(CellChange, bool)> {
        let goals: Vec<Goal> = self.wanted.iter().map(|one| one.goal.clone()).collect();
        let axes = axes(&[self.policy, new], &goals, Some(self.role));
        compared(self.policy, new, &axes, Some(self.role))
    }

    fn operations(&self, missing: &[&Wanted], form: Form) -> Result<Vec<Edit>, Refused> {
        if is_protected(self.role) {
            return Err(refused(
                Refusal::ProtectedRole,
                say!(
                    "`{}` is managed by AWS and cannot be edited. Use a role of your own.",
                    self.role
                ),
            ));
        }
        if let Some(other) = self.wanted.iter().find(|one| one.arn.partition != self.role.partition)
        {
            return Err(refused(
                Refusal::WrongPartition,
                say!(
                    "`{}` lies in the partition `{}`, the role in `{}`. IAM cannot trust across partitions.",
                    other.arn,
                    other.arn.partition,
                    self.role.partition
                ),
            ));
        }
        for one in missing {
            let request = request_of(&one.caller, one.goal.external_id.as_deref(), Some(self.role));
            let deny = self.policy.statements.iter().enumerate().find(|(_, statement)| {
                statement.effect == Effect::Deny
                    && crate::evaluate::truth(self.policy, statement, &request) != Truth::No
            });
            if let Some((at, statement)) = deny {
                let truth = crate::evaluate::truth(self.policy, statement, &request);
                let (does, why) = match truth {
                    Truth::Yes => ("denies", "no Allow can change that"),
                    _ => ("may deny", "whether it does depends on what is not known here"),
                };
                return Err(refused(
                    Refusal::DenyBlocksGoal,
                    say!(
                        "Statement {} {} `{}`{}, and {}. Change that statement first.",
                        at + 1,
                        does,
                        one.arn,
                        with_id(&one.goal),
                        why
                    ),
                ));
            }
        }
        let allows = || {
            self.policy.statements.iter().enumerate().filter(|one| one.1.effect == Effect::Allow)
        };
        if let Some((at, _)) = allows().find(|(_, statement)| statement.not_action) {
            return Err(refused(
                Refusal::NotAction,
                say!(
                    "Statement {} allows all but some actions (`NotAction`). Write the actions that it means first.",
                    at + 1
                ),
            ));
        }
        match form {
            Form::Separate => Ok(self.separate(missing, false)),
            Form::Guide => self.guide(missing),
        }
    }

    /// A plan in one form, or why there is none. Statements of their own are made one for each caller, or
    /// one for each set of ids where these are too large.
    fn made(&self, missing: &[&Wanted], form: Form) -> Result<PatchPlan> {
        let operations = match self.operations(missing, form) {
            Ok(operations) => operations,
            Err(refused) => return Ok(self.nothing(false, Some(refused))),
        };
        let first = self.proved(operations, missing, form)?;
        let is_large = |plan: &PatchPlan| {
            plan.refused.as_ref().is_some_and(|refused| refused.code == Refusal::TooLarge)
        };
        if form == Form::Separate && is_large(&first) {
            let second = self.proved(self.separate(missing, true), missing, form)?;
            if second.size.after < first.size.after {
                return Ok(second);
            }
        }
        Ok(first)
    }

    /// What the other form can do about a refusal; nothing where it would be refused too.
    fn advice(&self, code: Refusal, other: Form, missing: &[&Wanted]) -> Result<Option<Shown>> {
        use Refusal::{
            AmbiguousTarget, MixedPrincipal, NegatedId, NoCondition, NoIdInGuide, NoTarget,
            NotSaved, OtherCells, OtherConditions, PassesWithoutId, TooLarge, TwoIdOperators,
            WildcardPrincipal,
        };
        let helps = match other {
            Form::Guide => code == TooLarge,
            Form::Separate => matches!(
                code,
                AmbiguousTarget
                    | MixedPrincipal
                    | NegatedId
                    | NoCondition
                    | NoIdInGuide
                    | NoTarget
                    | OtherCells
                    | OtherConditions
                    | PassesWithoutId
                    | TooLarge
                    | TwoIdOperators
                    | WildcardPrincipal
            ),
        };
        if !helps || code == NotSaved {
            return Ok(None);
        }
        let made = self.made(missing, other)?;
        Ok(match (made.refused.map(|refused| refused.code), other) {
            (None, Form::Guide) => Some("The guide's form is small enough.".into()),
            (None, Form::Separate) => {
                Some("Give each caller a statement of its own instead.".into())
            }
            (Some(TooLarge), Form::Separate) if code != TooLarge => Some(say!(
                "Statements of their own would make it too large, with {} of {} characters.",
                made.size.after,
                made.size.quota
            )),
            _ => None,
        })
    }

    /// Takes the ids of deleted principals away, from the last statement to the first: IAM refuses every
    /// update that still names one.
    fn gone(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        for (at, statement) in self.policy.statements.iter().enumerate().rev() {
            let is_gone = |one: &&Principal| matches!(one.who, Who::Gone(_));
            if statement.principals.iter().all(|one| is_gone(&one))
                && !statement.principals.is_empty()
            {
                edits.push(Edit::RemoveStatement { statement: at });
                continue;
            }
            edits.extend(statement.principals.iter().filter(is_gone).map(|one| {
                Edit::RemovePrincipal {
                    statement: at,
                    kind: one.kind,
                    value: one.text.value.clone(),
                }
            }));
        }
        edits
    }

    /// Statements of their own for callers. `shared` lets callers of the same ids share one, in which
    /// each may use each id, as each may anyhow.
    fn separate(&self, missing: &[&Wanted], shared: bool) -> Vec<Edit> {
        let mut callers: Vec<(&Wanted, Vec<Option<&str>>)> = Vec::new();
        for one in missing {
            let id = one.goal.external_id.as_deref();
            let same = callers
                .iter_mut()
                .find(|(known, ids)| known.arn == one.arn && ids.contains(&None) == id.is_none());
            match same {
                Some((_, ids)) => ids.push(id),
                None => callers.push((one, vec![id])),
            }
        }
        let mut drafts: Vec<(Vec<Option<&str>>, StatementDraft)> = Vec::new();
        for (one, mut ids) in callers {
            let value = one.goal.principal.clone();
            let principal = PrincipalRef { kind: PrincipalKind::Aws, value };
            let written = ids.clone();
            ids.sort_unstable();
            if let Some((_, draft)) = drafts.iter_mut().find(|(known, _)| shared && *known == ids) {
                draft.principals.push(principal);
                continue;
            }
            let (operator, values) = match written.iter().copied().collect::<Option<Vec<&str>>>() {
                Some(ids) => ("StringEquals", ids.into_iter().map(str::to_owned).collect()),
                // Only a caller without an id gets in by this, so no other cell opens.
                None => ("Null", vec!["true".to_owned()]),
            };
            let is_new = |sid: &&String| {
                self.is_free(sid) && drafts.iter().all(|(_, one)| one.sid.as_ref() != Some(*sid))
            };
            let draft = StatementDraft {
                sid: one.goal.sid.as_ref().filter(is_new).cloned(),
                effect: Effect::Allow,
                principals: vec![principal],
                actions: vec!["sts:AssumeRole".to_owned()],
                conditions: vec![ConditionDraft {
                    operator: operator.to_owned(),
                    key: EXTERNAL_ID.to_owned(),
                    values,
                }],
            };
            drafts.push((ids, draft));
        }
        let end = self.policy.statements.len();
        drafts
            .into_iter()
            .enumerate()
            .map(|(at, (_, draft))| Edit::AddStatement { statement: end + at, draft })
            .collect()
    }

    fn is_free(&self, sid: &str) -> bool {
        self.policy.statements.iter().flat_map(|one| &one.sid).all(|known| known.value != sid)
    }

    /// Applies a plan to the text and compares every cell.
    fn proved(
        &self,
        mut operations: Vec<Edit>,
        missing: &[&Wanted],
        form: Form,
    ) -> Result<PatchPlan> {
        let gone = self.gone();
        // Statements before the one that is added to may go.
        let before = |at: usize| {
            let goes = |edit: &&Edit| matches!(edit, Edit::RemoveStatement { statement } if *statement < at);
            gone.iter().filter(goes).count()
        };
        let target = operations.first().map(|edit| match edit {
            Edit::AddPrincipal { statement, .. } | Edit::AddConditionValue { statement, .. } => {
                *statement - before(*statement)
            }
            _ => usize::MAX,
        });
        operations.extend(gone);
        let after = apply_all(self.text, &operations)?;
        let sizes = Size { before: size(self.text), after: size(&after), quota: self.quota };
        if sizes.after > sizes.quota {
            let message = say!(
                "The policy would have {} characters, and the role's quota is {}. Remove unused ids, statements or `Sid`s{}.",
                sizes.after,
                sizes.quota,
                raise(sizes.quota)
            );
            let mut plan = self.nothing(false, Some(refused(Refusal::TooLarge, message)));
            plan.size = sizes;
            return Ok(plan);
        }
        let reading = read(&after);
        if let Some(problem) = reading.problems.first().filter(|one| one.code.stays()) {
            let message = say!(
                "AWS would refuse the whole update for what the policy says already, in line {}. {}",
                problem.line,
                problem.message
            );
            return Ok(self.nothing(false, Some(refused(Refusal::NotSaved, message))));
        }
        let new = reading.valid().map_err(|problems| {
            let said = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
            Error::new("internal", say!("The plan would make a policy that IAM refuses. {}", said))
                .hint("This is a defect in Headgate; nothing was written.")
        })?;
        let cells = self.compared(&new);
        let expected = |change: &CellChange| {
            let Some(caller) = change.principal.caller(Some(self.role)) else { return false };
            let opens = change.before != Decision::Allow
                && matches!(change.after, Decision::Allow | Decision::Unknown);
            opens
                && match form {
                    Form::Separate => missing.iter().any(|one| {
                        one.goal.external_id == change.external_id && covers(&one.arn, &caller)
                    }),
                    Form::Guide => {
                        target.and_then(|at| new.statements.get(at)).is_some_and(|one| {
                            one.principals
                                .iter()
                                .any(|entry| is_named(entry, &caller, Some(self.role)))
                        })
                    }
                }
        };
        let stray = cells.iter().find(|(change, changes)| *changes && !expected(change));
        let unmet = self.wanted.iter().find(|one| !self.is_in(&new, one));
        if let Some(one) = unmet {
            let message = say!(
                "`{}`{} would still be kept out by what else the statement asks.",
                one.arn,
                with_id(&one.goal)
            );
            return Ok(self.nothing(false, Some(refused(Refusal::OtherCells, message))));
        }
        if let Some((change, _)) = stray {
            let message = say!(
                "The change would also change what `{}` may do.",
                crate::matrix::shown(&change.principal)
            );
            return Ok(self.nothing(false, Some(refused(Refusal::OtherCells, message))));
        }
        let matrix = cells.into_iter().map(|(cell, _)| cell).collect();
        Ok(PatchPlan { satisfied: false, refused: None, after, operations, matrix, size: sizes })
    }
}

/// What AWS does about a quota, as the end of a sentence about it.
pub(crate) fn raise(quota: usize) -> Shown {
    if quota < MOST_QUOTA {
        ", or ask AWS to raise the account's quota, to 8,192 at most".into()
    } else {
        "; AWS raises a quota to 8,192 at most".into()
    }
}

/// Whether allowing a principal allows a caller.
pub(crate) fn covers(goal: &Arn, caller: &Caller) -> bool {
    let Caller::Aws(caller) = caller else { return false };
    let same = (&goal.partition, &goal.account) == (&caller.partition, &caller.account);
    goal == caller
        || (same && goal.is_root())
        || (same && caller.session().is_some_and(|(role, _)| goal.role_name() == Some(role)))
}

fn with_id(goal: &Goal) -> Shown {
    match &goal.external_id {
        Some(id) => say!(" with the id `{}`", id),
        None => " without an id".into(),
    }
}
