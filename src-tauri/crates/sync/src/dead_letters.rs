//! Rejected lines, kept as they came in `<data>/dead_letters/<run>.ndjson`, and read back in pages.
//!
//! `BatchRejectedLines` collects the lines of one batch in a file of its own, which joins the run's file once the
//! batch is recorded, at the position that the plan names, so that joining twice changes nothing. `Room`
//! limits how much of the disk a run's rejected lines may take.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use headgate_terms::{Error, Result, acts, say};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::folder::{failed, private};
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
    let broken = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Error::new(
            "rejected_lines_expired",
            say!("The rejected lines in `{}` are no longer kept.", path),
        )
        .hint("Settings say how long they are; the run keeps their count."),
        _ => failed("read", path, &error),
    };
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
        let mut letter = parse(&line, whole).ok_or_else(|| {
            broken(io::Error::new(io::ErrorKind::InvalidData, "it is no list of lines"))
        })?;
        if reason.is_some_and(|reason| reason != letter.reason) {
            continue;
        }
        for raw in [&mut letter.raw, &mut letter.raw_base64].into_iter().flatten() {
            if let Some((end, _)) = raw.char_indices().nth(SHOWN) {
                raw.truncate(end);
                letter.cut = true;
            }
        }
        let texts = [Some(&letter.file), letter.raw.as_ref(), letter.raw_base64.as_ref()];
        shown += texts.into_iter().flatten().map(|text| as_json(text)).sum::<usize>();
        letters.push(letter);
    }
    let ended = file.fill_buf().map_err(broken)?.is_empty();
    Ok(RejectedLines { letters, next: (!ended).then_some(at) })
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

    /// Keeps a line, given without its end. `offset` is its place in the inflated file.
    pub(crate) fn push(
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

    /// Keeps the beginning of a line, and its measure.
    pub(crate) fn push_long(
        &mut self,
        file: &str,
        line: u64,
        reason: &str,
        long: &LongLine,
    ) -> Result<()> {
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
