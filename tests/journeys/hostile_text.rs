//! One hostile text in every field of every command, as a page and as JSON: nothing acts on the terminal, and the
//! JSON has the text unchanged.

mod aws;

use std::fs;
use std::process::Command;

use headgate_terms::acts;
use serde_json::{Value, json};

use crate::desk::{Desk, gzip, track};

/// One of each kind: a back-tick, an escape sequence, a line's return, DEL, C1, what turns a line
/// around, what has no width, a line separator, a tag.
const HOSTILE: &str =
    "h`\u{1b}[2J\r\u{7f}\u{9b}2J\u{202e}\u{2066}\u{61c}\u{200b}\u{200d}\u{feff}\u{2028}\u{e0041}q";

/// What of it a lake's path may hold.
const IN_PATHS: &str = "h`\u{202e}\u{2066}\u{61c}\u{200b}\u{200d}\u{feff}\u{2028}\u{e0041}q";

/// What of its kinds AWS takes inside a policy.
const IN_POLICIES: &str = "h`\u{7f}\u{9b}2J\u{ad}q";

/// A command that speaks at most, reaches nobody and has nobody's files.
fn command(desk: &Desk, words: &[&str]) -> Command {
    let mut command = desk.command(words);
    command
        .env("HEADGATE_DATA", desk.path(&format!("data{HOSTILE}")))
        .env("HEADGATE_LOG", "debug")
        .env("HEADGATE_MFA_CODE", HOSTILE)
        .env("HOME", desk.path("home"))
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7HEADGAT")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_MAX_ATTEMPTS", "1")
        .env_remove("AWS_PROFILE");
    command
}

/// What a command says on both streams, once it is checked that none of it acts.
fn said(command: &mut Command) -> (String, String) {
    let output = command.output().expect("the command runs");
    assert!(output.status.code().is_some_and(|code| code < 4), "{command:?}: {output:?}");
    let [out, err] = [output.stdout, output.stderr].map(|bytes| {
        let text = String::from_utf8(bytes).expect("text");
        let acting: Vec<char> = text.chars().filter(|&c| c != '\n' && acts(c)).collect();
        assert!(acting.is_empty(), "{command:?} says {acting:?}:\n{text}");
        text
    });
    (out, err)
}

/// A command's page and its document.
fn both(desk: &Desk, words: &[&str]) -> (String, Value) {
    let (out, err) = said(&mut command(desk, words));
    (out + &err, document(&mut command(desk, words)))
}

fn document(command: &mut Command) -> Value {
    let (out, err) = said(command.arg("--json"));
    assert_eq!(out.lines().count(), 1, "{command:?}: {out} {err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{command:?}: {error}: {out}"))
}

/// Whether a document has this text as a value or a name.
fn holds(document: &Value, text: &str) -> bool {
    match document {
        Value::String(value) => value == text,
        Value::Array(values) => values.iter().any(|value| holds(value, text)),
        Value::Object(members) => {
            members.iter().any(|(name, value)| name == text || holds(value, text))
        }
        _ => false,
    }
}

/// The file's policy, whose every text is hostile as far as AWS takes it.
fn policy(text: &str) -> String {
    let arn = |name: &str| format!("arn:aws:iam::098765432109:role/{name}{text}");
    json!({"Version": "2012-10-17", "Id": text, "Statement": [
        {"Sid": "A", "Effect": "Allow", "Action": "sts:AssumeRole",
         "Principal": {"AWS": ["arn:aws:iam::098765432109:root", arn("lake")], "Service": format!("{text}.amazonaws.com")},
         "Condition": {"StringLike": {"sts:ExternalId": [text, format!("{text}*")], format!("aws:RequestTag/{text}"): text}}},
        {"Sid": text, "Effect": text, "Action": text, text: text, "Principal": {text: text},
         "Condition": {text: {text: text}}}]})
    .to_string()
}

