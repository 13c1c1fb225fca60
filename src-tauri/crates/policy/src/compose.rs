//! Edits that consist of others: splitting one statement in two, and merging two into one.

use headgate_terms::{Result, say};

use crate::edit::{Edit, PrincipalRef, apply_all, impossible};
use crate::policy::{Policy, Statement};

fn readable(text: &str) -> Result<Policy> {
    crate::read::read(text).policy.ok_or_else(|| impossible("The policy cannot be read."))
}

pub(crate) fn split(
    text: &str,
    at: usize,
    principals: &[PrincipalRef],
    ids: &[String],
) -> Result<String> {
    let policy = readable(text)?;
    let old = policy
        .statements
        .get(at)
        .filter(|statement| !statement.not_action)
        .ok_or_else(|| impossible(say!("Statement {} cannot be split.", at + 1)))?;
    let mut draft = old.draft();
    draft.sid = None;
    draft.principals.retain(|one| principals.contains(one));
    if draft.principals.len() != principals.len() {
        return Err(impossible("Not all of these principals are in the statement."));
    }
    let mut edits = Vec::new();
    for PrincipalRef { kind, value } in principals.iter().cloned() {
        edits.push(Edit::RemovePrincipal { statement: at, kind, value });
    }
    for condition in &mut draft.conditions {
        if !condition.key.eq_ignore_ascii_case(crate::matrix::EXTERNAL_ID) || ids.is_empty() {
            continue;
        }
        condition.values.retain(|id| ids.contains(id));
        if condition.values.is_empty() {
            return Err(impossible("The statement does not ask for these ids."));
        }
        for value in condition.values.iter().cloned() {
            edits.push(Edit::RemoveConditionValue {
                statement: at,
                operator: condition.operator.clone(),
                key: condition.key.clone(),
                value,
            });
        }
    }
    edits.push(Edit::AddStatement { statement: at + 1, draft });
    apply_all(text, &edits)
}

pub(crate) fn merge(text: &str, at: usize, with: usize) -> Result<String> {
    let policy = readable(text)?;
    let (Some(into), Some(from)) = (policy.statements.get(at), policy.statements.get(with)) else {
        return Err(impossible("One of the statements is not there any more."));
    };
    let id = crate::matrix::EXTERNAL_ID;
    let shape = |statement: &Statement| {
        let mut bare = statement.clone();
        bare.principals.clear();
        for condition in &mut bare.conditions {
            if condition.key.value.eq_ignore_ascii_case(id) {
                condition.values.clear();
            }
        }
        crate::canonical::rules(&bare, "")
    };
    if at == with || shape(into) != shape(from) {
        return Err(impossible("They differ in more than principals and external ids."));
    }
    let (old, new) = (into.draft(), from.draft());
    let mut edits = Vec::new();
    for PrincipalRef { kind, value } in new.principals {
        if !old.principals.iter().any(|one| one.value == value) {
            edits.push(Edit::AddPrincipal { statement: at, kind, value });
        }
    }
    for condition in new.conditions.iter().filter(|one| one.key.eq_ignore_ascii_case(id)) {
        let known: Vec<&String> = old
            .conditions
            .iter()
            .filter(|one| one.key.eq_ignore_ascii_case(id))
            .flat_map(|one| &one.values)
            .collect();
        for value in condition.values.iter().filter(|value| !known.contains(value)) {
            edits.push(Edit::AddConditionValue {
                statement: at,
                operator: condition.operator.clone(),
                key: condition.key.clone(),
                value: value.clone(),
            });
        }
    }
    edits.push(Edit::RemoveStatement { statement: with });
    apply_all(text, &edits)
}
