//! Refills: brings one table the rows that it lacks, from files that may have been synced before (E27).
//!
//! The lake records when a refill begins and when it has reached its end; between the two the table counts as
//! behind. Only events that had landed before are brought.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use headgate_events::{DISCARDS, ShredOptions, statistics_columns};
use headgate_lake::{caught, key, keys_of};
use headgate_store::{FileMark, Ledger, Seen};
use headgate_terms::{Error, Result, TableName, say};
use jiff::Timestamp;

use crate::batch::{Entry, Feed, SideOutputs, Stopped};
use crate::dead_letters::BatchRejectedLines;
use crate::land::{CLAIMS, Claimed, Prepared};
use crate::plan::{BatchPlan, Work};
use crate::read_ids::IDS_AT_ONCE;
use crate::run::{ActiveRun, OpenPlan};
use crate::source::DataFile;
use crate::summary::{ShortOf, Summary, left_short};
use crate::tables::{SchemaView, State};
use crate::tally::Tally;
use crate::window::{Again, RowsOf, hash, landing, span_of};

/// The ids of the rows that a table has, and the values that were set aside, each in a ledger of their own, as of the
/// last batch that was known.
struct Rows {
    of_table: i64,
    of_discards: i64,
    /// The ids of the rows of all tables, where it is values that are brought; `None` for a table that is gone.
    of_others: BTreeMap<String, Option<i64>>,
    /// What is still to come of ids that had landed more than once.
    again: Option<Again>,
    batch: i64,
}

/// What ledgers of a refill's own begin with. A refill that came to its end leaves none.
pub(crate) const SCRATCH: &str = "refill:";

/// What tells a value that was set aside from others: its row's table and id, and its column.
const SET_ASIDE: [&str; 3] = ["table_name", "row_id", "column_name"];

