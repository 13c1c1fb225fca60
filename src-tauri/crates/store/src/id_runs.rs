//! Runs of ids in the database: sorted and immutable, in chunks of one database page each.
//!
//! `Writer` writes a run and `Reader` reads it in order; `find` looks one id up. When runs are merged or
//! dropped is decided in `ids`.

use rusqlite::blob::ZeroBlob;
use rusqlite::{Connection, MAIN_DB, OptionalExtension, params};

use crate::filter::Filter;

/// Stands for no receivedAt: such an id never leaves the window, so this is the greatest.
pub(crate) const NEVER: i64 = i64::MAX;
/// An id, then its receivedAt.
const ENTRY: usize = 16 + 8;
/// What fills a leaf of 4,096 bytes but for what SQLite writes in front.
const CHUNK: usize = 169 * ENTRY;

/// The key of the chunk that an id is in or behind. A run's first chunk has the lowest of its keys.
fn key(run: i64, id: u128) -> i64 {
    run << 32 | (id >> 96) as i64
}

/// Writes one run.
pub(crate) struct Writer<'c> {
    connection: &'c Connection,
    run: i64,
    filter: Filter,
    key: i64,
    chunk: Vec<u8>,
    /// Not written yet: the next may be the same id.
    last: Option<(u128, i64)>,
    count: i64,
    timeless: i64,
    oldest: Option<i64>,
    newest: Option<i64>,
}

impl<'c> Writer<'c> {
    /// Begins a run of at most so many ids.
    pub(crate) fn begin(
        connection: &'c Connection,
        ledger: i64,
        batch: Option<i64>,
        most: u64,
    ) -> rusqlite::Result<Self> {
        connection
            .prepare_cached("INSERT INTO id_runs (ledger, batch) VALUES (?1, ?2)")?
            .execute(params![ledger, batch])?;
        let run = connection.last_insert_rowid();
        Ok(Self {
            connection,
            run,
            filter: Filter::new(most),
            key: key(run, 0),
            chunk: Vec::with_capacity(CHUNK),
            last: None,
            count: 0,
            timeless: 0,
            oldest: None,
            newest: None,
        })
    }

