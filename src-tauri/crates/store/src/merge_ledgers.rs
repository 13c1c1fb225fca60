//! Migration step 4: ledgers of sources become ledgers of schemas, and ids become runs.
//!
//! Open batches refer to their old ledger and number, so that ledger is kept for them.

use headgate_events::schema_name;
use rusqlite::{Transaction, params};
use rusqlite_migration::HookResult;

use crate::id_runs::{NEVER, Writer};
use crate::ids::MOST;

pub(crate) fn merge_ledgers(transaction: &Transaction<'_>) -> HookResult {
    let old = transaction
        .prepare("SELECT id, lake, schema, newest FROM ledgers ORDER BY id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<Result<Vec<(i64, String, String, Option<i64>)>, _>>()?;
    // No schema has a name like that.
    transaction.execute("UPDATE ledgers SET schema = '/' || id", [])?;
    for (id, lake, source, newest) in old {
        let Some(schema) = schema_name(&source) else { continue };
        let new: i64 = transaction.query_row(
            "INSERT INTO ledgers (lake, schema, newest) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET newest = max(ifnull(newest, ?3), ifnull(?3, newest))
             RETURNING id",
            params![lake, schema, newest],
            |row| row.get(0),
        )?;
        move_files(transaction, id, new)?;
        move_ids(transaction, id, new)?;
    }
    transaction.execute_batch(
        "DROP TABLE ids;
         DELETE FROM files WHERE ledger IN (SELECT id FROM ledgers WHERE schema LIKE '/%');
         DELETE FROM ledgers WHERE schema LIKE '/%' AND id NOT IN (SELECT ledger FROM batches);",
    )?;
    Ok(())
}

/// Of a path that both have, the mark of the newer file stays, then that of the one taken further.
fn move_files(transaction: &Transaction<'_>, from: i64, to: i64) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT INTO files (ledger, path, size, modified, lines, bytes, done, oldest)
         SELECT ?2, path, size, modified, lines, bytes, done, oldest FROM files WHERE ledger = ?1
         ON CONFLICT DO UPDATE SET
             (size, modified, lines, bytes, done) = (SELECT * FROM (VALUES
                 (size, modified, lines, bytes, done),
                 (excluded.size, excluded.modified, excluded.lines, excluded.bytes, excluded.done))
                 ORDER BY 2 DESC, 4 DESC LIMIT 1),
             oldest = min(ifnull(oldest, excluded.oldest), ifnull(excluded.oldest, oldest))",
        [from, to],
    )?;
    Ok(())
}

