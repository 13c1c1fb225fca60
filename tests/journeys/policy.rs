//! `headgate policy` without an account: the documents and exit codes that `contract.md` promises. Calls to AWS
//! are tested in `tests/conformance`.

mod bad_input;

use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::desk::{Answer, Desk, finished};

const ROLE: &str = "arn:aws:iam::098765432109:role/lake";
const CATALOG: &str =
    "arn:aws:iam::414351767826:role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL";
const SEGMENT: &str =
    "arn:aws:iam::595280932656:role/segment-storage-destinations-production-access";
const CREDENTIAL: &str = "8a3c7f16-2d55-4a05-b0a8-9d1b8e3f7c21";
const WORKSPACE: &str = "w2qpLmT8xYvKd4RnSc6Bha";

/// The one statement of the guide, as its step 4.3 finds it.
fn of_the_guide() -> String {
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": [CATALOG, ROLE]}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": CREDENTIAL}}}]});
    serde_json::to_string_pretty(&policy).unwrap() + "\n"
}

fn goals() -> String {
    let goal = |principal, id| json!({"principal": principal, "externalId": id});
    let allow = [goal(CATALOG, CREDENTIAL), goal(ROLE, CREDENTIAL), goal(SEGMENT, WORKSPACE)];
    json!({"role": ROLE, "allow": allow}).to_string()
}

/// A desk with a policy and goals.
struct Table {
    desk: Desk,
    policy: String,
    goals: String,
}

impl Table {
    fn new() -> Self {
        let desk = Desk::new();
        let policy = desk.put("policy.json", of_the_guide()).display().to_string();
        let goals = desk.put("goals.json", goals()).display().to_string();
        Self { desk, policy, goals }
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        self.desk.put(name, bytes).display().to_string()
    }

    fn json(&self, arguments: &[&str]) -> Answer {
        self.desk.json(&[&["policy"], arguments].concat())
    }

