//! The patch planner: the smallest change that lets some callers in, or the reason why there is none.
//!
//! Two forms. `Separate` adds a statement for each caller and touches nothing else, so only the goals
//! open. `Guide` adds to the one statement that Segment's guide shows, where every principal may use
//! every id. A plan is proved before it is given: it is read again, and its cells are compared.

use headgate_terms::{Arn, Error, Result};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::axes::axes;
use crate::condition::Truth;
use crate::edit::{ConditionDraft, Edit, PrincipalRef, StatementDraft, apply_all};
use crate::evaluate::{Caller, Decision, decide, is_named};
use crate::goals::{Goals, Wanted};
use crate::known::is_protected;
use crate::matrix::{Change, EXTERNAL_ID, Goal, compared, request_of};
use crate::policy::{Effect, Policy, PrincipalKind};
use crate::read::read;
use crate::text::size;

/// The quota of a role's trust policy as AWS sets it at first.
pub const QUOTA: usize = 2_048;

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
}

/// A refusal with its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Refused {
    /// For programs.
    pub code: Refusal,
    /// What stands in the way, and the next action.
    pub message: String,
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
#[ts(rename = "PatchPlan")]
pub struct Plan {
    /// Whether the goals held before any edit; then nothing is to be done.
    pub satisfied: bool,
    /// Why nothing is planned.
    pub refused: Option<Refused>,
    /// The text afterwards; the text itself when nothing is to be done.
    pub after: String,
    /// What makes it so, in order.
    pub operations: Vec<Edit>,
    /// Every cell, before and after.
    pub matrix: Vec<Change>,
    /// The sizes.
    pub size: Size,
}

/// Plans. `policy` was read from `text`.
///
/// # Errors
/// `goals_invalid`. A goal that cannot be reached is no error, but a refusal.
pub fn plan(text: &str, policy: &Policy, goals: &Goals, form: Form, quota: usize) -> Result<Plan> {
    let role = goals.role()?;
    let wanted = goals.wanted()?;
    let scene = Scene { text, policy, role: &role, wanted: &wanted, quota };
    let missing: Vec<&Wanted> = wanted.iter().filter(|one| !scene.is_in(policy, one)).collect();
    if missing.is_empty() {
        return Ok(scene.nothing(true, None));
    }
    Ok(match scene.operations(&missing, form) {
        Ok(operations) => scene.proved(operations, &missing, form)?,
        Err(refused) => scene.nothing(false, Some(refused)),
    })
}

/// What a plan is made from.
pub(crate) struct Scene<'s> {
    text: &'s str,
    pub policy: &'s Policy,
    pub role: &'s Arn,
    pub wanted: &'s [Wanted],
    quota: usize,
}

pub(crate) fn refused(code: Refusal, message: impl Into<String>) -> Refused {
    Refused { code, message: message.into() }
}

