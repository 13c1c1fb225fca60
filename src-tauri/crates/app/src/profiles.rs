//! What a profile knows: the part of the world that one set of roles, lakes and endpoints is.

use headgate_terms::{Error, Result, say};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::App;
use crate::callers::Writer;

/// A profile's document, as the store keeps it. What this version does not know stays as it is.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ProfileDocument {
    /// What this installation is to policies of the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) writer: Option<Writer>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl App {
    pub(crate) fn profile_document(&self, profile: &str) -> Result<ProfileDocument> {
        let found = match self.store_if_any()? {
            Some(store) => store.profile(profile)?,
            None => None,
        };
        let document = found.and_then(|found| serde_json::from_str(&found.document).ok());
        Ok(document.unwrap_or_default())
    }

    pub(crate) fn change_profile(
        &self,
        profile: &str,
        change: impl FnOnce(&mut ProfileDocument),
    ) -> Result<()> {
        let store = self.store()?;
        let found = store.profile(profile)?.ok_or_else(|| {
            Error::new("profile_not_found", say!("There is no profile `{}`.", profile))
                .hint("It may have been removed meanwhile.")
        })?;
        let mut document = serde_json::from_str(&found.document).map_err(|error| {
            Error::new("store_failed", say!("Profile `{}` cannot be read: {}.", profile, error))
                .hint("Use the version of Headgate that wrote it.")
        })?;
        change(&mut document);
        let text = serde_json::to_string(&document).unwrap_or_default();
        store.save_profile(profile, &found.name, &text).map(|_| ())
    }
}
