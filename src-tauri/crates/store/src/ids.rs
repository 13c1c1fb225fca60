//! The ids of a schema's events, 128 bits of each, so that duplicates are found and no other event is dropped.
//!
//! Each batch adds one run. A look-up checks the filters of all runs, which are in memory, then reads one page
//! of each run that may have the id. Small runs are merged, old ones dropped.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};

use headgate_terms::Result;
use rusqlite::{Connection, Error, Transaction, ffi, params};

use crate::filter::Filter;
use crate::id_runs::{NEVER, Reader, Writer, delete, filter, find, merge};
use crate::{Store, failed};

/// An accepted id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// A hash of the id.
    pub id: u128,
    /// The receivedAt that came with it, in microseconds.
    pub received: Option<i64>,
}

impl Seen {
    fn of((id, received): (u128, i64)) -> Self {
        Self { id, received: (received != NEVER).then_some(received) }
    }
}

/// Ids in a run of several batches at most: its merge writes 400 MB and its filter has 20 MB.
pub(crate) const MOST: u64 = 1 << 24;
/// As many runs of about one size are merged.
const ALIKE: usize = 4;
/// Runs that are merged at once, where more have come together.
const AT_ONCE: usize = 16;

/// The filters of the ledgers that were used.
#[derive(Default)]
pub(crate) struct Filters {
    of: RefCell<HashMap<i64, Loaded>>,
    /// SQLite's own count of what other connections have changed.
    version: Cell<i64>,
}

#[derive(Default)]
struct Loaded {
    is_current: bool,
    runs: Vec<(i64, Filter)>,
}

impl Filters {
    /// Has the list of runs read again before the next look-up.
    pub(crate) fn outdate(&self, ledger: i64) {
        if let Some(loaded) = self.of.borrow_mut().get_mut(&ledger) {
            loaded.is_current = false;
        }
    }

    /// Looks whether another process has written.
    pub(crate) fn look(&self, connection: &Connection) -> rusqlite::Result<()> {
        let version = connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get::<_, i64>(0))?;
        if self.version.replace(version) != version {
            self.of.borrow_mut().values_mut().for_each(|loaded| loaded.is_current = false);
        }
        Ok(())
    }
}

impl Loaded {
    /// Reads the filters of runs that are new, and lets go of those of runs that are gone.
    fn refresh(&mut self, connection: &Connection, ledger: i64) -> rusqlite::Result<()> {
        let mut had: HashMap<_, _> = self.runs.drain(..).collect();
        let mut query =
            connection.prepare_cached("SELECT run FROM id_runs WHERE ledger = ?1 AND count > 0")?;
        let mut rows = query.query([ledger])?;
        while let Some(row) = rows.next()? {
            let run = row.get(0)?;
            let filter = match had.remove(&run) {
                Some(filter) => filter,
                None => filter(connection, run)?,
            };
            self.runs.push((run, filter));
        }
        self.is_current = true;
        Ok(())
    }
}

impl Store {
    /// Whether an id was accepted before, and with which receivedAt: the newest of several, none
    /// when one of them had none. What another process took in counts after a look at the ledger.
    ///
    /// # Errors
    /// When the database fails.
    pub fn seen(&self, ledger: i64, id: u128) -> Result<Option<Seen>> {
        let found = match self.ask(ledger, id) {
            // Another process has merged a run away.
            Err(Error::QueryReturnedNoRows) => self.ask_again(ledger, id),
            found => found,
        };
        found.map_err(|error| failed("look an id up", &error))
    }

    fn ask(&self, ledger: i64, id: u128) -> rusqlite::Result<Option<Seen>> {
        let mut filters = self.filters.of.borrow_mut();
        let loaded = filters.entry(ledger).or_default();
        if !loaded.is_current {
            loaded.refresh(&self.connection, ledger)?;
        }
        let mut newest = None;
        for (run, _) in loaded.runs.iter().filter(|(_, filter)| filter.may_have(id)) {
            newest = newest.max(find(&self.connection, *run, id)?);
        }
        Ok(newest.map(|received| Seen::of((id, received))))
    }