/// A policy that AWS takes, with hostile ids.
fn valid_policy() -> String {
    let mut policy: Value = serde_json::from_str(&policy(IN_POLICIES)).unwrap();
    policy["Statement"].as_array_mut().unwrap().truncate(1);
    policy["Statement"][0]["Principal"] = json!({"AWS": "arn:aws:iam::098765432109:root"});
    policy.as_object_mut().unwrap().remove("Id");
    serde_json::to_string_pretty(&policy).unwrap()
}

#[test]
fn hostile_arguments() {
    let desk = Desk::new();
    let policy = desk.put("policy.json", valid_policy()).display().to_string();
    let role = format!("arn:aws:iam::098765432109:role/{HOSTILE}");
    let (address, flag) = (format!("{HOSTILE}://{HOSTILE}"), format!("--{HOSTILE}"));
    let pair = format!("{HOSTILE}={HOSTILE}");
    let lines = format!("{HOSTILE}\nforged");
    let lake = desk.path(IN_PATHS).display().to_string();
    let nowhere = desk.path(&format!("{HOSTILE}/x")).display().to_string();
    let (h, policy, role) = (HOSTILE, policy.as_str(), role.as_str());
    for words in [
        &[h][..],
        &[&flag],
        &[&lines],
        &["sync", h],
        &["sync", "run", "--from", h, "--to", h],
        &["sync", "run", "--from", h, "--to", &lake],
        &["sync", "run", "--from", &address, "--to", &lake],
        &["sync", "run", "--from", policy, "--to", &address],
        &["sync", "run", "--from", policy, "--to", policy, "--source", h],
        &["sync", "run", "--from", policy, "--to", &lake, "--batch-bytes", h],
        &["sync", "run", "--from", policy, "--to", &lake, "--window-days", h],
        &["sync", "run", "--from", policy, "--to", &lake, &flag],
        &["schema", "preview", h, "--lake", h, "--source", h],
        &["schema", "preview", policy, "--lake", &lake, "--source", "s"],
        &["runs", "show", h],
        &["tables", "list", "--lake", h],
        &["tables", "list", "--lake", &lake],
        &["tables", "list", "--lake", &address],
        &["tables", "show", h, "--lake", &lake],
        &["tables", "history", h, "--lake", h],
        &["settings", "show"],
        &["settings", "set", h, h],
        &["settings", "set", "theme", h],
        &["settings", "set", "batch_mb", h],
        &["demo", "--to", h],
        &["demo", "--to", &format!("{policy}/{h}")],
        &["completions", h],
        &["policy", "validate", h],
        &["policy", "validate", role],
        &["policy", "validate", role, "--profile", h],
        &["policy", "validate", role, "--region", h],
        &["policy", "validate", role, "--endpoint-url", h],
        &["policy", "validate", role, "--endpoint-url", &address],
        &["policy", "evaluate", policy, "--requests", h],
        &["policy", "evaluate", policy, "--requests", policy, "--role", h],
        &["policy", "lint", policy, "--goals", h],
        &["policy", "lint", policy, "--role", h],
        &["policy", "lint", policy, "--role", role],
        &["policy", "matrix", policy, "--goals", policy],
        &["policy", "matrix", policy, "--role", role],
        &["policy", "explain", policy, "--principal", h, "--external-id", h, "--context", &pair],
        &["policy", "explain", policy, "--principal", role, "--role", role, "--context", h],
        &["policy", "plan", policy, "--goals", h],
        &["policy", "plan", policy, "--goals", policy, "--form", h],
        &["policy", "plan", policy, "--to", h, "--role", role, "--out", &nowhere],
        &["policy", "diff", h, h],
        &["policy", "diff", policy, h, "--role", h],
        &["policy", "apply", h],
        &["policy", "apply", policy, "--profile", h],
        &["policy", "restore", h],
        &["policy", "history", "--role", h],
        &["policy", "new", "--role", h, "--external-id", h],
        &["policy", "new", "--role", role, "--external-id", h, "--unity-catalog", h],
        &["policy", "export", policy, "--to", h],
        &["policy", "export", h, "--to", "cli", "--role", h],
    ] {
        let raw = words[..2.min(words.len())] == ["policy", "new"] && words[3] == role;
        if raw {
            // Its page is a file for a pipe, byte by byte.
            document(&mut command(&desk, words));
        } else {
            let (page, _) = both(&desk, words);
            assert!(!page.lines().any(|line| line.starts_with("forged")), "{page}");
        }
    }
    assert!(both(&desk, &[&flag]).0.contains(r"h`\u{1b}[2J\r\u{7f}\u{9b}2J\u{202e}"));
}

