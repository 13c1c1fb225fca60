//! The stream of events to the page: data that changed, jobs, and what the user or the system does outside the
//! page.
//!
//! It has no errors. A listener that is too slow gets `missed` and reads everything again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Job;

/// Something that happened.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CoreEvent {
    /// Data changed: answers that show it must be read again.
    Changed {
        /// Which data.
        tags: BTreeSet<Tag>,
        /// Of which profile.
        profile: String,
        /// Counts up with every change.
        revision: u64,
    },
    /// A job was queued, began, went on or ended.
    Job {
        /// The job as it is now.
        job: Box<Job>,
    },
    /// Something came from outside the page.
    Host {
        /// What.
        event: HostEvent,
    },
    /// More happened than could be kept for this listener.
    Missed,
}

/// Data that commands read and make stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    /// Runs, with what they rejected and set aside.
    Runs,
    /// The lakes that are known.
    Lakes,
    /// The tables of lakes.
    Tables,
    /// The settings.
    Settings,
    /// Drafts of policies.
    Drafts,
    /// Changes to the world outside, in the journal.
    Changes,
    /// The profiles.
    Profiles,
    /// Jobs.
    Jobs,
}

/// What happens outside the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HostEvent {
    /// Files or folders are held over the window.
    Over,
    /// They were taken away again.
    Away,
    /// They were dropped.
    Dropped {
        /// Their paths.
        paths: Vec<String>,
    },
    /// The window closes as soon as the page has kept what was typed last.
    Leaving,
    /// The window was asked to close and waits until what was sent outside this machine has ended.
    Closing {
        /// The commands it waits for.
        commands: Vec<String>,
    },
    /// Another process asked the window to open a page.
    Open {
        /// Its address, beginning with `/`.
        address: String,
    },
}
