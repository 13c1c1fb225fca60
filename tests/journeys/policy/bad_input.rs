//! Wrong texts, files and arguments of `headgate policy`, and how pages show them.

use serde_json::{Value, json};

use super::{CATALOG, CREDENTIAL, ROLE, SEGMENT, Table, of_the_guide};
use crate::bad_input::assert_error;

#[test]
fn an_invalid_policy_names_the_place_and_the_reason() {
    let table = Table::new();
    let text = of_the_guide();
    let encoded = text.replace('{', "%7B").replace('"', "%22").replace('\n', "%0A");
    let statement = |more: Value| {
        let mut one = json!({"Effect": "Allow", "Action": "sts:AssumeRole"});
        one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"Version": "2012-10-17", "Statement": [one]}).to_string()
    };
    let identity = statement(json!({"Action": "s3:GetObject", "Resource": "*"}));
    let unknown = statement(json!({"Principal": {"AWS": "*"}, "Conditon": {}}));
    let permission = ["missing_principal", "not_sts_action", "resource_not_allowed"];
    let changed = |from: &str, to: &str| text.replace(from, to).into_bytes();
    let bucket = statement(
        json!({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", "Principal": "*"}),
    );
    let cases: [(&str, Vec<u8>, &[&str]); 14] = [
        ("nothing", Vec::new(), &["empty"]),
        ("prose", b"Dear admin,\nplease trust us.".to_vec(), &["not_json"]),
        ("half a paste", text.as_bytes()[..text.len() / 2].to_vec(), &["not_json"]),
        ("a megabyte", vec![b'x'; 1 << 20], &["too_large"]),
        ("as the API has it", encoded.into_bytes(), &["encoded"]),
        ("an identity policy", identity.into_bytes(), &permission),
        ("a bucket policy", bucket.into_bytes(), &["bare_principal", permission[1], permission[2]]),
        ("an unknown element", unknown.into_bytes(), &["unknown_element"]),
        (
            "a key twice",
            changed("\"Effect\"", "\"Effect\": \"Deny\", \"Effect\""),
            &["duplicate_key"],
        ),
        ("a comment", changed("{\n", "{ // mine\n"), &["not_json"]),
        ("NUL", changed("Allow", "Al\0low"), &["not_json"]),
        ("another alphabet", changed("Allow", "Аllow"), &["bad_character", "invalid_effect"]),
        ("Latin-1", b"{\"Version\": \"\xe9\"}".to_vec(), &["not_json"]),
        ("UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect(), &["not_json"]),
    ];
    for (name, bytes, codes) in cases {
        let path = table.put("a.json", &bytes);
        let answer = table.json(&["validate", &path]);
        let errors = answer.document["errors"].as_array().unwrap();
        let mut found: Vec<_> = errors.iter().filter_map(|one| one["code"].as_str()).collect();
        found.sort_unstable();
        assert_eq!((answer.exit, found), (1, codes.to_vec()), "{name}: {}", answer.document);
        assert_eq!(answer.document["valid"], false, "{name}");
        for one in errors {
            assert!(one["line"].as_u64() > Some(0) && one["column"].as_u64() > Some(0), "{name}");
            assert!(
                one["message"]
                    .as_str()
                    .is_some_and(|text| text.ends_with('.') || text.ends_with('?')),
                "{one}"
            );
        }
        if codes == ["encoded"] {
            // There is no doubt what it means, so the others decode it.
            assert_eq!(table.json(&["matrix", &path]).exit, 0);
            continue;
        }
        // Whatever needs a policy refuses it, says where, and prints nothing else.
        let requests = table.put("requests.ndjson", "");
        for words in [
            &["evaluate", &path, "--requests", &requests][..],
            &["matrix", &path],
            &["explain", &path, "--principal", SEGMENT],
            &["plan", &path, "--goals", &table.goals, "--form", "guide"],
            &["diff", &path, &table.policy],
            &["diff", &table.policy, &path],
        ] {
            let answer = table.json(words);
            assert_eq!(answer.exit, 1, "{name}, {words:?}");
            assert_error(&answer.document, "policy_invalid");
        }
        assert!(!table.page(&["validate", &path]).contains(['\0', '\u{1b}']), "{name}");
    }
    assert!(!table.desk.path("data").exists());
}

#[test]
fn wrong_policy_arguments_and_files_touch_nothing() {
    let table = Table::new();
    let folder = table.desk.path("in").display().to_string();
    let file = |name: &str, text: &str| table.put(name, text);
    let goals = |text: &str, at: usize| file(&format!("goals{at}.json"), text);
    let allow = |goal: &str| format!("{{\"role\": \"{ROLE}\", \"allow\": [{goal}]}}");
    let plan =
        |goals: String| vec!["plan".to_owned(), table.policy.clone(), "--goals".to_owned(), goals];
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let (policy, good) = (table.policy.as_str(), table.goals.as_str());
    let line = |number: usize, what: &str| {
        let good = json!({"principal": SEGMENT, "action": "sts:AssumeRole"});
        let lines: Vec<String> = (1..=3)
            .map(|at| if at == number { what.to_owned() } else { good.to_string() })
            .collect();
        words(&[
            "evaluate",
            policy,
            "--requests",
            &file(&format!("r{number}.ndjson"), &lines.join("\n")),
        ])
    };
    let cases = [
        (words(&["validate", "/none/at/all"]), 1, "file_unreadable"),
        (words(&["validate", &folder]), 1, "file_unreadable"),
        (words(&["lint", &folder]), 1, "file_unreadable"),
        (words(&["validate"]), 2, "wrong_use"),
        (words(&["plan", policy]), 2, "wrong_use"),
        (words(&["plan", policy, "--goals", good, "--form", "other"]), 2, "wrong_use"),
        (words(&["plan", "-", "--goals", "-"]), 2, "wrong_use"),
        (words(&["plan", policy, "--to", policy, "--out", "p.json"]), 2, "wrong_use"),
        (words(&["diff", "-", "-"]), 2, "wrong_use"),
        (words(&["evaluate", "-", "--requests", "-"]), 2, "wrong_use"),
        (words(&["lint", policy, "--role", "lake"]), 2, "wrong_use"),
        (words(&["export", policy, "--to", "cli"]), 2, "wrong_use"),
        (plan("/none/at/all".to_owned()), 1, "file_unreadable"),
        (plan(goals("no goals", 1)), 1, "goals_invalid"),
        (plan(goals(&format!("{{\"role\": \"{ROLE}\"}}"), 2)), 1, "goals_invalid"),
        (plan(goals(&allow(""), 3)), 1, "goals_invalid"),
        (
            plan(goals("{\"role\": \"lake\", \"allow\": [{\"principal\": \"*\"}]}", 4)),
            1,
            "goals_invalid",
        ),
        (plan(goals(&allow("{\"principal\": \"segment\"}"), 5)), 1, "goals_invalid"),
        (
            plan(goals(
                &allow(&format!("{{\"principal\": \"{SEGMENT}\", \"externalId\": \"<ID>\"}}")),
                6,
            )),
            1,
            "goals_invalid",
        ),
        (plan(file("goals7.json", "\u{feff}")), 1, "goals_invalid"),
        (line(1, "no request"), 1, "requests_invalid"),
        (
            line(2, "{\"principal\": \"everyone\", \"action\": \"sts:AssumeRole\"}"),
            1,
            "requests_invalid",
        ),
        (
            line(3, "{\"principal\": {\"service\": 1}, \"action\": \"sts:AssumeRole\"}"),
            1,
            "requests_invalid",
        ),
        (words(&["apply", "/none/at/all"]), 1, "file_unreadable"),
        (words(&["apply", policy]), 1, "plan_invalid"),
        (words(&["restore", "nothing"]), 1, "change_not_found"),
    ];
    for (words, exit, code) in cases {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let answer = table.json(&words);
        assert_eq!(answer.exit, exit, "{words:?}: {}", answer.document);
        assert_error(&answer.document, code);
        if code == "requests_invalid" {
            let number = words[3].chars().rev().find(char::is_ascii_digit).unwrap();
            let said = answer.document["error"]["message"].as_str().unwrap();
            assert!(said.contains(&format!("Line {number} ")), "{said}");
        }
    }
    assert!(!table.desk.path("data").exists());
}

#[test]
fn pages_escape_hostile_text() {
    let table = Table::new();
    let page = |words: &[&str]| {
        let text = table.page(words);
        let moves =
            |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
        assert!(text.len() > 10 && !text.contains(moves), "{words:?}: {text:?}");
        text
    };
    // What a paste may hold: escapes that clear the screen or turn the line around, raw and as JSON has them.
    for nasty in ["\u{1b}[2J", "\\u001b[2J", "\u{9b}2J", "\u{202e}", "\\u202e", "\r"] {
        let text = of_the_guide()
            .replace("role/lake", &format!("role/{nasty}lake"))
            .replace("\"Effect\"", &format!("\"Sid\": \"{nasty}\", \"Effect\""));
        let path = table.put("nasty.json", text);
        for words in [
            &["validate", &path][..],
            &["lint", &path],
            &["diff", &path, &table.policy],
            &["matrix", &path],
        ] {
            page(words);
        }
    }
    let key = of_the_guide().replace("StringEquals", "StringLike").replace(CREDENTIAL, "\u{9b}2J");
    let key = table.put("key.json", key);
    assert!(page(&["matrix", &key]).contains("\\u{9b}2J"));
    page(&["lint", &key]);
    page(&["explain", &key, "--principal", CATALOG]);
    page(&["plan", &key, "--goals", &table.goals]);

    let planned = page(&["plan", &table.policy, "--goals", &table.goals]);
    for part in
        ["--- before", "Operations", "What changes", "of 2048 characters", "`--out plan.json`"]
    {
        assert!(planned.contains(part), "{part}: {planned}");
    }
    let out = table.desk.path("plan.json").display().to_string();
    assert!(
        page(&["plan", &table.policy, "--goals", &table.goals, "--out", &out])
            .contains(&format!("`headgate policy apply {out}`"))
    );
    assert!(page(&["matrix", &table.policy]).contains(&format!(" {CATALOG}  allowed")));
    assert!(page(&["export", &table.policy, "--to", "json"]).starts_with("{\"Statement\""));
    assert!(page(&["history"]).contains("Nothing was written yet."));
    for words in [
        "validate", "evaluate", "lint", "matrix", "explain", "plan", "diff", "apply", "restore",
        "history", "export",
    ] {
        assert!(page(&[words, "--help"]).contains("Usage: headgate policy"), "{words}");
    }
}
