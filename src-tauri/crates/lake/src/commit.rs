//! Appends: one commit for each table and batch, which lands once whatever answer it gets (delta-path 3.2).
//!
//! Every error means "unknown" until the table's own transaction ([`Txn`]) says otherwise. A table that
//! somebody else changed is read again before the next try. The library only puts the commit file into the
//! log: its commit operation would read all files of the table, and its work after the commit could make a
//! commit that landed look failed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use deltalake::errors::DeltaTableError;
use deltalake::kernel::transaction::{CommitData, TransactionError};
use deltalake::kernel::{
    Action, MetadataExt, Protocol, StructField, StructType, Transaction, new_metadata,
};
use deltalake::logstore::{CommitOrBytes, LogStoreRef};
use deltalake::protocol::{DeltaOperation, SaveMode};
use headgate_terms::{Column, Result, Say, TableName, say};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::failure::failed;
use crate::lake::Lake;
use crate::log::{INSTALLATION, ROWS, RUN, commit_file};
use crate::parquet::{adds, statistics_property};
use crate::table::{LakeTable, delta_type, opened};

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
    /// The installation that the run belongs to.
    pub installation: String,
    /// The rows that it adds.
    pub rows: u64,
}

/// A batch's part in one table has landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The table's version, with this batch in it.
    pub version: u64,
    /// The rows that it added: of `users` the users whose rows were merged.
    pub rows: u64,
    /// Whether it was found there, sent by whomever.
    pub is_found: bool,
}

impl Lake {
    /// Adds staged files to a table, making the table and adding columns as needed.
    ///
    /// `table` is the handle that the caller has, if there is a table; `id` is the one that a table
    /// gets which is made here. `columns` are all that the table shall have, in order; `statistics` is
    /// used when it is made.
    ///
    /// # Errors
    /// `table_changed` when the staged columns no longer fit, `table_behind` and `unsupported_table`
    /// when the table is no longer as it was, `staged_file_missing`, or an error of the storage. The
    /// files stay staged.
    #[expect(clippy::too_many_arguments, reason = "a commit is made of all of these")]
    pub async fn append(
        &self,
        name: &TableName,
        mut table: Option<LakeTable>,
        id: &str,
        columns: &[Column],
        statistics: &[String],
        staged: &[Value],
        txn: &Txn,
        note: &Note,
    ) -> Result<(LakeTable, Committed)> {
        let doing = say!("commit to `{}`", name);
        let adds = adds(staged, &doing)?;
        let (mut tries, mut is_complete) = (Tries::new(), false);
        // The library looks at versions only: another table with as many would take the rows.
        if let Some(known) = table {
            table = Some(self.refresh(name, known).await?);
        }
        loop {
            if let Some(table) = table.take_if(|table| has_landed(table, txn)) {
                return Ok(arrived(table, note, true));
            }
            if !is_complete {
                self.refuse_missing(name, &adds).await?;
                is_complete = true;
            }
            let adds = adds.iter().cloned().map(Action::Add);
            let sent = match &table {
                Some(table) => {
                    let mut actions = Vec::new();
                    actions.extend(widened(table, name, columns)?);
                    actions.extend(adds);
                    let operation = DeltaOperation::Write {
                        mode: SaveMode::Append,
                        partition_by: None,
                        predicate: None,
                    };
                    self.send(name, table, actions, operation, txn, note).await?
                }
                None => self.create(name, id, columns, statistics, adds, txn, note).await?,
            };
            match sent {
                Ok(newer) => {
                    self.no_longer_fresh(name, staged);
                    return Ok(arrived(newer, note, false));
                }
                Err(error) => {
                    table = self.after(name, table, txn, &doing, &error, &mut tries).await?;
                }
            }
        }
    }

    /// Finds out what a failed commit came to: gives the table as it is now, to look whether it landed
    /// or to try again after a while.
    ///
    /// # Errors
    /// When it did not land and another try makes no sense, or no longer.
    pub(crate) async fn after(
        &self,
        name: &TableName,
        table: Option<LakeTable>,
        txn: &Txn,
        doing: &(impl Say + Sync + ?Sized),
        error: &DeltaTableError,
        tries: &mut Tries,
    ) -> Result<Option<LakeTable>> {
        let failure = failed(doing, error);
        let is_worth_it = !is_final(error) && failure.retryable && failure.code != "disk_full";
        let again = is_worth_it && tries.wait(is_conflict(error)).await;
        let now = match table {
            Some(table) => Some(self.refresh(name, table).await?),
            None => self.table(name).await?,
        };
        if again || now.as_ref().is_some_and(|now| has_landed(now, txn)) {
            tracing::debug!(table = %name, %error, "a commit was not answered as it should be");
            return Ok(now);
        }
        Err(failure)
    }

