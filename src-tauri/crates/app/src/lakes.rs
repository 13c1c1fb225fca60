//! The lakes that are known here: those that runs wrote to, and those that a person opened.

use headgate_lake::Location;
use headgate_terms::Result;

use crate::App;
use crate::api::{Empty, KnownLakes, LakeRef};
use crate::cx::Cx;

impl App {
    pub(crate) fn lakes_list(&self, cx: &Cx, _: &Empty) -> Result<KnownLakes> {
        let mut lakes = self.opened_lakes(&cx.profile)?;
        for lake in headgate_sync::lakes(self.data())? {
            if !lakes.contains(&lake) {
                lakes.push(lake);
            }
        }
        Ok(KnownLakes { lakes })
    }

    pub(crate) fn lakes_remember(&self, cx: &Cx, request: &LakeRef) -> Result<KnownLakes> {
        let address = Location::parse(&request.lake).map_err(|error| error.field("lake"))?;
        let lake = address.to_string();
        self.store()?.remember_opened_lake(&cx.profile, &lake)?;
        self.lakes_list(cx, &Empty {})
    }

    pub(crate) fn opened_lakes(&self, profile: &str) -> Result<Vec<String>> {
        match self.store_if_any()? {
            Some(store) => store.opened_lakes(profile),
            None => Ok(Vec::new()),
        }
    }
}
