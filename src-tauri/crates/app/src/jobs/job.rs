//! [`Job`]: what it does, in which profile, its state, and the notification that the user gets at its end.

use std::path::Path;

use headgate_store::{JobRecord, JobState as StoredState};
use headgate_sync::Status;
use headgate_terms::{Shown, say};
use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

use crate::api::{Job, JobKind, JobState};
use crate::cx::Actor;
use crate::host::Notice;

/// How long a job must take for its end to be notified.
const LONG: SignedDuration = SignedDuration::from_secs(10);

impl JobKind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Change => "change",
            Self::Release => "release",
        }
    }

    fn of(text: &str) -> Self {
        let known = [Self::Sync, Self::Release].into_iter().find(|kind| kind.as_str() == text);
        known.unwrap_or(Self::Change)
    }
}

impl From<StoredState> for JobState {
    fn from(kept: StoredState) -> Self {
        match kept {
            StoredState::Queued => Self::Queued,
            StoredState::Running => Self::Running,
            StoredState::Succeeded => Self::Succeeded,
            StoredState::Partial => Self::Partial,
            StoredState::Failed => Self::Failed,
            StoredState::Cancelled => Self::Cancelled,
            StoredState::Interrupted => Self::Interrupted,
        }
    }
}

impl JobState {
    /// How the job of a sync ends whose run ended so.
    pub(crate) fn of_run(status: Status) -> Self {
        match status {
            Status::Succeeded => Self::Succeeded,
            Status::Partial => Self::Partial,
            Status::Cancelled => Self::Cancelled,
            Status::Failed | Status::Running => Self::Failed,
        }
    }

    pub(super) fn kept(self) -> StoredState {
        match self {
            Self::Queued => StoredState::Queued,
            Self::Running | Self::Stopping => StoredState::Running,
            Self::Succeeded => StoredState::Succeeded,
            Self::Partial => StoredState::Partial,
            Self::Failed => StoredState::Failed,
            Self::Cancelled => StoredState::Cancelled,
            Self::Interrupted => StoredState::Interrupted,
        }
    }
}

impl Job {
    pub(super) fn of(kept: JobRecord) -> Self {
        Self {
            id: kept.id,
            kind: JobKind::of(&kept.kind),
            profile: kept.profile,
            actor: Actor::of(&kept.actor),
            state: kept.state.into(),
            about: kept.about.and_then(|text| serde_json::from_str(&text).ok()),
            waits_for: None,
            run: kept.run,
            progress: kept.progress.and_then(|text| RawValue::from_string(text).ok()),
            queued: kept.queued,
            started: kept.started,
            ended: kept.ended,
            error: kept.error.and_then(|text| serde_json::from_str(&text).ok()),
        }
    }

    /// What it does, as the subject of a sentence.
    pub(super) fn named(&self) -> Shown {
        let what = self.about.as_ref().map(|about| {
            let from = Path::new(&about.from).file_name().unwrap_or_default().to_string_lossy();
            about.source.clone().unwrap_or_else(|| from.into_owned())
        });
        match (self.kind, what) {
            (JobKind::Sync, Some(what)) => say!("The sync of {}", what),
            (JobKind::Sync, None) => "The sync".into(),
            (JobKind::Change, _) => "The change".into(),
            (JobKind::Release, _) => "Giving up what waits".into(),
        }
    }

    /// Whether the user said no.
    fn is_refused(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.code == "not_confirmed")
    }

    /// The notification at its end; `None` where there is nothing to report.
    pub(super) fn ending(&self) -> Option<Notice> {
        let at = |text: &Option<String>| text.as_ref()?.parse::<Timestamp>().ok();
        let took = at(&self.ended)?.duration_since(at(&self.started).or(at(&self.ended))?);
        let title = match self.state {
            JobState::Succeeded if took >= LONG => say!("{} is done", self.named()),
            JobState::Failed if self.is_refused() => return None,
            // Whether a change that failed was made may not be known.
            JobState::Failed if self.kind != JobKind::Change => say!("{} failed", self.named()),
            JobState::Partial | JobState::Failed => say!("{} needs attention", self.named()),
            _ => return None,
        };
        let text = match &self.error {
            Some(error) => error.message.clone(),
            None => "Open Headgate to see what it did.".into(),
        };
        Some(Notice { title, text })
    }
}
