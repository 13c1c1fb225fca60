//! Tests: every command of the table, called as an attacker who controls the page would.

use std::path::Path;

use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use crate::played::{TestApp, User};
use crate::{Actor, COMMANDS, Call, HostEvent};

/// Every request that names a path, with the path in each place.
fn with_path(path: &str) -> Vec<(&'static str, Value)> {
    let table = json!({"lake": path, "table": "shop.tracks"});
    vec![
        ("schema_preview", json!({"from": path, "lake": null, "source": null})),
        ("sync_start", json!({"from": path, "to": path, "source": null, "again": false})),
        ("lakes_remember", json!({"lake": path})),
        ("policy_open", json!({"path": path})),
        ("tables_list", json!({"lake": path})),
        ("tables_show", table.clone()),
        ("tables_history", table.clone()),
        ("tables_rows", table.clone()),
        ("tables_files", table),
    ]
}

#[test]
fn a_path_that_the_user_does_not_allow_is_not_read_or_written() {
    let desk = TestApp::new(false);
    let secret = desk.events("secret");
    let host = format!("file://localhost{secret}");
    let encoded = format!("file://{}", secret.replace("secret", "%73ecret"));
    let around = format!("{secret}/../secret");
    for path in [
        &secret,
        &around,
        &host,
        &encoded,
        "/",
        "file://localhost/",
        "file:///",
        "/etc/passwd",
        "file:///etc/passwd",
        "/proc/self/environ",
        "relative/path",
        "../..",
        ".",
        " /etc",
        "FILE:///etc",
        "s3://bucket",
        "file://other-host/etc",
    ] {
        for (name, request) in with_path(path) {
            let code = desk.call(name, &request).unwrap_err();
            let refused = ["path_not_allowed", "wrong_use", "unsupported_location"];
            assert!(refused.contains(&code.as_str()), "{name} {path}: {code}");
        }
    }
    assert!(!Path::new(&secret).join("_headgate").exists(), "nothing was written");
    assert_eq!(desk.call("lakes_list", &json!({})).unwrap()["lakes"], json!([]));
    assert_eq!(desk.user.asked().len(), 5, "a page cannot ask without end");
}

#[test]
fn a_grant_to_read_does_not_allow_writing() {
    let desk = TestApp::new(true);
    let dropped = desk.events("dropped");
    desk.app.announce(&HostEvent::Dropped { paths: vec![dropped.clone()] });
    desk.call("lakes_remember", &json!({"lake": dropped})).unwrap();
    assert_eq!(desk.user.asked().len(), 0);
    desk.sync(&dropped, &dropped).unwrap();
    assert_eq!(desk.user.asked().len(), 1, "a lake that was opened is not one that may be written");
    assert!(desk.user.asked()[0].contains("write tables"));
}

#[test]
fn one_question_is_open_at_a_time() {
    let questions = crate::questions::Questions::default();
    let inner = questions.alone(|| questions.alone(|| Ok(())));
    assert_eq!(inner.unwrap_err().code, "question_open");
    questions.alone(|| Ok(())).unwrap();
}

#[test]
fn a_typed_path_is_asked_about_once() {
    let desk = TestApp::new(true);
    let (events, lake) = (desk.events("events"), desk.path("lake"));
    desk.sync(&events, &lake).unwrap();
    assert_eq!(desk.user.asked().len(), 2, "the source and the lake");
    desk.sync(&events, &lake).unwrap();
    desk.call("tables_list", &json!({"lake": lake})).unwrap();
    desk.call("lakes_remember", &json!({"lake": format!("file://{lake}")})).unwrap();
    assert_eq!(desk.user.asked().len(), 2);
    let beside = desk.events("events2");
    desk.call("schema_preview", &json!({"from": beside, "lake": lake, "source": null})).unwrap();
    assert_eq!(desk.user.asked().len(), 3, "a folder beside it is another one");
}

#[test]
fn chosen_dropped_and_known_paths_are_granted() {
    let mut user = User::default();
    let folder = tempfile::tempdir().unwrap();
    user.chooses = Some(folder.path().to_owned());
    let desk = TestApp::with(user);
    let (events, dropped) = (desk.events("events"), desk.events("dropped"));
    let lake = folder.path().join("lake").display().to_string();
    desk.call("host_choose", &json!({"kind": "folder", "title": "Choose"})).unwrap();
    desk.app.announce(&HostEvent::Dropped { paths: vec![dropped.clone()] });
    desk.sync(&dropped, &lake).unwrap();
    assert_eq!(desk.user.asked().len(), 0);
    assert_eq!(desk.sync(&events, &lake).unwrap_err(), "path_not_allowed");

    // After a restart known lakes and the sources of runs are granted, and nothing else.
    let TestApp { app, folder: inner, .. } = desk;
    drop(app);
    let desk = TestApp::of(inner, User::default());
    desk.sync(&dropped, &lake).unwrap();
    desk.call("tables_list", &json!({"lake": lake})).unwrap();
    assert_eq!(desk.user.asked().len(), 0);
    let other = folder.path().join("other").display().to_string();
    assert_eq!(desk.sync(&dropped, &other).unwrap_err(), "path_not_allowed");
    let sample = desk.call("sample_create", &json!({})).unwrap();
    let (from, to) = (sample["from"].as_str().unwrap(), sample["to"].as_str().unwrap());
    desk.sync(from, to).unwrap();
}

