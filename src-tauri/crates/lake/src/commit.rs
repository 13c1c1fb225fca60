//! One commit per table and batch that lands once, whatever the answer to it was (delta-path 3.2).
//!
//! Every error means "unknown" until the table's own transaction says otherwise. The hooks that the
//! library would run after a commit are off: a failing one would make a landed commit look failed.

use std::time::Duration;

use deltalake::DeltaTable;
use deltalake::errors::DeltaTableError;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{Action, MetadataExt, StructField, StructType, Transaction};
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::{DeltaOperation, SaveMode};
use headgate_terms::{Column, Error, Result, Say, TableName, say};
use serde_json::{Value, json};

use crate::failure::failed;
use crate::lake::Lake;
use crate::log::{ROWS, RUN};
use crate::parquet::adds;
use crate::table::{column_type, delta_type};

/// What makes a commit recognisable: the application `headgate/…` and the batch's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Txn {
    /// The application's id, the same for all batches of one source into one lake.
    pub app: String,
    /// The batch; later ones are higher.
    pub batch: i64,
}

/// What a commit says of itself to people who read the history.
#[derive(Debug, Clone)]
pub struct Note {
    /// The run that made it.
    pub run: String,
    /// The rows it brings.
    pub rows: u64,
}

/// A batch's part in one table has landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The table's version, with this batch in it.
    pub version: u64,
}

/// How often a commit is tried before its error is believed.
const ATTEMPTS: u32 = 5;

impl Lake {
    /// Adds staged files to a table, making the table and adding columns as needed.
    ///
    /// `columns` are all the table shall have, in order; `statistics` is used when it is made.
    ///
    /// # Errors
    /// When the table is no longer as planned, or the storage refuses; the files stay staged.
    pub async fn append(
        &self,
        name: &TableName,
        columns: &[Column],
        statistics: &[String],
        staged: &[Value],
        txn: &Txn,
        note: &Note,
    ) -> Result<Committed> {
        let doing = say!("commit to `{}`", name);
        let adds = adds(staged, &doing)?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            // The table is read anew before every attempt, a create most of all: sent twice, it
            // would put a new table over the old one.
            let table = self.load(name).await?;
            if let Some(landed) = landed(table.as_ref(), txn, &doing).await? {
                return Ok(landed);
            }
            self.refuse_missing(name, &adds).await?;
            let adds = adds.iter().cloned().map(Action::Add).collect();
            let sent = match &table {
                Some(table) => append_to(table, name, columns, adds, txn, note).await?,
                None => self.create(name, columns, statistics, adds, txn, note).await?,
            };
            let error = match sent {
                Ok(version) => {
                    self.persist_commit(name, version).await?;
                    return Ok(Committed { version });
                }
                Err(error) => error,
            };
            if let Some(landed) = self.believe(name, txn, &doing, &error, attempt).await? {
                return Ok(landed);
            }
        }
    }

    /// Finds out what a failed commit came to: it landed all the same, it is worth another try,
    /// or it failed.
    pub(crate) async fn believe(
        &self,
        name: &TableName,
        txn: &Txn,
        doing: &(impl Say + ?Sized),
        error: &DeltaTableError,
        attempt: u32,
    ) -> Result<Option<Committed>> {
        if let Some(landed) = landed(self.load(name).await?.as_ref(), txn, doing).await? {
            return Ok(Some(landed));
        }
        if attempt == ATTEMPTS || is_final(error) {
            return Err(failed(doing, error));
        }
        tracing::warn!(table = %name, attempt, %error, "commit did not land, trying again");
        tokio::time::sleep(Duration::from_millis(20 << attempt)).await;
        Ok(None)
    }

    async fn create(
        &self,
        name: &TableName,
        columns: &[Column],
        statistics: &[String],
        adds: Vec<Action>,
        txn: &Txn,
        note: &Note,
    ) -> Result<Result<u64, DeltaTableError>> {
        let doing = say!("make `{}`", name);
        let log_store =
            self.builder(name)?.build_storage().map_err(|error| failed(&doing, &error))?;
        let created = CreateBuilder::new()
            .with_log_store(log_store)
            .with_save_mode(SaveMode::ErrorIfExists)
            .with_columns(columns.iter().map(field))
            .with_configuration([("delta.dataSkippingStatsColumns", Some(statistics.join(",")))])
            .with_actions(adds)
            .with_commit_properties(commit_properties(Some(txn), note))
            .await;
        Ok(created.map(|table| table.version().unwrap_or_default()))
    }
}

