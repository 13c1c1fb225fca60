//! TP005, TP006 and TP009: Databricks' and Segment's roles and external IDs differ from what the API and the
//! goals say.

use headgate_terms::{Arn, Severity, Shown, say};

use super::context::{LintContext, asks};
use super::finding::{FindingDraft, named, page};
use super::ids::asked;
use super::trusted_parties::{Party, Required};
use crate::condition::Truth;
use crate::edit::Edit;
use crate::evaluate::Decision;
use crate::matrix::EXTERNAL_ID;
use crate::policy::{Condition, Principal, PrincipalKind, Statement, Who};
use crate::well_known;

pub(super) fn all(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) {
    let databricks = scene.required_of(Party::Databricks);
    let mut replaced = Vec::new();
    for (at, statement) in scene.allows() {
        for principal in &statement.principals {
            if let Some(one) = development(scene, at, statement, principal) {
                replaced.push((at, principal.text.range));
                found.push(one);
            }
        }
    }
    let mut seen: Vec<&str> = Vec::new();
    for one in &databricks {
        if scene.naming(&one.caller).is_empty() {
            if !seen.contains(&one.principal.as_str()) && replaced.is_empty() {
                found.extend(no_catalog(scene, one));
            }
            seen.push(&one.principal);
        } else if let Some(id) = &one.id {
            found.extend(other_id(scene, one, id));
        }
    }
    let segment = scene.required_of(Party::Segment);
    let mut principals: Vec<&Required> = Vec::new();
    for one in &segment {
        if !principals.iter().any(|known| known.principal == one.principal) {
            principals.push(one);
        }
    }
    for one in principals {
        let ids = segment.iter().filter(|other| other.principal == one.principal);
        let ids: Vec<&str> = ids.filter_map(|other| other.id.as_deref()).collect();
        found.extend(segment_missing(scene, one, &ids));
    }
}

/// Where the values of ids come from.
const SOURCE: &str =
    "Databricks returns the id and its own role with the storage credential, and checks with them.";

/// TP005. Placeholders have TP012; a Deny has TP020.
fn other_id(scene: &LintContext<'_>, one: &Required, id: &str) -> Option<FindingDraft> {
    if scene.decision(&one.caller, Some(id)) != Decision::ImplicitDeny {
        return None;
    }
    let (at, statement, test) = scene
        .naming(&one.caller)
        .into_iter()
        .filter(|(_, statement, _)| {
            scene.id_passes(statement, Some(id)) == Truth::No && !scene.asks_placeholders(statement)
        })
        .find_map(|(at, statement, _)| {
            let test = statement.tests(EXTERNAL_ID).find(|test| asks(test))?;
            Some((at, statement, test))
        })?;
    let wrong = not_others(scene, statement, test);
    let account = scene.facts.databricks_account_id.as_deref();
    let of_account = asked(statement).into_iter().find(|id| account == Some(*id));
    let replaced = of_account.or(match wrong.as_slice() {
        [value] => Some(*value),
        _ => None,
    });
    let place = test.values.iter().find(|one| Some(one.value.as_str()) == replaced);
    let title = if of_account.is_some() {
        say!(
            "Statement {} asks for the Databricks account's number, not the credential's id `{}`",
            at + 1,
            id
        )
    } else {
        say!("Statement {} does not ask for the credential's id `{}`", at + 1, id)
    };
    let (label, edit) = match replaced {
        Some(value) => ("Replace the id", replace_id(at, test, value, id)),
        None => ("Add the id", add_id(at, test, id)),
    };
    Some(
        FindingDraft::new(
            "TP005",
            Severity::Error,
            title,
            "Unity Catalog cannot assume the role, so every read and write of the lake fails. The account's number is the id only of a credential that an account admin made.",
            SOURCE,
        )
        .at(at, place.map_or(test.range, |one| one.range))
        .values(id, &replaced.map_or_else(|| asked(statement).join(", "), str::to_owned))
        .opening(label, Some(vec![edit])),
    )
}

