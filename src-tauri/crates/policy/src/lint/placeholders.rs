//! TP012: placeholders of guides that were not replaced, such as `<EXTERNAL-ID>` or AWS's example accounts.

use headgate_terms::{Arn, Severity, is_account_id, say};

use super::context::LintContext;
use super::expected::{add_id, replace_id};
use super::finding::{FindingDraft, page};
use super::trusted_parties::Party;
use crate::edit::Edit;
use crate::glob::{fits, pieces};
use crate::goals::id_fault;
use crate::matrix::EXTERNAL_ID;
use crate::policy::{Condition, Principal, PrincipalKind, Statement, Text, Who};

/// The accounts of AWS's own examples.
const ACCOUNTS: [&str; 2] = ["123456789012", "111122223333"];

/// Whether text is a placeholder. An account of AWS's examples is none where it is the role's.
pub(super) fn is_placeholder(text: &str, role: Option<&Arn>) -> bool {
    let example = |account: &&str| {
        role.is_none_or(|role| role.account != *account)
            && (text == *account || text.contains(&format!(":{account}:")))
    };
    let lower = text.to_ascii_lowercase();
    let zeros = text.len() >= 4 && text.chars().all(|c| c == '0' || c == '-');
    is_marked(text)
        || text.split([':', '/']).any(is_guides_word)
        || lower.starts_with("your-")
        || lower.starts_with("your_")
        || (zeros && !is_account_id(text))
        || text == "12345"
        || ACCOUNTS.iter().any(example)
}

/// Whether text says by itself that it is a placeholder, wherever it stands.
fn is_marked(text: &str) -> bool {
    text.contains(['<', '>'])
        || ["YOUR_", "YOUR-", "EXAMPLE"].iter().any(|mark| text.contains(mark))
}

/// The words of which guides make placeholders, in capitals.
const WORDS: [&str; 42] = [
    "A",
    "ACCOUNT",
    "ARN",
    "AWS",
    "BUCKET",
    "CHANGE",
    "CHANGEME",
    "CREDENTIAL",
    "DATABRICKS",
    "EXTERNAL",
    "FILL",
    "GENERATED",
    "HERE",
    "ID",
    "IN",
    "INSERT",
    "ME",
    "MY",
    "NAME",
    "NUMBER",
    "ORG",
    "PASTE",
    "PLACEHOLDER",
    "REGION",
    "REPLACE",
    "REPLACEME",
    "ROLE",
    "S3",
    "SEGMENT",
    "SET",
    "SOME",
    "STORAGE",
    "TBD",
    "THE",
    "THIS",
    "TO",
    "TODO",
    "UNITY",
    "USER",
    "VALUE",
    "WITH",
    "WORKSPACE",
];

/// Whether text is made of such words alone: of several, or of one that can mean nothing else.
fn is_guides_word(text: &str) -> bool {
    const ALONE: [&str; 5] = ["CHANGEME", "PLACEHOLDER", "REPLACEME", "TBD", "TODO"];
    let words: Vec<&str> =
        text.split(['_', '-', ' ', '.']).filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        [] => false,
        [one] => ALONE.contains(one),
        several => several.iter().all(|word| WORDS.contains(word)),
    }
}

/// The keys whose values may be ids and ARNs.
const KEYS: [&str; 4] = [EXTERNAL_ID, "aws:PrincipalArn", "aws:PrincipalAccount", "aws:SourceArn"];

/// TP012
pub(super) fn all(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) {
    for (at, statement) in scene.policy.statements.iter().enumerate() {
        for principal in &statement.principals {
            let text = &principal.text;
            if !matches!(principal.who, Who::Gone(_)) && scene.is_placeholder(&text.value) {
                let edits = right_principal(scene, statement, principal).map(|with| {
                    vec![Edit::ReplacePrincipal {
                        statement: at,
                        kind: principal.kind,
                        value: text.value.clone(),
                        with,
                    }]
                });
                found.push(finding(at, text, "Fill in the principal", edits));
            }
        }
        for test in &statement.conditions {
            let known = KEYS.iter().any(|key| test.key.value.eq_ignore_ascii_case(key));
            for value in &test.values {
                let text = &value.value;
                if is_marked(text) || known && scene.is_placeholder(text) {
                    let edits = if test.key.value.eq_ignore_ascii_case(EXTERNAL_ID) {
                        right_ids(scene, at, statement, test, text)
                    } else {
                        right_arn(scene, text).map(|with| vec![replace_id(at, test, text, &with)])
                    };
                    found.push(finding(at, value, "Fill in the value", edits));
                }
            }
        }
    }
}

fn finding(at: usize, place: &Text, label: &'static str, edits: Option<Vec<Edit>>) -> FindingDraft {
    let text = &place.value;
    let why = if text.contains(['<', '>']) {
        say!(
            "`<` and `>` can be in no principal and in no external id ({}).",
            page("reference_iam-quotas")
        )
    } else {
        "Guides and AWS's examples write such values for the reader to replace.".into()
    };
    FindingDraft::new(
        "TP012",
        Severity::Error,
        say!("`{}` is a placeholder", text),
        "Nobody comes with it, so whoever is meant is kept out. Put the real value in its place.",
        why,
    )
    .at(at, place.range)
    .values("", text)
    .opening(label, edits)
}

