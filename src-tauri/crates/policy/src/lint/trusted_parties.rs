//! Whose each principal is ([`Party`]), who is to be allowed ([`Required`]), and which external ID belongs to
//! whom, as far as the facts say.

use headgate_terms::Arn;

use super::context::{LintContext, asks, confined_to};
use crate::evaluate::{Caller, is_named};
use crate::matrix::{EXTERNAL_ID, Goal};
use crate::policy::{Policy, Principal, Statement, Who};
use crate::well_known;
use crate::well_known::{is_databricks, is_unity_catalog};

/// Whose a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Party {
    /// Unity Catalog, or Databricks' account as a whole.
    Databricks,
    /// The role that has the policy.
    Itself,
    /// Segment's account or role.
    Segment,
    /// Someone whom a goal names.
    Goal,
    /// Someone else of the role's account.
    Own,
    /// Anyone else.
    Other,
}

/// A caller that is to get in, by what is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Required {
    pub party: Party,
    pub principal: String,
    pub id: Option<String>,
    pub caller: Caller,
}

/// The account of a principal.
pub(super) fn account(principal: &Principal) -> Option<&str> {
    match &principal.who {
        Who::Account { account, .. } => Some(account),
        Who::Role(arn) | Who::User(arn) | Who::Session(arn) | Who::FederatedUser(arn) => {
            Some(&arn.account)
        }
        _ => None,
    }
}

impl<'s> LintContext<'s> {
    /// Whether the role's account, or nobody's.
    pub(super) fn is_foreign(&self, principal: &Principal) -> bool {
        account(principal).is_some_and(|account| self.own() != Some(account))
    }

    pub(super) fn is_unity_catalog(&self, arn: &Arn) -> bool {
        is_unity_catalog(arn)
            || arn.account == well_known::UNITY_CATALOG_DEVELOPMENT
            || self
                .facts
                .credential
                .as_ref()
                .is_some_and(|one| one.unity_catalog_arn == arn.to_string())
    }

    pub(super) fn is_segment(&self, arn: &Arn) -> bool {
        let text = arn.to_string();
        text == well_known::SEGMENT_ROLE
            || self.facts.segment.as_ref().is_some_and(|one| one.principals.contains(&text))
    }

    /// Whose a statement's entry is.
    pub(super) fn party(&self, statement: &Statement, principal: &Principal) -> Party {
        let of = account(principal);
        match &principal.who {
            Who::Role(arn) | Who::Session(arn) => {
                let role = match arn.session() {
                    Some((name, _)) => Arn {
                        resource: format!("role/{name}"),
                        ..Arn::root(&arn.partition, &arn.account)
                    },
                    None => arn.clone(),
                };
                if self.role() == Some(&role) {
                    return Party::Itself;
                }
                if self.is_unity_catalog(&role) {
                    return Party::Databricks;
                }
                if self.is_segment(&role) {
                    return Party::Segment;
                }
            }
            Who::Account { account, .. } => {
                if is_databricks(account) {
                    return Party::Databricks;
                }
                if account == well_known::SEGMENT_ACCOUNT {
                    return Party::Segment;
                }
                let mut confined = confined_to(statement).peekable();
                let itself = |arn: Arn| match self.role() {
                    Some(role) => *role == arn,
                    None => self.own() == Some(account) && arn.role_name().is_some(),
                };
                if confined.peek().is_some() && confined.all(itself) {
                    return Party::Itself;
                }
            }
            _ => {}
        }
        if self.facts.goals.iter().any(|goal| self.is_goal(goal, principal)) {
            return Party::Goal;
        }
        if of.is_some() && of == self.own() { Party::Own } else { Party::Other }
    }

    /// Whether a goal names a principal, or the account that it is of.
    fn is_goal(&self, goal: &Goal, principal: &Principal) -> bool {
        goal.principal == principal.text.value
            || matches!(
                Caller::aws(&goal.principal, self.role()),
                Some(Caller::Aws(arn))
                    if arn.is_root() && Some(arn.account.as_str()) == account(principal)
            )
    }

    /// The ids that a party passes, as far as is known; empty when nothing is.
    pub(super) fn ids(&self, statement: &Statement, principal: &Principal) -> Vec<String> {
        let party = self.party(statement, principal);
        let mut ids: Vec<String> = Vec::new();
        let mut add = |id: &str| {
            if !ids.iter().any(|known| known == id) {
                ids.push(id.to_owned());
            }
        };
        for one in self.required() {
            let same = match party {
                Party::Databricks | Party::Segment => one.party == party,
                Party::Itself => matches!(one.party, Party::Itself | Party::Databricks),
                _ => {
                    one.principal == principal.text.value
                        || is_named(principal, &one.caller, self.role())
                }
            };
            if let Some(id) = one.id.as_deref().filter(|_| same) {
                add(id);
            }
        }
        ids
    }