#[test]
fn a_value_between_back_ticks_cannot_end_there() {
    let desk = Desk::new();
    let policy = desk.put("policy.json", valid_policy()).display().to_string();
    let none = desk.put("none.json", HOSTILE).display().to_string();
    let requests = desk.put(
        "requests",
        format!(
            "{{\"principal\": \"123456789012\", \"action\": \"a\", \"role\": {}}}",
            json!(HOSTILE)
        ),
    );
    let address = format!("{HOSTILE}://x");
    for words in [
        &["policy", "validate", HOSTILE][..],
        &["policy", "evaluate", &policy, "--requests", HOSTILE],
        &["policy", "evaluate", &policy, "--requests", requests.to_str().unwrap()],
        &["policy", "lint", &policy, "--goals", HOSTILE],
        &["policy", "apply", HOSTILE],
        &["policy", "new", "--role", HOSTILE, "--external-id", "x"],
        &["sync", "run", "--from", &address, "--to", "x"],
    ] {
        let (page, document) = both(&desk, words);
        let message = document["error"]["message"].as_str().expect("an error");
        for text in [message, &page] {
            assert!(!text.contains("h`") && text.contains(r"h\u{60}\u{1b}[2J"), "{text}");
        }
    }
    assert!(both(&desk, &["policy", "apply", &none]).1["error"]["code"] == "plan_invalid");
}

#[test]
fn hostile_environment_variables() {
    let desk = Desk::new();
    let role = format!("arn:aws:iam::098765432109:role/{HOSTILE}");
    let config = desk.put(
        &format!("config{HOSTILE}"),
        format!(
            "[profile {IN_PATHS}]\nrole_arn = arn:aws:iam::098765432109:role/{IN_PATHS}\n\
             source_profile = none{IN_PATHS}\nmfa_serial = {IN_PATHS}\nregion = {IN_PATHS}\n\
             [profile code]\nmfa_serial = arn:aws:iam::098765432109:mfa/{IN_PATHS}\n\
             aws_access_key_id = a\naws_secret_access_key = b\n"
        ),
    );
    for (name, value) in [
        ("HEADGATE_LOG", HOSTILE),
        ("AWS_PROFILE", HOSTILE),
        ("AWS_PROFILE", IN_PATHS),
        ("AWS_PROFILE", "code"),
        ("AWS_REGION", HOSTILE),
        ("AWS_ENDPOINT_URL", HOSTILE),
        ("AWS_ENDPOINT_URL_IAM", HOSTILE),
        ("AWS_CA_BUNDLE", HOSTILE),
        ("AWS_CONFIG_FILE", HOSTILE),
        ("HTTP_PROXY", HOSTILE),
        ("AWS_SESSION_TOKEN", IN_PATHS),
    ] {
        for words in [&["policy", "lint", &role][..], &["policy", "history"], &["settings", "show"]]
        {
            let set = || {
                let mut command = command(&desk, words);
                command.env("AWS_CONFIG_FILE", &config).env(name, value);
                command
            };
            said(&mut set());
            document(&mut set());
        }
    }
    let (page, shown) = both(&desk, &["settings", "show"]);
    assert!(page.contains(r"data") && page.contains(r"\u{9b}"), "{page}");
    assert!(shown["data_folder"].as_str().unwrap().ends_with(HOSTILE), "{shown}");
}

