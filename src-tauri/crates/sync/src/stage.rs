//! Makes the parts of a batch, without committing them: files of rows, rows to merge into `users`, and lines
//! that are held for tables that refuse them.
//!
//! When such a table no longer refuses, its held lines and rows are staged here too, and staged rows are
//! converted for a table that has changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use headgate_events::{
    Batch, DISCARDS, Discard, Line, ShredOptions, Shredder, Table, discards_columns, refit,
    statistics_columns,
};
use headgate_lake::{Lake, caught};
use headgate_terms::{Column, Error, Result, TableName, say};
use tokio::sync::Semaphore;

use crate::batch::held_lines;
use crate::plan::{BatchPlan, TableCounts, TablePlan, Work};
use crate::tables::{SchemaView, State, Tables};
use crate::window::{Accepted, hash};

impl Tables {
    /// Makes the parts of a batch that has been read: files are written, nothing is committed.
    pub(crate) fn stage(
        &mut self,
        schema: &str,
        batch: Batch,
        plan: ShredOptions,
        run: &str,
    ) -> Result<Vec<TablePlan>> {
        let Batch { tables, discards, left_out, .. } = batch;
        let name = |table: &str| TableName { schema: schema.to_owned(), table: table.to_owned() };
        let mut reasons: HashMap<&str, BTreeMap<String, u64>> = HashMap::new();
        for discard in &discards {
            let of_table = reasons.entry(&discard.table).or_default();
            *of_table.entry(discard.reason.code().to_owned()).or_default() += 1;
        }
        for ((table, reason), count) in &left_out {
            let of_table = reasons.entry(table).or_default();
            *of_table.entry(reason.code().to_owned()).or_default() += count;
        }
        let reasons: Vec<_> = tables
            .iter()
            .map(|table| reasons.remove(table.name.as_str()).unwrap_or_default())
            .collect();
        let mut known = Vec::new();
        for table in &tables {
            let name = name(&table.name);
            known.push((self.refusal(&name), self.identity(&name)));
        }
        let (lake, two) = (self.lake.clone(), Arc::new(Semaphore::new(2)));
        let tasks: Vec<_> = tables
            .into_iter()
            .zip(reasons)
            .zip(known)
            .map(|((table, discards), (refusal, identity))| {
                let (lake, two, name) = (lake.clone(), two.clone(), name(&table.name));
                self.handle.spawn(async move {
                    let _turn = two.acquire().await;
                    let staging = stage_table(&lake, &name, table, discards, refusal, identity);
                    Box::pin(caught(staging)).await
                })
            })
            .collect();
        let (mut parts, mut failure) = (Vec::new(), None);
        for task in tasks {
            match self.handle.block_on(task) {
                Ok(Ok(part)) => parts.push(part),
                Ok(Err(error)) => failure = Some(error),
                Err(error) => {
                    let broken = say!("Writing a table's files broke off: {}.", error.to_string());
                    failure = Some(
                        Error::new("internal", broken).hint("Run it again; nothing was committed."),
                    );
                }
            }
        }
        if failure.is_none() && !discards.is_empty() {
            match self.stage_discards(&name(DISCARDS), &discards, plan, run) {
                Ok(part) => parts.push(part),
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            None => Ok(parts),
            Some(error) => {
                self.give_up(schema, &parts);
                Err(error)
            }
        }
    }

    /// Removes the files of parts that no plan will name.
    pub(crate) fn give_up(&self, schema: &str, parts: &[TablePlan]) {
        for part in parts {
            let name = TableName { schema: schema.to_owned(), table: part.table.clone() };
            match &part.work {
                Work::Append { adds, .. } => {
                    self.handle.block_on(self.lake.unstage(&name, adds));
                }
                Work::Fold { rows, .. } | Work::Kept { rows } => {
                    self.handle.block_on(self.lake.forget(rows));
                }
                Work::Nothing | Work::Held => {}
            }
        }
    }

    /// A part of a batch in a table as it is.
    pub(crate) fn part(&mut self, name: &TableName, work: Work) -> TablePlan {
        part(name, work, TableCounts::default(), None, self.identity(name))
    }

    fn stage_discards(
        &mut self,
        name: &TableName,
        discards: &[Discard],
        plan: ShredOptions,
        run: &str,
    ) -> Result<TablePlan> {
        let rows = crate::plan::discard_rows(discards, plan.planned, run)?;
        let refusal = self.refusal(name);
        let identity = self.identity(name);
        let work = if refusal.is_some() {
            Work::Kept { rows: self.handle.block_on(caught(self.lake.keep([Ok(rows)])))? }
        } else {
            let columns = discards_columns();
            let statistics = statistics_columns(DISCARDS, &columns);
            let adds =
                self.handle.block_on(caught(self.lake.stage(name, &statistics, [Ok(rows)])))?;
            Work::Append { columns, statistics, adds }
        };
        let counts = TableCounts { rows: discards.len() as u64, ..TableCounts::default() };
        Ok(part(name, work, counts, refusal, identity))
    }

    /// Reads the lines and rows that were kept for tables that refused, where they no longer do. What
    /// fails for one table is that table's error. Says whether there is something new to commit.
    pub(crate) fn stage_waiting(&mut self, plan: &mut BatchPlan) -> bool {
        let (mut only, mut is_new) = (BTreeSet::new(), false);
        for at in 0..plan.tables.len() {
            let name = plan.table(at);
            let has = self.landed(&name, &plan.app(&plan.tables[at]));
            if plan.tables[at].is_settled() || has.is_some_and(|has| has >= plan.number) {
                continue;
            }
            match (plan.tables[at].work.clone(), self.refusal(&name)) {
                (_, Some(error)) => plan.tables[at].error = Some(error),
                (Work::Held, None) => {
                    only.insert(name.table);
                }
                (Work::Kept { rows }, None) => match self.stage_kept(&name, &rows) {
                    Ok(work) => {
                        plan.tables[at].work = work;
                        is_new = true;
                    }
                    Err(error) => plan.tables[at].error = Some(error),
                },
                _ => {}
            }
        }
        let Some(file) = plan.held_lines.clone().filter(|_| !only.is_empty()) else {
            return is_new;
        };
        let kept = self.handle.block_on(caught(self.lake.kept_lines(&file)));
        let parts = kept.and_then(|lines| self.stage_held(plan, &only, &lines));
        match parts {
            Ok(parts) => {
                is_new = true;
                for mut part in parts {
                    if part.table == DISCARDS {
                        // The batch may have landed there already under its own name.
                        part.app_suffix = suffix(only.iter().map(String::as_str));
                        plan.tables.push(part);
                    } else if let Some(held) =
                        plan.tables.iter_mut().find(|held| held.table == part.table)
                    {
                        part.counts.duplicate = held.counts.duplicate;
                        (part.id, part.base) = (held.id.clone(), held.base);
                        *held = part;
                    }
                }
            }
            Err(error) => {
                for table in plan.tables.iter_mut().filter(|table| only.contains(&table.table)) {
                    table.error = Some(error.clone());
                }
            }
        }
        is_new
    }

    fn stage_kept(&self, name: &TableName, rows: &str) -> Result<Work> {
        let rows = self.handle.block_on(caught(self.lake.kept_rows(rows)))?;
        let columns = discards_columns();
        let statistics = statistics_columns(DISCARDS, &columns);
        let staging = self.lake.stage(name, &statistics, [Ok(rows)]);
        let adds = self.handle.block_on(caught(staging))?;
        Ok(Work::Append { columns, statistics, adds })
    }

    /// Makes the rows of some tables from lines that were held for them.
    fn stage_held(
        &mut self,
        plan: &BatchPlan,
        only: &BTreeSet<String>,
        lines: &[u8],
    ) -> Result<Vec<TablePlan>> {
        let events = ShredOptions { planned: plan.planned, most_columns: self.most_columns };
        let mut catalog = SchemaView {
            tables: self,
            schema: &plan.schema,
            only: Some(only.clone()),
            chosen: &plan.chosen,
        };
        let mut shredder = Shredder::new(events, &mut catalog);
        for held in held_lines(lines) {
            let (head, line) = held.map_err(|error| {
                Error::new(
                    "lake_damaged",
                    say!("The lines that wait in the lake cannot be read: {}.", error),
                )
                .hint("Give them up with `headgate runs release`, and fill the table again.")
            })?;
            let line = Line {
                bytes: line,
                source: &plan.source,
                path: &head.file,
                number: head.line,
                id: Some(&head.id),
            };
            shredder.push(&line, &mut Accepted);
        }
        let mut batch = shredder.finish();
        batch.tables.retain(|table| only.contains(&table.name));
        self.stage(&plan.schema, batch, events, &plan.run)
    }

    /// Makes the staged rows of a part fit its table, which has other columns by now (E13). Says whether
    /// there is something new to commit.
    pub(crate) fn refit(&mut self, plan: &mut BatchPlan, at: usize) -> Result<bool> {
        let name = plan.table(at);
        let State::Table(columns) = self.state(&name) else { return Ok(false) };
        let part = &plan.tables[at];
        let Work::Append { columns: staged_for, adds, .. } = &part.work else { return Ok(false) };
        let rows = self.handle.block_on(caught(self.lake.staged_rows(&name, adds)))?;
        let columns = merged(&columns, staged_for);
        let (mut batches, mut discards) = (Vec::new(), Vec::new());
        for rows in rows {
            let (rows, more) =
                refit(&rows, &name.table, &columns).map_err(|error| broken(&name, &error))?;
            batches.push(Ok(rows));
            discards.extend(more);
        }
        let statistics = statistics_columns(&name.table, &columns);
        let staging = self.lake.stage(&name, &statistics, batches);
        let adds = self.handle.block_on(caught(staging))?;
        // The lake's record names the old files for ever: who takes the batch over makes them fit again.
        plan.tables[at].work = Work::Append { columns, statistics, adds };
        if !discards.is_empty() {
            for discard in &discards {
                let counts = &mut plan.tables[at].counts.discards;
                *counts.entry(discard.reason.code().to_owned()).or_default() += 1;
            }
            let into = TableName { schema: plan.schema.clone(), table: DISCARDS.to_owned() };
            let events = ShredOptions { planned: plan.planned, most_columns: self.most_columns };
            let mut part = self.stage_discards(&into, &discards, events, &plan.run)?;
            part.app_suffix = suffix(["refit", &name.table]);
            plan.tables.push(part);
        }
        Ok(true)
    }
}

/// What tells the values set aside of a batch's rows that came late from those that came with it: whoever takes
/// the same rows up comes to the same.
fn suffix<'t>(tables: impl IntoIterator<Item = &'t str>) -> String {
    let names: Vec<&str> = tables.into_iter().collect();
    format!("/{:016x}", hash(&names.join("/")) as u64)
}

