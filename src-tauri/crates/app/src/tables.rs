//! Looking into a lake.

use headgate_lake::{CommitEntry, Lake, Location, TableDetail, TableSummary};
use headgate_terms::{Error, Result};
use serde::Serialize;

use crate::App;

/// The tables of a lake.
#[derive(Debug, Serialize)]
pub struct TablesReport {
    /// The shape's version.
    pub v: u32,
    /// In order of name.
    pub tables: Vec<TableSummary>,
    /// Tables that could not be read, and why.
    pub unreadable: Vec<Unreadable>,
}

/// A table that could not be read.
#[derive(Debug, Serialize)]
pub struct Unreadable {
    /// Its schema.
    pub schema: String,
    /// Its name there.
    pub table: String,
    /// What is wrong.
    pub error: Error,
}

/// The commits of a table.
#[derive(Debug, Serialize)]
pub struct HistoryReport {
    /// The shape's version.
    pub v: u32,
    /// Newest first.
    pub commits: Vec<CommitEntry>,
}

impl App {
    /// Lists the tables of a lake.
    ///
    /// # Errors
    /// `lake_not_found`, `not_a_lake`.
    pub fn tables_list(&self, lake: &str) -> Result<TablesReport> {
        let location = location(lake)?;
        self.runtime().block_on(async {
            let lake = Lake::open(location).await?;
            let (mut tables, mut unreadable) = (Vec::new(), Vec::new());
            for name in lake.tables().await? {
                match lake.summary(&name).await {
                    Ok(table) => tables.push(table),
                    Err(error) => unreadable.push(Unreadable {
                        schema: name.schema,
                        table: name.table,
                        error,
                    }),
                }
            }
            Ok(TablesReport { v: 1, tables, unreadable })
        })
    }

    /// Shows one table, named `schema.table`, with its first rows.
    ///
    /// # Errors
    /// `table_not_found`, and as [`Self::tables_list`].
    pub fn tables_show(&self, lake: &str, table: &str) -> Result<TableDetail> {
        let location = location(lake)?;
        self.runtime().block_on(async {
            let lake = Lake::open(location).await?;
            lake.detail(&lake.named(table).await?).await
        })
    }

    /// Shows the commits of one table.
    ///
    /// # Errors
    /// As [`Self::tables_show`].
    pub fn tables_history(&self, lake: &str, table: &str) -> Result<HistoryReport> {
        let location = location(lake)?;
        self.runtime().block_on(async {
            let lake = Lake::open(location).await?;
            let commits = lake.history(&lake.named(table).await?).await?;
            Ok(HistoryReport { v: 1, commits })
        })
    }
}

fn location(lake: &str) -> Result<Location> {
    Location::parse(lake).map_err(|error| error.field("lake"))
}
