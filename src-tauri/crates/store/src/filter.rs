//! A blocked Bloom filter in front of a run of ids: an id that it does not have is not in the run.
//!
//! Ours, because filters are stored in the database: which bits an id sets must never change, and no library
//! guarantees that. Ids are hashes already and are not hashed again.

/// Bytes that have all bits of an id: one line of the processor's cache.
const BLOCK: usize = 64;
/// With as many bits an id, about one id in eighty that is not in the run gets through.
const BITS_FOR_EACH: u64 = 10;
/// Bits that an id sets; each takes nine bits of it.
const BITS_OF_EACH: usize = 7;

/// A blocked Bloom filter.
pub(crate) struct Filter(Vec<u8>);

impl Filter {
    /// An empty filter for so many ids.
    pub(crate) fn new(most: u64) -> Self {
        let blocks = (most * BITS_FOR_EACH).div_ceil(8 * BLOCK as u64).max(1);
        Self(vec![0; blocks as usize * BLOCK])
    }

    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn add(&mut self, id: u128) {
        for (at, bit) in self.places(id) {
            if let Some(byte) = self.0.get_mut(at) {
                *byte |= bit;
            }
        }
    }

    /// Whether the run may have an id.
    pub(crate) fn may_have(&self, id: u128) -> bool {
        self.places(id).all(|(at, bit)| self.0.get(at).is_none_or(|byte| byte & bit != 0))
    }

    /// The upper half of an id chooses the block, the lower half the bits in it.
    fn places(&self, id: u128) -> impl Iterator<Item = (usize, u8)> + use<> {
        let blocks = (self.0.len() / BLOCK) as u128;
        let block = (((id >> 64) * blocks) >> 64) as usize * BLOCK;
        (0..BITS_OF_EACH).map(move |n| {
            let bit = (id >> (9 * n)) as usize % (8 * BLOCK);
            (block + bit / 8, 1 << (bit % 8))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id_runs::tests::hashes;

    #[test]
    fn the_filter_has_few_false_positives() {
        let mut filter = Filter::new(50_000);
        hashes(1).take(50_000).for_each(|id| filter.add(id));
        assert!(hashes(1).take(50_000).all(|id| filter.may_have(id)));
        let through = hashes(2).take(50_000).filter(|&id| filter.may_have(id)).count();
        assert!(through < 50_000 / 50, "{through}");
    }

    #[test]
    fn a_filter_that_lacks_its_bytes_lets_all_through() {
        assert!(Filter::of(Vec::new()).may_have(7));
        assert!(!Filter::new(0).may_have(7));
    }
}
