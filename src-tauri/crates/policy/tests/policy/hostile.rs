//! One hostile text in every place of a policy: no answer shows a character that acts on a terminal, or leaves
//! a back-tick open.

use std::collections::BTreeMap;

use headgate_policy::{
    Caller, CredentialFacts, Edit, Facts, Form, Goal, Goals, QUOTA, SegmentFacts, Who, apply,
    explain, export, id_fault, lint_text, new_policy, opens, plan, read, request_of,
};
use headgate_terms::{Arn, Error, Fix, acts};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A back-tick, ESC, a C1 control, bidi, a zero width, a line end and a brace.
const HOSTILE: &str = "x`\u{1b}[2J\u{9b}1m\u{202e}\u{200b}\n{}";
const ROLE: &str = "arn:aws:iam::904417220333:role/data/lake-writer";

struct Said {
    all: Vec<(String, String)>,
}

impl Said {
    fn add(&mut self, from: &str, text: &str) {
        self.all.push((from.to_owned(), text.to_owned()));
    }

    fn error(&mut self, from: &str, error: &Error) {
        self.add(from, &error.message);
        self.add(from, error.hint.as_deref().unwrap_or_default());
    }

    fn check(&self) {
        for (from, text) in &self.all {
            assert!(!text.contains(acts), "{from}: {text:?}");
            assert!(text.matches('`').count() % 2 == 0, "{from}: {text}");
        }
    }
}

/// All that can be said of a text with what is known beside it.
fn said(text: &str, facts: &Facts, goals: &Goals) -> Said {
    let mut said = Said { all: Vec::new() };
    let reading = read(text);
    for problem in &reading.problems {
        said.add("problem", &problem.message);
    }
    for finding in lint_text(text, facts).unwrap_or_default() {
        for part in [&finding.title, &finding.meaning, &finding.because] {
            said.add(&finding.id, part);
        }
        for part in [&finding.expected, &finding.found].into_iter().flatten() {
            // A value stands by itself, so its back-ticks are its own.
            said.add(&finding.id, &part.replace('`', ""));
        }
        if let Some(Fix::Plan(plan)) = &finding.fix {
            said.add(&finding.id, plan["label"].as_str().unwrap());
            let edits: Vec<Edit> = serde_json::from_value(plan["edits"].clone()).unwrap();
            for edit in &edits {
                // In another text than its own.
                if let Err(error) = apply(r#"{"Statement":{}}"#, edit) {
                    said.error("edit", &error);
                }
            }
        }
    }
    let Some(policy) = reading.policy else { return said };
    for form in [Form::Guide, Form::Separate] {
        match plan(text, &policy, goals, form, QUOTA) {
            Ok(plan) => {
                said.add("refused", plan.refused.as_ref().map_or("", |one| &one.message));
            }
            Err(error) => said.error("plan", &error),
        }
    }
    let mut callers = vec![
        Caller::Service(HOSTILE.to_owned()),
        Caller::Federated(HOSTILE.to_owned()),
        Caller::Aws(ROLE.parse().unwrap()),
    ];
    for principal in policy.statements.iter().flat_map(|one| &one.principals) {
        callers.extend(match &principal.who {
            Who::Service(name) => Some(Caller::Service(name.clone())),
            Who::Provider(name) => Some(Caller::Federated(name.clone())),
            _ => Caller::aws(&principal.text.value, None),
        });
    }
    for caller in callers {
        for id in [None, Some(HOSTILE)] {
            let mut request = request_of(&caller, id, facts.role.as_ref());
            said.add("because", &explain(&policy, text, &request).because);
            HOSTILE.clone_into(&mut request.action);
            said.add("because", &explain(&policy, text, &request).because);
        }
    }
    for before in
        ["", r#"{"Statement":{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:*"}}"#]
    {
        if let Some(opening) = opens(before, text, facts.role.as_ref()) {
            said.add("opening", &opening.sentence());
        }
    }
    said
}

fn facts() -> Facts {
    Facts {
        role: Some(ROLE.parse().unwrap()),
        credential: Some(CredentialFacts {
            external_id: HOSTILE.to_owned(),
            unity_catalog_arn: format!("arn:aws:iam::414351767826:role/{HOSTILE}"),
        }),
        databricks_account_id: Some(HOSTILE.to_owned()),
        segment: Some(SegmentFacts {
            principals: vec![format!("arn:aws:iam::595280932656:role/{HOSTILE}")],
            workspace_ids: vec![HOSTILE.to_owned(), "wk".to_owned()],
        }),
        goals: vec![Goal {
            principal: format!("arn:aws:iam::210987654321:role/{HOSTILE}"),
            external_id: Some(HOSTILE.to_owned()),
            sid: Some(HOSTILE.to_owned()),
        }],
        quota: Some(10),
        now: Some("2026-11-22T00:00:00Z".to_owned()),
        tags: Some(BTreeMap::from([(format!("{HOSTILE}terraform"), HOSTILE.to_owned())])),
        max_session_seconds: Some(7_200),
        self_assume_allowed: Some(false),
        existing: BTreeMap::from([(HOSTILE.to_owned(), false)]),
    }
}

fn goals(principal: &str, id: &str) -> Goals {
    let one = |principal: &str, id: Option<&str>| Goal {
        principal: principal.to_owned(),
        external_id: id.map(str::to_owned),
        sid: None,
    };
    Goals { role: ROLE.to_owned(), allow: vec![one(principal, Some(id)), one(ROLE, None)] }
}

/// A policy with each of its texts in turn made hostile, and with the hostile text beside it.
fn poured(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                let mut other = members.clone();
                other.insert(format!("{name}{HOSTILE}"), inner.clone());
                all.push(Value::Object(other));
                for changed in poured(inner) {
                    let mut other = members.clone();
                    other.insert(name.clone(), changed);
                    all.push(Value::Object(other));
                }
            }
        }
        Value::Array(elements) => {
            for (at, inner) in elements.iter().enumerate() {
                for changed in poured(inner) {
                    let mut other = elements.clone();
                    other[at] = changed;
                    all.push(Value::Array(other));
                }
            }
        }
        Value::String(text) => {
            all.push(json!(HOSTILE));
            all.push(json!(format!("{text}{HOSTILE}")));
            all.push(json!(format!("{HOSTILE}{text}")));
            all.push(json!([text, HOSTILE]));
            if let Some((before, after)) = text.split_once('/') {
                all.push(json!(format!("{before}/{HOSTILE}/{after}")));
            }
            if let Some((before, after)) = text.rsplit_once("::") {
                all.push(json!(format!("{before}:{HOSTILE}:{after}")));
            }
        }
        _ => {}
    }
    all
}

