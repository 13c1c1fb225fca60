//! Filling one table with what its rows lack, from files that were synced before or not (E27).
//!
//! A refill is recorded when it begins and when it has come to its end; between the two its table counts as
//! behind. It brings only events that had landed.

use std::collections::{BTreeSet, HashSet};

use headgate_events::{DISCARDS, ShredOptions, statistics_columns};
use headgate_lake::caught;
use headgate_store::{FileMark, Ledger, Seen};
use headgate_terms::{Error, Result, TableName, say};
use jiff::Timestamp;

use crate::batch::{Aside, Entry, Feed, Stopped};
use crate::dead_letters::BatchLetters;
use crate::land::{CLAIMS, Claimed, Prepared, outrun};
use crate::plan::{BatchPlan, Work};
use crate::run::{OpenPlan, Running};
use crate::source::DataFile;
use crate::summary::{ShortOf, Summary, left_short};
use crate::tables::{SchemaView, State};
use crate::window::{RowsOf, hash};

/// The ids of the rows that a table and the discards have, each in a ledger of their own, as of the last batch
/// that was known.
struct Rows {
    of_table: i64,
    of_discards: i64,
    batch: i64,
}

impl Running<'_> {
    /// Fills one table with what its rows lack of some files.
    pub(crate) fn refill(&mut self, name: &TableName, files: &[DataFile]) -> Result<(), Stopped> {
        let source = files[0].source.clone();
        self.tally.source(&source);
        self.take_turn(&name.schema)?;
        let mut ledger = self.store.ledger_or_new(&self.lake_key, &name.schema)?;
        let (mut taken, mut others, mut known_again) = (Vec::new(), Vec::new(), HashSet::new());
        for file in files {
            match self.was_taken(&ledger, file)? {
                // Ids that it has none of were made from the name it had.
                Some(known) => {
                    known_again.insert(known.content.unwrap_or(known.path));
                    let name = known.name.unwrap_or_else(|| file.name.clone());
                    taken.push(DataFile { name, ..file.clone() });
                }
                None => others.push(file.clone()),
            }
        }
        if !others.is_empty() {
            // Of other files what landed before is filled; what is new is not this table's alone to take.
            self.tally.not_synced(others.len() as u64);
            if ledger.horizon.is_some() {
                self.take_ids(&name.schema, None)?;
                ledger = self.store.ledger_or_new(&self.lake_key, &name.schema)?;
            }
        }
        let was_refused = self.tables.refusal(name);
        let was_behind = was_refused.as_ref().is_some_and(|error| error.code == "table_behind");
        self.tables.accept(name)?;
        let summary = Summary::read(&ledger.summary);
        // Where records are lost, nobody can say which tables there were.
        let is_known = summary.tables.contains_key(&name.table);
        if !is_known && !summary.records_lost && matches!(self.tables.state(name), State::No) {
            return Err(unknown(name).into());
        }
        // Nothing lands before the refill is recorded: a row that waits would make a table anew that is gone.
        if let Some(error) = was_refused {
            self.tables.refuse(name.clone(), error);
        }
        // Until the refill has come to its end the table counts as behind, however much was filled.
        let begins = |this: &mut Self| BatchPlan {
            fills: Some(name.table.clone()),
            ..this.bare_plan(&source, &name.schema)
        };
        self.claim_bare(&name.schema, begins)?;
        self.tables.accept(name)?;
        self.land_open(&name.schema)?;
        let mut has = self.rows_of(name)?;
        let filled = self
            .refill_from(name, &taken, &source, &mut has, None)
            .and_then(|()| self.refill_from(name, &others, &source, &mut has, Some(ledger.id)));
        self.forget_rows(&has)?;
        filled?;
        // Where every file that was ever read was read again, the table has all that there is.
        let are_all = known_again.len() as u64 == self.store.files_known(ledger.id)?;
        self.end_refill(name, &source, was_behind && (!are_all || summary.records_lost))
    }

    /// Says in the lake, and in the table if there is one, that a refill has come to its end, and tells what the
    /// table still lacks of what it had, if it may lack any. One that was whole before does not: rows that others
    /// deleted are gone for good.
    fn end_refill(
        &mut self,
        name: &TableName,
        source: &str,
        may_lack: bool,
    ) -> Result<(), Stopped> {
        let rows = match self.tables.state(name) {
            State::Table(_) => {
                let lake = &self.tables.lake;
                self.handle.block_on(caught(lake.summary(name)))?.rows
            }
            State::No | State::Refused(_) => None,
        };
        let ledger = self.store.ledger_or_new(&self.lake_key, &name.schema)?;
        let summary = Summary::read(&ledger.summary);
        let wanted = summary.tables.get(&name.table).map_or(0, |known| known.rows);
        // A user has one row, however often it was merged.
        let is_short = |rows: &u64| *rows < wanted && may_lack && name.table != "users";
        let wants = rows.filter(is_short).map(|_| wanted);
        self.claim_bare(&name.schema, |this| {
            let tables = match this.tables.state(name) {
                State::Table(columns) => {
                    let statistics = statistics_columns(&name.table, &columns);
                    let work = Work::Append { columns, statistics, adds: Vec::new() };
                    vec![this.tables.part(name, work)]
                }
                State::No | State::Refused(_) => Vec::new(),
            };
            let whole = Some(name.table.clone());
            BatchPlan { tables, whole, rows, wants, ..this.bare_plan(source, &name.schema) }
        })?;
        self.land_open(&name.schema)?;
        if matches!(self.tables.state(name), State::No) {
            self.tally.begins_anew(name);
            return Ok(());
        }
        if let Some(wants) = wants {
            let (run, installation) = (self.tally.report.run.clone(), self.me.name.clone());
            let error = left_short(name, wants, &ShortOf { run, installation });
            self.tally.refused(name, &error);
            self.tables.refuse(name.clone(), error);
        }
        Ok(())
    }

    /// Records a batch that reads no file, once it is this installation's turn.
    fn claim_bare(
        &mut self,
        schema: &str,
        plan: impl Fn(&mut Self) -> BatchPlan,
    ) -> Result<(), Stopped> {
        for _ in 0..CLAIMS {
            self.take_turn(schema)?;
            let ledger = self.store.ledger_or_new(&self.lake_key, schema)?;
            let prepared = Prepared { plan: plan(self), newest: ledger.newest, ids: Vec::new() };
            if matches!(self.claim(&ledger, prepared)?, Claimed::Whole(_)) {
                return Ok(());
            }
        }
        Err(outrun(schema).into())
    }

    /// A file, or one of the same content, that was taken to its end before.
    fn was_taken(&self, ledger: &Ledger, file: &DataFile) -> Result<Option<FileMark>> {
        let known = self.store.file(ledger.id, &file.key)?;
        let is_same = |known: &FileMark| {
            known.done && known.size == file.size && known.modified == file.modified
        };
        if known.as_ref().is_some_and(is_same) {
            return Ok(known);
        }
        match file.with_content().content {
            Some(content) => self.store.file_with_content(ledger.id, &content),
            None => Ok(None),
        }
    }

    fn refill_from(
        &mut self,
        name: &TableName,
        files: &[DataFile],
        source: &str,
        has: &mut Rows,
        landed: Option<i64>,
    ) -> Result<(), Stopped> {
        let entries = files.iter().map(|file| Entry::file(file, None, false));
        let mut feed =
            Feed::new(source.to_owned(), name.schema.clone(), entries, self.read.clone());
        let mut claims = 0;
        while !feed.is_empty() {
            self.take_turn(&name.schema)?;
            let ledger = self.store.ledger_or_new(&self.lake_key, &name.schema)?;
            // Others may have filled it, or landed events of their own that were read here too.
            if ledger.applied != has.batch && name.table != "users" {
                self.forget_rows(has)?;
                *has = self.rows_of(name)?;
            }
            let planned = Timestamp::now().as_microsecond();
            let events = ShredOptions { planned, most_columns: self.request.most_columns };
            let mut ids = RowsOf::new(&self.store, has.of_table, landed, name);
            // What a table set aside is known from all of them.
            let is_discards = name.table == DISCARDS;
            let only = (!is_discards).then(|| BTreeSet::from([name.table.clone()]));
            let look_on = self.look_on();
            let chosen = self.chosen(&ledger, &name.schema)?;
            let tables = &mut self.tables;
            let mut view = SchemaView { tables, schema: &name.schema, only, chosen: &chosen };
            let aside = Aside { letters: None, held: None };
            let most = self.request.batch_bytes;
            // Every user is folded again: of one that is there the fold changes nothing.
            let mut batch = feed.read(most, events, &mut view, &mut ids, aside, &look_on)?;
            let mut accepted = ids.finish()?;
            // What it cannot take now would be recorded and never land.
            if let Some(error) = self.tables.refusal(name) {
                return Err(error.into());
            }
            batch.batch.tables.retain(|table| table.name == name.table);
            let chosen = chosen.planned(&batch.batch.tables);
            batch.batch.left_out.clear();
            if !is_discards {
                // Most were set aside when these rows landed first.
                let mut failure = None;
                batch.batch.discards.retain(|discard| {
                    let known = self.store.seen(has.of_discards, hash(&discard.row_id));
                    let is_new = matches!(known, Ok(None)) && discard.table == name.table;
                    failure = failure.take().or(known.err());
                    is_new
                });
                failure.map_or(Ok(()), Err)?;
            }
            // Rejected lines were kept when they were read first.
            for route in &mut batch.batch.routes {
                if !route.tables.contains(&name.table) {
                    route.duplicate += std::mem::take(&mut route.accepted);
                }
            }
            let folder = self.request.data.dead_letters();
            let run = self.tally.report.run.clone();
            let number = ledger.applied + 1;
            let mut letters = BatchLetters::new(&folder, &run, number, self.room.clone());
            let mut plan = self.write(batch, source, &name.schema, events, &mut letters)?;
            // The files were taken before; only this table is behind them.
            plan.extents.clear();
            plan.chosen = chosen;
            plan.fills = Some(name.table.clone());
            if plan.tables.iter().all(|part| matches!(part.work, Work::Nothing)) {
                self.tally.count(&mut plan);
                continue;
            }
            let prepared = Prepared { plan, newest: ledger.newest, ids: Vec::new() };
            if matches!(self.claim(&ledger, prepared)?, Claimed::Outrun) {
                claims += 1;
                if claims == CLAIMS || !feed.rewind() {
                    return Err(outrun(&name.schema).into());
                }
                continue;
            }
            self.land_open(&name.schema)?;
            self.store.add_ids(has.of_table, &mut accepted)?;
            has.batch = self.store.ledger_or_new(&self.lake_key, &name.schema)?.applied;
        }
        Ok(())
    }

    /// The ids of the rows that a table and the discards have by now.
    fn rows_of(&mut self, name: &TableName) -> Result<Rows> {
        let batch = self.store.ledger_or_new(&self.lake_key, &name.schema)?.applied;
        let discards = TableName { schema: name.schema.clone(), table: DISCARDS.to_owned() };
        let of_table = self.ids_of_rows(name)?;
        // What is recorded and has not landed will.
        let mut waiting = Vec::new();
        for OpenPlan { plan, .. } in &self.open {
            for (at, part) in plan.tables.iter().enumerate() {
                let Work::Append { adds, .. } = &part.work else { continue };
                if part.is_settled() || plan.table(at) != *name {
                    continue;
                }
                let mut give = |id: &str, received| waiting.push(Seen { id: hash(id), received });
                let read = self.tables.lake.staged_ids(name, adds, &mut give);
                if let Err(error) = self.handle.block_on(caught(read)) {
                    // Files that are gone bring nothing any more.
                    tracing::debug!(table = %name, %error, "staged ids are not read");
                }
            }
        }
        self.store.add_ids(of_table, &mut waiting)?;
        Ok(Rows { of_table, of_discards: self.ids_of_rows(&discards)?, batch })
    }

    fn forget_rows(&mut self, has: &Rows) -> Result<()> {
        self.store.forget_ledger(has.of_table)?;
        self.store.forget_ledger(has.of_discards)
    }

    /// The ids of the rows that a table has, in a ledger of their own.
    pub(crate) fn ids_of_rows(&mut self, name: &TableName) -> Result<i64> {
        let own = format!("refill:{}", uuid::Uuid::new_v4());
        let ledger = self.store.ledger_or_new(&own, &name.schema)?;
        if name.table != "users" {
            self.ids_of_table(name, ledger.id, None, None, &mut None)?;
        }
        Ok(ledger.id)
    }
}

/// A table that events never made.
fn unknown(name: &TableName) -> Error {
    Error::new(
        "table_not_found",
        say!("Nothing was ever written to `{}`, so there is nothing to fill again.", name),
    )
    .hint("Check the name with `headgate tables list`. A table that is new is made by a sync without `--refill`.")
    .field("refill")
}
