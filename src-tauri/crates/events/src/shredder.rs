//! One batch of lines to typed tables: the whole of E2 to E24 but for the merge of `users`.
//!
//! Lines come in plan order and are decided one by one; types of new columns are decided when the
//! batch ends. Which ids were seen and which columns a table has is asked of the caller.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use hashbrown::HashMap;
use headgate_terms::Column;
use sha2::{Digest, Sha256};

use crate::calls::{Call, Shape};
use crate::discard::{Discard, Reason};
use crate::envelope::Envelope;
use crate::json::{OnTape, Parser, Rejection, Visit};
use crate::notice::{Notice, Noticed, Notices};
use crate::paths::{Found, Paths};
use crate::snake::{event_table, snake};
use crate::table::{Table, TableBuilder, Target};

/// How many tables of events one batch makes at most; the events of further names are in `tracks` only.
const MOST_NEW_TABLES: usize = 2_500;

/// Which ids count as duplicates (E7).
pub trait Window {
    /// Whether an event with this id was accepted before; if not, it is from now on.
    fn seen(&mut self, id: &str, received_at: Option<i64>) -> bool;
}

/// What the lake has.
pub trait Catalog {
    /// What is known of a table; asked once in a batch.
    fn table(&mut self, table: &str) -> Existing;
}

/// A table as the lake has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Existing {
    /// There is none yet.
    No,
    /// There is one, with these columns in this order.
    Table(Vec<Column>),
    /// It cannot be written now. Its rows are not made, and their lines are to be kept.
    Refused,
}

/// Where a line comes from: what makes the id of one that has none (E4).
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The line without its end.
    pub bytes: &'a [u8],
    /// The source's name.
    pub source: &'a str,
    /// The file's path below the root, the object's key, or the run's id for standard input.
    pub path: &'a str,
    /// Counted from 1.
    pub number: u64,
    /// An id settled before, which a line taken up again must keep.
    pub id: Option<&'a str>,
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its rows are in the batch.
    Written {
        /// When it was received, in microseconds; none when the event does not say.
        received_at: Option<i64>,
        /// Whether one of its tables was refused: the line, by the id it got, is to be kept.
        held: Option<String>,
    },
    /// Dropped whole (E7).
    Duplicate {
        /// When it was received, in microseconds; none when the event does not say.
        received_at: Option<i64>,
    },
    /// No event.
    Rejected(Rejection),
}

/// The tables that events of one kind go to, and how many went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Route {
    /// Tables of the schema; an event landed when it is in any of them (E8).
    pub tables: Vec<String>,
    /// Events that have rows in this batch.
    pub accepted: u64,
    /// Events that were dropped as duplicates.
    pub duplicate: u64,
}

/// A batch that has been read.
#[derive(Debug)]
pub struct Batch {
    /// Every table that events were routed to, in order of first appearance.
    pub tables: Vec<Table>,
    /// Every value set aside that is kept (E22).
    pub discards: Vec<Discard>,
    /// How many more were, by table and reason.
    pub left_out: BTreeMap<(String, Reason), u64>,
    /// What else is worth knowing, and how often. Several may have one code.
    pub notices: Notices,
    /// Events by where they went.
    pub routes: Vec<Route>,
}

/// The longest line that is looked at, in bytes without its end (E2).
pub const LONGEST_LINE: usize = 16 << 20;

/// The longest messageId that stands in a table as it is; of a longer one its SHA-256 does (E22).
const LONGEST_ID: usize = 1 << 10;

/// What a batch takes for granted.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// When the batch was planned, in microseconds: `uuid_ts`, and `received_at` of events
    /// that do not say (E4, E9).
    pub planned: i64,
    /// The most columns a table may have (E24).
    pub most_columns: usize,
}

/// Reads the lines of one batch.
pub struct Shredder<'c> {
    parser: Parser,
    state: State<'c>,
}

pub(crate) struct State<'c> {
    pub(crate) plan: Plan,
    pub(crate) catalog: &'c mut dyn Catalog,
    pub(crate) tables: Vec<TableBuilder>,
    pub(crate) by_table: HashMap<String, usize>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) by_event: HashMap<String, usize>,
    pub(crate) by_call: HashMap<(Call, Option<usize>), usize>,
    pub(crate) discards: Vec<Discard>,
    /// Values that were counted and not kept, by table.
    pub(crate) left_out: BTreeMap<(String, Reason), u64>,
    /// Values of the event at hand that are kept, and bytes of all that are.
    pub(crate) of_event: usize,
    pub(crate) kept_bytes: usize,
    /// Tables of events that this batch makes.
    pub(crate) new_tables: usize,
    pub(crate) notices: Noticed,
    pub(crate) found: Found,
    pub(crate) text: String,
    pub(crate) scratch: String,
}

