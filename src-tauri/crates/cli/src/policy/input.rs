//! Reads what `headgate policy` works on: policies, goals, requests and plans, from files, standard input or a
//! role.

use std::path::Path;

use headgate_app::policy::Goals;
use headgate_app::{AwsAccess, Door, HandedPlan, RoleRead, RoleRef};
use headgate_terms::{Arn, Error, Result, Shown, say};

use super::arguments::OfAws;
use crate::file::Holds;

/// A policy, and the role that it was read from.
pub(super) struct Source {
    pub(super) text: String,
    pub(super) read: Option<RoleRead>,
}

pub(super) fn wrong_use(
    message: impl Into<Shown>,
    field: &'static str,
    hint: &'static str,
) -> Error {
    Error::new("wrong_use", message).hint(hint).field(field)
}

pub(super) fn access(aws: &OfAws) -> AwsAccess {
    AwsAccess {
        profile: aws.aws_profile.clone(),
        region: aws.region.clone(),
        endpoint: aws.endpoint_url.clone(),
        mfa_code: std::env::var("HEADGATE_MFA_CODE").ok(),
    }
}

pub(super) const POLICY: Holds =
    Holds { field: "FILE", code: "policy_invalid", or: ", or a role's ARN" };
const GOALS: Holds = Holds { field: "goals", code: "goals_invalid", or: "" };
pub(super) const REQUESTS: Holds = Holds { field: "requests", code: "requests_invalid", or: "" };
const PLAN: Holds = Holds { field: "PLAN", code: "plan_invalid", or: "" };

/// The text of a file or of standard input, without the mark that some editors put first. A policy keeps
/// every byte; its reader knows that mark.
pub(super) fn text_of(name: &str, holds: Holds) -> Result<String> {
    let text = crate::file::text_of(name, holds)?;
    let marked = holds.field != POLICY.field && text.starts_with('\u{feff}');
    Ok(if marked { text.trim_start_matches('\u{feff}').to_owned() } else { text })
}

/// Refuses to read standard input twice: the second time there would be nothing.
pub(super) fn once_piped(names: [&str; 2]) -> Result<()> {
    if names == ["-", "-"] {
        return Err(wrong_use(
            "Standard input can be read once only.",
            "FILE",
            "Name a file for one of both.",
        ));
    }
    Ok(())
}

pub(super) fn source(door: &Door<'_>, name: &str, aws: &OfAws) -> Result<Source> {
    if name.starts_with("arn:") {
        let read = door.role_read(&RoleRef { role: name.to_owned(), access: access(aws) })?;
        return Ok(Source { text: read.role.trust_policy.clone(), read: Some(read) });
    }
    let text = text_of(name, POLICY)?;
    Ok(Source { text: headgate_app::policy::decoded(&text), read: None })
}

/// The role that a policy belongs to: as it was named, or as it was read.
pub(super) fn role_of(named: Option<&str>, source: &Source) -> Result<Option<Arn>> {
    let read = source.read.as_ref().map(|read| read.role.arn.as_str());
    named.or(read).map(role_arn).transpose()
}

pub(super) fn role_arn(text: &str) -> Result<Arn> {
    text.parse().ok().filter(|arn: &Arn| arn.role_name().is_some()).ok_or_else(|| {
        wrong_use(
            say!("`{}` is not a role ARN.", text),
            "role",
            "An ARN of a role is `arn:aws:iam::123456789012:role/name`.",
        )
    })
}

/// The goals of a file; `beside` is the policy's name.
pub(super) fn read_goals(path: &Path, beside: &str) -> Result<Goals> {
    let name = path.display().to_string();
    once_piped([beside, &name])?;
    let text = text_of(&name, GOALS)?;
    let goals: Goals = serde_json::from_str(&text).map_err(|error| {
        Error::new("goals_invalid", say!("`{}` holds no goals: {}.", name, error))
            .hint("Goals are {\"role\": \"arn:…\", \"allow\": [{\"principal\": \"arn:…\", \"externalId\": \"…\"}]}.")
            .field("goals")
    })?;
    goals.check()?;
    Ok(goals)
}

/// A plan that was handed over, with all that can be computed of it computed again.
pub(super) fn read_plan(door: &Door<'_>, name: &str) -> Result<HandedPlan> {
    door.plan_handed_over(&text_of(name, PLAN)?)
}
