//! TP002, TP004, TP017, TP018 and a part of TP022: how external IDs are tested, with tests that callers
//! without an ID pass, patterns that are too wide, and unusual spellings.

use headgate_terms::{Severity, Shown, say};

use super::context::{LintContext, MADE_UP, asks};
use super::finding::{FindingDraft, named, page, words};
use super::principals::is_wanted_bare;
use super::trusted_parties::Party;
use crate::condition::Truth;
use crate::edit::{Edit, PrincipalRef};
use crate::evaluate::Decision;
use crate::goals::id_fault;
use crate::matrix::EXTERNAL_ID;
use crate::operator::{How, Operator, SetPrefix, Test};
use crate::policy::{Condition, Effect, Principal, Statement, Text};
use crate::problem::place;

/// The page on external ids.
const PAGE: &str = "id_roles_create_for-user_externalid";

/// Fewer fixed characters than these and a pattern can be hit by trying.
const FIXED: usize = 16;

pub(super) fn all(scene: &LintContext<'_>, found: &mut Vec<FindingDraft>) {
    for (at, statement) in scene.allows() {
        if statement.tests(EXTERNAL_ID).next().is_some() {
            found.extend(optional(scene, at, statement).or_else(|| wide(scene, at, statement)));
        }
    }
    for (at, statement) in scene.policy.statements.iter().enumerate() {
        for test in statement.tests(EXTERNAL_ID) {
            found.extend(spelling(scene, at, statement, test));
            if !matches!(test.operator.test, Test::Null) {
                found.extend(test.values.iter().filter_map(|id| alphabet(scene, at, test, id)));
            }
        }
    }
}

/// TP002
fn optional(scene: &LintContext<'_>, at: usize, statement: &Statement) -> Option<FindingDraft> {
    if scene.id_passes(statement, None) == Truth::No {
        return None;
    }
    let tests: Vec<&Condition> = statement.tests(EXTERNAL_ID).collect();
    let bare = |principal: &Principal| {
        !scene.is_foreign(principal) && scene.party(statement, principal) != Party::Other
            || is_wanted_bare(scene, principal)
    };
    // To want callers without an id is a wish like another, where those who come are known.
    if tests.iter().all(|test| test.operator.test == Test::Null)
        && statement.principals.iter().all(bare)
    {
        return None;
    }
    let denied = |principal: &Principal| {
        scene
            .caller(principal)
            .is_some_and(|caller| scene.decision(&caller, None) == Decision::ExplicitDeny)
    };
    if statement.principals.iter().all(denied) {
        return None;
    }
    let test = tests[0];
    let operator = &test.operator_text.value;
    let what = if test.values.is_empty() {
        "by an empty list, which may let every caller in".into()
    } else {
        say!("with `{}`, which lets callers without one in", operator)
    };
    let mendable = |test: &&Condition| {
        matches!(test.operator.test, Test::Compare { negated: false, .. })
            && !test.values.is_empty()
    };
    let edits = if tests.iter().all(mendable) {
        Some(
            tests
                .iter()
                .map(|test| Edit::SetOperator {
                    statement: at,
                    operator: test.operator_text.value.clone(),
                    key: test.key.value.clone(),
                    with: Operator { set: None, if_exists: false, ..test.operator }.to_string(),
                })
                .collect(),
        )
    } else {
        ask_for_ids(scene, at, statement, &tests)
    };
    Some(
        FindingDraft::new(
            "TP002",
            Severity::Security,
            say!("Statement {} tests the external id {}", at + 1, what),
            "The id protects nothing: a vendor's other customers get in by leaving it out.",
            say!("`…IfExists`, `ForAllValues:…`, negated operators and `Null` hold when the key is absent ({}).", page("reference_policies_elements_condition_operators")),
        )
        .at(at, test.range)
        .values("StringEquals", operator)
        .fix_if("Demand the id", edits),
    )
}

