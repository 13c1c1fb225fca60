//! Processes that are killed or asked to stop at each step of a sync, and what the next run does.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::desk::{Desk, answer, assert_adds_up, counts, dead_letters, finished, track};

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Waits for what another process does.
fn until(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what} did not happen");
        sleep(Duration::from_millis(20));
    }
}

fn spooled(desk: &Desk) -> u64 {
    let files = fs::read_dir(desk.path("data/spool")).into_iter().flatten().flatten();
    files.map(|file| file.metadata().map_or(0, |m| m.len())).sum()
}

#[test]
fn an_open_batch_is_finished_by_the_next_run() {
    for at in ["planned", "committed"] {
        let desk = Desk::new();
        let identify =
            json!({"type": "identify", "messageId": "i1", "userId": "u1", "traits": {"a": 1}});
        let text = format!("{}{identify}\nnot json\n", track("m1", "E", json!({"id": "reserved"})));
        desk.put("a.ndjson", &text);
        desk.sync_crashing(at);
        let runs = desk.json(&["runs", "list"]).document;
        let dead = &runs["runs"][0];
        assert_eq!(
            (&dead["status"], &dead["error"]["code"]),
            (&json!("failed"), &json!("interrupted"))
        );
        assert_eq!(dead["events"]["received"], 0);

        // The file is gone: what was recorded needs it no more.
        fs::remove_file(desk.path("in/a.ndjson")).unwrap();
        desk.put("b.ndjson", track("m2", "E", json!({})) + &track("m1", "E", json!({})));
        let next = desk.sync(&[]);
        assert_adds_up(&next.document);
        assert_eq!(next.document["events"], counts(5, 3, 1, 1), "{at}");
        assert_eq!(next.document["batches"], 2);
        assert_eq!(next.document["discards"], json!([{"reason": "reserved_name", "count": 1}]));
        let rows =
            json!({"e": 2, "headgate_discards": 1, "identifies": 1, "tracks": 2, "users": 1});
        assert_eq!(desk.rows(), rows, "{at}");
        let letters: Vec<_> =
            fs::read_dir(desk.path("data/dead_letters")).unwrap().flatten().collect();
        assert_eq!(letters.len(), 1, "the letters of the dead run are not repeated");
        let text = fs::read_to_string(letters[0].path()).unwrap();
        assert_eq!(text.lines().count(), 1);
        let path = next.document["dead_letters"]["path"].as_str().unwrap();
        assert_eq!(path, letters[0].path().to_str().unwrap());
        assert_eq!(desk.sync(&[]).document["events"]["received"], 0);
        assert_eq!(desk.json(&["runs", "show", "1"]).document["error"]["code"], "interrupted");
    }
}

#[test]
fn an_interrupted_merge_happens_once() {
    for at in ["planned", "committed"] {
        let desk = Desk::new();
        let identify = |id: &str, traits| json!({"type": "identify", "messageId": id, "userId": "u1", "traits": traits});
        desk.put("a.ndjson", format!("{}\n", identify("i1", json!({"a": 1}))));
        desk.sync(&[]);
        desk.put("b.ndjson", format!("{}\n", identify("i2", json!({"a": 2, "b": "new"}))));
        desk.sync_crashing(at);
        let next = desk.sync(&[]).document;
        assert_eq!((&next["events"]["written"], &next["status"]), (&json!(1), &json!("succeeded")));
        let shown = desk.json(&["tables", "show", "events.users", "--lake", &desk.lake()]).document;
        assert_eq!(
            (&shown["rows"], &shown["sample"][0]["a"], &shown["sample"][0]["b"]),
            (&json!(1), &json!(2), &json!("new"))
        );
        let history =
            desk.json(&["tables", "history", "events.users", "--lake", &desk.lake()]).document;
        let merges =
            history["commits"].as_array().unwrap().iter().filter(|c| c["operation"] == "MERGE");
        assert_eq!(merges.count(), 1);
        assert_eq!(fs::read_dir(desk.path("lake/_headgate/kept-files")).unwrap().count(), 0);
    }
}

#[test]
fn a_large_file_goes_on_where_a_dead_run_left_it() {
    let desk = Desk::new();
    let lines: String = (0..100).map(|n| track(&format!("m{n}"), "E", json!({"n": n}))).collect();
    desk.put("a.ndjson", &lines);
    let lake = desk.lake();
    let from = desk.path("in").display().to_string();
    let mut command = desk.command(&[
        "sync",
        "run",
        "--json",
        "--from",
        &from,
        "--to",
        &lake,
        "--batch-bytes",
        "5000",
    ]);
    command.env("HEADGATE_CRASH", "planned");
    assert!(!command.output().unwrap().status.success());
    let next = desk.sync(&["--batch-bytes", "5000"]).document;
    assert_eq!(next["events"], counts(100, 100, 0, 0));
    assert_eq!(desk.rows()["e"], 100);
}

