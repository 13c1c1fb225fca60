//! Whether a caller may assume the role by its trust policy alone, and which statement decides.
//!
//! [`decide`] gives the decision, [`explain`] also the verdict of each statement and condition. The caller's
//! own policies, permissions boundaries and service control policies are not evaluated.

use headgate_terms::{Arn, Range, Shown, is_account_id, say};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::condition::{Context, Truth, holds};
use crate::policy::{Effect, Policy, Principal, Statement, Who};

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Caller {
    /// A role, a user, a session or an account's root.
    Aws(Arn),
    /// A service of AWS.
    Service(String),
    /// Someone whom an identity provider vouches for, by the provider's ARN or domain.
    Federated(String),
}

impl Caller {
    /// Reads an ARN or an account's number; the partition is that of `role`, else `aws`.
    #[must_use]
    pub fn aws(text: &str, role: Option<&Arn>) -> Option<Self> {
        if is_account_id(text) {
            return Some(Self::Aws(Arn::root(partition_of(role), text)));
        }
        text.parse().ok().map(Self::Aws)
    }

    /// The action by which such a caller assumes a role.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Aws(_) | Self::Service(_) => "sts:AssumeRole",
            Self::Federated(provider) if provider.contains(":saml-provider/") => {
                "sts:AssumeRoleWithSAML"
            }
            Self::Federated(_) => "sts:AssumeRoleWithWebIdentity",
        }
    }
}

/// The partition of a role, else the commercial one.
pub(crate) fn partition_of(role: Option<&Arn>) -> &str {
    role.map_or("aws", |role| &role.partition)
}

/// A question to a policy.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who calls.
    pub caller: Caller,
    /// For what, such as `sts:AssumeRole`.
    pub action: String,
    /// What comes along.
    pub context: Context,
    /// The role that has the policy, where it is known.
    pub role: Option<Arn>,
}

/// What the trust policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The trust side is satisfied.
    Allow,
    /// A Deny matches.
    ExplicitDeny,
    /// No Allow matches.
    ImplicitDeny,
    /// It depends on what is not known.
    Unknown,
}

/// A decision and who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is decided.
    pub decision: Decision,
    /// The statements that decided, counted from 0.
    pub statements: Vec<usize>,
}

/// Decides. Says nothing of why; [`explain`] does.
#[must_use]
pub fn decide(policy: &Policy, request: &Request) -> Verdict {
    verdict(policy.statements.iter().map(|one| (one.effect, truth(policy, one, request))))
}

/// Whether one statement matches a request.
pub(crate) fn truth(policy: &Policy, statement: &Statement, request: &Request) -> Truth {
    if !names(statement, &request.caller, request.role.as_ref())
        || !statement.covers(&request.action)
    {
        return Truth::No;
    }
    let variables = policy.has_variables();
    let mut truth = Truth::Yes;
    for condition in &statement.conditions {
        truth = truth.and(holds(condition, &request.context, variables));
        if truth == Truth::No {
            break;
        }
    }
    truth
}

/// What statements that match, or may, decide together.
pub(crate) fn verdict(matches: impl Iterator<Item = (Effect, Truth)>) -> Verdict {
    let (mut allows, mut denies, mut may_allow, mut may_deny) = (vec![], vec![], vec![], vec![]);
    for (at, (effect, truth)) in matches.enumerate() {
        match (effect, truth) {
            (_, Truth::No) => {}
            (Effect::Allow, Truth::Yes) => allows.push(at),
            (Effect::Deny, Truth::Yes) => denies.push(at),
            (Effect::Allow, Truth::Unknown) => may_allow.push(at),
            (Effect::Deny, Truth::Unknown) => may_deny.push(at),
        }
    }
    let (decision, mut statements) = if !denies.is_empty() {
        (Decision::ExplicitDeny, denies)
    } else if allows.is_empty() && may_allow.is_empty() {
        (Decision::ImplicitDeny, Vec::new())
    } else if may_deny.is_empty() && !allows.is_empty() {
        (Decision::Allow, allows)
    } else {
        (Decision::Unknown, [allows, may_allow, may_deny].concat())
    };
    statements.sort_unstable();
    Verdict { decision, statements }
}

