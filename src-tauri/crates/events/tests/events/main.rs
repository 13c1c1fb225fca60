//! The crate from lines to rows: fixtures that can be read, and random events against a simple reference.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod fixtures;
mod reference;
mod shredded;
mod staged;

use shredded::Memory;

#[test]
fn a_batch_makes_a_bounded_number_of_tables() {
    let lines = |from: usize, to: usize| {
        let line = |n| {
            let event = serde_json::json!({"type": "track", "event": format!("n{n}"),
                "messageId": format!("{from}-{n}"), "properties": {"a": n}});
            event.to_string()
        };
        (from..to).map(line).collect::<Vec<_>>().join("\n")
    };
    let mut memory = Memory::default();
    let first = memory.batch(lines(0, 2_503).as_bytes(), "2026-11-20T10:00:00Z", 2_000);
    // `tracks` and 2,500 of events; what came behind is in `tracks` all the same, its properties aside.
    assert_eq!(first.tables.len(), 2_501);
    assert_eq!(first.tables["tracks"].1.len(), 2_503);
    assert_eq!(first.discards.len(), 3);
    assert_eq!(first.notices["too_many_tables"], 3);
    // A table that is there takes no place, and the next batch has places of its own.
    let second = memory.batch(lines(2_498, 2_503).as_bytes(), "2026-11-20T11:00:00Z", 2_000);
    assert_eq!(second.tables.len(), 6);
    assert!(!second.notices.contains_key("too_many_tables"));
}
