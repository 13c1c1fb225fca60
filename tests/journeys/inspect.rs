//! Previews, runs and tables: the documents that scripts rely on.

use std::fs;

use serde_json::{Value, json};

use crate::desk::{Desk, answer, track};

#[test]
fn a_preview_says_what_a_run_then_does() {
    let desk = Desk::new();
    desk.put(
        "1.ndjson",
        track(
            "m1",
            "Order Done",
            json!({"total": 5, "shipTo": {"geo": "x"}, "id": 1, "日": 2, "+": 3}),
        ),
    );
    let from = desk.path("in").display().to_string();
    let fresh = desk.json(&["schema", "preview", &from]);
    assert_eq!(fresh.exit, 0);
    assert!(!desk.path("data").exists() && !desk.path("lake").exists(), "nothing is written");
    let table = Desk::part(&fresh.document, "order_done");
    assert_eq!(
        (&table["state"], &table["rows"], &table["schema"]),
        (&json!("new"), &json!(1), &json!("events"))
    );
    let column = |table: &Value, name: &str| {
        table["columns"].as_array().unwrap().iter().find(|c| c["name"] == name).cloned().unwrap()
    };
    assert_eq!(
        column(table, "ship_to_geo"),
        json!({"name": "ship_to_geo", "type": "STRING", "state": "new", "from": ["properties.shipTo.geo"], "filled": 1, "discarded": 0, "mixture": null, "choosable": true, "chosen": false})
    );
    assert_eq!(column(table, "id")["from"], json!(["messageId"]));
    // printf 日 | sha256sum
    assert_eq!(column(table, "u_85217f7a")["from"], json!(["properties.日"]));
    assert_eq!(
        fresh.document["discards"],
        json!([
            {"schema": "events", "table": "order_done", "column": "id", "reason": "reserved_name", "count": 1, "sample": "1"},
            {"schema": "events", "table": "order_done", "column": "properties.+", "reason": "unnameable_key", "count": 1, "sample": "3"},
        ])
    );
    desk.sync(&[]);
    desk.put(
        "2.ndjson",
        track("m2", "Order Done", json!({"total": 5.5, "new": true}))
            + &track("m1", "Order Done", json!({"never": 1})),
    );
    let lake = desk.lake();
    let second = desk.json(&["schema", "preview", &from, "--lake", &lake]).document;
    // As if all files were new: the first line has landed before.
    assert_eq!(second["events"], json!({"received": 3, "duplicate": 2, "rejected": 0}));
    let table = Desk::part(&second, "order_done");
    assert_eq!((&table["state"], &table["rows"]), (&json!("changed"), &json!(1)));
    assert_eq!(column(table, "total")["state"], "conflict");
    assert_eq!(column(table, "new")["state"], "new");
    assert_eq!(column(table, "ship_to_geo")["state"], "unchanged");
    assert_eq!(Desk::part(&second, "tracks")["state"], "unchanged");
    let run = desk.sync(&[]).document;
    let part = Desk::part(&run, "order_done");
    assert_eq!(part["columns_added"], json!([{"name": "new", "type": "BOOLEAN"}]));
    assert_eq!((&part["written"], &part["discarded"]), (&json!(1), &json!(1)));
}

/// A column of a table of a preview.
fn column_of<'d>(preview: &'d Value, table: &str, name: &str) -> &'d Value {
    let columns = Desk::part(preview, table)["columns"].as_array().expect("columns");
    columns.iter().find(|column| column["name"] == name).unwrap_or(&Value::Null)
}

