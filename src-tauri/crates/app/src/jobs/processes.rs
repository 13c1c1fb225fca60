//! Which process a job belongs to: each process holds a lock file in `owners/` of the data folder while it
//! lives. A job whose process is gone is ended by the next one: as its run, where that has ended, else as
//! `interrupted`.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use headgate_store::{JobRecord, JobState as StoredState, Store};
use headgate_sync::{DataFolder, Status};
use headgate_terms::{Error, Result, say};
use jiff::Timestamp;
use uuid::Uuid;

use crate::App;
use crate::api::{Job, JobState, Tag};

/// This process and the others that work with the data folder.
#[derive(Default)]
pub(super) struct Processes {
    owner: OnceLock<Owner>,
    /// The others whose end is waited for.
    awaited: Mutex<BTreeSet<String>>,
}

impl Processes {
    fn awaited(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name of this process for its jobs; its lock is taken first.
    pub(super) fn owner(&self, data: &DataFolder) -> Result<&str> {
        if let Some(owner) = self.owner.get() {
            return Ok(&owner.id);
        }
        let id = Uuid::new_v4().to_string();
        let lock = lock_of(data, &id).map_err(|error| {
            Error::new("permission_denied", say!("Could not lock `{}`: {}.", owners(data), error))
                .hint("Give this user the right to write the data folder.")
        })?;
        Ok(&self.owner.get_or_init(|| Owner { lock: lock_file(data, &id), id, _held: lock }).id)
    }

    /// Whether a job is another process's.
    fn is_others(&self, job: &JobRecord) -> bool {
        self.owner.get().is_none_or(|owner| owner.id != job.owner)
    }
}

/// This process, for as long as it lives.
struct Owner {
    id: String,
    lock: PathBuf,
    _held: File,
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.lock);
    }
}

pub(super) fn owners(data: &DataFolder) -> PathBuf {
    data.path().join("owners")
}

fn lock_file(data: &DataFolder, id: &str) -> PathBuf {
    owners(data).join(format!("{id}.lock"))
}

/// How old a lock that nobody holds must be before it is removed: a new one is made before it is held.
const LEFT_BEHIND: Duration = Duration::from_mins(1);

/// Removes the locks of processes that ended without a chance to.
fn sweep_owners(data: &DataFolder) {
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
pub(super) fn lock_of(data: &DataFolder, id: &str) -> std::io::Result<File> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(owners(data))?;
    let file =
        OpenOptions::new().create(true).append(true).mode(0o600).open(lock_file(data, id))?;
    file.try_lock()?;
    Ok(file)
}

impl App {
    /// Waits for the end of each other process that has open jobs, and ends what it left. It blocks; of
    /// processes that are waited for already, it does not wait for the end.
    pub fn wait_for_others(&self) {
        let Ok(at_work) = self.others_at_work() else { return };
        let new: Vec<_> = {
            let mut known = self.jobs.processes.awaited();
            at_work.into_iter().filter(|owner| known.insert(owner.clone())).collect()
        };
        std::thread::scope(|scope| {
            for owner in new {
                scope.spawn(move || {
                    // Held for as long as the other lives; where the file is gone, so is the other.
                    if let Ok(lock) = File::open(lock_file(self.data(), &owner)) {
                        let _ = lock.lock();
                    }
                    self.jobs.processes.awaited().remove(&owner);
                    if let Err(error) = self.end_interrupted_jobs() {
                        tracing::warn!(%error, "jobs that were interrupted are not ended on record");
                    }
                });
            }
        });
    }

    /// The other processes that have open jobs.
    fn others_at_work(&self) -> Result<BTreeSet<String>> {
        let Some(store) = self.store_if_any()? else { return Ok(BTreeSet::new()) };
        let others =
            store.open_jobs()?.into_iter().filter(|job| self.jobs.processes.is_others(job));
        Ok(others.map(|job| job.owner).collect())
    }

    /// The run of another process that is on record as going on.
    pub(super) fn run_elsewhere(&self) -> Option<Job> {
        let open = self.store_if_any().ok()??.open_jobs().ok()?;
        let mut others = open.into_iter().filter(|job| self.jobs.processes.is_others(job));
        others.find(|job| job.state == StoredState::Running && job.run.is_some()).map(Job::of)
    }

    /// Says of a data folder that is in use which job of another process uses it.
    pub(crate) fn with_holder(&self, mut error: Error) -> Error {
        if error.code != "data_folder_busy" {
            return error;
        }
        if let Some(job) = self.run_elsewhere() {
            let actor = job.actor.as_str();
            error.message =
                say!("{}, started in the {}, is using the data folder.", job.named(), actor);
            error.hint = Some("Wait for it to end, or stop it where it was started.".into());
        }
        error
    }

    /// Ends the jobs whose process is gone.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn end_interrupted_jobs(&self) -> Result<()> {
        sweep_owners(self.data());
        let Some(store) = self.store_if_any()? else { return Ok(()) };
        let open = store.open_jobs()?;
        let others = open.iter().filter(|job| self.jobs.processes.is_others(job));
        let gone: Vec<_> = others.filter(|job| lock_of(self.data(), &job.owner).is_ok()).collect();
        drop(store);
        if gone.is_empty() {
            return Ok(());
        }
        let error = Error::new("interrupted", "Headgate ended before the job did.").hint(
            "Run the sync again: it finishes what was recorded. Of a change, read its object again to see whether it was made.",
        );
        let text = serde_json::to_string(&error).unwrap_or_default();
        let now = Timestamp::now().to_string();
        let store = self.store()?;
        for job in &gone {
            self.end_as_its_run(&store, job)?;
        }
        let ids: Vec<&str> = gone.iter().map(|job| job.id.as_str()).collect();
        store.interrupt_jobs(&ids, Some(&text), &now)?;
        for job in &gone {
            let _ = fs::remove_file(lock_file(self.data(), &job.owner));
            // Whatever it did until then is there.
            let may_have = [Tag::Jobs, Tag::Runs, Tag::Lakes, Tag::Tables, Tag::Changes];
            self.bus.changed(&job.profile, &may_have);
        }
        Ok(())
    }

    /// Ends a job whose run has ended on record: its process was gone before it could.
    fn end_as_its_run(&self, store: &Store, job: &JobRecord) -> Result<()> {
        let Some(run) = &job.run else { return Ok(()) };
        let Ok(run) = headgate_sync::show_run(self.data(), run) else { return Ok(()) };
        let is_open = run.status == Status::Running
            || run.error.as_ref().is_some_and(|error| error.code == "interrupted");
        let Some(ended) = run.finished.filter(|_| !is_open) else { return Ok(()) };
        let error = run.error.and_then(|error| serde_json::to_string(&error).ok());
        let state = JobState::of_run(run.status).kept();
        store.end_job(&job.id, state, error.as_deref(), &ended)?;
        Ok(())
    }
}
