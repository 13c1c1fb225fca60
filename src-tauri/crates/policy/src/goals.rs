//! [`Goals`]: who is to be allowed, as a caller passes it, and whether each goal is well formed.
//!
//! Whether a goal can be reached is found out by `plan`.

use headgate_terms::{Arn, Error, Result, Shown, say};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::evaluate::Caller;
use crate::matrix::Goal;
use crate::policy::{PrincipalKind, Who};

/// What is wanted of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Goals {
    /// The role that has the policy.
    pub role: String,
    /// Who is to get in.
    pub allow: Vec<Goal>,
}

/// A goal that is well formed.
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
            .ok_or_else(|| invalid(say!("`{}` is no role's ARN.", self.role), "role"))
    }

    /// Whether every goal is well formed.
    ///
    /// # Errors
    /// `goals_invalid`, with the field.
    pub fn check(&self) -> Result<()> {
        self.wanted().map(drop)
    }

    pub(crate) fn wanted(&self) -> Result<Vec<Wanted>> {
        let role = self.role()?;
        if self.allow.is_empty() {
            return Err(invalid("The goals name nobody.", "allow"));
        }
        let mut wanted: Vec<Wanted> = Vec::new();
        for goal in &self.allow {
            let who = crate::whom::who(PrincipalKind::Aws, &goal.principal);
            let caller = Caller::aws(&goal.principal, Some(&role));
            let (Who::Role(_) | Who::User(_) | Who::Account { .. } | Who::Session(_), Some(caller)) =
                (who, caller)
            else {
                let message = say!("`{}` is no principal that a role can trust.", goal.principal);
                return Err(invalid(message, "principal"));
            };
            if let Some(id) = &goal.external_id
                && let Some(fault) = id_fault(id)
            {
                return Err(invalid(
                    say!("`{}` is no external id: {}.", id, Shown::from(fault)),
                    "externalId",
                ));
            }
            if let Some(sid) = &goal.sid
                && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric())
            {
                let message = say!("`{}` is no `Sid`: it is made of letters and digits.", sid);
                return Err(invalid(message, "sid"));
            }
            let Caller::Aws(arn) = &caller else { continue };
            let one = Wanted { goal: goal.clone(), arn: arn.clone(), caller };
            let is_asked = |other: &Wanted| {
                (&other.arn, &other.goal.external_id) == (&one.arn, &one.goal.external_id)
            };
            if !wanted.iter().any(is_asked) {
                wanted.push(one);
            }
        }
        Ok(wanted)
    }
}

pub(crate) fn invalid(message: impl Into<Shown>, field: &'static str) -> Error {
    Error::new("goals_invalid", message)
        .hint(
            "Correct the goals; ids come from the storage credential and the workspace's settings.",
        )
        .field(field)
}

/// What keeps a text from being an external id; `None` for one that can be.
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
