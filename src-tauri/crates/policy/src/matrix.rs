//! Who may assume the role with which external id: the picture of a policy, and the difference of two.
//!
//! The callers and ids are those that the policies and goals name, and one stranger of each kind; as
//! conditions only compare, these stand for all. Keys other than the id and the caller's own are not
//! known here, so a cell may say that it depends.

use std::collections::{BTreeMap, BTreeSet};

use headgate_terms::{Arn, is_account_id};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::condition::Context;
use crate::evaluate::{Caller, Decision, Request, Verdict, decide, partition_of};
use crate::glob;
use crate::operator::{How, Test};
use crate::policy::{Policy, Who};

/// The most cells that are drawn.
pub const MOST_CELLS: usize = 4_096;

/// The condition key of external ids.
pub const EXTERNAL_ID: &str = "sts:ExternalId";

/// A caller who is to get in, with the id it brings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Goal {
    /// An ARN.
    pub principal: String,
    /// The id; none for a caller that brings none.
    #[serde(default)]
    pub external_id: Option<String>,
    /// What a statement that is made for it is called.
    #[serde(default)]
    pub sid: Option<String>,
}

/// Why a row stands in the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CallerKind {
    /// A goal names it.
    Goal,
    /// A policy names it.
    Named,
    /// A condition's pattern takes it.
    Like,
    /// A role of an account that is named, and not itself.
    OtherRole,
    /// A role of an account that nobody names.
    Stranger,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct CallerRow {
    /// As the cells name it.
    pub principal: Named,
    /// Why it is here.
    pub kind: CallerKind,
    #[serde(skip)]
    caller: Caller,
}

/// A caller as requests and cells write it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(untagged)]
#[ts(rename = "CallerName")]
pub enum Named {
    /// An ARN.
    Aws(String),
    /// A service.
    Service {
        /// Such as `ec2.amazonaws.com`.
        service: String,
    },
    /// An identity provider.
    Federated {
        /// Its ARN or domain.
        federated: String,
    },
}

impl Named {
    /// The caller; none for text that is no ARN. A number alone means that account's root.
    #[must_use]
    pub fn caller(&self, role: Option<&Arn>) -> Option<Caller> {
        match self {
            Self::Aws(text) => Caller::aws(text, role),
            Self::Service { service } => Some(Caller::Service(service.clone())),
            Self::Federated { federated } => Some(Caller::Federated(federated.clone())),
        }
    }
}

/// A column: an id, or none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct IdColumn {
    /// The id that the cells bring; none for callers without one.
    pub external_id: Option<String>,
    /// Whether it stands for every id that nobody names.
    pub any_other: bool,
    /// The pattern whose ids it stands for.
    pub like: Option<String>,
}

/// Rows and columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Axes {
    /// Goals first, then those that are named, then strangers.
    pub callers: Vec<CallerRow>,
    /// Goals' ids first, then those that are named, then any other, then none.
    pub ids: Vec<IdColumn>,
    /// How many callers and ids were left out, because the matrix would be too large.
    pub left_out: usize,
}

/// A cell of one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "PolicyCell")]
pub struct Cell {
    /// The row.
    pub principal: Named,
    /// The column.
    pub external_id: Option<String>,
    /// What the policy says.
    pub decision: Decision,
    /// The statements that decided.
    pub statements: Vec<usize>,
}

/// A cell of two policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "CellChange")]
pub struct Change {
    /// The row.
    pub principal: Named,
    /// The column.
    pub external_id: Option<String>,
    /// What the old policy says.
    pub before: Decision,
    /// What the new one says.
    pub after: Decision,
}

