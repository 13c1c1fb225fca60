//! Splits files and standard input into whole lines: compressed, damaged, or without a line end (E1).
//!
//! A thread of its own reads ahead and decompresses. A file that expands too far is damaged from there on.
//! The lines are not parsed here. The decoder is flate2; the splitting is ours, because it must keep the lines
//! before the damage, measure lines that are too long to hold, and know the offset of each.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use flate2::bufread::GzDecoder;
use flate2::read::MultiGzDecoder;
use headgate_events::LONGEST_LINE;
use headgate_lake::panicked;
use headgate_terms::{Error, say};

use crate::long_line::{LongLine, Measure};
use crate::spool::{Spool, read_long};

/// What comes out of a file, in order.
pub(crate) enum Piece {
    /// Whole lines with their ends, and where the first begins in the inflated file, if there is
    /// one; the last line of a file may have no end.
    Lines(Vec<u8>, Option<u64>),
    /// One line that is longer than any event may be.
    TooLong(LongLine),
    /// Nothing more can be read.
    Damaged(Error),
}

/// What a wait for the next piece came to.
pub(crate) enum Next {
    Piece(Piece),
    Quiet,
    Ended,
}

/// Where bytes come from.
pub(crate) enum Input {
    File {
        path: PathBuf,
        name: String,
    },
    /// Lines that an earlier run read of its standard input.
    Segment {
        path: PathBuf,
        run: String,
    },
    /// One line that an earlier run read there and found too long.
    LongLine(PathBuf),
    /// Standard input, and where to keep what was read of it.
    Stdin(Spool),
}

impl Input {
    /// The same once more; `None` for standard input, which cannot be read twice.
    pub(crate) fn again(&self) -> Option<Self> {
        match self {
            Self::File { path, name } => {
                Some(Self::File { path: path.clone(), name: name.clone() })
            }
            Self::Segment { path, run } => {
                Some(Self::Segment { path: path.clone(), run: run.clone() })
            }
            Self::LongLine(path) => Some(Self::LongLine(path.clone())),
            Self::Stdin(_) => None,
        }
    }
}

/// A stream of lines.
pub(crate) struct Lines {
    pieces: Receiver<Piece>,
}

/// How much is read ahead at a time, and in how many pieces.
const PIECE: usize = 1 << 20;
const AHEAD: usize = 2;
/// How long a wait may take before whoever waits looks up.
const QUIET: Duration = Duration::from_millis(100);

impl Lines {
    /// Begins to read, `skip` inflated bytes in. `progress` counts bytes as stored on disk.
    pub(crate) fn open(input: Input, skip: u64, progress: Arc<AtomicU64>) -> Self {
        let (send, pieces) = sync_channel(AHEAD);
        std::thread::spawn(move || {
            let mut splitter = Splitter { send, spool: None, carry: Vec::new(), offset: None };
            let read = AssertUnwindSafe(|| splitter.read(input, skip, &progress));
            // A thread that is gone would look like a file that has ended.
            let ended = catch_unwind(read).unwrap_or_else(|panic| Err(panicked(&*panic)));
            if let Err(error) = ended {
                let _ = splitter.send.send(Piece::Damaged(error));
            }
        });
        Self { pieces }
    }

    /// The next piece; `Ended` after the last. A quiet pipe gives `Quiet` now and then.
    pub(crate) fn next(&self) -> Next {
        match self.pieces.recv_timeout(QUIET) {
            Ok(piece) => Next::Piece(piece),
            Err(RecvTimeoutError::Timeout) => Next::Quiet,
            Err(RecvTimeoutError::Disconnected) => Next::Ended,
        }
    }
}

/// The other side has stopped listening, which is not a failure.
struct Stopped;

struct Splitter {
    send: SyncSender<Piece>,
    spool: Option<Spool>,
    carry: Vec<u8>,
    /// Where `carry` begins in the inflated file; `None` where there is no file to look into.
    offset: Option<u64>,
}

impl Splitter {
    fn read(&mut self, input: Input, skip: u64, progress: &AtomicU64) -> Result<(), Error> {
        match input {
            Input::File { path, name } => {
                let raw = open_file(&path).map_err(|error| {
                    Error::new("file_unreadable", say!("`{}` cannot be opened: {}.", name, error))
                        .hint("Give this user the right to read it; the next run tries again.")
                        .retryable()
                })?;
                self.offset = Some(0);
                let size = raw.metadata().ok().map(|metadata| metadata.len());
                let again = || open_file(&path);
                self.read_from(raw, &name, size, skip, progress, again)
            }
            Input::Segment { path, run } => {
                let mut lines = File::open(&path).map_err(|error| broken(&run, &error))?;
                self.split_lines(&mut lines).map_err(|error| broken(&run, &error))
            }
            Input::LongLine(path) => {
                let _ = self.send.send(Piece::TooLong(read_long(&path)?));
                Ok(())
            }
            Input::Stdin(spool) => {
                self.spool = Some(spool);
                let none = || Err(io::Error::from(io::ErrorKind::Unsupported));
                self.read_from(io::stdin(), "standard input", None, skip, progress, none)
            }
        }
    }

