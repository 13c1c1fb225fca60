//! What is kept how long: records of runs and the lines they rejected, both of which can hold
//! personal data. What has not landed is never removed.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, SystemTime};

use headgate_store::Store;
use headgate_terms::Result;
use jiff::Timestamp;

use crate::folder::{DataFolder, Held};
use crate::plan::BatchPlan;
use crate::spool::remove;

/// How long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Records of runs.
    pub runs: Duration,
    /// Rejected lines.
    pub letters: Duration,
}

/// Removes what is older. The folder is held, so that no run is adding to it.
///
/// # Errors
/// When the store fails. A file that cannot be removed stays, and the log says so.
pub fn expire(data: &DataFolder, _held: &Held, keep: Keep) -> Result<()> {
    let store = Store::open(data.path())?;
    let before = Timestamp::now() - jiff::SignedDuration::try_from(keep.runs).unwrap_or_default();
    store.forget_runs(&format!("{before:.3}"))?;
    let mut waiting = BTreeSet::new();
    for open in store.open_batches(None)? {
        if let Ok(plan) = serde_json::from_str::<BatchPlan>(&open.plan) {
            waiting.extend(plan.letters.map(|letters| letters.run_file));
        }
    }
    let Ok(files) = fs::read_dir(data.dead_letters()) else { return Ok(()) };
    for path in files.flatten().map(|entry| entry.path()) {
        let old = fs::metadata(&path).and_then(|file| file.modified()).is_ok_and(|at| {
            SystemTime::now().duration_since(at).is_ok_and(|age| age > keep.letters)
        });
        if old && path.extension().is_some_and(|end| end == "ndjson") && !waiting.contains(&path) {
            remove(&path);
        }
    }
    Ok(())
}
