//! Which process a job belongs to: each holds a lock in `owners/` of the data folder for as long as it lives, so
//! that others can tell whether it does.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::Duration;

use headgate_sync::DataFolder;

/// This process, for as long as it lives.
pub(crate) struct Owner {
    pub(crate) id: String,
    pub(crate) lock: PathBuf,
    pub(crate) _held: File,
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.lock);
    }
}

pub(crate) fn owners(data: &DataFolder) -> PathBuf {
    data.path().join("owners")
}

pub(crate) fn lock_file(data: &DataFolder, id: &str) -> PathBuf {
    owners(data).join(format!("{id}.lock"))
}

/// How old a lock that nobody holds must be before it is removed: a new one is made before it is held.
const LEFT_BEHIND: Duration = Duration::from_mins(1);

/// Removes the locks of processes that ended without a chance to.
pub(crate) fn sweep_owners(data: &DataFolder) {
    for entry in fs::read_dir(owners(data)).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|lock| lock.modified()).map(|at| at.elapsed());
        if !matches!(age, Ok(Ok(age)) if age > LEFT_BEHIND) {
            continue;
        }
        let lock = OpenOptions::new().append(true).open(entry.path());
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Takes the lock of a process, or fails when it lives.
pub(crate) fn lock_of(data: &DataFolder, id: &str) -> std::io::Result<File> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(owners(data))?;
    let file =
        OpenOptions::new().create(true).append(true).mode(0o600).open(lock_file(data, id))?;
    file.try_lock()?;
    Ok(file)
}