    fn read_from(
        &mut self,
        raw: impl Read,
        name: &str,
        size: Option<u64>,
        skip: u64,
        progress: &AtomicU64,
        again: impl Fn() -> io::Result<File>,
    ) -> Result<(), Error> {
        let before = progress.load(Ordering::Relaxed);
        let mut raw = BufReader::with_capacity(PIECE / 4, Counting { raw, progress });
        let mut magic = [0; 2];
        let got = fill(&mut raw, &mut magic).map_err(|error| broken(name, &error))?;
        let bytes = io::Cursor::new(magic).take(got as u64).chain(raw);
        if magic == [0x1F, 0x8B] {
            // Of a pipe's size no more is known than what came so far.
            let size = || size.unwrap_or(progress.load(Ordering::Relaxed) - before);
            let mut counted = Given { inner: MultiGzDecoder::new(bytes), bytes: 0, size };
            let Err(error) = self.split(&mut counted, skip) else { return Ok(()) };
            if is_too_far(&error) {
                return Err(broken(name, &error));
            }
            // The decoder drops what it had decoded in the call that failed.
            if let Ok(file) = again() {
                let behind_all_lines = self.decode_rest(file, counted.bytes);
                let rest = std::mem::take(&mut self.carry);
                if behind_all_lines && !rest.is_empty() {
                    let _ = self.send(rest);
                }
            }
            return Err(broken(name, &error));
        }
        let mut bytes = bytes;
        self.split(&mut bytes, skip).map_err(|error| broken(name, &error))
    }

    /// Sends every line. On an error the lines before it were sent, and the tail is kept back.
    fn split(&mut self, bytes: &mut impl Read, skip: u64) -> io::Result<()> {
        let mut start = [0; 3];
        let got = fill(bytes, &mut start)?;
        let mark = start == [0xEF, 0xBB, 0xBF];
        let head = if mark { &[][..] } else { &start[..got] };
        let mut bytes = head.chain(bytes);
        let skipped = io::copy(&mut bytes.by_ref().take(skip), &mut io::sink())?;
        if let Some(offset) = &mut self.offset {
            *offset = skipped + if mark { start.len() as u64 } else { 0 };
        }
        self.split_lines(&mut bytes)
    }

    fn split_lines(&mut self, bytes: &mut impl Read) -> io::Result<()> {
        loop {
            let from = self.carry.len();
            let room = PIECE.max(from / 2);
            self.carry.resize(from + room, 0);
            let got = match fill_or_fail(bytes, &mut self.carry[from..]) {
                (got, None) => got,
                (got, Some(error)) => {
                    self.carry.truncate(from + got);
                    let _ = self.send_whole();
                    return Err(error);
                }
            };
            self.carry.truncate(from + got);
            if got < room {
                let rest = std::mem::take(&mut self.carry);
                if !rest.is_empty() {
                    let _ = self.send(rest);
                }
                return Ok(());
            }
            if self.send_whole().is_err() {
                return Ok(());
            }
            if self.carry.len() > LONGEST_LINE + 2 && !self.too_long(bytes)? {
                return Ok(());
            }
        }
    }

    /// Decodes a damaged file again, beyond what is known byte by byte, up to the damage. Says
    /// whether that is behind all lines: a wrong checksum, or garbage after the last member.
    fn decode_rest(&mut self, file: File, mut known: u64) -> bool {
        let mut raw = BufReader::new(file);
        let (mut buffer, mut members) = (vec![0; PIECE], 0);
        loop {
            let mut member = GzDecoder::new(&mut raw);
            let damage = loop {
                let want = known.clamp(1, PIECE as u64) as usize;
                match member.read(&mut buffer[..want]) {
                    Ok(0) => break None,
                    Ok(got) if known > 0 => known -= got as u64,
                    Ok(_) => self.carry.push(buffer[0]),
                    Err(error) => break Some(error),
                }
            };
            if let Some(damage) = damage {
                let garbage = members > 0 && member.header().is_none();
                let _ = self.send_whole();
                return garbage || damage.to_string().contains("checksum");
            }
            members += 1;
            if raw.fill_buf().is_ok_and(<[u8]>::is_empty) {
                return false;
            }
        }
    }

    /// Sends the lines that have their end, and keeps the rest.
    fn send_whole(&mut self) -> Result<(), Stopped> {
        let Some(end) = memchr::memrchr(b'\n', &self.carry) else { return Ok(()) };
        let rest = self.carry.split_off(end + 1);
        let lines = std::mem::replace(&mut self.carry, rest);
        self.send(lines)
    }

    fn send(&mut self, lines: Vec<u8>) -> Result<(), Stopped> {
        if let Some(spool) = &mut self.spool
            && let Err(error) = spool.write(&lines)
        {
            let _ = self.send.send(Piece::Damaged(error));
            return Err(Stopped);
        }
        let offset = self.offset;
        if let Some(offset) = &mut self.offset {
            *offset += lines.len() as u64;
        }
        self.send.send(Piece::Lines(lines, offset)).map_err(|_| Stopped)
    }

