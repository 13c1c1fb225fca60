//! Lines that a run rejected: what is said of them, how they are got out, and that they can be read again.

use std::fs;

use serde_json::{Value, json};

use crate::desk::{Desk, assert_adds_up, counts, dead_letters, track};

const BAD: [&str; 3] = [
    "{\"type\":\"track\",\"event\":\"Cut",
    "{\"type\":\"Track\",\"messageId\":\"m2\",\"event\":\"E\"}",
    "[1]",
];

fn desk_with_bad_lines() -> (Desk, Value) {
    let desk = Desk::new();
    let good = track("m1", "E", json!({}));
    desk.put("day/a.ndjson", format!("{good}{}\n", BAD.join("\n")));
    let run = desk.sync(&["--source", "web"]).document;
    assert_eq!(run["events"], counts(4, 1, 0, 3));
    (desk, run)
}

fn sync_of(desk: &Desk, from: &str) -> Value {
    let lake = desk.lake();
    let run =
        desk.json(&["sync", "run", "--from", from, "--to", &lake, "--source", "web"]).document;
    assert_adds_up(&run);
    run
}

#[test]
fn rejected_lines_say_what_is_wrong_and_where() {
    let (desk, run) = desk_with_bad_lines();
    let id = run["run"].as_str().unwrap();
    let listed = desk.json(&["runs", "rejected", id]).document;
    let said: Vec<_> = listed["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["line"].clone(), line["problem"]["message"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(
        said,
        [
            (json!(2), "Character 29: the line ends inside a string.".to_owned()),
            (json!(3), "`type` is `Track`; Segment writes `track`.".to_owned()),
            (json!(4), "Character 1: this is an array, not an object.".to_owned()),
        ]
    );
    assert_eq!(listed["is_all"], true);
    let one = desk.json(&["runs", "rejected", id, "--reason", "not_object"]).document;
    assert_eq!(one["lines"].as_array().unwrap().len(), 1);
    let page = desk.command(&["runs", "rejected", id]).output().unwrap();
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.contains("Character 29: the line ends inside a string."), "{page}");
}

#[test]
fn rejected_lines_are_saved_as_they_came_mended_and_synced() {
    let (desk, run) = desk_with_bad_lines();
    let id = run["run"].as_str().unwrap();
    let out = desk.path("bad.ndjson").display().to_string();
    let saved = desk.json(&["runs", "rejected", id, "--out", &out]);
    assert_eq!((saved.exit, &saved.document["saved"]), (0, &json!(3)));
    assert_eq!(fs::read_to_string(&out).unwrap(), format!("{}\n", BAD.join("\n")));
    let saved = desk.json(&["runs", "rejected", id, "--reason", "unknown_type", "--out", &out]);
    assert_eq!((&saved.document["saved"], &saved.document["left_out"]), (&json!(1), &json!(0)));
    fs::write(&out, fs::read_to_string(&out).unwrap().replace("Track", "track")).unwrap();
    assert_eq!(sync_of(&desk, &out)["events"], counts(1, 1, 0, 0));
    assert_eq!(desk.rows()["e"], 2);
    let nowhere = desk.path("none/bad.ndjson").display().to_string();
    let failed = desk.json(&["runs", "rejected", id, "--out", &nowhere]);
    assert_eq!((failed.exit, &failed.document["error"]["code"]), (1, &json!("output_failed")));
}

#[test]
fn the_file_of_rejected_lines_is_a_source_and_its_lines_are_not_wrapped_twice() {
    let (desk, run) = desk_with_bad_lines();
    let id = run["run"].as_str().unwrap();
    let kept = run["dead_letters"]["path"].as_str().unwrap().to_owned();
    let again = sync_of(&desk, &kept);
    assert_eq!(again["events"], counts(3, 0, 0, 3));
    assert_eq!(dead_letters(&again), dead_letters(&run), "as they were kept the first time");
    let notice = &again["notices"][0];
    assert_eq!((&notice["code"], &notice["count"]), (&json!("rejected_lines_read"), &json!(3)));
    let said = notice["message"].as_str().unwrap();
    assert!(said.starts_with(&format!("Lines that run {id} rejected")), "{said}");

    // Mended in that file itself; one of two lines has no id of its own.
    let text = fs::read_to_string(&kept).unwrap();
    let mended = text.replace("Track", "track").replace("Cut\"", "Cut\\\"}\"");
    fs::write(desk.path("mended.ndjson"), mended).unwrap();
    let mended = desk.path("mended.ndjson").display().to_string();
    let third = sync_of(&desk, &mended);
    assert_eq!(third["events"], counts(3, 2, 0, 1));
    assert_eq!((&desk.rows()["e"], &desk.rows()["cut"]), (&json!(2), &json!(1)));
    // The same lines under another name are the same events.
    fs::write(desk.path("copy.ndjson"), fs::read_to_string(&mended).unwrap() + "\n").unwrap();
    let copy = desk.path("copy.ndjson").display().to_string();
    assert_eq!(sync_of(&desk, &copy)["events"], counts(3, 0, 2, 1));
}

#[test]
fn a_preview_shows_what_would_be_rejected_and_names_what_is_ignored() {
    let desk = Desk::new();
    desk.put("a.ndjson", format!("{}{}\n", track("m1", "E", json!({})), BAD.join("\n")));
    desk.put("b.json", "{\n  \"type\": \"track\",\n  \"event\": \"E\"\n}\n");
    desk.put("c.csv", "a,b\n");
    desk.put("d/e.parquet", "PAR1");
    let from = desk.path("in").display().to_string();
    let preview = desk.json(&["schema", "preview", &from]).document;
    assert_eq!(preview["events"], json!({"received": 8, "duplicate": 0, "rejected": 7}));
    let first = &preview["rejected_lines"][0];
    assert_eq!(
        (&first["file"], &first["line"], &first["raw"]),
        (&json!("a.ndjson"), &json!(2), &json!(BAD[0]))
    );
    assert_eq!(first["problem"]["at"], 28);
    assert_eq!(preview["rejected_lines"].as_array().unwrap().len(), 7);
    let reasons: Vec<_> = preview["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["reason"], &one["count"]))
        .collect();
    assert!(reasons.contains(&(&json!("unknown_type"), &json!(1))), "{reasons:?}");
    assert_eq!(preview["ignored"], 2);
    assert_eq!(preview["ignored_files"], json!(["c.csv", "d/e.parquet"]));
    let said = preview["notices"][0]["message"].as_str().unwrap();
    assert!(
        said.contains("`b.json` holds indented JSON")
            && said.contains("`jq -c . b.json > b.lines.ndjson`"),
        "{said}"
    );
    let page = desk.command(&["schema", "preview", &from]).output().unwrap();
    let page = String::from_utf8(page.stdout).unwrap();
    for part in ["`c.csv`, `d/e.parquet`", "jq -c . b.json", "Would be rejected"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn a_preview_of_very_many_rejected_lines_shows_the_first() {
    let desk = Desk::new();
    let line = format!("{{\"a\":\"{}\n", "x".repeat(10_000));
    desk.put("a.ndjson", line.repeat(300));
    let from = desk.path("in").display().to_string();
    let preview = desk.json(&["schema", "preview", &from]).document;
    assert_eq!(preview["events"]["rejected"], 300);
    let shown = preview["rejected_lines"].as_array().unwrap();
    assert!((10..=100).contains(&shown.len()), "{}", shown.len());
    assert!(
        shown
            .iter()
            .all(|line| line["cut"] == true && line["raw"].as_str().unwrap().len() <= 4_000)
    );
    assert!(serde_json::to_string(&preview).unwrap().len() < 600_000);
}
