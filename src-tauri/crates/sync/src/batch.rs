//! Reads one batch: which files and lines belong to it (E6), and the tables that come out of them.
//!
//! A [`Feed`] is the rest of one source, an [`Entry`] a file or standard input in it, [`ReadBatch`] the
//! result. The lines themselves are decided in `events`. A feed can be rewound to where the batch began,
//! unless it is standard input. `land` records and commits the batch.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use headgate_events::{Batch, Catalog, Line, Outcome, Rejection, ShredOptions, Shredder, Window};
use headgate_store::FileMark;
use headgate_terms::{Result, say};
use serde::{Deserialize, Serialize};

use crate::dead_letters::{Again, AgainText, RejectedSink, run_of};
use crate::folder::{failed, private};
use crate::lines::{Input, Lines, Next, Piece, open_file};
use crate::plan::Extent;
use crate::report::{Damaged, NoticeCount};
use crate::shape::{BEGINNING, Shape};
use crate::source::{DataFile, content_of};
use crate::window::earlier;

/// The files of one source that are still to be read.
pub(crate) struct Feed {
    pub(crate) source: String,
    pub(crate) schema: String,
    queue: VecDeque<Entry>,
    /// A file that a batch ended inside.
    cut: Option<Open>,
    /// A file that was opened to see how long it is, and did not fit.
    waiting: Option<Open>,
    /// The files that this batch has opened, from where it began in them.
    begun: Vec<Entry>,
    can_rewind: bool,
    progress: Arc<AtomicU64>,
    /// What files held that were met for the first time: those that hold the same are met for the first time too,
    /// wherever batches end between them.
    fresh: HashSet<String>,
    /// Files that were left out because they, or their content under another path, were taken.
    pub(crate) unchanged: u64,
    /// The next file reaches back to this time, from which on ids are not known here yet. Nothing is read until
    /// they are.
    pub(crate) reaches_back: Option<i64>,
}

/// A file, or standard input, and where to begin in it.
pub(crate) struct Entry {
    /// Taken when it is opened.
    input: Option<Input>,
    /// How far it is taken, and from where.
    extent: Extent,
    /// Lines up to this one are in batches already.
    taken_lines: u64,
    /// Lines after this one belong to other batches.
    last_line: Option<u64>,
    /// The oldest receivedAt it landed when it was met before (E1).
    pub(crate) floor: Option<i64>,
    /// Whether its tail ends a batch, because another has ended inside it.
    is_tail: bool,
    /// How it is compared, when its turn comes, with what is known of files by then; none for what is read
    /// whatever is known.
    compared: Option<Compared>,
}

/// How a file is compared with what is known of files (E1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    /// It is left out when it was taken as it is, or its content was under another path.
    Unchanged,
    /// It is read again whatever was taken.
    Again,
}

impl Entry {
    /// A file from its beginning, or from where an earlier run left it.
    pub(crate) fn file(file: &DataFile, known: Option<&FileMark>, goes_on: bool) -> Self {
        let from = known.filter(|_| goes_on).map_or((0, 0), |known| (known.lines, known.bytes));
        Self {
            input: Some(Input::File { path: file.path.clone(), name: file.name.clone() }),
            extent: Extent {
                path: file.key.clone(),
                name: file.name.clone(),
                size: file.size,
                modified: file.modified,
                from,
                to: from,
                done: false,
                oldest: None,
                content: file.content.clone(),
            },
            taken_lines: 0,
            last_line: None,
            floor: known.and_then(|known| known.oldest),
            is_tail: from.1 > 0,
            compared: None,
        }
    }

    /// Standard input, or what an earlier run read of it.
    pub(crate) fn stdin(input: Input, run: &str, first_line: u64, taken_lines: u64) -> Self {
        let from = (first_line - 1, 0);
        Self {
            input: Some(input),
            extent: Extent {
                path: stdin_mark(run),
                name: run.to_owned(),
                size: 0,
                modified: 0,
                from,
                to: from,
                done: false,
                oldest: None,
                content: None,
            },
            taken_lines,
            last_line: None,
            floor: None,
            is_tail: false,
            compared: None,
        }
    }

