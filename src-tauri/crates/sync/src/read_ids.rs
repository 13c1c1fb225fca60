//! Reads back which ids have landed: from the staged files and held lines of an open batch, and from tables.

use std::collections::BTreeMap;

use headgate_events::DISCARDS;
use headgate_lake::caught;
use headgate_store::{NOTHING_KNOWN, Seen};
use headgate_terms::{Error, Result, TableName, say};
use jiff::Timestamp;

use crate::batch::held_lines;
use crate::plan::{BatchPlan, IdRange, TablePlan, Work};
use crate::run::{ActiveRun, OpenPlan};
use crate::window::hash;

/// Tables that have each event of a schema once, except `users`.
const CALLS: [&str; 6] = ["tracks", "identifies", "pages", "screens", "groups", "aliases"];

/// How many ids are read from a table before they go to the store.
pub(crate) const IDS_AT_ONCE: usize = 1_000_000;

impl ActiveRun<'_> {
    /// The ids that a batch accepted, from the files that it staged and the lines that it held.
    pub(crate) fn ids_of(&self, plan: &BatchPlan, range: IdRange) -> Result<Vec<Seen>> {
        let mut ids = BTreeMap::new();
        let mut give = |id: &str, received: Option<i64>| {
            ids.insert(hash(id), received);
        };
        // Each event stands in a call's table; where its files are gone, others may still have it.
        let is_released = plan.tables.iter().any(|part| part.released);
        let mut is_gone = plan.held_lines.is_some() || is_released;
        let is_call = |part: &&TablePlan| CALLS.contains(&part.table.as_str());
        let (calls, others): (Vec<_>, Vec<_>) = plan.tables.iter().partition(is_call);
        let others = others.into_iter().filter(|part| part.table != DISCARDS);
        for part in calls.into_iter().chain(others) {
            let Work::Append { adds, .. } = &part.work else { continue };
            if !is_gone && !is_call(&part) {
                continue;
            }
            let name = TableName { schema: plan.schema.clone(), table: part.table.clone() };
            let lake = &self.tables.lake;
            let read = self.handle.block_on(caught(lake.staged_ids(&name, adds, &mut give)));
            if let Err(error) = read {
                // Compacted and gone, or never finished: the table itself has what landed.
                is_gone = true;
                tracing::debug!(table = %name, %error, "ids are read from the table");
                let to = range.newest.map(|newest| newest.saturating_add(1));
                self.handle.block_on(caught(lake.ids(&name, range.oldest, to, &mut give)))?;
            }
        }
        if let Some(file) = &plan.held_lines {
            let lines = self.handle.block_on(caught(self.tables.lake.kept_lines(file)));
            for (head, _) in lines.iter().flat_map(|lines| held_lines(lines)).flatten() {
                give(&head.id, head.received);
            }
        }
        Ok(ids.into_iter().map(|(id, received)| Seen { id, received }).collect())
    }

    /// The ids of the rows that open batches after one are still to bring to a table: files that are gone bring
    /// nothing any more.
    pub(crate) fn ids_to_come(&self, name: &TableName, after: i64) -> Vec<Seen> {
        let mut ids = Vec::new();
        let mut give = |id: &str, received| ids.push(Seen { id: hash(id), received });
        let later = |open: &&OpenPlan| open.plan.schema == name.schema && open.plan.number > after;
        for OpenPlan { plan, .. } in self.open.iter().filter(later) {
            let of_table = |part: &&TablePlan| !part.is_settled() && part.table == name.table;
            for part in plan.tables.iter().filter(of_table) {
                let lake = &self.tables.lake;
                let read = match (&part.work, &plan.held_lines) {
                    (Work::Append { adds, .. }, _) => {
                        self.handle.block_on(caught(lake.staged_ids(name, adds, &mut give)))
                    }
                    (Work::Held, Some(file)) => {
                        self.handle.block_on(caught(lake.kept_lines(file))).map(|lines| {
                            let heads = held_lines(&lines).flatten();
                            heads.for_each(|(head, _)| give(&head.id, head.received));
                        })
                    }
                    _ => Ok(()),
                };
                if let Err(error) = read {
                    tracing::debug!(table = %name, %error, "ids of rows that wait are not read");
                }
            }
        }
        ids
    }

    /// Reads ids back from the tables of a schema: those received since a time, or all.
    pub(crate) fn take_ids(&mut self, schema: &str, since: Option<i64>) -> Result<()> {
        let ledger = self.store.ledger_or_new(&self.lake_key, schema)?;
        let mut newest = ledger.newest;
        let to = ledger.horizon.filter(|horizon| *horizon != NOTHING_KNOWN);
        // An event stands in a call's table and in its own, but not where one was dropped or refused its part.
        let mut tables = self.handle.block_on(caught(self.tables.lake.tables()))?;
        tables.retain(|table| table.schema == schema && table.table != "users");
        let mut unread = Vec::new();
        for name in tables {
            let read = self.ids_of_table(&name, ledger.id, since, to, &mut newest);
            if let Err(error) = read {
                unread.push((name, error));
            }
        }
        // An event of `tracks` has a row in one of its other tables too; those of other calls stand nowhere else.
        let is_call = |name: &TableName| CALLS.contains(&name.table.as_str());
        let is_tracks = |name: &TableName| name.table == CALLS[0];
        let others = unread.iter().filter(|(name, _)| !is_call(name) && name.table != DISCARDS);
        let are_others_read = others.count() == 0;
        for (name, error) in unread {
            // The folder of the schema cannot be listed: nobody knows which tables it has.
            if name.table.is_empty() {
                return Err(error);
            }
            // What cannot be known must not be taken for new.
            // A schema whose folder cannot be listed stands for all of its tables.
            let is_known_elsewhere =
                !name.table.is_empty() && (!is_call(&name) || is_tracks(&name) && are_others_read);
            let hint = "Put the file back, or move the table away and fill it again with `--again --refill`.";
            if !is_known_elsewhere {
                let message = say!(
                    "The ids of `{}` cannot be read, so what landed before is not known: {}",
                    name,
                    error.message
                );
                return Err(Error::new("ids_unread", message).hint(hint));
            }
            let message = say!(
                "The ids of `{}` cannot be read, and other tables stand in for them: {}",
                name,
                error.message
            );
            let error = Error::new("table_behind", message).hint(hint);
            self.tally.refused(&name, &error);
            self.tables.refuse(name, error);
        }
        let newest = newest.map(|newest| newest.min(Timestamp::now().as_microsecond()));
        self.store.save_window(ledger.id, newest, since)
    }

    /// Reads the ids of one table, received from one time up to another, into a ledger.
    pub(crate) fn ids_of_table(
        &mut self,
        name: &TableName,
        ledger: i64,
        from: Option<i64>,
        to: Option<i64>,
        newest: &mut Option<i64>,
    ) -> Result<()> {
        self.rows_of_table(name, ledger, (from, to), newest, |id, _| hash(id))
    }

    /// As [`Self::ids_of_table`], each row by what is made of its id and its time.
    pub(crate) fn rows_of_table(
        &mut self,
        name: &TableName,
        ledger: i64,
        (from, to): (Option<i64>, Option<i64>),
        newest: &mut Option<i64>,
        of: impl Fn(&str, Option<i64>) -> u128 + Send + Sync,
    ) -> Result<()> {
        let lake = &self.tables.lake;
        let (mut ids, mut failure) = (Vec::new(), None);
        let store = &mut self.store;
        let mut flush = |ids: &mut Vec<Seen>| {
            if let Err(error) = store.add_ids(ledger, ids) {
                failure.get_or_insert(error);
            }
            ids.clear();
        };
        let mut give = |id: &str, received: Option<i64>| {
            *newest = (*newest).max(received);
            ids.push(Seen { id: of(id, received), received });
            if ids.len() == IDS_AT_ONCE {
                flush(&mut ids);
            }
        };
        let read = self.handle.block_on(caught(lake.ids(name, from, to, &mut give)));
        flush(&mut ids);
        match failure {
            Some(error) => Err(error),
            None => read,
        }
    }
}