#[test]
fn lines_of_standard_input_survive_a_crash() {
    let desk = Desk::new();
    let mut child = desk.piped();
    let mut input = child.stdin.take().unwrap();
    // More than the reader keeps before it hands lines on.
    let lines: String =
        (0..9000).map(|n| track(&format!("m{n}"), "E", json!({"text": "x".repeat(300)}))).collect();
    input.write_all(lines.as_bytes()).unwrap();
    until("spooling", || spooled(&desk) > 0);
    sleep(Duration::from_millis(300));
    let kept = spooled(&desk);
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert!(!desk.path("lake/events").exists());
    let spool: Vec<_> = fs::read_dir(desk.path("data/spool")).unwrap().flatten().collect();
    let text: String = spool.iter().map(|file| fs::read_to_string(file.path()).unwrap()).collect();
    assert_eq!(text.len() as u64, kept);
    let read = text.lines().count();
    assert!(read > 1000, "{read} lines were read");

    desk.put("b.ndjson", track("b", "E", json!({})));
    let next = desk.sync(&[]).document;
    assert_adds_up(&next);
    assert_eq!(next["events"]["written"], json!(read + 1));
    assert_eq!(spooled(&desk), 0);
    assert_eq!(desk.sync(&[]).document["events"]["received"], 0);
}

#[test]
fn cancelling_drops_an_unrecorded_batch() {
    for name in ["-INT", "-TERM"] {
        let desk = Desk::new();
        let mut child = desk.piped();
        let mut input = child.stdin.take().unwrap();
        input.write_all(track("m1", "E", json!({})).as_bytes()).unwrap();
        until("the run", || {
            desk.path("data/lock").exists() && desk.path("lake/_headgate/lake.json").exists()
        });
        sleep(Duration::from_millis(200));

        // Meanwhile the data folder is taken, and looking is not.
        desk.put("a.ndjson", track("m2", "E", json!({})));
        let busy = desk.sync(&[]);
        assert_eq!((busy.exit, &busy.document["error"]["code"]), (1, &json!("data_folder_busy")));
        assert_eq!(busy.document["error"]["retryable"], true);
        assert_eq!(desk.json(&["runs", "list"]).document["runs"][0]["status"], "running");
        assert_eq!(
            desk.json(&[
                "schema",
                "preview",
                desk.path("in").to_str().unwrap(),
                "--lake",
                &desk.lake()
            ])
            .exit,
            0
        );

        // The pipe stays open and quiet.
        signal(&child, name);
        let answer = finished(child.wait_with_output().unwrap());
        drop(input);
        assert_eq!((answer.exit, &answer.document["status"]), (1, &json!("cancelled")));
        assert_eq!(answer.document["error"]["code"], "cancelled");
        assert_eq!(answer.document["events"]["received"], 0);
        assert!(!desk.path("lake/events").exists());
        let next = desk.sync(&[]);
        assert_eq!((next.exit, &next.document["events"]["written"]), (0, &json!(1)));
    }
}

#[test]
fn a_long_line_of_standard_input_survives_a_crash() {
    let desk = Desk::new();
    let events: String = (0..50).map(|n| track(&format!("m{n}"), "E", json!({}))).collect();
    let lake = desk.lake();
    let mut command = desk.command(&[
        "sync",
        "run",
        "--json",
        "--from",
        "-",
        "--to",
        &lake,
        "--batch-bytes",
        "3000",
    ]);
    let mut child = command
        .env("HEADGATE_CRASH", "planned")
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let _ = input.write_all(&vec![b'x'; 20 << 20]);
    let _ = input.write_all(b"\n");
    let _ = input.write_all(events.as_bytes());
    drop(input);
    assert!(!child.wait().unwrap().success());
    let next = desk.json(&["sync", "run", "--from", "-", "--to", &lake]).document;
    assert_adds_up(&next);
    assert_eq!((&next["events"]["written"], &next["events"]["rejected"]), (&json!(50), &json!(1)));
    assert_eq!(next["events"]["duplicate"], 0);
    assert_eq!(desk.rows()["e"], 50);
}

#[test]
fn what_was_taken_up_is_recorded_before_it_lands() {
    let desk = Desk::new();
    fs::create_dir_all(desk.path("lake/events/e")).unwrap();
    fs::write(desk.path("lake/events/e/notes.txt"), "mine").unwrap();
    desk.put("a.ndjson", track("m1", "E", json!({"id": 1, "+": 2})));
    assert_eq!(desk.sync(&[]).exit, 3);
    fs::remove_dir_all(desk.path("lake/events/e")).unwrap();
    for _ in 0..2 {
        desk.sync_crashing("committed");
    }
    assert_eq!(desk.sync(&[]).exit, 0);
    assert_eq!(desk.rows(), json!({"e": 1, "headgate_discards": 2, "tracks": 1}));
}

