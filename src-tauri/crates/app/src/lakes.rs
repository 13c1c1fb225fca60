//! The lakes of a profile: those that its syncs wrote to, and those that were opened in it.

use std::io::ErrorKind;

use headgate_lake::Location;
use headgate_terms::Result;

use crate::App;
use crate::api::{Empty, KnownLakes, LakeRef};
use crate::cx::Cx;

impl App {
    pub(crate) fn lakes_list(&self, cx: &Cx, _: &Empty) -> Result<KnownLakes> {
        let lakes = self.lakes_of(&cx.profile)?;
        // One that this user may not look at is not one that is gone.
        let is_gone = |lake: &&String| {
            let folder = Location::parse(lake).map(|location| std::fs::metadata(location.folder()));
            folder
                .is_ok_and(|folder| folder.is_err_and(|error| error.kind() == ErrorKind::NotFound))
        };
        let gone = lakes.iter().filter(is_gone).cloned().collect();
        Ok(KnownLakes { lakes, gone })
    }

    pub(crate) fn lakes_forget(&self, cx: &Cx, request: &LakeRef) -> Result<KnownLakes> {
        self.store()?.forget_lake_of(&cx.profile, &request.lake)?;
        self.lakes_list(cx, &Empty {})
    }

    pub(crate) fn lakes_remember(&self, cx: &Cx, request: &LakeRef) -> Result<KnownLakes> {
        self.remember_lake(cx, &request.lake).map_err(|error| error.field("lake"))?;
        self.lakes_list(cx, &Empty {})
    }

    /// Puts a lake in front of those of the profile.
    ///
    /// # Errors
    /// When its address is none, and when the store fails.
    pub(crate) fn remember_lake(&self, cx: &Cx, lake: &str) -> Result<()> {
        let lake = Location::parse(lake)?.to_string();
        self.store()?.remember_lake_of(&cx.profile, &lake)
    }

    /// The addresses of a profile's lakes, the latest used first.
    pub(crate) fn lakes_of(&self, profile: &str) -> Result<Vec<String>> {
        match self.store_if_any()? {
            Some(store) => store.lakes_of(profile),
            None => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::played::TestApp;

    #[test]
    fn a_lake_that_is_gone_is_marked_and_can_be_forgotten() {
        let desk = TestApp::new(true);
        let (events, lake, other) = (desk.events("in"), desk.path("lake"), desk.path("other"));
        desk.sync(&events, &lake).unwrap();
        desk.sync(&events, &other).unwrap();
        std::fs::remove_dir_all(&lake).unwrap();
        let known = desk.call("lakes_list", &json!({})).unwrap();
        assert_eq!(known, json!({"lakes": [other, lake], "gone": [lake]}));
        let left = desk.call("lakes_forget", &json!({"lake": lake})).unwrap();
        assert_eq!(left, json!({"lakes": [other], "gone": []}));
        assert_eq!(
            desk.call("runs_list", &json!({"before": null, "limit": null})).unwrap()["runs"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
    }

    #[test]
    fn the_sample_is_removed_with_its_lake_and_needs_nobody_then() {
        let desk = TestApp::new(false);
        let sample = desk.call("sample_create", &json!({})).unwrap();
        let request =
            json!({"from": sample["from"], "to": sample["to"], "source": "shop", "again": false});
        desk.call("sync_start", &request).unwrap();
        let needs = |desk: &TestApp| {
            desk.call("overview_show", &json!({})).unwrap()["needs"].as_array().unwrap().len()
        };
        assert!(needs(&desk) > 0, "values were set aside");
        assert_eq!(desk.call("settings_show", &json!({})).unwrap()["sample"], true);
        desk.call("sample_remove", &json!({})).unwrap();
        assert_eq!(desk.call("lakes_list", &json!({})).unwrap(), json!({"lakes": [], "gone": []}));
        assert_eq!(desk.call("settings_show", &json!({})).unwrap()["sample"], false);
        assert_eq!(needs(&desk), 0);
        // It can be made again, and everything lands once more.
        desk.call("sample_create", &json!({})).unwrap();
        let run = desk.call("sync_start", &request).unwrap();
        assert_eq!(
            (&run["events"]["written"], &run["events"]["duplicate"]),
            (&json!(158), &json!(2))
        );
    }
}
