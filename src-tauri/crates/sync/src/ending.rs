//! The end of a run: commits that failed for a reason that may pass are tried again, the tables' logs are
//! checked for every commit that was counted, and maintenance is done that can wait until then (checkpoints,
//! old log entries, folded records, old ids).

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use headgate_lake::{Lake, Standing, caught};
use headgate_terms::{Error, Result, TableName, say};

use crate::run::{ActiveRun, OpenPlan};
use crate::summary::{Summary, table_behind};
use crate::tally::Landed;

/// How often what did not land for a reason that may pass is tried.
const LAST_TRIES: u32 = 3;
/// How old a kept file must be that no batch names.
const DAY: Duration = Duration::from_hours(24);

impl ActiveRun<'_> {
    /// Tries once more what did not land for a reason that may pass, and then looks into the logs whether
    /// everything that this run counted is there.
    pub(crate) fn settle_all(&mut self) -> Result<()> {
        let mut ended = Ok(());
        for attempt in 0..LAST_TRIES {
            let passing = |open: &&OpenPlan| {
                let parts = open.plan.tables.iter().filter(|part| !part.is_settled());
                parts
                    .filter_map(|part| part.error.as_ref())
                    .any(|error| error.retryable && error.code != "table_waits")
            };
            let schemas: BTreeSet<_> =
                self.open.iter().filter(passing).map(|open| open.plan.schema.clone()).collect();
            if schemas.is_empty() || self.watch.cancelled() || ended.is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(100 << attempt));
            for schema in schemas {
                ended = ended.and(self.land_open(&schema));
            }
        }
        self.verify();
        ended
    }

    /// Looks into the logs for every commit that this run counted (E27).
    fn verify(&mut self) {
        for (name, commits) in self.tally.commits() {
            match self.handle.block_on(caught(lost(&self.tables.lake, &name, &commits))) {
                Ok(batches) if batches.is_empty() => {}
                Ok(batches) => {
                    let lost = commits.iter().filter(|commit| batches.contains(&commit.batch));
                    let rows: u64 = lost.map(|commit| commit.rows).sum();
                    let what = say!(
                        "`{}` was removed, made again or put back while run {} wrote, and {} rows that had landed are gone",
                        name,
                        self.tally.report.run,
                        rows
                    );
                    self.tally.lost(&name, &batches, table_behind(&name, &what));
                }
                Err(error) => {
                    tracing::warn!(table = %name, %error, "a log could not be looked into");
                    let message =
                        say!("Could not verify what was written to `{}`: {}", name, error.message);
                    let unchecked = Error::new("table_unchecked", message)
                        .hint("Run the sync again: it looks at every table when it begins.")
                        .retryable();
                    self.tally.unsure(&name, unchecked);
                }
            }
        }
    }

    /// What can be done later as well: checkpoints, old log entries, folded records, ids that no window
    /// reaches, and kept files that no batch names. Nothing of it can make a run fail.
    pub(crate) fn maintain(&mut self) {
        let later = |what: &str, result: Result<()>| {
            if let Err(error) = result {
                tracing::warn!(%error, what, "is left to a later run");
            }
        };
        let lake = self.tables.lake.clone();
        if self.still_there().is_err() {
            return;
        }
        let written: Vec<TableName> = self.tally.commits().into_keys().collect();
        let schemas: BTreeSet<&str> = written.iter().map(|name| name.schema.as_str()).collect();
        for name in &written {
            if let Some(mut table) = self.tables.take(name) {
                later(
                    "a checkpoint",
                    self.handle.block_on(caught(lake.maintain(name, &mut table))),
                );
            }
        }
        later("a look for kept files", self.sweep());
        let read = lake.new_checkpoints();
        if !read.is_empty() {
            later(
                "what was read of checkpoints",
                self.store.keep_checkpoints(&self.lake_key, &read),
            );
        }
        for schema in schemas {
            later("a folded record", self.fold_records(schema));
            later("a look for old ids", self.prune(schema));
        }
    }

    /// Removes kept files that no batch of any schema waits for.
    fn sweep(&mut self) -> Result<()> {
        let lake = self.tables.lake.clone();
        let mut named = HashSet::new();
        for schema in self.handle.block_on(caught(lake.recorded_schemas()))? {
            let applied = self.store.ledger(&self.lake_key, &schema)?;
            let applied = applied.map_or(0, |ledger| ledger.applied);
            let records = self.handle.block_on(caught(lake.records(&schema)))?;
            // What is not taken in yet may wait too; a fold is of batches that are finished.
            for batch in records.batches.into_iter().filter(|batch| *batch > applied) {
                let record = self.record_of(&schema, batch)?;
                named.extend(record.iter().flat_map(|record| record.plan.kept_files()));
            }
        }
        named.extend(self.open.iter().flat_map(|open| open.plan.kept_files()));
        lake.sweep_kept(&named, DAY)
    }

    fn prune(&mut self, schema: &str) -> Result<()> {
        let Some(ledger) = self.store.ledger(&self.lake_key, schema)? else { return Ok(()) };
        let Some(newest) = ledger.newest else { return Ok(()) };
        if Summary::read(&ledger.summary).records_lost {
            return Ok(());
        }
        self.store.prune_ids(ledger.id, newest.saturating_sub(self.request.window))
    }
}

/// The batches of which a table no longer has the commits, oldest first in `commits`. Each is looked for: a lake
/// that was replaced by an older copy of itself may have the last and not those before it.
async fn lost(lake: &Lake, name: &TableName, commits: &[Landed]) -> Result<BTreeSet<i64>> {
    let Some(last) = commits.last() else { return Ok(BTreeSet::new()) };
    let mut gone: BTreeSet<i64> =
        lake.missing(name, commits.iter().map(Landed::trace)).await?.into_iter().collect();
    if let Standing::Restored { version, .. } = lake.standing(name, last.trace()).await? {
        let before = commits.iter().filter(|commit| commit.version < version);
        gone.extend(before.map(|commit| commit.batch));
    }
    Ok(gone)
}