/// Whether a caller who gets in must be let call by its own account's policies too: one of another
/// account always, one of the role's account where only the account as a whole is named. Nothing is said
/// of who is kept out, and where the role is not known.
#[must_use]
pub fn needs_own_policy(policy: &Policy, request: &Request) -> bool {
    let (Caller::Aws(caller), Some(role)) = (&request.caller, &request.role) else { return false };
    let Verdict { decision, statements } = decide(policy, request);
    if !matches!(decision, Decision::Allow | Decision::Unknown) {
        return false;
    }
    let allows = statements.iter().filter_map(|at| policy.statements.get(*at));
    let mut entries =
        allows.filter(|one| one.effect == Effect::Allow).flat_map(|one| &one.principals);
    let by_itself = entries.any(|entry| {
        !matches!(entry.who, Who::Account { .. })
            && is_named(entry, &request.caller, request.role.as_ref())
    });
    caller.account != role.account || !by_itself
}

/// Whether a statement names a caller.
#[must_use]
pub fn names(statement: &Statement, caller: &Caller, role: Option<&Arn>) -> bool {
    statement.principals.iter().any(|principal| is_named(principal, caller, role))
}

/// Whether one entry means a caller.
#[must_use]
pub fn is_named(principal: &Principal, caller: &Caller, role: Option<&Arn>) -> bool {
    match (&principal.who, caller) {
        // AWS's page on principals: a wildcard means all principals, services and providers too.
        (Who::Everyone, _) => true,
        (Who::Account { account, partition }, Caller::Aws(arn)) => {
            let partition = partition.as_deref().or(role.map(|role| role.partition.as_str()));
            *account == arn.account && partition.is_none_or(|partition| partition == arn.partition)
        }
        (Who::Role(named), Caller::Aws(arn)) => {
            named == arn
                || arn.session().is_some_and(|(role, _)| {
                    (&named.partition, &named.account) == (&arn.partition, &arn.account)
                        && named.role_name().is_some_and(|name| name.eq_ignore_ascii_case(role))
                })
        }
        (Who::User(named) | Who::Session(named) | Who::FederatedUser(named), Caller::Aws(arn)) => {
            named == arn
        }
        (Who::Service(named), Caller::Service(service)) => named == service,
        (Who::Provider(named), Caller::Federated(provider)) => named == provider,
        _ => false,
    }
}

/// One condition of a statement, evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(rename = "AskedCondition")]
pub struct ConditionVerdict {
    /// The operator as it is written.
    pub operator: String,
    /// The key as it is written.
    pub key: String,
    /// The values.
    pub values: Vec<String>,
    /// Whether it holds.
    pub holds: Truth,
    /// Its range in the text.
    pub range: Range,
    /// The line of its key, from 1.
    pub line: usize,
}

/// What one statement says to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(rename = "StatementSays")]
pub struct StatementVerdict {
    /// Which, from 0.
    pub statement: usize,
    /// Its name.
    pub sid: Option<String>,
    /// Allow or Deny.
    pub effect: Effect,
    /// Whether it names the caller.
    pub names: bool,
    /// The entry that does, as it is written.
    pub by: Option<String>,
    /// Whether it covers the action.
    pub covers: bool,
    /// Its conditions, evaluated only when the two above are true.
    pub conditions: Vec<ConditionVerdict>,
    /// Whether it counts.
    pub matches: Truth,
}

/// A decision with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Explanation {
    /// What is decided.
    pub decision: Decision,
    /// The statements that decided, counted from 0.
    pub statements: Vec<usize>,
    /// Why, in one sentence.
    pub because: Shown,
    /// Each statement for itself.
    pub said: Vec<StatementVerdict>,
}