/// The ids of a test that are not known to be another party's.
fn not_others<'t>(
    scene: &LintContext<'_>,
    statement: &Statement,
    test: &'t Condition,
) -> Vec<&'t str> {
    let others: Vec<String> = statement
        .principals
        .iter()
        .filter(|one| !matches!(scene.party(statement, one), Party::Databricks | Party::Itself))
        .flat_map(|one| scene.ids(statement, one))
        .collect();
    test.values
        .iter()
        .map(|value| value.value.as_str())
        .filter(|value| !others.iter().any(|other| other == value))
        .collect()
}

pub(super) fn replace_id(at: usize, test: &Condition, value: &str, with: &str) -> Edit {
    Edit::ReplaceConditionValue {
        statement: at,
        operator: test.operator_text.value.clone(),
        key: test.key.value.clone(),
        value: value.to_owned(),
        with: with.to_owned(),
    }
}

pub(super) fn add_id(at: usize, test: &Condition, id: &str) -> Edit {
    Edit::AddConditionValue {
        statement: at,
        operator: test.operator_text.value.clone(),
        key: test.key.value.clone(),
        value: id.to_owned(),
    }
}

/// TP006, where another role of Databricks stands in place of the right one, or no role.
fn no_catalog(scene: &LintContext<'_>, one: &Required) -> Option<FindingDraft> {
    let wanted = scene.required_of(Party::Databricks);
    let partition = scene.partition();
    let other = scene.allows().find_map(|(at, statement)| {
        let other = statement.principals.iter().find(|entry| {
            matches!(&entry.who, Who::Role(arn) if arn.partition == partition)
                && scene.party(statement, entry) == Party::Databricks
                && !wanted.iter().any(|one| one.principal == entry.text.value)
        })?;
        Some((at, other))
    });
    let of_cloud = scene
        .databricks()
        .iter()
        .any(|(_, _, entry)| matches!(&entry.who, Who::Role(arn) if arn.partition != partition));
    // Another cloud's role has TP013; a placeholder in its place has TP012.
    if other.is_none() && of_cloud || scene.placeholder_for(&one.principal) {
        return None;
    }
    let ids: Vec<String> = wanted
        .iter()
        .filter(|other| other.principal == one.principal)
        .filter_map(|other| other.id.clone())
        .collect();
    let meaning =
        "Unity Catalog cannot assume the role, so every read and write of the lake fails.";
    let new = |title: Shown| FindingDraft::new("TP006", Severity::Error, title, meaning, SOURCE);
    Some(match other {
        Some((at, other)) => {
            let text = &other.text.value;
            new(say!(
                "Statement {} names `{}`, and the credential calls with `{}`",
                at + 1,
                text,
                one.principal
            ))
            .at(at, other.text.range)
            .values(&one.principal, text)
            .opening("Name the credential's role", Some(vec![replace(at, other, &one.principal)]))
        }
        None => new(say!("No statement names Unity Catalog's role `{}`", one.principal))
            .values(&one.principal, "")
            .opening(
                "Add a statement for Unity Catalog",
                Some(vec![scene.statement_for(&one.principal, &ids, "UnityCatalogAssumeRole")]),
            ),
    })
}

fn replace(at: usize, principal: &Principal, with: &str) -> Edit {
    Edit::ReplacePrincipal {
        statement: at,
        kind: PrincipalKind::Aws,
        value: principal.text.value.clone(),
        with: with.to_owned(),
    }
}

