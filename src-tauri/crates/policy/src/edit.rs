//! [`Edit`]s, the typed changes to a policy's text; each one leaves every other byte as it is.
//!
//! An edit names its target by statement, kind, operator and key, as `read` parses them. A single value
//! becomes a list when a second one is added, and a list stays a list. The undo of an edit is an edit too.
//! `splice` writes the bytes.

use headgate_terms::{Error, Range, Result};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::compose;
use crate::policy::{Effect, PrincipalKind, Statement};
use crate::splice::{Splicer, element, property, strings};
use crate::style::{Json, quoted};
use crate::text;

/// A principal by its list and its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
pub struct PrincipalRef {
    /// The list.
    pub kind: PrincipalKind,
    /// As it is written.
    pub value: String,
}

/// A condition of a statement that is to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ConditionDraft {
    /// The operator.
    pub operator: String,
    /// The key.
    pub key: String,
    /// At least one value.
    pub values: Vec<String>,
}

/// A statement that is to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct StatementDraft {
    /// Its name.
    pub sid: Option<String>,
    /// Allow or Deny.
    pub effect: Effect,
    /// Whom it names.
    pub principals: Vec<PrincipalRef>,
    /// Its actions.
    pub actions: Vec<String>,
    /// Its conditions.
    pub conditions: Vec<ConditionDraft>,
}

/// One change. Statements count from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "op", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named as the parts of a policy are")]
pub enum Edit {
    AddPrincipal {
        statement: usize,
        kind: PrincipalKind,
        value: String,
    },
    RemovePrincipal {
        statement: usize,
        kind: PrincipalKind,
        value: String,
    },
    ReplacePrincipal {
        statement: usize,
        kind: PrincipalKind,
        value: String,
        with: String,
    },
    AddConditionValue {
        statement: usize,
        operator: String,
        key: String,
        value: String,
    },
    RemoveConditionValue {
        statement: usize,
        operator: String,
        key: String,
        value: String,
    },
    ReplaceConditionValue {
        statement: usize,
        operator: String,
        key: String,
        value: String,
        with: String,
    },
    AddCondition {
        statement: usize,
        operator: String,
        key: String,
        values: Vec<String>,
    },
    RemoveCondition {
        statement: usize,
        operator: String,
        key: String,
    },
    /// Tests a key with another operator.
    SetOperator {
        statement: usize,
        operator: String,
        key: String,
        with: String,
    },
    /// Spells a key otherwise.
    SetKey {
        statement: usize,
        operator: String,
        key: String,
        with: String,
    },
    AddAction {
        statement: usize,
        value: String,
    },
    RemoveAction {
        statement: usize,
        value: String,
    },
    SetEffect {
        statement: usize,
        effect: Effect,
    },
    SetSid {
        statement: usize,
        sid: Option<String>,
    },
    SetVersion {
        version: String,
    },
    AddStatement {
        statement: usize,
        draft: StatementDraft,
    },
    RemoveStatement {
        statement: usize,
    },
    /// Moves principals and external ids into a statement of their own, behind the old one.
    SplitStatement {
        statement: usize,
        principals: Vec<PrincipalRef>,
        external_ids: Vec<String>,
    },
    /// Takes the principals and external ids of another statement in, and removes that one.
    MergeStatements {
        statement: usize,
        with: usize,
    },
    /// Removes a property whose name is repeated in an object, by its first byte.
    RemoveRepeated {
        start: usize,
    },
    /// Puts what such a property holds into the last of its name, and takes it away.
    MergeRepeated {
        start: usize,
    },
    /// Writes bytes over bytes.
    Write {
        start: usize,
        end: usize,
        text: String,
    },
}

/// A text after an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The new text.
    pub text: String,
    /// What gives the old text back, byte for byte.
    pub undo: Edit,
}

/// Carries out an edit.
///
/// # Errors
/// `edit_impossible` when what it names is not there, or nothing would be left.
pub fn apply(text: &str, edit: &Edit) -> Result<Edited> {
    let new = changed(text, edit)?;
    Ok(Edited { undo: difference(&new, text), text: new })
}

/// Carries out edits one after the other.
///
/// # Errors
/// As [`apply`]; nothing is changed then.
pub fn apply_all(text: &str, edits: &[Edit]) -> Result<String> {
    edits.iter().try_fold(text.to_owned(), |text, edit| changed(&text, edit))
}