async fn append_to(
    table: &DeltaTable,
    name: &TableName,
    columns: &[Column],
    adds: Vec<Action>,
    txn: &Txn,
    note: &Note,
) -> Result<Result<u64, DeltaTableError>> {
    let mut actions = Vec::new();
    actions.extend(widened(table, name, columns)?);
    actions.extend(adds);
    let operation =
        DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
    Ok(send(table, actions, operation, Some(txn), note).await)
}

/// The metadata with the missing columns added at the end; none when none is missing.
pub(crate) fn widened(
    table: &DeltaTable,
    name: &TableName,
    columns: &[Column],
) -> Result<Option<Action>> {
    let doing = say!("add columns to `{}`", name);
    let snapshot = table.snapshot().map_err(|error| failed(&doing, &error))?;
    let schema = snapshot.schema();
    let mut fields: Vec<StructField> = schema.fields().cloned().collect();
    let before = fields.len();
    for column in columns {
        match schema.field(&column.name).map(|field| column_type(field.data_type())) {
            None => fields.push(field(column)),
            Some(kind) if kind == Some(column.kind) => {}
            Some(_) => {
                return Err(Error::new(
                    "table_changed",
                    say!("Column `{}` of `{}` is no longer a {}, as it was when the batch was planned.", column.name, name, column.kind),
                )
                .hint("Put the column's type back, then run the sync again."));
            }
        }
    }
    if fields.len() == before {
        return Ok(None);
    }
    let schema = StructType::try_new(fields).map_err(|error| failed(&doing, &error))?;
    let metadata =
        snapshot.metadata().clone().with_schema(&schema).map_err(|error| failed(&doing, &error))?;
    Ok(Some(Action::Metadata(metadata)))
}

/// Sends one commit on top of the state that was read.
pub(crate) async fn send(
    table: &DeltaTable,
    actions: Vec<Action>,
    operation: DeltaOperation,
    txn: Option<&Txn>,
    note: &Note,
) -> Result<u64, DeltaTableError> {
    let snapshot = table.snapshot()?.snapshot();
    let finalized = CommitBuilder::from(commit_properties(txn, note))
        .with_actions(actions)
        .build(Some(snapshot), table.log_store(), operation)
        .await?;
    Ok(finalized.version())
}

pub(crate) fn commit_properties(txn: Option<&Txn>, note: &Note) -> CommitProperties {
    let mut properties = CommitProperties::default()
        .with_metadata([(RUN.to_owned(), json!(note.run)), (ROWS.to_owned(), json!(note.rows))])
        .with_create_checkpoint(false)
        .with_cleanup_expired_logs(Some(false));
    if let Some(txn) = txn {
        properties = properties.with_application_transaction(Transaction::new(&txn.app, txn.batch));
    }
    properties
}

/// Whether the batch is in the table already.
pub(crate) async fn landed(
    table: Option<&DeltaTable>,
    txn: &Txn,
    doing: &(impl Say + ?Sized),
) -> Result<Option<Committed>> {
    let Some(table) = table else { return Ok(None) };
    let log_store = table.log_store();
    let snapshot = table.snapshot().map_err(|error| failed(doing, &error))?;
    let version = snapshot
        .transaction_version(log_store.as_ref(), &txn.app)
        .await
        .map_err(|error| failed(doing, &error))?;
    Ok(version
        .is_some_and(|version| version >= txn.batch)
        .then(|| Committed { version: table.version().unwrap_or_default() }))
}

/// Whether sending the same once more cannot help.
fn is_final(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::Transaction {
            source: TransactionError::UnsupportedTableFeatures(_)
                | TransactionError::TableFeaturesRequired(_)
                | TransactionError::DeltaTableAppendOnly
        }
    )
}

fn field(column: &Column) -> StructField {
    StructField::nullable(&column.name, delta_type(column.kind))
}
