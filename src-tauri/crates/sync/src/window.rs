//! Duplicates (E7): which ids of a source were accepted before, in this batch or within the window of time.
//!
//! [`SeenWindow`] is for a sync; [`Accepted`], [`AcceptedBefore`] and [`RowsOf`] are for lines that are read
//! again: held lines, remade files and refills.

use std::cell::RefCell;
use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};
use headgate_events::{DISCARDS, Window};
use headgate_store::{FileMark, Seen, Store};
use headgate_terms::{Error, TableName};
use xxhash_rust::xxh3::xxh3_128;

use crate::batch::Ids;
use crate::summary::Summary;

/// What the store knows an id by.
pub(crate) fn hash(id: &str) -> u128 {
    xxh3_128(id.as_bytes())
}

/// The earlier of two times; one that is missing does not count.
pub(crate) fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.into_iter().chain(other).min()
}

/// How far back the window of a ledger reaches, in microseconds: without end where records of the lake are
/// lost, for then no file is known to have been read.
pub(crate) fn span_of(summary: &Summary, window: i64) -> i64 {
    if summary.records_lost { i64::MAX } else { window }
}

/// The window of one batch.
pub(crate) struct SeenWindow<'s> {
    /// The store and the ledger whose ids count; `None` for a preview without a lake.
    earlier: Option<(&'s Store, i64)>,
    /// How far the window reaches back, in microseconds.
    span: i64,
    /// When the batch was planned: what claims to be newer does not move the window past it.
    planned: i64,
    pub(crate) newest: Option<i64>,
    /// For a file that was met before: the oldest it landed. The window reaches back to it.
    floor: Option<i64>,
    /// From when on the store has all ids; none when it has them all.
    pub(crate) horizon: Option<i64>,
    accepted: HashMap<u128, Option<i64>>,
    /// Ids of batches before this one that are in no store: a preview's.
    previewed: HashMap<u128, Option<i64>>,
    failure: Option<Error>,
}

impl<'s> SeenWindow<'s> {
    pub(crate) fn new(
        earlier: Option<(&'s Store, i64)>,
        span: i64,
        planned: i64,
        newest: Option<i64>,
    ) -> Self {
        Self {
            earlier,
            span,
            planned,
            newest,
            floor: None,
            horizon: None,
            accepted: HashMap::new(),
            previewed: HashMap::new(),
            failure: None,
        }
    }

    /// Goes on with the next batch of a preview, which records nothing.
    ///
    /// # Errors
    /// When the store failed during a look-up.
    pub(crate) fn next_batch(&mut self) -> Result<(), Error> {
        self.previewed.extend(self.accepted.drain());
        self.failure.take().map_or(Ok(()), Err)
    }

    /// The ids this batch accepted.
    ///
    /// # Errors
    /// When the store failed during a look-up.
    pub(crate) fn finish(self) -> Result<(Vec<Seen>, Option<i64>), Error> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let accepted = self.accepted.into_iter();
        Ok((accepted.map(|(id, received)| Seen { id, received }).collect(), self.newest))
    }

    /// An id that an earlier batch accepted.
    fn earlier(&mut self, id: u128) -> Option<Seen> {
        if let Some(&received) = self.previewed.get(&id) {
            return Some(Seen { id, received });
        }
        let (store, ledger) = self.earlier?;
        match store.seen(ledger, id) {
            Ok(found) => found,
            Err(error) => {
                self.failure.get_or_insert(error);
                None
            }
        }
    }
}

impl Ids for SeenWindow<'_> {
    fn reach_back(&mut self, floor: Option<i64>) {
        self.floor = floor;
    }

    fn file(&mut self, path: &str) -> Option<FileMark> {
        let (store, ledger) = self.earlier?;
        store.file(ledger, path).unwrap_or_else(|error| {
            self.failure.get_or_insert(error);
            None
        })
    }

    fn content(&mut self, content: &str, path: &str) -> Option<(bool, Option<i64>)> {
        let (store, ledger) = self.earlier?;
        store.content(ledger, content, path).unwrap_or_else(|error| {
            self.failure.get_or_insert(error);
            None
        })
    }

    fn horizon(&self) -> Option<i64> {
        self.horizon
    }
}

impl Window for SeenWindow<'_> {
    fn seen(&mut self, id: &str, received_at: Option<i64>) -> bool {
        let id = hash(id);
        if let Some(received) = received_at {
            self.newest = self.newest.max(Some(received.min(self.planned)));
        }
        if self.accepted.contains_key(&id) {
            return true;
        }
        let begins = self.newest.map(|newest| newest.saturating_sub(self.span));
        let begins = earlier(begins, self.floor);
        let duplicate = match self.earlier(id) {
            None => false,
            // Without a receivedAt an id never leaves the window.
            Some(Seen { received: None, .. }) => true,
            Some(Seen { received: Some(received), .. }) => {
                begins.is_none_or(|begins| received >= begins)
            }
        };
        if !duplicate {
            self.accepted.insert(id, received_at);
        }
        duplicate
    }

    fn unsee(&mut self, id: &str) {
        self.accepted.remove(&hash(id));
    }
}

