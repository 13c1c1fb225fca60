//! Carrying out a recorded batch: its commits, once each, and what is left when one fails.
//!
//! Works on the plan alone; the files that the batch was read from are not looked at again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow_schema::Schema;
use futures::StreamExt;
use headgate_events::{
    Batch, Catalog, Discard, Existing, Line, Plan, Shredder, Table, arrow_field, discards_columns,
    fold, statistics_columns,
};
use headgate_lake::{Lake, Note, Txn, caught};
use headgate_terms::{Column, Error, Result, TableName, say};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::batch::held_lines;
use crate::plan::{BatchPlan, DISCARDS, TableCounts, TablePlan, Work};
use crate::window::Accepted;

/// Commits that are under way at once.
const COMMITS: usize = 8;

/// The lake as one run sees it: its tables, and those that refused.
pub(crate) struct LakeView {
    pub(crate) lake: Lake,
    pub(crate) handle: Handle,
    tables: HashMap<TableName, State>,
    versions: HashMap<TableName, u64>,
    /// Kept rows that no plan names any more, once the plan is settled.
    done_with: Vec<String>,
    most_columns: usize,
}

#[derive(Clone)]
enum State {
    No,
    Table(Vec<Column>),
    Refused(Error),
}

/// The tables of one schema, as a batch asks for them.
pub(crate) struct SchemaView<'v> {
    pub(crate) view: &'v mut LakeView,
    pub(crate) schema: &'v str,
    /// Only these can be written; none means all.
    pub(crate) only: Option<BTreeSet<String>>,
}

impl Catalog for SchemaView<'_> {
    fn table(&mut self, table: &str) -> Existing {
        if self.only.as_ref().is_some_and(|only| !only.contains(table)) {
            return Existing::Refused;
        }
        let name = TableName { schema: self.schema.to_owned(), table: table.to_owned() };
        match self.view.state(&name) {
            State::No => Existing::No,
            State::Table(columns) => Existing::Table(columns),
            State::Refused(_) => Existing::Refused,
        }
    }
}

impl LakeView {
    pub(crate) fn new(lake: Lake, handle: Handle, most_columns: usize) -> Self {
        Self {
            lake,
            handle,
            tables: HashMap::new(),
            versions: HashMap::new(),
            done_with: Vec::new(),
            most_columns,
        }
    }

    fn state(&mut self, name: &TableName) -> State {
        if let Some(state) = self.tables.get(name) {
            return state.clone();
        }
        let state = match self.handle.block_on(self.lake.table(name)) {
            Ok(None) => State::No,
            Ok(Some(table)) => {
                self.versions.insert(name.clone(), table.version());
                State::Table(table.columns().to_vec())
            }
            Err(error) => State::Refused(error),
        };
        self.tables.insert(name.clone(), state.clone());
        state
    }

    /// Why a table refuses, if it does.
    fn refusal(&mut self, name: &TableName) -> Option<Error> {
        match self.state(name) {
            State::Refused(error) => Some(error),
            State::No | State::Table(_) => None,
        }
    }

    fn refuse(&mut self, name: TableName, error: Error) {
        self.tables.insert(name, State::Refused(error));
    }

