//! The drafts of policies that are kept while they are worked on, one for each role, and the goals that
//! each role had.

use headgate_policy::Goal;
use headgate_store::DraftedRole;
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

impl KeptDraft {
    /// The ARN of its role; empty for a policy that was pasted without one.
    fn role(&self) -> &str {
        let read = self.read.as_ref().map(|read| &read.role.arn);
        read.or(self.role.as_ref()).map_or("", String::as_str)
    }
}

impl App {
    pub(crate) fn policy_drafts(&self, cx: &Cx, _: &Nothing) -> Result<Drafts> {
        let Some(store) = self.store_if_any()? else { return Ok(Drafts { drafts: Vec::new() }) };
        let kept = store.drafted_roles(&cx.profile)?.into_iter();
        let drafts = kept.map(|DraftedRole { role, at }| DraftEntry { role, at }).collect();
        Ok(Drafts { drafts })
    }

    pub(crate) fn policy_draft(&self, cx: &Cx, of: &DraftOf) -> Result<DraftAnswer> {
        let Some(store) = self.store_if_any()? else { return Ok(DraftAnswer { draft: None }) };
        let profile = of.profile.as_ref().unwrap_or(&cx.profile);
        let kept = match &of.role {
            Some(role) => store.draft(profile, role)?,
            None => store.latest_draft(profile)?,
        };
        Ok(DraftAnswer { draft: kept.and_then(|kept| serde_json::from_str(&kept.document).ok()) })
    }

    pub(crate) fn policy_draft_keep(&self, cx: &Cx, kept: &DraftToKeep) -> Result<Nothing> {
        let store = self.store()?;
        let profile = kept.profile.as_ref().unwrap_or(&cx.profile);
        let draft = &kept.draft;
        let text = serde_json::to_string(draft).unwrap_or_default();
        store.save_draft(profile, draft.role(), &cx.now(), &text)?;
        if !draft.role().is_empty() {
            let goals: Vec<&Goal> = draft.goals.iter().map(|kept| &kept.goal).collect();
            let text = serde_json::to_string(&goals).unwrap_or_default();
            store.save_goals(profile, draft.role(), &text)?;
        }
        Ok(Nothing {})
    }

    pub(crate) fn policy_draft_discard(&self, cx: &Cx, of: &DraftRef) -> Result<Nothing> {
        let profile = of.profile.as_ref().unwrap_or(&cx.profile);
        self.store()?.discard_draft(profile, &of.role)?;
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
