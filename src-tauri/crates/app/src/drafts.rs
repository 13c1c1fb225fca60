//! The draft of a policy that is kept while it is worked on, and the goals that each role had.

use headgate_policy::Goal;
use headgate_terms::Result;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::App;
use crate::calls::Nothing;
use crate::cx::Cx;
use crate::roles::{AwsAccess, RoleRead};

/// A draft that is kept while it is worked on.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct KeptDraft {
    /// The role as it was read; none for a policy that was pasted.
    pub read: Option<RoleRead>,
    /// The ARN that a pasted policy belongs to, where a person named it.
    pub role: Option<String>,
    /// The text that the draft began from.
    pub base: String,
    /// The draft.
    pub text: String,
    /// Who is to get in, switched off ones included.
    pub goals: Vec<KeptGoal>,
    /// The form that plans take.
    pub form: headgate_policy::Form,
    /// How AWS is reached.
    pub access: AwsAccess,
    /// What Undo goes back to, the oldest first; the page keeps the newest only.
    #[serde(default)]
    pub past: Vec<KeptStep>,
    /// What Redo goes on to, the next first.
    #[serde(default)]
    pub future: Vec<KeptStep>,
    /// The plan that the draft came from, so that it can be made again in the other form.
    #[serde(default)]
    pub planned: Option<KeptPlan>,
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

/// A goal with its switch.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct KeptGoal {
    /// The template it came from.
    pub template: String,
    /// What people call it.
    pub label: String,
    /// The goal.
    pub goal: Goal,
    /// Whether it is asked for.
    pub on: bool,
}

/// The draft that is kept, if any.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DraftAnswer {
    /// The id of the profile that it belongs to; to be kept without, the one in use. A page that is left
    /// because of a switch keeps its draft afterwards.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub profile: Option<String>,
    /// The draft.
    pub draft: Option<KeptDraft>,
}

impl KeptDraft {
    /// The ARN of its role; empty for a policy that was pasted without one.
    fn role(&self) -> &str {
        let read = self.read.as_ref().map(|read| &read.role.arn);
        read.or(self.role.as_ref()).map_or("", String::as_str)
    }
}

impl App {
    pub(crate) fn policy_draft(&self, cx: &Cx, _: &Nothing) -> Result<DraftAnswer> {
        let Some(store) = self.store_if_any()? else {
            return Ok(DraftAnswer { profile: Some(cx.profile.clone()), draft: None });
        };
        let kept = store.latest_draft(&cx.profile)?;
        let draft = kept.and_then(|kept| serde_json::from_str(&kept.document).ok());
        Ok(DraftAnswer { profile: Some(cx.profile.clone()), draft })
    }

    pub(crate) fn policy_draft_keep(&self, cx: &Cx, kept: &DraftAnswer) -> Result<Nothing> {
        let store = self.store()?;
        let profile = kept.profile.as_ref().unwrap_or(&cx.profile);
        let Some(draft) = &kept.draft else {
            // The page has discarded the draft that it shows, which is the latest.
            if let Some(latest) = store.latest_draft(profile)? {
                store.discard_draft(profile, &latest.role)?;
            }
            return Ok(Nothing {});
        };
        let text = serde_json::to_string(draft).unwrap_or_default();
        // The page shows one draft: opening another policy discards the one before.
        for other in store.drafted_roles(profile)? {
            if other.role != draft.role() {
                store.discard_draft(profile, &other.role)?;
            }
        }
        store.save_draft(profile, draft.role(), &cx.now(), &text)?;
        if !draft.role().is_empty() {
            let goals: Vec<&Goal> = draft.goals.iter().map(|kept| &kept.goal).collect();
            let text = serde_json::to_string(&goals).unwrap_or_default();
            store.save_goals(profile, draft.role(), &text)?;
        }
        Ok(Nothing {})
    }

    /// The goals that a role had when it was last worked on.
    pub(crate) fn kept_goals(&self, profile: &str, role: Option<&str>) -> Result<Vec<Goal>> {
        let (Some(role), Some(store)) = (role, self.store_if_any()?) else {
            return Ok(Vec::new());
        };
        let text = store.goals(profile, role)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }
}