#[test]
fn damaged_files_are_reported_by_the_run_that_finishes() {
    let desk = Desk::new();
    let whole = crate::desk::gzip(track("m1", "E", json!({})).repeat(50).as_bytes());
    desk.put("a.gz", &whole[..whole.len() - 6]);
    desk.sync_crashing("planned");
    let next = desk.sync(&[]);
    assert_eq!((next.exit, &next.document["files"]["damaged"][0]["path"]), (3, &json!("a.gz")));
}

#[test]
fn a_staged_file_that_is_gone_is_made_again_from_its_lines() {
    for are_lines_there in [true, false] {
        let desk = Desk::new();
        desk.put("a.ndjson", track("m1", "E", json!({})));
        desk.sync(&[]);
        let parquet = || -> Vec<_> {
            let files = fs::read_dir(desk.path("lake/events/e")).unwrap().flatten();
            let mut files: Vec<_> = files.map(|file| file.path()).collect();
            files.retain(|path| path.extension().is_some_and(|end| end == "parquet"));
            files
        };
        let before = parquet();
        desk.put("b.ndjson", track("m2", "E", json!({})));
        desk.sync_crashing("planned");
        for staged in parquet().iter().filter(|path| !before.contains(path)) {
            fs::remove_file(staged).unwrap();
        }
        if !are_lines_there {
            fs::remove_file(desk.path("in/b.ndjson")).unwrap();
        }
        let next = desk.sync(&[]);
        assert_adds_up(&next.document);
        let error = &Desk::part(&next.document, "e")["error"];
        if are_lines_there {
            assert_eq!((next.exit, error), (0, &Value::Null));
        } else {
            assert_eq!((next.exit, &error["code"]), (3, &json!("staged_file_missing")));
        }
        // An event counts as written when it landed anywhere.
        assert_eq!(next.document["events"], counts(1, 1, 0, 0));
        let rows = if are_lines_there { 2 } else { 1 };
        assert_eq!(desk.rows(), json!({"e": rows, "tracks": 2}));
    }
}

#[test]
fn the_tail_of_a_file_ends_a_batch_also_after_a_crash() {
    let desk = Desk::new();
    let lines: String = (0..6)
        .map(|n| {
            track(&format!("m{n}"), "E", json!({"z": if n == 5 { json!(1) } else { json!(null) }}))
        })
        .collect();
    desk.put("a.ndjson", &lines);
    desk.put("b.ndjson", track("b", "E", json!({"z": 1.5})));
    let most = (lines.len() * 4 / 6 + 10).to_string();
    let (from, lake) = (desk.path("in").display().to_string(), desk.lake());
    let mut command = desk.command(&[
        "sync",
        "run",
        "--json",
        "--from",
        &from,
        "--to",
        &lake,
        "--batch-bytes",
        &most,
    ]);
    assert!(!command.env("HEADGATE_CRASH", "committed").output().unwrap().status.success());
    let next = desk.sync(&["--batch-bytes", &most]).document;
    assert_eq!(next["batches"], 3);
    assert_eq!(next["discards"], json!([{"reason": "type_mismatch", "count": 1}]));
}

#[test]
fn a_sync_to_another_lake_leaves_waiting_lines_alone() {
    let desk = Desk::new();
    desk.put("a.ndjson", "not json\n");
    desk.sync_crashing("planned");
    let (from, other) = (desk.path("in").display().to_string(), desk.path("other"));
    let other = other.display().to_string();
    assert_eq!(desk.json(&["sync", "run", "--from", &from, "--to", &other]).exit, 3);
    let next = desk.sync(&[]).document;
    assert_eq!(next["dead_letters"]["count"], 1);
    assert_eq!(dead_letters(&next)[0]["raw"], "not json");
}

#[test]
fn a_moved_data_folder_keeps_its_waiting_lines() {
    let desk = Desk::new();
    desk.put("a.ndjson", "not json\n");
    desk.sync_crashing("planned");
    fs::rename(desk.path("data"), desk.path("moved")).unwrap();
    let (from, lake) = (desk.path("in").display().to_string(), desk.lake());
    let mut command = desk.command(&["sync", "run", "--json", "--from", &from, "--to", &lake]);
    let next = answer(command.env("HEADGATE_DATA", desk.path("moved"))).document;
    assert_eq!(next["dead_letters"]["count"], 1);
    let path = next["dead_letters"]["path"].as_str().unwrap();
    assert!(Path::new(path).starts_with(desk.path("moved")));
    assert_eq!(dead_letters(&next)[0]["raw"], "not json");
}
