//! TP016, TP019 and TP027: the document as a whole, its repeated keys, its size and its version.

use std::collections::BTreeMap;

use headgate_terms::{Severity, grouped, say};

use super::context::LintContext;
use super::finding::{FindingDraft, page};
use crate::edit::Edit;
use crate::operator::{How, Test};
use crate::plan::QUOTA;
use crate::splice::strings;
use crate::text::{Node, Property, size};

pub(super) fn all(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) {
    if let Some(root) = scene.root {
        twice(root, root, None, found);
        for (at, statement) in statements(root).iter().enumerate() {
            if let Some(condition) = statement.property("Condition") {
                twice_by_case(at, &condition.value, found);
            }
        }
    }
    found.extend(too_large(scene));
    version(scene, found);
}

fn statements(root: &Node) -> &[Node] {
    root.property("Statement").map(|all| all.value.elements()).unwrap_or_default()
}

fn repeated(name: &str, of: Option<&str>) -> FindingDraft {
    let title = if let Some(other) = of {
        say!("`{}` and `{}` are one key to IAM, and stand side by side", name, other)
    } else {
        say!("`{}` stands twice in one object", name)
    };
    FindingDraft::new(
        "TP016",
        Severity::Error,
        title,
        "IAM refuses the policy when it is next saved, whatever else is changed in it. Keep one.",
        say!(
            "An old policy keeps working with the last of them; a new one is refused ({}).",
            page("troubleshoot_policies")
        ),
    )
}

/// TP016, exact spelling. IAM reads the last of several texts; lists and objects are merged.
fn twice(root: &Node, node: &Node, statement: Option<usize>, found: &mut Vec<FindingDraft>) {
    let Some(properties) = node.object() else {
        if node.is_list() {
            node.elements().iter().for_each(|one| twice(root, one, statement, found));
        }
        return;
    };
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, property) in properties.iter().enumerate() {
        last.insert(&property.name, at);
    }
    for (at, property) in properties.iter().enumerate() {
        let kept = last.get(property.name.as_str()).map(|at| &properties[*at]);
        if let Some(kept) = kept.filter(|_| last.get(property.name.as_str()) != Some(&at)) {
            let one = repeated(&property.name, None);
            let one = match statement {
                Some(statement) => one.at(statement, property.name_range),
                None => one.in_text(property.name_range),
            };
            // A list of one may stand as a text, but these are texts and no lists.
            let texts = ["Version", "Id", "Sid", "Effect"];
            let start = property.name_range.start;
            found.push(if kept.value.text().is_some() && texts.contains(&property.name.as_str()) {
                let remove = Edit::RemoveRepeated { start };
                one.fix("Remove the one that does not count", vec![remove])
            } else {
                one.opening("Merge them into one", Some(vec![Edit::MergeRepeated { start }]))
            });
        }
        let all = node.range == root.range && property.name == "Statement";
        if all {
            for (at, one) in property.value.elements().iter().enumerate() {
                twice(root, one, Some(at), found);
            }
        } else {
            twice(root, &property.value, statement, found);
        }
    }
}

/// TP016, by case: of operators and of the keys in one.
fn twice_by_case(at: usize, condition: &Node, found: &mut Vec<FindingDraft>) {
    let blocks = condition.object().unwrap_or_default();
    for (first, second) in pairs_by_case(blocks) {
        let mut edits = vec![Edit::RemoveRepeated { start: second.name_range.start }];
        for key in second.value.object().unwrap_or_default() {
            let there = first
                .value
                .object()
                .unwrap_or_default()
                .iter()
                .find(|one| one.name.eq_ignore_ascii_case(&key.name));
            match there {
                Some(there) => edits.extend(merged(at, &first.name, there, key)),
                None => edits.push(Edit::AddCondition {
                    statement: at,
                    operator: first.name.clone(),
                    key: key.name.clone(),
                    values: strings(&key.value),
                }),
            }
        }
        found.push(
            repeated(&second.name, Some(&first.name))
                .at(at, second.name_range)
                .opening("Merge them into one", Some(edits)),
        );
    }
    for block in blocks {
        for (first, second) in pairs_by_case(block.value.object().unwrap_or_default()) {
            let mut edits = vec![Edit::RemoveRepeated { start: second.name_range.start }];
            edits.extend(merged(at, &block.name, first, second));
            found.push(
                repeated(&second.name, Some(&first.name))
                    .at(at, second.name_range)
                    .opening("Merge them into one", Some(edits)),
            );
        }
    }
}