#[test]
fn a_request_has_no_endpoint() {
    let access = json!({"profile": null, "region": null, "endpoint": "http://evil.example", "mfa_code": null});
    let read: crate::AwsAccess = serde_json::from_value(access).unwrap();
    assert_eq!(read.endpoint, None);
}

#[test]
fn a_request_cannot_switch_a_check_off() {
    let desk = TestApp::new(true);
    let role = "arn:aws:iam::417620938841:role/lake";
    let policy = |text: &str| {
        json!({"role": role, "role_id": null, "before": "{}", "after": text, "goals": [],
            "access": {"profile": null, "region": null, "mfa_code": null},
            "restores": "c1", "quota": 1_000_000})
    };
    assert_eq!(desk.call("role_plan", &policy("{\"no\": 1}")).unwrap_err(), "policy_invalid");
    let sid = "A".repeat(3_000);
    let long = json!({"Version": "2012-10-17", "Statement": [{"Sid": sid, "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::417620938841:role/x"}, "Action": "sts:AssumeRole"}]});
    assert_eq!(desk.call("role_plan", &policy(&long.to_string())).unwrap_err(), "policy_too_large");
}

#[test]
fn a_sent_change_keeps_its_call_name_until_it_ends() {
    let desk = TestApp::new(true);
    let change = Call::new("c2", Box::new(|_| true));
    let open = desk.app.calls.begin("role_apply", crate::Kind::World, &change).unwrap();
    assert!(!desk.app.changes_world(), "nothing was sent yet");
    change.sends();
    // Another call of its name does not take its place.
    let again = Call::new("c2", Box::new(|_| true));
    let request = to_raw_value(&json!({})).unwrap();
    let taken =
        desk.app.call("events_follow", &request, &desk.app.cx(Actor::Window, again)).unwrap_err();
    assert_eq!(taken.code, "call_in_use");
    assert!(desk.app.changes_world() && !change.stopped());
    drop(open);
    assert!(!desk.app.changes_world());
}

#[test]
fn a_closing_application_refuses_new_changes() {
    let desk = TestApp::new(true);
    let unsent = Call::new("c3", Box::new(|_| true));
    let _open = desk.app.calls.begin("role_apply", crate::Kind::World, &unsent).unwrap();
    desk.app.stop_calls(std::time::Duration::from_millis(50));
    assert!(unsent.stopped(), "what was not sent is stopped");
    assert_eq!(
        desk.call("role_apply", &json!({"plan": "x", "access": {}})).unwrap_err(),
        "closing"
    );
    assert_eq!(desk.call("lakes_list", &json!({})).unwrap()["lakes"], json!([]));
}

#[test]
fn every_command_rejects_invalid_requests() {
    let desk = TestApp::new(false);
    // One listens until the window closes.
    for command in COMMANDS.iter().filter(|command| command.name != "events_follow") {
        for nonsense in
            [json!(null), json!([]), json!("x"), json!({"from": 1, "role": [], "lake": {}})]
        {
            // A question without content has nothing that could be wrong.
            if let Err(code) = desk.call(command.name, &nonsense) {
                assert!(
                    ["wrong_request", "wrong_use", "no_desktop"].contains(&code.as_str()),
                    "{} {nonsense}: {code}",
                    command.name
                );
            }
        }
    }
    assert_eq!(desk.call("none_such", &json!({})).unwrap_err(), "unknown_command");
}

#[test]
fn only_commands_that_change_data_have_stale_tags_and_each_tag_is_read() {
    for command in COMMANDS {
        let (name, is_read) = (command.name, command.kind == crate::Kind::Read);
        assert!(!is_read || command.stales.is_empty(), "{name} changes nothing");
        assert!(is_read || command.reads.is_empty(), "{name} changes something");
        assert!(
            command.kind != crate::Kind::World || !command.stales.is_empty(),
            "{name} leaves a trace"
        );
        assert!(
            command.kind != crate::Kind::World || command.progress,
            "a closing window waits for {name} only when it reports progress"
        );
        // Whatever goes stale is shown somewhere.
        for tag in command.stales {
            assert!(COMMANDS.iter().any(|other| other.reads.contains(tag)), "{name}: {tag:?}");
        }
    }
}

#[test]
fn a_failed_command_reports_its_stale_tags_too() {
    let desk = TestApp::new(true);
    let listener = desk.app.listen();
    let changed = || {
        std::iter::from_fn(|| listener.within(std::time::Duration::ZERO))
            .filter_map(|event| match event {
                crate::CoreEvent::Changed { tags, .. } => Some(tags),
                _ => None,
            })
            .flatten()
            .collect::<Vec<_>>()
    };
    desk.call("settings_change", &json!({"theme": "dark"})).unwrap();
    assert_eq!(changed(), [crate::Tag::Runs, crate::Tag::Settings, crate::Tag::Jobs]);
    desk.call("settings_show", &json!({})).unwrap();
    assert!(changed().is_empty());
    desk.call("runs_release", &json!({"run": "none"})).unwrap_err();
    assert_eq!(changed(), [crate::Tag::Runs, crate::Tag::Jobs]);
}
