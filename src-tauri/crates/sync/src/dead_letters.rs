//! Rejected lines, kept as they came in `<data>/dead_letters/<run>.ndjson`, and read back in pages.
//!
//! `BatchRejectedLines` collects the lines of one batch in a file of its own, which joins the run's file once the
//! batch is recorded, at the position that the plan names, so that joining twice changes nothing. `Room`
//! limits how much of the disk a run's rejected lines may take. Such a file is
//! a source of events too: what a line of it holds is taken as it came the first time, and is not wrapped twice.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use headgate_events::Rejection;
use headgate_terms::{Error, Result, acts, say};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use ts_rs::TS;

use crate::folder::{failed, private};
use crate::line_problem::LineProblem;
use crate::long_line::{KEPT, LongLine};

/// A rejected line, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RejectedLine {
    /// The file it came in.
    pub file: String,
    /// Its number there, from 1.
    pub line: u64,
    /// Why it is not an event.
    pub reason: String,
    /// The line, or its beginning; null when it is not UTF-8.
    pub raw: Option<String>,
    /// The line, or its beginning, in base64 when it is not UTF-8.
    pub raw_base64: Option<String>,
    /// Whether this is only its beginning; the file has it whole.
    #[serde(default)]
    pub cut: bool,
    /// The length in bytes of a line that is not kept whole, without its end.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// The SHA-256 of such a line, in hexadecimal.
    #[serde(default)]
    pub sha256: Option<String>,
    /// The byte of the inflated file at which such a line begins; null for standard input.
    #[serde(default)]
    pub offset: Option<u64>,
    /// What is wrong with it and where, as far as its text tells.
    #[serde(default)]
    pub problem: Option<LineProblem>,
}

impl RejectedLine {
    /// Adds what is wrong with it, and leaves of its text what a list shows.
    fn explained(mut self) -> Self {
        self.problem = match (&self.raw, &self.raw_base64) {
            (Some(text), _) => LineProblem::of(&self.reason, text, self.cut),
            (None, Some(base64)) if !self.cut => {
                BASE64_STANDARD.decode(base64).ok().and_then(|bytes| LineProblem::of_bytes(&bytes))
            }
            _ => None,
        };
        for raw in [&mut self.raw, &mut self.raw_base64].into_iter().flatten() {
            if let Some((end, _)) = raw.char_indices().nth(SHOWN) {
                raw.truncate(end);
                self.cut = true;
            }
        }
        self
    }

    /// How much of an answer it takes, in bytes of JSON.
    fn weight(&self) -> usize {
        let texts = [Some(&self.file), self.raw.as_ref(), self.raw_base64.as_ref()];
        texts.into_iter().flatten().map(|text| as_json(text)).sum()
    }
}

/// Some of a run's rejected lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RejectedLines {
    /// In the order they came.
    pub letters: Vec<RejectedLine>,
    /// Where the next ones begin; null at the end.
    pub next: Option<u64>,
}

/// The most characters of a line that are shown.
const SHOWN: usize = 4_000;
/// The most bytes of lines that one answer shows, by what they take as JSON.
const ANSWER: usize = 4 << 20;
/// The most bytes of a kept line that are read; a line can have many.
const MOST_READ: u64 = 1 << 16;

/// Reads a run's rejected lines from a position on, of one reason or of all.
///
/// # Errors
/// `rejected_lines_expired` when the file no longer exists.
pub fn read_rejected_lines(
    path: &Path,
    from: u64,
    most: usize,
    reason: Option<&str>,
) -> Result<RejectedLines> {
    let broken = |error: io::Error| unreadable(path, &error);
    let mut file = BufReader::new(File::open(path).map_err(broken)?);
    file.seek(SeekFrom::Start(from)).map_err(broken)?;
    let (mut letters, mut at, mut line, mut shown) = (Vec::new(), from, Vec::new(), 0);
    while letters.len() < most && shown < ANSWER {
        line.clear();
        let mut read = (&mut file).take(MOST_READ).read_until(b'\n', &mut line).map_err(broken)?;
        if read == 0 {
            return Ok(RejectedLines { letters, next: None });
        }
        let whole = line.ends_with(b"\n");
        if !whole {
            read += file.skip_until(b'\n').map_err(broken)?;
        }
        at += read as u64;
        let letter = parse(&line, whole).ok_or_else(|| broken(no_list()))?;
        if reason.is_some_and(|reason| reason != letter.reason) {
            continue;
        }
        let letter = letter.explained();
        shown += letter.weight();
        letters.push(letter);
    }
    let ended = file.fill_buf().map_err(broken)?.is_empty();
    Ok(RejectedLines { letters, next: (!ended).then_some(at) })
}