    /// Takes the next id; they come in order. Of an id that comes twice the newest receivedAt stays.
    pub(crate) fn push(&mut self, id: u128, received: i64) -> rusqlite::Result<()> {
        match &mut self.last {
            Some((last, newest)) if *last == id => *newest = received.max(*newest),
            last => {
                if let Some((id, received)) = last.replace((id, received)) {
                    self.write(id, received)?;
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, id: u128, received: i64) -> rusqlite::Result<()> {
        let key = key(self.run, id);
        // Ids that begin alike share a chunk, however many they are: its key would be theirs.
        let last = self.chunk.len().checked_sub(ENTRY).map(|at| &self.chunk[at..at + 4]);
        if self.chunk.len() >= CHUNK && last != Some(&id.to_be_bytes()[..4]) {
            self.put()?;
            self.key = key;
        }
        self.chunk.extend(id.to_be_bytes());
        self.chunk.extend(received.to_be_bytes());
        self.filter.add(id);
        self.count += 1;
        if received == NEVER {
            self.timeless += 1;
        } else {
            self.oldest = Some(self.oldest.map_or(received, |oldest| oldest.min(received)));
            self.newest = self.newest.max(Some(received));
        }
        Ok(())
    }

    fn put(&mut self) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("INSERT INTO id_chunks (chunk, ids) VALUES (?1, ?2)")?
            .execute(params![self.key, self.chunk])?;
        self.chunk.clear();
        Ok(())
    }

    /// Ends the run.
    pub(crate) fn finish(mut self) -> rusqlite::Result<()> {
        if let Some((id, received)) = self.last {
            self.write(id, received)?;
            self.put()?;
        }
        self.connection
            .prepare_cached(
                "UPDATE id_runs SET count = ?2, timeless = ?3, oldest = ?4, newest = ?5, filter = ?6
                 WHERE run = ?1",
            )?
            .execute(params![
                self.run,
                self.count,
                self.timeless,
                self.oldest,
                self.newest,
                ZeroBlob(self.filter.bytes().len() as i32)
            ])?;
        // Bound to the statement it would be in memory three times.
        let mut blob = self.connection.blob_open(MAIN_DB, "id_runs", "filter", self.run, false)?;
        blob.write_all_at(self.filter.bytes(), 0)
    }
}

/// The filter of a run.
pub(crate) fn filter(connection: &Connection, run: i64) -> rusqlite::Result<Filter> {
    let blob = connection.blob_open(MAIN_DB, "id_runs", "filter", run, true)?;
    let mut bytes = vec![0; blob.len()];
    blob.read_at_exact(&mut bytes, 0)?;
    Ok(Filter::of(bytes))
}

/// Reads one run in order.
pub(crate) struct Reader {
    /// The key from which the next chunk is looked for, and the last of the run.
    keys: (i64, i64),
    chunk: Vec<u8>,
    at: usize,
}

impl Reader {
    pub(crate) fn new(run: i64) -> Self {
        Self { keys: (key(run, 0), key(run, u128::MAX)), chunk: Vec::new(), at: 0 }
    }

    pub(crate) fn next(
        &mut self,
        connection: &Connection,
    ) -> rusqlite::Result<Option<(u128, i64)>> {
        if self.at >= self.chunk.len() {
            let next = connection
                .prepare_cached(
                    "SELECT chunk, ids FROM id_chunks WHERE chunk BETWEEN ?1 AND ?2
                     ORDER BY chunk LIMIT 1",
                )?
                .query_row(self.keys, |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))
                .optional()?;
            let Some((key, chunk)) = next else { return Ok(None) };
            self.keys.0 = key + 1;
            self.chunk = chunk;
            self.at = 0;
        }
        let entry = self.chunk[self.at..].first_chunk().map(parts);
        self.at += ENTRY;
        Ok(entry)
    }
}

fn parts(entry: &[u8; ENTRY]) -> (u128, i64) {
    let mut id = [0; 16];
    let mut received = [0; 8];
    id.copy_from_slice(&entry[..16]);
    received.copy_from_slice(&entry[16..]);
    (u128::from_be_bytes(id), i64::from_be_bytes(received))
}

/// The receivedAt that a run has of an id. A run that is gone has no rows to return.
pub(crate) fn find(connection: &Connection, run: i64, id: u128) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT ids FROM id_chunks WHERE chunk BETWEEN ?1 AND ?2 ORDER BY chunk DESC LIMIT 1",
        )?
        .query_row([key(run, 0), key(run, id)], |row| {
            let (entries, _) = row.get_ref(0)?.as_blob()?.as_chunks::<ENTRY>();
            let found = entries.binary_search_by(|entry| entry[..16].cmp(&id.to_be_bytes()[..]));
            Ok(found.ok().map(|at| parts(&entries[at]).1))
        })
}

/// Makes one run of several, without what was received before a time. Says whether anything was.
pub(crate) fn merge(
    connection: &Connection,
    ledger: i64,
    runs: &[i64],
    most: u64,
    before: i64,
) -> rusqlite::Result<bool> {
    let mut readers: Vec<_> = runs.iter().map(|&run| Reader::new(run)).collect();
    let mut heads = Vec::with_capacity(readers.len());
    for reader in &mut readers {
        heads.push(reader.next(connection)?);
    }
    let mut writer = Writer::begin(connection, ledger, None, most)?;
    let mut dropped = false;
    while let Some(id) = heads.iter().flatten().map(|&(id, _)| id).min() {
        let mut newest = i64::MIN;
        for (head, reader) in heads.iter_mut().zip(&mut readers) {
            if let Some((_, received)) = head.filter(|&(head, _)| head == id) {
                newest = newest.max(received);
                *head = reader.next(connection)?;
            }
        }
        if newest < before {
            dropped = true;
        } else {
            writer.push(id, newest)?;
        }
    }
    writer.finish()?;
    for &run in runs {
        delete(connection, run)?;
    }
    Ok(dropped)
}

