//! The environment of a journey: a lake, a data folder and files in one temporary folder, and the command that
//! runs in it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

pub struct Desk {
    folder: tempfile::TempDir,
}

/// What the command printed, and how it ended.
pub struct Answer {
    pub exit: i32,
    pub document: Value,
    pub stderr: String,
}

impl Desk {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn lake(&self) -> String {
        self.path("lake").display().to_string()
    }

    /// Writes a file below `in/`.
    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path("in").join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, bytes).expect("a file");
        path
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_headgate"));
        command
            .args(arguments)
            .env("HEADGATE_DATA", self.path("data"))
            .env_remove("HEADGATE_CRASH")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command with `--json` to its end.
    pub fn json(&self, arguments: &[&str]) -> Answer {
        answer(self.command(arguments).arg("--json"))
    }

    /// Syncs `in/` into the lake.
    pub fn sync(&self, more: &[&str]) -> Answer {
        let from = self.path("in").display().to_string();
        let mut arguments = vec!["sync", "run", "--from", &from, "--to"];
        let lake = self.lake();
        arguments.push(&lake);
        arguments.extend(more);
        self.json(&arguments)
    }

    /// As [`Self::sync`], dying at a point of the code.
    pub fn sync_crashing(&self, at: &str) {
        let (from, lake) = (self.path("in").display().to_string(), self.lake());
        let mut command = self.command(&["sync", "run", "--json", "--from", &from, "--to", &lake]);
        let output = command.env("HEADGATE_CRASH", at).output().expect("the command runs");
        assert!(!output.status.success(), "it was to die at {at}");
        assert!(output.stdout.is_empty());
    }

    /// A run that reads what the test writes to its standard input.
    pub fn piped(&self) -> Child {
        let lake = self.lake();
        self.command(&["sync", "run", "--json", "--from", "-", "--to", &lake])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command runs")
    }

    /// The rows of every table, by its name without the schema.
    pub fn rows(&self) -> Value {
        let listed = self.json(&["tables", "list", "--lake", &self.lake()]).document;
        let tables = listed["tables"].as_array().expect("tables").iter();
        let rows =
            tables.map(|t| (t["table"].as_str().expect("a name").to_owned(), t["rows"].clone()));
        Value::Object(rows.collect())
    }

    /// One table's part in a run.
    pub fn part<'d>(document: &'d Value, table: &str) -> &'d Value {
        let tables = document["tables"].as_array().expect("tables");
        tables.iter().find(|part| part["table"] == table).unwrap_or(&Value::Null)
    }
}

pub fn answer(command: &mut Command) -> Answer {
    let output = command.output().expect("the command runs");
    finished(output)
}

pub fn finished(output: std::process::Output) -> Answer {
    let stdout = String::from_utf8(output.stdout).expect("text");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(stdout.lines().count(), 1, "one document on one line: {stdout} {stderr}");
    let document: Value = serde_json::from_str(&stdout).expect("a document");
    assert_eq!(document["v"], 1);
    Answer { exit: output.status.code().unwrap_or(-1), document, stderr }
}

/// A track with an id of its own.
pub fn track(id: &str, event: &str, properties: Value) -> String {
    let event = json!({
        "type": "track", "messageId": id, "anonymousId": "a", "event": event,
        "receivedAt": "2026-11-22T10:00:00Z", "properties": properties,
    });
    format!("{event}\n")
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// What a run counts where nothing waits and nothing was lost.
pub fn counts(received: u64, written: u64, duplicate: u64, rejected: u64) -> Value {
    json!({
        "received": received, "written": written, "duplicate": duplicate, "rejected": rejected,
        "waiting": 0, "lost": 0,
    })
}

/// The numbers of a run that have to add up (E8).
pub fn assert_adds_up(document: &Value) {
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("a number in {document}"));
    let events = &document["events"];
    let ends = ["written", "duplicate", "rejected", "waiting", "lost"].map(|end| &events[end]);
    assert_eq!(number(&events["received"]), ends.map(number).iter().sum::<u64>(), "{document}");
    for table in document["tables"].as_array().expect("tables") {
        if table["merged"].is_null() {
            let sum = number(&table["written"]) + number(&table["duplicate"]);
            assert_eq!(number(&table["received"]), sum, "{table}");
        } else {
            assert!(table["received"].is_null() && table["written"].is_null(), "{table}");
        }
    }
}

pub fn dead_letters(document: &Value) -> Vec<Value> {
    let path = document["dead_letters"]["path"].as_str().expect("dead letters");
    let text = fs::read_to_string(Path::new(path)).expect("the file");
    text.lines().map(|line| serde_json::from_str(line).expect("a letter")).collect()
}