/// TP006, where Databricks' role for its own development stands.
fn development(
    scene: &LintContext<'_>,
    at: usize,
    statement: &Statement,
    principal: &Principal,
) -> Option<FindingDraft> {
    let Who::Role(arn) = &principal.who else { return None };
    let text = &principal.text.value;
    let credential = scene.facts.credential.as_ref();
    if arn.account != well_known::UNITY_CATALOG_DEVELOPMENT
        || credential.is_some_and(|one| one.unity_catalog_arn == *text)
    {
        return None;
    }
    let required = scene.required_of(Party::Databricks);
    let right = required
        .first()
        .map(|one| one.principal.as_str())
        .or_else(|| well_known::unity_catalog_of_partition(scene.partition()));
    let edit = right.map(|right| {
        if statement.principals.iter().any(|one| one.text.value == right) {
            let (kind, value) = (PrincipalKind::Aws, text.clone());
            vec![Edit::RemovePrincipal { statement: at, kind, value }]
        } else {
            vec![replace(at, principal, right)]
        }
    });
    Some(
        FindingDraft::new(
            "TP006",
            Severity::Error,
            say!("`{}` is the role that Databricks develops with", text),
            "No customer's Unity Catalog calls with it; the one that calls is kept out where it is not named too.",
            "Databricks' own tool for upgrades once wrote it into policies beside the real one.",
        )
        .at(at, principal.text.range)
        .values(right.unwrap_or_default(), text)
        .opening("Name the real role", edit),
    )
}

/// TP009
fn segment_missing(scene: &LintContext<'_>, one: &Required, ids: &[&str]) -> Option<FindingDraft> {
    let naming = scene.naming(&one.caller);
    let lacking: Vec<&str> = ids
        .iter()
        .copied()
        .filter(|id| scene.decision(&one.caller, Some(id)) == Decision::ImplicitDeny)
        .collect();
    let own = || {
        let ids: Vec<String> = lacking.iter().map(|id| (*id).to_owned()).collect();
        vec![scene.statement_for(&one.principal, &ids, "SegmentStorageDestinations")]
    };
    let new = |title: Shown, meaning: &'static str| {
        FindingDraft::new(
            "TP009",
            Severity::Error,
            title,
            meaning,
            say!(
                "Segment calls with its own role and brings the workspace's id as the external id ({}).",
                page("id_roles_create_for-user_externalid")
            ),
        )
    };
    let Some((at, statement, _)) = naming.first() else {
        if scene.placeholder_for(&one.principal) {
            return None;
        }
        let meaning =
            "Segment cannot assume the role, so its storage destination delivers nothing.";
        let other = scene.allows().find_map(|(at, statement)| {
            let is = |entry: &&Principal| matches!(&entry.who, Who::Role(arn) if is_other_segment(scene, arn));
            Some((at, statement, statement.principals.iter().find(is)?))
        });
        return Some(match other {
            Some((at, statement, other)) => {
                let text = &other.text.value;
                let fits =
                    lacking.iter().all(|id| scene.id_passes(statement, Some(id)) == Truth::Yes);
                let edits = if fits { vec![replace(at, other, &one.principal)] } else { own() };
                let label =
                    if fits { "Name the right role" } else { "Add a statement for Segment" };
                new(
                    say!(
                        "`{}` is Segment's role for another product than storage destinations",
                        text
                    ),
                    meaning,
                )
                .at(at, other.text.range)
                .values(&one.principal, text)
                .opening(label, Some(edits))
            }
            None => new(say!("No statement names Segment's role `{}`", one.principal), meaning)
                .values(&one.principal, "")
                .opening("Add a statement for Segment", Some(own())),
        });
    };
    if lacking.is_empty() || scene.asks_placeholders(statement) {
        return None;
    }
    let mut tests = statement.tests(EXTERNAL_ID);
    let test = tests.next();
    let only = tests.next().is_none()
        && statement.principals.iter().all(|one| scene.party(statement, one) == Party::Segment);
    let (label, edits) = match test.filter(|test| only && asks(test)) {
        Some(test) => ("Add the id", lacking.iter().map(|id| add_id(*at, test, id)).collect()),
        None => ("Add a statement for Segment", own()),
    };
    Some(
        new(
            say!("Segment is not let in with the workspace id {}", named(lacking.iter().copied())),
            "Segment is kept out for that workspace, so its storage destination delivers nothing.",
        )
        .at(*at, test.map_or(statement.range, |test| test.range))
        .values(&lacking.join(", "), &asked(statement).join(", "))
        .opening(label, Some(edits)),
    )
}

fn is_other_segment(scene: &LintContext<'_>, arn: &Arn) -> bool {
    !scene.is_segment(arn)
        && (well_known::is_other_product(arn) || arn.account == well_known::SEGMENT_ACCOUNT)
}