#[test]
fn a_preview_says_which_columns_mix_types_and_what_a_choice_would_set_aside() {
    let desk = Desk::new();
    let lines = (0..60).map(|n| {
        let quantity = if n % 20 == 7 { json!("three") } else { json!(n) };
        let price = if n % 2 == 0 { json!(n) } else { json!(1.5) };
        let properties = json!({"quantity": quantity, "price": price, "Coupon": "x"});
        track(&format!("m{n}"), "Order Done", properties)
    });
    desk.put("1.ndjson", lines.collect::<String>());
    let from = desk.path("in").display().to_string();
    let preview = |more: &[&str]| {
        let arguments = [&["schema", "preview", from.as_str()][..], more].concat();
        let answer = desk.json(&arguments);
        assert_eq!(answer.exit, 0, "{}", answer.document);
        answer.document
    };
    let free = preview(&[]);
    let quantity = column_of(&free, "order_done", "quantity");
    assert_eq!(
        (&quantity["state"], &quantity["type"], &quantity["mixture"]),
        (
            &json!("mixed"),
            &json!("STRING"),
            &json!([
                {"type": "BIGINT", "count": 57, "example": "0"},
                {"type": "STRING", "count": 3, "example": "three"},
            ])
        )
    );
    assert_eq!(free["discards"], json!([]));
    // Numbers have a type in common, and are not a mixture.
    let price = column_of(&free, "order_done", "price");
    assert_eq!(
        (&price["state"], &price["type"], &price["mixture"], &price["choosable"]),
        (&json!("new"), &json!("DOUBLE"), &Value::Null, &json!(true))
    );
    assert_eq!(column_of(&free, "order_done", "user_id")["choosable"], false);
    let text = desk.command(&["schema", "preview", &from]).output().unwrap().stdout;
    let text = String::from_utf8(text).unwrap();
    for words in [
        "±  quantity",
        "quantity: STRING, because 3 of 60 values are text (`three`). The other 57 would fit BIGINT (`0`).",
        "`--column events.order_done.quantity=BIGINT`",
        "± mixed",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }

    let chosen = preview(&["--column", "events.order_done.quantity=BIGINT"]);
    let quantity = column_of(&chosen, "order_done", "quantity");
    assert_eq!(
        (&quantity["state"], &quantity["type"], &quantity["filled"], &quantity["discarded"]),
        (&json!("conflict"), &json!("BIGINT"), &json!(57), &json!(3))
    );
    assert_eq!((&quantity["chosen"], &quantity["mixture"][1]["count"]), (&json!(true), &json!(3)));
    assert_eq!(
        chosen["discards"],
        json!([{"schema": "events", "table": "order_done", "column": "quantity", "reason": "type_mismatch", "count": 3, "sample": "three"}])
    );
    let kept = preview(&["--column", "events.order_done.quantity=STRING"]);
    assert_eq!(column_of(&kept, "order_done", "quantity")["state"], "new");
    // None fits: the column is not made, and is shown all the same.
    let none = preview(&["--column", "events.order_done.coupon=BIGINT"]);
    let coupon = column_of(&none, "order_done", "coupon");
    assert_eq!(
        (&coupon["state"], &coupon["filled"], &coupon["discarded"]),
        (&json!("conflict"), &json!(0), &json!(60))
    );

    // A run does the same, and from then on the column is there.
    let run = desk.sync(&["--column", "events.order_done.quantity=BIGINT"]).document;
    assert_eq!(Desk::part(&run, "order_done")["discarded"], 3);
    let lake = desk.lake();
    desk.put("2.ndjson", track("late", "Order Done", json!({"quantity": "four"})));
    let after = preview(&["--lake", &lake]);
    let quantity = column_of(&after, "order_done", "quantity");
    assert_eq!(
        (&quantity["state"], &quantity["choosable"], &quantity["chosen"], &quantity["mixture"]),
        (&json!("conflict"), &json!(false), &json!(false), &Value::Null)
    );
}

#[test]
fn a_column_that_an_earlier_batch_would_make_can_still_be_chosen() {
    let desk = Desk::new();
    let lines = |values: &[Value]| -> String {
        let line = |value: &Value| track(&value.to_string(), "E", json!({"n": value}));
        values.iter().map(line).collect()
    };
    desk.put("a.ndjson", lines(&[json!(1), json!(2)]));
    desk.put("b.ndjson", lines(&[json!("three"), json!(4)]));
    desk.json(&["settings", "set", "batch_mb", "1"]);
    // More than one batch is between the two.
    let filler = "x".repeat(700_000);
    for name in ["aa", "ab"] {
        desk.put(&format!("{name}.ndjson"), track(name, "F", json!({"t": filler})));
    }
    let from = desk.path("in").display().to_string();
    let free = desk.json(&["schema", "preview", &from]).document;
    let n = column_of(&free, "e", "n");
    assert_eq!(
        (&n["state"], &n["type"], &n["discarded"]),
        (&json!("conflict"), &json!("BIGINT"), &json!(1))
    );
    assert_eq!(
        (&n["choosable"], &n["mixture"]),
        (
            &json!(true),
            &json!([{"type": "BIGINT", "count": 3, "example": "1"}, {"type": "STRING", "count": 1, "example": "three"}])
        )
    );
    let chosen = desk.json(&["schema", "preview", &from, "--column", "events.e.n=STRING"]).document;
    let n = column_of(&chosen, "e", "n");
    assert_eq!((&n["state"], &n["discarded"], &n["filled"]), (&json!("new"), &json!(0), &json!(4)));
}

