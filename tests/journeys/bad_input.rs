//! Wrong arguments, damaged files and lines that are not events: each a clear error, and nothing lost.

use std::fs;
use std::io::Write;

use serde_json::{Value, json};

use crate::desk::{Desk, assert_adds_up, counts, dead_letters, gzip, track};

/// Every error has the shape, and says what to do.
pub fn assert_error(document: &Value, code: &str) {
    let error = &document["error"];
    assert_eq!(error["code"], code, "{document}");
    for key in ["message", "hint", "trace"] {
        assert!(error[key].as_str().is_some_and(|text| !text.is_empty()), "{key} of {error}");
    }
    assert!(error["retryable"].is_boolean() && error.get("field").is_some(), "{error}");
}

#[test]
fn wrong_arguments_touch_nothing() {
    let desk = Desk::new();
    desk.put("a.json", track("m1", "E", json!({})));
    let (from, lake) = (desk.path("in").display().to_string(), desk.lake());
    let cases: &[(&[&str], i32, &str)] = &[
        (&["sync", "run", "--to", &lake], 2, "wrong_use"),
        (&["sync", "walk"], 2, "wrong_use"),
        (
            &["sync", "run", "--from", &from, "--to", &lake, "--column", "a.b=BIGINT"],
            2,
            "wrong_use",
        ),
        (
            &["sync", "run", "--from", &from, "--to", &lake, "--column", "events.e.n=INT"],
            2,
            "wrong_use",
        ),
        (
            &["sync", "run", "--from", &from, "--to", &lake, "--column", "events.e.user_id=BIGINT"],
            2,
            "column_fixed",
        ),
        (&["schema", "preview", &from, "--column", "events.e.n"], 2, "wrong_use"),
        (&["sync", "run", "--from", &from, "--to", "s3://bucket/lake"], 2, "unsupported_location"),
        (&["sync", "run", "--from", "s3://bucket/x", "--to", &lake], 2, "unsupported_location"),
        (
            &["sync", "run", "--from", &from, "--to", &lake, "--source", "日本"],
            2,
            "source_unnameable",
        ),
        (&["sync", "run", "--from", &from, "--to", &lake, "--source", ""], 2, "source_unnameable"),
        (
            &["sync", "run", "--from", &from, "--to", &format!("{lake}%20")],
            2,
            "unsupported_location",
        ),
        (&["sync", "run", "--from", "/none/at/all", "--to", &lake], 1, "source_not_found"),
        (&["sync", "run", "--from", &from, "--to", &format!("{from}/a.json")], 1, "not_a_folder"),
        (&["schema", "preview", "/none/at/all"], 1, "source_not_found"),
        (&["tables", "list", "--lake", "/none/at/all"], 1, "lake_not_found"),
        (&["tables", "list", "--lake", &from], 1, "not_a_lake"),
        (&["runs", "show", "17"], 1, "run_not_found"),
    ];
    for (arguments, exit, code) in cases {
        let answer = desk.json(arguments);
        assert_eq!(answer.exit, *exit, "{arguments:?}: {}", answer.document);
        assert_error(&answer.document, code);
    }
    assert!(
        !desk.path("lake").exists() || fs::read_dir(desk.path("lake")).unwrap().next().is_none()
    );
}

#[test]
fn a_damaged_gzip_gives_its_whole_lines() {
    let lines: Vec<String> =
        (0..3000).map(|n| track(&format!("m{n}"), "E", json!({"n": n * 7919 % 3000}))).collect();
    let whole = gzip(lines.concat().as_bytes());
    let truncated = &whole[..whole.len() / 2];
    let mut wrong_sum = whole.clone();
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 0xFF;
    let mut garbage = whole.clone();
    garbage.extend(b"garbage");
    // What any inflater gets out of half the file, up to the last line's end.
    let mut plain = Vec::new();
    let _ = std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(truncated), &mut plain);
    let taken = plain.iter().filter(|&&byte| byte == b'\n').count();
    assert!(taken > 100);
    for (bytes, expected) in [(truncated.to_vec(), taken), (wrong_sum, 3000), (garbage, 3000)] {
        let desk = Desk::new();
        desk.put("a.gz", bytes);
        desk.put("b.json", track("good", "E", json!({})));
        let answer = desk.sync(&[]);
        assert_adds_up(&answer.document);
        assert_eq!((answer.exit, &answer.document["status"]), (3, &json!("partial")));
        assert_eq!(answer.document["events"]["written"], json!(expected + 1));
        assert_eq!(answer.document["events"]["rejected"], 0);
        assert_eq!(answer.document["files"]["taken"], 1);
        let damaged = &answer.document["files"]["damaged"][0];
        assert_eq!(
            (&damaged["path"], &damaged["error"]["code"]),
            (&json!("a.gz"), &json!("file_damaged"))
        );
        let again = desk.sync(&[]);
        assert_eq!((again.exit, &again.document["files"]["unchanged"]), (0, &json!(2)));
        // The file arrives whole: only the rest of it is new.
        desk.put("a.gz", &whole);
        let mended = desk.sync(&[]);
        assert_eq!(mended.document["events"]["duplicate"], json!(expected));
        assert_eq!(desk.rows()["e"], 3001);
    }
}

