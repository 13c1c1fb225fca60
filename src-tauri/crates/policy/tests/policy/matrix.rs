//! The matrix: fixtures, and the property that whatever a policy allows is allowed in some cell.

use headgate_policy::{
    Caller, CallerKind, Decision, Edit, Facts, Goal, MOST_CELLS, Named, Policy,
    UNITY_CATALOG_ROLES, apply_all, axes, cells, changes, decide, explain, lint_text,
    needs_own_policy, read, request_of,
};
use headgate_terms::{Arn, Fix};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fixtures::{all_right, cases};

const ROLE: &str = "arn:aws:iam::904417220333:role/data/lake-writer";

fn role() -> Arn {
    ROLE.parse().unwrap()
}

fn policy(document: &Value) -> Policy {
    read(&document.to_string())
        .valid()
        .unwrap_or_else(|problems| panic!("{document}: {problems:?}"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drawn {
    name: String,
    policy: Value,
    cells: Vec<(String, Option<String>, Decision)>,
    /// Someone whose ARN begins and ends so, with some id or none.
    #[serde(default)]
    someone: Vec<(String, Decision)>,
}

#[test]
fn cells_of_a_policy() {
    let mut wrong = Vec::new();
    let cases = cases::<Drawn>("matrix");
    for (_, case) in &cases {
        let policy = policy(&case.policy);
        let axes = axes(&[&policy], &[], Some(&role()));
        let drawn = cells(&policy, &axes, Some(&role()));
        let is = |named: &Named, arn: &str| match (named, arn.split_once('*')) {
            (Named::Aws(text), Some((start, end))) => {
                text.starts_with(start) && text.ends_with(end)
            }
            (Named::Aws(text), None) => text == arn,
            _ => false,
        };
        for (arn, id, decision) in &case.cells {
            let cell =
                drawn.iter().find(|cell| is(&cell.principal, arn) && cell.external_id == *id);
            let found = cell.map(|cell| cell.decision);
            if found != Some(*decision) {
                wrong.push(format!("{}: {arn} with {id:?} is {found:?}", case.name));
            }
        }
        for (arn, decision) in &case.someone {
            if !drawn.iter().any(|cell| is(&cell.principal, arn) && cell.decision == *decision) {
                wrong.push(format!("{}: nobody like {arn} is {decision:?}", case.name));
            }
        }
    }
    all_right(&wrong, cases.len(), 18);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Explained {
    name: String,
    policy: Value,
    principal: String,
    decision: Decision,
    statements: Vec<usize>,
    /// Whether the caller's own account must let it call too, where that is known.
    own_policy: Option<bool>,
}

#[test]
fn explanations_name_the_deciding_statement() {
    let mut wrong = Vec::new();
    let cases = cases::<Explained>("explain");
    for (_, case) in &cases {
        let text = case.policy.to_string();
        let policy = policy(&case.policy);
        let caller = Caller::Aws(case.principal.parse().expect("an ARN"));
        let request = request_of(&caller, None, Some(&role()));
        let said = explain(&policy, &text, &request);
        if (said.decision, &said.statements) != (case.decision, &case.statements) {
            wrong.push(format!("{}: {:?} by {:?}", case.name, said.decision, said.statements));
        }
        let own = needs_own_policy(&policy, &request);
        if case.own_policy.is_some_and(|expected| expected != own) {
            wrong.push(format!("{}: own policies count: {own}", case.name));
        }
    }
    all_right(&wrong, cases.len(), 9);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Differs {
    name: String,
    before: Value,
    after: Value,
    changed: Vec<(String, Option<String>, Decision, Decision)>,
}

#[test]
fn differences_are_shown() {
    for (_, case) in cases::<Differs>("difference") {
        let (before, after) = (policy(&case.before), policy(&case.after));
        let axes = axes(&[&before, &after], &[], Some(&role()));
        let changed = changes(&before, &after, &axes, Some(&role()));
        for (arn, id, was, is) in case.changed {
            let principal = Named::Aws(arn);
            let found = changed
                .iter()
                .find(|one| one.principal == principal && one.external_id == id)
                .map(|one| (one.before, one.after));
            assert_eq!(found, Some((was, is)), "{}: {principal:?}", case.name);
        }
    }
}

/// Patterns that part texts in more ways than can be drawn.
#[test]
fn a_matrix_that_is_too_large_is_cut_and_keeps_the_stranger() {
    let patterns: Vec<String> = (0..60).map(|at| format!("*x{at}y*")).collect();
    let accounts: Vec<String> = (0..20).map(|at| format!("2109876540{at:02}")).collect();
    let policy = policy(&json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"AWS": accounts}, "Action": "sts:AssumeRole",
        "Condition": {"StringLike": {"aws:PrincipalArn": patterns, "sts:ExternalId": patterns}}}}));
    let drawn = axes(&[&policy], &[], Some(&role()));
    assert!(drawn.left_out > 0);
    let last = drawn.callers.last().unwrap();
    assert_eq!(
        (last.kind, drawn.ids.last().unwrap().external_id.as_ref()),
        (CallerKind::Stranger, None)
    );
    assert!(drawn.callers.len() * drawn.ids.len() <= MOST_CELLS);
}

const ACCOUNTS: [&str; 4] = ["210987654321", "210900000000", "904417220333", "777777777777"];
const NAMES: [&str; 9] = [
    "role/a",
    "role/ab",
    "role/abc",
    "role/t/a",
    "role/zz",
    "user/a",
    "user/zz",
    "role/any-other-role",
    "role/B",
];
const IDS: [&str; 6] = ["ab", "abc", "any-other-id", "xb", "Ab", "zz99"];

fn test() -> impl Strategy<Value = (String, String, Vec<String>)> {
    let arns = proptest::sample::select(vec![
        "arn:aws:iam::*:role/a*",
        "arn:aws:iam::2109*:role/*",
        "*:role/a",
        "*b*",
        "*:user/*",
        "arn:aws:iam::210987654321:role/a",
        "arn:aws:iam::210987654321:role/?b",
        "*",
        "*/a",
        "arn:aws:iam::*:*",
        "arn:aws:iam::210987654321:root",
        "arn:aws:iam::${aws:PrincipalAccount}:role/a*",
        "arn:*:iam::??09*:role/t/*",
    ]);
    let accounts = proptest::sample::select(vec![
        "2109*",
        "210987654321",
        "*7",
        "????????????",
        "777*",
        "9*3",
    ]);
    let ids = proptest::sample::select(vec!["a*", "*b", "ab", "any-*", "*", "?b*", "z?99", "abc"]);
    let how = |of: &'static [&'static str]| proptest::sample::select(of.to_vec());
    let values = |one: proptest::sample::Select<&'static str>| {
        proptest::collection::vec(one.prop_map(str::to_owned), 1..3)
    };
    prop_oneof![
        (
            how(&[
                "ArnLike",
                "ArnNotLike",
                "StringLike",
                "StringNotLike",
                "StringEquals",
                "StringEqualsIgnoreCase"
            ]),
            values(arns)
        )
            .prop_map(|(how, values)| (
                how.to_owned(),
                "aws:PrincipalArn".to_owned(),
                values
            )),
        (
            how(&["StringLike", "StringNotLike", "StringEquals", "NumericLessThan"]),
            values(accounts)
        )
            .prop_map(|(how, values)| (
                how.to_owned(),
                "aws:PrincipalAccount".to_owned(),
                values
            )),
        (
            how(&[
                "StringLike",
                "StringNotLike",
                "StringEquals",
                "StringEqualsIgnoreCase",
                "StringLikeIfExists"
            ]),
            values(ids)
        )
            .prop_map(|(how, values)| (
                how.to_owned(),
                "sts:ExternalId".to_owned(),
                values
            )),
        Just(("StringEquals".to_owned(), "aws:PrincipalOrgID".to_owned(), vec!["o-1".to_owned()])),
    ]
}

