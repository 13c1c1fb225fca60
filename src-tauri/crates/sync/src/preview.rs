//! What a sync would make of some events, decided as a run decides and written nowhere.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use headgate_events::{Catalog, Discard, Existing, Plan, Table, TableColumn, fold};
use headgate_lake::{Lake, Location};
use headgate_store::Store;
use headgate_terms::{Column, ColumnType, Error, Result, TableName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::batch::{Aside, Entry, Feed, Stopped};
use crate::folder::DataFolder;
use crate::report::Damaged;
use crate::run::RunRequest;
use crate::source::{DataFile, find};
use crate::window::{Known, SeenWindow};

/// What to look at.
#[derive(Debug, Clone)]
pub struct PreviewRequest {
    /// A folder or a file.
    pub from: PathBuf,
    /// A lake to compare with.
    pub lake: Option<String>,
    /// The source's name; none takes it from the files' place.
    pub source: Option<String>,
    /// Where earlier runs are remembered.
    pub data: DataFolder,
}

/// What would come of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Preview {
    /// The shape's version.
    pub v: u32,
    /// Events in total.
    pub events: PreviewEvents,
    /// The tables that would get rows.
    pub tables: Vec<PreviewTable>,
    /// Values that would be set aside.
    pub discards: Vec<PreviewDiscard>,
    /// Files that cannot be read, or not to their end.
    pub damaged: Vec<Damaged>,
}

/// How many events there are.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct PreviewEvents {
    /// Lines that are events or meant to be.
    pub received: u64,
    /// Those that landed before.
    pub duplicate: u64,
    /// Lines that are no event.
    pub rejected: u64,
}

/// A table as it would be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PreviewTable {
    /// Its schema.
    pub schema: String,
    /// Its name there.
    pub table: String,
    /// `new`, `changed` or `unchanged`.
    pub state: String,
    /// Rows it would get; merged rows for `users`.
    pub rows: u64,
    /// All its columns.
    pub columns: Vec<PreviewColumn>,
    /// Why a run could not write it.
    pub error: Option<Error>,
}

/// A column as it would be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PreviewColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// `new`, `unchanged` or `conflict`.
    pub state: String,
    /// The paths that fill it, as sent.
    pub from: Vec<String>,
    /// Rows that would have a value.
    pub filled: u64,
    /// Values that its type cannot hold.
    pub discarded: u64,
}

/// Values set aside, with one of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PreviewDiscard {
    /// The table whose rows would miss them.
    pub table: String,
    /// Its column, or the path as sent where there is none.
    pub column: String,
    /// Why.
    pub reason: String,
    /// How many.
    pub count: u64,
    /// One of them.
    pub sample: String,
}

/// Looks at events as a run would whose files are all new.
///
/// # Errors
/// As a run before it begins, and when something cannot be read.
pub fn preview(request: &PreviewRequest, handle: &Handle) -> Result<Preview> {
    let location = request.lake.as_deref().map(Location::parse).transpose()?;
    let data = request.data.real();
    let mut apart = vec![data.as_path()];
    apart.extend(location.as_ref().map(Location::folder));
    let found = find(&request.from, &apart, request.source.as_deref())?;
    let lake = match location {
        Some(location) => handle.block_on(Lake::open_if_any(location))?,
        None => None,
    };
    let store = match &lake {
        Some(_) => Store::open_if_any(request.data.path())?,
        None => None,
    };
    let scratch = tempfile::tempdir().map_err(|error| {
        Error::new("disk_full", format!("No place for scratch files: {error}."))
            .hint("Free some space in the folder for temporary files.")
    })?;
    let mut lakes = Lakes {
        lake: lake.as_ref(),
        handle,
        schema: String::new(),
        tables: BTreeMap::new(),
        refusals: BTreeMap::new(),
    };
    let mut whole = Whole::default();
    let mut files = found.files.into_iter().peekable();
    while let Some(first) = files.next() {
        let mut of_source = vec![first];
        while let Some(next) = files.next_if(|next| next.source == of_source[0].source) {
            of_source.push(next);
        }
        let lake_id = lake.as_ref().and_then(Lake::id).map(|id| id.to_string());
        source(&of_source, store.as_ref(), lake_id, &mut lakes, &mut whole, scratch.path().into())?;
    }
    Ok(whole.finish())
}

fn source(
    files: &[DataFile],
    store: Option<&Store>,
    lake_id: Option<String>,
    lakes: &mut Lakes<'_>,
    whole: &mut Whole,
    scratch: PathBuf,
) -> Result<()> {
    let settings = RunRequest::new(None, String::new(), DataFolder::new(PathBuf::new()));
    let (source, schema) = (files[0].source.clone(), files[0].schema.clone());
    lakes.schema.clone_from(&schema);
    let ledger = match (store, lake_id) {
        (Some(store), Some(lake)) => store.ledger(&lake, &source)?,
        _ => None,
    };
    let mut entries = Vec::new();
    for file in files {
        let before = match (store, &ledger) {
            (Some(store), Some(ledger)) => store.file(ledger.id, &file.key)?,
            _ => None,
        };
        entries.push(Entry::file(file, before.as_ref(), false));
    }
    let mut feed = Feed::new(source, schema.clone(), entries, scratch, Arc::default());
    let planned = Timestamp::now().as_microsecond();
    let mut known = Known::default();
    let earlier = store.zip(ledger.as_ref()).map(|(store, ledger)| (store, ledger.id, &mut known));
    let mut newest = ledger.as_ref().and_then(|ledger| ledger.newest);
    let mut window = SeenWindow::new(earlier, settings.window, planned, newest);
    let plan = Plan { planned, most_columns: settings.most_columns };
    while !feed.is_empty() {
        let aside = Aside { letters: None, held: None };
        let read = feed.read(settings.batch_bytes, plan, lakes, &mut window, aside, &|| false);
        let read = match read {
            Ok(read) => read,
            Err(Stopped::Misjudged) => {
                window.start_over(newest);
                continue;
            }
            Err(Stopped::Failed(error)) => return Err(error),
            Err(Stopped::Cancelled) => return Ok(()),
        };
        window.next_batch()?;
        newest = window.newest;
        whole.preview.damaged.extend(read.damaged);
        let rejected: u64 = read.rejected.values().sum();
        whole.preview.events.rejected += rejected;
        whole.preview.events.received += rejected;
        for route in &read.batch.routes {
            whole.preview.events.received += route.accepted + route.duplicate;
            whole.preview.events.duplicate += route.duplicate;
        }
        for discard in &read.batch.discards {
            whole.discard(discard);
        }
        for table in &read.batch.tables {
            whole.table(&schema, table, planned, &lakes.refusals)?;
            lakes.refusals.remove(&table.name);
            if table.rows > 0 {
                lakes.tables.insert(
                    TableName { schema: schema.clone(), table: table.name.clone() },
                    Existing::Table(table.schema()),
                );
            }
        }
    }
    Ok(())
}

