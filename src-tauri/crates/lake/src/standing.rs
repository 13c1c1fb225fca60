//! Whether a table still holds what was written to it, told by the commits of its log alone.
//!
//! Asked of every table of a schema when a run begins, so it must cost little: the commit that was last
//! known, and those after it. The table itself is not opened.

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

/// How a table stands to what is known of it.
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
    /// Finds out how a table stands.
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
        let there = self.commits(name).await?;
        let is_cleaned = match there.first() {
            Some((first, _)) => *first,
            None if self.is_empty(&self.log(name)).await? => 0,
            None => u64::MAX,
        };
        let mut missing = Vec::new();
        for trace in traces.into_iter().filter(|trace| trace.version >= is_cleaned) {
            let known = self.commit(name, trace.version).await?;
            if !known.is_some_and(|actions| trace.is_of(&actions)) {
                missing.push(trace.batch);
            }
        }
        Ok(missing)
    }
}

/// A commit that brought a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The version that it made.
    pub version: u64,
    /// The installation that sent it, if it says so.
    pub installation: Option<String>,
}

impl Lake {
    /// The commit that brought a batch of an application, or a later batch; none when no commit that the log
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
