//! The ids that a source's events had: 128 bits of each, exact enough that none is dropped wrongly.

use headgate_terms::Result;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::{Store, failed};

/// An accepted id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// A hash of the id.
    pub id: u128,
    /// The receivedAt that came with it, in microseconds.
    pub received: Option<i64>,
}

impl Store {
    /// Whether an id was accepted before, and with which receivedAt.
    ///
    /// # Errors
    /// When the database fails.
    pub fn seen(&self, ledger: i64, id: u128) -> Result<Option<Seen>> {
        self.connection
            .prepare_cached("SELECT received FROM ids WHERE ledger = ?1 AND id = ?2")
            .and_then(|mut query| {
                query
                    .query_row(params![ledger, id.to_be_bytes()], |row| {
                        Ok(Seen { id, received: row.get(0)? })
                    })
                    .optional()
            })
            .map_err(|error| failed("look an id up", &error))
    }

    /// Gives every id of a ledger, unless they are more than `most`. Says whether it did.
    ///
    /// # Errors
    /// When the database fails.
    pub fn each_id(&self, ledger: i64, most: usize, mut give: impl FnMut(u128)) -> Result<bool> {
        let doing = "read the ids";
        let mut query = self
            .connection
            .prepare_cached("SELECT id FROM ids WHERE ledger = ?1 LIMIT ?2")
            .map_err(|error| failed(doing, &error))?;
        let mut rows =
            query.query(params![ledger, most as i64 + 1]).map_err(|error| failed(doing, &error))?;
        let mut count = 0;
        while let Some(row) = rows.next().map_err(|error| failed(doing, &error))? {
            count += 1;
            if count > most {
                return Ok(false);
            }
            let id = row.get::<_, [u8; 16]>(0).map_err(|error| failed(doing, &error))?;
            give(u128::from_be_bytes(id));
        }
        Ok(true)
    }

    /// Whether a ledger has no ids at all.
    ///
    /// # Errors
    /// When the database fails.
    pub fn has_no_ids(&self, ledger: i64) -> Result<bool> {
        self.connection
            .query_row("SELECT 1 FROM ids WHERE ledger = ?1 LIMIT 1", [ledger], |_| Ok(()))
            .optional()
            .map(|found| found.is_none())
            .map_err(|error| failed("look for ids", &error))
    }
}

/// Adds ids in their own order: neighbours in the index are written together. Of an id that was
/// accepted before the newest receivedAt stays, or none, which never leaves the window.
pub(crate) fn add(transaction: &Transaction<'_>, ledger: i64, ids: &mut [Seen]) -> Result<()> {
    let doing = "record ids";
    ids.sort_unstable();
    let mut put = transaction
        .prepare_cached(
            "INSERT INTO ids (ledger, id, received) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET received = max(received, excluded.received)",
        )
        .map_err(|error| failed(doing, &error))?;
    for seen in ids.iter() {
        put.execute(params![ledger, seen.id.to_be_bytes(), seen.received])
            .map_err(|error| failed(doing, &error))?;
    }
    Ok(())
}