/// The one write that makes a text another.
#[must_use]
pub fn difference(from: &str, to: &str) -> Edit {
    let same = |(a, b): (char, char)| (a == b).then(|| a.len_utf8());
    let start: usize = from.chars().zip(to.chars()).map_while(same).sum();
    let (from_rest, to_rest) = (&from[start..], &to[start..]);
    let tail: usize = from_rest.chars().rev().zip(to_rest.chars().rev()).map_while(same).sum();
    Edit::Write { start, end: from.len() - tail, text: to_rest[..to_rest.len() - tail].to_owned() }
}

pub(crate) fn impossible(message: impl Into<headgate_terms::Shown>) -> Error {
    Error::new("edit_impossible", message).hint("Read the policy again; the text may have changed.")
}

fn changed(text: &str, edit: &Edit) -> Result<String> {
    let root = text::tree(text).map_err(|problem| impossible(problem.message))?;
    let mut page = Splicer::of(text, &root);
    match edit {
        Edit::Write { start, end, text: new } => {
            if start > end || text.get(*start..*end).is_none() {
                return Err(impossible("That part of the text is not there any more."));
            }
            page.put(Range { start: *start, end: *end }, new.clone());
        }
        Edit::AddPrincipal { .. }
        | Edit::RemovePrincipal { .. }
        | Edit::ReplacePrincipal { .. } => {
            principal(&mut page, edit)?;
        }
        Edit::AddAction { .. } | Edit::RemoveAction { .. } => action(&mut page, edit)?,
        Edit::SetOperator { statement, operator, key, with } => {
            let (_, block, found) = page.condition(*statement, operator, key)?;
            if block.value.object().map_or(0, <[_]>::len) > 1 {
                let (statement, key) = (*statement, found.name.clone());
                let remove = Edit::RemoveCondition {
                    statement,
                    operator: operator.clone(),
                    key: key.clone(),
                };
                let values = strings(&found.value);
                let add = Edit::AddCondition { statement, operator: with.clone(), key, values };
                return apply_all(text, &[remove, add]);
            }
            page.put(block.name_range, quoted(with));
        }
        Edit::SetEffect { statement, effect } => {
            let range = property(page.statement(*statement)?, "Effect")?.value.range;
            page.put(range, quoted(effect.name()));
        }
        Edit::SetSid { statement, sid } => {
            let statement = page.statement(*statement)?;
            match (statement.property("Sid"), sid) {
                (Some(old), Some(sid)) => page.put(old.value.range, quoted(sid)),
                (None, Some(sid)) => page.insert_first(statement, "Sid", &Json::Text(sid.clone())),
                (Some(_), None) => page.cut_property(statement, "Sid"),
                (None, None) => {}
            }
        }
        Edit::SetVersion { version } => match root.property("Version") {
            Some(old) => page.put(old.value.range, quoted(version)),
            None => page.insert_first(&root, "Version", &Json::Text(version.clone())),
        },
        Edit::AddStatement { statement, draft } => page.add_statement(*statement, draft)?,
        Edit::RemoveStatement { statement } => {
            let place = property(&root, "Statement")?;
            page.statement(*statement)?;
            if place.value.elements().len() <= 1 {
                return Err(impossible("It is the policy's last statement."));
            }
            page.cut(&place.value, *statement);
        }
        Edit::SplitStatement { statement, principals, external_ids } => {
            return compose::split(text, *statement, principals, external_ids);
        }
        Edit::MergeStatements { statement, with } => {
            return compose::merge(text, *statement, *with);
        }
        Edit::RemoveRepeated { start } => page.remove_repeated(*start)?,
        Edit::MergeRepeated { start } => page.merge_repeated(*start)?,
        _ => condition(&mut page, edit)?,
    }
    Ok(page.written())
}