/// The rows and columns that tell some policies apart.
#[must_use]
pub fn axes(policies: &[&Policy], goals: &[Goal], role: Option<&Arn>) -> Axes {
    let mut rows = Rows::default();
    for goal in goals {
        if let Some(caller) = Caller::aws(&goal.principal, role) {
            rows.add(Named::Aws(goal.principal.clone()), CallerKind::Goal, caller);
        }
    }
    let mut accounts: BTreeSet<(String, String)> = BTreeSet::new();
    let statements = || policies.iter().flat_map(|policy| &policy.statements);
    for principal in statements().flat_map(|statement| &statement.principals) {
        let text = &principal.text.value;
        let named = match &principal.who {
            Who::Everyone | Who::Gone(_) | Who::Nobody => continue,
            Who::Account { account, partition } => {
                let partition = partition.as_deref().unwrap_or(partition_of(role));
                Named::Aws(Arn::root(partition, account).to_string())
            }
            Who::Role(_) | Who::User(_) | Who::Session(_) | Who::FederatedUser(_) => {
                Named::Aws(text.clone())
            }
            Who::Service(service) => Named::Service { service: service.clone() },
            Who::Provider(provider) => Named::Federated { federated: provider.clone() },
        };
        if let Some(caller) = named.caller(role) {
            if let Caller::Aws(arn) = &caller {
                accounts.insert((arn.partition.clone(), arn.account.clone()));
            }
            rows.add(named, CallerKind::Named, caller);
        }
    }
    // Callers that only conditions name: a condition on who asks tells them from their account's others.
    let conditions = || statements().flat_map(|statement| &statement.conditions);
    let values = |key: &'static str| {
        conditions()
            .filter(move |one| one.key.value.eq_ignore_ascii_case(key))
            .flat_map(|one| &one.values)
            .map(|value| value.value.as_str())
            .filter(|value| !value.contains('$'))
    };
    if let Some(role) = role {
        accounts.insert((role.partition.clone(), role.account.clone()));
    }
    let partition = partition_of(role);
    accounts.extend(
        values("aws:PrincipalAccount")
            .filter(|value| is_account_id(value))
            .map(|account| (partition.to_owned(), account.to_owned())),
    );
    let own = role.map_or("000000000000", |role| role.account.as_str());
    for value in values("aws:PrincipalArn") {
        let kind = if value.contains(['*', '?']) { CallerKind::Like } else { CallerKind::Named };
        if let Some(arn) = example(value, partition, own) {
            accounts.insert((arn.partition.clone(), arn.account.clone()));
            rows.add(Named::Aws(arn.to_string()), kind, Caller::Aws(arn));
        }
    }
    let patterns: Vec<&str> =
        values("aws:PrincipalArn").chain(values("aws:PrincipalAccount")).collect();
    for (partition, account) in &accounts {
        let arn = Arn::root(partition, account);
        let named =
            |name: &str| Arn { resource: format!("role/{name}"), ..arn.clone() }.to_string();
        let name = stand_in("any-other-role", |name| {
            let arn = named(name);
            rows.has(&arn) || patterns.iter().any(|pattern| takes(pattern, &arn))
        });
        let arn = Arn { resource: format!("role/{name}"), ..arn };
        rows.add(Named::Aws(arn.to_string()), CallerKind::OtherRole, Caller::Aws(arn));
    }
    let unnamed = (0..=accounts.len())
        .map(|n| format!("{:012}", 999_999_999_999_u64 - n as u64))
        .find(|account| accounts.iter().all(|(_, named)| named != account))
        .unwrap_or_default();
    let root = Arn::root(partition, &unnamed);
    let named = |name: &str| Arn { resource: format!("role/{name}"), ..root.clone() };
    let name = stand_in("any-other-role", |name| {
        let arn = named(name).to_string();
        patterns.iter().any(|pattern| takes(pattern, &arn))
    });
    let stranger = named(&name);
    rows.add(Named::Aws(stranger.to_string()), CallerKind::Stranger, Caller::Aws(stranger));
    let (ids, ids_left_out) = columns(policies, goals);
    let most = (MOST_CELLS / ids.len().max(1)).max(1);
    let left_out = rows.rows.len().saturating_sub(most) + ids_left_out;
    rows.rows.truncate(most);
    Axes { callers: rows.rows, ids, left_out }
}

/// A name that means nobody in particular: the first of its kind that is not among those that are meant.
fn stand_in(base: &str, is_meant: impl Fn(&str) -> bool) -> String {
    let ends = ["", "x", "-7", "-q0", "zz9", "_k3", ".w8", "=j5"];
    let names = ends.iter().map(|end| format!("{base}{end}"));
    names.into_iter().find(|name| !is_meant(name)).unwrap_or_else(|| base.to_owned())
}

