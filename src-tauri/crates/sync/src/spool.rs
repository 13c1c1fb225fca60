//! Lines of standard input on disk until a batch has them, because standard input cannot be read twice.
//!
//! A segment is a file `<lake>-<schema>.<run>.<first line>.ndjson` with lines as they came; the next run reads
//! what a killed run left. Of a line that is too long, only its beginning and its measure are kept, in a
//! segment of its own that ends in `.long`.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use headgate_store::Store;
use headgate_terms::{Error, Result, shell_word};

use crate::folder::{failed, private};
use crate::lines::Input;
use crate::long_line::LongLine;
use crate::report::RunReport;

/// Writes segments.
pub(crate) struct Spool {
    folder: PathBuf,
    ledger: String,
    run: String,
    /// Lines that were handed over, and those that are in a segment.
    lines: u64,
    kept: u64,
    segment: Option<(File, PathBuf, u64)>,
}

/// How long a segment may get before another is begun, in bytes.
const SEGMENT: u64 = 32 << 20;

/// Lines that wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    /// The run that read them: their path as E4 has it.
    pub(crate) run: String,
    pub(crate) first_line: u64,
    is_long: bool,
}

impl Segment {
    /// It as something to read.
    pub(crate) fn input(&self) -> Input {
        if self.is_long {
            return Input::LongLine(self.path.clone());
        }
        Input::Segment { path: self.path.clone(), run: self.run.clone() }
    }
}

impl Spool {
    pub(crate) fn new(folder: PathBuf, ledger: String, run: String) -> Self {
        Self { folder, ledger, run, lines: 0, kept: 0, segment: None }
    }

    /// Keeps whole lines before they are handed on.
    pub(crate) fn write(&mut self, lines: &[u8]) -> Result<(), Error> {
        self.lines += memchr::memchr_iter(b'\n', lines).count() as u64;
        self.append(&mut &*lines)
    }

    /// Keeps what is known of one line that is too long to hold.
    pub(crate) fn write_long(&mut self, line: &LongLine) -> Result<(), Error> {
        self.segment = None;
        self.lines += 1;
        let name = format!("{}.{}.{:020}.long", self.ledger, self.run, self.lines);
        let path = self.folder.join(name);
        let mut text = serde_json::to_vec(line).unwrap_or_default();
        text.push(b'\n');
        text.extend_from_slice(&line.beginning);
        private()
            .open(&path)
            .and_then(|mut file| file.write_all(&text))
            .map_err(|error| failed("write", &path, &error))?;
        self.kept = self.lines;
        Ok(())
    }

    fn append(&mut self, lines: &mut impl Read) -> Result<(), Error> {
        if self.segment.as_ref().is_none_or(|(_, _, size)| *size > SEGMENT) {
            let name = format!("{}.{}.{:020}.ndjson", self.ledger, self.run, self.kept + 1);
            let path = self.folder.join(name);
            let file = private().open(&path).map_err(|error| failed("make", &path, &error))?;
            self.segment = Some((file, path, 0));
        }
        if let Some((file, path, size)) = &mut self.segment {
            *size += io::copy(lines, file).map_err(|error| failed("write", path, &error))?;
        }
        self.kept = self.lines;
        Ok(())
    }
}

/// Reads a segment that holds one long line.
pub(crate) fn read_long(path: &Path) -> Result<LongLine, Error> {
    let broken = |error: io::Error| failed("read", path, &error);
    let bytes = fs::read(path).map_err(broken)?;
    let end = memchr::memchr(b'\n', &bytes).unwrap_or(bytes.len());
    let line: LongLine = serde_json::from_slice(&bytes[..end]).map_err(|e| broken(e.into()))?;
    Ok(LongLine { beginning: bytes.get(end + 1..).unwrap_or_default().to_vec(), ..line })
}

/// The segments of a ledger, of one run or of all, in order.
pub(crate) fn segments(folder: &Path, ledger: &str, run: Option<&str>) -> Vec<Segment> {
    let mut found: Vec<Segment> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| segment(&entry.ok()?.path(), ledger))
        .filter(|segment| run.is_none_or(|run| segment.run == run))
        .collect();
    found.sort_by(|a, b| (&a.run, a.first_line).cmp(&(&b.run, b.first_line)));
    found
}

fn segment(path: &Path, ledger: &str) -> Option<Segment> {
    let name = path.file_name()?.to_str()?;
    let long = name.strip_suffix(".long");
    let is_long = long.is_some();
    let name = long.or_else(|| name.strip_suffix(".ndjson"))?;
    let mut parts = name.split('.');
    let (of, run, first) = (parts.next()?, parts.next()?, parts.next()?);
    (of == ledger).then_some(Segment {
        path: path.to_owned(),
        run: run.to_owned(),
        first_line: first.parse().ok()?,
        is_long,
    })
}

/// Whose lines wait.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Left {
    /// The run that read them.
    pub(crate) run: String,
    /// The id of the lake that it wrote to.
    pub(crate) lake: String,
    pub(crate) schema: String,
}

/// Whose lines wait, of whichever lake. While a run is running, its own are among them.
pub(crate) fn left(folder: &Path) -> BTreeSet<Left> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names
        .filter_map(|name| {
            let (ledger, rest) = name.to_str()?.split_once('.')?;
            let (run, _) = rest.split_once('.')?;
            // A schema's name has no hyphen.
            let (lake, schema) = ledger.rsplit_once('-')?;
            Some(Left { run: run.to_owned(), lake: lake.to_owned(), schema: schema.to_owned() })
        })
        .collect()
}

/// The command that takes the lines which a run has left, as far as that is known.
pub(crate) fn takes(store: &Store, left: &Left) -> Result<String, Error> {
    let record = store.run(&left.run)?;
    let report = record.and_then(|record| serde_json::from_str::<RunReport>(&record.document).ok());
    let to = match store.lake_at(&left.lake)? {
        None => report.as_ref().map(|report| report.to.clone()),
        at => at,
    };
    let source = report.and_then(|report| report.source).unwrap_or_else(|| left.schema.clone());
    let to = to.unwrap_or_else(|| "LAKE".to_owned());
    Ok(format!(
        "headgate sync run --from - --to {} --source {} < /dev/null",
        shell_word(&to),
        shell_word(&source)
    ))
}

/// Removes the segments of a run whose lines, up to one, are all in batches.
pub(crate) fn remove_taken(folder: &Path, ledger: &str, run: &str, lines: u64, all: bool) {
    let segments = segments(folder, ledger, Some(run));
    for (place, segment) in segments.iter().enumerate() {
        let next = segments.get(place + 1).map(|next| next.first_line);
        if all || next.is_some_and(|next| next <= lines + 1) {
            remove(&segment.path);
        }
    }
}

/// Removes held lines that never came into the lake. The folder is held, so no run is writing any.
pub(crate) fn remove_held(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("held.") {
            remove(&entry.path());
        }
    }
}

/// Removes a file that is no longer needed.
pub(crate) fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a file that is done with stays");
    }
}