    /// Makes a table with its first rows, unless one is there by now.
    #[expect(clippy::too_many_arguments, reason = "a commit is made of all of these")]
    pub(crate) async fn create(
        &self,
        name: &TableName,
        id: &str,
        columns: &[Column],
        statistics: &[String],
        adds: impl IntoIterator<Item = Action>,
        txn: &Txn,
        note: &Note,
    ) -> Result<Result<LakeTable, DeltaTableError>> {
        let doing = say!("make `{}`", name);
        let built = self.builder(name, self.guard(name))?.build();
        let delta = built.map_err(|error| failed(&doing, &error))?;
        let schema = StructType::try_new(columns.iter().map(field))
            .map_err(|error| failed(&doing, &error))?;
        let metadata = new_metadata(&schema, [""; 0], [statistics_property(statistics)])
            .and_then(|metadata| metadata.with_table_id(id.to_owned()))
            .map_err(|error| failed(&doing, &error))?;
        let protocol: Protocol =
            serde_json::from_value(json!({"minReaderVersion": 1, "minWriterVersion": 2}))
                .map_err(|error| failed(&doing, &error))?;
        let operation = DeltaOperation::Create {
            mode: SaveMode::ErrorIfExists,
            location: self.url(name)?,
            protocol: protocol.clone(),
            metadata: metadata.clone(),
        };
        let mut actions = vec![Action::Protocol(protocol), Action::Metadata(metadata)];
        actions.extend(adds);
        match put(&delta.log_store(), 0, actions, operation, txn, note).await {
            Ok(()) => match self.read(name, Some(0), false).await? {
                Some(made) => opened(name, made).await.map(Ok),
                None => Ok(Err(DeltaTableError::NotATable(name.to_string()))),
            },
            Err(error) => Ok(Err(error)),
        }
    }

    /// Sends one commit right behind the version that was read, and gives the table with it.
    ///
    /// # Errors
    /// As [`Self::refresh`]; no commit is left behind a version that is gone.
    pub(crate) async fn send(
        &self,
        name: &TableName,
        table: &LakeTable,
        actions: Vec<Action>,
        operation: DeltaOperation,
        txn: &Txn,
        note: &Note,
    ) -> Result<Result<LakeTable, DeltaTableError>> {
        let version = table.version() + 1;
        if let Err(error) =
            put(&table.delta.log_store(), version, actions, operation, txn, note).await
        {
            return Ok(Err(error));
        }
        let newer = self.advance(name, table.clone(), Some(version)).await;
        if newer.is_err() && self.commit(name, table.version()).await?.is_none() {
            // The table became an older copy of itself since it was looked at: a log with a gap can be read by
            // nobody, and has none without this commit.
            self.remove(&self.log(name).join(commit_file(version))).await;
            self.refresh(name, table.clone()).await?;
        }
        newer.map(Ok)
    }
}

pub(crate) fn arrived(table: LakeTable, note: &Note, is_found: bool) -> (LakeTable, Committed) {
    let version = table.version();
    (table, Committed { version, rows: note.rows, is_found })
}

/// The metadata with the missing columns added at the end; `None` when none is missing.
pub(crate) fn widened(
    table: &LakeTable,
    name: &TableName,
    columns: &[Column],
) -> Result<Option<Action>> {
    let missing = table.lacks(name, columns)?;
    if missing.is_empty() {
        return Ok(None);
    }
    let doing = say!("add columns to `{}`", name);
    let state = &table.snapshot;
    let fields =
        state.schema().fields().cloned().chain(missing.iter().map(field)).collect::<Vec<_>>();
    let schema = StructType::try_new(fields).map_err(|error| failed(&doing, &error))?;
    let metadata =
        state.metadata().clone().with_schema(&schema).map_err(|error| failed(&doing, &error))?;
    Ok(Some(Action::Metadata(metadata)))
}

/// Puts a commit in its place in the log, unless another is there.
async fn put(
    log: &LogStoreRef,
    version: u64,
    actions: Vec<Action>,
    operation: DeltaOperation,
    txn: &Txn,
    note: &Note,
) -> Result<(), DeltaTableError> {
    let said = HashMap::from([
        (RUN.to_owned(), json!(note.run)),
        (INSTALLATION.to_owned(), json!(note.installation)),
        (ROWS.to_owned(), json!(note.rows)),
    ]);
    let txns = vec![Transaction::new(&txn.app, txn.batch)];
    let commit = CommitData::new(actions, operation, said, txns).get_bytes()?;
    let commit = CommitOrBytes::LogBytes(commit);
    Ok(log.write_commit_entry(version, commit, Uuid::new_v4()).await?)
}

/// Whether a batch is in the table already.
pub(crate) fn has_landed(table: &LakeTable, txn: &Txn) -> bool {
    table.txn(&txn.app).is_some_and(|batch| batch >= txn.batch)
}

/// How long a commit is tried against others who change the table.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is tried when nobody can be seen who does.
const TRIES: u32 = 5;

/// The tries of one commit.
pub(crate) struct Tries {
    since: Instant,
    made: u32,
}

impl Tries {
    pub(crate) fn new() -> Self {
        Self { since: Instant::now(), made: 0 }
    }

    /// Waits for some while before the next try; false when there is none.
    pub(crate) async fn wait(&mut self, is_conflict: bool) -> bool {
        self.made += 1;
        if self.since.elapsed() > PATIENCE || (!is_conflict && self.made >= TRIES) {
            return false;
        }
        let longest = 20_u64 << self.made.min(6);
        // Writers that wait equally long meet again.
        let wait = Uuid::new_v4().as_u64_pair().0 % longest;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        true
    }
}

/// Whether somebody else was faster.
pub(crate) fn is_conflict(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::Transaction {
            source: TransactionError::MaxCommitAttempts(_)
                | TransactionError::VersionAlreadyExists(_)
                | TransactionError::CommitConflict(_)
        } | DeltaTableError::VersionAlreadyExists(_)
    )
}

/// Whether sending the same once more cannot help.
pub(crate) fn is_final(error: &DeltaTableError) -> bool {
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