/// Events that go to the same tables.
pub(crate) struct Kind {
    /// One or two: the event's table and `tracks`, `identifies` and `users`.
    pub(crate) tables: [usize; 2],
    pub(crate) count: usize,
    pub(crate) event: Option<String>,
    pub(crate) paths: Paths,
    /// By slot, for each of the tables.
    pub(crate) targets: Vec<[Option<Target>; 2]>,
    /// By how many of the tables an event goes to.
    pub(crate) accepted: [u64; 2],
    pub(crate) duplicate: [u64; 2],
}

impl<'c> Shredder<'c> {
    /// For one batch into the tables of one schema.
    pub fn new(plan: Plan, catalog: &'c mut dyn Catalog) -> Self {
        Self {
            parser: Parser::new(),
            state: State {
                plan,
                catalog,
                tables: Vec::new(),
                by_table: HashMap::new(),
                kinds: Vec::new(),
                by_event: HashMap::new(),
                by_call: HashMap::new(),
                discards: Vec::new(),
                left_out: BTreeMap::new(),
                of_event: 0,
                kept_bytes: 0,
                new_tables: 0,
                notices: Noticed::default(),
                found: Found::default(),
                text: String::new(),
                scratch: String::new(),
            },
        }
    }

    /// Takes the next line, which is not blank.
    pub fn push(&mut self, line: &Line<'_>, window: &mut dyn Window) -> Outcome {
        if line.bytes.len() > LONGEST_LINE {
            return Outcome::Rejected(Rejection::TooLong);
        }
        let taking = Taking { state: &mut self.state, line, window };
        match self.parser.read(line.bytes, taking) {
            Ok(outcome) => outcome,
            Err(rejection) => Outcome::Rejected(rejection),
        }
    }

    /// Ends the batch: new columns get their types.
    #[must_use]
    pub fn finish(self) -> Batch {
        let State { tables, kinds, discards, left_out, mut notices, .. } = self.state;
        let mut routes: BTreeMap<Vec<usize>, (u64, u64)> = BTreeMap::new();
        for kind in &kinds {
            for taken in 1..=kind.count {
                let (accepted, duplicate) = (kind.accepted[taken - 1], kind.duplicate[taken - 1]);
                if accepted + duplicate > 0 {
                    let route = routes.entry(kind.tables[..taken].to_vec()).or_default();
                    route.0 += accepted;
                    route.1 += duplicate;
                }
            }
        }
        let routes = routes
            .into_iter()
            .map(|(route, (accepted, duplicate))| Route {
                tables: route.into_iter().map(|table| tables[table].name().to_owned()).collect(),
                accepted,
                duplicate,
            })
            .collect();
        let mut lossy = 0;
        let tables = tables.into_iter().map(|table| table.finish(&mut lossy)).collect();
        notices.add(Notice::Lossy, lossy);
        Batch { tables, discards, left_out, notices: notices.finish(), routes }
    }
}

struct Taking<'t, 'c, 'l> {
    state: &'t mut State<'c>,
    line: &'t Line<'l>,
    window: &'t mut dyn Window,
}

impl Visit for Taking<'_, '_, '_> {
    type Out = Outcome;

    fn visit<'a, N: OnTape<'a>>(self, tape: &[N], lone_surrogate: bool) -> Outcome {
        let Some(event) = Envelope::read(tape) else {
            return Outcome::Rejected(Rejection::UnknownType);
        };
        let id = match (self.line.id, &event.message_id) {
            (Some(id), _) => Cow::Borrowed(id),
            (None, Some(id)) if id.len() > LONGEST_ID => Cow::Owned(hex(&Sha256::digest(&**id))),
            (None, Some(id)) => Cow::Borrowed(&**id),
            (None, None) => Cow::Owned(made_id(self.line)),
        };
        let received_at = event.received_at.micros();
        let duplicate = self.window.seen(&id, received_at);
        let kind = self.state.kind(&event);
        let taken = self.state.taken(kind, &event);
        let known = &mut self.state.kinds[kind];
        let counts = if duplicate { &mut known.duplicate } else { &mut known.accepted };
        counts[taken - 1] += 1;
        for &table in &known.tables[..taken] {
            self.state.tables[table].count(duplicate);
        }
        if duplicate {
            return Outcome::Duplicate { received_at };
        }
        if lone_surrogate {
            self.state.notices.note(Notice::LoneSurrogate);
        }
        event.note(tape, &mut self.state.notices);
        let tables = &self.state.kinds[kind].tables[..taken];
        let held = tables.iter().any(|&table| self.state.tables[table].refused());
        self.state.write(tape, &event, &id, kind, taken);
        Outcome::Written { received_at, held: held.then(|| id.into_owned()) }
    }
}

