//! Successful syncs: batches, duplicates, time windows, folder layouts, standard input.

use std::fs;
use std::io::Write;

use serde_json::{Value, json};

use crate::desk::{Desk, assert_adds_up, counts, dead_letters, finished, gzip, track};

fn fixture(case: &str, batch: u32) -> Vec<u8> {
    let path = format!(
        "{}/../../../tests/fixtures/events/{case}/{batch}.ndjson",
        env!("CARGO_MANIFEST_DIR")
    );
    fs::read(path).expect("the fixture")
}

#[test]
fn the_sample_day_becomes_a_lake() {
    let desk = Desk::new();
    let answer = desk.json(&["demo", "--to", &desk.lake()]);
    let document = &answer.document;
    assert_eq!((answer.exit, &document["status"]), (0, &json!("succeeded")));
    assert_adds_up(document);
    assert_eq!(document["events"], counts(160, 158, 2, 0));
    assert_eq!(document["lake"], json!(desk.lake()));
    assert_eq!(
        document["preview"]["events"],
        json!({"received": 160, "duplicate": 2, "rejected": 0})
    );
    assert_eq!(Desk::part(document, "users")["merged"], 6);
    assert_eq!(desk.rows()["tracks"], 114);
    assert!(!desk.path("data").exists(), "the demonstration has a data folder of its own");
    let again = desk.json(&["demo", "--to", &desk.lake()]);
    assert_eq!((again.exit, &again.document["files"]["unchanged"]), (0, &json!(3)));
}

#[test]
fn a_second_batch_adds_columns_and_merges_users() {
    let desk = Desk::new();
    desk.put("1.ndjson", fixture("calls", 1));
    let first = desk.sync(&["--source", "Shop Prod"]);
    assert_eq!(first.exit, 0, "{}", first.document);
    assert_adds_up(&first.document);
    assert_eq!(first.document["source"], "Shop Prod");
    let users = Desk::part(&first.document, "users");
    assert_eq!(
        (&users["schema"], &users["merged"], &users["created"]),
        (&json!("shop_prod"), &json!(2), &json!(true))
    );

    desk.put("2.ndjson", fixture("calls", 2));
    let second = desk.sync(&["--source", "Shop Prod"]);
    assert_adds_up(&second.document);
    assert_eq!(second.document["events"]["received"], 2);
    assert_eq!(second.document["files"]["unchanged"], 1);
    assert_eq!(second.document["discards"], json!([{"reason": "type_mismatch", "count": 1}]));
    let users = Desk::part(&second.document, "users");
    assert_eq!(
        (&users["merged"], &users["created"], &users["columns_added"]),
        (&json!(1), &json!(false), &json!([]))
    );
    let rows = desk.rows();
    assert_eq!(
        (&rows["users"], &rows["identifies"], &rows["headgate_discards"]),
        (&json!(2), &json!(4), &json!(2))
    );
    let shown = desk.json(&["tables", "show", "shop_prod.users", "--lake", &desk.lake()]).document;
    let sample = shown["sample"].as_array().expect("rows");
    let u1 = sample.iter().find(|row| row["id"] == "u1").expect("u1");
    assert_eq!((&u1["plan_seats"], &u1["email"]), (&json!(5), &json!("u1@example.com")));
    assert_eq!(shown["protocol"], json!({"reader": 1, "writer": 2}));
}

#[test]
fn reading_again_adds_no_duplicates() {
    let desk = Desk::new();
    // Two lines without a messageId, and one far older than the window reaches (E4, E7).
    let old = track("old", "E", json!({})).replace("2026-11-22", "2020-01-01");
    let bare = "{\"type\":\"track\",\"event\":\"E\"}\n";
    let text = [track("m1", "E", json!({"a": 1})), old, bare.into(), bare.into()].concat();
    desk.put("a.ndjson", text);
    let first = desk.sync(&[]);
    assert_eq!(first.document["events"]["written"], 4);
    let second = desk.sync(&[]);
    assert_eq!(second.document["events"]["received"], 0);
    assert_eq!(second.document["files"]["unchanged"], 1);
    let again = desk.sync(&["--again"]);
    assert_adds_up(&again.document);
    let all_known = counts(4, 0, 4, 0);
    assert_eq!((again.exit, &again.document["events"]), (0, &all_known));
    assert_eq!(desk.rows(), json!({"e": 4, "tracks": 4}));
}

