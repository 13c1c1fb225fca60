//! The lakes of a profile: those that its syncs wrote to, and those that were opened in it.

use headgate_lake::Location;
use headgate_terms::Result;

use crate::App;
use crate::api::{Empty, KnownLakes, LakeRef};
use crate::cx::Cx;

impl App {
    pub(crate) fn lakes_list(&self, cx: &Cx, _: &Empty) -> Result<KnownLakes> {
        Ok(KnownLakes { lakes: self.lakes_of(&cx.profile)? })
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
