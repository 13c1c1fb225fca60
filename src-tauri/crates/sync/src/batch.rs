//! Reading one batch: which files and lines belong to it (E6), and what they come to.
//!
//! Decides nothing about a line itself; the lines go through `events` one by one.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use headgate_events::{Batch, Catalog, Line, Outcome, Plan, Rejection, Shredder};
use headgate_store::FileMark;
use headgate_terms::Result;

use crate::dead_letters::BatchLetters;
use crate::folder::{failed, private};
use crate::lines::{Input, Lines, Next, Piece, open_file};
use crate::report::Damaged;
use crate::source::DataFile;
use crate::window::SeenWindow;

/// The files of one source that are still to be read.
pub(crate) struct Feed {
    pub(crate) source: String,
    pub(crate) schema: String,
    queue: VecDeque<Entry>,
    open: Option<Open>,
    /// The files that this batch has opened, as they were before.
    begun: Vec<Entry>,
    progress: Arc<AtomicU64>,
}

/// A file, or standard input, and where to begin in it.
pub(crate) struct Entry {
    /// Taken when it is opened.
    input: Option<Input>,
    /// Its path for E4.
    pub(crate) name: String,
    /// What the store knows it by.
    pub(crate) mark: FileMark,
    /// Lines up to this one are in batches already.
    pub(crate) taken_lines: u64,
    /// The oldest receivedAt it landed when it was met before (E1).
    pub(crate) floor: Option<i64>,
    /// How long it may be, inflated; more than it is does no harm.
    hint: u64,
}

impl Entry {
    /// A file from its beginning, or from where an earlier run left it.
    pub(crate) fn file(file: &DataFile, known: Option<&FileMark>, goes_on: bool) -> Self {
        let (lines, bytes) =
            known.filter(|_| goes_on).map_or((0, 0), |known| (known.lines, known.bytes));
        Self {
            input: Some(Input::File { path: file.path.clone(), name: file.name.clone() }),
            name: file.name.clone(),
            mark: FileMark {
                path: file.key.clone(),
                size: file.size,
                modified: file.modified,
                lines,
                bytes,
                done: false,
                oldest: None,
            },
            taken_lines: 0,
            floor: known.and_then(|known| known.oldest),
            hint: inflated(file).saturating_sub(bytes),
        }
    }

    /// Standard input, or what an earlier run read of it.
    pub(crate) fn stdin(input: Input, run: &str, first_line: u64, taken_lines: u64) -> Self {
        Self {
            input: Some(input),
            name: run.to_owned(),
            mark: FileMark {
                path: stdin_mark(run),
                size: 0,
                modified: 0,
                lines: first_line - 1,
                bytes: 0,
                done: false,
                oldest: None,
            },
            taken_lines,
            floor: None,
            hint: 0,
        }
    }
}

impl Entry {
    /// The same file from the same place; none for standard input, which cannot be read twice.
    fn again(&self) -> Option<Self> {
        let input = self.input.as_ref()?.again()?;
        Some(Self { input: Some(input), name: self.name.clone(), mark: self.mark.clone(), ..*self })
    }
}

/// What the store knows a run's standard input by.
pub(crate) fn stdin_mark(run: &str) -> String {
    format!("stdin:{run}")
}

/// How long a file is, inflated: exactly for plain files and for one gzip member below 4 GiB.
fn inflated(file: &DataFile) -> u64 {
    let length = || {
        let mut raw = open_file(&file.path).ok()?;
        let mut magic = [0; 2];
        raw.read_exact(&mut magic).ok()?;
        if magic != [0x1F, 0x8B] {
            return None;
        }
        let mut length = [0; 4];
        raw.seek(SeekFrom::End(-4)).ok()?;
        raw.read_exact(&mut length).ok()?;
        Some(u64::from(u32::from_le_bytes(length)))
    };
    length().unwrap_or_default().max(file.size)
}

struct Open {
    entry: Entry,
    lines: Lines,
    block: Vec<u8>,
    /// Where the block begins in the inflated file.
    offset: Option<u64>,
    at: usize,
    line: u64,
    /// Whether a batch has ended inside it, so that its tail ends one too.
    cut: bool,
}

/// What one batch came to.
pub(crate) struct ReadBatch {
    pub(crate) batch: Batch,
    pub(crate) marks: Vec<FileMark>,
    pub(crate) bytes: u64,
    pub(crate) rejected: BTreeMap<Rejection, u64>,
    pub(crate) held_lines: Option<PathBuf>,
    pub(crate) damaged: Vec<Damaged>,
    /// Files read to their end.
    pub(crate) taken: u64,
}

/// Where a batch leaves what is no row.
pub(crate) struct Aside<'a> {
    /// Rejected lines; none in a preview.
    pub(crate) letters: Option<&'a mut BatchLetters>,
    /// Lines of refused tables; none in a preview.
    pub(crate) held: Option<PathBuf>,
}

/// Why a batch was not read to its end.
pub(crate) enum Stopped {
    /// On request; nothing of it counts.
    Cancelled,
    /// A file is longer than it looked and belongs into a batch of its own: to be read again.
    Misjudged,
    Failed(headgate_terms::Error),
}