/// Decides and says why. `text` is what the policy was read from.
#[must_use]
pub fn explain(policy: &Policy, text: &str, request: &Request) -> Explanation {
    let variables = policy.has_variables();
    let said: Vec<StatementVerdict> = policy
        .statements
        .iter()
        .enumerate()
        .map(|(at, statement)| {
            let by = statement
                .principals
                .iter()
                .find(|one| is_named(one, &request.caller, request.role.as_ref()));
            let covers = statement.covers(&request.action);
            let conditions: Vec<ConditionVerdict> = statement
                .conditions
                .iter()
                .filter(|_| by.is_some() && covers)
                .map(|condition| ConditionVerdict {
                    operator: condition.operator_text.value.clone(),
                    key: condition.key.value.clone(),
                    values: condition.values.iter().map(|value| value.value.clone()).collect(),
                    holds: holds(condition, &request.context, variables),
                    range: condition.range,
                    line: crate::problem::place(text, condition.range.start).0,
                })
                .collect();
            let matches = conditions
                .iter()
                .fold(Truth::from(by.is_some() && covers), |truth, one| truth.and(one.holds));
            StatementVerdict {
                statement: at,
                sid: statement.sid.as_ref().map(|sid| sid.value.clone()),
                effect: statement.effect,
                names: by.is_some(),
                by: by.map(|principal| principal.text.value.clone()),
                covers,
                conditions,
                matches,
            }
        })
        .collect();
    let Verdict { decision, statements } =
        verdict(said.iter().map(|said| (said.effect, said.matches)));
    let because = because(decision, &statements, &said, policy, &request.action);
    Explanation { decision, statements, because, said }
}

fn because(
    decision: Decision,
    statements: &[usize],
    said: &[StatementVerdict],
    policy: &Policy,
    action: &str,
) -> Shown {
    let tests = |said: &StatementVerdict, truth: Truth| {
        let mut shown = said.conditions.iter().filter(|one| one.holds == truth).map(in_words);
        let first = shown.next();
        let more = shown.count();
        first.map(|first| match more {
            0 => first,
            1 => say!("{} and one more condition", first),
            more => say!("{} and {} more conditions", first, more),
        })
    };
    let number = |at: usize| say!("Statement {}", at + 1);
    match (decision, statements.first()) {
        (Decision::Allow, Some(&at)) => {
            let by = said[at].by.as_deref().unwrap_or_default();
            if let Some(tests) = tests(&said[at], Truth::Yes) {
                say!("{} allows it: it names `{}`, and {} holds.", number(at), by, tests)
            } else {
                say!("{} allows it: it names `{}` and asks for nothing else.", number(at), by)
            }
        }
        (Decision::ExplicitDeny, Some(&at)) => {
            let by = said[at].by.as_deref().unwrap_or_default();
            if let Some(tests) = tests(&said[at], Truth::Yes) {
                say!("{} denies it: it names `{}`, and {} holds.", number(at), by, tests)
            } else {
                say!("{} denies it to `{}`, whatever else is said.", number(at), by)
            }
        }
        (Decision::Unknown, _) => {
            let at = statements.iter().copied().find(|&at| said[at].matches == Truth::Unknown);
            let at = at.unwrap_or_default();
            let depends = tests(&said[at], Truth::Unknown).unwrap_or_default();
            let does = match policy.statements[at].effect {
                Effect::Allow => "allow",
                Effect::Deny => "deny",
            };
            say!("It depends: statement {} would {} it if {} holds.", at + 1, does, depends)
        }
        _ => {
            let allows = || said.iter().filter(|said| said.effect == Effect::Allow);
            if let Some(near) = allows().find(|said| said.names && said.covers) {
                let failed = tests(near, Truth::No).unwrap_or_default();
                say!("{} names the caller, but {} does not hold.", number(near.statement), failed)
            } else if let Some(near) = allows().find(|said| said.names) {
                say!(
                    "{} names the caller, but does not cover `{}`.",
                    number(near.statement),
                    action
                )
            } else {
                "No Allow names this caller.".into()
            }
        }
    }
}

/// A condition as a user reads it.
fn in_words(asked: &ConditionVerdict) -> Shown {
    let values = match asked.values.as_slice() {
        [one] => say!("`{}`", one),
        [one, more @ ..] => say!("any of {} values, such as `{}`", more.len() + 1, one),
        [] => "an empty list".into(),
    };
    say!("`{}` `{}` {}", asked.key, asked.operator, values)
}
