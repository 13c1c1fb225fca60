//! Links in a folder of events: a link that another user placed must not make Headgate read a file of this user.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use crate::desk::{Desk, track};

#[test]
fn follow_links_reads_links_out_of_the_folder() {
    let desk = Desk::new();
    desk.put("a.ndjson", track("m1", "E", json!({})));
    fs::write(desk.path("private.ndjson"), track("m2", "E", json!({}))).unwrap();
    symlink(desk.path("private.ndjson"), desk.path("in/b.ndjson")).unwrap();
    symlink("a.ndjson", desk.path("in/c.ndjson")).unwrap();
    let from = desk.path("in").display().to_string();
    let notice = |document: &serde_json::Value| {
        let notices = document["notices"].as_array().unwrap();
        notices.iter().find(|notice| notice["code"] == "links_not_followed").cloned()
    };
    let preview = desk.json(&["schema", "preview", &from]).document;
    assert_eq!(notice(&preview).unwrap()["count"], 1);
    let asked = desk.json(&["schema", "preview", &from, "--follow-links"]).document;
    assert!(notice(&asked).is_none());
    assert_eq!(asked["events"]["received"], 3);

    let first = desk.sync(&[]).document;
    assert_eq!(notice(&first).unwrap()["count"], 1);
    assert_eq!((&first["files"]["ignored"], &first["files"]["taken"]), (&json!(1), &json!(2)));
    assert_eq!(first["events"]["written"], 1, "{first}");
    let second = desk.sync(&["--follow-links"]).document;
    assert_eq!((&second["files"]["ignored"], &second["events"]["written"]), (&json!(0), &json!(1)));
    assert!(notice(&second).is_none());
}