impl Scene<'_> {
    fn decision(&self, policy: &Policy, one: &Wanted) -> Decision {
        let id = one.goal.external_id.as_deref();
        decide(policy, &request_of(&one.caller, id, Some(self.role))).decision
    }

    fn is_in(&self, policy: &Policy, one: &Wanted) -> bool {
        self.decision(policy, one) == Decision::Allow
    }

    fn nothing(&self, satisfied: bool, refused: Option<Refused>) -> Plan {
        let now = size(self.text);
        Plan {
            satisfied,
            refused,
            after: self.text.to_owned(),
            operations: Vec::new(),
            matrix: self.compared(self.policy).into_iter().map(|(cell, _)| cell).collect(),
            size: Size { before: now, after: now, quota: self.quota },
        }
    }

    /// Every cell, as the policy has it and as another would, and whether it changes.
    fn compared(&self, new: &Policy) -> Vec<(Change, bool)> {
        let goals: Vec<Goal> = self.wanted.iter().map(|one| one.goal.clone()).collect();
        let axes = axes(&[self.policy, new], &goals, Some(self.role));
        compared(self.policy, new, &axes, Some(self.role))
    }

    fn operations(&self, missing: &[&Wanted], form: Form) -> Result<Vec<Edit>, Refused> {
        if is_protected(self.role) {
            return Err(refused(
                Refusal::ProtectedRole,
                format!(
                    "`{}` is managed by AWS and cannot be edited. Use a role of your own.",
                    self.role
                ),
            ));
        }
        if let Some(other) = self.wanted.iter().find(|one| one.arn.partition != self.role.partition)
        {
            return Err(refused(
                Refusal::WrongPartition,
                format!(
                    "`{}` lies in the partition `{}`, the role in `{}`. IAM cannot trust across partitions.",
                    other.arn, other.arn.partition, self.role.partition
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
                    format!(
                        "Statement {} {does} `{}`{}, and {why}. Change that statement first.",
                        at + 1,
                        one.arn,
                        with_id(&one.goal)
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
                format!(
                    "Statement {} allows all but some actions (`NotAction`). Write the actions that it means first.",
                    at + 1
                ),
            ));
        }
        match form {
            Form::Separate => Ok(self.separate(missing)),
            Form::Guide => self.guide(missing),
        }
    }

    fn separate(&self, missing: &[&Wanted]) -> Vec<Edit> {
        let mut drafts: Vec<(&Arn, bool, StatementDraft)> = Vec::new();
        for one in missing {
            let principal = one.goal.principal.as_str();
            let bare = one.goal.external_id.is_none();
            let id = one.goal.external_id.clone();
            if let Some((_, _, draft)) =
                drafts.iter_mut().find(|(known, none, _)| **known == one.arn && *none == bare)
            {
                draft.conditions[0].values.extend(id);
                continue;
            }
            let condition = match id {
                Some(id) => ("StringEquals", id),
                // Only a caller without an id gets in by this, so no other cell opens.
                None => ("Null", "true".to_owned()),
            };
            let draft = StatementDraft {
                sid: one.goal.sid.clone().filter(|sid| {
                    self.is_free(sid)
                        && drafts.iter().all(|(.., draft)| draft.sid.as_ref() != Some(sid))
                }),
                effect: Effect::Allow,
                principals: vec![PrincipalRef {
                    kind: PrincipalKind::Aws,
                    value: principal.to_owned(),
                }],
                actions: vec!["sts:AssumeRole".to_owned()],
                conditions: vec![ConditionDraft {
                    operator: condition.0.to_owned(),
                    key: EXTERNAL_ID.to_owned(),
                    values: vec![condition.1],
                }],
            };
            drafts.push((&one.arn, bare, draft));
        }
        let end = self.policy.statements.len();
        drafts
            .into_iter()
            .enumerate()
            .map(|(at, (_, _, draft))| Edit::AddStatement { statement: end + at, draft })
            .collect()
    }

    fn is_free(&self, sid: &str) -> bool {
        self.policy.statements.iter().flat_map(|one| &one.sid).all(|known| known.value != sid)
    }

    /// Carries a plan out in mind and compares every cell.
    fn proved(&self, operations: Vec<Edit>, missing: &[&Wanted], form: Form) -> Result<Plan> {
        let after = apply_all(self.text, &operations)?;
        let sizes = Size { before: size(self.text), after: size(&after), quota: self.quota };
        if sizes.after > sizes.quota {
            let message = format!(
                "The policy would have {} characters, and the role's quota is {}. {}",
                sizes.after,
                sizes.quota,
                match form {
                    Form::Separate =>
                        "The guide's form is smaller; removing unused statements and `Sid`s helps, and AWS raises the quota to 4,096 on request.",
                    Form::Guide =>
                        "Remove unused ids, statements or `Sid`s; AWS raises the quota to 4,096 on request.",
                }
            );
            let mut plan = self.nothing(false, Some(refused(Refusal::TooLarge, message)));
            plan.size = sizes;
            return Ok(plan);
        }
        let new = read(&after).valid().map_err(|problems| {
            let said = problems.first().map_or("", |problem| &problem.message);
            Error::new("internal", format!("The plan would make a policy that IAM refuses. {said}"))
                .hint("This is a defect in Headgate; nothing was written.")
        })?;
        let cells = self.compared(&new);
        let target = operations.first().map(|edit| match edit {
            Edit::AddPrincipal { statement, .. } | Edit::AddConditionValue { statement, .. } => {
                *statement
            }
            _ => usize::MAX,
        });
        let expected = |change: &Change| {
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
            let message = format!(
                "`{}`{} would still be kept out by what else the statement asks. Give it a statement of its own.",
                one.arn,
                with_id(&one.goal)
            );
            return Ok(self.nothing(false, Some(refused(Refusal::OtherCells, message))));
        }
        if let Some((change, _)) = stray {
            let message = format!(
                "The change would also change what `{}` may do. Give each caller a statement of its own.",
                crate::matrix::shown(&change.principal)
            );
            return Ok(self.nothing(false, Some(refused(Refusal::OtherCells, message))));
        }
        let matrix = cells.into_iter().map(|(cell, _)| cell).collect();
        Ok(Plan { satisfied: false, refused: None, after, operations, matrix, size: sizes })
    }
}

/// Whether letting a principal in lets a caller in.
pub(crate) fn covers(goal: &Arn, caller: &Caller) -> bool {
    let Caller::Aws(caller) = caller else { return false };
    let same = (&goal.partition, &goal.account) == (&caller.partition, &caller.account);
    goal == caller
        || (same && goal.is_root())
        || (same && caller.session().is_some_and(|(role, _)| goal.role_name() == Some(role)))
}

fn with_id(goal: &Goal) -> String {
    match &goal.external_id {
        Some(id) => format!(" with the id `{id}`"),
        None => " without an id".to_owned(),
    }
}
