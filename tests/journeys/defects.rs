//! A panic in Headgate itself: an error in words, its place in the log only, and nothing lost.

use serde_json::json;

use crate::bad_input::assert_error;
use crate::desk::{Desk, answer, assert_adds_up, track};

#[test]
fn a_panic_is_an_error_and_the_next_run_finishes() {
    for at in ["planned", "committed"] {
        let desk = Desk::new();
        desk.put("a.ndjson", track("m1", "E", json!({})));
        let (from, lake) = (desk.path("in").display().to_string(), desk.lake());
        let words = ["sync", "run", "--from", &from, "--to", &lake];
        let crash = format!("{at} panic a`\u{1b}[2J\u{9b}\nforged");

        let mut command = desk.command(&words);
        command.env("HEADGATE_CRASH", &crash).env_remove("HEADGATE_LOG");
        let ended = answer(command.arg("--json"));
        assert_eq!((ended.exit, ended.stderr.as_str()), (1, ""), "{at}");
        assert_error(&ended.document, "internal");

        let mut command = desk.command(&words);
        command.env("HEADGATE_CRASH", &crash).env("RUST_BACKTRACE", "1").env_remove("HEADGATE_LOG");
        let output = command.arg("--again").output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{text}");
        assert!(text.contains("Headgate stopped because of a defect.\n  "), "{text}");
        assert!(!text.contains("panic") && !text.contains("run.rs"), "{text}");

        let mut command = desk.command(&words);
        command.env("HEADGATE_CRASH", &crash).env("HEADGATE_LOG", "error");
        let output = command.arg("--again").output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        let logged = text.lines().find(|line| line.contains("sync/src/run.rs:")).expect(&text);
        assert!(
            logged.contains(r"[2J\u{9b}\nforged") && !text.contains(['\u{1b}', '\u{9b}']),
            "{text}"
        );
        let trace = text.rsplit("trace ").next().unwrap().trim();
        assert!(trace.len() == 12 && logged.contains(trace), "{text}");

        let next = desk.sync(&["--again"]);
        assert_adds_up(&next.document);
        assert_eq!((next.exit, desk.rows()), (0, json!({"e": 1, "tracks": 1})), "{at}");
    }
}
