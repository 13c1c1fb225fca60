//! [`PlanObserver`]: who follows a plan while it is carried out, that is the terminal, the page, or its job.

use std::sync::atomic::{AtomicBool, Ordering};

use headgate_aws::{Endpoint, Identity};
use headgate_terms::Result;

use crate::api::PlanProgress;
use crate::calls::Call;
use crate::jobs::Work;

/// Who watches a change: hears how far it is, and can stop it before it is sent.
pub trait PlanObserver: Sync {
    /// It is known who calls and where to; nothing was sent yet.
    ///
    /// # Errors
    /// When this cannot be shown: then nothing is sent.
    fn begins(&self, caller: &Identity, endpoints: &[Endpoint]) -> Result<()>;
    /// How far it is.
    fn progress(&self, progress: &PlanProgress);
    /// Whether to stop before the next call.
    fn stopped(&self) -> bool;
}

/// The page as a watcher.
pub(crate) struct OnPage<'a>(pub(crate) &'a Call);

impl PlanObserver for OnPage<'_> {
    fn begins(&self, _: &Identity, _: &[Endpoint]) -> Result<()> {
        Ok(())
    }

    fn progress(&self, progress: &PlanProgress) {
        // The journal has the change from here on.
        self.0.sends();
        self.0.report(progress);
    }

    fn stopped(&self) -> bool {
        self.0.stopped()
    }
}

/// A watcher whose change is a job: on record from the moment it is sent.
pub(super) struct OnJob<'a, 'w> {
    work: &'a Work<'w>,
    watch: &'a dyn PlanObserver,
    has_begun: AtomicBool,
}

impl<'a, 'w> OnJob<'a, 'w> {
    pub(super) fn new(work: &'a Work<'w>, watch: &'a dyn PlanObserver) -> Self {
        Self { work, watch, has_begun: AtomicBool::new(false) }
    }
}

impl PlanObserver for OnJob<'_, '_> {
    fn begins(&self, caller: &Identity, endpoints: &[Endpoint]) -> Result<()> {
        self.watch.begins(caller, endpoints)
    }

    fn progress(&self, progress: &PlanProgress) {
        if !self.has_begun.swap(true, Ordering::Relaxed) {
            self.work.begin(None);
        }
        self.watch.progress(progress);
        self.work.reports(progress);
    }

    fn stopped(&self) -> bool {
        self.watch.stopped()
    }
}