#[test]
fn a_grown_file_adds_only_its_new_lines() {
    let desk = Desk::new();
    let first = track("m1", "E", json!({})) + "{\"type\":\"track\",\"event\":\"E\"}\n";
    desk.put("a.ndjson", &first);
    desk.sync(&[]);
    desk.put("a.ndjson", first + &track("m2", "E", json!({})));
    let second = desk.sync(&[]).document;
    assert_eq!(second["events"], counts(3, 1, 2, 0));
    assert_eq!(desk.rows()["e"], 3);
}

#[test]
fn the_window_reaches_seven_days_back() {
    let at = |id: &str, day: &str| track(id, "E", json!({})).replace("2026-11-22", day);
    let desk = Desk::new();
    desk.put("1.ndjson", at("x", "2026-11-01") + &at("y", "2026-11-05"));
    desk.sync(&[]);
    // Seven days and more after x, within seven of y; one without a receivedAt moves nothing.
    let timeless = "{\"type\":\"track\",\"event\":\"E\",\"messageId\":\"z\"}\n";
    desk.put("2.ndjson", [timeless.into(), at("x", "2026-11-09"), at("y", "2026-11-09")].concat());
    let second = desk.sync(&[]).document;
    assert_eq!(second["events"], counts(3, 2, 1, 0));
    desk.put("3.ndjson", [at("new", "2026-11-21"), timeless.into()].concat());
    let third = desk.sync(&[]).document;
    assert_eq!(third["events"]["duplicate"], 1, "an id without a receivedAt never leaves");
}

#[test]
fn smaller_batches_give_the_same_rows() {
    let desk = Desk::new();
    let lines: String = (0..200)
        .map(|n| track(&format!("m{n}"), "E", json!({"n": n, "text": "x".repeat(50)})))
        .collect();
    desk.put("large.ndjson", &lines);
    desk.put("small.ndjson", track("s1", "E", json!({"n": 1.5})));
    desk.put("tiny.ndjson", track("s2", "E", json!({"n": 2})));
    let answer = desk.sync(&["--batch-bytes", "10000"]);
    assert_adds_up(&answer.document);
    // The large file alone, cut; then the two small ones together.
    let batches = (lines.len() as u64).div_ceil(10_000 - 10_000 % (lines.len() as u64 / 200)) + 1;
    assert_eq!(answer.document["batches"], json!(batches));
    assert_eq!(answer.document["events"]["written"], 202);
    // The first batch froze `n` as BIGINT.
    assert_eq!(answer.document["discards"], json!([{"reason": "type_mismatch", "count": 1}]));
    assert_eq!(desk.rows()["e"], 202);
}

#[test]
fn segments_own_layout_names_the_schemas() {
    let desk = Desk::new();
    desk.put(
        "segment-logs/Web App/1763769600000/a.gz",
        gzip(track("m1", "E", json!({})).as_bytes()),
    );
    desk.put("segment-logs/ios/1763769600000/b.gz", gzip(track("m1", "E", json!({})).as_bytes()));
    desk.put("segment-logs/dummy-object.txt", "x");
    let answer = desk.sync(&[]);
    assert_adds_up(&answer.document);
    assert_eq!(answer.document["source"], Value::Null);
    assert_eq!(answer.document["events"]["written"], 2, "an id counts per source");
    assert_eq!(answer.document["files"]["ignored"], 1);
    let schemas: Vec<_> =
        answer.document["tables"].as_array().unwrap().iter().map(|t| t["schema"].clone()).collect();
    assert_eq!(schemas, ["ios", "ios", "web_app", "web_app"]);
}

#[test]
fn a_lake_inside_the_source_folder_is_not_read() {
    let desk = Desk::new();
    desk.put("a.json", track("m1", "E", json!({})));
    let (from, to) =
        (desk.path("in").display().to_string(), desk.path("in/lake").display().to_string());
    for expected in [1, 0] {
        let answer = desk.json(&["sync", "run", "--from", &from, "--to", &to]);
        assert_eq!((answer.exit, &answer.document["events"]["received"]), (0, &json!(expected)));
        assert_eq!(answer.document["files"]["ignored"], 0);
    }
}

