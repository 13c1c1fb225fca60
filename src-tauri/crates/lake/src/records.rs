//! Records of batches in `_headgate/<schema>/`, each written once and not changed, and the installations that
//! write to this lake, in `_headgate/heard-installations/`.
//!
//! The content of a record belongs to `sync`; here it is bytes with a name.

use std::collections::BTreeMap;
use std::time::Duration;

use deltalake::ObjectStore;
use deltalake::logstore::object_store::{self, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use headgate_terms::{Error, Result, say};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::failure::failed;
use crate::lake::Lake;

/// The records of one schema, as they are named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records {
    /// Batches with a record of their own, in order.
    pub batches: Vec<i64>,
    /// Records that say the same as those of a range of batches: first and last, in order of the first.
    pub folded: Vec<(i64, i64)>,
    /// What was given up of batches, by their numbers: the names of the records that say so, one of each
    /// installation that did.
    pub released: BTreeMap<i64, Vec<String>>,
}

impl Records {
    /// The last batch that any record speaks of; 0 when there is none.
    #[must_use]
    pub fn last(&self) -> i64 {
        let folded = self.folded.iter().map(|&(_, last)| last);
        self.batches.iter().copied().chain(folded).max().unwrap_or(0)
    }

    /// Whether records of batches after this one are missing: others that come later are there.
    #[must_use]
    pub fn miss_some_after(&self, batch: i64) -> bool {
        let own = self.batches.iter().map(|&batch| (batch, batch));
        let mut all: Vec<_> = self.folded.iter().copied().chain(own).collect();
        all.sort_unstable();
        let mut known = batch;
        for (first, last) in all {
            if first > known.saturating_add(1) {
                return true;
            }
            known = known.max(last);
        }
        false
    }

    /// Whether a record of a range says what this batch's own said.
    #[must_use]
    pub fn has_folded(&self, batch: i64) -> bool {
        self.folded.iter().any(|&(first, last)| (first..=last).contains(&batch))
    }

    /// Puts the names in order and leaves out those that others stand for.
    fn settle(&mut self) {
        let all = std::mem::take(&mut self.folded);
        let wider = |one: &(i64, i64), other: &(i64, i64)| {
            other != one && other.0 <= one.0 && one.1 <= other.1
        };
        self.folded =
            all.iter().filter(|one| !all.iter().any(|other| wider(one, other))).copied().collect();
        self.folded.sort_unstable();
        let folded = self.folded.clone();
        let own = |batch: &i64| !folded.iter().any(|(first, last)| (first..=last).contains(&batch));
        self.batches.retain(own);
        self.batches.sort_unstable();
        self.released.retain(|batch, _| own(batch));
    }
}

/// When an installation was heard last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Its display name.
    pub name: String,
    /// How long ago, by the clock of the storage.
    pub ago: Duration,
    /// Whether it said that it has stopped.
    pub stopped: bool,
    /// The last batch that it has known to be in each table, by `schema.table`.
    pub landed: BTreeMap<String, i64>,
}

#[derive(Serialize, Deserialize)]
struct HeartbeatFile {
    v: u32,
    id: String,
    name: String,
    stopped: bool,
    landed: BTreeMap<String, i64>,
}

