//! [`Page`]: a part of a list, newest first, and whether there is more.

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Its entries, newest first.
    pub entries: Vec<T>,
    /// Whether older entries follow. The next page begins before the last entry of this one.
    pub more: bool,
}

impl<T> Page<T> {
    /// A page of what was found when one entry more than `most` was asked for.
    pub(crate) fn of(mut entries: Vec<T>, most: u32) -> Self {
        let more = entries.len() > most as usize;
        entries.truncate(most as usize);
        Self { entries, more }
    }
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), more: false }
    }
}
