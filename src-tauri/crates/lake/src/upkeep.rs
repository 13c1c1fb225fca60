//! Keeps a table's log short: writes checkpoints, and removes log entries that Delta's retention rules allow
//! to be removed.
//!
//! It runs after the commits. If it fails nothing is lost, and the next run does it.

use std::time::{SystemTime, UNIX_EPOCH};

use delta_kernel::snapshot::Snapshot;
use deltalake::checkpoints::cleanup_expired_logs_for;
use deltalake::table::config::TablePropertiesExt;
use headgate_terms::{Result, TableName, say};

use crate::failure::failed;
use crate::lake::Lake;
use crate::table::LakeTable;

/// After how many commits a checkpoint is written at the latest, at a version. Every run reads the commits since
/// the last one, and a hundred of them in each of six tables take five times as long as the run itself; but a
/// checkpoint is as large as the table has files. Both together cost least where the number grows with the root of
/// theirs, which a table that is appended to has about as many of as versions.
fn most(version: u64) -> u64 {
    (version / 110).isqrt().max(20)
}

impl Lake {
    /// Writes a checkpoint when as many commits as the table's interval went by since the last one
    /// (`delta.checkpointInterval`, 100), or [`most`], and then removes log entries that
    /// Delta's rules allow to be removed.
    ///
    /// # Errors
    /// When the storage fails; the table is as it was.
    pub async fn maintain(&self, name: &TableName, table: &mut LakeTable) -> Result<()> {
        let properties = table.snapshot.table_properties();
        let interval = properties.checkpoint_interval().get().min(most(table.version()));
        let commits = match table.checkpoint {
            Some(checkpoint) => table.version().saturating_sub(checkpoint),
            None => table.version() + 1,
        };
        if commits < interval {
            return Ok(());
        }
        let doing = say!("write a checkpoint of `{}`", name);
        table.guard.read_whole();
        let log = table.delta.log_store();
        let (engine, url, version) = (log.engine(None), self.url(name)?, table.version());
        let write = move || {
            let state = Snapshot::builder_for(url).at_version(version).build(engine.as_ref())?;
            state.checkpoint(engine.as_ref(), None)
        };
        let written = tokio::task::spawn_blocking(write).await;
        written.map_err(|error| failed(&doing, &error))?.map_err(|error| failed(&doing, &error))?;
        table.checkpoint = Some(version);
        if properties.enable_expired_log_cleanup() {
            let doing = say!("shorten the log of `{}`", name);
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let before = now.saturating_sub(properties.log_retention_duration()).as_millis();
            cleanup_expired_logs_for(version, log.as_ref(), before as i64, None)
                .await
                .map_err(|error| failed(&doing, &error))?;
        }
        Ok(())
    }
}
