//! Ledgers, which say what is known of one schema of one lake, and their open batches, whose commits are not
//! all done.
//!
//! Which batches exist is recorded in the lake; `sync` takes the records in here.

use headgate_terms::Result;
use rusqlite::{OptionalExtension, params};

use crate::{FileMark, Seen, Store, failed};

/// What is known of one schema of one lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// Its row.
    pub id: i64,
    /// The number of the last batch that was taken in.
    pub applied: i64,
    /// The newest receivedAt of its events, in microseconds.
    pub newest: Option<i64>,
    /// Ids received before it may be missing here, in microseconds; `None` when all are here.
    pub horizon: Option<i64>,
    /// What the lake's records come to, as JSON; empty at first.
    pub summary: String,
}

/// A batch of the lake's record that is to be taken in.
pub struct Taken<'a> {
    /// Its ledger.
    pub ledger: &'a Ledger,
    /// Its number.
    pub number: i64,
    /// The newest receivedAt with this batch.
    pub newest: Option<i64>,
    /// What is left to do, as JSON; `None` when it has landed.
    pub plan: Option<&'a str>,
    /// How far each file is taken.
    pub files: &'a [FileMark],
    /// The ids it accepted.
    pub ids: &'a mut [Seen],
    /// What the lake's records come to with this batch, as JSON.
    pub summary: &'a str,
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

/// The horizon of a ledger that is new: no id is known to be here.
pub const NOTHING_KNOWN: i64 = i64::MAX;

impl Store {
    /// The ledger of a schema in a lake, if there is one. What other processes took in counts from
    /// here on.
    ///
    /// # Errors
    /// When the database fails.
    pub fn ledger(&self, lake: &str, schema: &str) -> Result<Option<Ledger>> {
        let found = self.filters.look(&self.connection).and_then(|()| {
            let sql = "SELECT id, applied, newest, horizon, summary FROM ledgers
                 WHERE lake = ?1 AND schema = ?2";
            self.connection
                .query_row(sql, [lake, schema], |row| {
                    Ok(Ledger {
                        id: row.get(0)?,
                        applied: row.get(1)?,
                        newest: row.get(2)?,
                        horizon: row.get(3)?,
                        summary: row.get(4)?,
                    })
                })
                .optional()
        });
        found.map_err(|error| failed("read the ledger", &error))
    }