impl From<headgate_terms::Error> for Stopped {
    fn from(error: headgate_terms::Error) -> Self {
        Self::Failed(error)
    }
}

impl Feed {
    pub(crate) fn new(
        source: String,
        schema: String,
        entries: impl IntoIterator<Item = Entry>,
        progress: Arc<AtomicU64>,
    ) -> Self {
        let queue = entries.into_iter().collect();
        Self { source, schema, queue, open: None, begun: Vec::new(), progress }
    }

    /// Whether there is nothing left to read.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_none() && self.queue.is_empty()
    }

    /// Reads the next batch of at most `most` bytes.
    pub(crate) fn read(
        &mut self,
        most: u64,
        plan: Plan,
        catalog: &mut dyn Catalog,
        window: &mut SeenWindow<'_>,
        aside: Aside<'_>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<ReadBatch, Stopped> {
        self.begun.clear();
        let mut reading = Reading {
            shredder: Shredder::new(plan, catalog),
            window,
            letters: aside.letters,
            held: aside.held.map(|path| (path, None)),
            bytes: 0,
            lines: 0,
            most,
            marks: Vec::new(),
            rejected: BTreeMap::new(),
            damaged: Vec::new(),
            taken: 0,
        };
        loop {
            let Some(mut open) = self.open.take().or_else(|| self.next(&reading)) else { break };
            let ended = open.read(&self.source, &mut reading, cancelled)?;
            let cut = open.cut;
            match ended {
                Ended::File => {
                    if !open.entry.mark.path.is_empty() {
                        reading.marks.push(FileMark { done: true, ..open.entry.mark });
                    }
                    if cut {
                        break;
                    }
                }
                Ended::Batch => {
                    if self.begun.len() > 1 {
                        if let Some(longer) = self.begun.last_mut() {
                            longer.hint = u64::MAX;
                        }
                        for entry in self.begun.drain(..).rev() {
                            self.queue.push_front(entry);
                        }
                        return Err(Stopped::Misjudged);
                    }
                    open.cut = true;
                    reading.marks.push(open.entry.mark.clone());
                    open.entry.mark.oldest = None;
                    self.open = Some(open);
                    break;
                }
            }
        }
        let held_lines = match reading.held {
            Some((path, Some(file))) => {
                let file: BufWriter<File> = file;
                file.into_inner()
                    .map_err(std::io::IntoInnerError::into_error)
                    .and_then(|file| file.sync_all())
                    .map_err(|error| failed("write", &path, &error))?;
                Some(path)
            }
            _ => None,
        };
        Ok(ReadBatch {
            batch: reading.shredder.finish(),
            marks: reading.marks,
            bytes: reading.bytes,
            rejected: reading.rejected,
            held_lines,
            damaged: reading.damaged,
            taken: reading.taken,
        })
    }

    /// Opens the next file if the batch has room for it.
    fn next(&mut self, reading: &Reading<'_, '_, '_>) -> Option<Open> {
        let fits = reading.bytes == 0
            || reading.lines < MOST_LINES
                && self
                    .queue
                    .front()
                    .is_some_and(|next| reading.bytes.saturating_add(next.hint) <= reading.most);
        let mut entry = if fits { self.queue.pop_front()? } else { return None };
        self.begun.extend(entry.again());
        let input = entry.input.take()?;
        let skip = entry.mark.bytes;
        let lines = Lines::open(input, skip, self.progress.clone());
        let line = entry.mark.lines;
        // A batch of an earlier run has ended inside it.
        let cut = entry.mark.bytes > 0;
        Some(Open { entry, lines, block: Vec::new(), offset: None, at: 0, line, cut })
    }
}

/// The most lines of a batch. A row has fixed columns however short its line is, so a batch of the shortest
/// events would take ten times its bytes.
const MOST_LINES: u64 = 250_000;

/// What has been read of a batch.
struct Reading<'c, 'w, 's> {
    shredder: Shredder<'c>,
    window: &'w mut SeenWindow<'s>,
    letters: Option<&'w mut BatchLetters>,
    /// Where lines of refused tables go, and the file once there is one.
    held: Option<(PathBuf, Option<BufWriter<File>>)>,
    bytes: u64,
    lines: u64,
    most: u64,
    marks: Vec<FileMark>,
    rejected: BTreeMap<Rejection, u64>,
    damaged: Vec<Damaged>,
    taken: u64,
}

/// Where a line is.
struct Place<'p> {
    path: &'p str,
    number: u64,
    /// Where it begins in the inflated file.
    offset: Option<u64>,
}

/// Where reading stopped.
enum Ended {
    File,
    Batch,
}