impl State<'_> {
    /// The kind of an event, made on first sight.
    fn kind(&mut self, event: &Envelope<'_>) -> usize {
        if event.call != Call::Track {
            if let Some(&kind) = self.by_call.get(&(event.call, None)) {
                return kind;
            }
            let table = self.table(event.call.table(), Shape::of(event.call));
            let mut tables = [table; 2];
            let mut count = 1;
            if event.call == Call::Identify {
                tables[1] = self.table("users", Shape::Users);
                count = 2;
            }
            return self.new_kind(event.call, None, tables, count, None);
        }
        let name = event.event.as_deref().unwrap_or_default();
        if let Some(&kind) = self.by_event.get(name) {
            return kind;
        }
        let slug = event_table(name);
        if slug.as_ref().is_some_and(|slug| slug.len() < snake(name).len()) {
            self.notices.note(Notice::NameCut);
        }
        let tracks = self.table("tracks", Shape::Track);
        if slug.is_none() && !name.is_empty() {
            self.notices.note(Notice::EventUnnameable);
        }
        let slug = slug.filter(|slug| self.has_room(slug));
        if slug.is_some() && snake(name).is_empty() {
            self.notices.name_by_hash(name);
        }
        let own = slug.as_deref().map(|slug| self.table(slug, Shape::Track));
        let kind =
            if let Some(&kind) = self.by_call.get(&(Call::Track, Some(own.unwrap_or(tracks)))) {
                kind
            } else {
                let (tables, count) = own.map_or(([tracks; 2], 1), |own| ([own, tracks], 2));
                self.new_kind(Call::Track, Some(own.unwrap_or(tracks)), tables, count, slug)
            };
        self.by_event.insert(name.to_owned(), kind);
        kind
    }

    fn new_kind(
        &mut self,
        call: Call,
        table: Option<usize>,
        tables: [usize; 2],
        count: usize,
        event: Option<String>,
    ) -> usize {
        let kind = self.kinds.len();
        self.by_call.insert((call, table), kind);
        self.kinds.push(Kind {
            tables,
            count,
            event,
            paths: Paths::new(call.section()),
            targets: Vec::new(),
            accepted: [0; 2],
            duplicate: [0; 2],
        });
        kind
    }

    /// Whether an event may have a table of its own: one that is there, or one more new one. A table costs
    /// files and a commit, so names that never come twice would cost far more than their events.
    fn has_room(&mut self, slug: &str) -> bool {
        if self.by_table.contains_key(slug) || self.catalog.table(slug) != Existing::No {
            return true;
        }
        if self.new_tables < MOST_NEW_TABLES {
            self.new_tables += 1;
            return true;
        }
        self.notices.note(Notice::TooManyTables);
        false
    }

    fn table(&mut self, name: &str, shape: Shape) -> usize {
        if let Some(&table) = self.by_table.get(name) {
            return table;
        }
        let existing = self.catalog.table(name);
        let table = self.tables.len();
        self.tables.push(TableBuilder::new(name.to_owned(), shape, existing));
        self.by_table.insert(name.to_owned(), table);
        table
    }

    /// To how many of its kind's tables an event goes: an identify without a user is not in
    /// `users` (E23).
    fn taken(&self, kind: usize, event: &Envelope<'_>) -> usize {
        let known = &self.kinds[kind];
        let nobody = event.call == Call::Identify
            && event.user_id.as_ref().is_none_or(|user| user.is_empty());
        if nobody { 1 } else { known.count }
    }
}

/// The id of a line that brings none: the same line in the same place gets the same (E4).
fn made_id(line: &Line<'_>) -> String {
    let mut hash = Sha256::new();
    for part in [line.source.as_bytes(), line.path.as_bytes()] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update(line.number.to_le_bytes());
    hash.update(line.bytes);
    hex(&hash.finalize()[..16])
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