/// The lake's tables, with what the batches before have made of them.
struct Lakes<'l> {
    lake: Option<&'l Lake>,
    handle: &'l Handle,
    schema: String,
    tables: BTreeMap<TableName, Existing>,
    /// Why tables refuse, until that was told.
    refusals: BTreeMap<String, Error>,
}

impl Catalog for Lakes<'_> {
    fn table(&mut self, table: &str) -> Existing {
        let name = TableName { schema: self.schema.clone(), table: table.to_owned() };
        if let Some(existing) = self.tables.get(&name) {
            return existing.clone();
        }
        let Some(lake) = self.lake else { return Existing::No };
        match self.handle.block_on(lake.table(&name)) {
            Ok(Some(table)) => Existing::Table(table.columns().to_vec()),
            Ok(None) => Existing::No,
            Err(error) => {
                self.refusals.insert(table.to_owned(), error);
                self.tables.insert(name, Existing::Refused);
                Existing::Refused
            }
        }
    }
}

#[derive(Default)]
struct Whole {
    preview: Preview,
    discards: BTreeMap<(String, String, &'static str), (u64, String)>,
}

impl Whole {
    fn discard(&mut self, discard: &Discard) {
        let key = (discard.table.clone(), discard.column.clone(), discard.reason.code());
        self.discards.entry(key).or_insert_with(|| (0, discard.value.clone())).0 += 1;
    }

    fn table(
        &mut self,
        schema: &str,
        table: &Table,
        planned: i64,
        refusals: &BTreeMap<String, Error>,
    ) -> Result<()> {
        if let Some(error) = refusals.get(&table.name)
            && table.accepted > 0
        {
            self.preview.tables.push(PreviewTable {
                schema: schema.to_owned(),
                table: table.name.clone(),
                state: "unchanged".to_owned(),
                rows: 0,
                columns: Vec::new(),
                error: Some(error.clone()),
            });
        }
        if table.rows == 0 {
            return Ok(());
        }
        let folded = if table.merged {
            Some(fold(table, None, planned).map_err(|error| {
                Error::new("internal", format!("`users` does not fit: {error}."))
                    .hint("Keep the input; this is a defect in Headgate.")
            })?)
        } else {
            None
        };
        let filled = |column: &TableColumn| match &folded {
            Some(folded) => folded
                .new
                .column_by_name(&column.column.name)
                .map_or(0, |values| (values.len() - values.null_count()) as u64),
            None => column.filled,
        };
        let rows = folded.as_ref().map_or(u64::from(table.rows), |folded| folded.users);
        let tables = &mut self.preview.tables;
        let at = tables.iter().position(|t| t.schema == schema && t.table == table.name);
        let at = at.unwrap_or_else(|| {
            tables.push(PreviewTable {
                schema: schema.to_owned(),
                table: table.name.clone(),
                state: if table.existing { "unchanged" } else { "new" }.to_owned(),
                rows: 0,
                columns: Vec::new(),
                error: None,
            });
            tables.len() - 1
        });
        let shown = &mut tables[at];
        shown.rows += rows;
        for column in &table.columns {
            let Column { name, kind } = &column.column;
            let known = shown.columns.iter().position(|c| c.name == *name);
            let place = known.unwrap_or_else(|| {
                shown.columns.push(PreviewColumn {
                    name: name.clone(),
                    kind: *kind,
                    state: if column.existing { "unchanged" } else { "new" }.to_owned(),
                    from: Vec::new(),
                    filled: 0,
                    discarded: 0,
                });
                shown.columns.len() - 1
            });
            let shown_column = &mut shown.columns[place];
            shown_column.filled += filled(column);
            shown_column.discarded += column.discarded;
            for path in &column.from {
                if !shown_column.from.contains(path) {
                    shown_column.from.push(path.clone());
                }
            }
            if shown_column.discarded > 0 {
                "conflict".clone_into(&mut shown_column.state);
            }
            if shown_column.state == "new" && shown.state == "unchanged" {
                "changed".clone_into(&mut shown.state);
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Preview {
        self.preview.v = 1;
        self.preview.tables.sort_by(|a, b| (&a.schema, &a.table).cmp(&(&b.schema, &b.table)));
        self.preview.discards = self
            .discards
            .into_iter()
            .map(|((table, column, reason), (count, sample))| PreviewDiscard {
                table,
                column,
                reason: reason.to_owned(),
                count,
                sample,
            })
            .collect();
        self.preview
    }
}
