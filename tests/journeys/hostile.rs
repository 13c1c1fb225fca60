//! One megabyte of hostile events, and its limits on memory, disk and answers.

use std::fs;
use std::time::Instant;

use serde_json::json;

use crate::desk::{Desk, assert_adds_up, track};
use crate::sizes::{MB, gzip_of, watched, watched_sync};

/// One megabyte of whatever costs less than a hundred.
#[test]
fn a_hostile_megabyte_costs_less_than_a_hundred() {
    let text = |length: usize| "v".repeat(length);
    let event = |properties: &str| {
        format!(
            "{{\"type\":\"track\",\"messageId\":\"m\",\"event\":\"E\",\"properties\":{properties}}}\n"
        )
    };
    let many = |count: usize, one: &dyn Fn(usize) -> String| {
        (0..count).map(one).collect::<Vec<_>>().join(",")
    };
    let scratch = Desk::new();
    let bomb = {
        let line = [text(1000).into_bytes(), b"\n".to_vec()].concat().repeat(1000);
        gzip_of(&scratch.path("bomb"), (0..256).map(|_| line.clone()));
        fs::read(scratch.path("bomb")).unwrap()
    };
    let long_key = text(500_000);
    let inputs: Vec<(&str, Vec<u8>)> = vec![
        ("a tiny event", event("{}").into_bytes()),
        ("one line", text(MB as usize).into_bytes()),
        ("NULs", vec![0; MB as usize]),
        ("short lines", b"x\n".repeat(MB as usize / 2)),
        ("rejected lines that inflate", bomb),
        ("a value", event(&json!({"a": text(MB as usize)}).to_string()).into_bytes()),
        ("a value that is set aside", event(&json!({"id": text(MB as usize)}).to_string()).into_bytes()),
        ("a key again and again", event(&format!("{{{}}}", many(100_000, &|n| format!("\"k\":{n}")))).into_bytes()),
        ("keys that collide", event(&format!("{{{}}}", many(60_000, &|n| format!("\"k{}\":1", "_".repeat(n % 12))))).into_bytes()),
        ("many keys", event(&format!("{{{}}}", many(80_000, &|n| format!("\"k{n}\":1")))).into_bytes()),
        ("a long key over many", event(&format!("{{\"{long_key}\":{{{}}}}}", many(40_000, &|n| format!("\"k{n}\":1")))).into_bytes()),
        ("a long key without a name over many", event(&format!("{{\"a\":{{{}}}}}", many(2_000, &|n| format!("\"{}{n}\":{{\"日\":1}}", text(200))))).into_bytes()),
        ("deep", event(&format!("{}1{}", "{\"k\":".repeat(90_000), "}".repeat(90_000))).into_bytes()),
        ("deep enough", event(&format!("{}1{}", format!("{{\"{}\":", text(8_000)).repeat(120), "}".repeat(120))).into_bytes()),
        (
            "a long id with much set aside",
            format!(
                "{{\"type\":\"track\",\"messageId\":\"{}\",\"event\":\"E\",\"properties\":{{{}}}}}\n",
                text(500_000),
                many(40_000, &|n| format!("\"日{n:x}本\":1"))
            )
            .into_bytes(),
        ),
        ("an array", event(&format!("{{\"a\":[{}]}}", many(400_000, &|_| "1".to_owned()))).into_bytes()),
    ];
    let mut base = 0;
    let mut over = Vec::new();
    for (what, input) in inputs {
        assert!(input.len() as u64 <= MB + MB / 8, "{what} has {} bytes", input.len());
        let desk = Desk::new();
        desk.put(if input.starts_with(b"\x1F\x8B") { "a.gz" } else { "a.ndjson" }, &input);
        let begun = Instant::now();
        let (ran, mut most) = watched_sync(&desk);
        let (from, lake) = (desk.path("in").display().to_string(), desk.lake());
        let asked: [&[&str]; 6] = [
            &["schema", "preview", &from],
            &["runs", "list"],
            &["runs", "show", "1"],
            &["tables", "list", "--lake", &lake],
            &["tables", "show", "events.e", "--lake", &lake],
            &["tables", "show", "events.headgate_discards", "--lake", &lake],
        ];
        for arguments in asked {
            let (_, cost) = watched(&desk, arguments);
            most.disk = most.disk.max(cost.disk);
            most.memory = most.memory.max(cost.memory);
            most.answer = most.answer.max(cost.answer);
        }
        if base == 0 {
            base = most.memory;
        }
        let memory = most.memory.saturating_sub(base);
        println!(
            "{what}: {} {:.1} s, disk {} kB, memory {} MB more, answer {} kB",
            ran.document["status"],
            begun.elapsed().as_secs_f64(),
            most.disk / 1024,
            memory / MB,
            most.answer / 1024
        );
        assert_adds_up(&ran.document);
        if most.disk.max(memory).max(most.answer) >= 100 * MB {
            over.push(what);
        }
    }
    assert!(over.is_empty(), "{over:?}");
}

