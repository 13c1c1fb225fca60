//! The columns of the matrix: the external IDs that policies and goals name, one ID for each way in which
//! patterns match, one that represents every other ID, and no ID.

use std::collections::BTreeSet;

use crate::axes::{beside, free, push};
use crate::classes::{Pattern, Shape, Work, made_up, walked};
use crate::matrix::{EXTERNAL_ID, Goal, IdColumn, MOST_CELLS};
use crate::operator::{How, Test};
use crate::policy::{Condition, Policy};

/// The columns, and how many ids were left out.
pub(crate) fn columns(policies: &[&Policy], goals: &[Goal]) -> (Vec<IdColumn>, usize) {
    let tests = || {
        policies
            .iter()
            .flat_map(|policy| &policy.statements)
            .flat_map(|statement| statement.tests(EXTERNAL_ID))
    };
    let mut patterns: Vec<Pattern> = Vec::new();
    let values = |test: &'_ Condition| -> Vec<(How, String)> {
        let Test::Compare { how, .. } = test.operator.test else { return Vec::new() };
        test.values.iter().map(|value| (how, value.value.clone())).collect()
    };
    let named: BTreeSet<String> = goals
        .iter()
        .filter_map(|goal| goal.external_id.clone())
        .chain(
            tests()
                .flat_map(values)
                .filter_map(|(how, value)| Pattern::of(how, &value).is_none().then_some(value)),
        )
        .collect();
    for (how, value) in tests().flat_map(values) {
        if let Some(pattern) = Pattern::of(how, &value) {
            push(&mut patterns, pattern);
        }
    }
    let class = |id: &str| -> Vec<bool> { patterns.iter().map(|one| one.matches(id)).collect() };
    let (mut classes, whole) = classes_of_ids(&patterns, &named);
    let mut ids: Vec<(String, Option<String>)> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut add = |id: String, like: Option<String>| {
        if seen.insert(id.clone()) {
            ids.push((id, like));
        }
    };
    for id in goals.iter().filter_map(|goal| goal.external_id.clone()) {
        add(id, None);
    }
    let count = |class: &[bool]| class.iter().filter(|one| **one).count();
    let least = classes.iter().map(|(class, _)| class.clone()).min_by_key(|one| count(one));
    for (how, value) in tests().flat_map(values) {
        let Some(pattern) = Pattern::of(how, &value) else {
            for id in beside(how, &value) {
                add(id, None);
            }
            continue;
        };
        let at = patterns.iter().position(|one| *one == pattern).unwrap_or_default();
        if how == How::StringEqualsIgnoreCase {
            let swapped = |c: char| {
                if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
            };
            add(value.clone(), None);
            add(value.chars().map(swapped).collect(), None);
            continue;
        }
        // The id of which the other patterns say least stands for this one.
        let one = (0..classes.len())
            .filter(|one| classes[*one].0[at])
            .min_by_key(|one| count(&classes[*one].0));
        if let Some(one) = one {
            add(classes.remove(one).1, Some(value));
        }
    }
    for (class, id) in classes {
        if let Some(at) =
            class.iter().position(|one| *one).filter(|_| Some(&class) != least.as_ref())
        {
            add(id, Some(patterns[at].text.clone()));
        }
    }
    let left_out = ids.len().saturating_sub(MOST_CELLS / 4) + usize::from(!whole);
    ids.truncate(MOST_CELLS / 4);
    let is_meant = |id: &str| {
        ids.iter().any(|(known, _)| known.eq_ignore_ascii_case(id))
            || least.as_ref().is_some_and(|least| class(id) != *least)
    };
    let mut other = free("any-other-id", is_meant);
    if is_meant(&other) {
        other = fallback(&patterns, &named, least.as_deref()).unwrap_or(other);
    }
    let column = |(id, like)| IdColumn { external_id: Some(id), any_other: false, like };
    let mut columns: Vec<IdColumn> = ids.into_iter().map(column).collect();
    columns.retain(|one| one.external_id.as_deref() != Some(&other));
    columns.push(IdColumn { external_id: Some(other), any_other: true, like: None });
    columns.push(IdColumn { external_id: None, any_other: false, like: None });
    (columns, left_out)
}

/// An id for each way in which patterns match, none of which is named, and whether these are all.
fn classes_of_ids(
    patterns: &[Pattern],
    named: &BTreeSet<String>,
) -> (Vec<(Vec<bool>, String)>, bool) {
    let class = |id: &str| -> Vec<bool> { patterns.iter().map(|one| one.matches(id)).collect() };
    let mut classes: Vec<(Vec<bool>, String)> = Vec::new();
    if patterns.is_empty() {
        return (classes, true);
    }
    let mut add = |class: Vec<bool>, id: String| {
        if !named.contains(&id) && classes.iter().all(|(known, _)| *known != class) {
            classes.push((class, id));
        }
    };
    for pattern in patterns {
        made_up(&pattern.text, patterns.len())
            .filter(|id| Shape::Id.is(id) && pattern.matches(id))
            .for_each(|id| add(class(&id), id));
    }
    let (found, whole) = walk_ids(patterns, named);
    for id in found {
        add(class(&id), id);
    }
    (classes, whole)
}

fn walk_ids(patterns: &[Pattern], named: &BTreeSet<String>) -> (Vec<String>, bool) {
    let matched = |id: &&String| patterns.iter().any(|one| one.matches(id));
    let all: Vec<Pattern> = patterns
        .iter()
        .cloned()
        .chain(named.iter().filter(matched).map(|id| Pattern::literal(id)))
        .collect();
    let from = all.iter().map(Pattern::start).collect();
    let (found, whole) = walked(&all, from, Shape::Id, &Work::new());
    (found.into_iter().map(|one| one.text).collect(), whole)
}

/// An id of a class, however it reads.
fn fallback(
    patterns: &[Pattern],
    named: &BTreeSet<String>,
    least: Option<&[bool]>,
) -> Option<String> {
    let least = least?;
    let (found, _) = walk_ids(patterns, named);
    found.into_iter().find(|id| {
        !named.contains(id) && patterns.iter().zip(least).all(|(one, is)| one.matches(id) == *is)
    })
}