pub(crate) fn delete(connection: &Connection, run: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM id_chunks WHERE chunk BETWEEN ?1 AND ?2")?
        .execute([key(run, 0), key(run, u128::MAX)])?;
    connection.prepare_cached("DELETE FROM id_runs WHERE run = ?1")?.execute([run])?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Ids as they come: spread evenly, and others for each seed.
    pub(crate) fn hashes(seed: u64) -> impl Iterator<Item = u128> {
        let half = |n: u64| {
            let n = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            u128::from(n ^ (n >> 31))
        };
        (1..).map(move |n| half(seed << 40 | n << 1) << 64 | half(seed << 40 | n << 1 | 1))
    }

    fn database() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE id_runs (run INTEGER PRIMARY KEY, ledger, batch, count, timeless,
                     oldest, newest, filter);
                 CREATE TABLE id_chunks (chunk INTEGER PRIMARY KEY, ids);",
            )
            .unwrap();
        connection
    }

    fn written(connection: &Connection, entries: &[(u128, i64)]) -> i64 {
        let mut writer = Writer::begin(connection, 1, None, entries.len() as u64).unwrap();
        let run = writer.run;
        for &(id, received) in entries {
            writer.push(id, received).unwrap();
        }
        writer.finish().unwrap();
        run
    }

    fn read(connection: &Connection, run: i64) -> Vec<(u128, i64)> {
        let mut reader = Reader::new(run);
        std::iter::from_fn(|| reader.next(connection).unwrap()).collect()
    }

    /// Evenly spread, close together, and more of one beginning than a chunk takes.
    #[test]
    fn a_run_gives_back_what_it_took_and_finds_each() {
        let connection = database();
        let spread: Vec<_> = hashes(1).take(5_000).collect();
        let close: Vec<_> = (1..1_000).map(|n| n << 1).collect();
        let alike: Vec<_> = (0..2_000_u128).map(|n| (n / 500) << 96 | (n * 2 + 1)).collect();
        let ends = vec![0, u128::MAX];
        for mut ids in [spread, close, alike, ends] {
            ids.sort_unstable();
            let entries: Vec<_> = ids.iter().zip(0..).map(|(&id, at)| (id, at)).collect();
            let run = written(&connection, &entries);
            assert_eq!(read(&connection, run), entries);
            for &(id, received) in &entries {
                assert_eq!(find(&connection, run, id).unwrap(), Some(received));
                let next = id.wrapping_add(1);
                if ids.binary_search(&next).is_err() {
                    assert_eq!(find(&connection, run, next).unwrap(), None);
                }
            }
            delete(&connection, run).unwrap();
            assert_eq!(find(&connection, run, 1), Err(rusqlite::Error::QueryReturnedNoRows));
        }
    }

    #[test]
    fn a_chunk_fills_a_page() {
        let connection = database();
        let mut entries: Vec<_> = hashes(1).take(169 * 20).map(|id| (id, 5)).collect();
        entries.sort_unstable();
        let pages = |connection: &Connection| {
            connection.query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0)).unwrap()
        };
        let before = pages(&connection);
        written(&connection, &entries);
        // One is the tree's root, the others are the run's row and its filter of 4.2 kB.
        assert!(pages(&connection) - before <= 20 + 1 + 2, "{}", pages(&connection) - before);
    }

    #[test]
    fn the_newest_of_an_id_stays_and_none_is_the_newest() {
        let connection = database();
        let run = written(&connection, &[(1, 5), (1, 7), (1, 6), (2, NEVER), (2, 9)]);
        assert_eq!(read(&connection, run), [(1, 7), (2, NEVER)]);
        let other = written(&connection, &[(1, 8), (2, 3), (3, 1), (4, NEVER)]);
        assert!(merge(&connection, 1, &[run, other], 9, 2).unwrap());
        assert_eq!(read(&connection, other + 1), [(1, 8), (2, NEVER), (4, NEVER)]);
        let row: (i64, i64, Option<i64>, Option<i64>) = connection
            .query_row("SELECT count, timeless, oldest, newest FROM id_runs", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .unwrap();
        assert_eq!(row, (3, 2, Some(8), Some(8)));
    }
}
