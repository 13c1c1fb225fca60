//! Carries out a recorded batch: sends the commit of each of its parts once, and keeps the error of a part
//! whose commit fails.
//!
//! It works from the plan alone. The source files are read again only when staged files are gone (`remake`).

use std::collections::{HashMap, HashSet};

use futures::StreamExt;
use headgate_events::refit;
use headgate_lake::{Committed, Lake, LakeTable, Note, Txn, caught};
use headgate_terms::{Error, Result, TableName, say};

use crate::plan::{BatchPlan, TablePlan, Work};
use crate::stage::{broken, merged};
use crate::tables::Tables;

/// Commits that are under way at once.
const COMMITS: usize = 8;

impl Tables {
    /// Commits what is not committed yet, but for tables that wait for an earlier batch. A table that fails
    /// for good refuses from then on. Returns the parts that landed.
    pub(crate) fn commit(
        &mut self,
        plan: &mut BatchPlan,
        note: &Note,
        waiting: &HashSet<TableName>,
    ) -> Vec<usize> {
        let (mut sending, mut landed, mut before) = (Vec::new(), Vec::new(), HashMap::new());
        for at in 0..plan.tables.len() {
            let (name, part) = (plan.table(at), &plan.tables[at]);
            if part.is_settled() {
                continue;
            }
            if matches!(part.work, Work::Nothing) {
                plan.tables[at].landed = true;
                continue;
            }
            if waiting.contains(&name) {
                plan.tables[at].error.get_or_insert_with(|| waits(&name));
                continue;
            }
            if let Some(error) = self.refusal(&name) {
                plan.tables[at].error = Some(error);
                continue;
            }
            let txn = Txn { app: plan.app(part), batch: plan.number };
            // Another may have finished it, and what was kept for it is gone since.
            if self.landed(&name, &txn.app).is_some_and(|has| has >= txn.batch) {
                self.arrived(plan, at, &txn, note);
                landed.push(at);
                continue;
            }
            if matches!(part.work, Work::Held | Work::Kept { .. }) {
                plan.tables[at].error.get_or_insert_with(|| waits(&name));
                continue;
            }
            let table = self.take(&name);
            before.insert(name.clone(), table.as_ref().map(LakeTable::version));
            sending.push((at, table, name, part.clone(), txn));
        }
        let (lake, planned) = (self.lake.clone(), plan.planned);
        let sent = futures::stream::iter(sending)
            .map(|(at, table, name, part, txn)| {
                let lake = &lake;
                async move {
                    let sent = send_part(lake, &name, table, &part, &txn, note, planned);
                    let landed = Box::pin(caught(sent)).await;
                    (at, name, landed)
                }
            })
            .buffer_unordered(COMMITS)
            .collect::<Vec<_>>();
        for (at, name, sent) in self.handle.block_on(sent) {
            match sent {
                Ok((table, committed)) => {
                    let part = &mut plan.tables[at];
                    if committed.is_found {
                        let txn = Txn { app: plan.app(&plan.tables[at]), batch: plan.number };
                        self.arrived(plan, at, &txn, note);
                    } else {
                        part.landed = true;
                        part.version = Some(committed.version);
                        if part.counts.is_merged {
                            part.counts.rows = committed.rows;
                        }
                        part.error = None;
                    }
                    if let Some(Some(known)) = before.get(&name) {
                        self.look_back(&name, &table, *known, committed.version);
                    }
                    self.keep(name, table);
                    landed.push(at);
                }
                Err(error) => {
                    tracing::warn!(table = %name, %error, "a table's part did not land");
                    if error.retryable || error.code == "table_changed" || is_missing(&error) {
                        self.look_at_anew(&name);
                    } else {
                        self.refuse(name, error.clone());
                    }
                    plan.tables[at].error = Some(error);
                }
            }
        }
        landed
    }

    /// Takes note of a part that is in its table already. What another installation brought, it has counted.
    fn arrived(&self, plan: &mut BatchPlan, at: usize, txn: &Txn, note: &Note) {
        let name = plan.table(at);
        let found = self.handle.block_on(caught(self.lake.arrival(&name, &txn.app, txn.batch)));
        let arrival = found.unwrap_or_default();
        let by = arrival.as_ref().and_then(|arrival| arrival.installation.as_ref());
        let is_counted = by.is_some_and(|by| *by != note.installation);
        let table = name.table;
        let part = &mut plan.tables[at];
        part.landed = true;
        part.version = arrival.as_ref().map(|arrival| arrival.version);
        part.error = None;
        part.counted |= is_counted;
        for route in plan.routes.iter_mut().filter(|route| route.tables.contains(&table)) {
            route.counted |= is_counted;
        }
    }
}

/// Whether files that a batch staged are gone.
pub(crate) fn is_missing(error: &Error) -> bool {
    matches!(error.code.as_ref(), "staged_file_missing" | "kept_file_missing")
}

fn waits(name: &TableName) -> Error {
    Error::new("table_waits", say!("The rows of `{}` wait for those of an earlier batch.", name))
        .hint("Run the sync again.")
        .retryable()
}

/// Sends one part to its table.
async fn send_part(
    lake: &Lake,
    name: &TableName,
    table: Option<LakeTable>,
    part: &TablePlan,
    txn: &Txn,
    note: &Note,
    planned: i64,
) -> Result<(LakeTable, Committed)> {
    let note = Note { rows: part.counts.rows, ..note.clone() };
    match &part.work {
        Work::Append { columns, statistics, adds } => {
            lake.append(name, table, &part.id, columns, statistics, adds, txn, &note).await
        }
        Work::Fold { columns, statistics, rows } => {
            let rows = lake.kept_rows(rows).await?;
            // Its columns may have other types by now than when the rows were made.
            let rows = match &table {
                Some(table) => {
                    let columns = merged(table.columns(), columns);
                    let fitted = refit(&rows, &name.table, &columns);
                    fitted.map_err(|error| broken(name, &error))?.0
                }
                None => rows,
            };
            lake.fold_in(name, table, &part.id, columns, statistics, &rows, txn, &note, planned)
                .await
        }
        Work::Held | Work::Kept { .. } | Work::Nothing => {
            Err(part.error.clone().unwrap_or_else(|| waits(name)))
        }
    }
}