/// The columns that a table has, and those that a batch adds, which it may have in another spelling.
pub(crate) fn merged(has: &[Column], adds: &[Column]) -> Vec<Column> {
    let known = |name: &str| has.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    has.iter().chain(adds.iter().filter(|column| !known(&column.name))).cloned().collect()
}

pub(crate) fn broken(name: &TableName, error: &dyn std::fmt::Display) -> Error {
    Error::new(
        "internal",
        say!("The rows of `{}` do not fit together: {}.", name, error.to_string()),
    )
    .hint("Keep the input; this is a defect in Headgate.")
}

fn part(
    name: &TableName,
    work: Work,
    counts: TableCounts,
    error: Option<Error>,
    (id, base): (String, Option<u64>),
) -> TablePlan {
    TablePlan {
        table: name.table.clone(),
        id,
        base,
        work,
        counts,
        landed: false,
        released: false,
        version: None,
        counted: false,
        error,
        app_suffix: String::new(),
    }
}

/// Writes the files of one table.
async fn stage_table(
    lake: &Lake,
    name: &TableName,
    table: Table,
    discards: BTreeMap<String, u64>,
    refusal: Option<Error>,
    identity: (String, Option<u64>),
) -> Result<TablePlan> {
    let columns = table.schema();
    let mut counts = TableCounts {
        rows: u64::from(table.rows),
        is_merged: table.merged,
        duplicate: table.duplicate,
        discards,
        created: !table.existing && table.rows > 0,
        columns_added: table
            .columns
            .iter()
            .filter(|column| !column.existing)
            .map(|column| column.column.clone())
            .collect(),
    };
    if table.refused && table.accepted > 0 {
        let (duplicate, is_merged) = (table.duplicate, table.merged);
        let counts = TableCounts { is_merged, duplicate, ..TableCounts::default() };
        return Ok(part(name, Work::Held, counts, refusal, identity));
    }
    if table.rows == 0 {
        counts.columns_added.clear();
        return Ok(part(name, Work::Nothing, counts, None, identity));
    }
    let statistics = statistics_columns(&name.table, &columns);
    let rows = table.batches().map(|batch| batch.map_err(|error| broken(name, &error)));
    let work = if table.merged {
        Work::Fold { columns, statistics, rows: lake.keep(rows).await? }
    } else {
        Work::Append { adds: lake.stage(name, &statistics, rows).await?, columns, statistics }
    };
    Ok(part(name, work, counts, None, identity))
}