/// Whose a placeholder is by its own words.
fn hint(text: &str) -> Option<Party> {
    let upper = text.to_ascii_uppercase();
    let says = |words: &[&str]| words.iter().any(|word| upper.contains(word));
    if says(&["SEGMENT", "WORKSPACE"]) {
        Some(Party::Segment)
    } else if says(&["DATABRICKS", "UNITY"]) {
        Some(Party::Databricks)
    } else {
        None
    }
}

/// Edits that put the ids of the statement's callers in a placeholder's place.
fn right_ids(
    scene: &LintContext<'_>,
    at: usize,
    statement: &Statement,
    test: &Condition,
    left: &str,
) -> Option<Vec<Edit>> {
    let hinted = hint(left);
    let mut ids: Vec<String> = Vec::new();
    for one in &statement.principals {
        let party = match scene.party(statement, one) {
            Party::Itself => Party::Databricks,
            party => party,
        };
        if hinted.is_none_or(|hinted| hinted == party) {
            for id in scene.ids(statement, one) {
                if id_fault(&id).is_none() && !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
    }
    let there = |id: &String| test.values.iter().any(|value| value.value == *id);
    let lacking: Vec<&String> = ids.iter().filter(|id| !there(id)).collect();
    match lacking.as_slice() {
        [] if ids.is_empty() => None,
        [] => Some(vec![Edit::RemoveConditionValue {
            statement: at,
            operator: test.operator_text.value.clone(),
            key: test.key.value.clone(),
            value: left.to_owned(),
        }]),
        [first, more @ ..] => {
            // Several ids are one party's own, or nobody can say which of them is meant.
            let parties: Vec<Party> =
                statement.principals.iter().map(|one| scene.party(statement, one)).collect();
            let one_party = hinted.is_some() || parties.iter().all(|one| *one == parties[0]);
            if !more.is_empty() && !one_party {
                return None;
            }
            let mut edits = vec![replace_id(at, test, left, first)];
            edits.extend(more.iter().map(|id| add_id(at, test, id)));
            Some(edits)
        }
    }
}

/// The pattern of what a placeholder may stand for.
fn pattern(text: &str) -> String {
    let mut pattern = String::new();
    let mut rest = text;
    loop {
        let upper = rest.to_ascii_uppercase();
        let next = [upper.find('<'), upper.find("YOUR_"), upper.find("YOUR-")];
        let Some(start) = next.into_iter().flatten().min() else { break };
        pattern.push_str(&rest[..start]);
        pattern.push('*');
        let end = if rest[start..].starts_with('<') {
            rest[start..].find('>').map(|at| start + at + 1)
        } else {
            rest[start..].find([':', '/']).map(|at| start + at)
        };
        rest = end.map_or("", |end| &rest[end..]);
    }
    pattern.push_str(rest);
    for account in ACCOUNTS {
        pattern = pattern.replace(&format!(":{account}:"), ":*:");
    }
    let parts = pattern.split_inclusive([':', '/']).map(|part| {
        let word = part.trim_end_matches([':', '/']);
        if is_guides_word(word) { format!("*{}", &part[word.len()..]) } else { part.to_owned() }
    });
    parts.collect()
}

/// The one known ARN that a placeholder can stand for and that the statement does not name yet.
fn right_principal(
    scene: &LintContext<'_>,
    statement: &Statement,
    one: &Principal,
) -> Option<String> {
    if one.kind != PrincipalKind::Aws {
        return None;
    }
    let text = &one.text.value;
    let named = |arn: &String| statement.principals.iter().any(|one| one.text.value == *arn);
    let mut known: Vec<(Party, String)> =
        scene.required().iter().map(|one| (one.party, one.principal.clone())).collect();
    if let Some(role) = scene.role() {
        known.push((Party::Itself, role.to_string()));
        known.push((Party::Own, Arn::root(&role.partition, &role.account).to_string()));
    }
    let hinted = hint(text);
    let pattern = pieces(&pattern(text));
    known.retain(|(party, arn)| {
        fits(&pattern, arn) && !named(arn) && hinted.is_none_or(|hinted| hinted == *party)
    });
    let mut arns: Vec<String> = known.into_iter().map(|(_, arn)| arn).collect();
    arns.sort_unstable();
    arns.dedup();
    match arns.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

fn right_arn(scene: &LintContext<'_>, text: &str) -> Option<String> {
    let role = scene.role()?;
    if text.len() == 12 && is_account_id(text) {
        return Some(role.account.clone());
    }
    let arn = role.to_string();
    fits(&pieces(&pattern(text)), &arn).then_some(arn)
}

impl LintContext<'_> {
    /// Whether a placeholder in the Allows may stand for a principal, which is then not missing yet.
    pub(super) fn placeholder_for(&self, principal: &str) -> bool {
        let may = |text: &str| {
            self.is_placeholder(text)
                && !is_account_id(text)
                && fits(&pieces(&pattern(text)), principal)
        };
        self.allows().any(|(_, statement)| {
            statement.principals.iter().any(|one| may(&one.text.value))
                || statement
                    .tests("aws:PrincipalArn")
                    .flat_map(|test| &test.values)
                    .any(|value| may(&value.value))
        })
    }
}