    /// Reads a line without an end in sight to its end, and keeps its beginning. False when nobody
    /// listens any more.
    fn too_long(&mut self, bytes: &mut impl Read) -> io::Result<bool> {
        let mut measure = Measure::new(self.offset);
        let mut chunk = std::mem::take(&mut self.carry);
        loop {
            let end = memchr::memchr(b'\n', &chunk).map(|at| at + 1);
            measure.push(&chunk[..end.unwrap_or(chunk.len())]);
            if let Some(end) = end {
                self.carry = chunk.split_off(end);
                break;
            }
            chunk.resize(PIECE, 0);
            // A damaged file's last line has no end and is not taken.
            let got = fill(bytes, &mut chunk)?;
            chunk.truncate(got);
            if got == 0 {
                break;
            }
        }
        let line = measure.finish();
        if let Some(offset) = &mut self.offset {
            *offset += line.bytes;
        }
        if let Some(spool) = &mut self.spool
            && let Err(error) = spool.write_long(&line)
        {
            let _ = self.send.send(Piece::Damaged(error));
            return Ok(false);
        }
        Ok(self.send.send(Piece::TooLong(line)).is_ok())
    }
}

/// Opens what was a file when the folder was looked through; a link or a pipe that was put in its
/// place since then is not followed, and not waited for, and neither is a link in a folder's place.
///
/// `path` has no links in it.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    #[cfg(target_vendor = "apple")]
    let flags = flags | libc::O_NOFOLLOW_ANY;
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    // The path of the open file, whatever its folders are called by now.
    let real = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()));
    if file.metadata()?.is_file() && real.or_else(|_| path.canonicalize())? == path {
        return Ok(file);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no longer a file"))
}

fn broken(name: &str, error: &io::Error) -> Error {
    if is_too_far(error) {
        return Error::new(
            "inflates_too_far",
            say!(
                "`{}` inflates to more than {} times its size and more than 1 GiB.",
                name,
                FARTHEST_RATIO
            ),
        )
        .hint(
            "The whole lines before that are taken. Find out who made the file; if it is right, \
             unpack it and sync it unpacked.",
        );
    }
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => error.to_string(),
    };
    Error::new("file_damaged", say!("`{}` is damaged: {}.", name, what))
        .hint("The whole lines before the damage are taken; put the file again when it is whole.")
}

/// Fills a buffer unless the input ends.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    match fill_or_fail(input, buffer) {
        (got, None) => Ok(got),
        (_, Some(error)) => Err(error),
    }
}

/// Fills a buffer unless the input ends or fails; says how far it came.
fn fill_or_fail(input: &mut impl Read, buffer: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut got = 0;
    while got < buffer.len() {
        match input.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (got, Some(error)),
        }
    }
    (got, None)
}

/// Counts the bytes of a file as they are read.
struct Counting<'p, R> {
    raw: R,
    progress: &'p AtomicU64,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.raw.read(buffer)?;
        self.progress.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

/// How far a file may inflate: one that goes beyond both is damaged from there on (E1).
const FARTHEST: u64 = 1 << 30;
const FARTHEST_RATIO: u64 = 200;

/// Counts the bytes that a decoder has given, and ends where they are too many for the file's size.
struct Given<R, S> {
    inner: R,
    bytes: u64,
    size: S,
}

/// The file inflates beyond [`FARTHEST`] and [`FARTHEST_RATIO`].
#[derive(Debug)]
struct TooFar;

impl fmt::Display for TooFar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it inflates too far")
    }
}

impl std::error::Error for TooFar {}

fn is_too_far(error: &io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<TooFar>()).is_some()
}

impl<R: Read, S: Fn() -> u64> Read for Given<R, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.bytes > FARTHEST && self.bytes / FARTHEST_RATIO > (self.size)() {
            return Err(io::Error::other(TooFar));
        }
        let got = self.inner.read(buffer)?;
        self.bytes += got as u64;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_or_pipe_in_place_of_a_file_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let [secret, link, pipe] = ["secret", "link", "pipe"].map(|name| root.join(name));
        fs::write(&secret, "x").unwrap();
        std::os::unix::fs::symlink(&secret, &link).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(open_file(&secret).is_ok());
        for trap in [link.as_path(), &pipe, folder.path()] {
            assert!(open_file(trap).is_err(), "{}", trap.display());
        }
        let [inbox, before] = ["in", "before"].map(|name| root.join(name));
        fs::create_dir(&inbox).unwrap();
        fs::write(inbox.join("secret"), "mine").unwrap();
        assert!(open_file(&inbox.join("secret")).is_ok());
        fs::rename(&inbox, &before).unwrap();
        std::os::unix::fs::symlink(&root, &inbox).unwrap();
        assert!(open_file(&inbox.join("secret")).is_err(), "the folder is a link by now");
    }
}
