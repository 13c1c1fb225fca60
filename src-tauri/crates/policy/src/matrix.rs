//! The matrix: who may assume the role with which external ID, and the difference between two policies.
//!
//! `axes` and `columns` choose callers and IDs that represent all others. The request of a cell has the
//! external ID and the keys that follow from the caller; other keys are not known, so a cell may depend.

use std::collections::{BTreeMap, BTreeSet};

use headgate_terms::Arn;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::condition::Context;
use crate::evaluate::{Caller, Decision, Request, Verdict, decide, partition_of};
use crate::policy::Policy;

/// The most cells that are drawn.
pub const MOST_CELLS: usize = 4_096;

/// The condition key of external ids.
pub const EXTERNAL_ID: &str = "sts:ExternalId";

/// A caller that is to be allowed, with the external id that it passes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Goal {
    /// An ARN.
    pub principal: String,
    /// The id; null for a caller that passes none.
    #[serde(default)]
    pub external_id: Option<String>,
    /// What a statement that is made for it is called.
    #[serde(default)]
    pub sid: Option<String>,
}

/// Why a row is in the matrix.
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
    pub(crate) caller: Caller,
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
    /// The caller; `None` for text that is not an ARN. A number alone means that account's root.
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
    /// The id in the requests of the cells; null for callers without one.
    pub external_id: Option<String>,
    /// Whether it represents every id that is not named.
    pub any_other: bool,
    /// The pattern whose ids it represents.
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
pub struct CellChange {
    /// The row.
    pub principal: Named,
    /// The column.
    pub external_id: Option<String>,
    /// What the old policy says.
    pub before: Decision,
    /// What the new one says.
    pub after: Decision,
}

/// The condition keys that follow from the caller, and the id. Other keys are not known.
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
            match arn.session() {
                // A session's role is named with its path, which the session's ARN has lost.
                Some((role, _)) => {
                    let start = format!("arn:{}:iam::{}:role/", arn.partition, arn.account);
                    context.set_role("aws:PrincipalArn", &start, role);
                }
                None => context.set("aws:PrincipalArn", vec![arn.to_string()]),
            }
            context.set("aws:PrincipalAccount", vec![arn.account.clone()]);
            context.set("aws:PrincipalIsAWSService", vec!["false".to_owned()]);
        }
        Caller::Service(_) => context.set("aws:PrincipalIsAWSService", vec!["true".to_owned()]),
        Caller::Federated(_) => {}
    }
    context
}

/// The request of a cell.
#[must_use]
pub fn request_of(caller: &Caller, external_id: Option<&str>, role: Option<&Arn>) -> Request {
    Request {
        action: caller.action().to_owned(),
        context: context_of(caller, external_id),
        caller: caller.clone(),
        role: role.cloned(),
    }
}

/// The cells of a policy, row by row. Services and providers pass no external id.
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
pub fn changes(
    before: &Policy,
    after: &Policy,
    axes: &Axes,
    role: Option<&Arn>,
) -> Vec<CellChange> {
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
) -> Vec<(CellChange, bool)> {
    let (old, new) = (cells(before, axes, role), cells(after, axes, role));
    let (old_forms, new_forms) = (Forms::new(before, role), Forms::new(after, role));
    old.into_iter()
        .zip(new)
        .map(|(old, new)| {
            let changes = old.decision != new.decision
                || (old.decision == Decision::Unknown
                    && old_forms.of(&old.statements) != new_forms.of(&new.statements));
            let change = CellChange {
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