fn policies() -> Vec<Value> {
    let uc = "arn:aws:iam::414351767826:role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL";
    let vendor = "arn:aws:iam::210987654321:root";
    vec![
        json!({"Version": "2012-10-17", "Id": "one", "Statement": [
            {"Sid": "A", "Effect": "Allow", "Principal": {"AWS": [uc, ROLE, vendor]},
             "Action": ["sts:AssumeRole", "sts:TagSession"],
             "Condition": {"StringEquals": {"sts:ExternalId": ["7c0d9e52-41b8"], "aws:PrincipalTag/team": "x"}}},
            {"Sid": "B", "Effect": "Deny", "Principal": {"AWS": "*"}, "NotAction": "sts:TagSession",
             "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}}]}),
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
            "Principal": {"Federated": "token.actions.githubusercontent.com", "Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:*"}}}}),
        json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:*",
            "Condition": {"StringLikeIfExists": {"sts:externalid": "a*"},
                "IpAddress": {"aws:SourceIp": "198.51.100.0/24"},
                "DateLessThan": {"aws:CurrentTime": "2026-01-01"},
                "Bool": {"aws:MultiFactorAuthPresent": "true"}}}}),
    ]
}

#[test]
fn findings_escape_hostile_text_and_back_ticks() {
    let uc = "arn:aws:iam::414351767826:role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL";
    let mut count = 0;
    for policy in policies() {
        for poured in poured(&policy).into_iter().chain([policy.clone()]) {
            for facts in [facts(), Facts { role: Some(ROLE.parse().unwrap()), ..Facts::default() }]
            {
                let said = said(&poured.to_string(), &facts, &goals(uc, "wk9Qm3TzR7"));
                count += said.all.len();
                said.check();
            }
        }
    }
    assert!(count > 5_000, "{count}");
    // Not escaped, as somebody pastes it.
    for text in [
        HOSTILE.to_owned(),
        format!("{{\"Statement\": {HOSTILE}}}"),
        format!("{{\"{HOSTILE}\": 1}}"),
        format!("{{\"Statement\": [{{\"Sid\": \"{}\"}}]}}", HOSTILE.replace('\n', "")),
    ] {
        said(&text, &facts(), &goals(HOSTILE, HOSTILE)).check();
    }
}

#[test]
fn goals_and_requests_are_escaped_too() {
    let mut said = Said { all: Vec::new() };
    let role: Arn = ROLE.parse().unwrap();
    let text = policies()[0].to_string();
    let policy = read(&text).policy.unwrap();
    let hostile = format!("arn:aws:iam::904417220333:role/{HOSTILE}");
    for goals in [
        goals(HOSTILE, "ab"),
        goals(&hostile, "ab"),
        goals(ROLE, HOSTILE),
        Goals { role: HOSTILE.to_owned(), ..goals(ROLE, "ab") },
        Goals {
            allow: vec![Goal {
                principal: ROLE.to_owned(),
                external_id: None,
                sid: Some(HOSTILE.to_owned()),
            }],
            ..goals(ROLE, "ab")
        },
    ] {
        match plan(&text, &policy, &goals, Form::Separate, QUOTA) {
            Ok(plan) => said.add("refused", plan.refused.as_ref().map_or("", |one| &one.message)),
            Err(error) => said.error("goals", &error),
        }
    }
    for (role, catalog, id) in
        [(&hostile.parse().unwrap(), HOSTILE, "ab"), (&role, HOSTILE, "ab"), (&role, ROLE, HOSTILE)]
    {
        if let Err(error) = new_policy(role, catalog, id) {
            said.error("fresh", &error);
        }
    }
    if let Err(error) = export(HOSTILE, HOSTILE, headgate_policy::Export::Json) {
        said.error("export", &error);
    }
    said.add("id", id_fault(HOSTILE).unwrap_or_default());
    said.check();
    assert!(said.all.len() > 12, "{}", said.all.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_in_any_place_is_escaped(
        text in "[`\\PC\u{1b}\u{9b}\u{202e}\u{200b}\u{2028}]{1,12}",
        which in 0_usize..3,
        place in any::<proptest::sample::Index>(),
    ) {
        let all = poured(&policies()[which]);
        let document = place.get(&all).to_string();
        let escaped = json!(HOSTILE).to_string();
        let written = json!(text).to_string();
        let document =
            document.replace(escaped.trim_matches('"'), written.trim_matches('"'));
        said(&document, &facts(), &goals(ROLE, "ab")).check();
    }
}
