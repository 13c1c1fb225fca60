//! `fold` and `refit`: rows merged into the rows of `users`, and rows converted for columns that changed.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use headgate_events::{fold, refit, timestamp};
use headgate_terms::{Column, ColumnType};
use serde_json::{Map, Value, json};

use crate::shredded::{arrow, objects};

/// A table with a column for each of `NAME TYPE`, and a row for each object.
fn rows(columns: &[&str], rows: &[Value]) -> RecordBatch {
    let rows: Vec<Map<String, Value>> =
        rows.iter().map(|row| row.as_object().expect("a row").clone()).collect();
    arrow(&columns.iter().map(|column| self::column(column)).collect::<Vec<_>>(), &rows)
}

fn column(text: &str) -> Column {
    let (name, kind) = text.split_once(' ').expect("a name and a type");
    let kind: ColumnType = serde_json::from_value(json!(kind)).expect("a type");
    Column { name: name.to_owned(), kind }
}

fn values(batch: &RecordBatch) -> Vec<Value> {
    objects(batch).into_iter().map(Value::Object).collect()
}

const EARLY: &str = "2026-11-22T09:00:00Z";
const LATE: &str = "2026-11-22T11:00:00Z";
const PLANNED: &str = "2026-11-22T12:00:00Z";

#[test]
fn identifies_merge_into_columns_of_other_case() {
    let made = rows(
        &["Id STRING", "received_at TIMESTAMP", "plan STRING", "n BIGINT", "uuid_ts TIMESTAMP"],
        &[
            json!({"Id": "same", "received_at": EARLY, "plan": "free"}),
            json!({"Id": "new", "received_at": LATE, "plan": "paid"}),
            json!({"Id": "older", "received_at": EARLY, "plan": "free", "n": 1}),
            json!({"Id": "newer", "received_at": LATE, "plan": "paid"}),
            json!({"Id": "new", "received_at": EARLY, "plan": "free", "n": 2}),
            json!({"Id": "newer", "received_at": EARLY, "plan": "free"}),
            json!({"Id": "untimed", "received_at": EARLY, "plan": "paid"}),
        ],
    );
    let has = rows(
        &["ID STRING", "Received_At TIMESTAMP", "PLAN STRING", "other DOUBLE", "uuid_ts TIMESTAMP"],
        &[
            json!({"ID": "older", "Received_At": LATE, "PLAN": "paid", "other": 1.5}),
            json!({"ID": "newer", "Received_At": EARLY, "PLAN": "none", "uuid_ts": EARLY}),
            json!({"ID": "same", "Received_At": EARLY, "PLAN": "free", "uuid_ts": EARLY}),
            json!({"ID": "untimed", "PLAN": "free"}),
            json!({"ID": "of no concern", "Received_At": LATE, "PLAN": "free"}),
        ],
    );
    let planned = timestamp::parse(PLANNED).expect("a time");
    let folded = fold(&made, Some(&has), planned).expect("they fold");
    assert_eq!(folded.users, 5);
    assert_eq!(folded.new.schema(), made.schema());
    assert_eq!(
        values(&folded.new),
        [json!({"Id": "new", "received_at": LATE, "plan": "paid", "n": 2, "uuid_ts": PLANNED})]
    );
    assert_eq!(
        values(&folded.changed),
        [
            // Only what was NULL is filled by what is older.
            json!({"Id": "older", "received_at": LATE, "plan": "paid", "n": 1, "uuid_ts": PLANNED}),
            json!({"Id": "newer", "received_at": LATE, "plan": "paid", "uuid_ts": PLANNED}),
            json!({"Id": "untimed", "received_at": EARLY, "plan": "paid", "uuid_ts": PLANNED}),
        ]
    );
    let alone = fold(&made, None, planned).expect("they fold");
    assert_eq!((alone.users, alone.new.num_rows(), alone.changed.num_rows()), (5, 5, 0));
}

#[test]
fn merging_rows_with_wrong_columns_is_an_error() {
    let planned = timestamp::parse(PLANNED).expect("a time");
    let good = rows(
        &["id STRING", "received_at TIMESTAMP", "n BIGINT"],
        &[json!({"id": "u", "received_at": EARLY, "n": 1})],
    );
    for bad in [
        rows(&["id BIGINT", "received_at TIMESTAMP"], &[json!({"id": 1, "received_at": EARLY})]),
        rows(&["id STRING", "received_at STRING"], &[json!({"id": "u", "received_at": EARLY})]),
        rows(&["received_at TIMESTAMP"], &[json!({"received_at": EARLY})]),
        rows(
            &["id STRING", "received_at TIMESTAMP", "n DOUBLE"],
            &[json!({"id": "u", "received_at": EARLY, "n": 1.5})],
        ),
    ] {
        assert!(fold(&good, Some(&bad), planned).is_err(), "{bad:?}");
    }
}

