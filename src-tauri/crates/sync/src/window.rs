//! Duplicates (E7): which ids of a source were accepted before, in this batch or in the window.

use hashbrown::{HashMap, HashSet};
use headgate_events::Window;
use headgate_store::{Seen, Store};
use headgate_terms::Error;
use xxhash_rust::xxh3::xxh3_128;

/// Halves of the hashes of every id that a ledger accepted, so that a new id needs no look-up.
/// Without all of them it says nothing.
#[derive(Default)]
pub(crate) struct Known {
    halves: HashSet<u64>,
    complete: bool,
    asked: u64,
}

/// More ids than this are not held: some 70 MB.
const MOST_KNOWN: usize = 4_000_000;
/// As many look-ups make it worth while to read all ids of a ledger.
const WORTH_READING: u64 = 50_000;

impl Known {
    /// Of a ledger that has no ids yet.
    pub(crate) fn of_nothing() -> Self {
        Self { complete: true, ..Self::default() }
    }

    /// Adds what a batch accepted.
    pub(crate) fn extend(&mut self, accepted: &[Seen]) {
        if self.complete {
            self.halves.extend(accepted.iter().map(|seen| seen.id as u64));
            self.forget_if_many();
        }
    }

    /// Whether an id was surely never accepted.
    fn rules_out(&mut self, id: u128, store: &Store, ledger: i64) -> Result<bool, Error> {
        self.asked += 1;
        if !self.complete && self.asked == WORTH_READING {
            let halves = &mut self.halves;
            self.complete = store.each_id(ledger, MOST_KNOWN, |id| {
                halves.insert(id as u64);
            })?;
            self.forget_if_many();
        }
        Ok(self.complete && !self.halves.contains(&(id as u64)))
    }

    fn forget_if_many(&mut self) {
        if !self.complete || self.halves.len() > MOST_KNOWN {
            self.complete = false;
            self.halves = HashSet::new();
        }
    }
}

/// The window of one batch.
pub(crate) struct SeenWindow<'s> {
    /// The store, the ledger whose ids count, and what is known of them; none for a preview
    /// without a lake.
    earlier: Option<(&'s Store, i64, &'s mut Known)>,
    /// How far the window reaches back, in microseconds.
    span: i64,
    /// When the batch was planned: what claims to be newer does not move the window past it.
    planned: i64,
    pub(crate) newest: Option<i64>,
    /// For a file that was met before: the oldest it landed. The window reaches back to it.
    pub(crate) floor: Option<i64>,
    accepted: HashMap<u128, Option<i64>>,
    /// Ids of batches before this one that are in no store: a preview's.
    previewed: HashMap<u128, Option<i64>>,
    failure: Option<Error>,
}

impl<'s> SeenWindow<'s> {
    pub(crate) fn new(
        earlier: Option<(&'s Store, i64, &'s mut Known)>,
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
            accepted: HashMap::new(),
            previewed: HashMap::new(),
            failure: None,
        }
    }

    /// Goes on with the next batch of a preview, which records nothing.
    ///
    /// # Errors
    /// When the store failed while it was asked.
    pub(crate) fn next_batch(&mut self) -> Result<(), Error> {
        self.previewed.extend(self.accepted.drain());
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Reads the batch again from its beginning.
    pub(crate) fn start_over(&mut self, newest: Option<i64>) {
        self.accepted.clear();
        self.newest = newest;
    }

    /// The ids this batch accepted.
    ///
    /// # Errors
    /// When the store failed while it was asked.
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
        let (store, ledger, known) = self.earlier.as_mut()?;
        let asked = match known.rules_out(id, store, *ledger) {
            Ok(true) => Ok(None),
            Ok(false) => store.seen(*ledger, id),
            Err(error) => Err(error),
        };
        match asked {
            Ok(found) => found,
            Err(error) => {
                self.failure.get_or_insert(error);
                None
            }
        }
    }
}

impl Window for SeenWindow<'_> {
    fn seen(&mut self, id: &str, received_at: Option<i64>) -> bool {
        let id = xxh3_128(id.as_bytes());
        if let Some(received) = received_at {
            self.newest = self.newest.max(Some(received.min(self.planned)));
        }
        if self.accepted.contains_key(&id) {
            return true;
        }
        let begins = self.newest.map(|newest| newest.saturating_sub(self.span));
        let begins = match (begins, self.floor) {
            (Some(begins), Some(floor)) => Some(begins.min(floor)),
            (begins, floor) => begins.or(floor),
        };
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
}

/// A window in which nothing is a duplicate: for lines that were accepted before.
pub(crate) struct Accepted;

impl Window for Accepted {
    fn seen(&mut self, _: &str, _: Option<i64>) -> bool {
        false
    }
}