impl Open {
    fn read(
        &mut self,
        source: &str,
        reading: &mut Reading<'_, '_, '_>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Ended, Stopped> {
        reading.window.floor = self.entry.floor;
        loop {
            while self.at < self.block.len() {
                let rest = &self.block[self.at..];
                let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
                // A batch takes at least one line, however long.
                if reading.bytes > 0 && reading.bytes + length as u64 > reading.most
                    || reading.lines == MOST_LINES
                {
                    return Ok(Ended::Batch);
                }
                let line = &self.block[self.at..self.at + length];
                let place = Place {
                    path: &self.entry.name,
                    number: self.line + 1,
                    offset: self.offset.map(|offset| offset + self.at as u64),
                };
                self.line += 1;
                self.at += length;
                self.entry.mark.lines += 1;
                self.entry.mark.bytes += length as u64;
                if self.line > self.entry.taken_lines {
                    reading.bytes += length as u64;
                    reading.lines += 1;
                    let received = reading.take(source, &place, line)?;
                    let oldest = &mut self.entry.mark.oldest;
                    *oldest = match (*oldest, received) {
                        (Some(oldest), Some(received)) => Some(oldest.min(received)),
                        (oldest, received) => oldest.or(received),
                    };
                }
            }
            if cancelled() {
                return Err(Stopped::Cancelled);
            }
            match self.lines.next() {
                Next::Quiet => {}
                Next::Piece(Piece::Lines(block, offset)) => {
                    self.block = block;
                    self.offset = offset;
                    self.at = 0;
                }
                Next::Piece(Piece::TooLong(long)) => {
                    self.line += 1;
                    self.entry.mark.lines += 1;
                    self.entry.mark.bytes += long.bytes;
                    if long.is_blank || self.line <= self.entry.taken_lines {
                        continue;
                    }
                    reading.bytes += long.bytes;
                    *reading.rejected.entry(Rejection::TooLong).or_default() += 1;
                    if let Some(letters) = &mut reading.letters {
                        letters.push_long(
                            &self.entry.name,
                            self.line,
                            Rejection::TooLong,
                            &long,
                        )?;
                    }
                }
                Next::Piece(Piece::Damaged(error)) => {
                    let path = self.entry.name.clone();
                    // What cannot even be opened is tried again; the store must not know it.
                    if error.code == "file_unreadable" {
                        reading.damaged.push(Damaged { path, error });
                        self.entry.mark.path.clear();
                        return Ok(Ended::File);
                    }
                    if error.code != "file_damaged" && error.code != "inflates_too_far" {
                        return Err(Stopped::Failed(error));
                    }
                    reading.damaged.push(Damaged { path, error });
                    return Ok(Ended::File);
                }
                Next::Ended => {
                    reading.taken += 1;
                    return Ok(Ended::File);
                }
            }
        }
    }
}

impl Reading<'_, '_, '_> {
    /// Takes one line with its end. Returns when its event was received, if it is one.
    fn take(
        &mut self,
        source: &str,
        place: &Place<'_>,
        line: &[u8],
    ) -> headgate_terms::Result<Option<i64>> {
        let Place { path, number, offset } = *place;
        let bytes = line.strip_suffix(b"\n").unwrap_or(line);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
            return Ok(None);
        }
        let line = Line { bytes, source, path, number, id: None };
        match self.shredder.push(&line, self.window) {
            Outcome::Written { received_at, held } => {
                if let Some(id) = held {
                    self.hold(&id, bytes)?;
                }
                Ok(received_at)
            }
            // It has landed, if not from here: reading this file again must know it (E1).
            Outcome::Duplicate { received_at } => Ok(received_at),
            Outcome::Rejected(reason) => {
                *self.rejected.entry(reason).or_default() += 1;
                if let Some(letters) = &mut self.letters {
                    letters.push(path, number, reason, bytes, offset)?;
                }
                Ok(None)
            }
        }
    }

    /// Keeps a line for a table that refused. An id may hold anything, so it is written as JSON.
    fn hold(&mut self, id: &str, line: &[u8]) -> headgate_terms::Result<()> {
        let Some((path, file)) = &mut self.held else { return Ok(()) };
        let broken = |error: std::io::Error| failed("write", path, &error);
        let out = if let Some(out) = file {
            out
        } else {
            let mut options = private();
            let made = options.append(false).write(true).truncate(true).open(&*path);
            file.insert(BufWriter::new(made.map_err(broken)?))
        };
        serde_json::to_writer(&mut *out, id)
            .map_err(std::io::Error::from)
            .and_then(|()| out.write_all(b"\t"))
            .and_then(|()| out.write_all(line))
            .and_then(|()| out.write_all(b"\n"))
            .map_err(broken)
    }
}

/// The lines that were held in a file, each with the id it got.
pub(crate) fn held_lines(path: &std::path::Path) -> headgate_terms::Result<Vec<(String, Vec<u8>)>> {
    let broken = |error: std::io::Error| failed("read", path, &error);
    let bytes = std::fs::read(path).map_err(broken)?;
    bytes
        .split_inclusive(|&byte| byte == b'\n')
        .map(|line| {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let tab = memchr::memchr(b'\t', line).unwrap_or(line.len());
            let id = serde_json::from_slice(&line[..tab]).map_err(|e| broken(e.into()))?;
            Ok((id, line.get(tab + 1..).unwrap_or_default().to_vec()))
        })
        .collect()
}
