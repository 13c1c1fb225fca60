//! Limits on what is kept of one event, and on who may read the data folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::bad_input::assert_error;
use crate::desk::{Desk, assert_adds_up, track};

#[test]
fn a_thousand_discards_of_an_event_are_kept_and_all_are_counted() {
    let desk = Desk::new();
    let signs = |mut n: usize| -> String {
        let mut key = String::new();
        while n > 0 {
            key.push(['-', '+', '*', '/'][n % 4]);
            n /= 4;
        }
        key
    };
    let properties: serde_json::Map<String, Value> =
        (1..=1_500).map(|n| (signs(n), json!(n))).collect();
    desk.put(
        "a.ndjson",
        track("m1", "E", Value::Object(properties)) + &track("m2", "E", json!({"id": 1})),
    );
    let answer = desk.sync(&[]).document;
    assert_adds_up(&answer);
    assert_eq!(answer["events"]["written"], 2);
    assert_eq!(
        answer["discards"],
        json!([{"reason": "reserved_name", "count": 1}, {"reason": "unnameable_key", "count": 1_500}])
    );
    assert_eq!(Desk::part(&answer, "e")["discarded"], 1_501);
    let notices = answer["notices"].as_array().unwrap();
    let notice = notices.iter().find(|notice| notice["code"] == "discards_left_out").unwrap();
    assert_eq!(notice["count"], 500);
    assert_eq!(desk.rows()["headgate_discards"], 1_001);
    let from = desk.path("in").display().to_string();
    let preview = desk.json(&["schema", "preview", &from]).document;
    let counts =
        preview["discards"].as_array().unwrap().iter().map(|d| d["count"].as_u64().unwrap());
    assert_eq!(counts.sum::<u64>(), 1_501);
}

#[test]
fn a_long_message_id_is_stored_as_a_hash_and_still_deduplicated() {
    let desk = Desk::new();
    let id = |length: usize| "m".repeat(length);
    desk.put("a.ndjson", track(&id(1_024), "E", json!({})) + &track(&id(1_025), "E", json!({})));
    assert_eq!(desk.sync(&[]).document["events"]["written"], 2);
    let detail = desk.json(&["tables", "show", "events.e", "--lake", &desk.lake()]).document;
    let ids: Vec<_> =
        detail["sample"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
    // printf m%.0s {1..1025} | sha256sum
    assert_eq!(
        ids,
        [
            json!(id(1_024)),
            json!("74d015c07e6510d2e6766d487fda84b087a447ca020f38be4edd70e920ac3d14")
        ]
    );
    desk.put("b.ndjson", track(&id(1_025), "E", json!({})));
    assert_eq!(desk.sync(&[]).document["events"]["duplicate"], 1);
}

#[test]
fn a_lake_that_is_made_is_this_users_alone_and_one_that_is_there_stays_as_it_is() {
    let mode = |desk: &Desk| fs::metadata(desk.path("lake")).unwrap().permissions().mode() & 0o777;
    for before in [None, Some(0o750)] {
        let desk = Desk::new();
        desk.put("a.ndjson", track("m1", "E", json!({})));
        if let Some(before) = before {
            fs::create_dir(desk.path("lake")).unwrap();
            fs::set_permissions(desk.path("lake"), fs::Permissions::from_mode(before)).unwrap();
        }
        desk.sync(&[]);
        assert_eq!(mode(&desk), before.unwrap_or(0o700));
    }
}

#[test]
fn a_shared_data_folder_is_refused() {
    let desk = Desk::new();
    desk.put("a.ndjson", track("m1", "E", json!({})));
    assert_eq!(desk.sync(&[]).exit, 0);
    let set =
        |mode| fs::set_permissions(desk.path("data"), fs::Permissions::from_mode(mode)).unwrap();
    set(0o777);
    for answer in [desk.sync(&[]), desk.json(&["runs", "list"]), desk.json(&["runs", "show", "1"])]
    {
        assert_eq!(answer.exit, 1);
        assert_error(&answer.document, "data_folder_shared");
    }
    set(0o755);
    assert_eq!(desk.json(&["runs", "list"]).exit, 0, "what others can only read is believed");
    assert_eq!(desk.sync(&[]).exit, 0);
    assert_eq!(fs::metadata(desk.path("data")).unwrap().permissions().mode() & 0o777, 0o700);
    let database = desk.path("data/headgate.db");
    let mut bytes = fs::read(&database).unwrap();
    bytes[..100].fill(0xA5);
    fs::write(&database, bytes).unwrap();
    for answer in [desk.sync(&[]), desk.json(&["runs", "list"])] {
        assert_error(&answer.document, "database_damaged");
    }
}

#[test]
fn a_batch_of_short_lines_ends_by_their_number() {
    let desk = Desk::new();
    let line = |n: usize| format!("{{\"type\":\"track\",\"event\":\"A\",\"messageId\":\"{n}\"}}\n");
    desk.put("a.ndjson", (0..100).map(line).collect::<String>());
    // It ends inside the second file: how many lines a file has is not known before it is read.
    desk.put("b.ndjson", (100..260_100).map(line).collect::<String>());
    let answer = desk.sync(&[]).document;
    assert_adds_up(&answer);
    assert_eq!((&answer["batches"], &answer["events"]["written"]), (&json!(2), &json!(260_100)));
    assert_eq!(desk.rows()["a"], 260_100);
}