/// A window in which nothing is a duplicate: for lines that were accepted before.
pub(crate) struct Accepted;

impl Window for Accepted {
    fn seen(&mut self, _: &str, _: Option<i64>) -> bool {
        false
    }

    fn unsee(&mut self, _: &str) {}
}

impl Ids for Accepted {
    fn reach_back(&mut self, _: Option<i64>) {}
}

/// The ids that a batch accepted once before: its own events are taken again, and no others.
pub(crate) struct AcceptedBefore {
    left: HashSet<u128>,
}

impl AcceptedBefore {
    pub(crate) fn new(ids: impl IntoIterator<Item = Seen>) -> Self {
        Self { left: ids.into_iter().map(|seen| seen.id).collect() }
    }
}

impl Window for AcceptedBefore {
    fn seen(&mut self, id: &str, _: Option<i64>) -> bool {
        !self.left.remove(&hash(id))
    }

    fn unsee(&mut self, id: &str) {
        self.left.insert(hash(id));
    }
}

impl Ids for AcceptedBefore {
    fn reach_back(&mut self, _: Option<i64>) {}
}

/// The ids of the rows that one table has: what they lack is taken (E27).
pub(crate) struct RowsOf<'s> {
    store: &'s Store,
    ledger: i64,
    landed: Option<i64>,
    table: &'s str,
    /// What is taken instead: events whose id had landed before and left the window since.
    again: Option<Again>,
    /// The rows of all tables: only events that have one are taken.
    rows: Option<&'s BTreeMap<String, Option<i64>>>,
    /// The tables of the event at hand.
    tables: RefCell<Vec<String>>,
    taken: HashMap<u128, Option<i64>>,
    failure: Option<Error>,
}

/// E7 once more, over files that are read again: which events had landed though their id had landed before.
#[derive(Debug, Clone)]
pub(crate) struct Again {
    /// A ledger of the table's rows, each by [`landing`].
    pub(crate) rows: i64,
    /// A ledger of the ids that earlier batches of this reading had.
    pub(crate) before: i64,
    pub(crate) span: i64,
    pub(crate) planned: i64,
    pub(crate) newest: Option<i64>,
    /// How many are still to be taken.
    pub(crate) left: u64,
}

/// What distinguishes rows with the same id: when they were received.
pub(crate) fn landing(id: &str, received: Option<i64>) -> u128 {
    hash(&format!("{received:?}{id}"))
}

impl<'s> RowsOf<'s> {
    /// `ledger` holds the ids of the rows and nothing else. Where a ledger of ids that `landed` is given, no
    /// others are taken. Events that make no row of the table take no id.
    pub(crate) fn new(
        store: &'s Store,
        ledger: i64,
        landed: Option<i64>,
        name: &'s TableName,
    ) -> Self {
        let table = &name.table;
        Self {
            store,
            ledger,
            landed,
            table,
            again: None,
            rows: None,
            tables: RefCell::default(),
            taken: HashMap::new(),
            failure: None,
        }
    }

    /// Takes only events that have a row. `rows` are ledgers of the tables' ids; of one that is gone there is none.
    pub(crate) fn with_rows(self, rows: &'s BTreeMap<String, Option<i64>>) -> Self {
        Self { rows: Some(rows), ..self }
    }

    /// Whether the event at hand has a row in its own table; where that is gone, in the other.
    fn has_row(&self, id: u128) -> Result<bool, Error> {
        let Some(rows) = self.rows else { return Ok(true) };
        for table in &*self.tables.borrow() {
            match rows.get(table) {
                Some(Some(ledger)) => return Ok(self.store.seen(*ledger, id)?.is_some()),
                Some(None) => {}
                None => return Ok(false),
            }
        }
        Ok(false)
    }

    /// Takes what had landed again and no other.
    pub(crate) fn again(self, again: Again) -> Self {
        Self { again: Some(again), ..self }
    }

    fn has_landed_again(&mut self, id: &str, received: Option<i64>) -> Result<bool, Error> {
        let Some(again) = &mut self.again else { return Ok(false) };
        again.newest = again.newest.max(received.map(|at| at.min(again.planned)));
        let begins = again.newest.map(|newest| newest.saturating_sub(again.span));
        let hashed = hash(id);
        let before = match self.taken.get(&hashed) {
            Some(before) => Some(*before),
            None => self.store.seen(again.before, hashed)?.map(|seen| seen.received),
        };
        let is_duplicate = match before {
            None => false,
            Some(None) => true,
            Some(before) => before >= begins,
        };
        if is_duplicate {
            return Ok(false);
        }
        self.taken.insert(hashed, received);
        let is_there =
            before.is_none() || self.store.seen(again.rows, landing(id, received))?.is_some();
        if is_there || again.left == 0 {
            return Ok(false);
        }
        again.left -= 1;
        Ok(true)
    }