/// What was saved of a run's rejected lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct SavedLines {
    /// The file that has them now.
    pub path: String,
    /// How many lines it has, each as it came.
    pub saved: u64,
    /// How many are not in it, because only their beginning was kept.
    pub left_out: u64,
}

/// The most bytes of a letter that is kept whole: no byte of its line takes more than six.
const MOST_WHOLE: u64 = (KEPT as u64) * 6 + (64 << 10);

/// Saves a run's lines as they came, of one reason or of all, one a line. The file is whole or not there.
///
/// # Errors
/// `rejected_lines_expired` when they are no longer kept, and `output_failed` when the file cannot be written.
pub fn save_rejected_lines(path: &Path, reason: Option<&str>, to: &Path) -> Result<SavedLines> {
    let broken = |error: io::Error| unreadable(path, &error);
    let unwritten = |error: io::Error| {
        Error::new("output_failed", say!("`{}` cannot be written: {}.", to, error))
            .hint("Save it under another name, or in another folder.")
            .field("out")
    };
    let mut file = BufReader::new(File::open(path).map_err(broken)?);
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(unwritten)?;
    let mut out = BufWriter::new(made);
    let (mut saved, mut left_out, mut line) = (0, 0, Vec::new());
    loop {
        line.clear();
        if (&mut file).take(MOST_WHOLE).read_until(b'\n', &mut line).map_err(broken)? == 0 {
            break;
        }
        let whole = line.ends_with(b"\n") || file.fill_buf().map_err(broken)?.is_empty();
        if !whole {
            file.skip_until(b'\n').map_err(broken)?;
        }
        let letter = parse(&line, whole).ok_or_else(|| broken(no_list()))?;
        if reason.is_some_and(|reason| reason != letter.reason) {
            continue;
        }
        let Some(raw) = bytes_of(&letter) else {
            left_out += 1;
            continue;
        };
        out.write_all(&raw).and_then(|()| out.write_all(b"\n")).map_err(unwritten)?;
        saved += 1;
    }
    let made = out.into_inner().map_err(|error| unwritten(error.into_error()))?;
    made.as_file().sync_all().map_err(unwritten)?;
    made.persist(to).map_err(|error| unwritten(error.error))?;
    Ok(SavedLines { path: to.display().to_string(), saved, left_out })
}

/// The line as it came; none where only its beginning was kept.
fn bytes_of(letter: &RejectedLine) -> Option<Vec<u8>> {
    if letter.cut {
        return None;
    }
    match (&letter.raw, &letter.raw_base64) {
        (Some(text), _) => Some(text.clone().into_bytes()),
        (None, Some(base64)) => BASE64_STANDARD.decode(base64).ok(),
        (None, None) => None,
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::new(
            "rejected_lines_expired",
            say!("The rejected lines in `{}` are no longer kept.", path),
        )
        .hint("Settings say how long they are; the run keeps their count."),
        _ => failed("read", path, error),
    }
}

fn no_list() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is no list of lines")
}

/// A rejected line that is read again from the file that keeps it.
#[derive(Debug)]
pub(crate) struct Again {
    /// Where it came from the first time.
    pub(crate) file: String,
    pub(crate) line: u64,
    pub(crate) text: AgainText,
}

