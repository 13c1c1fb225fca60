//! Ledgers and their open batches.

use headgate_terms::Result;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use crate::{FileMark, Seen, Store, failed};

/// One source into one lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// Its row.
    pub id: i64,
    /// The application id of its commits.
    pub app: String,
    /// The number of the next batch.
    pub next_batch: i64,
    /// The newest receivedAt that events of the source brought, in microseconds.
    pub newest: Option<i64>,
}

/// A batch that is to be recorded before its first commit.
pub struct Planned<'a> {
    /// Its ledger, with the number this batch takes.
    pub ledger: &'a Ledger,
    /// The newest receivedAt with this batch.
    pub newest: Option<i64>,
    /// What is left to do, as JSON.
    pub plan: &'a str,
    /// How far each file is taken.
    pub files: &'a [FileMark],
    /// The ids it accepts.
    pub ids: &'a mut [Seen],
}

/// A batch that has not landed everywhere.
#[derive(Debug, Clone)]
pub struct OpenBatch {
    /// Its ledger's row.
    pub ledger: i64,
    /// Its number there.
    pub number: i64,
    /// What is left to do, as JSON.
    pub plan: String,
}

impl Store {
    /// The ledger of a source into a lake, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub fn ledger(&self, lake: &str, source: &str) -> Result<Option<Ledger>> {
        self.connection
            .query_row(
                "SELECT id, app, next_batch, newest FROM ledgers WHERE lake = ?1 AND source = ?2",
                params![lake, source],
                |row| {
                    Ok(Ledger {
                        id: row.get(0)?,
                        app: row.get(1)?,
                        next_batch: row.get(2)?,
                        newest: row.get(3)?,
                    })
                },
            )
            .optional()
            .map_err(|error| failed("read the ledger", &error))
    }

    /// The ledger of a source into a lake, made if there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn ledger_or_new(&self, lake: &str, source: &str) -> Result<Ledger> {
        if let Some(ledger) = self.ledger(lake, source)? {
            return Ok(ledger);
        }
        let app = format!("headgate/{}", Uuid::new_v4());
        self.connection
            .execute(
                "INSERT INTO ledgers (lake, source, app, next_batch) VALUES (?1, ?2, ?3, 1)",
                params![lake, source, app],
            )
            .map_err(|error| failed("begin a ledger", &error))?;
        let id = self.connection.last_insert_rowid();
        Ok(Ledger { id, app, next_batch: 1, newest: None })
    }

    /// Records a batch with all that it decides, in one step: from here on it is finished, not
    /// read again.
    ///
    /// # Errors
    /// When the database fails; nothing is recorded then.
    pub fn plan(&mut self, planned: &mut Planned<'_>) -> Result<()> {
        let doing = "record a batch";
        let ledger = planned.ledger;
        let transaction = self.connection.transaction().map_err(|error| failed(doing, &error))?;
        transaction
            .execute(
                "UPDATE ledgers SET next_batch = ?2, newest = ?3 WHERE id = ?1",
                params![ledger.id, ledger.next_batch + 1, planned.newest],
            )
            .and_then(|_| {
                transaction.execute(
                    "INSERT INTO batches (ledger, number, plan) VALUES (?1, ?2, ?3)",
                    params![ledger.id, ledger.next_batch, planned.plan],
                )
            })
            .map_err(|error| failed(doing, &error))?;
        crate::files::mark(&transaction, ledger.id, planned.files)?;
        crate::ids::add(&transaction, ledger.id, planned.ids)?;
        transaction.commit().map_err(|error| failed(doing, &error))
    }

    /// The batches of a lake, or of all, that have not landed everywhere, as they were planned.
    ///
    /// # Errors
    /// When the database fails.
    pub fn open_batches(&self, lake: Option<&str>) -> Result<Vec<OpenBatch>> {
        let doing = "read the open batches";
        let mut query = self
            .connection
            .prepare(
                "SELECT ledger, number, plan FROM batches JOIN ledgers ON ledgers.id = ledger
                 WHERE ?1 IS NULL OR lake = ?1 ORDER BY ledger, number",
            )
            .map_err(|error| failed(doing, &error))?;
        let rows = query
            .query_map([lake], |row| {
                Ok(OpenBatch { ledger: row.get(0)?, number: row.get(1)?, plan: row.get(2)? })
            })
            .map_err(|error| failed(doing, &error))?;
        rows.collect::<Result<_, _>>().map_err(|error| failed(doing, &error))
    }

    /// Keeps what is left of a batch, or closes it when that is nothing, together with the report
    /// of the run that counts it.
    ///
    /// # Errors
    /// When the database fails; neither is kept then.
    pub fn settle(
        &mut self,
        ledger: i64,
        number: i64,
        left: Option<&str>,
        run: &str,
        document: &str,
    ) -> Result<()> {
        let doing = "settle a batch";
        let transaction = self.connection.transaction().map_err(|error| failed(doing, &error))?;
        match left {
            Some(plan) => transaction.execute(
                "UPDATE batches SET plan = ?3 WHERE ledger = ?1 AND number = ?2",
                params![ledger, number, plan],
            ),
            None => transaction.execute(
                "DELETE FROM batches WHERE ledger = ?1 AND number = ?2",
                params![ledger, number],
            ),
        }
        .and_then(|_| {
            transaction
                .execute("UPDATE runs SET document = ?2 WHERE id = ?1", params![run, document])
        })
        .and_then(|_| transaction.commit())
        .map_err(|error| failed(doing, &error))
    }
}
