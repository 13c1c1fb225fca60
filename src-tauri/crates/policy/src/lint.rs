//! The lints TP001 to TP032: policies that IAM accepts and the owner of the role will regret, with fixes.
//!
//! [`Facts`] is what is known beside the text; a lint that needs an absent fact reports nothing. Each file
//! below `lint/` has the lints of one subject; `context` is what they share, and `finding` builds a finding.
//! Facts are collected, and fixes carried out, in `app`.

mod actions;
mod conditions;
mod context;
mod document;
mod expected;
mod federated;
mod finding;
mod ids;
mod overlap;
mod partitions;
mod placeholders;
mod principals;
mod role;
mod self_trust;
mod trusted_parties;
mod vendors;

use std::collections::BTreeMap;

use headgate_terms::{Arn, Finding, Severity};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::matrix::Goal;
use crate::plan::MOST_QUOTA;
use crate::read::ParsedPolicy;
use crate::text::size;
use context::LintContext;
use finding::FindingDraft;

/// What is known beside the text. What is absent keeps the lints silent that need it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// The role that has the policy, as its ARN.
    #[serde(with = "arn_text")]
    #[ts(type = "string | null")]
    pub role: Option<Arn>,
    /// Who is to get in.
    pub goals: Vec<Goal>,
    /// The storage credential of Databricks.
    pub credential: Option<CredentialFacts>,
    /// The number of the Databricks account, which guides mistake for the credential's id.
    pub databricks_account_id: Option<String>,
    /// What Segment passes, when Segment is to be allowed.
    pub segment: Option<SegmentFacts>,
    /// The role's quota in characters; 2,048 when it is not known.
    pub quota: Option<usize>,
    /// The time, in RFC 3339.
    pub now: Option<String>,
    /// The role's tags.
    pub tags: Option<BTreeMap<String, String>>,
    /// The role's longest session, in seconds.
    pub max_session_seconds: Option<u32>,
    /// Whether the role's own policies let it assume itself.
    pub self_assume_allowed: Option<bool>,
    /// Principals by their ARN, and whether they exist.
    pub existing: BTreeMap<String, bool>,
}

/// What the API says of a storage credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CredentialFacts {
    /// The external id that Databricks passes.
    pub external_id: String,
    /// The role with which Databricks calls.
    pub unity_catalog_arn: String,
}

/// What Segment passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SegmentFacts {
    /// Its roles; the one that is known when none is given.
    #[serde(default)]
    pub principals: Vec<String>,
    /// The ids of the workspaces that are to write.
    #[serde(default)]
    pub workspace_ids: Vec<String>,
}

mod arn_text {
    use headgate_terms::Arn;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[allow(clippy::ref_option, reason = "serde calls it so")]
    pub fn serialize<S: Serializer>(arn: &Option<Arn>, to: S) -> Result<S::Ok, S::Error> {
        match arn {
            Some(arn) => to.collect_str(arn),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Option<Arn>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        let parse = |text: String| text.parse().map_err(|_| D::Error::custom("no ARN"));
        text.map(parse).transpose()
    }
}

/// The most that AWS ever gives a role: the parts of a larger text are not looked at before it is cut.
const MOST: usize = MOST_QUOTA;

/// What fires: errors first, then security, warnings and infos, each in the order of the text.
///
/// `parsed` is of `text`, and need not be of a policy that IAM takes; `None` when no policy can be read in
/// it at all. Where the role is not known, its account is taken to be the one beside Databricks' in one
/// statement, or whose root is
/// confined to one of its own roles; else every account is foreign.
#[must_use]
pub fn lint(text: &str, parsed: &ParsedPolicy, facts: &Facts) -> Option<Vec<Finding>> {
    let policy = parsed.policy.as_ref()?;
    let root = crate::text::tree(text).ok();
    let scene = LintContext::new(text, root.as_ref(), policy, facts);
    let mut found: Vec<FindingDraft> = Vec::new();
    document::all(&scene, &mut found);
    if size(text) <= MOST {
        for all in [
            principals::all,
            actions::all,
            ids::all,
            vendors::all,
            expected::all,
            federated::all,
            self_trust::all,
            placeholders::all,
            partitions::all,
            overlap::all,
            conditions::all,
            role::all,
        ] {
            all(&scene, &mut found);
        }
    }
    let valid = parsed.problems.is_empty();
    let mut findings: Vec<Finding> = found.into_iter().map(|one| one.done(&scene, valid)).collect();
    findings.sort_by_key(|one| {
        let rank = match one.severity {
            Severity::Error => 0,
            Severity::Security => 1,
            Severity::Warning => 2,
            Severity::Info => 3,
        };
        (rank, one.range.map_or(usize::MAX, |range| range.start), one.id.clone())
    });
    Some(findings)
}

/// As [`lint`], for a text that was not parsed yet.
#[must_use]
pub fn lint_text(text: &str, facts: &Facts) -> Option<Vec<Finding>> {
    lint(text, &crate::read::read(text), facts)
}

/// Whether an external id is a placeholder of a guide's.
#[must_use]
pub fn is_placeholder(id: &str) -> bool {
    placeholders::is_placeholder(id, None)
}
