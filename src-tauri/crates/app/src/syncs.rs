//! Previews and runs as the page asks for them.

use std::path::PathBuf;

use headgate_sync::{ColumnChoice, Preview, PreviewRequest, RunReport, RunRequest};
use headgate_terms::{Error, Result, TableName, say};
use serde::Deserialize;
use ts_rs::TS;

use crate::App;
use crate::calls::CallAbout;
use crate::cx::Cx;

/// Events to look at.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct SchemaPreview {
    /// A folder or a file.
    pub from: String,
    /// A lake to compare with.
    pub lake: Option<String>,
    /// The source's name; none takes it from the files' place.
    pub source: Option<String>,
    /// Types for columns that the lake does not have yet, each as `schema.table.column=TYPE`.
    #[serde(default)]
    pub columns: Vec<String>,
}

/// Events to bring into a lake.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct SyncStart {
    /// A folder or a file.
    pub from: String,
    /// The lake.
    pub to: String,
    /// The source's name; none takes it from the files' place.
    pub source: Option<String>,
    /// Whether files that have not changed are read too.
    pub again: bool,
    /// The only table to write, as `schema.table`: it gets what its rows lack.
    #[serde(default)]
    pub refill: Option<String>,
    /// Types for columns that the lake does not have yet, each as `schema.table.column=TYPE`.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Whether a lake that is a copy of a known one becomes a lake of its own.
    #[serde(default)]
    pub new_lake_id: bool,
}

impl App {
    pub(crate) fn schema_preview(&self, cx: &Cx, asked: &SchemaPreview) -> Result<Preview> {
        let from = place("from", &asked.from)?;
        let mut request = PreviewRequest::new(from, self.data().clone());
        request.lake = given(asked.lake.as_deref());
        request.source = given(asked.source.as_deref());
        request.columns = ColumnChoice::parse_all(&asked.columns)?;
        request.batch_bytes = self.settings()?.batch_bytes();
        self.preview(&request, &cx.call)
    }

    pub(crate) fn sync_start(&self, cx: &Cx, asked: &SyncStart) -> Result<RunReport> {
        if asked.to.trim().is_empty() {
            return Err(Error::new("wrong_use", "No lake is named.")
                .hint("Choose the folder that holds the tables, or a new one.")
                .field("to"));
        }
        let from = place("from", &asked.from)?;
        let mut request =
            RunRequest::new(Some(from), asked.to.trim().to_owned(), self.data().clone());
        request.source = given(asked.source.as_deref());
        request.again = asked.again;
        request.refill =
            given(asked.refill.as_deref()).map(|text| table_to_fill(&text)).transpose()?;
        request.columns = ColumnChoice::parse_all(&asked.columns)?;
        request.new_lake_id = asked.new_lake_id;
        self.settings()?.apply(&mut request);
        // As it was asked for: so whoever asked finds its job.
        let (from, to) = (asked.from.clone(), Some(asked.to.clone()));
        let about = CallAbout { from, to, source: asked.source.clone() };
        self.sync_about(cx, &request, about, &cx.call)
    }
}

/// A table as a person names it, to be filled again.
///
/// # Errors
/// `wrong_use` when it is not `schema.table`.
pub fn table_to_fill(text: &str) -> Result<TableName> {
    let parts = text.split_once('.').filter(|(schema, table)| {
        !schema.is_empty() && !table.is_empty() && !table.contains(['.', '/'])
    });
    let (schema, table) = parts.ok_or_else(|| {
        Error::new("wrong_use", say!("`{}` is not a table's name.", text))
            .hint("Name it as `schema.table`, such as `web.tracks`.")
            .field("refill")
    })?;
    Ok(TableName { schema: schema.to_owned(), table: table.to_owned() })
}

/// What a field holds, unless it is left empty.
fn given(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A folder or a file as a person names it.
pub(crate) fn place(field: &'static str, text: &str) -> Result<PathBuf> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::new("wrong_use", "No events are named.")
            .hint("Choose a file or a folder.")
            .field(field));
    }
    let path = PathBuf::from(text.strip_prefix("file://").unwrap_or(text));
    if path.is_relative() {
        return Err(Error::new("wrong_use", say!("`{}` is not an absolute path.", text))
            .hint("Give the path from the root, beginning with `/`.")
            .field(field));
    }
    Ok(path)
}