/// TP004
fn wide(scene: &LintContext<'_>, at: usize, statement: &Statement) -> Option<FindingDraft> {
    let vendors =
        |one: &Principal| scene.is_foreign(one) || scene.party(statement, one) == Party::Other;
    if !statement.principals.iter().any(vendors) {
        return None;
    }
    let like = |test: &&Condition| {
        matches!(test.operator.test, Test::Compare { how: How::StringLike, negated: false })
    };
    let wildcard = |value: &&Text| value.value.contains('*') || value.value.contains('?');
    let fixed = |value: &Text| value.value.chars().filter(|c| !['*', '?'].contains(c)).count();
    let narrow = |test: &Condition| {
        asks(test)
            && (!like(&test)
                || test.values.iter().all(|value| !wildcard(&value) || fixed(value) >= FIXED))
    };
    if statement.tests(EXTERNAL_ID).any(narrow) {
        return None;
    }
    let pattern = statement.tests(EXTERNAL_ID).filter(like).find_map(|test| {
        let value = test.values.iter().find(|value| wildcard(value) && fixed(value) < FIXED)?;
        Some((value.range, say!("`{}`", value.value)))
    });
    let (range, takes) = match pattern {
        Some((range, value)) => (range, say!("every id like {}", value)),
        None if scene.id_passes(statement, Some(MADE_UP)) == Truth::Yes => {
            let test = statement.tests(EXTERNAL_ID).next()?;
            (test.range, "nearly every external id".into())
        }
        None => return None,
    };
    let tests: Vec<&Condition> = statement.tests(EXTERNAL_ID).collect();
    Some(
        FindingDraft::new(
            "TP004",
            Severity::Security,
            say!("Statement {} takes {}", at + 1, takes),
            "A vendor's other customers get in with an id of their own that happens to fit.",
            say!(
                "An external id protects by being one that the vendor binds to you alone ({}).",
                page(PAGE)
            ),
        )
        .at(at, range)
        .fix_if("Ask for the ids by name", ask_for_ids(scene, at, statement, &tests)),
    )
}

/// TP017
fn spelling(
    scene: &LintContext<'_>,
    at: usize,
    statement: &Statement,
    test: &Condition,
) -> Option<FindingDraft> {
    let key = &test.key.value;
    let block = statement
        .tests(EXTERNAL_ID)
        .filter(|one| one.operator_text.range == test.operator_text.range)
        .count();
    if key == EXTERNAL_ID || block > 1 {
        return None;
    }
    let other = scene
        .policy
        .statements
        .iter()
        .flat_map(|one| one.tests(EXTERNAL_ID))
        .find(|one| one.key.value == EXTERNAL_ID);
    let unlike = if let Some(other) = other {
        say!("line {}", place(scene.text, other.key.range.start).0)
    } else {
        say!("AWS writes it, `{}`", EXTERNAL_ID)
    };
    Some(
        FindingDraft::new(
            "TP017",
            Severity::Warning,
            say!("`{}` is spelled unlike {}", key, unlike),
            "AWS reads both alike; some tools compare to the letter, find no external id, and add a second one, which AWS refuses.",
            say!("The names of condition keys have no case ({}).", page("reference_policies_elements_condition")),
        )
        .at(at, test.key.range)
        .values(EXTERNAL_ID, key)
        .fix(
            "Respell",
            vec![Edit::SetKey {
                statement: at,
                operator: test.operator_text.value.clone(),
                key: key.clone(),
                with: EXTERNAL_ID.to_owned(),
            }],
        ),
    )
}

/// TP018. What is a placeholder has TP012.
fn alphabet(
    scene: &LintContext<'_>,
    at: usize,
    test: &Condition,
    id: &Text,
) -> Option<FindingDraft> {
    let written = &id.value;
    let patterned = matches!(test.operator.test, Test::Compare { how: How::StringLike, .. });
    let variable = scene.policy.has_variables() && written.contains("${");
    if scene.is_placeholder(written) || variable {
        return None;
    }
    let plain =
        if patterned { written.replace('*', "any").replace('?', "a") } else { written.clone() };
    let fault = id_fault(&plain)?;
    let quotes: &[char] = &[
        '"', '\'', '`', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}', '\u{a0}', '\u{ab}',
        '\u{bb}',
    ];
    let trimmed = written.trim_matches(|c: char| c.is_whitespace() || quotes.contains(&c));
    let mended = trimmed != written && id_fault(trimmed).is_none();
    let edits = mended.then(|| {
        vec![Edit::ReplaceConditionValue {
            statement: at,
            operator: test.operator_text.value.clone(),
            key: test.key.value.clone(),
            value: written.clone(),
            with: trimmed.to_owned(),
        }]
    });
    let found = FindingDraft::new(
        "TP018",
        Severity::Warning,
        say!("No caller can bring the external id `{}`: {}", written, Shown::from(fault)),
        "Whoever is meant by it is kept out. Copy the id again from where the vendor shows it.",
        say!(
            "An external id has 2 to 1,224 letters, digits and `+ = , . @ : / -` ({}).",
            page("reference_iam-quotas")
        ),
    )
    .at(at, id.range)
    .values(if mended { trimmed } else { "" }, written);
    Some(found.opening("Take away what surrounds it", edits))
}

