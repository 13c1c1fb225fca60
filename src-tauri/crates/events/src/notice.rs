//! [`Notice`]s: things to fix at the source of an event that was accepted all the same, such as a track
//! without an event name. `NoticeCounts` counts them while a batch is read, and forgets those of a rejected line.

use std::collections::BTreeMap;

use headgate_terms::{Shown, say};

use crate::snake::by_hash;

/// How often each notice was given. Those that name something may share their code.
pub type Notices = BTreeMap<Notice, u64>;

/// Something about an event that a user may want to fix at the source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Notice {
    /// Neither a user nor an anonymous id.
    NoUserOrAnonymousId,
    /// An id that is not a string.
    IdNotString,
    /// A track without an event name.
    EventNotDefined,
    /// A track whose event name is not a string.
    EventNotString,
    /// A track whose name has neither letter nor digit to name a table after.
    EventUnnameable,
    /// `properties` that is not an object.
    PropertiesNotObject,
    /// `traits` that is not an object.
    TraitsNotObject,
    /// `context` that is not an object.
    ContextNotObject,
    /// A page's or screen's `name` that is not a string.
    NameNotString,
    /// A page's or screen's `category` that is not a string.
    CategoryNotString,
    /// Half a surrogate pair, read as U+FFFD.
    LoneSurrogate,
    /// A whole number that lost digits in a DOUBLE.
    Lossy,
    /// Two paths of one event want the same column.
    Collision,
    /// A group without a group id, or an alias without a previous id.
    IdRequired,
    /// `context.device.advertisingId` that is not a string.
    AdvertisingIdNotString,
    /// A table's or column's name that was cut to length.
    NameCut,
    /// A value that was set aside and only counted (E22).
    DiscardLeftOut,
    /// An event name that got no table, because a batch made as many as it may.
    TooManyTables,
    /// A key or an event of another script, whose column or table is called by a hash (E19).
    NamedByHash {
        /// As sent; of a long one the beginning.
        sent: String,
        /// What stands for it in names.
        name: String,
    },
    /// More of them than are told.
    MoreNamedByHash,
    /// A table that has used 80 % of the columns it may have (E24).
    ColumnsAlmostUsed {
        /// Its name in the schema.
        table: String,
    },
    /// A line that made the code which reads it panic, and is rejected.
    Unreadable,
}

