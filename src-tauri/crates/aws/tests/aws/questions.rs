//! Quota, self-assumption and Access Analyzer, on servers that have these calls and on servers that do not.

use headgate_aws::{AnalyzerFinding, Aws};
use headgate_terms::Range;

use crate::alone::{Home, KEYS, alone};
use crate::canned::{Canned, error, identity, result};

const ROLE: &str = "arn:aws:iam::417620938841:role/lake";

#[test]
fn self_assumption_is_simulated() {
    let home = Home { variables: &KEYS, ..Home::default() };
    alone("questions::self_assumption_is_simulated", &home, async || {
        for (decision, allowed) in
            [("allowed", true), ("implicitDeny", false), ("explicitDeny", false)]
        {
            let canned = Canned::start(move |_| {
                let inner = format!(
                    "<EvaluationResults><member><EvalActionName>sts:AssumeRole</EvalActionName>\
                     <EvalDecision>{decision}</EvalDecision></member></EvaluationResults>"
                );
                result("SimulatePrincipalPolicy", &inner)
            });
            let aws = Aws::open(&canned.access()).await.expect("it opens");
            assert_eq!(aws.self_assume_allowed(ROLE, Some("id")).await, Ok(Some(allowed)));
            let sent = canned.last("SimulatePrincipalPolicy").parameters;
            let value = |key: &str| sent.get(key).map(String::as_str);
            assert_eq!(value("PolicySourceArn"), Some(ROLE));
            assert_eq!(value("ResourceArns.member.1"), Some(ROLE));
            assert_eq!(value("ActionNames.member.1"), Some("sts:AssumeRole"));
            assert_eq!(value("ContextEntries.member.1.ContextKeyName"), Some("sts:ExternalId"));
            assert_eq!(value("ContextEntries.member.1.ContextKeyValues.member.1"), Some("id"));
        }
    });
}

#[test]
fn a_missing_permission_gives_none() {
    let home = Home { variables: &KEYS, ..Home::default() };
    alone("questions::a_missing_permission_gives_none", &home, async || {
        let canned = Canned::start(|request| match request.action() {
            "GetCallerIdentity" => identity("arn:aws:iam::417620938841:user/ann"),
            "/policy/validation" => {
                (403, r#"{"__type":"AccessDeniedException","message":"no"}"#.into())
            }
            _ => error(403, "AccessDenied", "User: x is not authorized"),
        });
        let aws = Aws::open(&canned.access()).await.expect("it opens");
        assert_eq!(aws.quota().await, Ok(None));
        assert_eq!(aws.self_assume_allowed(ROLE, None).await, Ok(None));
        assert_eq!(aws.principal_exists(ROLE).await, Ok(None));
        assert_eq!(aws.principal_exists("arn:aws:iam::417620938841:user/ann").await, Ok(None));
        assert_eq!(aws.validate("{}").await, Ok(None));

        let canned = Canned::start(|_| {
            result(
                "GetAccountSummary",
                "<SummaryMap><entry><key>Users</key><value>3</value></entry></SummaryMap>",
            )
        });
        let aws = Aws::open(&canned.access()).await.expect("it opens");
        assert_eq!(aws.quota().await, Ok(None));
    });
}

#[test]
fn the_analyzer_is_read_to_its_last_page() {
    let home = Home { variables: &KEYS, ..Home::default() };
    alone("questions::the_analyzer_is_read_to_its_last_page", &home, async || {
        let text = "{\"é\": 1,\n \"x\": 2}";
        let finding = |code: &str, kind: &str, places: &str| {
            format!(
                r#"{{"findingDetails":"Do this.","findingType":"{kind}","issueCode":"{code}","learnMoreLink":"https://docs.aws.amazon.com/x","locations":[{places}]}}"#
            )
        };
        let place = r#"{"path":[{"value":"x"}],"span":{"start":{"line":2,"column":1,"offset":10},"end":{"line":2,"column":4,"offset":13}}}"#;
        let first = format!(
            r#"{{"findings":[{}],"nextToken":"more"}}"#,
            finding("ONE", "SECURITY_WARNING", place)
        );
        let second = format!(r#"{{"findings":[{}]}}"#, finding("TWO", "SUGGESTION", ""));
        let canned = Canned::start(move |request| {
            let more = request.line.contains("nextToken=more");
            (200, if more { second.clone() } else { first.clone() })
        });
        let aws = Aws::open(&canned.access()).await.expect("it opens");
        let found = aws.validate(text).await.expect("an answer").expect("findings");
        let named = |code: &str, kind: &str, spans: Vec<Range>| AnalyzerFinding {
            kind: kind.into(),
            code: code.into(),
            details: "Do this.".into(),
            learn_more: "https://docs.aws.amazon.com/x".into(),
            spans,
        };
        let x = text.find("\"x\"").expect("it is there");
        let x = Range { start: x, end: x + 3 };
        assert_eq!(
            found,
            [named("ONE", "security_warning", vec![x]), named("TWO", "suggestion", vec![])]
        );
        let asked = canned.asked.lock().unwrap()[0].clone();
        assert!(asked.line.starts_with("POST /policy/validation"), "{}", asked.line);
        for part in ["RESOURCE_POLICY", "AWS::IAM::AssumeRolePolicyDocument", "policyDocument"] {
            assert!(asked.body.contains(part), "{}", asked.body);
        }
    });
}