/// What inflates may not make a long answer either.
#[test]
fn a_preview_of_wide_rows_and_many_discards_stays_short() {
    let desk = Desk::new();
    let value = "v".repeat(3_000);
    let wide: serde_json::Map<String, serde_json::Value> =
        (0..500).map(|n| (format!("k{n}"), json!(value))).collect();
    let discards: serde_json::Map<String, serde_json::Value> = (0..900)
        .map(|n| (format!("{}{}", "-".repeat(n % 900 + 1), "+".repeat(100)), json!(value)))
        .collect();
    let lines = (0..25).map(|n| {
        let more = (n < 9).then(|| json!({format!("{}", "*".repeat(n + 1)): discards}));
        let mut properties = wide.clone();
        properties.extend(more.into_iter().filter_map(|more| more.as_object().cloned()).flatten());
        track(&format!("m{n}"), "E", serde_json::Value::Object(properties)).into_bytes()
    });
    gzip_of(&desk.path("in/a.gz"), lines);
    let from = desk.path("in").display().to_string();
    let (preview, cost) = watched(&desk, &["schema", "preview", &from]);
    let tables = preview.document["tables"].as_array().unwrap();
    assert_eq!(tables[0]["rows"], 25);
    assert!(!tables[0]["sample"].as_array().unwrap().is_empty());
    assert!(cost.answer < 12 * MB, "{} MB", cost.answer / MB);
    desk.sync(&[]);
    let lake = desk.lake();
    let (shown, cost) = watched(&desk, &["tables", "show", "events.e", "--lake", &lake]);
    assert_eq!(shown.document["cut"], true);
    assert!(cost.answer < 12 * MB, "{} MB", cost.answer / MB);
}

/// One example of each type is kept of a column, and cut: columns are many.
#[test]
fn a_preview_of_many_columns_that_mix_types_stays_short() {
    let desk = Desk::new();
    let long = "v".repeat(300);
    let lines = (0..8).map(|table| {
        let of = |value: &serde_json::Value| -> serde_json::Value {
            (0..1_900)
                .map(|n| (format!("k{n}"), value.clone()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        [json!(long), json!([long]), json!(true), json!(7), json!(1.5)]
            .iter()
            .enumerate()
            .map(|(at, value)| track(&format!("m{table}-{at}"), &format!("E{table}"), of(value)))
            .collect::<String>()
            .into_bytes()
    });
    gzip_of(&desk.path("in/a.gz"), lines);
    let from = desk.path("in").display().to_string();
    let (preview, cost) = watched(&desk, &["schema", "preview", &from]);
    let tables = preview.document["tables"].as_array().unwrap();
    let mixed = tables.iter().flat_map(|table| table["columns"].as_array().unwrap());
    assert_eq!(mixed.filter(|column| column["state"] == "mixed").count(), 8 * 1_900);
    assert!(cost.answer < 16 * MB, "{} MB", cost.answer / MB);
}