    fn lacks(&self, id: u128) -> Result<bool, Error> {
        if !self.has_row(id)? {
            return Ok(false);
        }
        if self.store.seen(self.ledger, id)?.is_some() {
            return Ok(false);
        }
        match self.landed {
            Some(landed) => Ok(self.store.seen(landed, id)?.is_some()),
            None => Ok(true),
        }
    }

    /// The ids that were taken, or the ids of all events where those are asked for that had landed again.
    ///
    /// # Errors
    /// When the store failed during a look-up.
    pub(crate) fn finish(self) -> Result<(Vec<Seen>, Option<Again>), Error> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let taken = self.taken.into_iter().map(|(id, received)| Seen { id, received });
        Ok((taken.collect(), self.again))
    }
}

impl Window for RowsOf<'_> {
    fn is_for(&self, mut tables: &mut dyn Iterator<Item = &str>) -> bool {
        if self.rows.is_some() {
            self.tables.replace(tables.map(str::to_owned).collect());
        }
        self.table == DISCARDS || Iterator::any(&mut tables, |table| table == self.table)
    }

    fn seen(&mut self, id: &str, received: Option<i64>) -> bool {
        let is_taken = if self.again.is_some() {
            self.has_landed_again(id, received)
        } else {
            let id = hash(id);
            let lacks = self.lacks(id);
            lacks.map(|lacks| {
                let is_new = lacks && !self.taken.contains_key(&id);
                if is_new {
                    self.taken.insert(id, received);
                }
                is_new
            })
        };
        match is_taken {
            Ok(is_taken) => !is_taken,
            Err(error) => {
                self.failure.get_or_insert(error);
                true
            }
        }
    }

    fn unsee(&mut self, id: &str) {
        self.taken.remove(&hash(id));
        if let Some(again) = &mut self.again {
            again.left += 1;
        }
    }
}

impl Ids for RowsOf<'_> {
    fn reach_back(&mut self, _: Option<i64>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window over ids that were accepted at some times, and what it says of more, in order.
    fn judged(
        known: &[(&str, Option<i64>)],
        newest: Option<i64>,
        floor: Option<i64>,
        events: &[(&str, Option<i64>)],
    ) -> Vec<bool> {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let ledger = store.ledger_or_new("lake", "s").unwrap().id;
        let mut ids: Vec<_> =
            known.iter().map(|&(id, received)| Seen { id: hash(id), received }).collect();
        store.add_ids(ledger, &mut ids).unwrap();
        let mut window = SeenWindow::new(Some((&store, ledger)), 10, 1_000, newest);
        window.reach_back(floor);
        events.iter().map(|&(id, received)| window.seen(id, received)).collect()
    }

    #[test]
    fn an_id_is_known_for_as_long_as_the_window_reaches() {
        let known = [("old", Some(89)), ("edge", Some(90)), ("timeless", None)];
        let asked = [("old", Some(95)), ("edge", Some(95)), ("timeless", Some(95)), ("new", None)];
        for (what, newest, floor, expected) in [
            ("the window begins at 90", Some(100), None, [false, true, true, false]),
            ("no time was ever brought but this one", None, None, [true, true, true, false]),
            ("a file that landed at 80", Some(100), Some(80), [true, true, true, false]),
            ("a file that landed inside it", Some(100), Some(99), [false, true, true, false]),
        ] {
            assert_eq!(judged(&known, newest, floor, &asked), expected, "{what}");
        }
    }

    #[test]
    fn only_what_was_received_moves_the_window_and_not_past_the_plan() {
        let known = [("x", Some(100)), ("y", Some(985)), ("z", Some(990))];
        // An event without a time moves nothing.
        assert_eq!(judged(&known, Some(100), None, &[("a", None), ("x", None)]), [false, true]);
        // One that claims to be of the future moves it to the planned time, 1,000.
        let events = [("a", Some(5_000)), ("x", None), ("y", None), ("z", None)];
        assert_eq!(judged(&known, Some(100), None, &events), [false, false, false, true]);
        // Inside a batch the first stays, however far apart they are.
        let events = [("b", Some(1)), ("b", Some(900)), ("b", None)];
        assert_eq!(judged(&[], None, None, &events), [false, true, true]);
    }

    #[test]
    fn a_line_that_is_taken_back_counts_as_new_again() {
        let mut window = SeenWindow::new(None, 10, 0, None);
        assert!(!window.seen("a", None) && window.seen("a", None));
        window.unsee("a");
        assert!(!window.seen("a", None));
        let mut before = AcceptedBefore::new([Seen { id: hash("a"), received: None }]);
        assert!(before.seen("b", None) && !before.seen("a", None) && before.seen("a", None));
    }
}