#[test]
fn refit_converts_rows_for_changed_columns() {
    let made = rows(
        &[
            "id STRING",
            "received_at TIMESTAMP",
            "email STRING",
            "n BIGINT",
            "d DOUBLE",
            "b BOOLEAN",
            "t TIMESTAMP",
            "s STRING",
            "gone STRING",
        ],
        &[
            json!({"id": "1", "received_at": EARLY, "email": "a@b", "n": 1, "d": 2.0, "b": true, "t": LATE, "s": "TRUE", "gone": "x"}),
            json!({"id": "2", "received_at": LATE, "n": 2, "d": 2.5, "b": false, "t": EARLY, "s": "maybe"}),
            json!({"id": "3", "received_at": LATE}),
        ],
    );
    let columns: Vec<Column> = [
        "other BIGINT",
        "Email STRING",
        "EMAIL STRING",
        "ID STRING",
        "received_at TIMESTAMP",
        "n DOUBLE",
        "D BIGINT",
        "b STRING",
        "T STRING",
        "s BOOLEAN",
    ]
    .map(column)
    .into();
    let (fitted, discards) = refit(&made, "e", &columns).expect("they fit");
    assert_eq!(
        values(&fitted),
        [
            json!({"ID": "1", "received_at": EARLY, "Email": "a@b", "n": 1.0, "D": 2, "b": "true", "T": LATE, "s": true, "gone": "x"}),
            json!({"ID": "2", "received_at": LATE, "n": 2.0, "b": "false", "T": EARLY}),
            json!({"ID": "3", "received_at": LATE}),
        ]
    );
    let lost: Vec<_> = discards
        .iter()
        .map(|d| (&*d.table, &*d.row_id, &*d.column, &*d.value, d.reason.code()))
        .collect();
    assert_eq!(
        lost,
        [("e", "2", "D", "2.5", "type_mismatch"), ("e", "2", "s", "maybe", "type_mismatch")]
    );
    assert_eq!(discards[0].received_at, timestamp::parse(LATE).expect("a time"));
    // What `users` loses, `identifies` keeps.
    let (same, none) = refit(&made, "users", &columns).expect("they fit");
    assert_eq!((same, none), (fitted, Vec::new()));
    // Nothing to do.
    let as_made: Vec<Column> = ["id STRING", "n BIGINT"].map(column).into();
    assert_eq!(refit(&made, "e", &as_made).expect("they fit"), (made.clone(), Vec::new()));
    let empty = made.slice(0, 0);
    assert_eq!(refit(&empty, "e", &columns).expect("they fit").0.num_rows(), 0);
}

#[test]
fn refit_equals_direct_coercion() {
    // A column and its value; what another type makes of it, or that it is set aside.
    let table = [
        ("BIGINT", json!(1), "DOUBLE", json!(1.0)),
        ("BIGINT", json!(1), "BOOLEAN", Value::Null),
        ("BIGINT", json!(1), "STRING", json!("1")),
        ("BIGINT", json!(1), "TIMESTAMP", Value::Null),
        ("DOUBLE", json!(3.0), "BIGINT", json!(3)),
        ("DOUBLE", json!(3.5), "BIGINT", Value::Null),
        ("DOUBLE", json!(3.0), "STRING", json!("3")),
        ("DOUBLE", json!(1e300), "BIGINT", Value::Null),
        ("BOOLEAN", json!(true), "BIGINT", Value::Null),
        ("BOOLEAN", json!(true), "DOUBLE", Value::Null),
        ("BOOLEAN", json!(true), "STRING", json!("true")),
        ("STRING", json!("12"), "BIGINT", Value::Null),
        ("STRING", json!("False"), "BOOLEAN", json!(false)),
        ("STRING", json!("2026-11-22"), "TIMESTAMP", json!("2026-11-22T00:00:00Z")),
        ("STRING", json!("soon"), "TIMESTAMP", Value::Null),
        ("TIMESTAMP", json!(LATE), "STRING", json!(LATE)),
        ("TIMESTAMP", json!(LATE), "BIGINT", Value::Null),
    ];
    for (from, value, to, expected) in table {
        let made = rows(
            &["id STRING", "received_at TIMESTAMP", &format!("v {from}")],
            &[json!({"id": "1", "received_at": EARLY, "v": value})],
        );
        let (fitted, discards) =
            refit(&made, "e", &[column(&format!("v {to}"))]).expect("they fit");
        let got = objects(&fitted)[0].get("v").cloned().unwrap_or(Value::Null);
        assert_eq!(got, expected, "{from} {value} to {to}");
        assert_eq!(discards.len(), usize::from(expected.is_null()), "{from} {value} to {to}");
    }
}

#[test]
fn a_type_that_headgate_does_not_write_is_an_error() {
    let values: ArrayRef = Arc::new(arrow_array::Int8Array::from(vec![1]));
    let made = RecordBatch::try_from_iter([("v", values)]).expect("a column");
    assert!(refit(&made, "e", &[column("v BIGINT")]).is_err());
    assert!(refit(&made, "e", &[column("w BIGINT")]).is_ok());
}