/// What of such a line there is.
#[derive(Debug)]
pub(crate) enum AgainText {
    /// All of it.
    Whole(Vec<u8>),
    /// Its beginning: it is rejected again for the same reason.
    Beginning(Rejection, LongLine),
}

/// How every line of a file of rejected lines begins.
const LETTER: &[u8] = b"{\"file\":";

impl Again {
    /// What a line of such a file holds; none for any other line. An event has a `type`, so none is taken for this.
    pub(crate) fn of(line: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Letter {
            #[serde(rename = "type")]
            kind: Option<IgnoredAny>,
            #[serde(flatten)]
            letter: RejectedLine,
        }
        if !line.starts_with(LETTER) {
            return None;
        }
        let Letter { kind: None, letter } = serde_json::from_slice(line).ok()? else { return None };
        let text = match bytes_of(&letter) {
            // Whoever mended it may have made several lines of it.
            Some(raw) if raw.contains(&b'\n') => return None,
            Some(raw) => AgainText::Whole(raw),
            None => {
                let (beginning, is_utf8) = match (letter.raw, &letter.raw_base64) {
                    (Some(text), _) => (text.into_bytes(), true),
                    (None, Some(base64)) => (BASE64_STANDARD.decode(base64).ok()?, false),
                    (None, None) => return None,
                };
                let long = LongLine {
                    beginning,
                    bytes: letter.bytes?,
                    length: letter.bytes?,
                    sha256: letter.sha256?,
                    offset: letter.offset,
                    is_utf8,
                    is_blank: false,
                };
                // An event that was given up has no reason of its own, and its beginning is not JSON.
                let reason = Rejection::ALL.into_iter().find(|one| one.code() == letter.reason);
                AgainText::Beginning(reason.unwrap_or(Rejection::NotJson), long)
            }
        };
        Some(Self { file: letter.file, line: letter.line, text })
    }
}

/// The run whose rejected lines a file has, by its name.
pub(crate) fn run_of(file: &str) -> Option<&str> {
    let name = file.rsplit('/').next()?.strip_suffix(".ndjson")?;
    let (number, id) = name.split_once('-')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_number && is_id).then_some(name)
}

/// Where lines go that are no event.
pub(crate) trait RejectedSink {
    /// Takes a line, given without its end. `offset` is its place in the inflated file.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn push(
        &mut self,
        file: &str,
        line: u64,
        reason: &str,
        raw: &[u8],
        offset: Option<u64>,
    ) -> Result<()>;

    /// Takes the beginning of a line, and its measure.
    ///
    /// # Errors
    /// As [`Self::push`].
    fn push_long(&mut self, file: &str, line: u64, reason: &str, long: &LongLine) -> Result<()>;
}

/// The first rejected lines, for a preview: nothing is kept.
#[derive(Default)]
pub(crate) struct FirstRejected {
    pub(crate) lines: Vec<RejectedLine>,
    taken: usize,
}

/// How many lines a preview shows, and what they may take, in bytes of JSON.
const FIRST: usize = 100;
const FIRST_BYTES: usize = 256 << 10;

impl FirstRejected {
    fn is_full(&self) -> bool {
        self.lines.len() >= FIRST || self.taken >= FIRST_BYTES
    }
}

impl RejectedSink for FirstRejected {
    fn push(
        &mut self,
        file: &str,
        line: u64,
        reason: &str,
        raw: &[u8],
        offset: Option<u64>,
    ) -> Result<()> {
        if self.is_full() {
            return Ok(());
        }
        self.push_long(file, line, reason, &LongLine::of(raw, offset))
    }

    fn push_long(&mut self, file: &str, line: u64, reason: &str, long: &LongLine) -> Result<()> {
        if self.is_full() {
            return Ok(());
        }
        let text = std::str::from_utf8(&long.beginning).ok().filter(|_| long.is_utf8);
        let cut = long.length > long.beginning.len() as u64;
        let letter = RejectedLine {
            file: file.to_owned(),
            line,
            reason: reason.to_owned(),
            raw: text.map(str::to_owned),
            raw_base64: text.is_none().then(|| BASE64_STANDARD.encode(&long.beginning)),
            cut,
            bytes: cut.then_some(long.length),
            sha256: None,
            offset: None,
            problem: None,
        };
        let letter = letter.explained();
        self.taken += letter.weight();
        self.lines.push(letter);
        Ok(())
    }
}

