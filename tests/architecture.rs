//! Which crate may depend on which, and which outside library only one crate may use.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The rooms that exist, from left to right, with those they may look into.
const MAY_USE: &[(&str, &[&str])] = &[
    ("desktop", &["app", "terms"]),
    ("cli", &["app", "terms"]),
    ("app", &["sync", "aws", "lake", "store", "policy", "terms"]),
    ("sync", &["lake", "store", "events", "terms"]),
    ("lake", &["events", "terms"]),
    ("store", &["events", "terms"]),
    ("aws", &["policy", "terms"]),
    ("events", &["terms"]),
    ("policy", &["terms"]),
    ("terms", &[]),
];

/// Outside libraries with one door.
const DOORS: &[(&str, &str)] = &[
    ("aws-config", "aws"),
    ("aws-credential-types", "aws"),
    ("aws-sdk-accessanalyzer", "aws"),
    ("aws-sdk-iam", "aws"),
    ("aws-sdk-sts", "aws"),
    ("aws-smithy-http-client", "aws"),
    ("aws-types", "aws"),
    ("buoyant_kernel", "lake"),
    ("deltalake", "lake"),
    ("jsonc-parser", "policy"),
    ("rusqlite", "store"),
    ("simd-json", "events"),
    ("clap", "cli"),
    ("tauri", "desktop"),
];

/// What a pure crate may not have: a clock, a network, files, tasks. (`policy` has jiff to read dates.)
const IMPURE: &[&str] = &["tokio", "reqwest", "rusqlite", "deltalake", "tempfile", "jiff", "uuid"];

fn metadata() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let names = dependencies
                .iter()
                .filter(|dependency| dependency["kind"] != "dev")
                .map(|dependency| dependency["name"].as_str().expect("a name").to_owned());
            (package["name"].as_str().expect("a name").to_owned(), names.collect())
        })
        .collect()
}

fn own(name: &str) -> Option<&str> {
    name.strip_prefix("headgate-")
}

#[test]
fn crates_depend_only_as_listed() {
    let packages = metadata();
    let rooms: BTreeSet<&str> = packages.keys().filter_map(|name| own(name)).collect();
    let listed: BTreeSet<&str> = MAY_USE.iter().map(|(room, _)| *room).collect();
    assert_eq!(rooms, listed, "every room stands in this table");
    for (room, allowed) in MAY_USE {
        for used in packages[&format!("headgate-{room}")].iter().filter_map(|name| own(name)) {
            assert!(allowed.contains(&used), "`{room}` may not use `{used}`");
        }
    }
}

#[test]
fn each_outside_library_is_used_by_one_crate() {
    for (package, dependencies) in metadata() {
        for (library, door) in DOORS {
            let through = own(&package) == Some(*door);
            assert!(through || !dependencies.contains(*library), "`{package}` uses `{library}`");
        }
        if matches!(own(&package), Some("terms" | "events" | "policy")) {
            for library in IMPURE {
                if (own(&package), *library) == (Some("policy"), "jiff") {
                    continue;
                }
                assert!(
                    !dependencies.contains(*library),
                    "`{package}` is pure and uses `{library}`"
                );
            }
        }
    }
}

#[test]
fn there_is_one_version_of_arrow() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).expect("the lock file");
    for library in ["arrow-array", "arrow-schema", "arrow-buffer", "parquet", "object_store"] {
        let count = lock.matches(&format!("name = \"{library}\"\n")).count();
        assert_eq!(count, 1, "versions of `{library}` in Cargo.lock");
    }
}

#[test]
fn no_folder_is_named_common_or_util() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let mut folders = vec![root.join("src-tauri"), root.join("ui"), root.join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.ends_with("node_modules") {
                continue;
            }
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
            let vague = ["common", "util", "utils", "helpers", "misc", "manager", "service"];
            assert!(!vague.contains(&stem.as_str()), "{} says nothing", path.display());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
}

/// What of the application is not a use-case: its life, and who listens.
const LIFE: &[&str] = &[
    "announce",
    "changes_world",
    "close",
    "cx",
    "cx_in",
    "data",
    "door",
    "from_environment",
    "has_jobs",
    "hears",
    "leave_page",
    "let_page_finish",
    "listen",
    "on",
    "on_signal",
    "stop_calls",
    "tidy",
    "wait_for_jobs",
    "wait_for_others",
    "with_data",
];

/// The public methods of a type in the files below a folder.
fn methods(of: &str, folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(methods(of, &path));
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a file");
        let head = format!("impl {of} {{");
        for body in text.split("\n}").filter_map(|item| item.split_once(&head)) {
            let methods = body.1.lines().filter_map(|line| line.strip_prefix("    pub fn "));
            found.extend(methods.map(|name| name.split(['(', '<']).next().unwrap().to_owned()));
        }
    }
    found
}

#[test]
fn a_use_case_is_reached_only_with_whom_it_is_for() {
    let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("../app/src");
    // Commands by name take it, and so does every method of the door.
    let life: BTreeSet<String> = LIFE.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(methods("App", &app), life, "a use-case belongs to `Door`");
    assert!(methods("Door<'_>", &app).contains("sync_run"));
}

#[test]
fn the_paths_that_the_readme_describes_pass_files_that_exist_each_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the readme");
    let (_, section) = readme.split_once("### Three paths through it").expect("the section");
    let (section, _) = section.split_once("A new command is").expect("its end");
    let paths: Vec<&str> = section.split("\n- **").skip(1).collect();
    assert_eq!(paths.len(), 3);
    for path in paths {
        let mut passed = BTreeSet::new();
        for file in path.split('`').skip(1).step_by(2) {
            let found = ["", "src-tauri/crates"].map(|folder| root.join(folder).join(file));
            assert!(found.iter().any(|file| file.is_file()), "{file} is not a file");
            assert!(passed.insert(file), "{file} is passed twice in: {path}");
        }
        assert!(passed.len() > 5);
    }
}