    /// Makes the parts of a batch that has been read: files are written, nothing is committed.
    pub(crate) fn stage(
        &mut self,
        schema: &str,
        batch: Batch,
        plan: Plan,
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
        let mut refusals = Vec::new();
        for table in &tables {
            refusals.push(self.refusal(&name(&table.name)));
        }
        let (lake, two) = (self.lake.clone(), Arc::new(Semaphore::new(2)));
        let tasks: Vec<_> = tables
            .into_iter()
            .zip(reasons)
            .zip(refusals)
            .map(|((table, discards), refusal)| {
                let (lake, two, name) = (lake.clone(), two.clone(), name(&table.name));
                self.handle.spawn(async move {
                    let _turn = two.acquire().await;
                    Box::pin(caught(stage_table(&lake, &name, table, discards, refusal, plan)))
                        .await
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
                Work::Merge { rows, .. } | Work::Kept { rows } => {
                    self.handle.block_on(self.lake.forget(rows));
                }
                Work::Nothing | Work::Held => {}
            }
        }
    }

    fn stage_discards(
        &mut self,
        name: &TableName,
        discards: &[Discard],
        plan: Plan,
        run: &str,
    ) -> Result<TablePlan> {
        let rows = crate::plan::discard_rows(discards, plan.planned, run)?;
        let refusal = self.refusal(name);
        let work = if refusal.is_some() {
            Work::Kept { rows: self.handle.block_on(caught(self.lake.keep(&rows)))? }
        } else {
            let columns = discards_columns();
            let statistics = statistics_columns(&columns);
            let adds =
                self.handle.block_on(caught(self.lake.stage(name, &statistics, [Ok(rows)])))?;
            Work::Append { columns, statistics, adds }
        };
        let counts = TableCounts { rows: discards.len() as u64, ..TableCounts::default() };
        Ok(part(name, work, counts, refusal))
    }

    /// Remembers what a batch makes of the tables, so that the next one builds on it.
    pub(crate) fn remember(&mut self, plan: &BatchPlan) {
        for table in &plan.tables {
            let name = TableName { schema: plan.schema.clone(), table: table.table.clone() };
            let refused = matches!(self.tables.get(&name), Some(State::Refused(_)));
            if let Work::Append { columns, .. } | Work::Merge { columns, .. } = &table.work
                && !refused
            {
                self.tables.insert(name, State::Table(columns.clone()));
            }
        }
    }

    /// Reads the lines and rows that were kept for tables that refused, where they no longer do.
    pub(crate) fn take_up(&mut self, plan: &mut BatchPlan) -> Result<()> {
        let mut only = BTreeSet::new();
        for at in 0..plan.tables.len() {
            let name = table_name(plan, at);
            if plan.tables[at].landed {
                continue;
            }
            match (&plan.tables[at].work, self.refusal(&name)) {
                (Work::Held | Work::Kept { .. }, Some(error)) => {
                    plan.tables[at].error = Some(error);
                }
                (Work::Held, None) => {
                    only.insert(name.table);
                }
                (Work::Kept { rows }, None) => {
                    self.done_with.push(rows.clone());
                    let rows = self.handle.block_on(caught(self.lake.kept_rows(rows)))?;
                    let columns = discards_columns();
                    let statistics = statistics_columns(&columns);
                    let staging = self.lake.stage(&name, &statistics, [Ok(rows)]);
                    let adds = self.handle.block_on(caught(staging))?;
                    plan.tables[at].work = Work::Append { columns, statistics, adds };
                }
                _ => {}
            }
        }
        let Some(path) = plan.held_lines.clone().filter(|_| !only.is_empty()) else {
            return Ok(());
        };
        let lines = match held_lines(&path) {
            Ok(lines) => lines,
            Err(error) => {
                for table in plan.tables.iter_mut().filter(|table| only.contains(&table.table)) {
                    table.error = Some(error.clone());
                }
                return Ok(());
            }
        };
        let events = Plan { planned: plan.planned, most_columns: self.most_columns };
        let schema = plan.schema.clone();
        let mut catalog = SchemaView { view: self, schema: &schema, only: Some(only.clone()) };
        let mut shredder = Shredder::new(events, &mut catalog);
        for (number, (id, line)) in (1..).zip(lines) {
            let line = Line { bytes: &line, source: &plan.source, path: "", number, id: Some(&id) };
            shredder.push(&line, &mut Accepted);
        }
        let mut batch = shredder.finish();
        batch.tables.retain(|table| only.contains(&table.name));
        for mut part in self.stage(&schema, batch, events, &plan.run)? {
            if part.table == DISCARDS {
                // The batch may have landed there already under its own name.
                part.app_suffix = format!("/{}", uuid::Uuid::new_v4());
                plan.tables.push(part);
            } else if let Some(held) = plan.tables.iter_mut().find(|t| t.table == part.table) {
                part.counts.duplicate = held.counts.duplicate;
                *held = part;
            }
        }
        Ok(())
    }

    /// Commits what is not committed yet. A table that fails is left, and refuses from then on.
    pub(crate) fn commit(&mut self, plan: &mut BatchPlan, run: &str) {
        let mut sending = Vec::new();
        for at in 0..plan.tables.len() {
            let table = &plan.tables[at];
            if table.landed {
                continue;
            }
            // Files of a table that refused an earlier batch wait for that batch.
            if !matches!(table.work, Work::Nothing)
                && let Some(error) = self.refusal(&table_name(plan, at))
            {
                plan.tables[at].error = Some(error);
                continue;
            }
            sending.push((at, table_name(plan, at), table.clone(), plan.app.clone()));
        }
        let (lake, batch) = (&self.lake, plan.number);
        let sent = futures::stream::iter(sending)
            .map(|(at, name, table, app)| async move {
                let txn = Txn { app: format!("{app}{}", table.app_suffix), batch };
                let note = Note { run: run.to_owned(), rows: table.counts.rows };
                let landed = caught(async {
                    match &table.work {
                        Work::Nothing => Ok(None),
                        Work::Append { columns, statistics, adds } => lake
                            .append(&name, columns, statistics, adds, &txn, &note)
                            .await
                            .map(Some),
                        Work::Merge { columns, rows } => {
                            lake.merge(&name, columns, rows, &txn, &note).await.map(Some)
                        }
                        Work::Held | Work::Kept { .. } => {
                            Err(table.error.clone().unwrap_or_else(|| {
                                Error::new("table_waits", say!("The rows of `{}` wait.", name))
                                    .hint("Run the sync again.")
                            }))
                        }
                    }
                })
                .await;
                (at, landed)
            })
            .buffer_unordered(COMMITS)
            .collect::<Vec<_>>();
        for (at, landed) in self.handle.block_on(sent) {
            match landed {
                Ok(landed) => {
                    let name = table_name(plan, at);
                    if let Some(landed) = landed {
                        self.versions.insert(name.clone(), landed.version);
                    }
                    plan.tables[at].landed = true;
                    plan.tables[at].version = self.versions.get(&name).copied();
                    plan.tables[at].error = None;
                }
                Err(error) => {
                    tracing::warn!(table = %table_name(plan, at), %error, "a table's part did not land");
                    self.refuse(table_name(plan, at), error.clone());
                    plan.tables[at].error = Some(error);
                }
            }
        }
        for table in plan.tables.iter().filter(|table| table.landed) {
            if let Work::Merge { rows, .. } = &table.work {
                self.done_with.push(rows.clone());
            }
        }
    }

    /// Gives up rows that no plan names any more; to be called once the plans are settled.
    pub(crate) fn clean_up(&mut self) {
        for rows in std::mem::take(&mut self.done_with) {
            self.handle.block_on(self.lake.forget(&rows));
        }
    }
}

fn table_name(plan: &BatchPlan, at: usize) -> TableName {
    TableName { schema: plan.schema.clone(), table: plan.tables[at].table.clone() }
}

fn part(name: &TableName, work: Work, counts: TableCounts, error: Option<Error>) -> TablePlan {
    TablePlan {
        table: name.table.clone(),
        work,
        counts,
        landed: false,
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
    plan: Plan,
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
    if refusal.is_some() && table.accepted > 0 {
        let (duplicate, is_merged) = (table.duplicate, table.merged);
        let counts = TableCounts { is_merged, duplicate, ..TableCounts::default() };
        return Ok(part(name, Work::Held, counts, refusal));
    }
    if table.rows == 0 {
        counts.columns_added.clear();
        return Ok(part(name, Work::Nothing, counts, None));
    }
    let statistics = statistics_columns(&columns);
    let broken = |error: &dyn std::fmt::Display| {
        Error::new(
            "internal",
            say!("The rows of `{}` do not fit together: {}.", name, error.to_string()),
        )
        .hint("Keep the input; this is a defect in Headgate.")
    };
    if !table.merged {
        let rows = table.batches().map(|batch| batch.map_err(|error| broken(&error)));
        let adds = lake.stage(name, &statistics, rows).await?;
        return Ok(part(name, Work::Append { columns, statistics, adds }, counts, None));
    }
    let before = if table.existing {
        let ids = table.ids().ok_or_else(|| broken(&"no ids"))?;
        let fields: Vec<_> = columns.iter().map(arrow_field).collect();
        let fields = Schema::new(fields);
        match lake.table(name).await? {
            Some(open) => Some(lake.rows_with_ids(name, &open, &fields, ids).await?),
            None => None,
        }
    } else {
        None
    };
    let folded = fold(&table, before.as_ref(), plan.planned).map_err(|error| broken(&error))?;
    counts.rows = folded.users;
    let work = if folded.changed.num_rows() == 0 {
        let adds = lake.stage(name, &statistics, [Ok(folded.new)]).await?;
        Work::Append { columns, statistics, adds }
    } else {
        let rows = folded.all().map_err(|error| broken(&error))?;
        Work::Merge { columns, rows: lake.keep(&rows).await? }
    };
    Ok(part(name, work, counts, None))
}
