//! The patch planner: the smallest change that lets some callers in, or the reason why there is none.
//!
//! Two forms. `Separate` adds a statement for each caller and touches nothing else, so only the goals
//! open. `Guide` adds to the one statement that Segment's guide shows, where every principal may use
//! every id. A plan is proved before it is given: it is read again, and its cells are compared.

use headgate_terms::{Arn, Error, Result};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::condition::Truth;
use crate::edit::{ConditionDraft, Edit, PrincipalRef, StatementDraft, apply_all};
use crate::evaluate::{Caller, Decision, decide, is_named};
use crate::matrix::{Change, EXTERNAL_ID, Goal, axes, cells, changes, request_of};
use crate::operator::{SetPrefix, Test};
use crate::policy::{Condition, Effect, Policy, PrincipalKind, Statement, Who};
use crate::read::read;
use crate::text::size;

/// The quota of a role's trust policy as AWS sets it at first.
pub const QUOTA: usize = 2_048;

/// Accounts in which Databricks keeps the role of Unity Catalog: commercial,
/// `GovCloud` and `DoD`.
pub const UNITY_CATALOG_ACCOUNTS: [&str; 3] = ["414351767826", "044793339203", "170661010020"];

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

/// What is wanted of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Goals {
    /// The role that has the policy.
    pub role: String,
    /// Who is to get in.
    pub allow: Vec<Goal>,
}

/// A goal that can be asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub goal: Goal,
    pub arn: Arn,
    pub caller: Caller,
}

impl Goals {
    /// The role's ARN.
    ///
    /// # Errors
    /// `goals_invalid`.
    pub fn role(&self) -> Result<Arn> {
        self.role
            .parse()
            .ok()
            .filter(|arn: &Arn| arn.role_name().is_some())
            .ok_or_else(|| invalid(format!("`{}` is no role's ARN.", self.role), "role"))
    }

    /// Whether every goal can be asked for at all.
    ///
    /// # Errors
    /// `goals_invalid`, with the field.
    pub fn check(&self) -> Result<()> {
        self.wanted().map(drop)
    }

    pub(crate) fn wanted(&self) -> Result<Vec<Wanted>> {
        let role = self.role()?;
        if self.allow.is_empty() {
            return Err(invalid("The goals name nobody.".to_owned(), "allow"));
        }
        let mut wanted: Vec<Wanted> = Vec::new();
        for goal in &self.allow {
            let who = crate::read::who(PrincipalKind::Aws, &goal.principal);
            let caller = Caller::aws(&goal.principal, Some(&role));
            let (Who::Role(_) | Who::User(_) | Who::Account { .. } | Who::Session(_), Some(caller)) =
                (who, caller)
            else {
                let message =
                    format!("`{}` is no principal that a role can trust.", goal.principal);
                return Err(invalid(message, "principal"));
            };
            if let Some(id) = &goal.external_id
                && let Some(fault) = id_fault(id)
            {
                return Err(invalid(format!("`{id}` is no external id: {fault}."), "externalId"));
            }
            let Caller::Aws(arn) = &caller else { continue };
            let one = Wanted { goal: goal.clone(), arn: arn.clone(), caller };
            if !wanted.iter().any(|other| other.goal == one.goal) {
                wanted.push(one);
            }
        }
        Ok(wanted)
    }
}

fn invalid(message: String, field: &str) -> Error {
    Error::new("goals_invalid", message)
        .hint(
            "Correct the goals; ids come from the storage credential and the workspace's settings.",
        )
        .field(field)
}

/// What keeps a text from being an external id; none for one that can be.
#[must_use]
pub fn id_fault(id: &str) -> Option<&'static str> {
    let count = id.chars().count();
    if id.contains(['<', '>']) {
        return Some("a placeholder is left in it");
    }
    if id.trim() != id {
        return Some("it begins or ends with a blank");
    }
    if !(2..=1_224).contains(&count) {
        return Some("it has 2 to 1,224 characters");
    }
    let fine = |c: char| c.is_ascii_alphanumeric() || "+=,.@:/-_".contains(c);
    (!id.chars().all(fine)).then_some("it is made of letters, digits and `+ = , . @ : / - _`")
}

