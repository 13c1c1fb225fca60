//! The batches of a run: read and staged, recorded in the lake under the next number, and committed table by
//! table.
//!
//! The order is what makes a batch land exactly once: the files that a record names are on disk before the
//! record, the record is in the lake before the first commit, and each table gets its batches in the order of
//! their numbers.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use headgate_events::{Notice, ShredOptions};
use headgate_lake::{Lake, Note, caught};
use headgate_store::{Ledger, Seen, Taken};
use headgate_terms::{Error, Result, TableName, say};
use jiff::Timestamp;
use tokio::runtime::Handle;

use crate::batch::{Entry, Feed, ReadBatch, SideOutputs, Stopped};
use crate::catch_up::{Released, text_of};
use crate::dead_letters::BatchRejectedLines;
use crate::deliver::is_missing;
use crate::plan::{BatchPlan, BatchTotals, Extent, IdRange, Record, RoutePlan};
use crate::report::NoticeCount;
use crate::run::{ActiveRun, OpenPlan, crash_point, internal};
use crate::spool::{remove, remove_taken, segments};
use crate::summary::{Summary, table_behind};
use crate::tables::SchemaView;
use crate::window::{SeenWindow, span_of};

/// A batch that is read and staged, and not recorded.
pub(crate) struct Prepared {
    pub(crate) plan: BatchPlan,
    pub(crate) newest: Option<i64>,
    pub(crate) ids: Vec<Seen>,
}

/// What became of recording a batch.
pub(crate) enum Claimed {
    /// It is recorded, and its last file came so far.
    Whole(Option<Extent>),
    /// Another installation took its number, so that it must be judged again.
    Outrun,
    /// There was nothing to record.
    Nothing,
}

/// How often a batch is read again because another installation took its number.
pub(crate) const CLAIMS: u32 = 50;

