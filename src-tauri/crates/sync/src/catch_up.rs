//! Takes the lake's records of batches into the store (E26): batches that other installations recorded, parts
//! that were given up, and records that are lost or were replaced by older ones.
//!
//! The store is a cache of these records, and can be rebuilt from them. `read_ids` reads ids back from tables,
//! and `turn` decides which installation writes.

use std::fmt::Display;

use headgate_lake::{Records, caught, newest_known};
use headgate_store::{Ledger, NOTHING_KNOWN, Taken};
use headgate_terms::{Error, Result, TableName, say};
use serde::{Deserialize, Serialize};

use crate::installation::Installation;
use crate::plan::{BatchPlan, Extent, Record, Work};
use crate::records::read_report;
use crate::release::tell;
use crate::run::{ActiveRun, OpenPlan, internal};
use crate::summary::{Summary, tag_of};
use crate::window::span_of;

/// What was given up of a batch.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Released {
    pub(crate) v: u32,
    pub(crate) tables: Vec<String>,
    /// The installation that did.
    pub(crate) by: String,
    /// Whether because what they were made of is gone.
    #[serde(default)]
    pub(crate) is_gone: bool,
}

impl Released {
    /// What one installation gives up of a batch, and the name of its record.
    pub(crate) fn of(plan: &BatchPlan, by: &Installation) -> (String, Self) {
        let released = plan.tables.iter().filter(|part| part.released);
        let tables = released.map(|part| part.table.clone()).collect();
        let name = format!("{}.released.{}.json", plan.number, by.id);
        (name, Self { v: 1, tables, by: by.id.clone(), is_gone: plan.is_gone })
    }
}

