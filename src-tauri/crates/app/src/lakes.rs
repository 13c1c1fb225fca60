//! The lakes that are known here: those that runs wrote to, and those that a person opened.

use headgate_lake::Location;
use headgate_terms::Result;
use serde::Serialize;
use ts_rs::TS;

use crate::App;
use crate::calls::Nothing;
use crate::tables::LakeName;

/// The lakes that are known.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Lakes {
    /// Their addresses, the latest first.
    pub lakes: Vec<String>,
}

/// The name under which the store keeps those that were opened.
const OPENED: &str = "lakes";
/// How many of them.
const MOST: usize = 20;

impl App {
    pub(crate) fn lakes_list(&self, _: &Nothing) -> Result<Lakes> {
        let mut lakes = self.opened_lakes()?;
        for lake in headgate_sync::lakes(self.data())? {
            if !lakes.contains(&lake) {
                lakes.push(lake);
            }
        }
        Ok(Lakes { lakes })
    }

    pub(crate) fn lakes_remember(&self, asked: &LakeName) -> Result<Lakes> {
        let address = Location::parse(&asked.lake).map_err(|error| error.field("lake"))?;
        let lake = address.to_string();
        let mut opened = self.opened_lakes()?;
        opened.retain(|known| *known != lake);
        opened.insert(0, lake);
        opened.truncate(MOST);
        let text = serde_json::to_string(&opened).unwrap_or_default();
        self.store()?.keep_setting(OPENED, Some(&text))?;
        self.lakes_list(&Nothing {})
    }

    pub(crate) fn opened_lakes(&self) -> Result<Vec<String>> {
        let kept = match self.store_if_any()? {
            Some(store) => store.setting(OPENED)?,
            None => None,
        };
        Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }
}