#[test]
fn runs_and_tables_have_the_promised_shapes() {
    let desk = Desk::new();
    assert_eq!(desk.json(&["runs", "list"]).document, json!({"v": 1, "runs": []}));
    desk.put("1.ndjson", track("m1", "E", json!({"a": 1})));
    let run = desk.sync(&[]).document;
    desk.put("2.ndjson", track("m2", "E", json!({"b": "x"})));
    desk.sync(&[]);

    let listed = desk.json(&["runs", "list"]).document;
    let runs = listed["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[1]["run"], run["run"]);
    assert!(runs[0].get("tables").is_none());
    let shown = desk.json(&["runs", "show", run["run"].as_str().unwrap()]).document;
    assert_eq!(shown, run);
    let keys: Vec<&str> = run.as_object().unwrap().keys().map(String::as_str).collect();
    for key in [
        "run",
        "status",
        "source",
        "to",
        "started",
        "finished",
        "bytes_in",
        "batches",
        "events",
        "tables",
        "rejected",
        "discards",
        "files",
        "dead_letters",
        "notices",
        "error",
    ] {
        assert!(keys.contains(&key), "{key}");
    }
    assert!(run["started"].as_str().unwrap().ends_with('Z'));

    let lake = desk.lake();
    let tables = desk.json(&["tables", "list", "--lake", &lake]).document;
    let e = Desk::part(&tables, "e");
    assert_eq!((&e["version"], &e["rows"], &e["files"]), (&json!(1), &json!(2), &json!(2)));
    assert_eq!(e["columns"][0], json!({"name": "id", "type": "STRING"}));
    assert!(e["bytes"].as_u64().unwrap() > 0);
    let detail = desk.json(&["tables", "show", "events.e", "--lake", &lake]).document;
    assert_eq!(detail["txn"].as_object().unwrap().values().collect::<Vec<_>>(), [&json!(2)]);
    assert!(
        detail["properties"]["delta.dataSkippingStatsColumns"]
            .as_str()
            .unwrap()
            .contains("received_at")
    );
    let history = desk.json(&["tables", "history", "events.e", "--lake", &lake]).document;
    let commits = history["commits"].as_array().unwrap();
    assert_eq!(commits.len(), 2);
    assert_eq!((&commits[0]["version"], &commits[0]["rows_added"]), (&json!(1), &json!(1)));
    assert_eq!(commits[0]["columns_added"], json!([{"name": "b", "type": "STRING"}]));
    assert_eq!(commits[1]["run"], run["run"]);
    let missing = desk.json(&["tables", "show", "e", "--lake", &lake]);
    assert_eq!((missing.exit, &missing.document["error"]["code"]), (1, &json!("table_not_found")));
}

#[test]
fn the_data_folder_is_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    desk.put("1.ndjson", "not json\n");
    desk.sync(&[]);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&desk.path("data")), 0o700);
    let mut folders = vec![desk.path("data")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                assert_eq!(mode(&path), 0o700, "{}", path.display());
                folders.push(path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
        }
    }
}

#[test]
fn pages_escape_hostile_text() {
    let desk = Desk::new();
    desk.put("1.ndjson", track("m1", "E", json!({"id": "\u{1b}[2Jgone"})));
    let from = desk.path("in").display().to_string();
    let output = desk.command(&["schema", "preview", &from]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("1 event would make 2 new"), "{text}");
    assert!(text.contains("\\u{1b}[2Jgone") && !text.contains('\u{1b}'), "{text}");
    let lake = desk.lake();
    let output = desk.command(&["sync", "run", "--from", &from, "--to", &lake]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("1 received = 1 written + 0 duplicate + 0 rejected"), "{text}");
    for arguments in [
        &["runs", "list"][..],
        &["runs", "show", "1"],
        &["tables", "list", "--lake", &lake],
        &["tables", "show", "events.e", "--lake", &lake],
        &["tables", "history", "events.e", "--lake", &lake],
        &["completions", "bash"],
        &["--help"],
        &["sync", "run", "--help"],
    ] {
        let output = desk.command(arguments).output().unwrap();
        assert!(output.status.success() && output.stdout.len() > 40, "{arguments:?}");
    }
    let failed = desk.command(&["tables", "list", "--lake", "/none"]).output().unwrap();
    assert_eq!(failed.status.code(), Some(1));
    let text = String::from_utf8(failed.stderr).unwrap();
    assert!(
        text.contains("There is no folder `/none`.") && text.contains("code lake_not_found"),
        "{text}"
    );
    let piped = answer(desk.command(&["sync", "run", "--from", "-", "--to", &lake]).arg("--json"));
    assert_eq!((piped.exit, piped.stderr.as_str()), (0, ""));
}
