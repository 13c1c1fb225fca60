//! Checks that each kind of mistake that real use turned up has cases in the folder of each command that made
//! it.
//!
//! A case's name begins with its kind. Those that represent a report have its number, such as `(01-3)`: the
//! kind, and the file of the report. The others are more examples of the kind.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::fixtures::{all_right, cases};

#[derive(Deserialize)]
struct Case {
    name: String,
}

/// Reports by number, each with the folders where its cases stand.
type Reports = &'static [(&'static str, &'static [&'static str])];

/// The kinds in order, with the reports of each.
const KINDS: [(&str, Reports); 16] = [
    (
        "patterns that leave the account open",
        &[
            ("01-1", &["matrix"]),
            ("01-3", &["matrix"]),
            ("01-5", &["matrix"]),
            ("01-7", &["difference"]),
            ("01-9", &["lint"]),
        ],
    ),
    (
        "examples that another rule matches",
        &[("02-1", &["lint", "matrix"]), ("02-3", &["lint", "matrix"])],
    ),
    ("fixes that let more callers in", &[("03-1", &["lint"]), ("03-3", &["lint"])]),
    (
        "whether strangers are kept out",
        &[("04-1", &["lint"]), ("04-3", &["lint"]), ("04-5", &["lint"]), ("04-7", &["lint"])],
    ),
    ("ids of deleted principals", &[("05-1", &["patch", "validate"]), ("05-3", &["patch"])]),
    (
        "federated callers",
        &[
            ("06-1", &["validate", "lint"]),
            ("06-3", &["lint"]),
            ("06-5", &["lint"]),
            ("06-7", &["lint"]),
        ],
    ),
    (
        "names of services and providers",
        &[("07-1", &["validate"]), ("07-3", &["validate"]), ("07-5", &["validate"])],
    ),
    ("Databricks' workspace role", &[("08-1", &["lint"])]),
    ("the smallest change", &[("09-1", &["patch"])]),
    ("the highest quota", &[("10-1", &["patch"])]),
    ("no role's account to compare", &[("11-1", &["lint"]), ("11-3", &["lint"])]),
    (
        "messages that say what is wrong",
        &[
            ("12-1", &["validate"]),
            ("12-3", &["validate"]),
            ("12-5", &["validate"]),
            ("12-7", &["validate"]),
        ],
    ),
    ("pasted fragments", &[("13-1", &["patch"]), ("13-4", &["patch"])]),
    ("when the caller's own policies count", &[("14-1", &["explain"])]),
    ("sessions", &[("15-1", &["explain", "lint"])]),
    ("placeholders in capitals", &[("16-1", &["lint"]), ("16-3", &["lint"])]),
];

#[test]
fn every_report_has_its_case_where_its_command_is_tested() {
    let folders = ["difference", "explain", "lint", "matrix", "patch", "validate"];
    let mut starts: BTreeSet<(&str, String)> = BTreeSet::new();
    let mut wrong = Vec::new();
    for folder in folders {
        for (file, Case { name }) in cases::<Case>(folder) {
            let Some((start, _)) = name.split_once(": ") else {
                if file == "from_use" {
                    wrong.push(format!("{folder}: {name}: it has no kind"));
                }
                continue;
            };
            let kind = start.split_once(" (").map_or(start, |(kind, _)| kind);
            let known = KINDS.iter().any(|(known, _)| *known == kind);
            if file == "from_use" && !known {
                wrong.push(format!("{folder}: {name}: nobody knows the kind `{kind}`"));
            }
            starts.insert((folder, start.to_owned()));
        }
    }
    let mut count = 0;
    for (kind, reports) in KINDS {
        for (report, places) in reports {
            for folder in *places {
                count += 1;
                let start = format!("{kind} ({report})");
                if !starts.contains(&(*folder, start)) {
                    wrong.push(format!("{folder}: no case of {kind} ({report})"));
                }
            }
        }
    }
    all_right(&wrong, count, 40);
}
