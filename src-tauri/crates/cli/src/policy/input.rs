//! What the commands read: a policy from a file, a pipe or a role, goals, requests and plans.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use headgate_app::policy::Goals;
use headgate_app::{App, AwsAccess, RoleName, RoleRead, WritePlan, valid};
use headgate_terms::{Arn, Error, Result};

use super::arguments::OfAws;

/// A policy, and the role that it was read from.
pub(super) struct Source {
    pub(super) text: String,
    pub(super) read: Option<RoleRead>,
}

pub(super) fn wrong_use(message: &str, field: &str, hint: &str) -> Error {
    Error::new("wrong_use", message).hint(hint).field(field)
}

pub(super) fn access(aws: &OfAws) -> AwsAccess {
    AwsAccess {
        profile: aws.profile.clone(),
        region: aws.region.clone(),
        endpoint: aws.endpoint_url.clone(),
        mfa_code: std::env::var("HEADGATE_MFA_CODE").ok(),
    }
}

/// What a file holds, for the errors of reading it: their field, and the code when it is no text.
#[derive(Clone, Copy)]
pub(super) struct Holds {
    field: &'static str,
    code: &'static str,
}

pub(super) const POLICY: Holds = Holds { field: "FILE", code: "policy_invalid" };
const GOALS: Holds = Holds { field: "goals", code: "goals_invalid" };
pub(super) const REQUESTS: Holds = Holds { field: "requests", code: "requests_invalid" };
const PLAN: Holds = Holds { field: "PLAN", code: "plan_invalid" };

/// The text of a file or of standard input.
pub(super) fn text_of(name: &str, holds: Holds) -> Result<String> {
    let read = if name == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(name)
    };
    let bytes = read.map_err(|error| {
        let or_role = if holds.field == POLICY.field { ", or a role's ARN" } else { "" };
        Error::new("file_unreadable", format!("`{name}` cannot be read: {error}."))
            .hint(format!("Name a file, or `-` for standard input{or_role}."))
            .field(holds.field)
    })?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Error::new(holds.code, format!("`{name}` is no text in UTF-8."))
            .hint("Save it as UTF-8, or export it again.")
            .field(holds.field)
    })?;
    // A policy keeps every byte; its reader knows the mark that some editors put first.
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

pub(super) fn source(app: &App, name: &str, aws: &OfAws) -> Result<Source> {
    if name.starts_with("arn:") {
        let read = app.role_read(&RoleName { role: name.to_owned(), access: access(aws) })?;
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
            &format!("`{text}` is no role's ARN."),
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
        Error::new("goals_invalid", format!("`{name}` holds no goals: {error}."))
            .hint("Goals are {\"role\": \"arn:…\", \"allow\": [{\"principal\": \"arn:…\", \"externalId\": \"…\"}]}.")
            .field("goals")
    })?;
    goals.check()?;
    Ok(goals)
}

/// A plan that this version knows, for a policy that AWS would take.
pub(super) fn read_plan(name: &str) -> Result<WritePlan> {
    let none = |why: String| {
        Error::new("plan_invalid", format!("`{name}` holds no plan: {why}."))
            .hint("Make one with `headgate policy plan … --out plan.json`.")
            .field("PLAN")
    };
    let plan: WritePlan =
        serde_json::from_str(&text_of(name, PLAN)?).map_err(|error| none(error.to_string()))?;
    if plan.v != 1 || plan.kind != "trust_policy" {
        return Err(none(format!("it is a `{}` of version {}", plan.kind, plan.v)));
    }
    valid(&plan.after)?;
    Ok(plan)
}
