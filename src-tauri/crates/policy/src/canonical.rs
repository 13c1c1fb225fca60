//! Hashes of what a policy means: two texts with the same meaning have the same hash.
//!
//! IAM returns a document with other ordering, accounts as ARNs and single values as lists; none of that is a
//! change. `Sid`, `Id` and the case of a key do not affect a decision, so [`structural_hash`] covers them and
//! [`semantic_hash`] does not.

use std::collections::{BTreeMap, BTreeSet};

use headgate_terms::{Arn, is_account_id};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::evaluate::partition_of;
use crate::policy::{Policy, Principal, PrincipalKind, Statement};

/// The hash of what a policy means, in hexadecimal.
#[must_use]
pub fn semantic_hash(policy: &Policy, role: Option<&Arn>) -> String {
    hash(&form(policy, role, false))
}

/// The hash of what it means and of what only people see: `Sid`, `Id` and how keys are spelled.
#[must_use]
pub fn structural_hash(policy: &Policy, role: Option<&Arn>) -> String {
    hash(&form(policy, role, true))
}

fn hash(form: &Value) -> String {
    Sha256::digest(form.to_string()).iter().fold(String::new(), |mut hex, byte| {
        use std::fmt::Write;
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn form(policy: &Policy, role: Option<&Arn>, names: bool) -> Value {
    let mut statements: Vec<String> = policy
        .statements
        .iter()
        .map(|statement| {
            let mut rules = rules(statement, partition_of(role));
            if names {
                rules["sid"] = json!(statement.sid.as_ref().map(|sid| &sid.value));
                let mut keys: Vec<&str> =
                    statement.conditions.iter().map(|one| one.key.value.as_str()).collect();
                keys.sort_unstable();
                rules["keys"] = json!(keys);
            }
            rules.to_string()
        })
        .collect();
    statements.sort_unstable();
    let version = policy.version.as_ref().map_or("2008-10-17", |version| &version.value);
    let id = policy.id.as_ref().filter(|_| names).map(|id| &id.value);
    json!({"version": version, "id": id, "statements": statements})
}

/// What a statement says, without its name.
pub(crate) fn rules(statement: &Statement, partition: &str) -> Value {
    let mut principals: BTreeMap<PrincipalKind, BTreeSet<String>> = BTreeMap::new();
    for principal in &statement.principals {
        principals.entry(principal.kind).or_default().insert(named(principal, partition));
    }
    let principals: BTreeMap<&str, _> =
        principals.iter().map(|(kind, names)| (kind.name(), names)).collect();
    let actions: BTreeSet<String> =
        statement.actions.iter().map(|action| action.value.to_ascii_lowercase()).collect();
    let mut conditions: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for condition in &statement.conditions {
        // As it is written: of two operators that compare alike each asks for itself.
        let operator = &condition.operator_text.value;
        let test = format!("{operator} {}", condition.key.value).to_ascii_lowercase();
        conditions
            .entry(test)
            .or_default()
            .extend(condition.values.iter().map(|value| value.value.as_str()));
    }
    json!({
        "effect": statement.effect,
        "principals": principals,
        "not_action": statement.not_action,
        "actions": actions,
        "conditions": conditions,
    })
}

fn named(principal: &Principal, partition: &str) -> String {
    let text = &principal.text.value;
    if principal.kind == PrincipalKind::Aws && is_account_id(text) {
        Arn::root(partition, text).to_string()
    } else {
        text.clone()
    }
}