/// Edits after which a statement requires of each party its own ids, by `StringEquals`, in place of some
/// tests; `None` where it is not known who passes which. Parties with different ids get separate statements.
pub(super) fn ask_for_ids(
    scene: &LintContext<'_>,
    at: usize,
    statement: &Statement,
    instead: &[&Condition],
) -> Option<Vec<Edit>> {
    let mut groups: Vec<(Vec<String>, Vec<PrincipalRef>)> = Vec::new();
    let mut rest = false;
    for one in &statement.principals {
        let party = scene.party(statement, one);
        let ids = scene.ids(statement, one);
        let usable = !ids.is_empty() && ids.iter().all(|id| id_fault(id).is_none());
        if !usable {
            if scene.is_foreign(one) || party == Party::Other && scene.caller(one).is_some() {
                return None;
            }
            rest = true;
            continue;
        }
        let entry = PrincipalRef { kind: one.kind, value: one.text.value.clone() };
        match groups.iter_mut().find(|(known, _)| *known == ids) {
            Some((_, principals)) => principals.push(entry),
            None => groups.push((ids, vec![entry])),
        }
    }
    // Those who stay behind would keep a test that is no good.
    if groups.is_empty() || rest && !instead.is_empty() {
        return None;
    }
    if let ([(ids, _)], [test]) = (groups.as_slice(), instead)
        && matches!(test.operator.test, Test::Compare { .. })
        && !test.values.is_empty()
    {
        return Some(rewritten(at, test, ids));
    }
    let ask = |statement: usize, ids: &[String]| {
        let mut edits: Vec<Edit> = instead
            .iter()
            .map(|test| Edit::RemoveCondition {
                statement,
                operator: test.operator_text.value.clone(),
                key: test.key.value.clone(),
            })
            .collect();
        edits.push(Edit::AddCondition {
            statement,
            operator: "StringEquals".to_owned(),
            key: EXTERNAL_ID.to_owned(),
            values: ids.to_vec(),
        });
        edits
    };
    let stay = usize::from(!rest);
    let mut edits = Vec::new();
    for (ids, principals) in groups.iter().skip(stay).rev() {
        edits.push(Edit::SplitStatement {
            statement: at,
            principals: principals.clone(),
            external_ids: Vec::new(),
        });
        edits.extend(ask(at + 1, ids));
    }
    if let Some((ids, _)) = groups.first().filter(|_| stay == 1) {
        edits.extend(ask(at, ids));
    }
    Some(edits)
}

/// Edits that make a test require some ids, value for value in place.
fn rewritten(at: usize, test: &Condition, ids: &[String]) -> Vec<Edit> {
    let operator = "StringEquals".to_owned();
    let key = test.key.value.clone();
    let mut edits = vec![Edit::SetOperator {
        statement: at,
        operator: test.operator_text.value.clone(),
        key: key.clone(),
        with: operator.clone(),
    }];
    let extra = words(&test.values).filter(|value| !ids.iter().any(|id| id == value));
    let lacking = ids.iter().filter(|id| !words(&test.values).any(|value| value == *id));
    let (mut extra, mut lacking) = (extra.map(str::to_owned), lacking.cloned());
    loop {
        let (statement, operator, key) = (at, operator.clone(), key.clone());
        edits.push(match (extra.next(), lacking.next()) {
            (Some(value), Some(with)) => {
                Edit::ReplaceConditionValue { statement, operator, key, value, with }
            }
            (Some(value), None) => Edit::RemoveConditionValue { statement, operator, key, value },
            (None, Some(value)) => Edit::AddConditionValue { statement, operator, key, value },
            (None, None) => return edits,
        });
    }
}

/// The ids that a statement requires by name, each once.
pub(super) fn asked(statement: &Statement) -> Vec<&str> {
    let mut ids: Vec<&str> = Vec::new();
    for test in statement.tests(EXTERNAL_ID).filter(|test| asks(test)) {
        for id in words(&test.values) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    ids
}

/// TP022, its part on ids: a set operator over a key of one value.
pub(super) fn needless_prefix(at: usize, statement: &Statement) -> Option<FindingDraft> {
    let test = statement.tests(EXTERNAL_ID).find(|test| {
        test.operator.set == Some(SetPrefix::ForAnyValue)
            && !test.operator.if_exists
            && !test.values.is_empty()
    })?;
    if statement.effect != Effect::Allow {
        return None;
    }
    let with = Operator { set: None, ..test.operator }.to_string();
    Some(
        FindingDraft::new(
            "TP022",
            Severity::Info,
            say!("`{}` tests a key that has one value", test.operator_text.value),
            say!("`{}` says the same, and every tool reads it.", with),
            say!(
                "Set operators are for keys of several values, and {} is none ({}).",
                named([EXTERNAL_ID]),
                page("reference_policies_condition-single-vs-multi-valued-context-keys")
            ),
        )
        .at(at, test.operator_text.range)
        .values(&with, &test.operator_text.value)
        .fix(
            "Drop the prefix",
            vec![Edit::SetOperator {
                statement: at,
                operator: test.operator_text.value.clone(),
                key: test.key.value.clone(),
                with: with.clone(),
            }],
        ),
    )
}