    /// The ledger of a schema in a lake, made if there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn ledger_or_new(&self, lake: &str, schema: &str) -> Result<Ledger> {
        if let Some(ledger) = self.ledger(lake, schema)? {
            return Ok(ledger);
        }
        self.connection
            .execute(
                "INSERT INTO ledgers (lake, schema, horizon) VALUES (?1, ?2, ?3)",
                params![lake, schema, NOTHING_KNOWN],
            )
            .map_err(|error| failed("begin a ledger", &error))?;
        let id = self.connection.last_insert_rowid();
        let horizon = Some(NOTHING_KNOWN);
        Ok(Ledger { id, applied: 0, newest: None, horizon, summary: String::new() })
    }

    /// Keeps what `sync` says of the ledger.
    ///
    /// # Errors
    /// When the database fails.
    pub fn save_summary(&self, ledger: i64, summary: &str) -> Result<()> {
        self.connection
            .execute("UPDATE ledgers SET summary = ?2 WHERE id = ?1", params![ledger, summary])
            .map(|_| ())
            .map_err(|error| failed("keep what is known of the tables", &error))
    }

    /// Keeps the newest receivedAt, and from when on all ids are here; none: all are.
    ///
    /// # Errors
    /// When the database fails.
    pub fn save_window(
        &self,
        ledger: i64,
        newest: Option<i64>,
        horizon: Option<i64>,
    ) -> Result<()> {
        self.connection
            .execute(
                "UPDATE ledgers SET newest = ?2, horizon = ?3 WHERE id = ?1",
                params![ledger, newest, horizon],
            )
            .map(|_| ())
            .map_err(|error| failed("keep the window", &error))
    }

    /// What the lake of a ledger is known by; `None` when there is no such ledger.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lake_of(&self, ledger: i64) -> Result<Option<String>> {
        self.connection
            .query_row("SELECT lake FROM ledgers WHERE id = ?1", [ledger], |row| row.get(0))
            .optional()
            .map_err(|error| failed("look a ledger up", &error))
    }

    /// The schemas of a lake that are known here.
    ///
    /// # Errors
    /// When the database fails.
    pub fn schemas(&self, lake: &str) -> Result<Vec<String>> {
        let found = self
            .connection
            .prepare("SELECT schema FROM ledgers WHERE lake = ?1 AND schema NOT LIKE '/%' ORDER BY schema")
            .and_then(|mut query| query.query_map([lake], |row| row.get(0))?.collect());
        found.map_err(|error| failed("read the ledgers", &error))
    }

    /// The ledgers of lakes whose name begins so.
    ///
    /// # Errors
    /// When the database fails.
    pub fn ledgers_below(&self, prefix: &str) -> Result<Vec<i64>> {
        let found = self
            .connection
            .prepare("SELECT id FROM ledgers WHERE substr(lake, 1, length(?1)) = ?1")
            .and_then(|mut query| query.query_map([prefix], |row| row.get(0))?.collect());
        found.map_err(|error| failed("read the ledgers", &error))
    }

    /// Takes a batch in with all that it decided, in one step: its files are not read again, its
    /// ids are known, and with a plan it is open.
    ///
    /// # Errors
    /// When the database fails; nothing is taken in then.
    pub fn take_in(&mut self, taken: &mut Taken<'_>) -> Result<()> {
        let id = taken.ledger.id;
        self.take(taken).map_err(|error| failed("record a batch", &error))?;
        self.filters.outdate(id);
        Ok(())
    }

    fn take(&mut self, taken: &mut Taken<'_>) -> rusqlite::Result<()> {
        let (ledger, number) = (taken.ledger.id, taken.number);
        let transaction = self.connection.transaction()?;
        transaction.execute(
            "UPDATE ledgers SET applied = ?2, newest = ?3, summary = ?4 WHERE id = ?1",
            params![ledger, number, taken.newest, taken.summary],
        )?;
        if let Some(plan) = taken.plan {
            transaction.execute(
                "INSERT INTO batches (ledger, number, plan) VALUES (?1, ?2, ?3)",
                params![ledger, number, plan],
            )?;
        }
        crate::files::mark(&transaction, ledger, taken.files)?;
        crate::ids::add(&transaction, ledger, Some(number), taken.ids)?;
        transaction.commit()
    }

    /// Forgets what a batch took: its ids, and of its files more than these marks say. The batch stays as it is.
    ///
    /// # Errors
    /// When the database fails; nothing is forgotten then.
    pub fn forget_batch(&mut self, ledger: i64, number: i64, files: &[FileMark]) -> Result<()> {
        self.forget_taken(ledger, number, files)
            .map_err(|error| failed("forget a batch", &error))?;
        self.filters.outdate(ledger);
        Ok(())
    }

    fn forget_taken(
        &mut self,
        ledger: i64,
        number: i64,
        files: &[FileMark],
    ) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        let runs = transaction
            .prepare("SELECT run FROM id_runs WHERE ledger = ?1 AND batch = ?2")?
            .query_map([ledger, number], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        for run in runs {
            crate::id_runs::delete(&transaction, run)?;
        }
        crate::files::mark(&transaction, ledger, files)?;
        transaction.commit()
    }

    /// Forgets a ledger with all that was known by it, open batches too.
    ///
    /// # Errors
    /// When the database fails; nothing is forgotten then.
    pub fn forget_ledger(&mut self, ledger: i64) -> Result<()> {
        self.forget(ledger).map_err(|error| failed("forget a ledger", &error))?;
        self.filters.outdate(ledger);
        Ok(())
    }

    fn forget(&mut self, ledger: i64) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        let runs = transaction
            .prepare("SELECT run FROM id_runs WHERE ledger = ?1")?
            .query_map([ledger], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        for run in runs {
            crate::id_runs::delete(&transaction, run)?;
        }
        transaction.execute("DELETE FROM batches WHERE ledger = ?1", [ledger])?;
        transaction.execute("DELETE FROM files WHERE ledger = ?1", [ledger])?;
        transaction.execute("DELETE FROM ledgers WHERE id = ?1", [ledger])?;
        transaction.commit()
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
    pub fn save_batch(
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(path: &str, content: Option<&str>, done: bool) -> FileMark {
        FileMark {
            name: None,
            path: path.to_owned(),
            size: 1,
            modified: 2,
            lines: 3,
            bytes: 4,
            done,
            oldest: Some(5),
            content: content.map(str::to_owned),
        }
    }

    #[test]
    fn taking_in_a_batch_is_atomic() {
        let mut store = Store::of(crate::schema::in_memory());
        let ledger = store.ledger_or_new("lake", "s").unwrap();
        assert_eq!(store.ledger("lake", "s").unwrap().unwrap(), ledger);
        assert!(store.ledger("lake", "t").unwrap().is_none());
        let files = [mark("/a", Some("x"), true), mark("/b", Some("y"), false)];
        let mut ids = [Seen { id: 7, received: Some(1) }];
        let mut taken = Taken {
            ledger: &ledger,
            number: 4,
            newest: Some(9),
            plan: Some("{}"),
            files: &files,
            ids: &mut ids,
            summary: "[1]",
        };
        store.take_in(&mut taken).unwrap();
        // The same batch is open already.
        (taken.summary, taken.newest) = ("[2]", None);
        let mut other = [Seen { id: 8, received: Some(1) }];
        taken.ids = &mut other;
        store.take_in(&mut taken).unwrap_err();

        let now = store.ledger("lake", "s").unwrap().unwrap();
        assert_eq!((now.applied, now.newest, &*now.summary), (4, Some(9), "[1]"));
        assert_eq!(store.file(now.id, "/a").unwrap().unwrap(), files[0]);
        assert_eq!(store.seen(now.id, 7).unwrap(), Some(Seen { id: 7, received: Some(1) }));
        assert_eq!(store.seen(now.id, 8).unwrap(), None);
        assert_eq!(store.open_batches(Some("lake")).unwrap().len(), 1);
    }

    #[test]
    fn only_a_file_that_was_taken_to_its_end_is_known_by_its_content() {
        let mut store = Store::of(crate::schema::in_memory());
        let ledger = store.ledger_or_new("lake", "s").unwrap();
        let other = store.ledger_or_new("lake", "t").unwrap();
        let mut take = |number, files: &[FileMark]| {
            let (ledger, ids) = (&ledger, &mut [][..]);
            let taken =
                &mut Taken { ledger, number, newest: None, plan: None, files, ids, summary: "" };
            store.take_in(taken).unwrap();
            let found = |content| store.file_with_content(ledger.id, content).unwrap();
            assert!(store.file_with_content(other.id, "x").unwrap().is_none());
            (found("x").map(|mark| mark.path), found("y").map(|mark| mark.path))
        };
        let path = |path: &str| Some(path.to_owned());
        let some =
            [mark("/a", Some("x"), true), mark("/b", Some("y"), false), mark("/c", None, true)];
        assert_eq!(take(1, &some), (path("/a"), None));
        assert_eq!(take(2, &[mark("/b", Some("y"), true)]), (path("/a"), path("/b")));
        assert_eq!(take(3, &[mark("/a", Some("z"), true)]), (None, path("/b")));
    }

    #[test]
    fn a_ledger_is_forgotten_whole_and_alone() {
        let mut store = Store::of(crate::schema::in_memory());
        for schema in ["s", "t"] {
            let ledger = store.ledger_or_new("lake", schema).unwrap();
            let mut ids = [Seen { id: 7, received: Some(1) }];
            store
                .take_in(&mut Taken {
                    ledger: &ledger,
                    number: 1,
                    newest: None,
                    plan: Some("{}"),
                    files: &[mark("/a", Some("x"), true)],
                    ids: &mut ids,
                    summary: "",
                })
                .unwrap();
        }
        let ledger = store.ledger("lake", "s").unwrap().unwrap().id;
        assert!(store.seen(ledger, 7).unwrap().is_some());
        store.forget_ledger(ledger).unwrap();
        assert!(store.ledger("lake", "s").unwrap().is_none());
        assert!(store.seen(ledger, 7).unwrap().is_none());
        assert!(store.file(ledger, "/a").unwrap().is_none());
        let left = store.ledger("lake", "t").unwrap().unwrap().id;
        assert!(
            store.seen(left, 7).unwrap().is_some() && store.file(left, "/a").unwrap().is_some()
        );
        assert_eq!(store.open_batches(None).unwrap().len(), 1);
    }
}
