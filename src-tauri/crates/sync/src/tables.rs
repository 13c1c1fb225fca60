//! [`Tables`]: the tables of a lake as one run or one preview sees them, that is which are open, their
//! columns, and which refuse to be written.
//!
//! Each table is opened once and then kept up to date. Columns that a batch plans are remembered for the next.

use std::collections::{BTreeSet, HashMap};

use headgate_events::{Catalog, DISCARDS, Existing, discards_columns, misfit};
use headgate_lake::{Lake, LakeTable, caught};
use headgate_terms::{Column, Error, Result, TableName, say};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::choice::Chosen;
use crate::plan::{BatchPlan, Work};
use crate::summary::table_behind;

/// The tables of a lake.
pub(crate) struct Tables {
    pub(crate) lake: Lake,
    pub(crate) handle: Handle,
    pub(crate) most_columns: usize,
    states: HashMap<TableName, State>,
    open: HashMap<TableName, LakeTable>,
    /// The ids of tables that batches are to make.
    ids: HashMap<TableName, String>,
    /// Tables that were put back before a commit of this run, by the version that did, and what to say.
    pub(crate) put_back: HashMap<TableName, (u64, Error)>,
}

#[derive(Clone)]
pub(crate) enum State {
    No,
    Table(Vec<Column>),
    Refused(Error),
}

/// The tables of one schema, as the catalog of a batch.
pub(crate) struct SchemaView<'v> {
    pub(crate) tables: &'v mut Tables,
    pub(crate) schema: &'v str,
    /// Only these can be written; `None` means all.
    pub(crate) only: Option<BTreeSet<String>>,
    /// Types for columns that they do not have yet.
    pub(crate) chosen: &'v Chosen,
}

impl Catalog for SchemaView<'_> {
    fn table(&mut self, table: &str) -> Existing {
        if self.only.as_ref().is_some_and(|only| !only.contains(table)) {
            return Existing::Refused;
        }
        let name = TableName { schema: self.schema.to_owned(), table: table.to_owned() };
        match self.tables.state(&name) {
            State::No => Existing::No,
            State::Table(columns) => Existing::Table(columns),
            State::Refused(_) => Existing::Refused,
        }
    }

    fn chosen(&mut self, table: &str) -> Vec<Column> {
        self.chosen.of_table(table)
    }
}

impl Tables {
    pub(crate) fn new(lake: Lake, handle: Handle, most_columns: usize) -> Self {
        Self {
            lake,
            handle,
            most_columns,
            states: HashMap::new(),
            open: HashMap::new(),
            ids: HashMap::new(),
            put_back: HashMap::new(),
        }
    }

    pub(crate) fn state(&mut self, name: &TableName) -> State {
        if let Some(state) = self.states.get(name) {
            return state.clone();
        }
        let state = match self.look(name) {
            Ok(None) => State::No,
            Ok(Some(columns)) => State::Table(columns),
            // What may pass must not refuse the table for the rest of the run.
            Err(error) if error.retryable => return State::Refused(error),
            Err(error) => State::Refused(error),
        };
        self.states.insert(name.clone(), state.clone());
        state
    }

    /// Opens a table, or brings it up to date.
    fn look(&mut self, name: &TableName) -> Result<Option<Vec<Column>>> {
        let table = match self.open.remove(name) {
            Some(table) => Some(self.handle.block_on(caught(self.newer(name, table)))?),
            None => self.handle.block_on(caught(self.lake.table(name)))?,
        };
        let Some(table) = table else { return Ok(None) };
        if name.table == "users" {
            table.refuse_rewriting(name)?;
        }
        let unfit = if name.table == DISCARDS {
            changed(table.columns(), &discards_columns())
        } else {
            misfit(table.columns())
        };
        if let Some(column) = unfit {
            return Err(Error::new(
                "unsupported_table",
                say!(
                    "Column `{}` of `{}` is not a {}, which Headgate needs there.",
                    column.name,
                    name,
                    column.kind
                ),
            )
            .hint("Rewrite the column with that type, or move the table away and fill it again with `--again --refill`."));
        }
        let columns = table.columns().to_vec();
        self.open.insert(name.clone(), table);
        Ok(Some(columns))
    }

    /// A table as it is by now, unless it was put back to an earlier state meanwhile.
    async fn newer(&self, name: &TableName, table: LakeTable) -> Result<LakeTable> {
        let before = table.version();
        let table = self.lake.refresh(name, table).await?;
        match self.restored(name, &table, before).await? {
            Some((_, error)) => Err(error),
            None => Ok(table),
        }
    }

    /// Whether a table was put back to an earlier state since a version: by which version, and what to say.
    async fn restored(
        &self,
        name: &TableName,
        table: &LakeTable,
        since: u64,
    ) -> Result<Option<(u64, Error)>> {
        let restored = self.lake.restored(name, table, since).await?;
        Ok(restored.map(|restored| {
            let what = say!(
                "`{}` was restored to an earlier version by commit {}, which took {} rows away",
                name,
                restored.version,
                restored.rows
            );
            (restored.version, table_behind(name, &what))
        }))
    }