/// How long a text is inside a JSON document.
fn as_json(text: &str) -> usize {
    text.chars().map(|c| if acts(c) { 6 * c.len_utf16() } else { c.len_utf8() }).sum()
}

/// Parses one line of the file, or its beginning: `raw` comes last.
fn parse(line: &[u8], whole: bool) -> Option<RejectedLine> {
    if whole {
        return serde_json::from_slice(line).ok();
    }
    // The end may fall inside a character or an escape, none of which is longer than twelve bytes.
    (0..=12.min(line.len())).find_map(|less| {
        let text = [&line[..line.len() - less], b"\"}"].concat();
        let letter: RejectedLine = serde_json::from_slice(&text).ok()?;
        Some(RejectedLine { cut: true, ..letter })
    })
}

/// The rejected lines of one batch while it is read.
pub(crate) struct BatchRejectedLines {
    path: PathBuf,
    run_file: PathBuf,
    file: Option<BufWriter<File>>,
    room: Room,
    count: u64,
    written: u64,
    left_out: u64,
}

/// How much disk a run's rejected lines may take: input that is sent to fill the disk must not (E2).
#[derive(Debug, Clone, Default)]
pub(crate) struct Room {
    /// What the run's rejected lines take already.
    taken: u64,
    /// Bytes that the run has read, as stored on disk.
    read: Arc<AtomicU64>,
}

impl Room {
    /// Whatever was read, this much is kept.
    const LEAST: u64 = 64 << 20;
    /// And this much for each byte read: more than any byte of a line that is kept whole takes.
    const EACH: u64 = 8;

    pub(crate) fn new(read: Arc<AtomicU64>) -> Self {
        Self { taken: 0, read }
    }

    /// Of lines that were kept once already.
    pub(crate) fn without_end() -> Self {
        Self { taken: 0, read: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    fn has(&self, more: u64) -> bool {
        let read = self.read.load(Ordering::Relaxed);
        self.taken + more <= read.saturating_mul(Self::EACH).saturating_add(Self::LEAST)
    }

    /// Counts the rejected lines of a batch that was recorded.
    pub(crate) fn take(&mut self, letters: &BatchRejectedLines) {
        self.taken += letters.written;
    }
}

/// Letters that wait to join their run's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StagedRejectedLines {
    part: PathBuf,
    /// The run's file.
    pub(crate) run_file: PathBuf,
    /// How long that file is without them.
    at: u64,
    /// How many they are.
    pub(crate) count: u64,
}

impl BatchRejectedLines {
    pub(crate) fn new(folder: &Path, run: &str, batch: i64, room: Room) -> Self {
        Self {
            path: folder.join(format!(".{run}.{batch}.part")),
            run_file: folder.join(format!("{run}.ndjson")),
            file: None,
            room,
            count: 0,
            written: 0,
            left_out: 0,
        }
    }

    /// Writes a rejected line if there is room for it, and counts it in any case.
    fn write(&mut self, letter: &[u8]) -> Result<()> {
        let size = letter.len() as u64;
        if !self.room.has(self.written + size) {
            self.left_out += 1;
            return Ok(());
        }
        let made = if let Some(made) = self.file.take() {
            made
        } else {
            if let Some(folder) = self.path.parent() {
                let there = DirBuilder::new().recursive(true).mode(0o700).create(folder);
                there.map_err(|error| failed("make", folder, &error))?;
            }
            let mut options = private();
            // What a run of this name left behind was never part of a batch.
            let made = options.append(false).write(true).truncate(true).open(&self.path);
            BufWriter::new(made.map_err(|error| failed("make", &self.path, &error))?)
        };
        let out = self.file.insert(made);
        out.write_all(letter).map_err(|error| failed("write", &self.path, &error))?;
        self.count += 1;
        self.written += size;
        Ok(())
    }

