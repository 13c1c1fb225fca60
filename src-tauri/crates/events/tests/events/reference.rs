//! Random events, compared with a slow reference implementation that takes one event after the other.
//!
//! The reference covers tracks, identifies and pages, and whole values only; names, times and numbers as text
//! come from the tables beside the fixtures.

use std::collections::{BTreeMap, BTreeSet};

use headgate_events::{event_table, segment, timestamp};
use headgate_terms::{Column, ColumnType};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::shredded::Memory;

type Row = BTreeMap<String, Value>;
type Aside = BTreeSet<(String, String, String, &'static str, String)>;

#[derive(Default)]
struct Reference {
    columns: BTreeMap<String, BTreeMap<String, ColumnType>>,
}

/// A value that found its column, before the column's type is known.
struct Placed {
    column: String,
    value: Value,
}

const COMMON: [&str; 8] = [
    "id",
    "anonymous_id",
    "user_id",
    "received_at",
    "sent_at",
    "timestamp",
    "original_timestamp",
    "uuid_ts",
];

impl Reference {
    fn batch(&mut self, events: &[Value], planned: &str) -> (BTreeMap<String, Vec<Row>>, Aside) {
        let mut rows: BTreeMap<String, Vec<(Row, Vec<Placed>)>> = BTreeMap::new();
        let mut aside = Aside::new();
        for event in events {
            for (table, fixed, own) in routes(event) {
                let placed = place(event, &table, own, &mut aside);
                let mut row: Row = fixed.into_iter().collect();
                row.insert("uuid_ts".into(), json!(planned));
                rows.entry(table).or_default().push((row, placed));
            }
        }
        let mut tables = BTreeMap::new();
        for (table, rows) in rows {
            let known = self.columns.entry(table.clone()).or_default();
            let mut kinds: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
            for placed in rows.iter().flat_map(|(_, placed)| placed) {
                kinds.entry(placed.column.clone()).or_default().insert(kind(&placed.value));
            }
            for (column, kinds) in kinds {
                known.entry(column).or_insert_with(|| common(&kinds));
            }
            let mut finished = Vec::new();
            for (mut row, placed) in rows {
                let id = row["id"].as_str().unwrap().to_owned();
                for Placed { column, value } in placed {
                    match coerce(known[&column], &value) {
                        Some(value) => {
                            row.insert(column, value);
                        }
                        None => {
                            aside.insert((
                                table.clone(),
                                id.clone(),
                                column,
                                "type_mismatch",
                                text(&value),
                            ));
                        }
                    }
                }
                finished.push(row);
            }
            tables.insert(table, finished);
        }
        (tables, aside)
    }
}

/// A table, its fixed columns, and where the values of its own stand.
type Route = (String, Vec<(String, Value)>, Option<&'static str>);

/// The tables of an event, each with its fixed columns and where its own values stand.
fn routes(event: &Value) -> Vec<Route> {
    let received = event["receivedAt"].clone();
    let mut fixed = vec![
        ("id".to_owned(), event["messageId"].clone()),
        ("received_at".to_owned(), received.clone()),
        ("timestamp".to_owned(), received),
    ];
    if let Some(user) = event.get("userId") {
        fixed.push(("user_id".to_owned(), user.clone()));
    }
    match event["type"].as_str().unwrap() {
        "track" => {
            let name = event["event"].as_str().unwrap();
            let slug = event_table(name).unwrap();
            fixed.push(("event".to_owned(), json!(slug)));
            fixed.push(("event_text".to_owned(), json!(name)));
            vec![(slug, fixed.clone(), Some("properties")), ("tracks".to_owned(), fixed, None)]
        }
        "identify" => vec![("identifies".to_owned(), fixed, Some("traits"))],
        _ => unreachable!(),
    }
}

fn place(event: &Value, table: &str, own: Option<&str>, aside: &mut Aside) -> Vec<Placed> {
    let id = event["messageId"].as_str().unwrap().to_owned();
    let mut note = |column: &str, reason, value: &Value| {
        aside.insert((table.to_owned(), id.clone(), column.to_owned(), reason, text(value)));
    };
    let mut found = Vec::new();
    // The last one wins a column: context after properties, and within one the order of bytes.
    for section in own.into_iter().chain(["context"]) {
        let prefix = if section == "context" { "context" } else { "" };
        match event.get(section) {
            Some(Value::Object(members)) => flatten(members, prefix, section, &mut found),
            None | Some(Value::Null) => {}
            Some(_) => unreachable!(),
        }
    }
    let mut winners: BTreeMap<String, Value> = BTreeMap::new();
    for (name, path, value) in found {
        let Some(name) = name else {
            note(&path, "unnameable_key", &value);
            continue;
        };
        let track = ["event", "event_text"].contains(&name.as_str()) && table != "identifies";
        if COMMON.contains(&name.as_str()) || track {
            note(&name, "reserved_name", &value);
        } else if let Some(beaten) = winners.insert(name.clone(), value) {
            note(&name, "collision", &beaten);
        }
    }
    winners.into_iter().map(|(column, value)| Placed { column, value }).collect()
}

fn flatten(
    members: &Map<String, Value>,
    prefix: &str,
    path: &str,
    found: &mut Vec<(Option<String>, String, Value)>,
) {
    let mut keys: Vec<&String> = members.keys().collect();
    keys.sort();
    for key in keys {
        let (value, path) = (&members[key], format!("{path}.{key}"));
        let says_nothing = value.is_null() || value.as_object().is_some_and(Map::is_empty);
        let part = segment(key).unwrap_or_default();
        let name = if prefix.is_empty() { part.clone() } else { format!("{prefix}_{part}") };
        match value {
            _ if says_nothing => {}
            _ if part.is_empty() => found.push((None, path, value.clone())),
            Value::Object(inner) => flatten(inner, &name, &path, found),
            _ => found.push((Some(name), path, value.clone())),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() => "int",
        Value::Number(_) => "double",
        Value::String(text) if timestamp::parse(text).is_some() => "time",
        _ => "text",
    }
}

fn common(kinds: &BTreeSet<&str>) -> ColumnType {
    let kinds: Vec<&str> = kinds.iter().copied().collect();
    match kinds[..] {
        ["bool"] => ColumnType::Boolean,
        ["int"] => ColumnType::BigInt,
        ["double"] | ["double", "int"] => ColumnType::Double,
        ["time"] => ColumnType::Timestamp,
        _ => ColumnType::String,
    }
}

fn coerce(column: ColumnType, value: &Value) -> Option<Value> {
    Some(match (column, value) {
        (ColumnType::String, value) => json!(text(value)),
        (ColumnType::Double, Value::Number(number)) => json!(number.as_f64()?),
        (ColumnType::BigInt, Value::Number(number)) => match number.as_i64() {
            Some(int) => json!(int),
            None if number.as_f64()?.fract() == 0.0 && number.as_f64()?.abs() < 9e18 => {
                json!(number.as_f64()? as i64)
            }
            None => return None,
        },
        (ColumnType::Boolean, Value::Bool(bool)) => json!(bool),
        (ColumnType::Boolean, Value::String(text)) => match text.to_lowercase().as_str() {
            "true" => json!(true),
            "false" => json!(false),
            _ => return None,
        },
        (ColumnType::Timestamp, Value::String(text)) => {
            json!(timestamp::format(timestamp::parse_or_date(text)?))
        }
        _ => return None,
    })
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => {
            let text = number.to_string();
            text.strip_suffix(".0").unwrap_or(&text).to_owned()
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(quoted).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let member = |(key, value)| format!("{}:{}", json!(key), quoted(value));
            let members: Vec<String> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

fn quoted(value: &Value) -> String {
    if value.is_string() { value.to_string() } else { text(value) }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        3 => (-5_i64..5).prop_map(|n| json!(n)),
        2 => any::<i64>().prop_map(|n| json!(n)),
        3 => (-20_i32..20).prop_map(|n| json!(f64::from(n) / 4.0)),
        2 => any::<bool>().prop_map(|b| json!(b)),
        4 => prop_oneof!["[a-c]{0,2}", Just("TRUE".into()), Just("false".into()), Just("2026-11-22".into()),
             Just("2026-11-22T10:00:00Z".into()), Just("2026-11-22 11:00".into()), "\\PC{0,4}"].prop_map(|s: String| json!(s)),
        2 => Just(Value::Null),
        1 => Just(json!([])),
        1 => (-3_i64..3).prop_map(|n| json!([n, "x", null, {"k": [true]}])),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| members(inner).prop_map(Value::Object))
}

fn members(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    // Few keys, so that they collide, repeat, and reach fixed columns.
    let key = prop_oneof![
        3 => "[ab]", 2 => "[aA][bB]?", 1 => "a_b", 1 => Just("日".to_owned()), 1 => Just("🎁".to_owned()), 1 => Just("user".to_owned()),
        1 => Just("id".to_owned()), 1 => Just("context a".to_owned()), 1 => Just("event".to_owned()), 1 => "\\PC{0,3}",
    ];
    proptest::collection::vec((key, inner), 0..5).prop_map(|pairs| pairs.into_iter().collect())
}

fn events() -> impl Strategy<Value = Vec<Value>> {
    let event = (
        any::<bool>(),
        "[EF]",
        members(value()),
        proptest::option::of(members(value())),
        any::<bool>(),
    );
    proptest::collection::vec(event, 1..12).prop_map(|events| {
        let event =
            |(at, (track, name, own, context, user)): (usize, (bool, String, _, _, bool))| {
                let mut event =
                    json!({"messageId": format!("m{at}"), "receivedAt": "2026-11-22T10:00:00Z"});
                if track {
                    event["type"] = json!("track");
                    event["event"] = json!(name);
                    event["properties"] = Value::Object(own);
                } else {
                    event["type"] = json!("identify");
                    event["traits"] = Value::Object(own);
                }
                if let Some(context) = context {
                    event["context"] = Value::Object(context);
                }
                if user {
                    event["userId"] = json!("u");
                }
                event
            };
        events.into_iter().enumerate().map(event).collect()
    })
}

/// Puts both batches through; before the second the tables may be spelled otherwise, which must make no
/// difference but for the names that come out.
fn compare(first: &[Value], second: &[Value], respelled: bool) -> Result<(), TestCaseError> {
    let (mut memory, mut reference) = (Memory::default(), Reference::default());
    for (events, day) in [(first, 22), (second, 23)] {
        let planned = format!("2026-11-{day}T12:00:00Z");
        let lines: Vec<String> = events.iter().map(Value::to_string).collect();
        memory.seen.clear();
        let made = memory.batch(lines.join("\n").as_bytes(), &planned, 2_000);
        let (tables, aside) = reference.batch(events, &planned);
        let mut shredded: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for (name, (columns, rows)) in made.tables {
            if name == "users" {
                continue;
            }
            let row = |row: Map<String, Value>| -> Row {
                row.into_iter().map(|(column, value)| (column.to_lowercase(), value)).collect()
            };
            shredded.insert(name.clone(), rows.into_iter().map(row).collect());
            for Column { name: column, kind } in columns {
                let column = column.to_lowercase();
                if let Some(expected) = reference.columns[&name].get(&column) {
                    prop_assert_eq!(kind, *expected, "{}.{}", name, column);
                }
            }
        }
        prop_assert_eq!(shredded, tables);
        let discards: Aside = made
            .discards
            .into_iter()
            .map(|d| (d.table, d.row_id, d.column.to_lowercase(), d.reason.code(), d.value))
            .collect();
        let aside: Aside = aside
            .into_iter()
            .map(|(table, id, column, reason, value)| {
                (table, id, column.to_lowercase(), reason, value)
            })
            .collect();
        prop_assert_eq!(discards, aside);
        for (name, columns) in memory.tables.iter_mut().filter(|_| respelled) {
            for column in columns.iter_mut().filter(|_| name != "users") {
                column.name = column.name.to_uppercase();
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn shredding_equals_the_reference(
        first in events(),
        second in events(),
        respelled in any::<bool>(),
    ) {
        compare(&first, &second, respelled)?;
    }

    /// E29: from the first value on, E13 applies to a chosen type.
    #[test]
    fn a_chosen_type_counts_as_that_of_a_column_that_exists(
        events in events(),
        kinds in proptest::collection::vec(proptest::sample::select(&ColumnType::ALL), 3),
    ) {
        let named = |(name, &kind): (&str, &ColumnType)| Column { name: name.to_owned(), kind };
        let columns: Vec<Column> = ["a", "B", "a_b"].into_iter().zip(&kinds).map(named).collect();
        let tables = ["e", "f", "identifies", "users"].map(|table| (table.to_owned(), columns.clone()));
        let lines: Vec<String> = events.iter().map(Value::to_string).collect();
        let made = |mut memory: Memory| {
            let made = memory.batch(lines.join("\n").as_bytes(), "2026-11-22T12:00:00Z", 2_000);
            let rows = made.tables.into_iter().map(|(name, (_, rows))| {
                let row = |row: Map<String, Value>| -> Row {
                    row.into_iter().map(|(column, value)| (column.to_lowercase(), value)).collect()
                };
                (name, rows.into_iter().map(row).collect::<Vec<Row>>())
            });
            let discards = made.discards.into_iter();
            let discards = discards.map(|d| (d.table, d.row_id, d.column.to_lowercase(), d.reason, d.value));
            (rows.collect::<BTreeMap<_, _>>(), discards.collect::<Vec<_>>())
        };
        let tables = BTreeMap::from(tables);
        let (mut chosen, mut existing) = (Memory::default(), Memory::default());
        (chosen.chosen, existing.tables) = (tables.clone(), tables);
        prop_assert_eq!(made(chosen), made(existing));
    }

    #[test]
    fn nothing_panics_on_random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        Memory::default().batch(&bytes, "2026-11-22T12:00:00Z", 2_000);
    }
}