    /// Looks whether a table was put back between the version that was known and a commit of this run.
    pub(crate) fn look_back(&mut self, name: &TableName, table: &LakeTable, known: u64, now: u64) {
        if now <= known + 1 {
            return;
        }
        match self.handle.block_on(caught(self.restored(name, table, known))) {
            Ok(Some(found)) if found.0 < now => {
                self.put_back.insert(name.clone(), found);
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(table = %name, %error, "commits of others are not known"),
        }
    }

    /// Why a table refuses, if it does.
    pub(crate) fn refusal(&mut self, name: &TableName) -> Option<Error> {
        match self.state(name) {
            State::Refused(error) => Some(error),
            State::No | State::Table(_) => None,
        }
    }

    /// Looks at a table as it is, whatever it lacks.
    pub(crate) fn accept(&mut self, name: &TableName) -> Result<()> {
        self.states.remove(name);
        self.refusal(name).map_or(Ok(()), Err)
    }

    /// Whether a table refuses for the rest of the run.
    pub(crate) fn refuses(&self, name: &TableName) -> bool {
        matches!(self.states.get(name), Some(State::Refused(_)))
    }

    pub(crate) fn refuse(&mut self, name: TableName, error: Error) {
        self.open.remove(&name);
        self.states.insert(name, State::Refused(error));
    }

    /// Reads the tables of a schema again when they are next used: others may have written.
    pub(crate) fn look_anew(&mut self, schema: &str) {
        self.states
            .retain(|name, state| name.schema != schema || matches!(state, State::Refused(_)));
    }

    /// Reads one table again, whatever was known of it.
    pub(crate) fn look_at_anew(&mut self, name: &TableName) {
        self.states.remove(name);
    }

    /// The open table, to be given back with [`Self::keep`].
    pub(crate) fn take(&mut self, name: &TableName) -> Option<LakeTable> {
        self.open.remove(name)
    }

    /// Keeps a table as a commit left it.
    pub(crate) fn keep(&mut self, name: TableName, table: LakeTable) {
        self.open.insert(name, table);
    }

    /// The table as it was looked at last, if there is one.
    pub(crate) fn known(&mut self, name: &TableName) -> Option<&LakeTable> {
        self.state(name);
        self.open.get(name)
    }

    /// The id that a table has or is to get, and its version if it is there.
    pub(crate) fn identity(&mut self, name: &TableName) -> (String, Option<u64>) {
        if let Some(table) = self.known(name) {
            return (table.id().to_owned(), Some(table.version()));
        }
        if !self.ids.contains_key(name) {
            // One that refuses its writers has an id all the same.
            let asked = self.refusal(name).filter(|error| error.code != "foreign_table");
            let its = asked.and_then(|_| self.handle.block_on(caught(self.lake.id_of(name))).ok());
            let id = its.flatten().unwrap_or_else(|| Uuid::new_v4().to_string());
            self.ids.insert(name.clone(), id);
        }
        (self.ids[name].clone(), None)
    }

    /// The last batch of an application that a table has.
    pub(crate) fn landed(&mut self, name: &TableName, app: &str) -> Option<i64> {
        self.known(name).and_then(|table| table.txn(app))
    }

    /// Remembers what a batch makes of the tables.
    pub(crate) fn remember(&mut self, plan: &BatchPlan) {
        for (at, part) in plan.tables.iter().enumerate() {
            let name = plan.table(at);
            if part.is_settled() || matches!(self.states.get(&name), Some(State::Refused(_))) {
                continue;
            }
            if let Work::Append { columns, .. } | Work::Fold { columns, .. } = &part.work {
                self.ids.entry(name.clone()).or_insert_with(|| part.id.clone());
                self.states.insert(name, State::Table(columns.clone()));
            }
        }
    }
}

/// The first of some columns that a table has with another type, as it should be.
fn changed(has: &[Column], wanted: &[Column]) -> Option<Column> {
    let differs = |wanted: &&Column| {
        has.iter().any(|has| has.name.eq_ignore_ascii_case(&wanted.name) && has.kind != wanted.kind)
    };
    wanted.iter().find(differs).cloned()
}

#[cfg(test)]
mod tests {
    use headgate_terms::ColumnType::{self, BigInt, String as Text, Timestamp};

    use super::*;

    #[test]
    fn a_column_of_another_type_is_found_and_told_as_it_should_be() {
        let columns = |all: &[(&str, ColumnType)]| -> Vec<Column> {
            all.iter().map(|&(name, kind)| Column { name: name.to_owned(), kind }).collect()
        };
        let wanted = columns(&[("reason", Text), ("received_at", Timestamp)]);
        for (has, found) in [
            (columns(&[("reason", Text), ("received_at", Timestamp)]), None),
            // One that is not there is added, and others are none of ours.
            (columns(&[("more", BigInt)]), None),
            (columns(&[("RECEIVED_AT", Timestamp), ("reason", Text)]), None),
            (columns(&[("Received_At", Text)]), Some("received_at")),
            (columns(&[("received_at", Text), ("reason", BigInt)]), Some("reason")),
        ] {
            let differs = changed(&has, &wanted);
            assert_eq!(differs.as_ref().map(|column| &*column.name), found);
            assert!(differs.is_none_or(|column| wanted.contains(&column)));
        }
    }
}
