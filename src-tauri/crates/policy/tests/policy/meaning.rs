//! What a cell of the matrix represents, and what the hashes distinguish: cases that were wrong once, or
//! nearly.

use headgate_policy::{
    Caller, CallerKind, CellChange, Decision, Goal, Named, Policy, axes, cells, changes, decide,
    needs_own_policy, read, request_of, semantic_hash, structural_hash,
};
use headgate_terms::Arn;

fn policy(principal: &str, condition: &str) -> Policy {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},
        "Action":"sts:AssumeRole","Condition":{condition}}}]}}"#
    );
    read(&text).valid().unwrap_or_else(|problems| panic!("{text}: {problems:?}"))
}

const ROOT: &str = "arn:aws:iam::417620938841:root";

fn role() -> Arn {
    "arn:aws:iam::417620938841:role/lake".parse().unwrap()
}

/// The callers of some kind who get in with some id or none.
fn allowed(policy: &Policy, kind: CallerKind) -> Vec<Named> {
    let axes = axes(&[policy], &[], Some(&role()));
    let mut callers: Vec<Named> = cells(policy, &axes, Some(&role()))
        .into_iter()
        .filter(|cell| cell.decision == Decision::Allow)
        .map(|cell| cell.principal)
        .filter(|named| axes.callers.iter().any(|row| row.principal == *named && row.kind == kind))
        .collect();
    callers.dedup();
    callers
}