    /// What the command does with this on its standard input.
    fn piped(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.desk.command(&[&["policy"], arguments].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Whoever has read enough closes its end.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    /// A page for a user, with what stands on stderr.
    fn page(&self, arguments: &[&str]) -> String {
        let output = self.desk.command(&[&["policy"], arguments].concat()).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn assert_has(value: &Value, names: &[&str]) {
    for name in names {
        assert!(keys(value).contains(name), "{name} of {value}");
    }
}

#[test]
fn a_valid_policy_is_valid_however_it_is_written() {
    let table = Table::new();
    let text = of_the_guide();
    let size = table.json(&["validate", &table.policy]).document["size"].clone();
    assert!(size.as_u64().is_some_and(|size| size > 300), "{size}");
    for (name, bytes) in [
        ("as it is", text.clone().into_bytes()),
        ("windows", text.replace('\n', "\r\n").into_bytes()),
        ("marked", ["\u{feff}", &text].concat().into_bytes()),
        ("spread", text.replace(": ", " :\t\n ").into_bytes()),
    ] {
        let answer = table.json(&["validate", &table.put("a.json", &bytes)]);
        let expected = json!({"v": 1, "valid": true, "errors": [], "size": size, "error": null});
        assert_eq!((answer.exit, &answer.document), (0, &expected), "{name}");
        let piped = finished(table.piped(&["validate", "-", "--json"], &bytes));
        assert_eq!((piped.exit, piped.document), (0, expected), "{name}, piped");
    }
    assert!(!table.desk.path("data").exists(), "looking makes nothing");
}

#[test]
fn requests_are_answered_in_order_with_their_own_ids() {
    let table = Table::new();
    let ids =
        ["1", "\"two\"", "null", "[3, {\"a\": 4.50}]", "123456789012345678901234567890", "-0.0"];
    let asked = |id: &str, rest: Value| format!("{{\"id\": {id}, {}", &rest.to_string()[1..]);
    let of = |principal: &str, context: Value| json!({"principal": principal, "action": "sts:AssumeRole", "context": context});
    let mut unknown = of(ROLE, json!({}));
    unknown["unknown"] = json!(["STS:externalID"]);
    let service = json!({"principal": {"service": "ec2.amazonaws.com"}, "action": "sts:AssumeRole", "role": ROLE});
    let provider = json!({"principal": {"federated": "accounts.example"}, "action": "sts:AssumeRoleWithWebIdentity"});
    let lines = [
        asked(ids[0], of(CATALOG, json!({"sts:externalid": CREDENTIAL}))),
        asked(ids[1], of(CATALOG, json!({"sts:ExternalId": ["other"]}))),
        asked(ids[2], of(CATALOG, json!({"sts:ExternalId": null}))),
        asked(ids[3], unknown),
        asked(ids[4], service),
        asked(ids[5], provider),
        of(SEGMENT, json!({"sts:ExternalId": CREDENTIAL, "aws:MultiFactorAuthPresent": true}))
            .to_string(),
    ];
    let decided = [
        "allow",
        "implicit_deny",
        "implicit_deny",
        "unknown",
        "implicit_deny",
        "implicit_deny",
        "implicit_deny",
    ];
    let requests = table.put("requests.ndjson", format!("\u{feff}{}\r\n\n", lines.join("\r\n")));
    let output = table
        .desk
        .command(&["policy", "evaluate", &table.policy, "--requests", &requests, "--json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), lines.len());
    for (at, line) in text.lines().enumerate() {
        let id = ids.get(at).unwrap_or(&"null");
        assert!(line.starts_with(&format!("{{\"id\":{id},")), "{line}");
        let answer: Value = serde_json::from_str(line).unwrap();
        assert_eq!(answer["decision"], decided[at], "{line}");
        assert!(answer["because"].as_str().unwrap().ends_with('.'), "{line}");
        assert_eq!(answer["statements"], if at == 0 || at == 3 { json!([0]) } else { json!([]) });
    }
    let none = table.put("none.ndjson", "\n \n");
    let silent = table
        .desk
        .command(&["policy", "evaluate", &table.policy, "--requests", &none, "--json"])
        .output()
        .unwrap();
    assert_eq!((silent.status.code(), silent.stdout.len()), (Some(0), 0));
    let denied = table.put("denied.json", of_the_guide().replace("Allow", "Deny"));
    let piped =
        table.piped(&["evaluate", &denied, "--requests", "-", "--json"], lines[0].as_bytes());
    let answer: Value = serde_json::from_slice(&piped.stdout).unwrap();
    assert_eq!(
        (&answer["decision"], &answer["statements"]),
        (&json!("explicit_deny"), &json!([0]))
    );
}

#[test]
fn lints_are_findings_and_an_exit_code() {
    let table = Table::new();
    let old = of_the_guide().replace("ExternalId", "ExternalID");
    let gone = of_the_guide().replace(CATALOG, "AROAEXAMPLE1234567890");
    let cases = [
        (vec!["lint", &table.policy], 0, vec![]),
        (vec!["lint", &table.policy, "--goals", &table.goals], 3, vec!["TP009"]),
        (vec!["lint", "old"], 3, vec!["TP017"]),
        (vec!["lint", "gone"], 3, vec!["TP014"]),
    ];
    // What AWS would refuse and no lint speaks of is no policy to lint.
    let escaped = of_the_guide().replace("Allow\",", "Allow\",\"Sid\":\"\\u001b\",");
    let refused = table.json(&["lint", &table.put("escaped", &escaped)]);
    assert_eq!((refused.exit, &refused.document["error"]["code"]), (1, &json!("policy_invalid")));
    let texts = [("old", old), ("gone", gone)];
    for (words, exit, expected) in cases {
        let path = texts
            .iter()
            .find(|(name, _)| *name == words[1])
            .map(|(name, text)| table.put(name, text));
        let words = [&["lint", path.as_deref().unwrap_or(words[1])], &words[2..]].concat();
        let answer = table.json(&words);
        let findings = answer.document["findings"].as_array().unwrap();
        let ids: Vec<_> = findings.iter().map(|one| one["id"].as_str().unwrap()).collect();
        for id in &expected {
            assert!(ids.contains(id), "{words:?}: {ids:?}");
        }
        assert_eq!(
            (answer.exit, ids.is_empty()),
            (exit, expected.is_empty()),
            "{words:?}: {ids:?}"
        );
        for finding in findings {
            assert_has(
                finding,
                &[
                    "id",
                    "step",
                    "severity",
                    "status",
                    "title",
                    "expected",
                    "found",
                    "meaning",
                    "because",
                    "evidence",
                    "range",
                    "statement",
                    "fix",
                ],
            );
        }
    }
}

#[test]
fn a_plan_is_made_satisfied_or_refused() {
    let table = Table::new();
    let shape = ["v", "satisfied", "refused", "after", "operations", "matrix", "size", "findings"];
    let plan = |policy: &str, form: &str, more: &[&str]| {
        let answer = table
            .json(&[&["plan", policy, "--goals", &table.goals, "--form", form], more].concat());
        assert_has(&answer.document, &shape);
        assert_has(&answer.document["size"], &["before", "after", "quota"]);
        answer
    };
    for (form, op, opened) in [("separate", "add_statement", 1), ("guide", "add_principal", 4)] {
        let made = plan(&table.policy, form, &[]);
        let document = &made.document;
        assert_eq!(
            (made.exit, &document["satisfied"], &document["refused"]),
            (0, &json!(false), &Value::Null),
            "{document}"
        );
        assert_eq!(document["operations"][0]["op"], op);
        assert!(document["operations"][0]["statement"].is_u64());
        let cells = document["matrix"].as_array().unwrap();
        for cell in cells {
            assert_has(cell, &["principal", "externalId", "before", "after"]);
        }
        let open =
            cells.iter().filter(|cell| cell["after"] == "allow" && cell["before"] != "allow");
        assert_eq!(open.count(), opened, "{form}");
        assert_eq!(document["size"]["quota"], 2048);
        // Planning again from the outcome finds nothing to do and hands back every byte.
        let after = document["after"].as_str().unwrap();
        for text in [after.to_owned(), after.replace('\n', "\r\n "), format!("\u{feff}{after}")] {
            let again = plan(&table.put("after.json", &text), form, &[]);
            assert_eq!((again.exit, &again.document["satisfied"]), (0, &json!(true)));
            assert_eq!(again.document["after"], text.as_str());
            assert_eq!(again.document["operations"], json!([]));
        }
    }
    let everyone =
        of_the_guide().replace(CATALOG, "*").replace("StringEquals", "ForAllValues:StringEquals");
    let denied = of_the_guide().replace("\"Statement\": [", "\"Statement\": [{\"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": \"sts:*\"},");
    for (text, form, more, code) in [
        (everyone, "guide", &[][..], "no_target"),
        (denied.clone(), "separate", &[], "deny_blocks_goal"),
        (denied, "guide", &[], "deny_blocks_goal"),
        (of_the_guide(), "separate", &["--quota", "400"], "too_large"),
    ] {
        let path = table.put("refused.json", &text);
        let out = table.desk.path("never.json").display().to_string();
        let refused = plan(&path, form, &[more, &["--out", &out]].concat());
        assert_eq!(
            (refused.exit, &refused.document["refused"]["code"]),
            (1, &json!(code)),
            "{}",
            refused.document
        );
        assert_eq!(refused.document["error"]["code"], "plan_refused");
        assert_eq!(refused.document["error"]["message"], refused.document["refused"]["message"]);
        assert_eq!(
            (&refused.document["after"], &refused.document["operations"]),
            (&json!(text), &json!([]))
        );
        assert!(!table.desk.path("never.json").exists() && !table.desk.path("data").exists());
    }
    let piped = finished(
        table.piped(&["plan", &table.policy, "--goals", "-", "--json"], goals().as_bytes()),
    );
    assert_eq!((piped.exit, &piped.document["operations"][0]["op"]), (0, &json!("add_statement")));
}

#[test]
fn matrix_and_diff() {
    let table = Table::new();
    let matrix = table.json(&["matrix", &table.policy, "--goals", &table.goals]);
    assert_eq!(matrix.exit, 0);
    let list = |name: &str| matrix.document[name].as_array().unwrap().clone();
    let (callers, ids, cells) = (list("callers"), list("external_ids"), list("cells"));
    assert_eq!(callers[..3], [json!(CATALOG), json!(ROLE), json!(SEGMENT)]);
    assert_eq!((&ids[0], ids.last()), (&json!(CREDENTIAL), Some(&Value::Null)));
    assert_eq!(cells.len(), callers.len() * ids.len());
    let allowed: Vec<_> = cells.iter().filter(|cell| cell["decision"] == "allow").collect();
    let cell = |principal: &str| json!({"principal": principal, "externalId": CREDENTIAL, "decision": "allow", "statements": [0]});
    assert_eq!(allowed, [&cell(CATALOG), &cell(ROLE)]);

    let answer = table.json(&["plan", &table.policy, "--goals", &table.goals]);
    let after = table.put("after.json", answer.document["after"].as_str().unwrap());
    let diff = table.json(&["diff", &table.policy, &after]);
    let opened = json!([{"principal": SEGMENT, "externalId": WORKSPACE, "before": "implicit_deny", "after": "allow"}]);
    assert_eq!((diff.exit, &diff.document["cells"]), (0, &opened));
    let text = diff.document["text"].as_str().unwrap();
    assert!(
        text.starts_with("--- before\n+++ after\n@@ ")
            && text.contains(&format!("\n+          \"sts:ExternalId\": \"{WORKSPACE}\"")),
        "{text}"
    );
    let same = table.json(&["diff", &table.policy, &table.policy]).document;
    assert_eq!((&same["text"], &same["cells"]), (&json!(""), &json!([])));

    for (principal, more, decision, names) in [
        (CATALOG, &["--external-id", CREDENTIAL][..], "allow", true),
        (CATALOG, &["--context", "sts:ExternalId"], "implicit_deny", true),
        ("ec2.amazonaws.com", &[], "implicit_deny", false),
        ("098765432109", &["--context", "aws:PrincipalOrgID=o-1"], "implicit_deny", false),
    ] {
        let said =
            table.json(&[&["explain", &table.policy, "--principal", principal], more].concat());
        assert_eq!((said.exit, &said.document["decision"]), (0, &json!(decision)), "{principal}");
        assert_eq!(said.document["said"][0]["names"], names, "{principal}");
    }

    let small: Value = serde_json::from_str(&of_the_guide()).unwrap();
    for (to, begins) in [
        ("cli", "aws iam update-assume-role-policy \\\n  --role-name lake \\\n"),
        ("terraform", "resource \"aws_iam_role\" \"lake\" {\n"),
        ("terraform-import", "import {\n  to = aws_iam_role.lake\n  id = \"lake\"\n}\n"),
        ("terraform-document", "data \"aws_iam_policy_document\" \"lake_trust\" {\n"),
        ("terraform-jsonencode", "jsonencode({\n"),
        ("cloudformation", "{\n  \"Resources\": {\n"),
        ("json", "{\"Statement\":[{"),
    ] {
        let exported = table.json(&["export", &table.policy, "--to", to, "--role", ROLE]);
        let text = exported.document["text"].as_str().unwrap();
        assert!(
            exported.exit == 0 && text.starts_with(begins) && text.contains(CREDENTIAL),
            "{text}"
        );
        let document =
            match to {
                "json" => serde_json::from_str(text).unwrap(),
                "cloudformation" => {
                    serde_json::from_str::<Value>(text).unwrap()["Resources"]["Lake"]["Properties"]
                        ["AssumeRolePolicyDocument"]
                        .clone()
                }
                _ => continue,
            };
        assert_eq!(document, small);
    }
    assert_eq!(table.json(&["history"]).document, json!({"v": 1, "changes": []}));
    assert!(!table.desk.path("data").exists(), "looking makes nothing");
}
