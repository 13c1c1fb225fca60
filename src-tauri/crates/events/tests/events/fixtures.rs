//! The cases in `tests/fixtures/events`: input and expected output in files.
//!
//! A case is a folder with `1.ndjson`, `2.ndjson` … (one batch each, in order, into the same lake) and
//! `1.json`, `2.json` … with the rows that each batch makes, nulls left out. `tables.json`, where there is
//! one, has the columns of tables that the lake had before, `chosen.json` the types that were chosen for
//! columns. `HEADGATE_WRITE_EXPECTED=1` writes the expected files, to be read before they are committed.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use headgate_events::{Outcome, segment};
use headgate_terms::Column;
use serde_json::{Map, Value, json};

use crate::shredded::{Memory, Shredded};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures")
}

#[test]
fn every_case_makes_the_expected_tables() {
    let mut cases: Vec<PathBuf> = fs::read_dir(folder().join("events"))
        .expect("the cases")
        .map(|entry| entry.expect("a case").path())
        .collect();
    cases.sort();
    assert!(cases.len() >= 10, "the cases are gone");
    let mut wrong = Vec::new();
    for case in &cases {
        let most_columns = if case.ends_with("too_many_columns") { 12 } else { 2_000 };
        let mut memory = Memory::default();
        memory.tables = columns_of(&case.join("tables.json"));
        memory.chosen = columns_of(&case.join("chosen.json"));
        for number in 1.. {
            let Ok(text) = fs::read(case.join(format!("{number}.ndjson"))) else { break };
            let planned = format!("2026-11-2{}T12:00:00Z", number + 1);
            let made = describe(&memory.batch(&text, &planned, most_columns));
            let path = case.join(format!("{number}.json"));
            if std::env::var_os("HEADGATE_WRITE_EXPECTED").is_some() {
                fs::write(&path, &made).expect("writing the expected file");
            }
            let expected = fs::read_to_string(&path).unwrap_or_default();
            if made != expected {
                wrong.push(format!("{}:\n{}", path.display(), first_difference(&expected, &made)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn columns_of(path: &Path) -> BTreeMap<String, Vec<Column>> {
    let Ok(text) = fs::read_to_string(path) else { return BTreeMap::new() };
    serde_json::from_str(&text).expect("tables by name, each a list of columns")
}

/// Every table a line a row, so that a difference is one line.
fn describe(batch: &Shredded) -> String {
    let mut text = String::from("{\n");
    for (name, (columns, rows)) in &batch.tables {
        let columns: Map<String, Value> =
            columns.iter().map(|c| (c.name.clone(), json!(c.kind.to_string()))).collect();
        let _ = write!(text, "\"{name}\": {{\"columns\": {},\n \"rows\": [\n", json!(columns));
        let rows: Vec<String> = rows.iter().map(|row| format!("  {}", json!(row))).collect();
        let _ = write!(text, "{}\n ]}},\n", rows.join(",\n"));
    }
    let discards: Vec<String> = batch
        .discards
        .iter()
        .map(|d| format!("  {}", json!([d.table, d.row_id, d.column, d.reason.code(), d.value])))
        .collect();
    let _ = write!(text, "\"(set aside)\": [\n{}\n ],\n", discards.join(",\n"));
    let others: Map<String, Value> = batch
        .outcomes
        .iter()
        .filter_map(|(line, outcome)| match outcome {
            Outcome::Written { .. } => None,
            Outcome::Duplicate { .. } => Some((line.to_string(), json!("duplicate"))),
            Outcome::Rejected(reason) => Some((line.to_string(), json!(reason.code()))),
        })
        .collect();
    let _ = writeln!(text, "\"(lines that made no row)\": {},", json!(others));
    let _ = write!(text, "\"(notices)\": {}\n}}\n", json!(batch.notices));
    let read: Value = serde_json::from_str(&text).expect("the description is JSON");
    assert!(read.is_object());
    text
}

fn first_difference(expected: &str, made: &str) -> String {
    let mut lines = expected.lines().zip(made.lines());
    match lines.find(|(expected, made)| expected != made) {
        Some((expected, made)) => format!("  expected {expected}\n  made     {made}"),
        None => "  one ends before the other".to_owned(),
    }
}

#[test]
fn every_name_is_made_as_the_table_says() {
    let text = fs::read_to_string(folder().join("names.tsv")).expect("the names");
    let mut count = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (sent, made) = line.split_once('\t').expect("a tab");
        assert_eq!(segment(sent).unwrap_or_default(), made, "{sent}");
        count += 1;
    }
    assert!(count > 50, "the names are gone");
}

#[test]
fn every_timestamp_text_is_judged_as_the_table_says() {
    use headgate_events::timestamp::{format, parse, parse_or_date};
    let text = fs::read_to_string(folder().join("timestamps.tsv")).expect("the texts");
    let mut count = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [sent, new_column, existing] = fields[..] else { panic!("three fields: {line}") };
        let shown = |micros: Option<i64>| micros.map_or("text".to_owned(), format);
        assert_eq!(shown(parse(sent)), new_column, "{sent}");
        assert_eq!(shown(parse_or_date(sent)), existing, "{sent}");
        count += 1;
    }
    assert!(count > 40, "the texts are gone");
}
