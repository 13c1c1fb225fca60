//! Profiles: added from a file or standard input, used, shown, changed and removed, and a read-only profile.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::desk::{Answer, Desk, finished};

/// Runs a command that reads a document from standard input.
fn piped(desk: &Desk, arguments: &[&str], document: &str) -> Answer {
    let mut child = desk
        .command(arguments)
        .arg("--json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    child.stdin.take().expect("a pipe").write_all(document.as_bytes()).expect("it reads");
    finished(child.wait_with_output().expect("it ends"))
}

fn page(desk: &Desk, arguments: &[&str]) -> String {
    let output = desk.command(arguments).output().expect("the command runs");
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_profile_is_added_used_changed_and_removed() {
    let desk = Desk::new();
    let listed = desk.json(&["profile", "list"]);
    assert_eq!(
        (listed.exit, listed.document["profiles"][0]["name"].as_str()),
        (0, Some("default"))
    );
    assert!(!desk.path("data").exists(), "looking makes nothing");

    let lake = json!({"colour": "copper", "aws": {"profile": "work", "region": "eu-central-1"},
        "role_arn": "arn:aws:iam::123456789012:role/lake", "bucket": "a-lake", "prefix": "segment/",
        "writers": ["headgate", "segment"], "external_ids": {"segment": "w1"}});
    let file = desk.put("lake.json", lake.to_string()).display().to_string();
    let added = desk.json(&["profile", "add", "Lake", "--from", &file]);
    assert_eq!(added.exit, 0, "{}", added.document);
    let profile = &added.document["profile"];
    for (key, is) in [
        ("name", json!("Lake")),
        ("kind", json!("real")),
        ("in_use", json!(false)),
        ("workspace_url", json!(null)),
        ("prefix", json!("segment")),
        ("read_only", json!(false)),
        ("credentials", json!({"admin": "none", "principal": "none"})),
    ] {
        assert_eq!(profile[key], is, "{key}");
    }
    assert!(profile["external_ids"]["headgate"].is_string(), "{profile}");

    assert_eq!(desk.json(&["profile", "show"]).document["profile"]["name"], "default");
    assert_eq!(
        desk.json(&["profile", "show", "--profile", "lake"]).document["profile"]["name"],
        "Lake"
    );
    let used = desk.json(&["profile", "use", "lake"]);
    assert_eq!(used.document["profile"]["in_use"], true);
    let shown = desk.json(&["profile", "show"]).document;
    assert_eq!(shown["profile"]["name"], "Lake");

    // What is shown can be added elsewhere, and changed in part.
    let copy = piped(&desk, &["profile", "add", "copy", "--from", "-"], &shown.to_string());
    assert_eq!(copy.document["profile"]["external_ids"], shown["profile"]["external_ids"]);
    let changed = piped(
        &desk,
        &["profile", "change", "copy", "--from", "-"],
        r#"{"name": "twin", "read_only": true}"#,
    );
    assert_eq!(changed.document["profile"]["bucket"], "a-lake");
    let text = page(&desk, &["profile", "list"]);
    assert!(
        text.contains("twin") && text.contains("read-only") && text.contains("in use"),
        "{text}"
    );
    assert!(
        page(&desk, &["profile", "show", "twin"]).contains("arn:aws:iam::123456789012:role/lake")
    );

    let refused = desk.json(&["profile", "remove", "Lake"]);
    assert_eq!((refused.exit, &refused.document["error"]["code"]), (1, &json!("profile_in_use")));
    let removed = desk.json(&["profile", "remove", "twin"]);
    assert_eq!((removed.exit, removed.document), (0, json!({"v": 1, "removed": "twin"})));
}

#[test]
fn a_profile_that_makes_no_sense_is_refused_and_nothing_is_kept() {
    let desk = Desk::new();
    for (document, code, field) in [
        ("{", "profile_invalid", "from"),
        (r#"{"colour": "pink"}"#, "profile_invalid", "colour"),
        (r#"{"workspace_url": "https://x.example"}"#, "profile_invalid", "workspace_url"),
        (
            r#"{"aws": {"secret_access_key": "hunter2"}}"#,
            "profile_invalid",
            "aws.secret_access_key",
        ),
        (r#"{"aws": {"endpoint_url": "http://10.0.0.1"}}"#, "endpoint_refused", "aws.endpoint_url"),
    ] {
        let refused = piped(&desk, &["profile", "add", "x", "--from", "-"], document);
        let error = &refused.document["error"];
        assert_eq!(
            (refused.exit, error["code"].as_str(), error["field"].as_str()),
            (1, Some(code), Some(field))
        );
        assert!(!refused.document.to_string().contains("hunter2") && error["hint"].is_string());
    }
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(70_000));
    let refused = piped(&desk, &["profile", "add", "x", "--from", "-"], &large);
    assert_eq!(refused.document["error"]["code"], "profile_invalid");
    assert!(!desk.path("data").exists(), "nothing was touched");
    for (arguments, exit, code) in [
        (vec!["profile", "add", "x"], 2, "wrong_use"),
        (vec!["profile", "add", "x", "--sandbox", "http://127.0.0.1:1"], 2, "wrong_use"),
        (vec!["profile", "use", "none"], 1, "profile_not_found"),
        (vec!["profile", "show", "none"], 1, "profile_not_found"),
        (vec!["runs", "list", "--profile", "none"], 1, "profile_not_found"),
        (vec!["policy", "history", "--profile", "none"], 1, "profile_not_found"),
    ] {
        let refused = desk.json(&arguments);
        let found = (refused.exit, refused.document["error"]["code"].as_str());
        assert_eq!(found, (exit, Some(code)), "{arguments:?}");
    }
}

/// A change of a role that nobody has read.
fn planned(desk: &Desk) -> String {
    let policy = |user: &str| {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": format!("arn:aws:iam::123456789012:user/{user}")}}]})
        .to_string()
    };
    let (before, after) = (desk.put("a.json", policy("a")), desk.put("b.json", policy("b")));
    let [before, after, plan] =
        [before, after, desk.path("plan.json")].map(|path| path.display().to_string());
    let role = "arn:aws:iam::123456789012:role/lake";
    let made =
        desk.json(&["policy", "plan", &before, "--to", &after, "--role", role, "--out", &plan]);
    assert_eq!(made.exit, 0, "{}", made.document);
    plan
}

#[test]
fn a_read_only_profile_plans_and_applies_nothing() {
    let desk = Desk::new();
    // Nothing listens there.
    let document = |read_only: bool| {
        json!({"read_only": read_only, "aws": {"endpoint_url": "http://127.0.0.1:9", "region": "eu-central-1"}})
            .to_string()
    };
    piped(&desk, &["profile", "add", "held", "--from", "-"], &document(true));
    piped(&desk, &["profile", "add", "open", "--from", "-"], &document(false));
    let plan = planned(&desk);
    let apply = |more: &[&str]| -> Value {
        let mut command = desk.command(&["policy", "apply", &plan, "--json"]);
        command.args(more).env("AWS_MAX_ATTEMPTS", "1").env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("AWS_ACCESS_KEY_ID", "testing").env("AWS_SECRET_ACCESS_KEY", "testing");
        let answer = finished(command.output().expect("the command runs"));
        assert_eq!(answer.exit, 1);
        answer.document["error"].clone()
    };
    let refused = apply(&["--profile", "held"]);
    assert_eq!(refused["code"], "read_only", "{refused}");
    assert!(refused["hint"].as_str().is_some_and(|hint| hint.contains("profile change")));
    // The endpoint is the profile's, unless the command names another.
    let reached = apply(&["--profile", "open"]);
    assert!(
        reached["message"].as_str().is_some_and(|text| text.contains("127.0.0.1:9")),
        "{reached}"
    );
    let reached = apply(&["--profile", "open", "--endpoint-url", "http://127.0.0.1:7"]);
    assert!(
        reached["message"].as_str().is_some_and(|text| text.contains("127.0.0.1:7")),
        "{reached}"
    );
    // A name that is not one of Headgate's profiles names one of AWS's configuration, as before.
    let unknown = apply(&["--profile", "nobody-has-this"]);
    assert_eq!(unknown["code"], "aws_profile_unknown");

    desk.json(&["profile", "use", "held"]);
    assert_eq!(apply(&[])["code"], "read_only");
    let journal = desk.json(&["policy", "history"]).document;
    assert_eq!(journal["changes"], json!([]));
}