    /// Lines of standard input that were read, from behind one up to another, out of a part of the spool.
    pub(crate) fn again_of(input: Input, run: &str, first: u64, (from, to): (u64, u64)) -> Self {
        Self { last_line: Some(to), ..Self::stdin(input, run, first, from) }
    }

    /// The lines of a file that a batch took, as long as the file is what it was.
    pub(crate) fn extent(extent: &Extent) -> Option<Self> {
        let path = Path::new(&extent.path);
        let file = crate::source::stat(path)
            .filter(|&(size, modified)| size == extent.size && modified == extent.modified);
        file.map(|_| Self {
            input: Some(Input::File { path: path.to_owned(), name: extent.name.clone() }),
            extent: Extent { to: extent.from, ..extent.clone() },
            taken_lines: 0,
            last_line: Some(extent.to.0),
            floor: None,
            is_tail: false,
            compared: None,
        })
    }

    /// The same, compared with what is known of files when its turn comes: another installation may take it, or
    /// a part of it, until then.
    pub(crate) fn compared(self, how: Compared) -> Self {
        Self { compared: Some(how), ..self }
    }

    /// The same from the same place; `None` for standard input, which cannot be read twice.
    fn again(&self, input: &Input) -> Option<Self> {
        let extent = Extent { to: self.extent.from, oldest: None, ..self.extent.clone() };
        Some(Self { input: Some(input.again()?), extent, ..*self })
    }

    /// Its length if that is known without reading it: of what is not compressed.
    fn length(&self) -> Option<u64> {
        let Some(Input::File { path, .. }) = &self.input else { return None };
        let mut magic = [0; 2];
        let read = open_file(path).and_then(|mut raw| raw.read_exact(&mut magic));
        (read.is_ok() && magic != [0x1F, 0x8B])
            .then(|| self.extent.size.saturating_sub(self.extent.from.1))
    }
}

/// What the store knows a run's standard input by.
pub(crate) fn stdin_mark(run: &str) -> String {
    format!("stdin:{run}")
}

struct Open {
    entry: Entry,
    /// What to open to read it again.
    source: Option<Input>,
    lines: Lines,
    /// Pieces that were read to see whether it fits, and whether they are all.
    ahead: VecDeque<Piece>,
    has_ended: bool,
    block: Vec<u8>,
    /// Where the block begins in the inflated file.
    offset: Option<u64>,
    at: usize,
    /// Its beginning, as long as no line of it was an event.
    beginning: Option<Vec<u8>>,
}

/// What one batch came to.
pub(crate) struct ReadBatch {
    pub(crate) batch: Batch,
    pub(crate) extents: Vec<Extent>,
    pub(crate) bytes: u64,
    pub(crate) rejected: BTreeMap<Rejection, u64>,
    pub(crate) held_lines: Option<PathBuf>,
    pub(crate) damaged: Vec<Damaged>,
    /// Files read to their end.
    pub(crate) taken: u64,
    /// Files of which no line was an event, and what they look like.
    pub(crate) shapes: Vec<(String, Shape)>,
    /// How many lines were read again that an earlier run had rejected, by their file.
    pub(crate) again: BTreeMap<String, u64>,
}

impl ReadBatch {
    /// What there is to know about its files.
    pub(crate) fn notices(&self) -> Vec<NoticeCount> {
        let mut notices: Vec<NoticeCount> = Vec::new();
        for (file, shape) in &self.shapes {
            let (code, message) = (shape.code().to_owned(), shape.message(file));
            match notices.iter_mut().find(|notice| notice.code == code) {
                Some(notice) => notice.count += 1,
                None => notices.push(NoticeCount { code, message, count: 1 }),
            }
        }
        let mut files = self.again.iter();
        if let Some((file, &count)) = files.next() {
            let others: u64 = files.clone().map(|(_, count)| count).sum();
            let message = match run_of(file) {
                Some(run) if others == 0 => {
                    say!("Lines that run {} rejected were read again, from `{}`.", run, file)
                }
                _ => say!("Lines that earlier runs rejected were read again, from `{}`.", file),
            };
            let code = "rejected_lines_read".to_owned();
            notices.push(NoticeCount { code, message, count: count + others });
        }
        notices
    }

    /// Whether no file was read.
    pub(crate) fn is_blank(&self) -> bool {
        self.extents.is_empty() && self.damaged.is_empty()
    }
}

