//! Properties of every policy: an edit can be undone, bytes that need not change do not, and the semantic hash
//! does not depend on formatting.

use headgate_policy::{
    ConditionDraft, Edit, Effect, Form, Goal, Goals, PrincipalKind, PrincipalRef, QUOTA,
    StatementDraft, apply, apply_all, plan, read, semantic_hash, structural_hash,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::417620938841:role/lake/headgate-lake-writer";

/// A way to write JSON.
#[derive(Debug, Clone, Copy)]
struct Hand {
    newline: &'static str,
    indent: &'static str,
    colon: &'static str,
    /// Escapes every letter `s`.
    escapes: bool,
    /// Turns the order of lists and objects round.
    turned: bool,
    /// Writes lists of one as texts.
    bare: bool,
}

fn hand() -> impl Strategy<Value = Hand> {
    (
        prop_oneof![Just("\n"), Just("\r\n"), Just(""), Just("\n\n")],
        prop_oneof![Just("  "), Just("\t"), Just("    "), Just("")],
        prop_oneof![Just(":"), Just(": "), Just(" :  ")],
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(newline, indent, colon, escapes, turned, bare)| Hand {
            newline,
            indent,
            colon,
            escapes,
            turned,
            bare,
        })
}

impl Hand {
    fn text(self, text: &str) -> String {
        let written = Value::from(text).to_string();
        if self.escapes { written.replace('s', "\\u0073") } else { written }
    }

    fn write(self, value: &Value, depth: usize) -> String {
        let inner = format!("{}{}", self.newline, self.indent.repeat(depth + 1));
        let outer = format!("{}{}", self.newline, self.indent.repeat(depth));
        let joined = |open: &str, mut members: Vec<String>, close: &str| {
            if self.turned {
                members.reverse();
            }
            if members.is_empty() {
                return format!("{open}{close}");
            }
            format!("{open}{inner}{}{outer}{close}", members.join(&format!(",{inner}")))
        };
        match value {
            Value::String(text) => self.text(text),
            // A statement stays where it is: statements are counted.
            Value::Array(values) if self.bare && values.len() == 1 && values[0].is_string() => {
                self.write(&values[0], depth)
            }
            Value::Array(values) if values.first().is_some_and(Value::is_object) => {
                let members: Vec<String> =
                    values.iter().map(|value| self.write(value, depth + 1)).collect();
                format!("[{inner}{}{outer}]", members.join(&format!(",{inner}")))
            }
            Value::Array(values) => {
                joined("[", values.iter().map(|value| self.write(value, depth + 1)).collect(), "]")
            }
            Value::Object(members) => joined(
                "{",
                members
                    .iter()
                    .map(|(name, value)| {
                        format!("{}{}{}", self.text(name), self.colon, self.write(value, depth + 1))
                    })
                    .collect(),
                "}",
            ),
            other => other.to_string(),
        }
    }
}

const PRINCIPALS: [&str; 5] = [
    "arn:aws:iam::414351767826:role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL",
    ROLE,
    "arn:aws:iam::595280932656:role/segment-storage-destinations-production-access",
    "arn:aws:iam::263518094417:user/someone",
    "arn:aws:iam::263518094417:root",
];
const IDS: [&str; 4] = ["7c0d9e52-41b8", "hV3kTq8mXw2L", "0000", "other+id/1"];

fn some(of: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(of.to_vec(), 1..=of.len())
}

fn statement() -> impl Strategy<Value = Value> {
    let test = prop_oneof![
        Just("StringEquals"),
        Just("StringLike"),
        Just("StringEqualsIgnoreCase"),
        Just("StringNotEquals")
    ];
    let key = prop_oneof![Just("sts:ExternalId"), Just("sts:ExternalID"), Just("STS:externalid")];
    let condition = proptest::option::weighted(0.8, (test, key, some(&IDS)));
    let org = proptest::bool::weighted(0.1);
    (proptest::bool::weighted(0.85), some(&PRINCIPALS), condition, org).prop_map(
        |(allow, principals, condition, org)| {
            let mut statement = json!({
                "Effect": if allow { "Allow" } else { "Deny" },
                "Principal": {"AWS": principals},
                "Action": ["sts:AssumeRole"],
            });
            if let Some((test, key, ids)) = condition {
                statement["Condition"] = json!({test: {key: ids}});
            }
            if org {
                statement["Condition"]["StringEqualsIfExists"] =
                    json!({"aws:PrincipalOrgID": ["o-1"]});
            }
            statement
        },
    )
}

fn policy() -> impl Strategy<Value = Value> {
    proptest::collection::vec(statement(), 1..4)
        .prop_map(|statements| json!({"Version": "2012-10-17", "Statement": statements}))
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = 0_usize..4;
    let id = proptest::sample::select(IDS.to_vec()).prop_map(str::to_owned);
    let principal = proptest::sample::select(PRINCIPALS.to_vec()).prop_map(str::to_owned);
    let kind = PrincipalKind::Aws;
    let test = || prop_oneof![Just("StringEquals".to_owned()), Just("StringLike".to_owned())];
    let key = "sts:ExternalId".to_owned();
    prop_oneof![
        (at.clone(), principal.clone()).prop_map(move |(statement, value)| Edit::AddPrincipal {
            statement,
            kind,
            value
        }),
        (at.clone(), principal.clone()).prop_map(move |(statement, value)| Edit::RemovePrincipal {
            statement,
            kind,
            value
        }),
        (at.clone(), test(), id.clone()).prop_map({
            let key = key.clone();
            move |(statement, operator, value)| Edit::AddConditionValue {
                statement,
                operator,
                key: key.clone(),
                value,
            }
        }),
        (at.clone(), test(), id.clone()).prop_map({
            let key = key.clone();
            move |(statement, operator, value)| Edit::RemoveConditionValue {
                statement,
                operator,
                key: key.clone(),
                value,
            }
        }),
        (at.clone(), test()).prop_map({
            let key = key.clone();
            move |(statement, operator)| Edit::RemoveCondition {
                statement,
                operator,
                key: key.clone(),
            }
        }),
        (at.clone(), id.clone()).prop_map(|(statement, id)| Edit::AddCondition {
            statement,
            operator: "StringEquals".to_owned(),
            key: "aws:PrincipalTag/x".to_owned(),
            values: vec![id],
        }),
        (at.clone(), "[A-Za-z0-9]{0,6}")
            .prop_map(|(statement, sid)| Edit::SetSid { statement, sid: Some(sid) }),
        at.clone().prop_map(|statement| Edit::SetEffect { statement, effect: Effect::Deny }),
        at.clone().prop_map(|statement| Edit::RemoveStatement { statement }),
        (at.clone(), at.clone())
            .prop_map(|(statement, with)| Edit::MergeStatements { statement, with }),
        (at, principal, id).prop_map(move |(statement, value, id)| Edit::AddStatement {
            statement,
            draft: StatementDraft {
                sid: None,
                effect: Effect::Allow,
                principals: vec![PrincipalRef { kind, value }],
                actions: vec!["sts:AssumeRole".to_owned()],
                conditions: vec![ConditionDraft {
                    operator: "StringEquals".to_owned(),
                    key: key.clone(),
                    values: vec![id],
                }],
            },
        }),
    ]
}

fn goals() -> impl Strategy<Value = Goals> {
    let goal =
        (some(&PRINCIPALS), proptest::sample::select(IDS.to_vec())).prop_map(|(principals, id)| {
            Goal {
                principal: principals[0].to_owned(),
                external_id: Some(id.to_owned()),
                sid: None,
            }
        });
    proptest::collection::vec(goal, 1..3).prop_map(|allow| Goals { role: ROLE.to_owned(), allow })
}

/// The bytes that an undoing write does not touch.
fn untouched<'t>(undo: &Edit, text: &'t str) -> (&'t str, &'t str) {
    let Edit::Write { start, end, .. } = undo else { panic!("{undo:?}") };
    (&text[..*start], &text[*end..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_edit_can_be_undone(policy in policy(), hand in hand(), edits in proptest::collection::vec(edit(), 1..4)) {
        let first = hand.write(&policy, 0);
        let mut text = first.clone();
        let mut undos = Vec::new();
        for edit in &edits {
            let Ok(edited) = apply(&text, edit) else { continue };
            prop_assert!(read(&edited.text).policy.is_some(), "{edit:?} makes {}", edited.text);
            let (before, after) = untouched(&edited.undo, &edited.text);
            prop_assert!(text.starts_with(before) && text.ends_with(after));
            undos.push(edited.undo);
            text = edited.text;
        }
        undos.reverse();
        prop_assert_eq!(apply_all(&text, &undos).unwrap(), first);
    }

    #[test]
    fn an_edit_means_the_same_however_the_text_is_written(policy in policy(), hand in hand(), edit in edit()) {
        let plain = serde_json::to_string_pretty(&policy).unwrap();
        let written = hand.write(&policy, 0);
        let hash = |text: &str| semantic_hash(&read(text).policy.expect("a policy"), None);
        match (apply(&plain, &edit), apply(&written, &edit)) {
            (Ok(one), Ok(other)) => prop_assert_eq!(hash(&one.text), hash(&other.text)),
            (one, other) => prop_assert_eq!(one.is_err(), other.is_err()),
        }
    }

    #[test]
    fn a_plan_is_made_once(policy in policy(), hand in hand(), goals in goals(), guide in any::<bool>()) {
        let text = hand.write(&policy, 0);
        let form = if guide { Form::Guide } else { Form::Separate };
        let read_policy = read(&text).valid().unwrap();
        let made = plan(&text, &read_policy, &goals, form, QUOTA).unwrap();
        if made.refused.is_some() || made.satisfied {
            prop_assert_eq!(&made.after, &text);
            return Ok(());
        }
        let new = read(&made.after).valid().unwrap();
        let again = plan(&made.after, &new, &goals, form, QUOTA).unwrap();
        prop_assert!(again.satisfied && again.operations.is_empty());
        prop_assert_eq!(&again.after, &made.after);
        // Every old statement that is not added to stands in the new text as it stood.
        if form == Form::Separate {
            for statement in &read_policy.statements {
                let old = &text[statement.range.start..statement.range.end];
                prop_assert!(made.after.contains(old));
            }
        }
    }

    #[test]
    fn no_refusal_advises_what_is_refused_too(policy in policy(), goals in goals(), guide in any::<bool>(), quota in 300_usize..2_048) {
        let text = policy.to_string();
        let read_policy = read(&text).valid().unwrap();
        let forms = if guide { [Form::Guide, Form::Separate] } else { [Form::Separate, Form::Guide] };
        let [made, other] = forms.map(|form| plan(&text, &read_policy, &goals, form, quota).unwrap());
        let Some(refused) = made.refused else { return Ok(()) };
        let advice = ["The guide's form is small enough.", "Give each caller a statement of its own instead."];
        if advice.iter().any(|advice| refused.message.contains(advice)) {
            prop_assert!(other.refused.is_none(), "{} {:?}", refused.message, other.refused);
        }
        prop_assert_eq!(refused.message.matches("statement of its own").count() > 1, false);
    }

    #[test]
    fn the_semantic_hash_ignores_formatting(policy in policy(), one in hand(), other in hand(), turn in any::<bool>()) {
        let (first, second) = (one.write(&policy, 0), {
            let mut policy = policy.clone();
            let statements = policy["Statement"].as_array_mut().unwrap();
            if turn {
                statements.reverse();
            }
            for statement in statements.iter_mut() {
                statement["Action"] = json!("STS:assumerole");
                let named = statement["Principal"]["AWS"].as_array_mut().unwrap();
                for principal in named {
                    if principal == "arn:aws:iam::263518094417:root" {
                        *principal = json!("263518094417");
                    }
                }
            }
            other.write(&policy, 0)
        });
        let (a, b) = (read(&first).policy.unwrap(), read(&second).policy.unwrap());
        prop_assert_eq!(semantic_hash(&a, None), semantic_hash(&b, None));
        prop_assert_eq!(structural_hash(&a, None), structural_hash(&b, None));
        // And what is a change: a name to one hash, an id to both.
        let named = apply(&first, &Edit::SetSid { statement: 0, sid: Some("Named".to_owned()) }).unwrap();
        let named = read(&named.text).policy.unwrap();
        prop_assert_eq!(semantic_hash(&a, None), semantic_hash(&named, None));
        prop_assert_ne!(structural_hash(&a, None), structural_hash(&named, None));
        let more = Edit::AddPrincipal {
            statement: 0,
            kind: PrincipalKind::Aws,
            value: "arn:aws:iam::999999999999:role/new".to_owned(),
        };
        let more = read(&apply(&first, &more).unwrap().text).policy.unwrap();
        prop_assert_ne!(semantic_hash(&a, None), semantic_hash(&more, None));
    }
}