/// Whether a pattern takes a text, and not merely every text.
fn takes(pattern: &str, text: &str) -> bool {
    let tail = pattern.rsplit([':', '/']).next().unwrap_or_default();
    tail != "*" && glob::fits_text(pattern, text)
}

/// A caller whom a pattern over ARNs takes.
fn example(pattern: &str, partition: &str, account: &str) -> Option<Arn> {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let [_, in_partition, service, _, in_account, resource] = parts.as_slice() else { return None };
    let plain = |part: &str, or: &str| {
        if part.contains(['*', '?']) { or.to_owned() } else { part.to_owned() }
    };
    let resource = match *resource {
        "*" => "role/any".to_owned(),
        resource => resource.replace('*', "any").replace('?', "a"),
    };
    Some(Arn {
        partition: plain(in_partition, partition),
        service: plain(service, "iam"),
        region: String::new(),
        account: plain(in_account, account),
        resource,
    })
}

#[derive(Default)]
struct Rows {
    rows: Vec<CallerRow>,
    seen: BTreeSet<Caller>,
}

impl Rows {
    fn add(&mut self, principal: Named, kind: CallerKind, caller: Caller) {
        if self.seen.insert(caller.clone()) {
            self.rows.push(CallerRow { principal, kind, caller });
        }
    }

    fn has(&self, arn: &str) -> bool {
        self.rows.iter().any(|row| row.principal == Named::Aws(arn.to_owned()))
    }
}

/// The columns, and how many ids were left out.
fn columns(policies: &[&Policy], goals: &[Goal]) -> (Vec<IdColumn>, usize) {
    let mut ids: Vec<(String, Option<String>)> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut add = |id: String, like: Option<String>| {
        if seen.insert(id.clone()) {
            ids.push((id, like));
        }
    };
    for id in goals.iter().filter_map(|goal| goal.external_id.clone()) {
        add(id, None);
    }
    let tests = || {
        policies
            .iter()
            .flat_map(|policy| &policy.statements)
            .flat_map(|statement| statement.tests(EXTERNAL_ID))
    };
    for test in tests() {
        match test.operator.test {
            Test::Null => {}
            Test::Compare { how: How::StringLike, .. } => {
                // One id that a pattern takes stands for all that it takes.
                for value in &test.values {
                    let one = value.value.replace('*', "any").replace('?', "a");
                    let like = Some(value.value.clone()).filter(|pattern| *pattern != one);
                    add(one, like);
                }
            }
            Test::Compare { how: How::StringEqualsIgnoreCase, .. } => {
                for value in &test.values {
                    add(value.value.clone(), None);
                    let swapped: String = value
                        .value
                        .chars()
                        .map(|c| {
                            if c.is_ascii_lowercase() {
                                c.to_ascii_uppercase()
                            } else {
                                c.to_ascii_lowercase()
                            }
                        })
                        .collect();
                    add(swapped, None);
                }
            }
            Test::Compare { .. } => {
                for value in &test.values {
                    add(value.value.clone(), None);
                }
            }
        }
    }
    let left_out = ids.len().saturating_sub(MOST_CELLS / 4);
    ids.truncate(MOST_CELLS / 4);
    let patterns: Vec<&str> = tests()
        .flat_map(|test| &test.values)
        .map(|value| value.value.as_str())
        .filter(|value| value.contains(['*', '?']))
        .collect();
    let other = stand_in("any-other-id", |id| {
        ids.iter().any(|(known, _)| known.eq_ignore_ascii_case(id))
            || patterns.iter().any(|pattern| takes(pattern, id))
    });
    let named = |(id, like)| IdColumn { external_id: Some(id), any_other: false, like };
    let mut columns: Vec<IdColumn> = ids.into_iter().map(named).collect();
    columns.push(IdColumn { external_id: Some(other), any_other: true, like: None });
    columns.push(IdColumn { external_id: None, any_other: false, like: None });
    (columns, left_out)
}

