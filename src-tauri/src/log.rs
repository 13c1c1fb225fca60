//! Where log lines go: standard error, and a file of the data folder for errors that show a trace.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::sync::Mutex;

use headgate_app::DataFolder;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// A file that has grown beyond this begins anew, the one before kept beside it.
const MOST_BYTES: u64 = 4 << 20;

/// Begins to log. Without a file, standard error has it alone.
pub(crate) fn begin(data: Option<&DataFolder>) {
    let filter = || EnvFilter::try_from_env("HEADGATE_LOG");
    let file = data.and_then(|data| open(data).ok()).map(|file| {
        tracing_subscriber::fmt::layer().json().with_writer(Mutex::new(file)).with_filter(
            filter().unwrap_or_else(|_| {
                EnvFilter::new("warn,headgate_desktop=info,headgate_app=info,headgate_sync=info")
            }),
        )
    });
    let _ = tracing_subscriber::registry()
        .with(file)
        .with(
            tracing_subscriber::fmt::layer()
                .with_writer(io::stderr)
                .with_filter(filter().unwrap_or_else(|_| EnvFilter::new("error"))),
        )
        .try_init();
}

fn open(data: &DataFolder) -> io::Result<File> {
    let folder = data.path().join("log");
    DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let path = folder.join("window.log");
    if fs::metadata(&path).is_ok_and(|file| file.len() > MOST_BYTES) {
        fs::rename(&path, folder.join("window.1.log"))?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}