fn principal(page: &mut Splicer<'_>, edit: &Edit) -> Result<()> {
    match edit {
        Edit::AddPrincipal { statement, kind, value } => {
            page.add_principal(*statement, *kind, value)
        }
        Edit::RemovePrincipal { statement, kind, value } => {
            let principal = property(page.statement(*statement)?, "Principal")?;
            let list = property(&principal.value, kind.name())?;
            let only = principal.value.object().map_or(0, <[_]>::len) == 1;
            if only && list.value.elements().len() <= 1 {
                return Err(impossible(
                    "It is the statement's last principal. Remove the statement.",
                ));
            }
            page.take(&principal.value, list, value)
        }
        Edit::ReplacePrincipal { statement, kind, value, with } => {
            let list =
                property(&property(page.statement(*statement)?, "Principal")?.value, kind.name())?;
            page.put(element(&list.value, value)?.range, quoted(with));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn action(page: &mut Splicer<'_>, edit: &Edit) -> Result<()> {
    let (Edit::AddAction { statement, value } | Edit::RemoveAction { statement, value }) = edit
    else {
        return Ok(());
    };
    let statement = page.statement(*statement)?;
    let action = statement
        .property("Action")
        .or_else(|| statement.property("NotAction"))
        .ok_or_else(|| impossible("The statement has no `Action`."))?;
    if let Edit::AddAction { .. } = edit {
        page.append(&action.value, &quoted(value));
        return Ok(());
    }
    if action.value.elements().len() <= 1 {
        return Err(impossible("It is the statement's last action. Remove the statement."));
    }
    page.cut_element(&action.value, value)
}

fn condition(page: &mut Splicer<'_>, edit: &Edit) -> Result<()> {
    match edit {
        Edit::AddConditionValue { statement, operator, key, value } => {
            let (_, _, key) = page.condition(*statement, operator, key)?;
            page.append(&key.value, &quoted(value));
        }
        Edit::RemoveConditionValue { statement, operator, key, value } => {
            let (_, _, key) = page.condition(*statement, operator, key)?;
            if key.value.elements().len() <= 1 {
                return Err(impossible("It is the condition's last value. Remove the condition."));
            }
            page.cut_element(&key.value, value)?;
        }
        Edit::ReplaceConditionValue { statement, operator, key, value, with } => {
            let (_, _, key) = page.condition(*statement, operator, key)?;
            page.put(element(&key.value, value)?.range, quoted(with));
        }
        Edit::AddCondition { statement, operator, key, values } => {
            page.add_condition(*statement, operator, key, values)?;
        }
        Edit::RemoveCondition { statement, operator, key } => {
            page.remove_condition(*statement, operator, key)?;
        }
        Edit::SetKey { statement, operator, key, with } => {
            let (_, _, key) = page.condition(*statement, operator, key)?;
            page.put(key.name_range, quoted(with));
        }
        _ => {}
    }
    Ok(())
}

impl StatementDraft {
    pub(crate) fn json(&self) -> Json {
        let mut members = Vec::new();
        if let Some(sid) = &self.sid {
            members.push(("Sid".to_owned(), Json::Text(sid.clone())));
        }
        members.push(("Effect".to_owned(), Json::Text(self.effect.name().to_owned())));
        let mut principals: Lists = Vec::new();
        for PrincipalRef { kind, value } in &self.principals {
            match principals.iter_mut().find(|(name, _)| name == kind.name()) {
                Some((_, values)) => values.push(value.clone()),
                None => principals.push((kind.name().to_owned(), vec![value.clone()])),
            }
        }
        members.push(("Principal".to_owned(), lists(&principals)));
        members.push(("Action".to_owned(), Json::one_or_list(&self.actions)));
        let mut blocks: Vec<(String, Lists)> = Vec::new();
        for one in &self.conditions {
            let key = (one.key.clone(), one.values.clone());
            match blocks.iter_mut().find(|(operator, _)| *operator == one.operator) {
                Some((_, keys)) => keys.push(key),
                None => blocks.push((one.operator.clone(), vec![key])),
            }
        }
        if !blocks.is_empty() {
            let blocks = blocks.into_iter().map(|(operator, keys)| (operator, lists(&keys)));
            members.push(("Condition".to_owned(), Json::Object(blocks.collect())));
        }
        Json::Object(members)
    }
}

/// Names, each with its values.
type Lists = Vec<(String, Vec<String>)>;

fn lists(lists: &Lists) -> Json {
    Json::Object(
        lists.iter().map(|(name, values)| (name.clone(), Json::one_or_list(values))).collect(),
    )
}

impl Statement {
    /// The statement as a draft that could be written again.
    #[must_use]
    pub fn draft(&self) -> StatementDraft {
        let texts = |texts: &[crate::policy::Text]| texts.iter().map(|t| t.value.clone()).collect();
        StatementDraft {
            sid: self.sid.as_ref().map(|sid| sid.value.clone()),
            effect: self.effect,
            principals: self
                .principals
                .iter()
                .map(|one| PrincipalRef { kind: one.kind, value: one.text.value.clone() })
                .collect(),
            actions: texts(&self.actions),
            conditions: self
                .conditions
                .iter()
                .map(|one| ConditionDraft {
                    operator: one.operator_text.value.clone(),
                    key: one.key.value.clone(),
                    values: texts(&one.values),
                })
                .collect(),
        }
    }
}
