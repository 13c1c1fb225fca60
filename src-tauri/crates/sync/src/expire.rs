//! Removes records of runs and rejected lines after their [`Retention`], because both can hold personal data.
//! Events that have not landed are never removed.

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
pub struct Retention {
    /// Records of runs.
    pub runs: Duration,
    /// Rejected lines.
    pub letters: Duration,
}

/// Removes what is older. The folder is held, so that no run is adding to it.
///
/// # Errors
/// When the store fails. A file that cannot be removed stays, and the log says so.
pub fn expire(data: &DataFolder, _held: &Held, keep: Retention) -> Result<()> {
    let store = Store::open(data.path())?;
    let (mut runs, mut waiting) = (BTreeSet::new(), BTreeSet::new());
    for open in store.open_batches(None)? {
        // A record that is not understood may name anything.
        let Ok(plan) = BatchPlan::read(&open, data) else { return Ok(()) };
        runs.insert(plan.run);
        waiting.extend(plan.letters.map(|letters| letters.run_file));
    }
    let age = jiff::SignedDuration::try_from(keep.runs).ok();
    if let Some(before) = age.and_then(|age| Timestamp::now().checked_sub(age).ok()) {
        store.forget_runs(&format!("{before:.3}"), &runs)?;
        store.forget_jobs(&before.to_string())?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::path::Path;

    use headgate_store::Taken;

    const DAY: u64 = 86_400;

    /// Keeps a run that began so many days ago, ended or not.
    fn run(store: &Store, from: &str, days: u64, running: bool) -> String {
        let id = store.begin_run().unwrap();
        let started = Timestamp::now() - jiff::SignedDuration::from_secs((days * DAY) as i64);
        let document = serde_json::json!({"from": from, "started": format!("{started:.3}")});
        store.save_run(&id, running, &document.to_string()).unwrap();
        id
    }

    /// Writes a file that was last touched so many days ago.
    fn letters(folder: &Path, name: &str, days: u64) {
        let path = folder.join(name);
        fs::write(&path, "{}\n").unwrap();
        let at = SystemTime::now() - Duration::from_secs(days * DAY);
        File::options().append(true).open(&path).unwrap().set_modified(at).unwrap();
    }

    #[test]
    fn expired_runs_are_removed_and_unlanded_lines_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::new(folder.path().join("data"));
        let held = data.hold().unwrap();
        let mut store = Store::open(data.path()).unwrap();
        let (_old, last) = (run(&store, "/a", 93, false), run(&store, "/a", 92, false));
        let (new, open) = (run(&store, "/b", 89, false), run(&store, "/b", 91, true));
        let (waits, newer) = (run(&store, "/c", 91, false), run(&store, "/c", 1, false));
        for (name, days) in [("old.ndjson", 31), ("new.ndjson", 29), ("waits.ndjson", 31)] {
            letters(&data.dead_letters(), name, days);
        }
        letters(&data.dead_letters(), ".old.1.part", 31);
        let plan = serde_json::json!({
            "number": 1, "app": "a", "run": waits, "installation": {"id": "i", "name": "i"},
            "source": "s", "schema": "s", "planned": 0, "tables": [], "routes": [], "once": null,
            "held_lines": null, "extents": [],
            "letters": {"part": "/none", "run_file": "/moved/from/waits.ndjson", "at": 3, "count": 1},
        });
        let ledger = store.ledger_or_new("lake", "s").unwrap();
        let plan = plan.to_string();
        store
            .take_in(&mut Taken {
                ledger: &ledger,
                number: 1,
                newest: None,
                plan: Some(&plan),
                files: &[],
                ids: &mut [],
                summary: "",
            })
            .unwrap();

        let keep = Retention {
            runs: Duration::from_secs(90 * DAY),
            letters: Duration::from_secs(30 * DAY),
        };
        expire(&data, &held, keep).unwrap();

        let left: Vec<_> = store.runs(None).unwrap().into_iter().map(|run| run.id).collect();
        assert_eq!(left, [newer, waits, open, new, last], "the last of each sync stays too");
        let mut files: Vec<_> = fs::read_dir(data.dead_letters())
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        assert_eq!(files, [".old.1.part", "new.ndjson", "waits.ndjson"]);
    }
}