/// Where a batch puts lines that become no row.
pub(crate) struct SideOutputs<'a> {
    /// Rejected lines; `None` where nobody asks for them.
    pub(crate) letters: Option<&'a mut dyn RejectedSink>,
    /// Lines of refused tables; `None` in a preview.
    pub(crate) held: Option<PathBuf>,
}

/// The window of a batch: that of `events`, and how far back a file reaches (E1).
pub(crate) trait Ids: Window {
    /// The oldest receivedAt that the file at hand landed before; none when it was never met.
    fn reach_back(&mut self, floor: Option<i64>);

    /// What is known of the file of a path.
    fn file(&mut self, _path: &str) -> Option<FileMark> {
        None
    }

    /// What is known of files with a content under other paths than one: whether one was taken to its end, and
    /// the oldest receivedAt that they landed.
    fn content(&mut self, _content: &str, _path: &str) -> Option<(bool, Option<i64>)> {
        None
    }

    /// From when on ids are known; none when all are.
    fn horizon(&self) -> Option<i64> {
        None
    }
}

/// Why a batch was not read to its end.
pub(crate) enum Stopped {
    /// On request; nothing of it counts.
    Cancelled,
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
        Self {
            source,
            schema,
            queue: entries.into_iter().collect(),
            cut: None,
            waiting: None,
            begun: Vec::new(),
            can_rewind: true,
            progress,
            fresh: HashSet::new(),
            unchanged: 0,
            reaches_back: None,
        }
    }

    /// Whether there is nothing left to read.
    pub(crate) fn is_empty(&self) -> bool {
        self.cut.is_none() && self.waiting.is_none() && self.queue.is_empty()
    }

    /// Goes back to where the last batch began, and says whether that is possible.
    pub(crate) fn rewind(&mut self) -> bool {
        if !self.can_rewind {
            return false;
        }
        self.cut = None;
        self.close(|feed| feed.waiting.take());
        for entry in self.begun.drain(..).rev() {
            self.queue.push_front(entry);
        }
        true
    }

    /// Has the files that are open compared once more, because batches of others were taken in.
    pub(crate) fn compare_again(&mut self) {
        self.close(|feed| feed.waiting.take_if(|open| open.entry.compared.is_some()));
        self.close(|feed| feed.cut.take_if(|open| open.entry.compared.is_some()));
    }

    /// Puts a file that is open back in front of the others, from where it stands.
    fn close(&mut self, open: impl FnOnce(&mut Self) -> Option<Open>) {
        let entry = open(self).and_then(|open| open.entry.again(open.source.as_ref()?));
        if let Some(entry) = entry {
            self.queue.push_front(entry);
        }
    }

    /// Reads the next batch of at most `most` bytes.
    pub(crate) fn read(
        &mut self,
        most: u64,
        plan: ShredOptions,
        catalog: &mut dyn Catalog,
        window: &mut dyn Ids,
        aside: SideOutputs<'_>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<ReadBatch, Stopped> {
        self.begun.clear();
        self.can_rewind = true;
        let mut reading = BatchReader {
            shredder: Shredder::new(plan, catalog),
            window,
            letters: aside.letters.map(|letters| letters as &mut dyn RejectedSink),
            held: aside.held.map(|path| (path, None)),
            bytes: 0,
            lines: 0,
            most,
            extents: Vec::new(),
            rejected: BTreeMap::new(),
            damaged: Vec::new(),
            taken: 0,
            shapes: Vec::new(),
            again: BTreeMap::new(),
        };
        while let Some(mut open) = self.next(&mut reading, cancelled)? {
            let again = open.source.as_ref().and_then(|source| open.entry.again(source));
            self.can_rewind &= again.is_some();
            self.begun.extend(again);
            let ended = open.read(&self.source, &mut reading, cancelled)?;
            let Entry { extent, is_tail, .. } = &mut open.entry;
            match ended {
                Ended::Unread => {}
                Ended::File => {
                    extent.done = true;
                    if let Some(shape) = open.beginning.as_deref().and_then(Shape::of) {
                        reading.shapes.push((extent.name.clone(), shape));
                    }
                    reading.extents.push(extent.clone());
                    if *is_tail {
                        break;
                    }
                }
                // It had no room for the first line: the next batch has.
                Ended::Batch if extent.to == extent.from => {
                    self.begun.pop();
                    self.waiting = Some(open);
                    break;
                }
                Ended::Batch => {
                    reading.extents.push(extent.clone());
                    (extent.from, extent.oldest) = (extent.to, None);
                    *is_tail = true;
                    self.cut = Some(open);
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
            extents: reading.extents,
            bytes: reading.bytes,
            rejected: reading.rejected,
            held_lines,
            damaged: reading.damaged,
            taken: reading.taken,
            shapes: reading.shapes,
            again: reading.again,
        })
    }

    /// The next file that is to be read, from where on; none also when ids are to be known first.
    fn next_unknown(
        &mut self,
        window: &mut dyn Ids,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Entry>, Stopped> {
        while let Some(mut entry) = self.queue.pop_front() {
            let Some(compared) = entry.compared else { return Ok(Some(entry)) };
            if cancelled() {
                return Err(Stopped::Cancelled);
            }
            let is_done = self.compare(&mut entry, window);
            if is_done && compared == Compared::Unchanged {
                self.unchanged += 1;
                self.progress.fetch_add(entry.extent.size, Ordering::Relaxed);
                continue;
            }
            if entry.floor.is_some_and(|floor| window.horizon().is_some_and(|known| floor < known))
            {
                self.reaches_back = entry.floor;
                self.queue.push_front(entry);
                return Ok(None);
            }
            return Ok(Some(entry));
        }
        Ok(None)
    }

    /// Compares a file with what is known of files now, and says whether it has been taken. What is left of one
    /// that was taken in part is read from there; one that has changed, or whose content was met elsewhere, from
    /// its beginning, with ids as old as those that landed.
    fn compare(&mut self, entry: &mut Entry, window: &mut dyn Ids) -> bool {
        let extent = &mut entry.extent;
        let known = window.file(&extent.path);
        let is_same = |known: &&FileMark| known.is_of(extent.size, extent.modified);
        entry.floor = known.as_ref().and_then(|known| known.oldest);
        if let Some(same) = known.as_ref().filter(is_same) {
            let from = if same.done { (0, 0) } else { (same.lines, same.bytes) };
            (extent.from, extent.to) = (from, from);
            entry.is_tail = from.1 > 0;
            extent.content.clone_from(&same.content);
            return same.done;
        }
        (extent.from, extent.to, entry.is_tail) = ((0, 0), (0, 0), false);
        if let Some(Input::File { path, .. }) = &entry.input {
            extent.content = content_of(path);
        }
        let Some(content) = &extent.content else { return false };
        let (is_done, oldest) = window.content(content, &extent.path).unwrap_or_default();
        entry.floor = earlier(entry.floor, oldest);
        // Files of one content that this run met both are read both: lines without an id differ by their file.
        if self.fresh.contains(content) {
            return false;
        }
        if !is_done {
            self.fresh.insert(content.clone());
        }
        is_done
    }

    /// Opens the next file if the batch has room for it. What a gzip file says of its own length may be
    /// wrong, so that is measured.
    fn next(
        &mut self,
        reading: &mut BatchReader<'_, '_>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Open>, Stopped> {
        if let Some(open) = self.cut.take() {
            return Ok(Some(open));
        }
        let is_first = reading.lines == 0;
        if !is_first && reading.lines >= MOST_LINES {
            return Ok(None);
        }
        let room = reading.most.saturating_sub(reading.bytes);
        let mut open = if let Some(open) = self.waiting.take() {
            open
        } else {
            let Some(entry) = self.next_unknown(reading.window, cancelled)? else {
                return Ok(None);
            };
            let length = if is_first { Some(0) } else { entry.length() };
            if length.is_some_and(|length| length > room) {
                self.queue.push_front(entry);
                return Ok(None);
            }
            let known = length.is_some();
            let Some(open) = Open::new(entry, self.progress.clone()) else { return Ok(None) };
            if known {
                return Ok(Some(open));
            }
            open
        };
        if is_first || open.fits(room, cancelled)? {
            return Ok(Some(open));
        }
        self.waiting = Some(open);
        Ok(None)
    }
}

/// The most lines of a batch. A row has fixed columns however short its line is, so a batch of the shortest
/// events would take ten times its bytes.
const MOST_LINES: u64 = 250_000;

/// What has been read of a batch.
struct BatchReader<'c, 'w> {
    shredder: Shredder<'c>,
    window: &'w mut dyn Ids,
    letters: Option<&'w mut dyn RejectedSink>,
    /// Where lines of refused tables go, and the file once there is one.
    held: Option<(PathBuf, Option<BufWriter<File>>)>,
    bytes: u64,
    lines: u64,
    most: u64,
    extents: Vec<Extent>,
    rejected: BTreeMap<Rejection, u64>,
    damaged: Vec<Damaged>,
    taken: u64,
    shapes: Vec<(String, Shape)>,
    again: BTreeMap<String, u64>,
}

/// Where a line is.
struct Place<'p> {
    path: &'p str,
    number: u64,
    /// Where it begins in the inflated file.
    offset: Option<u64>,
}

/// What a line was.
enum LineKind {
    /// An event, and when it was received if it says so.
    Event(Option<i64>),
    /// Rejected, or blank.
    NoEvent,
}

/// Where reading stopped.
enum Ended {
    File,
    /// It cannot be opened; the store must not know it, for it is tried again.
    Unread,
    Batch,
}

impl Open {
    fn new(mut entry: Entry, progress: Arc<AtomicU64>) -> Option<Self> {
        let input = entry.input.take()?;
        let source = input.again();
        let lines = Lines::open(input, entry.extent.from.1, progress);
        Some(Self {
            entry,
            source,
            lines,
            ahead: VecDeque::new(),
            has_ended: false,
            block: Vec::new(),
            offset: None,
            at: 0,
            beginning: None,
        })
    }

    /// Reads ahead until the file ends or is longer than a batch has room.
    fn fits(&mut self, room: u64, cancelled: &dyn Fn() -> bool) -> Result<bool, Stopped> {
        let length = |piece: &Piece| match piece {
            Piece::Lines(block, _) => block.len() as u64,
            Piece::TooLong(long) => long.bytes,
            Piece::Damaged(_) => 0,
        };
        let mut ahead: u64 = self.ahead.iter().map(length).sum();
        while !self.has_ended && ahead <= room {
            if cancelled() {
                return Err(Stopped::Cancelled);
            }
            match self.lines.next() {
                Next::Quiet => {}
                Next::Piece(piece) => {
                    ahead += length(&piece);
                    self.ahead.push_back(piece);
                }
                Next::Ended => self.has_ended = true,
            }
        }
        Ok(ahead <= room)
    }

    fn next(&mut self) -> Next {
        match self.ahead.pop_front() {
            Some(piece) => Next::Piece(piece),
            None if self.has_ended => Next::Ended,
            None => self.lines.next(),
        }
    }

    fn read(
        &mut self,
        source: &str,
        reading: &mut BatchReader<'_, '_>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Ended, Stopped> {
        reading.window.reach_back(self.entry.floor);
        loop {
            while self.at < self.block.len() {
                let entry = &mut self.entry;
                if entry.last_line.is_some_and(|last| entry.extent.to.0 >= last) {
                    return Ok(Ended::File);
                }
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
                    path: &entry.extent.name,
                    number: entry.extent.to.0 + 1,
                    offset: self.offset.map(|offset| offset + self.at as u64),
                };
                if place.number > entry.taken_lines {
                    reading.bytes += length as u64;
                    reading.lines += 1;
                    let received = match reading.take(source, &place, line)? {
                        LineKind::Event(received) => {
                            self.beginning = None;
                            received
                        }
                        LineKind::NoEvent => None,
                    };
                    entry.extent.oldest = earlier(entry.extent.oldest, received);
                }
                self.at += length;
                entry.extent.to.0 += 1;
                entry.extent.to.1 += length as u64;
            }
            if cancelled() {
                return Err(Stopped::Cancelled);
            }
            let piece = self.next();
            let extent = &mut self.entry.extent;
            match piece {
                Next::Quiet => {}
                Next::Piece(Piece::Lines(block, offset)) => {
                    if extent.to == (0, 0) {
                        self.beginning = Some(block[..block.len().min(BEGINNING)].to_vec());
                    }
                    self.block = block;
                    self.offset = offset;
                    self.at = 0;
                }
                Next::Piece(Piece::TooLong(long)) => {
                    if extent.to == (0, 0) {
                        let beginning = &long.beginning;
                        self.beginning = Some(beginning[..beginning.len().min(BEGINNING)].to_vec());
                    }
                    extent.to.0 += 1;
                    extent.to.1 += long.bytes;
                    let number = extent.to.0;
                    let is_apart = self.entry.last_line.is_some_and(|last| number > last);
                    if long.is_blank || number <= self.entry.taken_lines || is_apart {
                        continue;
                    }
                    reading.bytes += long.bytes;
                    reading.lines += 1;
                    *reading.rejected.entry(Rejection::TooLong).or_default() += 1;
                    if let Some(letters) = &mut reading.letters {
                        letters.push_long(
                            &extent.name,
                            number,
                            Rejection::TooLong.code(),
                            &long,
                        )?;
                    }
                }
                Next::Piece(Piece::Damaged(error)) => {
                    let path = extent.name.clone();
                    let ended = match error.code.as_ref() {
                        "file_unreadable" => Ended::Unread,
                        "file_damaged" | "inflates_too_far" => Ended::File,
                        _ => return Err(Stopped::Failed(error)),
                    };
                    reading.damaged.push(Damaged { path, error });
                    return Ok(ended);
                }
                Next::Ended => {
                    reading.taken += 1;
                    return Ok(Ended::File);
                }
            }
        }
    }
}

impl BatchReader<'_, '_> {
    /// Takes one line with its end.
    fn take(
        &mut self,
        source: &str,
        place: &Place<'_>,
        line: &[u8],
    ) -> headgate_terms::Result<LineKind> {
        let path = place.path;
        let bytes = line.strip_suffix(b"\n").unwrap_or(line);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
            return Ok(LineKind::NoEvent);
        }
        if let Some(again) = Again::of(bytes) {
            return self.take_again(source, path, &again);
        }
        self.judge(source, place, bytes)
    }

    /// Takes a line that an earlier run rejected, at the place where it came from the first time. What is still no
    /// event is kept as it was then.
    fn take_again(
        &mut self,
        source: &str,
        file: &str,
        again: &Again,
    ) -> headgate_terms::Result<LineKind> {
        match self.again.get_mut(file) {
            Some(count) => *count += 1,
            None => {
                self.again.insert(file.to_owned(), 1);
            }
        }
        let place = Place { path: &again.file, number: again.line, offset: None };
        match &again.text {
            AgainText::Whole(raw) => self.judge(source, &place, raw),
            AgainText::Beginning(reason, long) => {
                *self.rejected.entry(*reason).or_default() += 1;
                if let Some(letters) = &mut self.letters {
                    letters.push_long(&again.file, again.line, reason.code(), long)?;
                }
                Ok(LineKind::NoEvent)
            }
        }
    }

    /// Has a line judged and its rows made.
    fn judge(
        &mut self,
        source: &str,
        place: &Place<'_>,
        bytes: &[u8],
    ) -> headgate_terms::Result<LineKind> {
        let Place { path, number, offset } = *place;
        let line = Line { bytes, source, path, number, id: None };
        match self.shredder.push(&line, self.window) {
            Outcome::Written { received_at, held } => {
                if let Some(id) = held {
                    let (file, line) = (path.to_owned(), number);
                    self.hold(&HeldLine { id, received: received_at, file, line }, bytes)?;
                }
                Ok(LineKind::Event(received_at))
            }
            // It has landed, if not from here: reading this file again must know it (E1).
            Outcome::Duplicate { received_at } => Ok(LineKind::Event(received_at)),
            Outcome::Rejected(reason) => {
                *self.rejected.entry(reason).or_default() += 1;
                if let Some(letters) = &mut self.letters {
                    letters.push(path, number, reason.code(), bytes, offset)?;
                }
                Ok(LineKind::NoEvent)
            }
        }
    }

    /// Keeps a line for a table that refused. An id may hold anything, so its head is JSON.
    fn hold(&mut self, head: &HeldLine, line: &[u8]) -> headgate_terms::Result<()> {
        let Some((path, file)) = &mut self.held else { return Ok(()) };
        let broken = |error: std::io::Error| failed("write", path, &error);
        let out = if let Some(out) = file {
            out
        } else {
            let mut options = private();
            let made = options.append(false).write(true).truncate(true).open(&*path);
            file.insert(BufWriter::new(made.map_err(broken)?))
        };
        serde_json::to_writer(&mut *out, head)
            .map_err(std::io::Error::from)
            .and_then(|()| out.write_all(b"\t"))
            .and_then(|()| out.write_all(line))
            .and_then(|()| out.write_all(b"\n"))
            .map_err(broken)
    }
}

