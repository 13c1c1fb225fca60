//! Duplicates (E7): which ids of a source were accepted before, in this batch or in the window.

use hashbrown::HashMap;
use headgate_events::Window;
use headgate_store::{Seen, Store};
use headgate_terms::Error;
use xxhash_rust::xxh3::xxh3_128;

/// The window of one batch.
pub(crate) struct SeenWindow<'s> {
    /// The store and the ledger whose ids count; none when there are none yet.
    earlier: Option<(&'s Store, i64)>,
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