/// Events whose every text is hostile, in files and folders of such names.
fn events(desk: &Desk) {
    let h = HOSTILE;
    let event = |kind: &str| {
        json!({"type": kind, "messageId": format!("{kind}{h}"), "userId": h, "anonymousId": h, "groupId": h,
               "previousId": h, "name": h, "category": h, "traits": {h: h, "note": h, "id": h},
               "properties": {h: h, "note": h, "id": h}, "context": {h: {h: h}, "ip": h},
               "timestamp": h, "integrations": {h: h}})
    };
    let kinds = ["identify", "group", "page", "screen", "alias", h];
    let broken = [h, "{\"type\": \"track\", \"event\": \"\u{9b}"];
    let mut lines = kinds.map(|kind| event(kind).to_string()).join("\n") + "\n";
    lines += &(broken.join("\n") + "\n");
    for (id, properties) in [
        ("m1", json!({h: h, "note": h, "number": 1, "id": h, "nested": {h: [h]}})),
        ("m2", json!({"number": h, "note": true})),
        ("m3", json!({"note": h, "a b": {"c d": h}})),
    ] {
        lines += &track(&format!("{id}{h}"), &format!("Done {h}"), properties);
        lines += &track(&format!("{id}{h} again"), h, json!({"note": h}));
    }
    desk.put(&format!("segment-logs/{h}/{h}.ndjson"), &lines);
    desk.put("plain.ndjson", &lines);
    let whole = gzip(lines.as_bytes());
    desk.put(&format!("{h}.gz"), &whole[..whole.len() - 3]);
    desk.put(&format!("{h}.txt"), h);
    let away = desk.path("in").join(format!("away {h}.ndjson"));
    std::os::unix::fs::symlink(desk.path(h), away).unwrap();
}

/// A table of somebody else, whose log says hostile things.
fn foreign_table(desk: &Desk, schema: &str) {
    let log = desk.path(IN_PATHS).join(schema).join("foreign/_delta_log");
    fs::create_dir_all(&log).unwrap();
    let h = HOSTILE;
    let column = |name: &str| json!({"name": name, "type": "string", "nullable": true, "metadata": {"comment": h}});
    let shape = json!({"type": "struct", "fields": [column(h), column("plain")]});
    let first = [
        json!({"commitInfo": {"timestamp": 1, "operation": h, "operationParameters": {h: h}, "engineInfo": h, "run": h, h: h}}),
        json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}),
        json!({"metaData": {"id": h, "name": h, "description": h, "format": {"provider": "parquet", "options": {}},
               "schemaString": shape.to_string(), "partitionColumns": [], "configuration": {h: h, "delta.appendOnly": h}, "createdTime": 0}}),
        json!({"txn": {"appId": h, "version": 3}}),
    ];
    let second = [
        json!({"commitInfo": {"timestamp": 2, "operation": h, "engineInfo": h}}),
        json!({"add": {"path": format!("{IN_PATHS}.parquet"), "size": 7, "partitionValues": {}, "modificationTime": 0, "dataChange": true}}),
    ];
    for (at, actions) in [&first[..], &second].into_iter().enumerate() {
        let text: String = actions.iter().map(|action| format!("{action}\n")).collect();
        fs::write(log.join(format!("{at:020}.json")), text).unwrap();
    }
}