fn statement() -> impl Strategy<Value = Value> {
    let principal = proptest::sample::select(vec![
        "*",
        "arn:aws:iam::210987654321:root",
        "arn:aws:iam::210987654321:role/a",
        "arn:aws:iam::904417220333:root",
        "777777777777",
    ]);
    let tests = proptest::collection::vec(test(), 0..3);
    (proptest::bool::weighted(0.7), principal, tests).prop_map(|(allow, principal, tests)| {
        let mut statement = json!({
            "Effect": if allow { "Allow" } else { "Deny" },
            "Principal": {"AWS": principal},
            "Action": "sts:AssumeRole",
        });
        for (operator, key, values) in tests {
            statement["Condition"][operator][key] = json!(values);
        }
        statement
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_decision_of_a_policy_is_in_some_cell(
        statements in proptest::collection::vec(statement(), 1..4),
        account in proptest::sample::select(ACCOUNTS.to_vec()),
        name in proptest::sample::select(NAMES.to_vec()),
        id in proptest::option::of(proptest::sample::select(IDS.to_vec())),
    ) {
        let policy = policy(&json!({"Version": "2012-10-17", "Statement": statements}));
        let axes = axes(&[&policy], &[], Some(&role()));
        prop_assume!(axes.left_out == 0);
        let caller = Caller::Aws(format!("arn:aws:iam::{account}:{name}").parse().unwrap());
        let said = decide(&policy, &request_of(&caller, id, Some(&role())));
        let drawn = cells(&policy, &axes, Some(&role()));
        prop_assert!(
            drawn.iter().any(|one| (one.decision, &one.statements) == (said.decision, &said.statements)),
            "{:?} with {:?}: {:?} in no cell of {}", caller, id, said, json!(statements)
        );
    }

    #[test]
    fn no_fix_allows_more_callers_without_saying_so(
        statements in proptest::collection::vec(statement(), 1..4),
        account in proptest::sample::select(ACCOUNTS.to_vec()),
        name in proptest::sample::select(NAMES.to_vec()),
        id in proptest::option::of(proptest::sample::select(IDS.to_vec())),
        goal in proptest::option::of(proptest::sample::select(IDS.to_vec())),
    ) {
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let policy = read(&text).valid().unwrap();
        let goals = vec![
            Goal { principal: UNITY_CATALOG_ROLES[0].to_owned(), external_id: goal.map(str::to_owned), sid: None },
            Goal { principal: ROLE.to_owned(), external_id: goal.map(str::to_owned), sid: None },
        ];
        let facts = Facts { role: Some(role()), goals, ..Facts::default() };
        let caller = Caller::Aws(format!("arn:aws:iam::{account}:{name}").parse().unwrap());
        let request = request_of(&caller, id, Some(&role()));
        let before = decide(&policy, &request).decision;
        for finding in lint_text(&text, &facts).unwrap() {
            let Some(Fix::Plan(plan)) = &finding.fix else { continue };
            if plan["label"].as_str().unwrap().contains(", which lets ") {
                continue;
            }
            let edits: Vec<Edit> = serde_json::from_value(plan["edits"].clone()).unwrap();
            let fixed = apply_all(&text, &edits).unwrap();
            let after = decide(&read(&fixed).valid().unwrap(), &request).decision;
            let closed = |one| matches!(one, Decision::ImplicitDeny | Decision::ExplicitDeny);
            prop_assert!(
                closed(after) || !closed(before) && (after == before || after != Decision::Allow),
                "{}: {:?} to {:?} for {:?} with {:?} in {}", finding.id, before, after, caller, id, text
            );
        }
    }
}