#[test]
fn damage_behind_all_lines_leaves_the_last_one_whole() {
    let text = track("m1", "E", json!({})) + track("m2", "E", json!({})).trim_end();
    let whole = gzip(text.as_bytes());
    let mut wrong_sum = whole.clone();
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 0xFF;
    let cut = whole[..whole.len() - 4].to_vec();
    let garbage = [&whole[..], b"garbage"].concat();
    for (bytes, written) in [(wrong_sum, 2), (garbage, 2), (cut, 1)] {
        let desk = Desk::new();
        desk.put("a.gz", bytes);
        let answer = desk.sync(&[]).document;
        assert_eq!(
            (&answer["events"]["written"], &answer["status"]),
            (&json!(written), &json!("partial"))
        );
    }
}

#[test]
fn a_preview_reports_unreadable_files() {
    let desk = Desk::new();
    desk.put("a.ndjson", track("m1", "E", json!({})));
    std::os::unix::fs::symlink(desk.path("in/nowhere"), desk.path("in/b.ndjson")).unwrap();
    let preview = desk.json(&["schema", "preview", desk.path("in").to_str().unwrap()]).document;
    assert_eq!(preview["damaged"][0]["error"]["code"], "file_unreadable");
}

#[test]
fn rejected_lines_are_kept_unchanged() {
    let desk = Desk::new();
    let deep = format!("{{\"type\":\"track\",\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let lines: [&[u8]; 9] = [
        b"\xEF\xBB\xBF{\"type\":\"track\",\"messageId\":\"m1\",\"event\":\"E\"}",
        b" \t ",
        b"\xFF\xFE{}",
        b"[1]\r",
        deep.as_bytes(),
        b"{\"type\":\"Track\"}",
        b"{\"type\":\"track\"",
        b"",
        b"{\"type\":\"track\",\"messageId\":\"m2\",\"event\":\"E\"}",
    ];
    desk.put("a.ndjson", lines.join(&b'\n'));
    let answer = desk.sync(&[]);
    assert_adds_up(&answer.document);
    assert_eq!(answer.document["events"], counts(7, 2, 0, 5));
    let told: Vec<_> = dead_letters(&answer.document)
        .into_iter()
        .map(|letter| {
            (
                letter["line"].clone(),
                letter["reason"].clone(),
                letter["raw"].clone(),
                letter["raw_base64"].clone(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (json!(3), json!("not_json"), Value::Null, json!("//57fQ==")),
            (json!(4), json!("not_object"), json!("[1]"), Value::Null),
            (json!(5), json!("too_deep"), json!(deep), Value::Null),
            (json!(6), json!("unknown_type"), json!("{\"type\":\"Track\"}"), Value::Null),
            (json!(7), json!("not_json"), json!("{\"type\":\"track\""), Value::Null),
        ]
    );
}

#[test]
fn two_hundred_megabytes_on_one_line_stay_out_of_memory() {
    let desk = Desk::new();
    let path = desk.put("a.ndjson", track("m1", "E", json!({})));
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    let megabyte = vec![b'x'; 1 << 20];
    for _ in 0..200 {
        file.write_all(&megabyte).unwrap();
    }
    file.write_all(b"\r\n").unwrap();
    // As many blanks count nowhere.
    for _ in 0..40 {
        file.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    file.write_all(b"\n").unwrap();
    file.write_all(track("m2", "E", json!({})).as_bytes()).unwrap();
    // 16 MiB and a line's end are an event's length still, one byte more is not.
    let longest = |extra: usize| {
        let empty = track("long", "E", json!({"t": ""})).len() - 1;
        track("long", "E", json!({"t": "y".repeat((16 << 20) - empty + extra)}))
    };
    file.write_all(longest(0).as_bytes()).unwrap();
    file.write_all(longest(1).as_bytes()).unwrap();
    let lake = desk.lake();
    let from = desk.path("in").display().to_string();
    let mut command = desk.command(&["sync", "run", "--json", "--from", &from, "--to", &lake]);
    let answer = crate::desk::answer(&mut command);
    assert_adds_up(&answer.document);
    assert_eq!(answer.document["rejected"], json!([{"reason": "too_long", "count": 2}]));
    assert_eq!(answer.document["events"]["written"], 3);
    let letters = answer.document["dead_letters"]["path"].as_str().unwrap();
    let size = fs::metadata(letters).unwrap().len();
    assert!((2 << 20) < size && size < (3 << 20), "{size}");
}

#[test]
fn a_foreign_table_is_skipped_and_others_are_written() {
    let desk = Desk::new();
    let page = json!({"type": "page", "messageId": "p1", "receivedAt": "2026-11-22T10:00:00Z"});
    desk.put("a.ndjson", format!("{}{page}\n", track("m1", "E", json!({"id": "reserved"}))));
    // A table that no Headgate made: its log has no transaction of ours.
    let log = desk.path("lake/events/e/_delta_log");
    fs::create_dir_all(&log).unwrap();
    let schema = json!({"type": "struct", "fields": [{"name": "x", "type": "long", "nullable": true, "metadata": {}}]});
    let commit = [
        json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}),
        json!({"metaData": {"id": "0", "format": {"provider": "parquet", "options": {}}, "schemaString": schema.to_string(),
                "partitionColumns": [], "configuration": {}, "createdTime": 0}}),
    ];
    let commit = commit.map(|action| action.to_string()).join("\n");
    fs::write(log.join("00000000000000000000.json"), &commit).unwrap();
    // And a folder with files that are not a table at all.
    fs::create_dir_all(desk.path("lake/events/pages")).unwrap();
    fs::write(desk.path("lake/events/pages/notes.txt"), "mine").unwrap();

    let first = desk.sync(&[]);
    assert_adds_up(&first.document);
    assert_eq!(
        (first.exit, &first.document["status"]),
        (3, &json!("partial")),
        "{}",
        first.document
    );
    let part = Desk::part(&first.document, "e");
    assert_eq!((&part["received"], &part["error"]["code"]), (&json!(0), &json!("foreign_table")));
    assert_eq!(Desk::part(&first.document, "pages")["error"]["code"], "foreign_table");
    assert_eq!(Desk::part(&first.document, "tracks")["written"], 1);
    // The track is in `tracks`; the page is nowhere yet, so no run counts it.
    assert_eq!(first.document["events"]["written"], 1);
    assert_eq!(fs::read_to_string(log.join("00000000000000000000.json")).unwrap(), commit);
    assert_eq!(fs::read_dir(&log).unwrap().count(), 1);

    desk.put("b.ndjson", track("m2", "E", json!({"x": 1})));
    let second = desk.sync(&[]);
    assert_eq!((second.exit, &second.document["events"]["written"]), (3, &json!(1)));

    fs::remove_dir_all(desk.path("lake/events/e")).unwrap();
    fs::remove_dir_all(desk.path("lake/events/pages")).unwrap();
    let third = desk.sync(&[]);
    assert_adds_up(&third.document);
    assert_eq!(
        (third.exit, &third.document["status"]),
        (0, &json!("succeeded")),
        "{}",
        third.document
    );
    assert_eq!(Desk::part(&third.document, "e")["written"], 2);
    assert_eq!(Desk::part(&third.document, "pages")["written"], 1);
    assert_eq!(third.document["events"]["written"], 1, "the page, which had landed nowhere");
    assert_eq!(desk.rows(), json!({"e": 2, "headgate_discards": 1, "pages": 1, "tracks": 2}));
    assert_eq!(desk.sync(&[]).document["events"]["received"], 0);
}

#[test]
fn a_table_with_what_headgate_never_makes_is_refused() {
    type Change = fn(&mut Value);
    let change: [(&str, Change); 2] = [
        ("metaData", |action| {
            let schema = action["metaData"]["schemaString"].as_str().unwrap_or_default();
            let schema = schema.replacen("\"string\"", "\"date\"", 1);
            action["metaData"]["schemaString"] = json!(schema);
        }),
        ("protocol", |action| {
            action["protocol"] = json!({"minReaderVersion": 3, "minWriterVersion": 7,
                "readerFeatures": ["somethingNew"], "writerFeatures": ["somethingNew"]});
        }),
    ];
    for (kind, change) in change {
        let desk = Desk::new();
        desk.put("a.ndjson", track("m1", "E", json!({})));
        desk.sync(&[]);
        let path = desk.path("lake/events/e/_delta_log/00000000000000000000.json");
        let text = fs::read_to_string(&path).unwrap();
        let mut actions: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        actions.iter_mut().filter(|action| action.get(kind).is_some()).for_each(change);
        fs::write(&path, actions.iter().map(|action| format!("{action}\n")).collect::<String>())
            .unwrap();
        desk.put("b.ndjson", track("m2", "E", json!({})));
        let answer = desk.sync(&[]);
        let error = &Desk::part(&answer.document, "e")["error"];
        assert_eq!(error["code"], "unsupported_table", "{}", answer.document);
        assert_eq!(error["retryable"], false);
        assert_eq!(answer.document["events"]["written"], 1);
        fs::write(&path, text).unwrap();
        assert_eq!(desk.sync(&[]).exit, 0);
        assert_eq!(desk.rows(), json!({"e": 2, "tracks": 2}));
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_tried_again() {
    let desk = Desk::new();
    desk.put("a.ndjson", track("m1", "E", json!({})));
    std::os::unix::fs::symlink(desk.path("in/nowhere"), desk.path("in/b.ndjson")).unwrap();
    let first = desk.sync(&[]);
    assert_eq!((first.exit, &first.document["status"]), (3, &json!("partial")));
    assert_eq!(first.document["files"]["damaged"][0]["error"]["code"], "file_unreadable");
    fs::remove_file(desk.path("in/a.ndjson")).unwrap();
    let alone = desk.sync(&[]);
    assert_eq!((alone.exit, &alone.document["status"]), (1, &json!("failed")));
    assert_error(&alone.document, "file_unreadable");
    fs::write(desk.path("in/nowhere"), track("m2", "E", json!({}))).unwrap();
    let second = desk.sync(&[]);
    assert_eq!((second.exit, &second.document["events"]["written"]), (0, &json!(1)));
}

#[test]
fn a_full_disk_loses_nothing() {
    // A disk of its own, as small as it takes; only root may make one.
    let desk = Desk::new();
    fs::create_dir_all(desk.path("lake")).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=200k", "tmpfs", &desk.lake()])
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        return;
    }
    desk.put("a.ndjson", track("m1", "E", json!({})));
    let first = desk.sync(&[]).document;
    // Digits of a product of large primes, which do not compress.
    let noise = |n: u64| -> String {
        (0..4000_u64)
            .map(|k| format!("{:x}", (n * 4000 + k).wrapping_mul(0x9E37_79B9_7F4A_7C15)))
            .collect()
    };
    let lines: String =
        (0..20).map(|n| track(&format!("n{n}"), "E", json!({"t": noise(n)}))).collect();
    desk.put("b.ndjson", lines);
    let full = desk.sync(&[]);
    let error = full.document["error"].clone();
    let rows = desk.rows();
    std::process::Command::new("mount")
        .args(["-o", "remount,size=20m", &desk.lake()])
        .status()
        .unwrap();
    let after = desk.sync(&[]);
    let landed = desk.rows();
    std::process::Command::new("umount").arg(desk.lake()).status().unwrap();
    assert_eq!(first["events"]["written"], 1);
    assert_eq!((full.exit, &error["code"]), (1, &json!("disk_full")), "{}", full.document);
    assert_eq!(rows["tracks"], 1);
    assert_eq!(after.exit, 0, "{}", after.document);
    assert_eq!(landed, json!({"e": 21, "tracks": 21}));
}