    /// Works out what [`LintContext::required`] gives. What the API says comes before goals.
    pub(super) fn wanted(&self) -> Vec<Required> {
        let mut all: Vec<Required> = Vec::new();
        let mut add = |party, principal: &str, id: Option<&str>| {
            if let Some(caller) = Caller::aws(principal, self.role()) {
                let one = Required {
                    party,
                    principal: principal.to_owned(),
                    id: id.map(str::to_owned),
                    caller,
                };
                if !all.contains(&one) {
                    all.push(one);
                }
            }
        };
        let credential = self.facts.credential.as_ref();
        if let Some(credential) = credential {
            let id = Some(credential.external_id.as_str());
            add(Party::Databricks, &credential.unity_catalog_arn, id);
            if let Some(role) = self.role() {
                add(Party::Itself, &role.to_string(), id);
            }
        }
        if let Some(segment) = &self.facts.segment {
            let known = [well_known::SEGMENT_ROLE.to_owned()];
            let principals =
                if segment.principals.is_empty() { &known[..] } else { &segment.principals[..] };
            for principal in principals {
                for id in &segment.workspace_ids {
                    add(Party::Segment, principal, Some(id));
                }
            }
        }
        for goal in &self.facts.goals {
            let arn = goal.principal.parse::<Arn>().ok();
            let party = match &arn {
                Some(arn) if self.is_unity_catalog(arn) => Party::Databricks,
                Some(arn) if self.is_segment(arn) => Party::Segment,
                Some(arn) if self.role() == Some(arn) => Party::Itself,
                _ => Party::Goal,
            };
            if credential.is_none() || !matches!(party, Party::Databricks | Party::Itself) {
                add(party, &goal.principal, goal.external_id.as_deref());
            }
        }
        all
    }

    /// The required callers of one party.
    pub(super) fn required_of(&self, party: Party) -> Vec<Required> {
        self.required().iter().filter(|one| one.party == party).cloned().collect()
    }

    /// The Allows that name Unity Catalog, or its account where it is to get in.
    pub(super) fn databricks(&self) -> Vec<(usize, &'s Statement, &'s Principal)> {
        let is_wanted = self.required().iter().any(|one| one.party == Party::Databricks);
        self.allows()
            .filter_map(|(at, one)| {
                let by = one.principals.iter().find(|entry| {
                    self.party(one, entry) == Party::Databricks
                        && (is_wanted || !is_workspace(one, entry))
                })?;
                Some((at, one, by))
            })
            .collect()
    }
}

/// The role's account, derived from a policy of Databricks: the one whose root is confined to one of its
/// own roles, or the only one beside Databricks in its statement that is not a vendor's.
pub(super) fn own_account(policy: &Policy) -> Option<String> {
    let is_databricks = |statement: &&Statement| {
        statement.principals.iter().any(|one| account(one).is_some_and(is_databricks))
    };
    let mut with: Vec<&Statement> = policy.statements.iter().filter(is_databricks).collect();
    if with.is_empty() {
        return None;
    }
    let confined = |statement: &&Statement| {
        statement.principals.iter().all(|one| match &one.who {
            Who::Account { account, .. } => {
                confined_to(statement).any(|arn| arn.account == *account)
            }
            _ => false,
        })
    };
    with.extend(policy.statements.iter().filter(confined));
    let mut accounts: Vec<&str> = with
        .iter()
        .flat_map(|statement| &statement.principals)
        .filter_map(account)
        .filter(|account| !is_known_vendor(account))
        .collect();
    accounts.sort_unstable();
    accounts.dedup();
    match accounts.as_slice() {
        [one] => Some((*one).to_owned()),
        _ => None,
    }
}

/// Whether an entry is how a workspace's own credential trusts Databricks: the whole account, with an id.
pub(super) fn is_workspace(statement: &Statement, principal: &Principal) -> bool {
    matches!(&principal.who, Who::Account { account, .. } if is_databricks(account))
        && statement.tests(EXTERNAL_ID).any(asks)
}

/// Whether an account is known to be a vendor's.
pub(super) fn is_known_vendor(account: &str) -> bool {
    is_databricks(account)
        || account == well_known::UNITY_CATALOG_DEVELOPMENT
        || account == well_known::SEGMENT_ACCOUNT
}