    /// Asks within one transaction, where a run that is listed has its ids.
    fn ask_again(&self, ledger: i64, id: u128) -> rusqlite::Result<Option<Seen>> {
        self.filters.outdate(ledger);
        let transaction = self.connection.unchecked_transaction()?;
        let found = self.ask(ledger, id).map_err(|error| match error {
            Error::QueryReturnedNoRows => {
                Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), None)
            }
            error => error,
        })?;
        transaction.finish()?;
        Ok(found)
    }

    /// Adds ids that were read back from tables; how far back they reach is for
    /// [`Self::save_window`] to say.
    ///
    /// # Errors
    /// When the database fails; none is added then.
    pub fn add_ids(&mut self, ledger: i64, ids: &mut [Seen]) -> Result<()> {
        let doing = "record ids";
        let transaction = self.connection.transaction().map_err(|error| failed(doing, &error))?;
        add(&transaction, ledger, None, ids)
            .and_then(|()| transaction.commit())
            .map_err(|error| failed(doing, &error))?;
        self.filters.outdate(ledger);
        Ok(())
    }

    /// Drops runs of which all was received before a time (microseconds), but for ids without one,
    /// and merges small runs. Runs of open batches stay as they are. When an id was dropped the
    /// horizon is that time. Cheap when there is nothing to do, so it may follow each batch.
    ///
    /// # Errors
    /// When the database fails; what was done till then holds.
    pub fn prune_ids(&mut self, ledger: i64, before: i64) -> Result<()> {
        let pruned = self.prune(ledger, before, MOST);
        self.filters.outdate(ledger);
        pruned.map_err(|error| failed("prune the ids", &error))
    }

    fn prune(&mut self, ledger: i64, before: i64, most: u64) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        let mut dropped = false;
        for run in closed(&transaction, ledger)? {
            if run.count == 0 {
                delete(&transaction, run.run)?;
            } else if run.newest.is_some_and(|newest| newest < before) {
                dropped = true;
                if run.timeless == 0 {
                    delete(&transaction, run.run)?;
                } else {
                    merge(&transaction, ledger, &[run.run], run.timeless, before)?;
                }
            }
        }
        commit(transaction, ledger, dropped.then_some(before))?;
        loop {
            let group = alike(closed(&self.connection, ledger)?, most);
            if group.is_empty() {
                return Ok(());
            }
            let runs: Vec<_> = group.iter().map(|run| run.run).collect();
            let count = group.iter().map(|run| run.count).sum();
            let transaction = self.connection.transaction()?;
            let dropped = merge(&transaction, ledger, &runs, count, before)?;
            commit(transaction, ledger, dropped.then_some(before))?;
        }
    }

    /// The ids of one batch in order; `None` when its run was merged or dropped, or never was here.
    ///
    /// # Errors
    /// When the database fails.
    pub fn ids_of_batch(&self, ledger: i64, number: i64) -> Result<Option<Vec<Seen>>> {
        self.batch_ids(ledger, number).map_err(|error| failed("read the ids of a batch", &error))
    }

    fn batch_ids(&self, ledger: i64, number: i64) -> rusqlite::Result<Option<Vec<Seen>>> {
        let transaction = self.connection.unchecked_transaction()?;
        let runs = transaction
            .prepare_cached("SELECT run FROM id_runs WHERE ledger = ?1 AND batch = ?2")?
            .query_map([ledger, number], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<i64>>>()?;
        let mut ids = Vec::new();
        for &run in &runs {
            let mut reader = Reader::new(run);
            while let Some(entry) = reader.next(&transaction)? {
                ids.push(Seen::of(entry));
            }
        }
        Ok((!runs.is_empty()).then_some(ids))
    }
}

/// Adds ids as one run: of a batch, even when it has none, or of no batch.
pub(crate) fn add(
    transaction: &Transaction<'_>,
    ledger: i64,
    batch: Option<i64>,
    ids: &mut [Seen],
) -> rusqlite::Result<()> {
    if ids.is_empty() && batch.is_none() {
        return Ok(());
    }
    ids.sort_unstable();
    let mut writer = Writer::begin(transaction, ledger, batch, ids.len() as u64)?;
    for seen in ids.iter() {
        writer.push(seen.id, seen.received.unwrap_or(NEVER))?;
    }
    writer.finish()
}