/// What a caller brings by being who it is, and the id. Nobody knows the rest.
#[must_use]
pub fn context_of(caller: &Caller, external_id: Option<&str>) -> Context {
    let mut context = Context::open();
    // STS answers over TLS only.
    context.set("aws:SecureTransport", vec!["true".to_owned()]);
    match external_id {
        Some(id) => context.set(EXTERNAL_ID, vec![id.to_owned()]),
        None => context.without(EXTERNAL_ID),
    }
    match caller {
        Caller::Aws(arn) => {
            // A session's role is named with its path, which the session's ARN has lost.
            if arn.session().is_none() {
                context.set("aws:PrincipalArn", vec![arn.to_string()]);
            }
            context.set("aws:PrincipalAccount", vec![arn.account.clone()]);
            context.set("aws:PrincipalIsAWSService", vec!["false".to_owned()]);
        }
        Caller::Service(_) => context.set("aws:PrincipalIsAWSService", vec!["true".to_owned()]),
        Caller::Federated(_) => {}
    }
    context
}

/// The question that a cell asks.
#[must_use]
pub fn request_of(caller: &Caller, external_id: Option<&str>, role: Option<&Arn>) -> Request {
    Request {
        action: caller.action().to_owned(),
        context: context_of(caller, external_id),
        caller: caller.clone(),
        role: role.cloned(),
    }
}

/// The cells of a policy, row by row. Services and providers bring no external id.
#[must_use]
pub fn cells(policy: &Policy, axes: &Axes, role: Option<&Arn>) -> Vec<Cell> {
    let mut cells = Vec::with_capacity(axes.callers.len() * axes.ids.len());
    for row in &axes.callers {
        let mut request = request_of(&row.caller, None, role);
        for id in &axes.ids {
            match &id.external_id {
                Some(_) if !matches!(row.caller, Caller::Aws(_)) => continue,
                Some(id) => request.context.set(EXTERNAL_ID, vec![id.clone()]),
                None => request.context.without(EXTERNAL_ID),
            }
            let Verdict { decision, statements } = decide(policy, &request);
            cells.push(Cell {
                principal: row.principal.clone(),
                external_id: id.external_id.clone(),
                decision,
                statements,
            });
        }
    }
    cells
}

/// What changes from one policy to another: decisions, and what a cell that depends depends on.
#[must_use]
pub fn changes(before: &Policy, after: &Policy, axes: &Axes, role: Option<&Arn>) -> Vec<Change> {
    compared(before, after, axes, role)
        .into_iter()
        .filter(|(_, is)| *is)
        .map(|(one, _)| one)
        .collect()
}

/// Every cell of two policies, and whether it changes.
pub(crate) fn compared(
    before: &Policy,
    after: &Policy,
    axes: &Axes,
    role: Option<&Arn>,
) -> Vec<(Change, bool)> {
    let (old, new) = (cells(before, axes, role), cells(after, axes, role));
    let (old_forms, new_forms) = (Forms::new(before, role), Forms::new(after, role));
    old.into_iter()
        .zip(new)
        .map(|(old, new)| {
            let changes = old.decision != new.decision
                || (old.decision == Decision::Unknown
                    && old_forms.of(&old.statements) != new_forms.of(&new.statements));
            let change = Change {
                principal: new.principal,
                external_id: new.external_id,
                before: old.decision,
                after: new.decision,
            };
            (change, changes)
        })
        .collect()
}

/// Each statement's meaning, to see whether two cells depend on the same.
struct Forms(BTreeMap<usize, String>);

impl Forms {
    fn new(policy: &Policy, role: Option<&Arn>) -> Self {
        let version = policy.has_variables();
        let forms = policy.statements.iter().enumerate();
        Self(
            forms
                .map(|(at, one)| {
                    (at, format!("{version} {}", crate::canonical::rules(one, partition_of(role))))
                })
                .collect(),
        )
    }

    fn of(&self, statements: &[usize]) -> BTreeSet<&str> {
        statements.iter().filter_map(|at| self.0.get(at)).map(String::as_str).collect()
    }
}

/// A caller as a sentence names it.
pub(crate) fn shown(named: &Named) -> &str {
    match named {
        Named::Aws(text)
        | Named::Service { service: text }
        | Named::Federated { federated: text } => text,
    }
}