#[test]
fn hostile_events_and_lakes() {
    let desk = Desk::new();
    events(&desk);
    let (from, lake) =
        (desk.path("in").display().to_string(), desk.path(IN_PATHS).display().to_string());
    foreign_table(&desk, "plain");
    foreign_table(&desk, IN_PATHS);
    let broken = desk.path(IN_PATHS).join("plain/broken/_delta_log");
    fs::create_dir_all(&broken).unwrap();
    fs::write(broken.join("00000000000000000000.json"), format!("{{\"{HOSTILE}\"")).unwrap();
    let (page, previewed) = both(&desk, &["schema", "preview", &from, "--source", "web"]);
    assert!(page.contains("Would be set aside") && page.contains(r"\u{9b}"), "{page}");
    assert!(holds(&previewed["discards"], HOSTILE), "{previewed}");
    both(&desk, &["schema", "preview", &from, "--lake", &lake]);

    let sync = ["sync", "run", "--from", &from, "--to", &lake, "--source", "web", "--again"];
    let (page, run) = both(&desk, &sync);
    assert!(page.contains("run begins") && page.contains(r"\u{202e}"), "{page}");
    assert!(run["to"].as_str().unwrap().ends_with(IN_PATHS), "{run}");
    assert!(run["files"]["damaged"].as_array().is_some_and(|damaged| !damaged.is_empty()), "{run}");
    // Each file has a source of its own, where none is named for all.
    both(&desk, &["sync", "run", "--from", &from, "--to", &lake, "--again"]);

    both(&desk, &["runs", "list"]);
    both(&desk, &["runs", "show", "1"]);
    let (_, listed) = both(&desk, &["tables", "list", "--lake", &lake]);
    assert_eq!(listed["unreadable"][0]["table"], "broken", "{listed}");
    let tables = listed["tables"].as_array().unwrap();
    assert!(tables.len() > 5, "{listed}");
    let mut notes = 0;
    for table in tables {
        let name =
            format!("{}.{}", table["schema"].as_str().unwrap(), table["table"].as_str().unwrap());
        let (_, shown) = both(&desk, &["tables", "show", &name, "--lake", &lake]);
        notes += usize::from(holds(&shown["sample"], HOSTILE));
        both(&desk, &["tables", "history", &name, "--lake", &lake]);
    }
    assert!(notes > 3, "values are read as they were sent");
    let (page, history) = both(&desk, &["tables", "history", "plain.foreign", "--lake", &lake]);
    assert!(page.contains(r"\u{9b}2J") && holds(&history, HOSTILE), "{page}{history}");
    let (page, shown) = both(&desk, &["tables", "show", "plain.foreign", "--lake", &lake]);
    assert!(page.contains(r"\u{9b}2J"), "{page}{shown}");

    let made = desk.path(&format!("{IN_PATHS}demo")).display().to_string();
    said(&mut command(&desk, &["demo", "--to", &made]));
}

#[test]
fn hostile_policies_goals_and_requests() {
    let desk = Desk::new();
    let put =
        |name: &str, text: &str| desk.put(&format!("{name}{HOSTILE}"), text).display().to_string();
    let wrong = put("wrong", &policy(HOSTILE));
    let raw = put(
        "raw",
        &policy("x").replace('x', "h`\u{1b}\u{7f}\u{9b}\u{202e}\u{200b}\u{2028}\u{e0041}"),
    );
    let valid = put("valid", &valid_policy());
    let other =
        put("other", &valid_policy().replace("\u{ad}", "\u{ad}\u{9b}").replace("{\n", "{\r\n"));
    let role = "arn:aws:iam::098765432109:role/lake";
    let goal = json!({"principal": "arn:aws:iam::123456789012:role/x", "externalId": "an-id"});
    let goals = put("goals", &json!({"role": role, "allow": [goal]}).to_string());
    let bad_goals = [
        json!({"role": HOSTILE, "allow": [goal]}),
        json!({"role": role, "allow": [{"principal": HOSTILE, "externalId": HOSTILE}]}),
        json!({"role": role, "allow": [{"principal": role, "externalId": HOSTILE}]}),
        json!({"role": role, "allow": [{"principal": role, "sid": HOSTILE}]}),
        json!({"role": role, "allow": [{"principal": {HOSTILE: HOSTILE}}]}),
        json!({"role": role, "allow": HOSTILE}),
        json!(HOSTILE),
    ]
    .map(|goals| put("bad goals", &goals.to_string()));
    for policy in [&wrong, &raw, &valid] {
        for words in [
            &["validate", policy][..],
            &["lint", policy],
            &["lint", policy, "--goals", &goals],
            &["matrix", policy, "--goals", &goals],
            &["explain", policy, "--principal", "123456789012", "--external-id", IN_POLICIES],
            &["plan", policy, "--goals", &goals],
            &["plan", policy, "--goals", &goals, "--form", "guide"],
            &[
                "plan",
                &valid,
                "--to",
                policy,
                "--role",
                role,
                "--out",
                &desk.path("p").display().to_string(),
            ],
            &["diff", policy, &other],
            &["diff", &other, policy],
        ] {
            both(&desk, &[&["policy"], words].concat());
        }
        document(&mut command(&desk, &["policy", "export", policy, "--to", "cli", "--role", role]));
    }
    for goals in &bad_goals {
        both(&desk, &["policy", "plan", &valid, "--goals", goals]);
        both(&desk, &["policy", "lint", &valid, "--goals", goals]);
    }
    let (page, planned) = both(&desk, &["policy", "plan", &valid, "--goals", &goals]);
    assert!(page.contains("Operations") && page.contains(r"\u{9b}2J"), "{page}");
    let after = planned["after"].as_str().expect("a text");
    assert!(after.contains("\u{9b}2J"), "a text to write is to the letter: {after}");
    let plan = desk.path(&format!("plan{HOSTILE}"));
    both(
        &desk,
        &["policy", "plan", &valid, "--goals", &goals, "--out", &plan.display().to_string()],
    );
    let kept: Value = serde_json::from_slice(&fs::read(&plan).unwrap()).unwrap();
    assert!(kept["after"].as_str().is_some_and(|text| text.contains("\u{9b}2J")), "{kept}");
    for key in ["v", "kind", "role", "before", "after", "calls", "size"] {
        let mut changed = kept.clone();
        changed[key] = json!(HOSTILE);
        both(&desk, &["policy", "apply", &put("changed", &changed.to_string())]);
    }

    // A file for another tool goes through a pipe byte by byte.
    let words = ["policy", "export", &valid, "--to", "json"];
    let exported = command(&desk, &words).output().unwrap().stdout;
    let told = document(&mut command(&desk, &words));
    assert_eq!(String::from_utf8(exported).unwrap(), told["text"].as_str().unwrap());
    assert!(told["text"].as_str().unwrap().contains("\u{9b}2J"), "{told}");
}

