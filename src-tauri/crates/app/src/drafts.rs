//! Saved drafts of trust policies, one for each role, and the goals that each role had last.

use headgate_policy::Goal;
use headgate_store::DraftedRole;
use headgate_terms::Result;

use crate::App;
use crate::api::{
    DraftAnswer, DraftEntry, DraftOf, DraftRef, DraftToKeep, Drafts, Empty, KeptDraft,
};
use crate::cx::Cx;

impl KeptDraft {
    /// The ARN of its role; empty for a policy that was pasted without one.
    fn role(&self) -> &str {
        let read = self.read.as_ref().map(|read| &read.role.arn);
        read.or(self.role.as_ref()).map_or("", String::as_str)
    }
}

impl App {
    pub(crate) fn policy_drafts(&self, cx: &Cx, _: &Empty) -> Result<Drafts> {
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

    pub(crate) fn policy_draft_save(&self, cx: &Cx, kept: &DraftToKeep) -> Result<Empty> {
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
        Ok(Empty {})
    }

    pub(crate) fn policy_draft_discard(&self, cx: &Cx, of: &DraftRef) -> Result<Empty> {
        let profile = of.profile.as_ref().unwrap_or(&cx.profile);
        self.store()?.discard_draft(profile, &of.role)?;
        Ok(Empty {})
    }

    /// The goals that a role had when it was last worked on.
    pub(crate) fn saved_goals(&self, profile: &str, role: Option<&str>) -> Result<Vec<Goal>> {
        let (Some(role), Some(store)) = (role, self.store_if_any()?) else {
            return Ok(Vec::new());
        };
        let text = store.goals(profile, role)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }
}
