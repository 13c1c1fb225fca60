//! Input that is small to send and expands: its limits on disk, memory and answers.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::desk::{Answer, Desk, assert_adds_up, dead_letters, finished, track};

pub const MB: u64 = 1 << 20;

/// What a command took at its most.
pub struct Cost {
    /// Bytes below the data folder, the lake and the folder for temporary files.
    pub disk: u64,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes printed.
    pub answer: u64,
}

/// Bytes on disk below a folder; a file whose name is gone counts with who holds it open.
fn on_disk(folder: &Path) -> u64 {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => on_disk(&entry.path()),
            _ => entry.metadata().map_or(0, |file| file.len()),
        })
        .sum()
}

/// Bytes in files without a name that a process holds open.
fn nameless(pid: u32) -> u64 {
    fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|open| {
            fs::read_link(open.path())
                .is_ok_and(|path| path.to_string_lossy().ends_with(" (deleted)"))
        })
        .filter_map(|open| fs::metadata(open.path()).ok())
        .filter(fs::Metadata::is_file)
        .map(|file| file.len())
        .sum()
}

fn most_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Runs a command to its end and watches what it takes meanwhile.
pub fn watched(desk: &Desk, arguments: &[&str]) -> (Answer, Cost) {
    let (out, scratch) = (desk.path("out.json"), desk.path("tmp"));
    fs::create_dir_all(&scratch).unwrap();
    let mut command: Command = desk.command(arguments);
    let mut child = command
        .arg("--json")
        .env("TMPDIR", &scratch)
        .stdout(fs::File::create(&out).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut cost = Cost { disk: 0, memory: 0, answer: 0 };
    let status = loop {
        let folders = ["data", "lake", "tmp"].map(|name| on_disk(&desk.path(name)));
        cost.disk = cost.disk.max(folders.iter().sum::<u64>() + nameless(child.id()));
        cost.memory = cost.memory.max(most_memory(child.id()));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let stdout = fs::read(&out).unwrap();
    cost.answer = stdout.len() as u64;
    (finished(std::process::Output { status, stdout, stderr: Vec::new() }), cost)
}

pub fn watched_sync(desk: &Desk) -> (Answer, Cost) {
    let (from, lake) = (desk.path("in").display().to_string(), desk.lake());
    watched(desk, &["sync", "run", "--from", &from, "--to", &lake])
}

/// Compresses what is written piece by piece.
pub fn gzip_of(path: &Path, pieces: impl Iterator<Item = Vec<u8>>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = fs::File::create(path).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::best());
    for piece in pieces {
        encoder.write_all(&piece).unwrap();
    }
    encoder.finish().unwrap();
}

#[test]
fn of_a_line_of_three_hundred_megabytes_the_first_is_kept() {
    let desk = Desk::new();
    let first = track("m1", "E", json!({}));
    let nuls = (0..300).map(|_| vec![0; MB as usize]);
    let pieces = [first.clone().into_bytes()].into_iter().chain(nuls);
    let last = format!("\r\n{}", track("m2", "E", json!({})));
    gzip_of(&desk.path("in/a.gz"), pieces.chain([last.into_bytes()]));
    let begun = Instant::now();
    let (answer, cost) = watched_sync(&desk);
    println!(
        "300 MB of NUL on one line: {:.1} s, {} MB disk, {} MB memory",
        begun.elapsed().as_secs_f64(),
        cost.disk / MB,
        cost.memory / MB
    );
    assert_adds_up(&answer.document);
    assert_eq!(answer.document["events"]["written"], 2);
    assert_eq!(answer.document["rejected"], json!([{"reason": "too_long", "count": 1}]));
    let letters = dead_letters(&answer.document);
    let letter = &letters[0];
    assert_eq!(letter["raw"].as_str().unwrap(), "\0".repeat(MB as usize));
    assert_eq!(
        (&letter["line"], &letter["bytes"], &letter["offset"], &letter["cut"]),
        (&json!(2), &json!(300 * MB), &json!(first.len()), &json!(true))
    );
    // sha256sum of 300 MiB of NUL.
    assert_eq!(
        letter["sha256"],
        "17a88af83717f68b8bd97873ffcf022c8aed703416fe9b08e0fa9e3287692bf0"
    );
    assert!(cost.disk < 20 * MB, "{} MB of disk", cost.disk / MB);
    assert!(cost.memory < 300 * MB, "{} MB of memory", cost.memory / MB);

    let path = desk.path("in").display().to_string();
    let (preview, cost) = watched(&desk, &["schema", "preview", &path]);
    assert_eq!(preview.document["events"]["rejected"], 1);
    assert!(cost.disk < 20 * MB, "{} MB of disk in a preview", cost.disk / MB);
}

#[test]
fn a_long_line_is_cut_between_characters_with_its_offset() {
    let desk = Desk::new();
    let text = |line: &str| json!({"type": "nothing", "text": line}).to_string();
    let long = text(&"日".repeat(700_000));
    let broken = [&b"\xFF"[..], &vec![b'x'; 2 * MB as usize]].concat();
    let lines = [
        b"\xEF\xBB\xBF[]".to_vec(),
        long.clone().into_bytes(),
        broken.clone(),
        text("short").into_bytes(),
    ];
    desk.put("a.ndjson", lines.join(&b'\n'));
    let answer = desk.sync(&[]);
    let letters = dead_letters(&answer.document);
    let raw = letters[1]["raw"].as_str().unwrap();
    assert!(long.starts_with(raw) && raw.len() as u64 <= MB && raw.len() as u64 > MB - 3);
    assert_eq!(letters[1]["bytes"], long.len());
    assert_eq!(letters[1]["offset"], 6, "the byte-order mark counts");
    assert_eq!(letters[2]["offset"], 6 + long.len() + 1);
    assert_eq!(letters[2]["bytes"], broken.len());
    assert!(letters[2]["raw"].is_null());
    assert_eq!(letters[2]["raw_base64"].as_str().unwrap().len() as u64, MB.div_ceil(3) * 4);
    assert_eq!(letters[2]["cut"], true);
    assert_eq!(
        letters[3],
        json!({"file": "a.ndjson", "line": 4, "reason": "unknown_type", "raw": text("short")})
    );
}

/// A long line of standard input is held by its beginning too, and a replay tells the same of it.
#[test]
fn a_long_line_of_a_killed_run_is_reported_alike() {
    let told = |crash: bool| {
        let desk = Desk::new();
        let lake = desk.lake();
        let mut command = desk.command(&["sync", "run", "--json", "--from", "-", "--to", &lake]);
        if crash {
            command.env("HEADGATE_CRASH", "read");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let text = [
            track("m1", "E", json!({})).into_bytes(),
            vec![b'y'; 40 * MB as usize],
            format!("\n{}", track("m2", "E", json!({}))).into_bytes(),
        ]
        .concat();
        // A process that died takes no more.
        let _ = input.write_all(&text);
        drop(input);
        let output = child.wait_with_output().unwrap();
        let answer = if crash {
            assert!(output.stdout.is_empty(), "it was to die");
            assert!(on_disk(&desk.path("data/spool")) < 3 * MB);
            let mut again = desk.command(&["sync", "run", "--json", "--from", "-", "--to", &lake]);
            finished(again.output().unwrap())
        } else {
            finished(output)
        };
        assert_eq!(answer.document["events"]["written"], 2, "{}", answer.document);
        assert_eq!(on_disk(&desk.path("data/spool")), 0);
        let mut letter = dead_letters(&answer.document).remove(0);
        assert_eq!((&letter["bytes"], &letter["offset"]), (&json!(40 * MB), &Value::Null));
        letter["file"] = Value::Null;
        letter
    };
    assert_eq!(told(true), told(false));
}

#[test]
fn a_file_that_expands_too_far_is_damaged() {
    let desk = Desk::new();
    let mut blanks = vec![b' '; MB as usize];
    blanks[MB as usize - 1] = b'\n';
    let first = [track("m1", "E", json!({})).into_bytes()];
    let last = [track("m2", "E", json!({})).into_bytes()];
    let bomb = first.into_iter().chain((0..1100).map(|_| blanks.clone())).chain(last);
    gzip_of(&desk.path("in/a.gz"), bomb);
    desk.put("b.ndjson", track("m3", "E", json!({})));
    let size = fs::metadata(desk.path("in/a.gz")).unwrap().len();
    let begun = Instant::now();
    let (answer, cost) = watched_sync(&desk);
    println!(
        "a bomb of {size} bytes: {:.1} s, {} MB disk, {} MB memory",
        begun.elapsed().as_secs_f64(),
        cost.disk / MB,
        cost.memory / MB
    );
    assert_adds_up(&answer.document);
    assert_eq!(answer.document["events"]["written"], 2, "{}", answer.document);
    let damaged = &answer.document["files"]["damaged"];
    assert_eq!(damaged[0]["path"], "a.gz");
    assert_eq!(damaged[0]["error"]["code"], "inflates_too_far");
    assert_eq!((answer.exit, &answer.document["status"]), (3, &json!("partial")));
    assert!(cost.disk < 20 * MB && cost.memory < 300 * MB);
    let path = desk.path("in").display().to_string();
    let (preview, _) = watched(&desk, &["schema", "preview", &path]);
    assert_eq!(preview.document["damaged"][0]["error"]["code"], "inflates_too_far");
}
