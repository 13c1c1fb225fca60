//! [`Installation`]: the identity of this Headgate for others that write to the same lake, and the heartbeat
//! (`HeartbeatGuard`) by which they see that it is working.
//!
//! The id is a file in the data folder, beside the database and not in it. A data folder that was copied to
//! another place or machine is another installation; one that was moved stays the same.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use headgate_lake::Lake;
use headgate_terms::Result;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::folder::{DataFolder, failed, private};

/// An installation, as records in the lake name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Installation {
    pub(crate) id: String,
    /// The machine, and the beginning of the id.
    pub(crate) name: String,
}

/// The file in the data folder.
const FILE: &str = "installation.json";

/// What the data folder keeps of it.
#[derive(Serialize, Deserialize)]
struct InstallationFile {
    v: u32,
    id: String,
    host: String,
    path: String,
}

impl InstallationFile {
    /// Whether the folder that this was written in is where it was, so that this one is a copy.
    fn is_still_there(&self) -> bool {
        let there = kept(&Path::new(&self.path).join(FILE));
        // One that cannot be read is there all the same.
        there.map_or(true, |there| there.is_some_and(|there| there.id == self.id))
    }
}

fn kept(path: &Path) -> Result<Option<InstallationFile>> {
    match fs::read(path) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, &error)),
    }
}

impl Installation {
    /// Reads who this is from a data folder that is held, making an id where there is none.
    ///
    /// # Errors
    /// When the data folder cannot be read or written.
    pub(crate) fn of(data: &DataFolder) -> Result<Self> {
        let path = data.path().join(FILE);
        let (host, place) = (host(), data.real().display().to_string());
        let kept = kept(&path)?.filter(|kept| kept.host == host);
        let id = match kept {
            Some(kept) if kept.path == place => kept.id,
            kept => {
                let moved = kept.filter(|kept| !kept.is_still_there());
                let id = moved.map_or_else(|| uuid::Uuid::new_v4().to_string(), |kept| kept.id);
                let kept =
                    InstallationFile { v: 1, id: id.clone(), host: host.clone(), path: place };
                let text = serde_json::to_vec(&kept).unwrap_or_default();
                let mut options = private();
                options.append(false).write(true).truncate(true);
                options
                    .open(&path)
                    .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
                    .map_err(|error| failed("write", &path, &error))?;
                id
            }
        };
        let beginning = id.get(..8).unwrap_or(&id);
        Ok(Self { name: format!("{host} ({beginning})"), id })
    }
}

/// This machine's name, where the system gives it in a file.
fn host() -> String {
    let names = ["/proc/sys/kernel/hostname", "/etc/hostname"].map(fs::read_to_string);
    let name = names.into_iter().flatten().map(|name| name.trim().to_owned());
    name.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| "a machine".to_owned())
}

/// How often an installation that is at work says so.
const EVERY: Duration = Duration::from_secs(30);

/// Makes an installation heard for as long as it lives.
pub(crate) struct HeartbeatGuard {
    lake: Lake,
    handle: Handle,
    me: Installation,
    /// The last batch that is known to be in each table, as it was when it began.
    landed: BTreeMap<String, i64>,
    task: JoinHandle<()>,
}

impl HeartbeatGuard {
    pub(crate) fn begin(lake: &Lake, handle: &Handle, me: &Installation) -> Result<Self> {
        let heard = handle.block_on(lake.read_heartbeat(&me.id, &me.id))?;
        let landed = heard.map(|heard| heard.landed).unwrap_or_default();
        handle.block_on(lake.write_heartbeat(&me.id, &me.name, false, &landed))?;
        let (of, who, known) = (lake.clone(), me.clone(), landed.clone());
        let task = handle.spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                if of.still_there().await.is_err() {
                    continue;
                }
                if let Err(error) = of.write_heartbeat(&who.id, &who.name, false, &known).await {
                    tracing::warn!(%error, "others are not told that this one is at work");
                }
            }
        });
        Ok(Self { lake: lake.clone(), handle: handle.clone(), me: me.clone(), landed, task })
    }

    /// Says that this installation has stopped, and the last batch that it knows to be in each table.
    pub(crate) fn end(mut self, landed: BTreeMap<String, i64>) {
        self.landed.extend(landed);
        let said = self.handle.block_on(async {
            self.lake.still_there().await?;
            self.lake.write_heartbeat(&self.me.id, &self.me.name, true, &self.landed).await
        });
        if let Err(error) = said {
            tracing::debug!(%error, "others are not told that this one has stopped");
        }
    }
}

impl Drop for HeartbeatGuard {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_data_folder_keeps_its_installation_id_and_a_copy_gets_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| {
            let data = DataFolder::new(folder.path().join(name));
            let _held = data.hold().unwrap();
            Installation::of(&data).unwrap()
        };
        let place = |name: &str| folder.path().join(name);
        let first = of("a");
        assert!(first.name.contains(&first.id[..8]) && !first.name.contains(&first.id[..9]));
        assert_eq!(of("a"), first);

        fs::rename(place("a"), place("b")).unwrap();
        assert_eq!(of("b"), first);
        // The place that it left is free for another, and that one is not a reason to become one.
        let other = of("a");
        assert_ne!(other.id, first.id);
        fs::rename(place("b"), place("c")).unwrap();
        assert_eq!(of("c"), first);

        fs::create_dir(place("copy")).unwrap();
        fs::copy(place("c").join(FILE), place("copy").join(FILE)).unwrap();
        let copy = of("copy");
        assert!(copy.id != first.id && copy.id != other.id);
        assert_eq!((of("copy"), of("c"), of("a")), (copy, first.clone(), other));

        let path = place("c").join(FILE);
        let elsewhere =
            serde_json::json!({"v": 1, "id": first.id, "host": "x", "path": place("c")});
        for text in [elsewhere.to_string(), "{".to_owned()] {
            fs::write(&path, text).unwrap();
            assert_ne!(of("c").id, first.id, "another machine's, or damaged");
        }
    }
}
