//! [`Policy`]: a trust policy as IAM understands it. Each part has the range of bytes that it was read from.
//!
//! `read` builds it from a text; it is evaluated in `evaluate`.

use headgate_terms::{Arn, Range};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::operator::Operator;

/// A piece of text with its place in the document, quotes included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// What it says, escapes resolved; numbers and booleans as they are written.
    pub value: String,
    /// Its range in the text.
    pub range: Range,
}

/// A policy. It may hold what IAM would refuse, as long as its shape can be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// `2008-10-17` or `2012-10-17`; absent means the older.
    pub version: Option<Text>,
    /// Free text.
    pub id: Option<Text>,
    /// In the order of the document.
    pub statements: Vec<Statement>,
}

impl Policy {
    /// Whether `${…}` is a variable: only under the newer version.
    #[must_use]
    pub fn has_variables(&self) -> bool {
        self.version.as_ref().is_some_and(|version| version.value == "2012-10-17")
    }
}

/// What a statement says to those it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
pub enum Effect {
    /// Lets them in.
    Allow,
    /// Keeps them out, whatever else is said.
    Deny,
}

impl Effect {
    /// As a policy writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The whole object.
    pub range: Range,
    /// Its name.
    pub sid: Option<Text>,
    /// Allow or Deny.
    pub effect: Effect,
    /// The range of the effect.
    pub effect_range: Range,
    /// Whom it names; nobody where the element is missing or `NotPrincipal`.
    pub principals: Vec<Principal>,
    /// Whether its actions are those it does not mean.
    pub not_action: bool,
    /// Its actions.
    pub actions: Vec<Text>,
    /// One for each operator and key; all must hold.
    pub conditions: Vec<Condition>,
}

impl Statement {
    /// The tests of a condition key, in whatever capitals.
    pub fn tests<'s>(&'s self, key: &'s str) -> impl Iterator<Item = &'s Condition> + 's {
        self.conditions.iter().filter(move |one| one.key.value.eq_ignore_ascii_case(key))
    }

    /// Whether its actions cover one.
    #[must_use]
    pub fn covers(&self, action: &str) -> bool {
        let named = self.actions.iter().any(|one| crate::glob::matches_action(&one.value, action));
        named != self.not_action
    }
}

/// The kinds of principals that a trust policy can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
pub enum PrincipalKind {
    /// Roles, users, accounts, sessions and everyone.
    #[serde(rename = "AWS")]
    Aws,
    /// Services of AWS.
    Service,
    /// Identity providers.
    Federated,
    /// Of no use in a trust policy.
    CanonicalUser,
}

impl PrincipalKind {
    /// The element's name in a policy.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Service => "Service",
            Self::Federated => "Federated",
            Self::CanonicalUser => "CanonicalUser",
        }
    }
}

/// One entry of a statement's principals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The list that it is in.
    pub kind: PrincipalKind,
    /// As it is written.
    pub text: Text,
    /// Whom that means.
    pub who: Who,
}

/// Whom a principal means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Everyone.
    Everyone,
    /// An account as a whole, by number alone or by its root.
    Account {
        /// Twelve digits.
        account: String,
        /// `None` where only the number is written.
        partition: Option<String>,
    },
    /// A role and all its sessions.
    Role(Arn),
    /// A user.
    User(Arn),
    /// One session of a role.
    Session(Arn),
    /// A user of `GetFederationToken`.
    FederatedUser(Arn),
    /// The id of a role or user that was deleted: nobody.
    Gone(String),
    /// A service of AWS.
    Service(String),
    /// An identity provider, by ARN or domain.
    Provider(String),
    /// What IAM cannot read either: nobody.
    Nobody,
}

/// One operator over one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The operator.
    pub operator: Operator,
    /// As it is written.
    pub operator_text: Text,
    /// The key as it is written; its capitals mean nothing.
    pub key: Text,
    /// The values; one of them must fit, or with a negated operator none of them.
    pub values: Vec<Text>,
    /// From the key's first quote to the end of its values.
    pub range: Range,
}