#[test]
fn standard_input_is_a_source() {
    let desk = Desk::new();
    let mut child = desk.piped();
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(&gzip(track("m1", "E", json!({})).as_bytes())).unwrap();
    // A second gzip member goes on where the first ended.
    input.write_all(&gzip(b"not json\n{\"type\":\"track\",\"event\":\"E\"}")).unwrap();
    drop(input);
    let answer = finished(child.wait_with_output().unwrap());
    assert_eq!(answer.exit, 3);
    assert_adds_up(&answer.document);
    assert_eq!(answer.document["events"], counts(3, 2, 0, 1));
    let letters = dead_letters(&answer.document);
    let run = answer.document["run"].clone();
    assert_eq!(letters, [json!({"file": run, "line": 2, "reason": "not_json", "raw": "not json"})]);
    assert_eq!(
        fs::read_dir(desk.path("data/spool")).unwrap().count(),
        0,
        "nothing is left in the spool"
    );
}

#[test]
fn an_id_keeps_the_newest_time_it_was_accepted_at() {
    let desk = Desk::new();
    let at = |id: &str, day: &str| track(id, "E", json!({})).replace("2026-11-22", day);
    desk.put("a.ndjson", at("x", "2026-06-01"));
    desk.sync(&[]);
    // The window has moved on, so the old x is accepted once more, with an older time.
    desk.put("b.ndjson", at("z", "2026-07-01") + &at("x", "2026-05-01"));
    assert_eq!(desk.sync(&[]).document["events"]["written"], 2);
    let again = desk.sync(&["--again"]).document;
    assert_eq!(again["events"]["duplicate"], 3);

    // A file whose events all came from elsewhere first still reaches back to them.
    let desk = Desk::new();
    for (name, text) in
        [("a", at("x", "2026-06-01")), ("b", at("x", "2026-06-01")), ("c", at("z", "2026-07-01"))]
    {
        desk.put(&format!("{name}.ndjson"), text);
        desk.sync(&[]);
    }
    let again = desk.sync(&["--again"]).document;
    assert_eq!(again["events"], counts(3, 0, 3, 0));
}

#[test]
fn a_file_of_several_gzip_members_stays_whole() {
    let desk = Desk::new();
    let large: String = (0..5)
        .map(|n| track(&format!("b{n}"), "E", json!({"v": 1, "t": "x".repeat(3000)})))
        .collect();
    let text = track("b5", "E", json!({"v": "text"}));
    desk.put("a.ndjson", track("a1", "F", json!({})));
    desk.put("b.gz", [gzip(large.as_bytes()), gzip(text.as_bytes())].concat());
    let most = (large.len() + text.len() + 10).to_string();
    let answer = desk.sync(&["--batch-bytes", &most]);
    assert_adds_up(&answer.document);
    assert_eq!(
        (&answer.document["batches"], &answer.document["discards"]),
        (&json!(2), &json!([]))
    );
    assert_eq!(answer.document["events"]["written"], 7);
}

#[test]
fn pipes_and_the_data_folder_are_not_read() {
    let desk = Desk::new();
    desk.put("a.json", track("m1", "E", json!({})) + "not json\n");
    let fifo = desk.path("in/pipe.json");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let lake = desk.lake();
    let from = desk.path("in").display().to_string();
    let sync = || {
        let mut command = desk.command(&["sync", "run", "--json", "--from", &from, "--to", &lake]);
        crate::desk::answer(command.env("HEADGATE_DATA", desk.path("in/data")))
    };
    let first = sync();
    assert_eq!((first.exit, &first.document["files"]["ignored"]), (3, &json!(1)));
    let second = sync();
    assert_eq!((second.exit, &second.document["events"]["received"]), (0, &json!(0)));
    let pipe = desk.json(&["sync", "run", "--from", fifo.to_str().unwrap(), "--to", &lake]);
    assert_eq!((pipe.exit, &pipe.document["error"]["code"]), (1, &json!("source_unreadable")));
}

#[test]
fn file_names_that_are_not_utf8_stay_distinct() {
    use std::os::unix::ffi::OsStringExt;
    let desk = Desk::new();
    desk.put("x", "");
    for byte in [0xFE, 0xFF] {
        let name = std::ffi::OsString::from_vec(vec![b'a', byte, b'.', b'j', b's', b'o', b'n']);
        fs::write(desk.path("in").join(name), "{\"type\":\"track\",\"event\":\"E\"}\n").unwrap();
    }
    assert_eq!(desk.sync(&[]).document["events"]["written"], 2);
    assert_eq!(desk.sync(&[]).document["files"]["unchanged"], 2);
}