impl ActiveRun<'_> {
    /// Reads and lands the batches of one feed. `stdin` is the ledger and run of a spool to tidy.
    pub(crate) fn feed(
        &mut self,
        mut feed: Feed,
        stdin: Option<(&str, &str)>,
    ) -> Result<(), Stopped> {
        // The last batch that is known of: another number means that batches of others were taken in since.
        let (mut claims, mut ours) = (0, None);
        while !feed.is_empty() {
            if self.watch.cancelled() {
                return Err(Stopped::Cancelled);
            }
            self.take_turn(&feed.schema)?;
            if let Some(floor) = feed.reaches_back.take() {
                self.take_ids(&feed.schema, Some(floor))?;
            }
            let ledger = self.store.ledger_or_new(&self.lake_key, &feed.schema)?;
            if ours.is_some_and(|ours| ours != ledger.applied) {
                feed.compare_again();
            }
            ours = Some(ledger.applied);
            let number = ledger.applied + 1;
            let folder = self.request.data.dead_letters();
            let run = &self.tally.report.run;
            let mut letters = BatchRejectedLines::new(&folder, run, number, self.room.clone());
            let held = self.request.data.spool().join(format!("held.{}.{number}", ledger.id));
            let prepared = self.prepare(&mut feed, &ledger, &mut letters, held.clone());
            remove(&held);
            let mut read = None;
            let claimed = prepared.and_then(|prepared| {
                let Some(prepared) = prepared else { return Ok(Claimed::Nothing) };
                read = prepared.plan.extents.first().map(|extent| (extent.from.0, extent.to.0));
                self.claim(&ledger, prepared)
            });
            let last = match claimed {
                Ok(Claimed::Whole(last)) => last,
                Ok(Claimed::Nothing) => continue,
                Ok(Claimed::Outrun) => {
                    letters.drop_all();
                    claims += 1;
                    if claims == CLAIMS {
                        return Err(self.outrun(&feed.schema).into());
                    }
                    if !feed.rewind()
                        && let (Some((ledger, run)), Some(lines)) = (stdin, read)
                    {
                        // What was read of standard input waits in the spool.
                        let spool = segments(&self.request.data.spool(), ledger, Some(run));
                        let entries = spool.iter().map(|segment| {
                            Entry::again_of(segment.input(), run, segment.first_line, lines)
                        });
                        let (source, schema) = (feed.source.clone(), feed.schema.clone());
                        let again = Feed::new(source, schema, entries, Arc::default());
                        self.feed(again, None)?;
                    }
                    continue;
                }
                Err(stopped) => {
                    letters.drop_all();
                    return Err(stopped);
                }
            };
            claims = 0;
            ours = Some(number);
            self.room.take(&letters);
            // From here on the record counts on what was kept aside, whatever fails.
            self.land_open(&feed.schema)?;
            self.fold_on_the_way(&feed.schema, number);
            if let (Some((ledger, run)), Some(last)) = (stdin, last) {
                remove_taken(&self.request.data.spool(), ledger, run, last.to.0, false);
            }
        }
        Ok(())
    }

    /// One batch from its first line to files that no commit names; `None` when all that was left is known.
    fn prepare(
        &mut self,
        feed: &mut Feed,
        ledger: &Ledger,
        letters: &mut BatchRejectedLines,
        held: PathBuf,
    ) -> Result<Option<Prepared>, Stopped> {
        self.settle_choices()?;
        let planned = Timestamp::now().as_microsecond();
        let plan = ShredOptions { planned, most_columns: self.request.most_columns };
        let earlier = Some((&self.store, ledger.id));
        let span = span_of(&Summary::read(&ledger.summary), self.request.window);
        let mut window = SeenWindow::new(earlier, span, planned, ledger.newest);
        window.horizon = ledger.horizon;
        let schema = feed.schema.clone();
        let look_on = self.look_on();
        let chosen = self.chosen(ledger, &schema)?;
        let (tables, only) = (&mut self.tables, None);
        let mut catalog = SchemaView { tables, schema: &schema, only, chosen: &chosen };
        let aside = SideOutputs { letters: Some(&mut *letters), held: Some(held) };
        let reading = Instant::now();
        let most = self.request.batch_bytes;
        let batch = feed.read(most, plan, &mut catalog, &mut window, aside, &look_on)?;
        self.tally.spent("read", reading.elapsed());
        self.tally.report.files.unchanged += std::mem::take(&mut feed.unchanged);
        crash_point("read");
        if self.watch.cancelled() {
            return Err(Stopped::Cancelled);
        }
        let (ids, newest) = window.finish()?;
        if batch.is_blank() {
            return Ok(None);
        }
        let chosen = chosen.planned(&batch.batch.tables);
        let plan = self.write(batch, &feed.source, &schema, plan, letters)?;
        Ok(Some(Prepared { plan: BatchPlan { chosen, ..plan }, newest, ids }))
    }

    /// Writes what a batch came to as files, and plans the rest.
    pub(crate) fn write(
        &mut self,
        read: ReadBatch,
        source: &str,
        schema: &str,
        plan: ShredOptions,
        letters: &mut BatchRejectedLines,
    ) -> Result<BatchPlan, Stopped> {
        let writing = Instant::now();
        self.tell("writing");
        let of_files = read.notices();
        let ReadBatch { batch, extents, bytes, rejected, held_lines, damaged, taken, .. } = read;
        let routes = batch
            .routes
            .iter()
            .map(|route| RoutePlan {
                tables: route.tables.clone(),
                accepted: route.accepted,
                duplicate: route.duplicate,
                counted: false,
            })
            .collect();
        let notices = batch.notices.iter();
        let mut notices: Vec<NoticeCount> = notices
            .map(|(notice, &count): (&Notice, _)| NoticeCount {
                code: notice.code().to_owned(),
                message: notice.message(),
                count,
            })
            .collect();
        if letters.left_out() > 0 {
            let message = "Rejected lines were counted and not kept: those that are take all the room that is left for them.";
            notices.push(NoticeCount {
                code: "letters_left_out".to_owned(),
                message: message.into(),
                count: letters.left_out(),
            });
        }
        notices.extend(of_files);
        let run = self.tally.report.run.clone();
        let tables = self.tables.stage(schema, batch, plan, &run)?;
        let kept = match &held_lines {
            Some(path) => self.handle.block_on(caught(self.tables.lake.keep_lines(path))).map(Some),
            None => Ok(None),
        };
        let held_lines = match kept {
            Ok(_) if self.watch.cancelled() => {
                self.tables.give_up(schema, &tables);
                return Err(Stopped::Cancelled);
            }
            Ok(held_lines) => held_lines,
            Err(error) => {
                self.tables.give_up(schema, &tables);
                return Err(error.into());
            }
        };
        let rejected = rejected.into_iter().map(|(reason, n)| (reason.code().to_owned(), n));
        let plan = BatchPlan {
            tables,
            routes,
            once: Some(BatchTotals {
                bytes,
                taken,
                damaged,
                rejected: rejected.collect(),
                notices,
            }),
            letters: letters.finish()?,
            held_lines,
            extents,
            planned: plan.planned,
            ..self.bare_plan(source, schema)
        };
        crash_point("staged");
        self.tally.spent("write", writing.elapsed());
        Ok(plan)
    }

    /// A batch of this run with nothing to do.
    pub(crate) fn bare_plan(&self, source: &str, schema: &str) -> BatchPlan {
        let app = format!("headgate/{}", self.lake_id);
        BatchPlan::bare(app, &self.tally.report.run, &self.me, source, schema)
    }

    /// Records a batch in the lake and then here.
    pub(crate) fn claim(
        &mut self,
        ledger: &Ledger,
        prepared: Prepared,
    ) -> Result<Claimed, Stopped> {
        let Prepared { mut plan, newest, mut ids } = prepared;
        let schema = plan.schema.clone();
        self.still_there()?;
        let lake = self.tables.lake.clone();
        let records = self.handle.block_on(caught(lake.records(&schema)))?;
        if self.is_put_back(&schema, &records) {
            // How its tables stand is looked at again before anything is written to them.
            self.checked.remove(&schema);
            self.give_up(&plan);
            return Ok(Claimed::Outrun);
        }
        if records.last() > ledger.applied || !self.is_known(ledger, &records) {
            self.give_up(&plan);
            return Ok(Claimed::Outrun);
        }
        // Tables may know batches that no record speaks of any more.
        let names: Vec<_> = (0..plan.tables.len()).map(|at| plan.table(at)).collect();
        let landed = names.iter().filter_map(|name| self.tables.landed(name, &plan.app)).max();
        if let Some(landed) = landed.filter(|landed| *landed > ledger.applied) {
            self.give_up(&plan);
            // One that was recorded since is taken in like any other.
            let records = self.handle.block_on(caught(lake.records(&schema)))?;
            if records.last() <= ledger.applied {
                self.note_lost_records(&schema)?;
                self.pass_over(&schema, landed)?;
            }
            return Ok(Claimed::Outrun);
        }
        plan.number = ledger.applied + 1;
        plan.accepted = ids.len() as u64;
        let range = IdRange::of(&ids);
        let mut record = Record { v: 1, newest, ids: range, plan: plan.clone() };
        if let Some(letters) = &mut record.plan.letters {
            // The folder of rejected lines belongs to this installation; others know them by name.
            letters.move_to(std::path::Path::new(""));
        }
        let text = serde_json::to_vec(&record).map_err(|error| internal(&error))?;
        let name = format!("{}.json", plan.number);
        if !self.handle.block_on(caught(lake.put_record(&schema, &name, text)))? {
            self.give_up(&plan);
            return Ok(Claimed::Outrun);
        }
        // A lake that was taken away meanwhile has left its place to one that must not learn of this batch.
        if let Err(gone) = self.still_there() {
            self.handle.block_on(lake.remove_record(&schema, &name));
            return Err(gone.into());
        }
        // One that slept since it listed the records may have taken a number that was folded away.
        let records = self.handle.block_on(caught(lake.records(&schema)))?;
        if records.has_folded(plan.number) {
            self.handle.block_on(lake.remove_record(&schema, &name));
            self.give_up(&plan);
            return Ok(Claimed::Outrun);
        }
        crash_point("claimed");
        let files: Vec<_> = plan.extents.iter().map(Extent::mark).collect();
        let text = text_of(&plan)?;
        let mut summary = Summary::read(&ledger.summary);
        summary.recorded(&plan);
        self.store.take_in(&mut Taken {
            ledger,
            number: plan.number,
            newest,
            plan: Some(&text),
            files: &files,
            ids: &mut ids,
            summary: &summary.text(),
        })?;
        self.seen.insert(ledger.id, plan.number);
        self.listed.insert(schema, plan.number);
        crash_point("planned");
        self.tables.remember(&plan);
        let last = plan.extents.last().cloned();
        self.open.push(OpenPlan { ledger: ledger.id, plan });
        Ok(Claimed::Whole(last))
    }

    /// Removes the files of a batch that no record names.
    fn give_up(&self, plan: &BatchPlan) {
        self.tables.give_up(&plan.schema, &plan.tables);
        if let Some(lines) = &plan.held_lines {
            self.handle.block_on(self.tables.lake.forget(lines));
        }
        if let Some(letters) = &plan.letters {
            remove(letters.part());
        }
    }

    /// Commits what is left of the batches of a schema, in order, and counts what landed.
    pub(crate) fn land_open(&mut self, schema: &str) -> Result<()> {
        let mut waiting = HashSet::new();
        let mut at = 0;
        while at < self.open.len() {
            if self.open[at].plan.schema != schema {
                at += 1;
                continue;
            }
            if self.only_waits(at) {
                let plan = &self.open[at].plan;
                let open = (0..plan.tables.len()).filter(|&part| !plan.tables[part].is_settled());
                waiting.extend(open.map(|part| plan.table(part)));
                at += 1;
                continue;
            }
            let OpenPlan { ledger, plan } = self.open[at].clone();
            let plan = self.land(ledger, plan, &waiting)?;
            for (part, table) in plan.tables.iter().enumerate() {
                if !table.is_settled() {
                    waiting.insert(plan.table(part));
                }
            }
            if plan.is_done() {
                self.open.remove(at);
            } else {
                self.open[at].plan = plan;
                at += 1;
            }
        }
        Ok(())
    }

    /// Whether nothing of an open batch can land in this run: it was looked at, and its tables refuse for good.
    fn only_waits(&mut self, at: usize) -> bool {
        let plan = &self.open[at].plan;
        if plan.once.is_some() || plan.is_done() {
            return false;
        }
        let open = (0..plan.tables.len()).filter(|&part| !plan.tables[part].is_settled());
        let names: Vec<_> = open.map(|part| plan.table(part)).collect();
        names.iter().all(|name| self.tables.refuses(name))
            && self.open[at]
                .plan
                .tables
                .iter()
                .all(|part| part.is_settled() || part.error.is_some())
    }

    /// Commits a recorded batch and counts what landed.
    fn land(
        &mut self,
        ledger: i64,
        mut plan: BatchPlan,
        waiting: &HashSet<TableName>,
    ) -> Result<BatchPlan> {
        self.still_there()?;
        self.tell("committing");
        let committing = Instant::now();
        if let Some(letters) = &plan.letters {
            letters.join()?;
        }
        self.tally.source(&plan.source);
        if self.tables.stage_waiting(&mut plan) {
            // What was taken up is recorded before its commits, like a batch.
            self.save_batch(ledger, &plan)?;
            self.tables.remember(&plan);
        }
        self.commit(ledger, &mut plan, waiting)?;
        let mut is_any_gone = false;
        for at in 0..plan.tables.len() {
            let Some(error) =
                plan.tables[at].error.clone().filter(|_| !plan.tables[at].is_settled())
            else {
                continue;
            };
            let made = match error.code.as_ref() {
                "table_changed" => self.tables.refit(&mut plan, at),
                _ if is_missing(&error) => self.remake(ledger, &mut plan, at),
                _ => Ok(false),
            };
            match made {
                Ok(false) => {}
                Ok(true) => {
                    self.save_batch(ledger, &plan)?;
                    self.commit(ledger, &mut plan, waiting)?;
                }
                Err(error) => {
                    // Nobody else can make a batch of this installation again, and nothing may wait for it for
                    // ever; one of another's waits for it, or for `runs release`. What a refill is about it
                    // brings, or tells.
                    let is_filled = self.request.refill.as_ref() == Some(&plan.table(at));
                    let is_own = plan.installation.id == self.me.id;
                    plan.tables[at].released = is_missing(&error) && (is_own || is_filled);
                    plan.tables[at].error = (!is_filled).then_some(error);
                    is_any_gone |= plan.tables[at].released;
                }
            }
        }
        if is_any_gone {
            self.give_up_what_is_gone(ledger, &mut plan)?;
        }
        crash_point("committed");
        self.tally.count(&mut plan);
        self.tally.spent("commit", committing.elapsed());
        self.progress.batches = self.tally.report.batches;
        self.progress.events = self.tally.report.events.received;
        self.progress.tables = self.tally.landed();
        self.save_batch(ledger, &plan)?;
        if plan.is_done() {
            self.forget_kept(&plan);
        }
        self.tell("committing");
        Ok(plan)
    }

    /// Gives up parts whose files are gone, with all that they were made of. Where nothing of the batch has
    /// landed its events count as never seen; else their tables are behind from now on.
    fn give_up_what_is_gone(&mut self, ledger: i64, plan: &mut BatchPlan) -> Result<()> {
        plan.is_gone = true;
        let (name, released) = Released::of(plan, &self.me);
        let text = serde_json::to_vec(&released).map_err(|error| internal(&error))?;
        let lake = &self.tables.lake;
        self.handle.block_on(caught(lake.replace_record(&plan.schema, &name, text)))?;
        if plan.is_nothing() {
            let marks: Vec<_> = plan.extents.iter().map(Extent::unread).collect();
            return self.store.forget_batch(ledger, plan.number, &marks);
        }
        let known = self.store.ledger_or_new(&self.lake_key, &plan.schema)?;
        let mut summary = Summary::read(&known.summary);
        summary.gone(plan);
        for at in (0..plan.tables.len()).filter(|&at| plan.tables[at].released) {
            let name = plan.table(at);
            if self.request.refill.as_ref() == Some(&name) {
                // This run brings them.
                continue;
            }
            let what = say!("`{}` lacks rows: files of batch {} are gone", name, plan.number);
            self.tables.refuse(name.clone(), table_behind(&name, &what));
        }
        self.store.save_summary(ledger, &summary.text())
    }

    /// Commits the parts that can be, and remembers what the tables should have from then on.
    fn commit(
        &mut self,
        ledger: i64,
        plan: &mut BatchPlan,
        waiting: &HashSet<TableName>,
    ) -> Result<()> {
        let note = Note { run: plan.run.clone(), rows: 0, installation: self.me.name.clone() };
        let landed = self.tables.commit(plan, &note, waiting);
        if landed.is_empty() {
            return Ok(());
        }
        let known = self.store.ledger_or_new(&self.lake_key, &plan.schema)?;
        let mut summary = Summary::read(&known.summary);
        for at in landed {
            let name = plan.table(at);
            if let Some((restored, error)) = self.tables.put_back.remove(&name) {
                // What is known of the table stays as it was, so that the next run tells it again.
                self.tally.lost_before(&name, restored, error.clone());
                self.tables.refuse(name, error);
                continue;
            }
            let (id, _) = self.tables.identity(&name);
            summary.landed(plan, at, &id, plan.tables[at].version);
            crash_point(&format!("landed:{}", plan.tables[at].table));
        }
        self.store.save_summary(ledger, &summary.text())
    }

    /// Keeps what is left of a batch, or closes it when that is nothing.
    fn save_batch(&mut self, ledger: i64, plan: &BatchPlan) -> Result<()> {
        let left = if plan.is_done() { None } else { Some(text_of(plan)?) };
        let document = self.document()?;
        let run = self.tally.report.run.clone();
        self.store.save_batch(ledger, plan.number, left.as_deref(), &run, &document)
    }

    /// Removes what the lake kept for a batch that has landed.
    pub(crate) fn forget_kept(&self, plan: &BatchPlan) {
        let lake = &self.tables.lake;
        for file in plan.kept_files() {
            self.handle.block_on(lake.forget(&file));
        }
    }

    pub(crate) fn outrun(&self, schema: &str) -> Error {
        outrun(&self.tables.lake, &self.handle, schema, &self.me.id)
    }

    /// Stops when the lake is no longer the one that the run began with.
    pub(crate) fn still_there(&self) -> Result<()> {
        self.handle.block_on(caught(self.tables.lake.still_there()))
    }
}

/// Another installation wrote first, time and again.
pub(crate) fn outrun(lake: &Lake, handle: &Handle, schema: &str, me: &str) -> Error {
    let by = handle.block_on(caught(async {
        let last = lake.records(schema).await?.last();
        let text = lake.record(schema, &format!("{last}.json")).await?;
        let record = text.and_then(|text| serde_json::from_slice::<Record>(&text).ok());
        let Some(by) = record.map(|record| record.plan.installation) else { return Ok(None) };
        let heard = lake.read_heartbeat(&by.id, me).await?;
        Ok(Some((by.name, heard.map(|heard| heard.ago.as_secs()))))
    }));
    let message = match by.ok().flatten() {
        None => {
            say!("Another installation wrote to schema `{}` of this lake at the same time.", schema)
        }
        Some((name, None)) => {
            say!("{} wrote to schema `{}` of this lake at the same time.", name, schema)
        }
        Some((name, Some(ago))) => say!(
            "{} wrote to schema `{}` of this lake at the same time; it was heard {} seconds ago.",
            name,
            schema,
            ago
        ),
    };
    Error::new("lake_busy", message)
        .hint("Run the sync again; what was read and not written is read again.")
        .retryable()
}
