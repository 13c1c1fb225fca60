//! Lists and reads the tables of a lake.

use futures::StreamExt;
use headgate_lake::{Lake, Location, TableDetail, TableRows, caught};
use headgate_terms::{Error, Result};

use crate::App;
use crate::api::{
    FilesReport, HistoryReport, LakeRef, TableRef, TablesProgress, TablesReport, Unreadable,
};
use crate::cx::Cx;

/// How many rows the page shows of a table.
const ROWS: usize = 500;
/// How many tables are read at once.
const AT_ONCE: usize = 16;
/// After how many tables it is told how far the list is.
const TOLD: usize = 20;

impl App {
    /// Lists the tables of a lake.
    ///
    /// # Errors
    /// `lake_not_found`, `not_a_lake`.
    pub(crate) fn tables_list(&self, cx: &Cx, request: &LakeRef) -> Result<TablesReport> {
        let location = location(&request.lake)?;
        let lake = &self.runtime().block_on(caught(Lake::open(location)))?;
        let behind = headgate_sync::behind(self.data(), lake, self.runtime().handle())?;
        let behind = behind.into_iter().map(|(name, error)| Unreadable {
            schema: name.schema,
            table: name.table,
            error,
        });
        let behind = behind.collect();
        let report = self.runtime().block_on(caught(async {
            let names = lake.tables().await?;
            let all = names.len() as u64;
            let tell = |tables: usize| {
                cx.call.report(&TablesProgress { tables: tables as u64, all });
            };
            tell(0);
            let mut found = futures::stream::iter(names)
                .map(|name| async move { (caught(lake.summary(&name)).await, name) })
                .buffered(AT_ONCE);
            let (mut tables, mut unreadable) = (Vec::new(), Vec::new());
            while let Some((table, name)) = found.next().await {
                if cx.call.stopped() {
                    return Err(
                        Error::new("cancelled", "The list of tables was stopped.").retryable()
                    );
                }
                let read = tables.len() + unreadable.len() + 1;
                if read % TOLD == 0 {
                    tell(read);
                }
                match table {
                    Ok(table) => tables.push(table),
                    Err(error) => unreadable.push(Unreadable {
                        schema: name.schema,
                        table: name.table,
                        error,
                    }),
                }
            }
            Ok(TablesReport { v: 1, tables, unreadable, behind })
        }))?;
        Ok(report)
    }

    /// Shows one table, named `schema.table`, with its first rows.
    ///
    /// # Errors
    /// `table_not_found`, and as [`Self::tables_list`].
    pub(crate) fn tables_show(&self, _: &Cx, request: &TableRef) -> Result<TableDetail> {
        self.with_table(request, async |lake, name| lake.detail(name).await)
    }

    /// Shows the commits of one table.
    ///
    /// # Errors
    /// As [`Self::tables_show`].
    pub(crate) fn tables_history(&self, _: &Cx, request: &TableRef) -> Result<HistoryReport> {
        let commits = self.with_table(request, async |lake, name| lake.history(name).await)?;
        Ok(HistoryReport { v: 1, commits })
    }

    pub(crate) fn tables_rows(&self, _: &Cx, request: &TableRef) -> Result<TableRows> {
        self.with_table(request, async |lake, name| lake.rows(name, ROWS).await)
    }

    pub(crate) fn tables_files(&self, _: &Cx, request: &TableRef) -> Result<FilesReport> {
        let files = self.with_table(request, async |lake, name| lake.files(name).await)?;
        Ok(FilesReport { files })
    }

    fn with_table<T>(
        &self,
        request: &TableRef,
        look: impl AsyncFnOnce(&Lake, &headgate_terms::TableName) -> Result<T>,
    ) -> Result<T> {
        let location = location(&request.lake)?;
        self.runtime().block_on(caught(async {
            let lake = Lake::open(location).await?;
            look(&lake, &lake.named(&request.table).await?).await
        }))
    }
}

fn location(lake: &str) -> Result<Location> {
    Location::parse(lake).map_err(|error| error.field("lake"))
}
