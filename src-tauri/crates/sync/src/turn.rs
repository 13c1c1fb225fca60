//! Which installation may write to a schema (E26): waits while another one has an unfinished batch, finishes the
//! batch of one that is gone, then checks the tables.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use headgate_lake::caught;
use headgate_terms::{Error, Result, say};

use crate::batch::Stopped;
use crate::run::{ActiveRun, OpenPlan};
use crate::summary::Summary;

/// How long an installation that is not heard is waited for.
const SILENCE: Duration = Duration::from_mins(10);
/// How long one that is heard is waited for before the run ends.
const PATIENCE: Duration = Duration::from_secs(15);

impl ActiveRun<'_> {
    /// Waits until no other installation has a batch of this schema in the works, finishes what one that is
    /// gone has left, and looks at how the tables stand.
    pub(crate) fn take_turn(&mut self, schema: &str) -> Result<(), Stopped> {
        self.take_turn_within(schema, PATIENCE)
    }

    /// As [`Self::take_turn`], waiting for others at most so long.
    pub(crate) fn take_turn_within(&mut self, schema: &str, most: Duration) -> Result<(), Stopped> {
        let begun = Instant::now();
        loop {
            if self.watch.cancelled() {
                return Err(Stopped::Cancelled);
            }
            self.still_there()?;
            self.catch_up(schema)?;
            self.check(schema)?;
            let Some(busy) = self.busy(schema)? else { break };
            if begun.elapsed() >= most {
                return Err(busy.into());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        self.land_open(schema)?;
        Ok(())
    }

    /// Whether another installation has a batch in the works, and what to say then.
    fn busy(&mut self, schema: &str) -> Result<Option<Error>> {
        let mut at = 0;
        while at < self.open.len() {
            let plan = &self.open[at].plan;
            if plan.schema != schema || plan.installation.id == self.me.id {
                at += 1;
                continue;
            }
            let OpenPlan { ledger, mut plan } = self.open[at].clone();
            for part in 0..plan.tables.len() {
                let name = plan.table(part);
                if !matches!(self.tables.refusal(&name), Some(error) if !error.retryable) {
                    self.tables.look_at_anew(&name);
                }
            }
            let known = self.store.ledger_or_new(&self.lake_key, schema)?;
            let mut summary = Summary::read(&known.summary);
            self.see_what_landed(&mut plan, &mut summary);
            self.store.save_summary(ledger, &summary.text())?;
            if plan.is_done() {
                // Its owner has finished it, and counts it.
                let document = self.document()?;
                self.store.save_batch(
                    ledger,
                    plan.number,
                    None,
                    &self.tally.report.run,
                    &document,
                )?;
                self.open.remove(at);
                continue;
            }
            let (lake, owner) = (&self.tables.lake, &plan.installation);
            let heard =
                self.handle.block_on(caught(lake.read_heartbeat(&owner.id, &self.me.id)))?;
            self.open[at].plan = plan;
            if let Some(heard) = heard.filter(|heard| !heard.stopped && heard.ago < SILENCE) {
                return Ok(Some(
                    Error::new(
                        "lake_busy",
                        say!(
                            "{} is writing to schema `{}` of this lake; it was heard {} seconds ago.",
                            heard.name,
                            schema,
                            heard.ago.as_secs()
                        ),
                    )
                    .hint("Run the sync again when it has ended; what it leaves is taken over after ten minutes without a sign of it.")
                    .retryable(),
                ));
            }
            at += 1;
        }
        Ok(None)
    }

    /// The last batch that is known to be in each table of this run's schemas.
    pub(crate) fn landed(&self) -> Result<BTreeMap<String, i64>> {
        let mut landed = BTreeMap::new();
        for schema in &self.checked {
            let Some(ledger) = self.store.ledger(&self.lake_key, schema)? else { continue };
            let summary = Summary::read(&ledger.summary);
            let tables = summary.tables.into_iter();
            landed.extend(tables.map(|(table, known)| (format!("{schema}.{table}"), known.batch)));
        }
        Ok(landed)
    }

    /// Checks the state of a schema's tables, once in a run (E27).
    fn check(&mut self, schema: &str) -> Result<()> {
        if !self.checked.insert(schema.to_owned()) {
            return Ok(());
        }
        let ledger = self.store.ledger_or_new(&self.lake_key, schema)?;
        let mut summary = Summary::read(&ledger.summary);
        // What others had in the works when it was seen last may be there by now.
        for at in 0..self.open.len() {
            let mut plan = self.open[at].plan.clone();
            if plan.schema == schema && plan.installation.id != self.me.id {
                self.see_what_landed(&mut plan, &mut summary);
                self.open[at].plan = plan;
            }
        }
        let behind = summary.check(&self.tables.lake, &self.handle, schema);
        self.store.save_summary(ledger.id, &summary.text())?;
        for (name, error) in behind {
            // One that is filled again refuses until the lake says that it is.
            if self.request.refill.as_ref() != Some(&name) {
                self.tally.refused(&name, &error);
            }
            self.tables.refuse(name, error);
        }
        Ok(())
    }
}