impl Lake {
    /// Lists the records of a schema.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub async fn records(&self, schema: &str) -> Result<Records> {
        let folder = self.own(schema);
        let listed = self
            .store
            .list_with_delimiter(Some(&folder))
            .await
            .map_err(|error| failed(&say!("list `/{}`", folder.as_ref()), &error))?;
        let mut records = Records::default();
        for object in &listed.objects {
            let file = object.location.filename().unwrap_or_default();
            let Some(name) = file.strip_suffix(".json") else { continue };
            if let Some((batch, _)) = name.split_once(".released") {
                if let Ok(batch) = batch.parse() {
                    records.released.entry(batch).or_default().push(file.to_owned());
                }
            } else if let Some((first, last)) = name.split_once('-') {
                records.folded.extend(first.parse().ok().zip(last.parse().ok()));
            } else {
                records.batches.extend(name.parse::<i64>());
            }
        }
        records.settle();
        Ok(records)
    }

    /// Reads a record by its name; `None` when it does not exist.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn record(&self, schema: &str, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.own(schema).join(name);
        let doing = say!("read `/{}`", path.as_ref());
        match self.store.get(&path).await {
            Ok(found) => {
                let bytes = found.bytes().await.map_err(|error| failed(&doing, &error))?;
                Ok(Some(bytes.to_vec()))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(&doing, &error)),
        }
    }

    /// Puts a record if there is none of its name, and says whether it did. It is on disk then.
    ///
    /// # Errors
    /// When the storage fails: it may be there all the same.
    pub async fn put_record(&self, schema: &str, name: &str, text: Vec<u8>) -> Result<bool> {
        let path = self.own(schema).join(name);
        let doing = say!("write `/{}`", path.as_ref());
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&path, PutPayload::from(text.clone()), options).await {
            Ok(_) => Ok(true),
            // An answer that was lost leads to a second try, which meets our own record.
            Err(object_store::Error::AlreadyExists { .. }) => {
                Ok(self.record(schema, name).await?.is_some_and(|there| there == text))
            }
            Err(error) => Err(failed(&doing, &error)),
        }
    }

    /// Puts a record in the place of one of its name.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn replace_record(&self, schema: &str, name: &str, text: Vec<u8>) -> Result<()> {
        let path = self.own(schema).join(name);
        let doing = say!("write `/{}`", path.as_ref());
        let put = self.store.put(&path, PutPayload::from(text)).await;
        put.map(|_| ()).map_err(|error| failed(&doing, &error))
    }

    /// Removes a record that another says the same as; nothing happens when it is gone already.
    pub async fn remove_record(&self, schema: &str, name: &str) {
        let path = self.own(schema).join(name);
        if let Err(error) = self.store.delete(&path).await {
            tracing::debug!(%path, %error, "a folded record was gone already");
        }
    }

    /// The schemas of which there are records.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub async fn recorded_schemas(&self) -> Result<Vec<String>> {
        let folder = self.root().clone().join("_headgate");
        let listed = self
            .store
            .list_with_delimiter(Some(&folder))
            .await
            .map_err(|error| failed(&say!("list `/{}`", folder.as_ref()), &error))?;
        let names = listed.common_prefixes.iter().filter_map(|path| path.filename());
        Ok(names.filter(|name| !name.contains('-')).map(str::to_owned).collect())
    }

    /// Makes an installation heard: that it is at work or has stopped, and the last batch that it knows
    /// to be in each table.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn write_heartbeat(
        &self,
        id: &str,
        name: &str,
        stopped: bool,
        landed: &BTreeMap<String, i64>,
    ) -> Result<()> {
        let (id_text, name) = (id.to_owned(), name.to_owned());
        let voice = HeartbeatFile { v: 1, id: id_text, name, stopped, landed: landed.clone() };
        let path = self.own(INSTALLATIONS).join(format!("{id}.json"));
        let doing = say!("write `/{}`", path.as_ref());
        let text = serde_json::to_vec(&voice).map_err(|error| failed(&doing, &error))?;
        let put = self.store.put(&path, PutPayload::from(text)).await;
        put.map(|_| ()).map_err(|error| failed(&doing, &error))
    }

    /// When an installation was heard last, compared with when `me` was; `None` when never.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn read_heartbeat(&self, id: &str, me: &str) -> Result<Option<Heartbeat>> {
        let path = |id: &str| self.own(INSTALLATIONS).join(format!("{id}.json"));
        let doing = say!("read `/{}`", path(id).as_ref());
        let found = match self.store.get(&path(id)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(&doing, &error)),
        };
        let at = found.meta.last_modified;
        let text = found.bytes().await.map_err(|error| failed(&doing, &error))?;
        let Ok(voice) = serde_json::from_slice::<HeartbeatFile>(&text) else { return Ok(None) };
        let now = match self.store.head(&path(me)).await {
            Ok(mine) => mine.last_modified,
            Err(object_store::Error::NotFound { .. }) => at,
            Err(error) => return Err(failed(&doing, &error)),
        };
        // A sign of the future, where a clock was set back, is as far away as one of the past.
        let ago = (now - at).abs().to_std().unwrap_or_default();
        let HeartbeatFile { name, stopped, landed, .. } = voice;
        Ok(Some(Heartbeat { name, ago, stopped, landed }))
    }

    /// Whether the lake is still there, and still the same.
    ///
    /// # Errors
    /// `lake_gone`; and when the storage fails.
    pub async fn still_there(&self) -> Result<()> {
        let gone = |what| {
            Error::new("lake_gone", say!("The lake `{}` was {} while it was in use.", self.location(), what))
                .hint("Put the lake back from a backup and run the sync again: it says what is missing. Or sync everything into a new lake with `--again`.")
        };
        match self.read_id().await {
            Ok(Some(id)) if Some(id) == self.id() => Ok(()),
            Ok(Some(_)) => Err(gone("replaced by another")),
            Ok(None) => Err(gone("removed")),
            Err(error) => Err(error),
        }
    }

    /// Gives a lake that was copied an id of its own.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn become_own(&mut self) -> Result<()> {
        let id = Uuid::new_v4();
        self.write_id(id, true).await?;
        self.set_id(id);
        Ok(())
    }
}

/// The folder of the installations' voices. A schema's name has no hyphen.
const INSTALLATIONS: &str = "heard-installations";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folded_record_replaces_those_in_its_range() {
        let mut records = Records {
            batches: vec![130, 64, 129, 3],
            folded: vec![(65, 128), (1, 64), (1, 128)],
            released: [130, 3].map(|batch| (batch, vec![format!("{batch}.released.json")])).into(),
        };
        records.settle();
        assert_eq!(records.batches, [129, 130]);
        assert_eq!(records.folded, [(1, 128)]);
        assert_eq!(records.released.keys().collect::<Vec<_>>(), [&130]);
        assert_eq!(records.last(), 130);
        assert!(records.has_folded(64) && !records.has_folded(129));
    }

    #[test]
    fn a_gap_in_the_records_is_found() {
        for (batches, folded, after, misses) in [
            (vec![], vec![], 0, false),
            (vec![1, 2], vec![], 0, false),
            (vec![2], vec![], 0, true),
            (vec![2], vec![], 1, false),
            (vec![2], vec![], 5, false),
            (vec![65], vec![(1, 64)], 0, false),
            (vec![66], vec![(1, 64)], 0, true),
            (vec![], vec![(65, 128)], 0, true),
            (vec![130], vec![(1, 64), (65, 128)], 0, true),
            (vec![130], vec![(1, 64), (65, 128)], 129, false),
            (vec![8, 10], vec![], 7, true),
        ] {
            let records = Records { batches, folded, ..Records::default() };
            assert_eq!(records.miss_some_after(after), misses, "{records:?} after {after}");
        }
    }
}