impl Notice {
    /// The word for it in reports.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoUserOrAnonymousId => "no_user_anon_id",
            Self::IdNotString => "id_not_string",
            Self::EventNotDefined => "event_not_defined",
            Self::EventNotString => "event_not_string",
            Self::EventUnnameable => "event_unnameable",
            Self::PropertiesNotObject => "properties_not_object",
            Self::TraitsNotObject => "traits_not_object",
            Self::ContextNotObject => "context_not_object",
            Self::NameNotString => "name_not_string",
            Self::CategoryNotString => "category_not_string",
            Self::LoneSurrogate => "lone_surrogate",
            Self::Lossy => "lossy",
            Self::Collision => "collision",
            Self::IdRequired => "id_required",
            Self::AdvertisingIdNotString => "device_advertisingid_should_be_string",
            Self::NameCut => "name_cut",
            Self::DiscardLeftOut => "discards_left_out",
            Self::TooManyTables => "too_many_tables",
            Self::NamedByHash { .. } => "named_by_hash",
            Self::MoreNamedByHash => "more_named_by_hash",
            Self::ColumnsAlmostUsed { .. } => "columns_almost_used",
            Self::Unreadable => "unreadable",
        }
    }

    /// It in a sentence.
    #[must_use]
    pub fn message(&self) -> Shown {
        Shown::from(match self {
            Self::NamedByHash { sent, name } => {
                return say!("`{}` is in another script; in names it is `{}`.", sent, name);
            }
            Self::ColumnsAlmostUsed { table } => {
                return say!("`{}` has used 80 % of the columns that a table may have.", table);
            }

            Self::NoUserOrAnonymousId => "Events carry neither `userId` nor `anonymousId`.",
            Self::IdNotString => "An id is empty or not a string; a number was taken as text.",
            Self::EventNotDefined => "Track calls have no event name; they are in `tracks` only.",
            Self::EventNotString => "An event name is not a string; a number was taken as text.",
            Self::EventUnnameable => {
                "No table can be named after an event; its rows are in `tracks` only."
            }
            Self::PropertiesNotObject => "`properties` is not an object.",
            Self::TraitsNotObject => "`traits` is not an object.",
            Self::ContextNotObject => "`context` is not an object.",
            Self::NameNotString => "The `name` of a page or screen is empty or not a string.",
            Self::CategoryNotString => {
                "The `category` of a page or screen is empty or not a string."
            }
            Self::LoneSurrogate => "Half a surrogate pair was read as the replacement character.",
            Self::Lossy => "A whole number lost digits in a DOUBLE column.",
            Self::IdRequired => "A group has no `groupId`, or an alias no `previousId`.",
            Self::AdvertisingIdNotString => "`context.device.advertisingId` is not a string.",
            Self::NameCut => "A name over 127 bytes was cut, with a hash at its end.",
            Self::DiscardLeftOut => {
                "Values beyond 1,000 of one event, or 32 MiB of a batch, were counted as discards and not kept."
            }
            Self::TooManyTables => {
                "A batch makes at most 2,500 tables; the events of further names are in `tracks` only."
            }
            Self::Unreadable => {
                "A line could not be read because of a defect in Headgate; it is a dead letter."
            }
            Self::MoreNamedByHash => {
                "Further names in other scripts stand as a hash of what was sent."
            }
            Self::Collision => "Two paths of one event make the same column; one of them won.",
        })
    }
}

/// The notices of a batch while it is read.
#[derive(Debug, Default)]
pub(crate) struct NoticeCounts {
    given: Notices,
    /// Those of the line at hand.
    of_line: Vec<(Notice, u64)>,
    named: usize,
}

/// The most names that a batch tells of one by one, and how many bytes of each.
const MOST_NAMED: usize = 100;
const LONGEST_NAME: usize = 100;

impl NoticeCounts {
    pub(crate) fn note(&mut self, notice: Notice) {
        self.add(notice, 1);
    }

    pub(crate) fn add(&mut self, notice: Notice, count: u64) {
        match self.of_line.last_mut() {
            _ if count == 0 => {}
            Some((last, so_far)) if *last == notice => *so_far += count,
            _ => self.of_line.push((notice, count)),
        }
    }

    /// Tells once of a key or an event that is named by its hash.
    pub(crate) fn name_by_hash(&mut self, sent: &str) {
        let Some(name) = by_hash(sent) else { return };
        let mut told = sent[..sent.floor_char_boundary(LONGEST_NAME)].to_owned();
        if told.len() < sent.len() {
            told.push('…');
        }
        self.note(Notice::NamedByHash { sent: told, name });
    }

    /// Ends a line, which keeps its notices.
    pub(crate) fn end_line(&mut self) {
        if self.of_line.is_empty() {
            return;
        }
        for (notice, count) in self.of_line.drain(..) {
            if let Notice::NamedByHash { .. } = notice {
                if self.given.contains_key(&notice) {
                    continue;
                }
                if self.named == MOST_NAMED {
                    *self.given.entry(Notice::MoreNamedByHash).or_default() += 1;
                    continue;
                }
                self.named += 1;
                self.given.insert(notice, 1);
                continue;
            }
            *self.given.entry(notice).or_default() += count;
        }
    }

    /// Forgets those of the line at hand.
    pub(crate) fn forget_line(&mut self) {
        self.of_line.clear();
    }

    pub(crate) fn finish(mut self) -> Notices {
        self.end_line();
        self.given
    }
}
