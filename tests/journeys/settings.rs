//! Settings: shown, changed, refused, and their effect on a run.

use serde_json::json;

use crate::desk::Desk;

#[test]
fn a_setting_that_is_changed_holds_for_the_next_run() {
    let desk = Desk::new();
    let shown = desk.json(&["settings", "show"]);
    assert_eq!(shown.exit, 0);
    assert_eq!(shown.document["settings"], shown.document["installed"]);
    assert!(!desk.path("data").exists(), "looking makes nothing");

    let changed = desk.json(&["settings", "set", "batch_mb", "1"]);
    assert_eq!(changed.document["settings"]["batch_mb"], 1);
    assert_eq!(changed.document["installed"]["batch_mb"], 128);

    // Three megabytes of events are more than one batch now.
    let lines: Vec<String> = (0..15_000)
        .map(|at| {
            let pad = "x".repeat(150);
            json!({"type": "track", "event": "A", "messageId": at.to_string(), "properties": {"pad": pad}})
                .to_string()
        })
        .collect();
    desk.put("a.ndjson", lines.join("\n"));
    let run = desk.sync(&[]);
    assert_eq!(run.document["events"]["written"], 15_000);
    assert!(run.document["batches"].as_u64() > Some(1));
    let phases: Vec<_> =
        run.document["phases"].as_array().unwrap().iter().map(|p| &p["phase"]).collect();
    assert_eq!(phases, ["read", "write", "commit"]);
}

#[test]
fn an_unknown_setting_is_wrong_use() {
    let desk = Desk::new();
    for (name, value, field) in [
        ("batch_mb", "0", "batch_mb"),
        ("batch_mb", "many", "batch_mb"),
        ("theme", "pink", "theme"),
        ("zoom_percent", "79", "zoom_percent"),
        ("zoom_percent", "201", "zoom_percent"),
        ("letter_keys", "perhaps", "letter_keys"),
        ("colour", "pink", "name"),
    ] {
        let refused = desk.json(&["settings", "set", name, value]);
        assert_eq!(refused.exit, 2, "{name} {value}");
        assert_eq!(refused.document["error"]["field"], field);
    }
    assert!(!desk.path("data").exists(), "nothing was touched");
}