/// Whether an ARN is that of Unity Catalog's role in an account of Databricks.
#[must_use]
pub fn is_unity_catalog(arn: &Arn) -> bool {
    UNITY_CATALOG_ACCOUNTS.contains(&arn.account.as_str())
        && arn.role_name().is_some_and(|name| name.starts_with("unity-catalog-"))
}

/// Whether a role belongs to AWS or to the identity centre, and is not edited by hand.
#[must_use]
pub fn is_protected(role: &Arn) -> bool {
    role.resource.starts_with("role/aws-service-role/")
        || role.role_name().is_some_and(|name| name.starts_with("AWSReservedSSO_"))
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

struct Scene<'s> {
    text: &'s str,
    policy: &'s Policy,
    role: &'s Arn,
    wanted: &'s [Wanted],
    quota: usize,
}

fn refused(code: Refusal, message: impl Into<String>) -> Refused {
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
            matrix: self.matrix(self.policy),
            size: Size { before: now, after: now, quota: self.quota },
        }
    }

    /// Every cell, as the policy has it and as another would.
    fn matrix(&self, new: &Policy) -> Vec<Change> {
        let goals: Vec<Goal> = self.wanted.iter().map(|one| one.goal.clone()).collect();
        let axes = axes(&[self.policy, new], &goals, Some(self.role));
        let old = cells(self.policy, &axes, Some(self.role));
        old.into_iter()
            .zip(cells(new, &axes, Some(self.role)))
            .map(|(old, new)| Change {
                principal: new.principal,
                external_id: new.external_id,
                before: old.decision,
                after: new.decision,
            })
            .collect()
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
            if let Some((at, _)) = deny {
                return Err(refused(
                    Refusal::DenyBlocksGoal,
                    format!(
                        "Statement {} denies `{}`{}, and no Allow can change that. Change that statement first.",
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
        let mut drafts: Vec<(&str, bool, StatementDraft)> = Vec::new();
        for one in missing {
            let principal = one.goal.principal.as_str();
            let bare = one.goal.external_id.is_none();
            let id = one.goal.external_id.clone();
            if let Some((_, _, draft)) =
                drafts.iter_mut().find(|(known, none, _)| *known == principal && *none == bare)
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
                sid: one.goal.sid.clone().filter(|sid| self.is_free(sid)),
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
            drafts.push((principal, bare, draft));
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

    fn guide(&self, missing: &[&Wanted]) -> Result<Vec<Edit>, Refused> {
        if let Some(bare) = missing.iter().find(|one| one.goal.external_id.is_none()) {
            return Err(refused(
                Refusal::NoIdInGuide,
                format!(
                    "The guide's statement asks everyone for an id, and `{}` brings none. Give it a statement of its own.",
                    bare.arn
                ),
            ));
        }
        let (at, statement) = self.target()?;
        let test = id_test(at, statement)?;
        let mut edits = Vec::new();
        let mut named: Vec<&str> = Vec::new();
        let mut asked: Vec<&str> = Vec::new();
        for one in missing {
            let covered = statement
                .principals
                .iter()
                .any(|entry| is_named(entry, &one.caller, Some(self.role)));
            let principal = one.goal.principal.as_str();
            if !covered && !named.contains(&principal) {
                named.push(principal);
                edits.push(Edit::AddPrincipal {
                    statement: at,
                    kind: PrincipalKind::Aws,
                    value: principal.to_owned(),
                });
            }
            let id = one.goal.external_id.as_deref().unwrap_or_default();
            let request = request_of(&one.caller, Some(id), Some(self.role));
            let variables = self.policy.has_variables();
            let passes = crate::condition::holds(test, &request.context, variables) == Truth::Yes;
            if !passes && !asked.contains(&id) {
                asked.push(id);
                edits.push(Edit::AddConditionValue {
                    statement: at,
                    operator: test.operator_text.value.clone(),
                    key: test.key.value.clone(),
                    value: id.to_owned(),
                });
            }
        }
        Ok(edits)
    }

    /// The statement that the guide speaks of: the one that names Unity Catalog's role.
    fn target(&self) -> Result<(usize, &Statement), Refused> {
        let catalogs: Vec<&Wanted> =
            self.wanted.iter().filter(|one| is_unity_catalog(&one.arn)).collect();
        let anchors: Vec<&Wanted> = if catalogs.is_empty() {
            self.wanted.iter().filter(|one| one.arn != *self.role).collect()
        } else {
            catalogs
        };
        let names = |statement: &Statement, one: &Wanted| {
            statement.principals.iter().any(|entry| {
                entry.kind == PrincipalKind::Aws && entry.text.value == one.goal.principal
            })
        };
        let candidates: Vec<(usize, &Statement)> = self
            .policy
            .statements
            .iter()
            .enumerate()
            .filter(|(_, one)| one.effect == Effect::Allow && one.covers("sts:AssumeRole"))
            .filter(|(_, one)| anchors.iter().any(|anchor| names(one, anchor)))
            .collect();
        let holds_id = |statement: &Statement| {
            anchors.iter().any(|anchor| {
                names(statement, anchor)
                    && statement
                        .tests(EXTERNAL_ID)
                        .flat_map(|test| &test.values)
                        .any(|value| Some(&value.value) == anchor.goal.external_id.as_ref())
            })
        };
        match candidates.as_slice() {
            [] => Err(refused(
                Refusal::NoTarget,
                "No statement names Databricks' role for Unity Catalog, so there is none to add to. Give each caller a statement of its own.",
            )),
            [one] => Ok(*one),
            several => {
                let mut with_id = several.iter().filter(|(_, one)| holds_id(one));
                match (with_id.next(), with_id.next()) {
                    (Some(one), None) => Ok(*one),
                    _ => Err(refused(
                        Refusal::AmbiguousTarget,
                        format!(
                            "Statements {} all name Databricks' role. Merge them, or give each caller a statement of its own.",
                            numbers(several.iter().map(|(at, _)| *at))
                        ),
                    )),
                }
            }
        }
    }

    /// Carries a plan out in mind and compares every cell.
    fn proved(&self, operations: Vec<Edit>, missing: &[&Wanted], form: Form) -> Result<Plan> {
        let after = apply_all(self.text, &operations)?;
        let sizes = Size { before: size(self.text), after: size(&after), quota: self.quota };
        let new = read(&after).valid().map_err(|problems| {
            let said = problems.first().map_or("", |problem| &problem.message);
            Error::new("internal", format!("The plan would make a policy that IAM refuses. {said}"))
                .hint("This is a defect in Headgate; nothing was written.")
        })?;
        let goals: Vec<Goal> = self.wanted.iter().map(|one| one.goal.clone()).collect();
        let axes = axes(&[self.policy, &new], &goals, Some(self.role));
        let changed = changes(self.policy, &new, &axes, Some(self.role));
        let target = operations.first().map(|edit| match edit {
            Edit::AddPrincipal { statement, .. } | Edit::AddConditionValue { statement, .. } => {
                *statement
            }
            _ => usize::MAX,
        });
        let expected = |change: &Change| {
            let Some(caller) = change.principal.caller(Some(self.role)) else { return false };
            let opens = change.before != Decision::Allow && change.after != Decision::ExplicitDeny;
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
        let stray = changed.iter().find(|change| !expected(change));
        let unmet = self.wanted.iter().find(|one| !self.is_in(&new, one));
        if let Some(one) = unmet {
            let message = format!(
                "`{}`{} would still be kept out by what else the statement asks. Give it a statement of its own.",
                one.arn,
                with_id(&one.goal)
            );
            return Ok(self.nothing(false, Some(refused(Refusal::OtherCells, message))));
        }
        if let Some(change) = stray {
            let message = format!(
                "The change would also change what `{}` may do. Give each caller a statement of its own.",
                crate::matrix::shown(&change.principal)
            );
            return Ok(self.nothing(false, Some(refused(Refusal::OtherCells, message))));
        }
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
        let matrix = self.matrix(&new);
        Ok(Plan { satisfied: false, refused: None, after, operations, matrix, size: sizes })
    }
}

/// Whether letting a principal in lets a caller in.
fn covers(goal: &Arn, caller: &Caller) -> bool {
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

/// Numbers of statements as a person counts them.
fn numbers(statements: impl Iterator<Item = usize>) -> String {
    let all: Vec<String> = statements.map(|at| (at + 1).to_string()).collect();
    match all.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The one test of the external id that a value can be added to.
fn id_test(at: usize, statement: &Statement) -> Result<&Condition, Refused> {
    let number = at + 1;
    if statement.principals.iter().any(|one| one.who == Who::Everyone) {
        return Err(refused(
            Refusal::WildcardPrincipal,
            format!(
                "Statement {number} names everyone (`*`), so adding a principal is pointless. Replace `*` first."
            ),
        ));
    }
    if statement.principals.iter().any(|one| one.kind != PrincipalKind::Aws) {
        return Err(refused(
            Refusal::MixedPrincipal,
            format!(
                "Statement {number} also names services or providers, which bring no id. Split it first."
            ),
        ));
    }
    let tests: Vec<&Condition> = statement.tests(EXTERNAL_ID).collect();
    if tests.is_empty() {
        return Err(refused(
            Refusal::NoCondition,
            format!(
                "Statement {number} asks nobody for an id. Asking for one would shut out who brings none; add a condition by hand if that is meant."
            ),
        ));
    }
    if let Some(other) =
        statement.conditions.iter().find(|one| !one.key.value.eq_ignore_ascii_case(EXTERNAL_ID))
    {
        return Err(refused(
            Refusal::OtherConditions,
            format!(
                "Statement {number} also asks for `{}`, which would hold for the new caller too. Give it a statement of its own.",
                other.key.value
            ),
        ));
    }
    // `Null` with `false` only says that there must be an id, as every other test does.
    let demands = |one: &&&Condition| {
        one.operator.test == Test::Null
            && !one.values.iter().any(|v| v.value.eq_ignore_ascii_case("true"))
    };
    let real: Vec<&Condition> = tests.iter().filter(|one| !demands(one)).copied().collect();
    if let Some(one) = real
        .iter()
        .find(|one| one.operator.if_exists || one.operator.set == Some(SetPrefix::ForAllValues))
    {
        return Err(refused(
            Refusal::PassesWithoutId,
            format!(
                "Statement {number} tests the id with `{}`, which lets callers without an id in. Use `StringEquals` first.",
                one.operator_text.value
            ),
        ));
    }
    if let Some(one) =
        real.iter().find(|one| one.operator.test == Test::Null || one.operator.negated())
    {
        return Err(refused(
            Refusal::NegatedId,
            format!(
                "Statement {number} tests the id with `{}`, which lets every other id in. Ask for ids by name first.",
                one.operator_text.value
            ),
        ));
    }
    match real.as_slice() {
        [one] => Ok(one),
        [] => Err(refused(
            Refusal::NoCondition,
            format!("Statement {number} asks for an id, whichever. Ask for ids by name first."),
        )),
        _ => Err(refused(
            Refusal::TwoIdOperators,
            format!(
                "Statement {number} tests the id twice, and an id must pass both. Keep one test first."
            ),
        )),
    }
}
