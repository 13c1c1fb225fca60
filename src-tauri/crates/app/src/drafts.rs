//! The draft of a policy that is kept while it is worked on, and the goals that each role had.

use headgate_policy::Goal;
use headgate_terms::Result;

use crate::App;
use crate::api::{DraftAnswer, Empty, KeptDraft};
use crate::cx::Cx;

impl KeptDraft {
    /// The ARN of its role; empty for a policy that was pasted without one.
    fn role(&self) -> &str {
        let read = self.read.as_ref().map(|read| &read.role.arn);
        read.or(self.role.as_ref()).map_or("", String::as_str)
    }
}

impl App {
    pub(crate) fn policy_draft(&self, cx: &Cx, _: &Empty) -> Result<DraftAnswer> {
        let Some(store) = self.store_if_any()? else {
            return Ok(DraftAnswer { profile: Some(cx.profile.clone()), draft: None });
        };
        let kept = store.latest_draft(&cx.profile)?;
        let draft = kept.and_then(|kept| serde_json::from_str(&kept.document).ok());
        Ok(DraftAnswer { profile: Some(cx.profile.clone()), draft })
    }

    pub(crate) fn policy_draft_save(&self, cx: &Cx, kept: &DraftAnswer) -> Result<Empty> {
        let store = self.store()?;
        let profile = kept.profile.as_ref().unwrap_or(&cx.profile);
        let Some(draft) = &kept.draft else {
            // The page has discarded the draft that it shows, which is the latest.
            if let Some(latest) = store.latest_draft(profile)? {
                store.discard_draft(profile, &latest.role)?;
            }
            return Ok(Empty {});
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
