//! Measures the stages of a sync alone, on one thread and the same files, as the lower bound of the whole.
//! Prints seconds by stage as JSON.

#![expect(clippy::print_stdout, reason = "what it prints is its result")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use headgate_events::{
    Catalog, Existing, Line, ShredOptions, Shredder, Window, statistics_columns,
};
use headgate_lake::{Lake, Location};
use headgate_terms::{Error, TableName};

/// As a batch of a sync.
const BATCH: usize = 128 << 20;

struct NoTables;

impl Catalog for NoTables {
    fn table(&mut self, _: &str) -> Existing {
        Existing::No
    }
}

struct NoWindow;

impl Window for NoWindow {
    fn seen(&mut self, _: &str, _: Option<i64>) -> bool {
        false
    }

    fn unsee(&mut self, _: &str) {}
}

#[derive(Default)]
struct Spent {
    inflate: Duration,
    parse: Duration,
    shred: Duration,
    encode: Duration,
}

fn main() {
    let source = std::env::args().nth(1).expect("the folder of events");
    let mut files = Vec::new();
    list(Path::new(&source), &mut files);
    files.sort();
    let scratch = tempfile::tempdir().expect("a folder");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let location = Location::parse(&scratch.path().display().to_string()).expect("a folder");
    let lake = runtime.block_on(Lake::open_or_create(location)).expect("a lake");

    let (mut spent, mut batch) = (Spent::default(), Vec::new());
    for path in files {
        let raw = fs::read(path).expect("a file");
        let begun = Instant::now();
        MultiGzDecoder::new(&raw[..]).read_to_end(&mut batch).expect("gzip");
        spent.inflate += begun.elapsed();
        if batch.len() >= BATCH {
            take(&mut batch, &lake, &runtime, &mut spent);
        }
    }
    take(&mut batch, &lake, &runtime, &mut spent);
    println!(
        r#"{{"inflate": {:.3}, "parse JSON": {:.3}, "parse and shred": {:.3}, "encode Parquet": {:.3}}}"#,
        spent.inflate.as_secs_f64(),
        spent.parse.as_secs_f64(),
        spent.shred.as_secs_f64(),
        spent.encode.as_secs_f64()
    );
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() {
            list(&entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}

fn take(batch: &mut Vec<u8>, lake: &Lake, runtime: &tokio::runtime::Runtime, spent: &mut Spent) {
    let lines = || batch.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());

    let (mut buffers, mut scratch) = (simd_json::Buffers::default(), Vec::new());
    let begun = Instant::now();
    for line in lines() {
        scratch.clear();
        scratch.extend_from_slice(line);
        simd_json::to_tape_with_buffers(&mut scratch, &mut buffers).expect("JSON");
    }
    spent.parse += begun.elapsed();

    let mut catalog = NoTables;
    let begun = Instant::now();
    let plan = ShredOptions { planned: 0, most_columns: 2_000 };
    let mut shredder = Shredder::new(plan, &mut catalog);
    for (number, bytes) in (1..).zip(lines()) {
        let line = Line { bytes, source: "bench", path: "bench", number, id: None };
        shredder.push(&line, &mut NoWindow);
    }
    let made = shredder.finish();
    spent.shred += begun.elapsed();

    let begun = Instant::now();
    for table in &made.tables {
        let name = TableName { schema: "bench".to_owned(), table: table.name.clone() };
        let rows = table.batches().map(|rows| rows.map_err(|_| Error::new("internal", "rows")));
        let statistics = statistics_columns(&table.name, &table.schema());
        runtime.block_on(lake.stage(&name, &statistics, rows)).expect("files");
    }
    spent.encode += begun.elapsed();
    batch.clear();
}