impl ActiveRun<'_> {
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
        // Nothing lands before the refill is recorded: a waiting row would create a table again that is gone.
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
            .and_then(|()| self.refill_from(name, &others, &source, &mut has, Some(ledger.id)))
            .and_then(|()| {
                if !was_behind {
                    return Ok(());
                }
                self.bring_again(name, &taken, &source, &mut has)
            });
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
        Err(self.outrun(schema).into())
    }

    /// A file, or one of the same content, that was taken to its end before.
    fn was_taken(&self, ledger: &Ledger, file: &DataFile) -> Result<Option<FileMark>> {
        let known = self.store.file(ledger.id, &file.key)?;
        let is_same = |known: &FileMark| known.done && known.is_of(file.size, file.modified);
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
                let again = has.again.take();
                self.forget_rows(has)?;
                *has = self.rows_of(name)?;
                if let Some(again) = again {
                    self.store.forget_ledger(again.rows)?;
                    has.again = Some(Again { rows: self.landings_of(name)?, ..again });
                }
            }
            let planned = Timestamp::now().as_microsecond();
            let events = ShredOptions { planned, most_columns: self.request.most_columns };
            let mut ids = RowsOf::new(&self.store, has.of_table, landed, name);
            if let Some(again) = &has.again {
                ids = ids.again(again.clone());
            }
            // What a table set aside is known from all of them.
            let is_discards = name.table == DISCARDS;
            if is_discards {
                ids = ids.with_rows(&has.of_others);
            }
            let only = (!is_discards).then(|| BTreeSet::from([name.table.clone()]));
            let look_on = self.look_on();
            let chosen = self.chosen(&ledger, &name.schema)?;
            let tables = &mut self.tables;
            let mut view = SchemaView { tables, schema: &name.schema, only, chosen: &chosen };
            let aside = SideOutputs { letters: None, held: None };
            let most = self.request.batch_bytes;
            // Every user is folded again: of one that is there the fold changes nothing.
            let mut batch = feed.read(most, events, &mut view, &mut ids, aside, &look_on)?;
            let (mut accepted, again) = ids.finish()?;
            // What it cannot take now would be recorded and never land.
            if let Some(error) = self.tables.refusal(name) {
                return Err(error.into());
            }
            batch.batch.tables.retain(|table| table.name == name.table);
            let chosen = chosen.planned(&batch.batch.tables);
            batch.batch.left_out.clear();
            // Most were set aside when these rows landed first.
            let mut failure = None;
            batch.batch.discards.retain(|discard| {
                let of_value = key([&*discard.table, &*discard.row_id, &*discard.column]);
                let known = self.store.seen(has.of_discards, hash(&of_value));
                let is_asked = is_discards || discard.table == name.table;
                let is_new = matches!(known, Ok(None)) && is_asked;
                failure = failure.take().or(known.err());
                is_new
            });
            failure.map_or(Ok(()), Err)?;
            // Rejected lines were kept when they were read first.
            for route in &mut batch.batch.routes {
                if !route.tables.contains(&name.table) {
                    route.duplicate += std::mem::take(&mut route.accepted);
                }
            }
            let folder = self.request.data.dead_letters();
            let run = self.tally.report.run.clone();
            let number = ledger.applied + 1;
            let mut letters = BatchRejectedLines::new(&folder, &run, number, self.room.clone());
            let mut plan = self.write(batch, source, &name.schema, events, &mut letters)?;
            // The files were taken before; only this table is behind them.
            plan.extents.clear();
            plan.chosen = chosen;
            plan.fills = Some(name.table.clone());
            let counted = has.again.is_some().then(|| Tally::read_again(&mut plan));
            let is_empty = plan.tables.iter().all(|part| matches!(part.work, Work::Nothing));
            if is_empty {
                self.tally.count(&mut plan);
                self.tally.take_back(counted);
            } else {
                let prepared = Prepared { plan, newest: ledger.newest, ids: Vec::new() };
                if matches!(self.claim(&ledger, prepared)?, Claimed::Outrun) {
                    claims += 1;
                    if claims == CLAIMS || !feed.rewind() {
                        return Err(self.outrun(&name.schema).into());
                    }
                    continue;
                }
                self.tally.take_back(counted);
                self.land_open(&name.schema)?;
            }
            let known = again.as_ref().map_or(has.of_table, |again| again.before);
            self.store.add_ids(known, &mut accepted)?;
            has.again = again;
            has.batch = self.store.ledger_or_new(&self.lake_key, &name.schema)?.applied;
        }
        Ok(())
    }

    /// Brings the events whose id had landed before and left the window since (E7), no more of them than the table
    /// has fewer rows than were written to it.
    fn bring_again(
        &mut self,
        name: &TableName,
        files: &[DataFile],
        source: &str,
        has: &mut Rows,
    ) -> Result<(), Stopped> {
        if name.table == DISCARDS || name.table == "users" {
            return Ok(());
        }
        let State::Table(_) = self.tables.state(name) else { return Ok(()) };
        let lake = &self.tables.lake;
        let rows = self.handle.block_on(caught(lake.summary(name)))?.rows;
        let ledger = self.store.ledger_or_new(&self.lake_key, &name.schema)?;
        let summary = Summary::read(&ledger.summary);
        let wanted = summary.tables.get(&name.table).map_or(0, |known| known.rows);
        let left = wanted.saturating_sub(rows.unwrap_or(wanted));
        if left == 0 {
            return Ok(());
        }
        has.again = Some(Again {
            rows: self.landings_of(name)?,
            before: self.ledger_of_its_own(&name.schema)?,
            span: span_of(&summary, self.request.window),
            planned: Timestamp::now().as_microsecond(),
            newest: None,
            left,
        });
        self.refill_from(name, files, source, has, None)
    }

    /// The rows that a table has, each by its id and its time, in a ledger of their own.
    fn landings_of(&mut self, name: &TableName) -> Result<i64> {
        let ledger = self.ledger_of_its_own(&name.schema)?;
        self.rows_of_table(name, ledger, (None, None), &mut None, landing)?;
        Ok(ledger)
    }

    /// The ids of the rows that a table has by now, and the values that were set aside.
    fn rows_of(&mut self, name: &TableName) -> Result<Rows> {
        let batch = self.store.ledger_or_new(&self.lake_key, &name.schema)?.applied;
        let of_discards = self.values_set_aside(&name.schema)?;
        if name.table == DISCARDS {
            // One event may have set several values aside, of which some are there.
            let of_table = self.ledger_of_its_own(&name.schema)?;
            let of_others = self.rows_of_all(&name.schema)?;
            return Ok(Rows { of_table, of_discards, of_others, again: None, batch });
        }
        let of_table = self.ids_of_rows(name)?;
        // What is recorded and has not landed will.
        let mut waiting = self.ids_to_come(name, 0);
        self.store.add_ids(of_table, &mut waiting)?;
        Ok(Rows { of_table, of_discards, of_others: BTreeMap::new(), again: None, batch })
    }

    /// The rows of each table of a schema, by their ids in ledgers of their own; `None` for a table that is gone.
    fn rows_of_all(&mut self, schema: &str) -> Result<BTreeMap<String, Option<i64>>> {
        let ledger = self.store.ledger_or_new(&self.lake_key, schema)?;
        let known = Summary::read(&ledger.summary).tables.into_keys();
        let mut all: BTreeMap<_, _> = known.map(|table| (table, None)).collect();
        let tables = self.handle.block_on(caught(self.tables.lake.tables()))?;
        for name in tables.into_iter().filter(|name| name.schema == schema) {
            let ledger = self.ids_of_rows(&name)?;
            all.insert(name.table, Some(ledger));
        }
        Ok(all)
    }

    /// The values of a schema that were set aside, those included that wait to land, in a ledger of their own.
    fn values_set_aside(&mut self, schema: &str) -> Result<i64> {
        let name = TableName { schema: schema.to_owned(), table: DISCARDS.to_owned() };
        let ledger = self.ledger_of_its_own(schema)?;
        let lake = self.tables.lake.clone();
        let (mut values, mut failure) = (Vec::new(), None);
        let store = &mut self.store;
        let mut give = |of_value: &str| {
            values.push(Seen { id: hash(of_value), received: None });
            if values.len() == IDS_AT_ONCE {
                if let Err(error) = store.add_ids(ledger, &mut values) {
                    failure.get_or_insert(error);
                }
                values.clear();
            }
        };
        self.handle.block_on(caught(lake.keys(&name, &SET_ASIDE, &mut give)))?;
        for OpenPlan { plan, .. } in self.open.iter().filter(|open| open.plan.schema == schema) {
            for part in
                plan.tables.iter().filter(|part| part.table == DISCARDS && !part.is_settled())
            {
                let rows = match &part.work {
                    Work::Append { adds, .. } => {
                        self.handle.block_on(caught(lake.staged_rows(&name, adds)))
                    }
                    Work::Kept { rows } => {
                        self.handle.block_on(caught(lake.kept_rows(rows))).map(|rows| vec![rows])
                    }
                    Work::Nothing | Work::Fold { .. } | Work::Held => continue,
                };
                match rows {
                    Ok(rows) => {
                        rows.iter().try_for_each(|rows| keys_of(rows, &SET_ASIDE, &mut give))?;
                    }
                    // Files that are gone bring nothing any more.
                    Err(error) => tracing::debug!(%error, "values that wait are not read"),
                }
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        self.store.add_ids(ledger, &mut values)?;
        Ok(ledger)
    }

    fn ledger_of_its_own(&self, schema: &str) -> Result<i64> {
        let own = format!("{SCRATCH}{}", uuid::Uuid::new_v4());
        Ok(self.store.ledger_or_new(&own, schema)?.id)
    }

    fn forget_rows(&mut self, has: &Rows) -> Result<()> {
        let others = has.of_others.values().copied().flatten();
        let again = has.again.iter().flat_map(|again| [again.rows, again.before]);
        let all = others.chain([has.of_table, has.of_discards]).chain(again);
        all.into_iter().try_for_each(|ledger| self.store.forget_ledger(ledger))
    }

    /// The ids of the rows that a table has, in a ledger of their own.
    pub(crate) fn ids_of_rows(&mut self, name: &TableName) -> Result<i64> {
        let ledger = self.ledger_of_its_own(&name.schema)?;
        if name.table != "users" {
            self.ids_of_table(name, ledger, None, None, &mut None)?;
        }
        Ok(ledger)
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
