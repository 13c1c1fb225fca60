//! The log: standard error, and `log/window.log` in the data folder for errors that show a trace.
//!
//! Both get cleaned text only. A file that is full is kept as the previous one, and the one before is removed.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use headgate_app::DataFolder;
use headgate_terms::Shown;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::terminal;

/// The most bytes of one file.
const MOST_BYTES: u64 = 4 << 20;

/// Begins to log. Without a data folder that can be trusted, standard error has it alone.
pub(crate) fn begin(data: Option<&DataFolder>) {
    // The library's kernel calls a table that is not there yet an error; what is one is returned as well.
    let filter = || EnvFilter::try_from_env("HEADGATE_LOG");
    let file = data
        .filter(|data| data.make().is_ok())
        .and_then(|data| LogFile::open(data, MOST_BYTES).ok());
    let file = file.map(|file| {
        tracing_subscriber::fmt::layer().json().with_writer(Mutex::new(file)).with_filter(
            filter().unwrap_or_else(|_| {
                EnvFilter::new("warn,buoyant_kernel=off,headgate_desktop=info,headgate_app=info,headgate_sync=info")
            }),
        )
    });
    let _ = tracing_subscriber::registry()
        .with(file)
        .with(
            tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_writer(|| Cleaned(terminal::log()))
                .with_filter(
                    filter().unwrap_or_else(|_| EnvFilter::new("error,buoyant_kernel=off")),
                ),
        )
        .try_init();
    // A panic is logged and shown as an error; its trace on a terminal would help nobody.
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or_default();
        tracing::error!(at, what, "a defect");
    }));
}

/// A writer that gets no character that acts on what shows it. Each write is a whole event.
struct Cleaned<W>(W);

impl<W: Write> Write for Cleaned<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(Shown::lines(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The log of the window in the data folder.
struct LogFile {
    folder: PathBuf,
    file: Cleaned<File>,
    written: u64,
    most: u64,
}

impl LogFile {
    fn open(data: &DataFolder, most: u64) -> io::Result<Self> {
        let folder = data.path().join("log");
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let path = folder.join("window.log");
        let file = append(&path)?;
        let written = file.metadata()?.len();
        Ok(Self { folder, file: Cleaned(file), written, most })
    }

    /// Keeps the full file beside a new one.
    fn turn(&mut self) -> io::Result<()> {
        let path = self.folder.join("window.log");
        fs::rename(&path, self.folder.join("window.1.log"))?;
        self.file = Cleaned(append(&path)?);
        self.written = 0;
        Ok(())
    }
}

/// A file to add to; a link in its place is not followed.
fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path)
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let more = bytes.len() as u64;
        if self.written > 0 && self.written + more > self.most {
            self.turn()?;
        }
        self.written += more;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_in_one_session_and_holds_nothing_that_acts() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::new(folder.path().to_owned());
        let mut log = LogFile::open(&data, 1_000).unwrap();
        for n in 0..1_000 {
            writeln!(log, "line {n} \u{1b}[2J\u{202e}").unwrap();
        }
        let read = |name: &str| fs::read_to_string(folder.path().join("log").join(name)).unwrap();
        let (new, old) = (read("window.log"), read("window.1.log"));
        assert!(new.ends_with("line 999 \\u{1b}[2J\\u{202e}\n"), "{new}");
        assert!(new.len() < 2_000 && old.len() < 2_000, "{} and {}", new.len(), old.len());
        assert_eq!(fs::read_dir(folder.path().join("log")).unwrap().count(), 2);
    }

    #[test]
    fn a_link_in_the_logs_place_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, "keep").unwrap();
        fs::create_dir(folder.path().join("log")).unwrap();
        std::os::unix::fs::symlink(&victim, folder.path().join("log/window.log")).unwrap();
        assert!(LogFile::open(&DataFolder::new(folder.path().to_owned()), 1_000).is_err());
        assert_eq!(fs::read_to_string(&victim).unwrap(), "keep");
    }
}
