//! Records the end of a job. If that fails, the end is kept in memory, shown from there, and tried again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use headgate_store::Store;
use headgate_terms::Result;

use crate::App;
use crate::api::{Job, JobState};

/// How long it takes until an end is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// How a job ended.
#[derive(Clone)]
pub(super) struct End {
    /// The job as it ended.
    pub(super) job: Job,
    /// When it ended, in RFC 3339.
    pub(super) at: String,
    /// Whether it did nothing that is to be kept.
    pub(super) leaves_nothing: bool,
}

impl End {
    fn record(&self, store: &Store) -> Result<()> {
        let Job { id, state, error, .. } = &self.job;
        if self.leaves_nothing && store.remove_job(id)? {
            return Ok(());
        }
        // What took nothing has begun all the same; what was stopped before its turn has not.
        if *state != JobState::Cancelled || self.job.started.is_some() {
            store.start_job(id, self.job.started.as_deref().unwrap_or(&self.at))?;
        }
        let error = error.as_ref().and_then(|error| serde_json::to_string(error).ok());
        store.end_job(id, state.kept(), error.as_deref(), &self.at)?;
        Ok(())
    }
}

/// The ends that are not on record yet, by the job's id. A clone is the same ends.
#[derive(Clone, Default)]
pub(super) struct Ends(Arc<Mutex<BTreeMap<String, End>>>);

impl Ends {
    fn waiting(&self) -> MutexGuard<'_, BTreeMap<String, End>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How a job ended of which the store does not know.
    pub(super) fn of(&self, id: &str) -> Option<End> {
        self.waiting().get(id).cloned()
    }

    /// Puts on record what is not yet; true when nothing is left.
    fn record(&self, data: &Path) -> bool {
        let ends: Vec<End> = self.waiting().values().cloned().collect();
        if ends.is_empty() {
            return true;
        }
        let Ok(Some(_)) = Store::open_if_any(data) else { return false };
        let Ok(store) = Store::open(data) else { return false };
        for end in ends {
            if end.record(&store).is_ok() {
                self.waiting().remove(&end.job.id);
            }
        }
        self.waiting().is_empty()
    }
}

impl App {
    /// Puts the end of a job on record, now or as soon as that is possible.
    pub(super) fn record_end(&self, end: End) {
        let recorded = self.store().and_then(|store| end.record(&store));
        let Err(error) = recorded else { return };
        tracing::warn!(%error, job = end.job.id, "the end of a job is not on record yet");
        let ends = self.jobs.ends.clone();
        let is_first = {
            let mut waiting = ends.waiting();
            waiting.insert(end.job.id.clone(), end);
            waiting.len() == 1
        };
        if !is_first {
            return;
        }
        let data = self.data().path().to_owned();
        self.runtime().spawn(async move {
            loop {
                tokio::time::sleep(AGAIN).await;
                let (ends, data) = (ends.clone(), data.clone());
                let done = tokio::task::spawn_blocking(move || ends.record(&data)).await;
                if done.unwrap_or(true) {
                    break;
                }
            }
        });
    }

    /// Tries once more to put on record how jobs ended, for a process that ends itself.
    pub(crate) fn record_last_ends(&self) {
        if !self.jobs.ends.record(self.data().path()) {
            tracing::warn!(
                "the end of a job is not on record; the next start calls it interrupted"
            );
        }
    }
}