/// A run that may be merged or dropped.
struct Closed {
    run: i64,
    count: u64,
    timeless: u64,
    newest: Option<i64>,
}

/// The runs but for those of open batches, in the order of their newest receivedAt.
fn closed(connection: &Connection, ledger: i64) -> rusqlite::Result<Vec<Closed>> {
    connection
        .prepare_cached(
            "SELECT run, count, timeless, newest FROM id_runs WHERE ledger = ?1 AND
             (batch IS NULL OR batch NOT IN (SELECT number FROM batches WHERE ledger = ?1))
             ORDER BY newest, run",
        )?
        .query_map([ledger], |row| {
            Ok(Closed {
                run: row.get(0)?,
                count: row.get::<_, i64>(1)? as u64,
                timeless: row.get::<_, i64>(2)? as u64,
                newest: row.get(3)?,
            })
        })?
        .collect()
}

/// The oldest runs of about one size that are worth a merge, and come to no more than `most` ids.
fn alike(runs: Vec<Closed>, most: u64) -> Vec<Closed> {
    let mut sizes: BTreeMap<u32, Vec<Closed>> = BTreeMap::new();
    for run in runs.into_iter().filter(|run| run.count <= most / 2) {
        sizes.entry(run.count.max(4_096).ilog2() / 2).or_default().push(run);
    }
    let Some(mut group) = sizes.into_values().find(|runs| runs.len() >= ALIKE) else {
        return Vec::new();
    };
    let mut count = 0;
    let fits = group.iter().take(AT_ONCE).take_while(|run| {
        count += run.count;
        count <= most
    });
    let fits = fits.count();
    group.truncate(fits);
    group
}