fn move_ids(transaction: &Transaction<'_>, from: i64, to: i64) -> rusqlite::Result<()> {
    let sql = "SELECT count(*) FROM ids WHERE ledger = ?1";
    let mut left = transaction.query_row(sql, [from], |row| row.get::<_, i64>(0))? as u64;
    let mut query =
        transaction.prepare("SELECT id, received FROM ids WHERE ledger = ?1 ORDER BY id")?;
    let mut rows = query.query([from])?;
    while left > 0 {
        let count = left.min(MOST);
        let mut writer = Writer::begin(transaction, to, None, count)?;
        for _ in 0..count {
            let Some(row) = rows.next()? else { break };
            let received: Option<i64> = row.get(1)?;
            writer.push(u128::from_be_bytes(row.get(0)?), received.unwrap_or(NEVER))?;
        }
        writer.finish()?;
        left -= count;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::Store;
    use crate::id_runs::tests::hashes;

    /// A database as the third step left it.
    fn old(rows: &str) -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("headgate.db")).unwrap();
        for step in [
            "PRAGMA journal_mode = WAL",
            include_str!("steps/1.sql"),
            include_str!("steps/2.sql"),
            include_str!("steps/3.sql"),
            "PRAGMA user_version = 3",
            rows,
        ] {
            connection.execute_batch(step).unwrap();
        }
        (folder, connection)
    }

    const TWO_SOURCES: &str = r#"
        INSERT INTO ledgers VALUES (3, 'lake', 'My App', 'headgate/a', 9, 50),
                                   (4, 'other', 'My App', 'headgate/b', 1, NULL),
                                   (5, 'lake', 'my_app', 'headgate/c', 2, 70);
        INSERT INTO files VALUES
            (3, '/once', 1, 10, 2, 3, 1, 20), (3, '/newer', 9, 30, 8, 7, 1, 25),
            (5, '/newer', 1, 10, 2, 9, 0, 20), (3, '/further', 1, 10, 2, 3, 0, NULL),
            (5, '/further', 1, 10, 4, 6, 1, 21), (4, '/once', 6, 6, 6, 6, 0, 6);
        INSERT INTO batches VALUES (3, 8, '{"ledger":3}');
    "#;

    #[test]
    fn ledgers_of_one_schema_become_one() {
        let (folder, connection) = old(TWO_SOURCES);
        drop(connection);
        let store = Store::open(folder.path()).unwrap();
        let ledger = store.ledger("lake", "my_app").unwrap().unwrap();
        assert_eq!((ledger.applied, ledger.newest, ledger.horizon), (0, Some(70), None));
        assert_eq!(ledger.summary, "");
        assert!(store.ledger("lake", "My App").unwrap().is_none());

        let mark = |path| store.file(ledger.id, path).unwrap().unwrap();
        let (once, newer, further) = (mark("/once"), mark("/newer"), mark("/further"));
        assert_eq!((once.size, once.lines, once.content), (1, 2, None));
        // The window reaches back to the oldest of both.
        assert_eq!((newer.size, newer.lines, newer.bytes, newer.done), (9, 8, 7, true));
        assert_eq!((newer.modified, newer.oldest), (30, Some(20)));
        assert_eq!((further.lines, further.done, further.oldest), (4, true, Some(21)));
        let other = store.ledger("other", "my_app").unwrap().unwrap();
        assert_eq!((other.newest, other.horizon), (None, None));
        assert_eq!(store.file(other.id, "/once").unwrap().unwrap().size, 6);
    }

    #[test]
    fn open_batches_stay_and_block_no_new_ones() {
        let (folder, connection) = old(TWO_SOURCES);
        drop(connection);
        let mut store = Store::open(folder.path()).unwrap();
        let open = store.open_batches(Some("lake")).unwrap();
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].ledger, open[0].number, &*open[0].plan), (3, 8, r#"{"ledger":3}"#));
        let ledger = store.ledger("lake", "my_app").unwrap().unwrap();
        assert_ne!(ledger.id, 3);
        store
            .take_in(&mut crate::Taken {
                ledger: &ledger,
                number: 8,
                newest: None,
                plan: Some("{}"),
                files: &[],
                ids: &mut [],
                summary: "",
            })
            .unwrap();
        assert_eq!(store.open_batches(None).unwrap().len(), 2);
        store.save_batch(3, 8, None, "", "").unwrap();
        assert_eq!(store.open_batches(None).unwrap()[0].ledger, ledger.id);
    }

    #[test]
    fn all_ids_become_runs() {
        let (folder, mut connection) = old(TWO_SOURCES);
        let ids: Vec<_> = hashes(1).take(3_000).collect();
        let transaction = connection.transaction().unwrap();
        for (at, id) in ids.iter().enumerate() {
            let received = (at % 7 > 0).then_some(at as i64);
            for (ledger, received) in [(3, received), (5, Some(at as i64 + 1))] {
                transaction
                    .execute(
                        "INSERT INTO ids VALUES (?1, ?2, ?3)",
                        params![ledger, id.to_be_bytes(), received],
                    )
                    .unwrap();
            }
        }
        transaction.commit().unwrap();
        drop(connection);
        // To read is enough: who only looks may be the first.
        let store = Store::open_if_any(folder.path()).unwrap().unwrap();
        let ledger = store.ledger("lake", "my_app").unwrap().unwrap();
        for (at, &id) in ids.iter().enumerate() {
            let received = (at % 7 > 0).then_some(at as i64 + 1);
            assert_eq!(store.seen(ledger.id, id).unwrap().unwrap().received, received);
        }
        assert!(store.seen(ledger.id, 5).unwrap().is_none());
        let other = store.ledger("other", "my_app").unwrap().unwrap();
        assert!(store.seen(other.id, ids[0]).unwrap().is_none());
    }
}