    /// Lines that are counted and not kept, because the run's rejected lines may take no more room.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Ends the batch; `None` when it had no rejected lines.
    pub(crate) fn finish(&mut self) -> Result<Option<StagedRejectedLines>> {
        let Some(file) = self.file.take() else { return Ok(None) };
        file.into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .and_then(|()| crate::folder::sync_names(&self.path))
            .map_err(|error| failed("write", &self.path, &error))?;
        let at = fs::metadata(&self.run_file).map(|m| m.len()).unwrap_or_default();
        Ok(Some(StagedRejectedLines {
            part: self.path.clone(),
            run_file: self.run_file.clone(),
            at,
            count: self.count,
        }))
    }

    /// Gives the batch up.
    pub(crate) fn drop_all(&mut self) {
        if self.file.take().is_some() {
            crate::spool::remove(&self.path);
        }
    }
}

impl RejectedSink for BatchRejectedLines {
    fn push(
        &mut self,
        file: &str,
        line: u64,
        reason: &str,
        raw: &[u8],
        offset: Option<u64>,
    ) -> Result<()> {
        if raw.len() > KEPT {
            return self.push_long(file, line, reason, &LongLine::of(raw, offset));
        }
        let mut letter = head(file, line, reason);
        write_raw(&mut letter, raw, std::str::from_utf8(raw).is_ok());
        self.write(&letter)
    }

    fn push_long(&mut self, file: &str, line: u64, reason: &str, long: &LongLine) -> Result<()> {
        let mut letter = head(file, line, reason);
        let measure = serde_json::json!({
            "bytes": long.length, "sha256": long.sha256, "offset": long.offset, "cut": true,
        });
        let measure = measure.to_string();
        letter.extend_from_slice(&measure.as_bytes()[1..measure.len() - 1]);
        letter.push(b',');
        write_raw(&mut letter, &long.beginning, long.is_utf8);
        self.write(&letter)
    }
}

impl StagedRejectedLines {
    /// Joins the run's file, or becomes it.
    pub(crate) fn join(&self) -> Result<()> {
        if self.at == 0 {
            return match fs::rename(&self.part, &self.run_file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                renamed => renamed
                    .and_then(|()| crate::folder::sync_names(&self.run_file))
                    .map_err(|error| failed("write", &self.run_file, &error)),
            };
        }
        let mut part = match File::open(&self.part) {
            Ok(part) => part,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed("read", &self.part, &error)),
        };
        let mut options: OpenOptions = private();
        options.append(false).write(true);
        options
            .open(&self.run_file)
            .and_then(|mut file| {
                // What somebody removed of it leaves no gap.
                let at = self.at.min(file.metadata()?.len());
                file.set_len(at)?;
                file.seek(SeekFrom::Start(at))?;
                io::copy(&mut part, &mut file)?;
                file.sync_all()
            })
            .map_err(|error| failed("write", &self.run_file, &error))?;
        crate::spool::remove(&self.part);
        Ok(())
    }

    /// Names the same files in a folder.
    pub(crate) fn move_to(&mut self, folder: &Path) {
        for path in [&mut self.part, &mut self.run_file] {
            if let Some(name) = path.file_name() {
                *path = folder.join(name);
            }
        }
    }

    /// The file of a batch in this state.
    pub(crate) fn part(&self) -> &Path {
        &self.part
    }
}

/// The record of a rejected line, up to the line itself.
fn head(file: &str, line: u64, reason: &str) -> Vec<u8> {
    let place = serde_json::json!({"file": file, "line": line, "reason": reason});
    let mut head = place.to_string().into_bytes();
    head.pop();
    head.push(b',');
    head
}