#[test]
fn request_ids_are_returned_unchanged() {
    let desk = Desk::new();
    let policy = desk.put("policy.json", valid_policy()).display().to_string();
    let h = json!(HOSTILE).to_string();
    let ids = [h.clone(), format!("{{{h}:\t[1.50,\r {h}]}}"), "null".to_owned()];
    let lines: Vec<String> = ids
        .iter()
        .map(|id| {
            format!(
                "{{\"id\": {id}, \"principal\": {{\"federated\": {h}}}, \"action\": {h}, \
                 \"context\": {{{h}: [{h}], \"sts:ExternalId\": {h}}}, \"unknown\": [{h}]}}"
            )
        })
        .collect();
    let requests = desk.put("requests.ndjson", lines.join("\n")).display().to_string();
    let words = ["policy", "evaluate", &policy, "--requests", &requests];
    let (page, _) = said(&mut command(&desk, &words));
    assert_eq!(page.lines().count(), 3, "{page}");
    let (answers, _) = said(command(&desk, &words).arg("--json"));
    for (line, id) in answers.lines().zip(&ids) {
        let answer: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(answer["id"], serde_json::from_str::<Value>(id).unwrap());
    }
    assert_eq!(answers.lines().count(), 3);

    for line in [
        HOSTILE.to_owned(),
        format!("{{\"principal\": {h}, \"action\": \"a\"}}"),
        format!("{{\"principal\": \"123456789012\", \"action\": \"a\", \"role\": {h}}}"),
        format!(
            "{{\"principal\": \"123456789012\", \"action\": \"a\", \"context\": {{{h}: {{}}}}}}"
        ),
        format!("{{\"principal\": {{{h}: {h}}}, \"action\": {h}}}"),
        format!("{{{h}: {h}, \"action\": 1}}"),
    ] {
        let requests = desk.put("wrong.ndjson", line).display().to_string();
        let (_, refused) = both(&desk, &["policy", "evaluate", &policy, "--requests", &requests]);
        assert_eq!(refused["error"]["code"], "requests_invalid", "{refused}");
    }
}
