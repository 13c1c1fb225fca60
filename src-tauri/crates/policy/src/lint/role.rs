//! TP025 and TP026: the role itself, when another tool manages it or its sessions may last longer than they
//! can be used.

use headgate_terms::{Severity, Shown, say};

use super::context::LintContext;
use super::finding::{FindingDraft, page};
use crate::policy::Who;
use crate::well_known::is_protected;

pub(super) fn all(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) {
    found.extend(managed(scene));
    found.extend(long_sessions(scene));
}

/// TP025
fn managed(scene: &LintContext<'_>) -> Option<FindingDraft> {
    let new = |title: Shown, meaning: &'static str, because: &'static str| {
        FindingDraft::new("TP025", Severity::Info, title, meaning, because)
    };
    if let Some(role) = scene.role().filter(|role| is_protected(role)) {
        return Some(new(
            say!("`{}` is managed by AWS and is not edited by hand", role),
            "AWS refuses the change, or undoes it. Use a role of your own for the lake.",
            "Roles under `/aws-service-role/` belong to services, and `AWSReservedSSO_` roles to the identity centre.",
        ));
    }
    let tags = scene.facts.tags.as_ref()?;
    let tool = tags.iter().find_map(|(key, value)| {
        let lower = format!("{key} {value}").to_ascii_lowercase();
        if key.starts_with("aws:cloudformation:") {
            return Some((key, "CloudFormation"));
        }
        [
            ("terraform", "Terraform"),
            ("opentofu", "OpenTofu"),
            ("pulumi", "Pulumi"),
            ("cloudformation", "CloudFormation"),
        ]
        .into_iter()
        .find(|(word, _)| lower.contains(word))
        .map(|(_, tool)| (key, tool))
    });
    let (key, tool) = tool?;
    Some(
        new(
            say!("The role is tagged `{}`, and {} may undo what is changed here", key, tool),
            "The next run there writes its own policy over this one. Export the change and make it there.",
            "A tag tells which tool made the role; these tools write the whole document.",
        )
        .values("", &format!("{key} = {}", tags.get(key).map_or("", String::as_str))),
    )
}

/// TP026. An hour is what role chaining leaves of any setting.
fn long_sessions(scene: &LintContext<'_>) -> Option<FindingDraft> {
    const HOUR: u32 = 3_600;
    let seconds = scene.facts.max_session_seconds.filter(|seconds| *seconds > HOUR)?;
    let (at, entry) = scene.allows().find_map(|(at, statement)| {
        let role =
            |one: &&crate::policy::Principal| matches!(one.who, Who::Role(_) | Who::Session(_));
        Some((at, statement.principals.iter().find(role)?))
    })?;
    Some(
        FindingDraft::new(
            "TP026",
            Severity::Warning,
            say!("Sessions of `{}` end after 1 hour, whatever the role's {} hours say", entry.text.value, hours(seconds)),
            "A sync that runs longer must assume the role again in the middle; after a removal, sessions of users run on for the longer time.",
            say!("A role that is assumed by another role gets one hour at most, which AWS calls role chaining ({}).", page("id_roles_terms-and-concepts")),
        )
        .at(at, entry.text.range)
        .values("3600", &seconds.to_string()),
    )
}

fn hours(seconds: u32) -> String {
    if seconds.is_multiple_of(3_600) {
        (seconds / 3_600).to_string()
    } else {
        format!("{:.1}", f64::from(seconds) / 3_600.0)
    }
}