/// Each property that is spelled otherwise than the first of its name, with that first.
fn pairs_by_case(properties: &[Property]) -> Vec<(&Property, &Property)> {
    let mut firsts: BTreeMap<String, &Property> = BTreeMap::new();
    let mut pairs = Vec::new();
    for property in properties {
        let first = *firsts.entry(property.name.to_ascii_lowercase()).or_insert(property);
        if first.name != property.name {
            pairs.push((first, property));
        }
    }
    pairs
}

fn merged(at: usize, operator: &str, into: &Property, from: &Property) -> Vec<Edit> {
    let known = strings(&into.value);
    strings(&from.value)
        .into_iter()
        .filter(|value| !known.contains(value))
        .map(|value| Edit::AddConditionValue {
            statement: at,
            operator: operator.to_owned(),
            key: into.name.clone(),
            value,
        })
        .collect()
}

/// TP019
fn too_large(scene: &LintContext<'_>) -> Option<FindingDraft> {
    let (size, quota) = (size(scene.text), scene.facts.quota.unwrap_or(QUOTA));
    if size * 5 <= quota * 4 {
        return None;
    }
    let (severity, meaning) = if size > super::MOST {
        (
            Severity::Error,
            "AWS refuses to save it, at any quota. Until it is smaller, its statements are not looked at.",
        )
    } else if size > quota {
        (
            Severity::Error,
            "AWS refuses to save it. Merge statements, remove unused ids and `Sid`s, or ask AWS to raise the account's quota, to 8,192 at most.",
        )
    } else {
        (
            Severity::Warning,
            "One more vendor may not fit. Merge statements, or remove unused ids and `Sid`s, before it is needed.",
        )
    };
    let (shown, most) = (grouped(size as u64), grouped(quota as u64));
    let title = if size > quota {
        say!("The policy has `{}` characters, and `{}` are allowed", shown, most)
    } else {
        say!("The policy has `{}` of `{}` characters", shown, most)
    };
    Some(
        FindingDraft::new(
            "TP019",
            severity,
            title,
            meaning,
            say!(
                "White space does not count against the length of a role's trust policy ({}).",
                page("reference_iam-quotas")
            ),
        )
        .values(&format!("at most {most}"), &shown),
    )
}

/// TP027
fn version(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) {
    let because = say!(
        "Without a version IAM takes 2008-10-17, in which `${{…}}` is plain text ({}).",
        page("reference_policies_elements_version")
    );
    let values = || {
        scene.policy.statements.iter().enumerate().flat_map(|(at, one)| {
            one.conditions.iter().flat_map(move |test| {
                test.values.iter().map(move |value| (at, test.operator, value))
            })
        })
    };
    let variable = |text: &str| text.contains("${");
    if scene.policy.has_variables() {
        for (at, operator, value) in values().filter(|(.., value)| variable(&value.value)) {
            let bool_like = matches!(operator.test, Test::Compare { how: How::Bool, .. });
            if bool_like || !operator.takes_variables() {
                found.push(
                    FindingDraft::new(
                        "TP027",
                        Severity::Info,
                        say!("`{}` does not read variables, and `{}` is one", operator, value.value),
                        "The test compares with the text itself and mostly never holds. Write the value.",
                        say!("Variables work in the operators for texts and ARNs ({}).", page("reference_policies_variables")),
                    )
                    .at(at, value.range),
                );
            }
        }
        return;
    }
    let used = values().find(|(.., value)| variable(&value.value));
    let title = match (&scene.policy.version, &used) {
        (_, Some((.., value))) => {
            say!("`{}` is plain text under the version of 2008", value.value)
        }
        (Some(version), None) => say!("The version is `{}`, the old one", version.value),
        (None, None) => "The policy has no `Version`, which means `2008-10-17`".into(),
    };
    let one = FindingDraft::new(
        "TP027",
        Severity::Info,
        title,
        "Nothing is wrong today; a variable that somebody adds later would not be read as one.",
        because,
    );
    let one = one.values(
        "2012-10-17",
        scene.policy.version.as_ref().map_or("", |version| version.value.as_str()),
    );
    let place = used.map(|(at, _, value)| (at, value.range));
    let one = match (place, &scene.policy.version) {
        (Some((at, range)), _) => one.at(at, range),
        (None, Some(version)) => one.in_text(version.range),
        (None, None) => one,
    };
    // With a variable the new version would change what the policy says.
    let edits = used.is_none().then(|| vec![Edit::SetVersion { version: "2012-10-17".to_owned() }]);
    found.push(one.fix_if("Write the new version", edits));
}