/// What is kept of a line besides itself, for a table that refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldLine {
    /// The id that it got.
    pub(crate) id: String,
    /// When it was received, in microseconds, if it says so.
    pub(crate) received: Option<i64>,
    /// Where it came from.
    pub(crate) file: String,
    pub(crate) line: u64,
}

/// The lines that were held in a file, each with its head.
pub(crate) fn held_lines(
    bytes: &[u8],
) -> impl Iterator<Item = std::io::Result<(HeldLine, &[u8])>> + '_ {
    bytes.split_inclusive(|&byte| byte == b'\n').map(|line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let tab = memchr::memchr(b'\t', line).unwrap_or(line.len());
        let head = serde_json::from_slice(&line[..tab])?;
        Ok((head, line.get(tab + 1..).unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use headgate_events::Existing;
    use tempfile::TempDir;

    use super::*;
    use crate::source::find;

    struct NoTables;

    impl Catalog for NoTables {
        fn table(&mut self, _: &str) -> Existing {
            Existing::No
        }
    }

    /// Lines as long as each other, so that a batch can be told in lines.
    fn lines(of: &str, count: usize) -> Vec<u8> {
        let line = |n| format!("{{\"type\":\"page\",\"messageId\":\"{of}{n:03}\"}}\n");
        (0..count).map(line).collect::<String>().into_bytes()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn feed(entries: Vec<Entry>) -> Feed {
        Feed::new("s".to_owned(), "s".to_owned(), entries, Arc::default())
    }

    fn files(folder: &TempDir, files: &[(&str, Vec<u8>)]) -> Vec<Entry> {
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let found = find(folder.path(), &[], None, false).unwrap();
        found.files.iter().map(|file| Entry::file(file, None, false)).collect()
    }

    fn next(feed: &mut Feed, most: u64) -> ReadBatch {
        let plan = ShredOptions { planned: 0, most_columns: 100 };
        let aside = SideOutputs { letters: None, held: None };
        let ids = &mut crate::window::Accepted;
        let read = feed.read(most, plan, &mut NoTables, ids, aside, &|| false);
        read.unwrap_or_else(|_| panic!("it is read"))
    }

    /// The lines of each file in a batch, as `name:after-last`, and `!` where the file goes on.
    fn told(read: &ReadBatch) -> String {
        let one = |extent: &Extent| {
            let goes_on = if extent.done { "" } else { "!" };
            format!("{}:{}-{}{goes_on}", extent.name, extent.from.0, extent.to.0)
        };
        read.extents.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    fn rows(read: &ReadBatch) -> u64 {
        read.batch.routes.iter().map(|route| route.accepted).sum()
    }

    /// Reads all, each batch twice, and its lines once more as a later run would.
    fn batches(mut feed: Feed, most: u64) -> Vec<String> {
        let mut batches = Vec::new();
        while !feed.is_empty() {
            let first = next(&mut feed, most);
            assert!(feed.rewind());
            let again = next(&mut feed, most);
            assert_eq!((&again.extents, again.bytes), (&first.extents, first.bytes));
            assert_eq!(rows(&again), rows(&first));
            let entries: Option<Vec<_>> = first.extents.iter().map(Entry::extent).collect();
            let alone =
                next(&mut self::feed(entries.expect("files that have not changed")), u64::MAX);
            assert_eq!((alone.bytes, rows(&alone)), (first.bytes, rows(&first)));
            batches.push(told(&first));
        }
        batches
    }

    #[test]
    fn a_batch_takes_whole_files_until_the_next_would_not_fit() {
        let line = lines("x", 1).len() as u64;
        let of = |name: &'static str, count| (name, lines(&name[..1], count));
        let packed = |name: &'static str, counts: &[usize]| {
            // The length at a gzip file's end is that of its last member alone.
            let members = counts.iter().map(|&count| gzip(&lines(&name[..1], count)));
            (name, members.collect::<Vec<_>>().concat())
        };
        for (most, given, expected) in [
            (
                3,
                vec![of("a.json", 1), of("b.json", 1), of("c.json", 1)],
                &["a.json:0-1 b.json:0-1 c.json:0-1"][..],
            ),
            (
                3,
                vec![of("a.json", 2), of("b.json", 2), of("c.json", 1)],
                &["a.json:0-2", "b.json:0-2 c.json:0-1"],
            ),
            // A larger file begins a batch, and its tail ends one.
            (
                2,
                vec![of("a.json", 1), of("b.json", 5), of("c.json", 1)],
                &["a.json:0-1", "b.json:0-2!", "b.json:2-4!", "b.json:4-5", "c.json:0-1"],
            ),
            (
                2,
                vec![of("a.json", 4), of("b.json", 1)],
                &["a.json:0-2!", "a.json:2-4", "b.json:0-1"],
            ),
            (0, vec![of("a.json", 2)], &["a.json:0-1!", "a.json:1-2"]),
            (4, vec![of("a.json", 1), packed("b.gz", &[3, 1])], &["a.json:0-1", "b.gz:0-4"]),
            (
                5,
                vec![of("a.json", 1), packed("b.gz", &[3, 1]), of("c.json", 1)],
                &["a.json:0-1 b.gz:0-4", "c.json:0-1"],
            ),
            (
                3,
                vec![packed("a.gz", &[2, 2]), packed("b.gz", &[1])],
                &["a.gz:0-3!", "a.gz:3-4", "b.gz:0-1"],
            ),
            (
                2,
                vec![of("a.json", 0), of("b.json", 2), of("c.json", 0)],
                &["a.json:0-0 b.json:0-2 c.json:0-0"],
            ),
        ] {
            let folder = TempDir::new().unwrap();
            assert_eq!(
                batches(feed(files(&folder, &given)), most * line),
                expected,
                "{expected:?}"
            );
        }
    }

    #[test]
    fn a_batch_ends_by_its_number_of_lines() {
        let folder = TempDir::new().unwrap();
        let given = [("a.json", vec![b'\n'; 10]), ("b.json", vec![b'\n'; 250_000])];
        let found = batches(feed(files(&folder, &given)), u64::MAX);
        assert_eq!(found, ["a.json:0-10 b.json:0-249990!", "b.json:249990-250000"]);
    }

    #[test]
    fn a_file_goes_on_where_it_was_left_and_one_that_changed_is_not_what_was_taken() {
        let folder = TempDir::new().unwrap();
        let line = lines("x", 1).len() as u64;
        let mut first = feed(files(&folder, &[("a.json", lines("a", 3))]));
        let left = next(&mut first, 2 * line).extents.remove(0);
        let file = find(folder.path(), &[], None, false).unwrap().files.remove(0);
        let rest = Entry::file(&file, Some(&left.mark()), true);
        assert_eq!(batches(feed(vec![rest]), u64::MAX), ["a.json:2-3"]);
        fs::write(folder.path().join("a.json"), lines("a", 4)).unwrap();
        assert!(Entry::extent(&left).is_none());
    }

    #[test]
    fn lines_that_wait_keep_their_place_and_what_an_id_holds() {
        let head = |id: &str| HeldLine {
            id: id.to_owned(),
            received: Some(5),
            file: "a\tb.json".to_owned(),
            line: 7,
        };
        let mut bytes = Vec::new();
        for (id, line) in [("a\tb\nc", "{\"a\":\t1}"), ("d", "")] {
            serde_json::to_writer(&mut bytes, &head(id)).unwrap();
            bytes.extend(format!("\t{line}\n").bytes());
        }
        let found: Vec<_> = held_lines(&bytes).map(Result::unwrap).collect();
        assert_eq!(found, [(head("a\tb\nc"), &b"{\"a\":\t1}"[..]), (head("d"), b"")]);
        assert!(held_lines(b"no head\tline\n").next().unwrap().is_err());
    }
}