impl ActiveRun<'_> {
    /// Takes in what the lake's records say and this installation does not know.
    pub(crate) fn catch_up(&mut self, schema: &str) -> Result<()> {
        let mut is_new = false;
        let mut lost = false;
        let records = loop {
            let ledger = self.store.ledger_or_new(&self.lake_key, schema)?;
            is_new |= ledger.applied == 0;
            let landed = if is_new { self.last_landed(schema)? } else { None };
            let mut records = self.handle.block_on(caught(self.tables.lake.records(schema)))?;
            if records.miss_some_after(ledger.applied) {
                // They may have been folded while they were listed.
                records = self.handle.block_on(caught(self.tables.lake.records(schema)))?;
                lost |= records.miss_some_after(ledger.applied);
            }
            lost |= landed.is_some_and(|landed| landed > records.last());
            let ledger = if lost {
                self.note_lost_records(schema)?;
                self.store.ledger_or_new(&self.lake_key, schema)?
            } else {
                ledger
            };
            if self.is_another_history(&ledger, schema, &records)? {
                self.open.retain(|open| open.ledger != ledger.id);
                self.store.forget_ledger(ledger.id)?;
                continue;
            }
            if records.last() <= ledger.applied {
                self.forget_unrecorded(&ledger, schema, records.last())?;
                break records;
            }
            self.tables.look_anew(schema);
            let later = |last: i64| last > ledger.applied;
            for &(first, last) in records.folded.iter().filter(|(_, last)| later(*last)) {
                self.take_fold(schema, first, last)?;
            }
            for &batch in records.batches.iter().filter(|batch| later(**batch)) {
                if !self.take_record(schema, batch, &records)? {
                    break;
                }
            }
        };
        self.take_releases(schema, &records)?;
        self.listed.insert(schema.to_owned(), records.last());
        let has_records = records.last() > 0;
        let ledger = self.store.ledger_or_new(&self.lake_key, schema)?;
        let span = span_of(&Summary::read(&ledger.summary), self.request.window);
        let begins = ledger.newest.map(|newest| newest.saturating_sub(span));
        if ledger.horizon.is_some_and(|horizon| begins.is_none_or(|begins| horizon > begins)) {
            // Of a lake that is older than its records, the tables are all that is known.
            let is_lost = Summary::read(&ledger.summary).records_lost;
            self.take_ids(schema, begins.filter(|_| has_records && !is_lost))?;
        }
        Ok(())
    }

    /// Gives up what others gave up of open batches, and says so in the record of their run.
    fn take_releases(&mut self, schema: &str, records: &Records) -> Result<()> {
        for at in 0..self.open.len() {
            let plan = &self.open[at].plan;
            if plan.schema != schema || !records.released.contains_key(&plan.number) {
                continue;
            }
            let open = |plan: &BatchPlan| plan.tables.iter().filter(|part| !part.released).count();
            let mut plan = plan.clone();
            let before = open(&plan);
            self.take_released(&mut plan, records)?;
            // It is on record since somebody saw it first.
            if open(&plan) == before {
                continue;
            }
            if let Some(record) = self.store.run(&plan.run)?.filter(|record| !record.running) {
                let mut report = read_report(&record, false)?;
                tell(&mut report, &mut plan);
                let document = serde_json::to_string(&report).map_err(|error| internal(&error))?;
                self.store.save_run(&report.run, false, &document)?;
            }
            self.open[at].plan = plan;
        }
        Ok(())
    }

    /// The last batch that a table of a schema has, by the tables themselves; `None` where there is none.
    fn last_landed(&mut self, schema: &str) -> Result<Option<i64>> {
        let tables = self.handle.block_on(caught(self.tables.lake.tables()))?;
        let app = format!("headgate/{}", self.lake_id);
        let of_schema = tables.iter().filter(|name| name.schema == schema);
        // One that another lake's id was written to has some batch or other.
        let landed = of_schema
            .filter_map(|name| self.tables.known(name).map(|table| table.txn(&app).unwrap_or(1)));
        Ok(landed.max())
    }

    /// Goes on without records that are lost: which files were read is not known any more, so every id that the
    /// tables have counts, however old.
    pub(crate) fn note_lost_records(&mut self, schema: &str) -> Result<()> {
        let ledger = self.store.ledger_or_new(&self.lake_key, schema)?;
        let mut summary = Summary::read(&ledger.summary);
        if !summary.records_lost {
            self.tally.records_lost(schema);
        }
        summary.records_lost = true;
        self.store.save_summary(ledger.id, &summary.text())?;
        self.store.save_window(ledger.id, ledger.newest, Some(NOTHING_KNOWN))
    }

    /// Goes on behind batches of which the tables have the rows and the lake no record.
    pub(crate) fn pass_over(&mut self, schema: &str, number: i64) -> Result<()> {
        let ledger = &self.store.ledger_or_new(&self.lake_key, schema)?;
        self.store.take_in(&mut Taken {
            ledger,
            number,
            newest: ledger.newest,
            plan: None,
            files: &[],
            ids: &mut [],
            summary: &ledger.summary,
        })
    }

    /// Whether the record of the batch that was taken in last is known to be the one that the lake has; also
    /// where it has none of its own.
    pub(crate) fn is_known(&self, ledger: &Ledger, records: &Records) -> bool {
        self.seen.get(&ledger.id) == Some(&ledger.applied)
            || !records.batches.contains(&ledger.applied)
    }

    /// Whether the lake has become an older one since its records were listed.
    pub(crate) fn is_put_back(&self, schema: &str, records: &Records) -> bool {
        self.listed.get(schema).is_some_and(|last| records.last() < *last)
    }

    /// Forgets open batches that the lake has no record of any more: it was put back to an earlier state. What
    /// they took was never called written, and is read again.
    fn forget_unrecorded(&mut self, known: &Ledger, schema: &str, last: i64) -> Result<()> {
        let ledger = known.id;
        let mut at = 0;
        while at < self.open.len() {
            let plan = &self.open[at].plan;
            if self.open[at].ledger != ledger || plan.number <= last {
                at += 1;
                continue;
            }
            // Where its rows are, it is the record that was lost.
            let parts: Vec<_> = plan
                .tables
                .iter()
                .enumerate()
                .filter(|(_, part)| !matches!(part.work, Work::Nothing))
                .map(|(part, table)| (plan.table(part), plan.app(table)))
                .collect();
            let number = plan.number;
            if parts.iter().any(|(name, app)| self.has_landed(name, app, number)) {
                self.note_lost_records(schema)?;
                at += 1;
                continue;
            }
            let OpenPlan { plan, .. } = self.open.remove(at);
            let marks: Vec<_> = plan.extents.iter().map(Extent::unread).collect();
            self.store.forget_batch(ledger, plan.number, &marks)?;
            let document = self.document()?;
            self.store.save_batch(ledger, plan.number, None, &self.tally.report.run, &document)?;
        }
        Ok(())
    }

    /// Whether the records of the lake are not those that were taken in, so that all is taken in again: the lake was
    /// put back to an earlier state and went on from there, or the last batch that is known is part of a range by
    /// now, which does not say how it began.
    fn is_another_history(
        &mut self,
        ledger: &Ledger,
        schema: &str,
        records: &Records,
    ) -> Result<bool> {
        let Some(known) = Summary::read(&ledger.summary).last else { return Ok(false) };
        if records.has_folded(ledger.applied) {
            return Ok(true);
        }
        if self.seen.get(&ledger.id) == Some(&ledger.applied) {
            return Ok(false);
        }
        self.seen.insert(ledger.id, ledger.applied);
        let last = records.last().min(ledger.applied);
        let Some(record) = self.record_of(schema, last)? else { return Ok(false) };
        let there = tag_of(&record.plan);
        if last == ledger.applied {
            return Ok(there != known);
        }
        // One that lacks the last batch may be as it was before, and tells what its tables lack.
        let planned = known.rsplit(':').next().and_then(|planned| planned.parse().ok());
        Ok(planned.is_some_and(|planned: i64| record.plan.planned > planned))
    }

    /// Takes in a record of a range, unless it was folded meanwhile.
    fn take_fold(&mut self, schema: &str, first: i64, last: i64) -> Result<()> {
        let Some(fold) = self.fold_of(schema, first, last)? else { return Ok(()) };
        let files = match self.marks_of(schema, first, last)? {
            Some(files) => files,
            None if self.fold_of(schema, first, last)?.is_none() => return Ok(()),
            None => {
                self.note_lost_records(schema)?;
                Vec::new()
            }
        };
        let ledger = &self.store.ledger_or_new(&self.lake_key, schema)?;
        let mut summary = Summary::read(&ledger.summary);
        summary.extend(&fold.summary);
        // A range does not say its ids: they are read from the tables when all is taken in.
        self.store.save_window(ledger.id, ledger.newest, Some(NOTHING_KNOWN))?;
        self.store.take_in(&mut Taken {
            ledger,
            number: last,
            newest: ledger.newest.max(fold.newest),
            plan: None,
            files: &files,
            ids: &mut [],
            summary: &summary.text(),
        })
    }

    pub(crate) fn record_of(&self, schema: &str, batch: i64) -> Result<Option<Record>> {
        let name = format!("{batch}.json");
        let text = self.handle.block_on(caught(self.tables.lake.record(schema, &name)))?;
        let Some(text) = text else { return Ok(None) };
        version_of(schema, &name, &text)?;
        let record: Record =
            serde_json::from_slice(&text).map_err(|error| unreadable(schema, &name, &error))?;
        if record.plan.number != batch {
            return Err(unreadable(schema, &name, &"it is the record of another batch"));
        }
        Ok(Some(record))
    }

    /// Takes in what was given up of a batch, by whomever.
    pub(crate) fn take_released(&self, plan: &mut BatchPlan, records: &Records) -> Result<()> {
        for name in records.released.get(&plan.number).into_iter().flatten() {
            let record = self.tables.lake.record(&plan.schema, name);
            let Some(text) = self.handle.block_on(caught(record))? else { continue };
            let released = serde_json::from_slice(&text);
            plan.release(&released.map_err(|error| unreadable(&plan.schema, name, &error))?);
        }
        Ok(())
    }

    /// Takes in the record of one batch, unless it was folded meanwhile; says whether it did. What of it has not
    /// landed waits here as well.
    fn take_record(&mut self, schema: &str, batch: i64, records: &Records) -> Result<bool> {
        let ledger = &self.store.ledger_or_new(&self.lake_key, schema)?;
        let Some(Record { newest, ids: range, mut plan, .. }) = self.record_of(schema, batch)?
        else {
            return Ok(false);
        };
        match &mut plan.letters {
            Some(letters) if plan.installation.id == self.me.id => {
                letters.move_to(&self.request.data.dead_letters());
            }
            letters => *letters = None,
        }
        self.take_released(&mut plan, records)?;
        let mut summary = Summary::read(&ledger.summary);
        summary.recorded(&plan);
        self.see_what_landed(&mut plan, &mut summary);
        self.see_what_was_there(&mut plan, &mut summary)?;
        summary.gone(&plan);
        plan.count_elsewhere();
        // What has landed is read from the tables, where nothing is known yet.
        let is_read_later = ledger.horizon == Some(NOTHING_KNOWN) && plan.is_done();
        // Of what was given up whole, nothing was ever taken.
        let is_nothing = plan.is_nothing();
        let mut ids =
            if is_read_later || is_nothing { Vec::new() } else { self.ids_of(&plan, range)? };
        let files: Vec<_> = plan.extents.iter().filter(|_| !is_nothing).map(Extent::mark).collect();
        let left = if plan.is_done() { None } else { Some(text_of(&plan)?) };
        self.store.take_in(&mut Taken {
            ledger,
            number: batch,
            newest,
            plan: left.as_deref(),
            files: &files,
            ids: &mut ids,
            summary: &summary.text(),
        })?;
        self.seen.insert(ledger.id, batch);
        if left.is_some() {
            self.open.push(OpenPlan { ledger: ledger.id, plan });
        }
        Ok(true)
    }

    /// Finds out which parts were in their tables once, as the batch's installation has said: what is not there
    /// any more is for the table to answer for, not to be done again.
    fn see_what_was_there(&self, plan: &mut BatchPlan, summary: &mut Summary) -> Result<()> {
        if plan.is_done() {
            return Ok(());
        }
        let heard = self.tables.lake.read_heartbeat(&plan.installation.id, &self.me.id);
        let Some(heard) = self.handle.block_on(caught(heard))? else { return Ok(()) };
        for at in 0..plan.tables.len() {
            let was_there = heard.landed.get(&plan.table(at).to_string());
            if !plan.tables[at].is_settled() && was_there.is_some_and(|has| *has >= plan.number) {
                plan.tables[at].landed = true;
                let id = plan.tables[at].id.clone();
                summary.landed(plan, at, &id, None);
            }
        }
        Ok(())
    }

    /// Finds out which parts of a batch are in their tables by now.
    pub(crate) fn see_what_landed(&mut self, plan: &mut BatchPlan, summary: &mut Summary) {
        for at in 0..plan.tables.len() {
            if plan.tables[at].is_settled() {
                continue;
            }
            if matches!(plan.tables[at].work, Work::Nothing) {
                plan.tables[at].landed = true;
                continue;
            }
            let (name, app) = (plan.table(at), plan.app(&plan.tables[at]));
            if self.has_landed(&name, &app, plan.number) {
                plan.tables[at].landed = true;
                let (id, _) = self.tables.identity(&name);
                summary.landed(plan, at, &id, None);
            }
        }
    }

    /// Whether a table has a batch of an application.
    fn has_landed(&mut self, name: &TableName, app: &str, batch: i64) -> bool {
        match self.tables.refusal(name) {
            // One that is not to be written may have been by others.
            Some(_) => {
                let arrival = self.tables.lake.arrival(name, app, batch);
                self.handle.block_on(caught(arrival)).is_ok_and(|arrival| arrival.is_some())
            }
            None => self.tables.landed(name, app).is_some_and(|has| has >= batch),
        }
    }
}

pub(crate) fn text_of(plan: &BatchPlan) -> Result<String> {
    serde_json::to_string(plan).map_err(|error| crate::run::internal(&error))
}

/// Refuses a record that a later version wrote, whatever else is in it.
pub(crate) fn version_of(schema: &str, name: &str, text: &[u8]) -> Result<()> {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    match serde_json::from_slice::<Version>(text) {
        Ok(Version { v }) => newest_known(&format!("{schema}/{name}"), v),
        // What is wrong with it is found when it is read.
        Err(_) => Ok(()),
    }
}

pub(crate) fn unreadable(schema: &str, name: &str, error: &dyn Display) -> Error {
    tracing::warn!(%error, schema, name, "a record is damaged");
    Error::new("lake_damaged", say!("`_headgate/{}/{}` in the lake is damaged.", schema, name))
        .hint("Put the file back from a backup, or use the version of Headgate that wrote it.")
}