/// Commits, with the horizon moved up to a time before which ids were dropped.
fn commit(transaction: Transaction<'_>, ledger: i64, horizon: Option<i64>) -> rusqlite::Result<()> {
    if let Some(horizon) = horizon {
        transaction.execute(
            "UPDATE ledgers SET horizon = max(ifnull(horizon, ?2), ?2) WHERE id = ?1",
            params![ledger, horizon],
        )?;
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::id_runs::tests::hashes;
    use crate::{FileMark, Ledger, Taken};

    /// Few, so that they come again and again.
    const POOL: usize = 60;
    /// Ids of a run at most, so that few make many.
    const FEW: u64 = 40;

    type Pairs = Vec<(usize, Option<i64>)>;

    #[derive(Debug, Clone)]
    enum Act {
        Take { ids: Pairs, open: bool },
        Settle,
        Prune(i64),
        ReadBack(Option<i64>),
        LookAgain,
    }

    fn step() -> impl Strategy<Value = Act> {
        let pairs = vec((0..POOL, option::weighted(0.9, 0..100_i64)), 0..12);
        prop_oneof![
            6 => (pairs, prop::bool::weighted(0.3)).prop_map(|(ids, open)| Act::Take { ids, open }),
            2 => Just(Act::Settle),
            3 => (0..110_i64).prop_map(Act::Prune),
            1 => option::of(0..100_i64).prop_map(Act::ReadBack),
            1 => Just(Act::LookAgain),
        ]
    }

    fn seen(pool: &[u128], pairs: &Pairs) -> Vec<Seen> {
        pairs.iter().map(|&(at, received)| Seen { id: pool[at], received }).collect()
    }

    fn newest(of: impl Iterator<Item = Seen>) -> Option<Seen> {
        of.max_by_key(|seen| seen.received.unwrap_or(NEVER))
    }

    fn take(store: &mut Store, number: i64, plan: Option<&str>, ids: &mut [Seen]) {
        let ledger = store.ledger_or_new("lake", "s").unwrap();
        let files: &[FileMark] = &[];
        let ledger: &Ledger = &ledger;
        let mut taken = Taken { ledger, number, newest: None, plan, files, ids, summary: "" };
        store.take_in(&mut taken).unwrap();
    }

    fn in_memory() -> (Store, i64) {
        let store = Store::of(crate::schema::in_memory());
        let ledger = store.ledger_or_new("lake", "s").unwrap().id;
        // There is nothing else to know.
        store.save_window(ledger, None, None).unwrap();
        (store, ledger)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// What was received from the horizon on, and what has no time, is answered as a map would.
        #[test]
        fn look_ups_equal_those_of_a_map(steps in vec(step(), 1..40)) {
            let pool: Vec<_> = hashes(1).take(POOL).collect();
            let (mut store, ledger) = in_memory();
            let mut all: Vec<Seen> = Vec::new();
            let mut batches: Vec<Vec<Seen>> = Vec::new();
            let mut open = BTreeSet::new();
            for step in steps {
                match step {
                    Act::Take { ids, open: stays } => {
                        let mut ids = seen(&pool, &ids);
                        all.extend(&ids);
                        batches.push(ids.clone());
                        let number = batches.len() as i64;
                        take(&mut store, number, stays.then_some("{}"), &mut ids);
                        if stays {
                            open.insert(number);
                        }
                    }
                    Act::Settle => {
                        if let Some(number) = open.pop_first() {
                            store.save_batch(ledger, number, None, "", "").unwrap();
                        }
                    }
                    Act::Prune(before) => {
                        let had = store.ledger("lake", "s").unwrap().unwrap().horizon;
                        store.prune(ledger, before, FEW).unwrap();
                        store.filters.outdate(ledger);
                        prop_assert!(alike(closed(&store.connection, ledger).unwrap(), FEW).is_empty());
                        let horizon = store.ledger("lake", "s").unwrap().unwrap().horizon;
                        prop_assert!(horizon == had || horizon == had.max(Some(before)));
                    }
                    Act::ReadBack(horizon) => {
                        let from = horizon.unwrap_or(i64::MIN);
                        let back = all.iter().filter(|seen| seen.received.is_some_and(|at| at >= from));
                        store.add_ids(ledger, &mut back.copied().collect::<Vec<_>>()).unwrap();
                        store.save_window(ledger, None, horizon).unwrap();
                    }
                    Act::LookAgain => store.filters = Filters::default(),
                }
                let horizon = store.ledger("lake", "s").unwrap().unwrap().horizon;
                for &id in &pool {
                    let should = newest(all.iter().filter(|seen| seen.id == id).copied());
                    let found = store.seen(ledger, id).unwrap();
                    match should {
                        Some(Seen { received: Some(at), .. }) if Some(at) < horizon => prop_assert!(
                            found.is_none_or(|found| all.contains(&found) && found.received < horizon)
                        ),
                        should => prop_assert_eq!(found, should),
                    }
                }
                for (batch, number) in batches.iter().zip(1..) {
                    let mut should: Vec<_> = batch
                        .iter()
                        .filter_map(|one| newest(batch.iter().filter(|seen| seen.id == one.id).copied()))
                        .collect();
                    should.sort_unstable();
                    should.dedup();
                    match store.ids_of_batch(ledger, number).unwrap() {
                        None => prop_assert!(!open.contains(&number)),
                        Some(ids) => prop_assert_eq!(ids, should),
                    }
                }
            }
        }
    }

    fn at(ids: impl Iterator<Item = u128>, received: Option<i64>) -> Vec<Seen> {
        ids.map(|id| Seen { id, received }).collect()
    }

    fn runs(store: &Store) -> i64 {
        store.connection.query_row("SELECT count(*) FROM id_runs", [], |row| row.get(0)).unwrap()
    }

    fn horizon(store: &Store) -> Option<i64> {
        store.ledger("lake", "s").unwrap().unwrap().horizon
    }

    #[test]
    fn ids_older_than_the_window_are_pruned() {
        let (mut store, ledger) = in_memory();
        let ids: Vec<_> = hashes(1).take(30).collect();
        let mut old = at(ids[..10].iter().copied(), Some(5));
        old.extend(at(ids[10..11].iter().copied(), None));
        take(&mut store, 1, None, &mut old);
        take(&mut store, 2, None, &mut at(ids[11..20].iter().copied(), Some(6)));
        take(&mut store, 3, None, &mut at(ids[20..].iter().copied(), Some(7)));
        store.prune_ids(ledger, 5).unwrap();
        assert_eq!((runs(&store), horizon(&store)), (3, None), "all are here");
        store.prune_ids(ledger, 7).unwrap();
        assert_eq!((runs(&store), horizon(&store)), (2, Some(7)));
        for (at, &id) in ids.iter().enumerate() {
            assert_eq!(store.seen(ledger, id).unwrap().is_some(), at == 10 || at >= 20, "{at}");
        }
        assert_eq!(store.ids_of_batch(ledger, 1).unwrap(), None);
        assert_eq!(store.ids_of_batch(ledger, 3).unwrap().unwrap().len(), 10);
        store.prune_ids(ledger, 3).unwrap();
        assert_eq!(horizon(&store), Some(7), "it does not go back by itself");
        store.add_ids(ledger, &mut at(ids[..10].iter().copied(), Some(5))).unwrap();
        assert_eq!(horizon(&store), Some(7), "who read them back says how far");
        let back = Seen { id: ids[3], received: Some(5) };
        assert_eq!(store.seen(ledger, ids[3]).unwrap(), Some(back));
    }

    #[test]
    fn runs_of_open_batches_stay_as_they_are() {
        let (mut store, ledger) = in_memory();
        for number in 1..=9 {
            let ids = hashes(number as u64).take(10);
            let plan = (number % 3 == 0).then_some("{}");
            take(&mut store, number, plan, &mut at(ids, Some(number)));
        }
        store.prune_ids(ledger, 5).unwrap();
        // 1, 2 and 4 are gone; 5, 7 and 8 are too few to be merged.
        assert_eq!(runs(&store), 6);
        for number in 10..=11 {
            take(&mut store, number, None, &mut at(hashes(number as u64).take(10), Some(number)));
        }
        store.prune_ids(ledger, 5).unwrap();
        assert_eq!(runs(&store), 4);
        for number in 1..=11 {
            let ids = store.ids_of_batch(ledger, number).unwrap();
            assert_eq!(ids.map(|ids| ids.len()), (number % 3 == 0 && number < 10).then_some(10));
        }
    }

    #[test]
    fn an_open_batch_without_ids_is_told_from_one_that_is_not_here() {
        let (mut store, ledger) = in_memory();
        take(&mut store, 1, Some("{}"), &mut []);
        store.prune_ids(ledger, 100).unwrap();
        assert_eq!(store.ids_of_batch(ledger, 1).unwrap(), Some(Vec::new()));
        assert_eq!(store.ids_of_batch(ledger, 2).unwrap(), None);
        assert_eq!(horizon(&store), None);
    }

    #[test]
    fn a_reader_sees_what_another_merged_and_later_what_it_added() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Store::open(folder.path()).unwrap();
        let ids: Vec<_> = hashes(1).take(50).collect();
        for (part, number) in ids.chunks(10).zip(1..).take(4) {
            take(&mut writer, number, None, &mut at(part.iter().copied(), Some(number)));
        }
        let reader = Store::open_if_any(folder.path()).unwrap().unwrap();
        let ledger = reader.ledger("lake", "s").unwrap().unwrap().id;
        assert!(reader.seen(ledger, ids[0]).unwrap().is_some());
        writer.prune_ids(ledger, 0).unwrap();
        assert_eq!(runs(&writer), 1);
        for &id in &ids[..40] {
            assert!(reader.seen(ledger, id).unwrap().is_some());
        }
        take(&mut writer, 5, None, &mut at(ids[40..].iter().copied(), None));
        reader.ledger("lake", "s").unwrap();
        assert_eq!(
            reader.seen(ledger, ids[49]).unwrap(),
            Some(Seen { id: ids[49], received: None })
        );
    }

    #[test]
    fn a_run_without_its_ids_is_damage_and_not_an_answer() {
        let (mut store, ledger) = in_memory();
        let ids: Vec<_> = hashes(1).take(10).collect();
        take(&mut store, 1, None, &mut at(ids.iter().copied(), Some(1)));
        store.connection.execute("DELETE FROM id_chunks", []).unwrap();
        assert_eq!(store.seen(ledger, ids[0]).unwrap_err().code, "database_damaged");
    }
}