/// Removes the rejected lines of batches that were never recorded. Those of the last day stay: the lake may have
/// a record of their batch that was not taken in yet.
pub(crate) fn remove_strays(folder: &Path, kept: &[PathBuf]) {
    let is_old = |path: &Path| {
        let age = fs::metadata(path).and_then(|file| file.modified()).map(|at| at.elapsed());
        age.is_ok_and(|age| age.is_ok_and(|age| age > Duration::from_hours(24)))
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_part = path.extension().is_some_and(|end| end == "part");
        if is_part && !kept.contains(&path) && is_old(&path) {
            crate::spool::remove(&path);
        }
    }
}

/// Writes the member that holds the line, which ends the record: as text, or in base64 when it is
/// not UTF-8.
fn write_raw(out: &mut Vec<u8>, raw: &[u8], text: bool) {
    if !text {
        out.extend_from_slice(b"\"raw_base64\":\"");
        out.extend_from_slice(BASE64_STANDARD.encode(raw).as_bytes());
        out.extend_from_slice(b"\"}\n");
        return;
    }
    out.extend_from_slice(b"\"raw\":\"");
    let mut copied = 0;
    for (at, byte) in raw.iter().enumerate() {
        let escaped = match byte {
            b'"' => "\\\"".to_owned(),
            b'\\' => "\\\\".to_owned(),
            0..=0x1F => format!("\\u{byte:04x}"),
            _ => continue,
        };
        out.extend_from_slice(&raw[copied..at]);
        out.extend_from_slice(escaped.as_bytes());
        copied = at + 1;
    }
    out.extend_from_slice(&raw[copied..]);
    out.extend_from_slice(b"\"}\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_lines_are_read_back_unchanged() {
        for raw in
            [&b"plain \"text\" \\ \x01 \t end"[..], "日本 🎉".as_bytes(), &[0xFF, 0x00, b'"']]
        {
            let text = std::str::from_utf8(raw).is_ok();
            let mut out = vec![b'{'];
            write_raw(&mut out, raw, text);
            let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
            let back = match read["raw"].as_str() {
                Some(text) => text.as_bytes().to_vec(),
                None => BASE64_STANDARD.decode(read["raw_base64"].as_str().unwrap()).unwrap(),
            };
            assert_eq!(back, raw);
        }
    }

    #[test]
    fn a_long_rejected_line_is_read_by_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1-abc.ndjson");
        // Whatever byte the limit falls on: escapes, characters of several bytes.
        for pad in 0..14 {
            let long = format!("{}{}", "x".repeat(pad), "\u{1}\"日🎉".repeat(20_000));
            let mut letters = BatchRejectedLines::new(folder.path(), "1-abc", 1, Room::default());
            letters.push("a.json", 1, "too_long", long.as_bytes(), Some(0)).unwrap();
            letters.push("a.json", 2, "not_json", b"{", None).unwrap();
            letters.finish().unwrap().unwrap().join().unwrap();
            let read = read_rejected_lines(&path, 0, 1, None).unwrap();
            assert!(read.letters[0].cut);
            assert!(long.starts_with(read.letters[0].raw.as_deref().unwrap()));
            let rest = read_rejected_lines(&path, read.next.unwrap(), 5, None).unwrap();
            assert_eq!(rest.letters[0].raw.as_deref(), Some("{"));
            assert_eq!((rest.letters.len(), rest.next), (1, None));
            fs::remove_file(&path).unwrap();
        }
    }

    fn kept(folder: &Path, lines: &[(&str, &[u8])]) -> PathBuf {
        let mut letters = BatchRejectedLines::new(folder, "1-abc", 1, Room::default());
        for (at, (reason, raw)) in lines.iter().enumerate() {
            letters.push("a.json", at as u64 + 1, reason, raw, Some(0)).unwrap();
        }
        letters.finish().unwrap().unwrap().join().unwrap();
        folder.join("1-abc.ndjson")
    }

    #[test]
    fn lines_are_saved_as_they_came_of_one_reason_or_of_all() {
        let folder = tempfile::tempdir().unwrap();
        let long = vec![b'x'; KEPT + 1];
        let escaped = "\u{1}".repeat(KEPT);
        let lines: [(&str, &[u8]); 5] = [
            ("not_json", b"{\"a\":\"b"),
            ("unknown_type", b"{\"type\":\"Track\"}"),
            ("not_json", b"\xFF\xFE"),
            ("too_long", &long),
            ("not_json", escaped.as_bytes()),
        ];
        let path = kept(folder.path(), &lines);
        let to = folder.path().join("out.ndjson");
        let all = save_rejected_lines(&path, None, &to).unwrap();
        assert_eq!((all.saved, all.left_out), (4, 1));
        let expected: Vec<u8> =
            [0, 1, 2, 4].iter().flat_map(|&at| [lines[at].1, b"\n"].concat()).collect();
        assert!(fs::read(&to).unwrap() == expected, "byte by byte");
        let one = save_rejected_lines(&path, Some("unknown_type"), &to).unwrap();
        assert_eq!((one.saved, one.left_out), (1, 0));
        assert_eq!(
            fs::read(&to).unwrap(),
            b"{\"type\":\"Track\"}\n",
            "it takes the place of the first"
        );
        let nowhere = folder.path().join("none/out.ndjson");
        assert_eq!(save_rejected_lines(&path, None, &nowhere).unwrap_err().code, "output_failed");
        fs::remove_file(&path).unwrap();
        assert_eq!(
            save_rejected_lines(&path, None, &to).unwrap_err().code,
            "rejected_lines_expired"
        );
        assert!(!fs::read(&to).unwrap().is_empty(), "a file that was there stays");
    }

    #[test]
    fn a_kept_line_is_read_again_as_it_came_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let long = vec![b'x'; KEPT + 1];
        let path = kept(
            folder.path(),
            &[("not_json", b"{\"a\":\"b"), ("not_json", b"\xFF"), ("too_long", &long)],
        );
        let text = fs::read(&path).unwrap();
        let again: Vec<Again> = text.split(|&byte| byte == b'\n').filter_map(Again::of).collect();
        let [json, binary, part] = again.as_slice() else { panic!("{}", again.len()) };
        assert_eq!((json.file.as_str(), json.line), ("a.json", 1));
        assert!(matches!(&json.text, AgainText::Whole(raw) if raw == b"{\"a\":\"b"));
        assert!(matches!(&binary.text, AgainText::Whole(raw) if raw == b"\xFF"));
        let AgainText::Beginning(Rejection::TooLong, long) = &part.text else { panic!() };
        assert_eq!((long.length, long.beginning.len()), (KEPT as u64 + 1, KEPT));
        for other in [
            r#"{"file":"a","line":1,"reason":"not_json","raw":"{}","type":"track"}"#,
            r#"{"file":"a","line":1,"reason":"not_json"}"#,
            r#"{"file":"a","line":"1","reason":"not_json","raw":"{}"}"#,
            r#"{"file":"a","line":1,"reason":"not_json","raw":"{\n}"}"#,
            r#"{"file":"a","type":"track","messageId":"1"}"#,
        ] {
            assert!(Again::of(other.as_bytes()).is_none(), "{other}");
        }
        assert_eq!(run_of("dead/2-12af35.ndjson"), Some("2-12af35"));
        assert_eq!(run_of("2-orders.ndjson"), None);
    }

    #[test]
    fn joining_rejected_lines_twice_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut letters = BatchRejectedLines::new(folder.path(), "1-abc", 1, Room::default());
        letters.push("a.json", 3, "not_json", b"{", None).unwrap();
        let waiting = letters.finish().unwrap().unwrap();
        let kept = fs::read(&waiting.part).unwrap();
        waiting.join().unwrap();
        // As if the process had died before the part was removed.
        fs::write(&waiting.part, &kept).unwrap();
        waiting.join().unwrap();
        assert_eq!(fs::read(folder.path().join("1-abc.ndjson")).unwrap(), kept);
        assert!(!waiting.part.exists());
    }
}