#[test]
fn callers_that_match_a_pattern_have_a_row() {
    let team =
        policy(ROOT, r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::417620938841:role/team-*"}}"#);
    let data =
        policy(ROOT, r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::417620938841:role/data-*"}}"#);
    let any = Named::Aws("arn:aws:iam::417620938841:role/team-any".to_owned());
    assert_eq!(allowed(&team, CallerKind::Like), std::slice::from_ref(&any));
    assert_eq!(allowed(&team, CallerKind::OtherRole), []);
    let axes = axes(&[&team, &data], &[], Some(&role()));
    let closed = changes(&team, &data, &axes, Some(&role()));
    let shut = |one: &CellChange| one.principal == any && one.after == Decision::ImplicitDeny;
    assert!(closed.iter().any(shut), "{closed:?}");
}

#[test]
fn an_example_id_names_its_pattern() {
    let ids = policy(ROOT, r#"{"StringLike":{"sts:ExternalId":["*","crm-?","plain"]}}"#);
    let drawn = axes(&[&ids], &[], Some(&role()));
    let columns: Vec<(Option<&str>, Option<&str>)> =
        drawn.ids.iter().map(|id| (id.external_id.as_deref(), id.like.as_deref())).collect();
    assert_eq!(
        columns[..3],
        [(Some("any"), Some("*")), (Some("crm-a"), Some("crm-?")), (Some("plain"), None)]
    );
    assert!(columns[3..].iter().all(|(_, like)| like.is_none()), "{columns:?}");
    // A goal that has this very id is its own.
    let goal = Goal { principal: role().to_string(), external_id: Some("any".into()), sid: None };
    let named = axes(&[&ids], &[goal], Some(&role()));
    assert_eq!(named.ids[0].like, None);
}

#[test]
fn other_roles_and_other_ids_match_no_pattern() {
    let roles =
        policy(ROOT, r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::417620938841:role/*-role"}}"#);
    assert_eq!(allowed(&roles, CallerKind::OtherRole), []);
    let ids = policy(ROOT, r#"{"StringLike":{"sts:ExternalId":"*-id"}}"#);
    let drawn = axes(&[&ids], &[], Some(&role()));
    let other = drawn.ids.iter().find(|id| id.any_other).unwrap().external_id.clone();
    let through = cells(&ids, &drawn, Some(&role()));
    assert!(
        through
            .iter()
            .all(|one| one.external_id != other || one.decision == Decision::ImplicitDeny)
    );
}

#[test]
fn an_account_that_a_condition_names_has_a_row_and_no_stranger_is_of_it() {
    let account = policy("*", r#"{"StringEquals":{"aws:PrincipalAccount":"999999999999"}}"#);
    assert_eq!(allowed(&account, CallerKind::Stranger), []);
    let there = "arn:aws:iam::999999999999:role/any-other-role".to_owned();
    assert_eq!(allowed(&account, CallerKind::OtherRole), [Named::Aws(there)]);
}

#[test]
fn two_similar_operators_differ_from_one_with_both_values() {
    let (a, b) = ("arn:aws:iam::417620938841:role/a", "arn:aws:iam::417620938841:role/b");
    let both = policy(
        ROOT,
        &format!(
            r#"{{"ArnEquals":{{"aws:PrincipalArn":"{a}"}},"ArnLike":{{"aws:PrincipalArn":"{b}"}}}}"#
        ),
    );
    let either = policy(ROOT, &format!(r#"{{"ArnLike":{{"aws:PrincipalArn":["{a}","{b}"]}}}}"#));
    assert_ne!(semantic_hash(&both, None), semantic_hash(&either, None));
}

#[test]
fn a_key_in_other_capitals_means_the_same_and_reads_otherwise() {
    let (one, other) = (
        policy(ROOT, r#"{"StringEquals":{"sts:ExternalId":"ab"}}"#),
        policy(ROOT, r#"{"stringequals":{"sts:ExternalID":"ab"}}"#),
    );
    assert_eq!(semantic_hash(&one, None), semantic_hash(&other, None));
    assert_ne!(structural_hash(&one, None), structural_hash(&other, None));
}

#[test]
fn the_callers_own_policies_are_spoken_of_where_they_are_needed() {
    let itself = "arn:aws:iam::417620938841:role/lake";
    for (principal, condition, caller, needed) in [
        (itself, "{}", itself, false),
        (itself, "{}", "arn:aws:sts::417620938841:assumed-role/lake/s", false),
        (ROOT, "{}", itself, true),
        ("417620938841", "{}", itself, true),
        ("*", "{}", itself, false),
        ("*", "{}", "arn:aws:iam::210987654321:role/x", true),
        ("arn:aws:iam::210987654321:role/x", "{}", "arn:aws:iam::210987654321:role/x", true),
        (itself, "{}", "arn:aws:iam::210987654321:role/x", false),
        (
            "*",
            r#"{"StringEquals":{"sts:ExternalId":"ab"}}"#,
            "arn:aws:iam::210987654321:role/x",
            false,
        ),
    ] {
        let policy = policy(principal, condition);
        let caller = Caller::Aws(caller.parse().unwrap());
        let asked = request_of(&caller, None, Some(&role()));
        assert_eq!(needs_own_policy(&policy, &asked), needed, "{principal} {condition} {caller:?}");
        assert!(!needs_own_policy(&policy, &request_of(&caller, None, None)));
    }
}

#[test]
fn a_session_brings_its_roles_arn_whatever_the_path_is() {
    let session =
        Caller::Aws("arn:aws:sts::210987654321:assumed-role/deploy/jane".parse().unwrap());
    let root = "arn:aws:iam::210987654321:root";
    for (condition, decision) in [
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::210987654321:role/*"}}"#, Decision::Allow),
        (r#"{"StringLike":{"aws:PrincipalArn":"*deploy"}}"#, Decision::Allow),
        (
            r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::210987654321:role/deploy"}}"#,
            Decision::Unknown,
        ),
        (
            r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::210987654321:role/team/*"}}"#,
            Decision::Unknown,
        ),
        (
            r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::210987654321:role/other"}}"#,
            Decision::ImplicitDeny,
        ),
        (
            r#"{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::210987654321:role/other"}}"#,
            Decision::Allow,
        ),
        (
            r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:sts::210987654321:assumed-role/deploy/*"}}"#,
            Decision::ImplicitDeny,
        ),
        (r#"{"Null":{"aws:PrincipalArn":"false"}}"#, Decision::Allow),
        (
            r#"{"ForAnyValue:ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#,
            Decision::Allow,
        ),
    ] {
        let policy = policy(root, condition);
        let said = decide(&policy, &request_of(&session, None, Some(&role())));
        assert_eq!(said.decision, decision, "{condition}");
    }
}
