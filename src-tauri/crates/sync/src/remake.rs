//! Makes staged files of a recorded batch again after they were deleted, from the lines that the batch took.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use headgate_events::{DISCARDS, ShredOptions};
use headgate_lake::caught;
use headgate_store::Seen;
use headgate_terms::{Error, Result, say};

use crate::batch::{Entry, Feed, SideOutputs, Stopped};
use crate::plan::{BatchPlan, Work};
use crate::run::ActiveRun;
use crate::tables::SchemaView;
use crate::window::{AcceptedBefore, RowsOf, hash};

impl ActiveRun<'_> {
    /// Makes a part of a batch again whose staged files are gone, from the lines that the batch took. Says
    /// whether it could.
    pub(crate) fn remake(&mut self, ledger: i64, plan: &mut BatchPlan, at: usize) -> Result<bool> {
        let (name, part) = (plan.table(at), &plan.tables[at]);
        let entries: Vec<Entry> = plan.extents.iter().map_while(Entry::extent).collect();
        let has_all = !entries.is_empty() && entries.len() == plan.extents.len();
        if !has_all || name.table == DISCARDS {
            let why = if has_all {
                "values that were set aside are not read again"
            } else {
                "the files that it was read from are gone or changed"
            };
            return Err(Error::new(
                "staged_file_missing",
                say!(
                    "Files that batch {} had written for `{}` are gone and cannot be made again: {}.",
                    plan.number,
                    name,
                    why
                ),
            )
            .hint(say!(
                "Put them back and run the sync again, or give these rows up with `headgate runs release {} --table {}`.",
                plan.run,
                name
            )));
        }
        let mut feed = Feed::new(plan.source.clone(), plan.schema.clone(), entries, Arc::default());
        let events =
            ShredOptions { planned: plan.planned, most_columns: self.request.most_columns };
        let only = Some(BTreeSet::from([name.table.clone()]));
        let (schema, rows) = (plan.schema.clone(), part.counts.rows);
        let chosen = &plan.chosen;
        let aside = SideOutputs { letters: None, held: None };
        // Ids that were read back may not be all.
        let ids = self.store.ids_of_batch(ledger, plan.number)?;
        // One that could not know what this batch had accepted may have read its events again.
        let mut others = self.ids_to_come(&name, plan.number);
        let read = if let Some(ids) = ids.filter(|ids| ids.len() as u64 == plan.accepted) {
            let others: HashSet<u128> = others.iter().map(|seen| seen.id).collect();
            let ids = ids.into_iter().filter(|seen| !others.contains(&seen.id));
            let mut ids = AcceptedBefore::new(ids);
            let mut view = SchemaView { tables: &mut self.tables, schema: &schema, only, chosen };
            feed.read(u64::MAX, events, &mut view, &mut ids, aside, &|| false)
        } else {
            let of_table = self.ids_of_rows(&name)?;
            self.store.add_ids(of_table, &mut others)?;
            let mut ids = RowsOf::new(&self.store, of_table, None, &name);
            let mut view = SchemaView { tables: &mut self.tables, schema: &schema, only, chosen };
            let read = feed.read(u64::MAX, events, &mut view, &mut ids, aside, &|| false);
            let _ = ids.finish()?;
            self.store.forget_ledger(of_table)?;
            read
        };
        let mut batch = match read {
            Ok(read) => read.batch,
            Err(Stopped::Failed(error)) => return Err(error),
            Err(Stopped::Cancelled) => return Ok(false),
        };
        batch.tables.retain(|table| table.name == name.table);
        batch.discards.clear();
        batch.left_out.clear();
        let made = self.tables.stage(&schema, batch, events, &plan.run)?;
        let Some(made) = made.into_iter().find(|made| made.table == name.table) else {
            return Ok(false);
        };
        if let Work::Append { adds, .. } = &made.work {
            let mut ids = Vec::new();
            let mut give = |id: &str, received| ids.push(Seen { id: hash(id), received });
            self.handle.block_on(caught(self.tables.lake.staged_ids(&name, adds, &mut give)))?;
            self.store.add_ids(ledger, &mut ids)?;
        }
        tracing::info!(table = %name, rows, "files of a batch are made again from its lines");
        let part = &mut plan.tables[at];
        part.work = made.work;
        part.counts.rows = made.counts.rows;
        part.error = None;
        Ok(true)
    }
}
