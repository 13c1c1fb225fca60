//! Saved drafts of trust policies, one for each role in a profile.
//!
//! Errors: `profile_not_found` when the profile was removed meanwhile.

use headgate_policy::{Form, Goal};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{AwsAccess, RoleRead};

/// Which draft.
#[derive(Debug, Clone, Default, Deserialize, TS)]
pub struct DraftOf {
    /// The id of its profile; without, the one in use.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub profile: Option<String>,
    /// The ARN of its role, empty for a policy that was pasted without one; without, the draft that was
    /// saved last.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub role: Option<String>,
}

/// The draft that is kept, if any.
#[derive(Debug, Clone, Serialize, TS)]
pub struct DraftAnswer {
    /// The draft.
    pub draft: Option<KeptDraft>,
}

/// A draft to keep.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct DraftToKeep {
    /// The id of the profile that it belongs to; without, the one in use. A page that is left because of
    /// a switch keeps its draft afterwards.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub profile: Option<String>,
    /// The draft.
    pub draft: KeptDraft,
}

/// A draft that is kept, by its role.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct DraftRef {
    /// The id of its profile; without, the one in use.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub profile: Option<String>,
    /// The role's ARN; empty for a policy that was pasted without one.
    pub role: String,
}

/// One of the drafts that are kept.
#[derive(Debug, Clone, Serialize, TS)]
pub struct DraftEntry {
    /// The role's ARN; empty for a policy that was pasted without one.
    pub role: String,
    /// When it was saved last.
    pub at: String,
}

/// The drafts that are kept in a profile.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Drafts {
    /// The one saved last first.
    pub drafts: Vec<DraftEntry>,
}

/// A draft that is kept while it is worked on.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct KeptDraft {
    /// The role as it was read; null for a policy that was pasted.
    pub read: Option<RoleRead>,
    /// The ARN that a pasted policy belongs to, where a user named it.
    pub role: Option<String>,
    /// The text that the draft began from.
    pub base: String,
    /// The draft.
    pub text: String,
    /// Who is to get in, switched off ones included.
    pub goals: Vec<KeptGoal>,
    /// The form that plans take.
    pub form: Form,
    /// How AWS is reached.
    pub access: AwsAccess,
    /// What Undo goes back to, the oldest first; the page keeps the newest only.
    #[serde(default)]
    pub past: Vec<KeptStep>,
    /// The steps that Redo restores, the next first.
    #[serde(default)]
    pub future: Vec<KeptStep>,
    /// The plan that the draft came from, so that it can be made again in the other form.
    #[serde(default)]
    pub planned: Option<KeptPlan>,
}

/// A goal with its switch.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct KeptGoal {
    /// The template it came from.
    pub template: String,
    /// Its display name.
    pub label: String,
    /// The goal.
    pub goal: Goal,
    /// Whether it is switched on.
    pub on: bool,
}

/// A step of a draft.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct KeptStep {
    /// The text.
    pub text: String,
    /// Who was to get in, switched off ones included.
    pub goals: Vec<KeptGoal>,
}

/// A plan that was taken into a draft.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct KeptPlan {
    /// The text that it began from.
    pub from: String,
    /// Who was to get in, switched off ones included.
    pub goals: Vec<KeptGoal>,
    /// The text that came out.
    pub after: String,
}
