//! Whether a table still has what was written to it, judged from the commits of its log.
//!
//! A run checks every table of a schema when it begins, so the check reads only the last known commit and the
//! commits after it, and does not open the table.

use headgate_terms::{Result, TableName, say};
use serde_json::Value;

use crate::lake::Lake;
use crate::log::INSTALLATION;

/// The last commit that is known to have landed in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace<'t> {
    /// The version that the commit made.
    pub version: u64,
    /// The application of its transaction.
    pub app: &'t str,
    /// The batch of its transaction.
    pub batch: i64,
    /// The table's id, if that is known.
    pub id: Option<&'t str>,
}

impl Trace<'_> {
    /// Whether these are the actions of that commit.
    fn is_of(&self, actions: &[Value]) -> bool {
        actions.iter().filter_map(|action| action.get("txn")).any(|txn| {
            txn["appId"].as_str() == Some(self.app)
                && txn["version"].as_i64().is_some_and(|batch| batch >= self.batch)
        })
    }
}

/// The state of a table, compared with what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The commit is there, and nothing after it took the table back.
    Whole,
    /// There is no table.
    Gone,
    /// That version of the log is another commit, or does not exist.
    Another,
    /// The log no longer has that version, because it was cleaned up: the table itself must say.
    Unclear,
    /// A RESTORE took the table back.
    Restored {
        /// The version that it made.
        version: u64,
        /// The rows that it took away.
        rows: u64,
    },
}

impl Lake {
    /// Finds out the state of a table.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn standing(&self, name: &TableName, trace: Trace<'_>) -> Result<Standing> {
        self.store
            .check(&self.table_path(name).join("_delta_log"))
            .map_err(|outside| outside.failure(&say!("read the log of `{}`", name)))?;
        let Some(known) = self.commit(name, trace.version).await? else {
            return Ok(match self.commits(name).await?.last() {
                None if self.is_empty(&self.log(name)).await? => Standing::Gone,
                None => Standing::Unclear,
                Some((last, _)) if *last > trace.version => Standing::Unclear,
                Some(_) => Standing::Another,
            });
        };
        if !trace.is_of(&known) {
            return Ok(Standing::Another);
        }
        let mut turn = None;
        for version in trace.version + 1.. {
            let Some(actions) = self.commit(name, version).await? else { break };
            let mut ids = actions.iter().filter_map(|action| action["metaData"]["id"].as_str());
            if ids.any(|id| trace.id.is_some_and(|known| known != id)) {
                turn = Some((version, Standing::Another));
            } else if is_restore(&actions) {
                turn = Some((version, Standing::Restored { version, rows: 0 }));
            }
        }
        match turn {
            None => Ok(Standing::Whole),
            Some((version, Standing::Restored { .. })) => {
                let (taken, brought) = self.rows_restored(name, version).await?;
                Ok(Standing::Restored { version, rows: taken.saturating_sub(brought) })
            }
            Some((_, standing)) => Ok(standing),
        }
    }
}

impl Lake {
    /// Which of some commits, given as traces, a table's log no longer has. One that was cleaned up by Delta's
    /// rules is in the checkpoint instead.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn missing<'t>(
        &self,
        name: &TableName,
        traces: impl IntoIterator<Item = Trace<'t>>,
    ) -> Result<Vec<i64>> {
        let (mut missing, mut oldest) = (Vec::new(), None);
        for trace in traces {
            match self.commit(name, trace.version).await? {
                Some(actions) if trace.is_of(&actions) => {}
                Some(_) => missing.push(trace.batch),
                // A log may have very many entries: they are listed only where one is not there.
                None => {
                    let oldest = match oldest {
                        Some(oldest) => oldest,
                        None => *oldest.insert(self.oldest_commit(name).await?),
                    };
                    if trace.version >= oldest {
                        missing.push(trace.batch);
                    }
                }
            }
        }
        Ok(missing)
    }

    /// The version of the oldest commit that a log still has: 0 where there is no log, and beyond all where it
    /// has only checkpoints.
    async fn oldest_commit(&self, name: &TableName) -> Result<u64> {
        Ok(match self.commits(name).await?.first() {
            Some((oldest, _)) => *oldest,
            None if self.is_empty(&self.log(name)).await? => 0,
            None => u64::MAX,
        })
    }
}

/// A commit that added a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The version that it made.
    pub version: u64,
    /// The installation that sent it, if it says so.
    pub installation: Option<String>,
}

impl Lake {
    /// The commit that brought a batch of an application, or a later batch; `None` when no commit that the log
    /// still has did.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn arrival(
        &self,
        name: &TableName,
        app: &str,
        batch: i64,
    ) -> Result<Option<Arrival>> {
        for (version, path) in self.commits(name).await?.into_iter().rev() {
            let actions = self.actions(&path).await?;
            let Some(txn) = actions.iter().find(|action| action["txn"]["appId"] == app) else {
                continue;
            };
            if txn["txn"]["version"].as_i64().is_none_or(|has| has < batch) {
                return Ok(None);
            }
            let mut infos = actions.iter().filter_map(|action| action.get("commitInfo"));
            let installation =
                infos.find_map(|info| info[INSTALLATION].as_str()).map(str::to_owned);
            return Ok(Some(Arrival { version, installation }));
        }
        Ok(None)
    }
}

fn is_restore(actions: &[Value]) -> bool {
    let infos = actions.iter().filter_map(|action| action.get("commitInfo"));
    infos.into_iter().any(|info| info["operation"].as_str() == Some("RESTORE"))
}
