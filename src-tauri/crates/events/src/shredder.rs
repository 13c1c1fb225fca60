//! [`Shredder`]: one batch of lines to typed tables, by all of E2 to E24, E28 and E29 except the merge of
//! `users`.
//!
//! Each line is parsed, checked for a duplicate id, routed to its tables and written to their rows, in the
//! order in which lines are pushed. A line that makes this code panic is undone and rejected. New columns get
//! their types when the batch ends. The caller knows which ids were seen ([`Window`]) and which columns a
//! table has ([`Catalog`]).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use hashbrown::HashMap;
use headgate_terms::Column;
use sha2::{Digest, Sha256};

use crate::calls::{EventType, Shape};
use crate::discard::{Discard, Reason};
use crate::envelope::Envelope;
use crate::json::{OnTape, Parser, Rejection, Visit};
use crate::notice::{Notice, NoticeCounts, Notices};
use crate::paths::{EventFields, Paths};
use crate::snake::{event_table, snake};
use crate::table::{Mark, Table, TableBuilder, Target};

/// How many tables of events one batch makes at most; the events of further names are in `tracks` only.
const MOST_NEW_TABLES: usize = 2_500;

/// Which ids count as duplicates (E7).
pub trait Window {
    /// Whether an event with rows in these tables is checked; others count as accepted before.
    fn is_for(&self, _: &mut dyn Iterator<Item = &str>) -> bool {
        true
    }

    /// Whether an event with this id was accepted before; if not, it is from now on.
    fn seen(&mut self, id: &str, received_at: Option<i64>) -> bool;

    /// Takes back the id that was accepted last: its line turned out to be unreadable.
    fn unsee(&mut self, id: &str);
}

/// What the lake has.
pub trait Catalog {
    /// What is known of a table; called once in a batch.
    fn table(&mut self, table: &str) -> Existing;

    /// Types that were chosen for columns of a table, whose names match in any case (E29). Fixed columns and
    /// those that the table has keep their own.
    fn chosen(&mut self, _table: &str) -> Vec<Column> {
        Vec::new()
    }

    /// Whether the values of each column are counted by their types ([`TableColumn::mixture`]), which costs
    /// time.
    ///
    /// [`TableColumn::mixture`]: crate::TableColumn::mixture
    fn counts_types(&self) -> bool {
        false
    }
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
    /// An id that was given before, which a line that is read again must keep.
    pub id: Option<&'a str>,
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its rows are in the batch.
    Written {
        /// When it was received, in microseconds; `None` when the event does not say.
        received_at: Option<i64>,
        /// Whether one of its tables was refused: the line, by the id it got, is to be kept.
        held: Option<String>,
    },
    /// Dropped whole (E7).
    Duplicate {
        /// When it was received, in microseconds; `None` when the event does not say.
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

/// The longest messageId that is stored as it is; of a longer one the SHA-256 is stored (E22).
const LONGEST_ID: usize = 1 << 10;

/// What a batch takes for granted.
#[derive(Debug, Clone, Copy)]
pub struct ShredOptions {
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
    pub(crate) plan: ShredOptions,
    pub(crate) catalog: &'c mut dyn Catalog,
    pub(crate) tables: Vec<TableBuilder>,
    pub(crate) by_table: HashMap<String, usize>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) by_event: HashMap<String, usize>,
    pub(crate) by_call: HashMap<(EventType, Option<usize>), usize>,
    pub(crate) discards: Vec<Discard>,
    /// Values that were counted and not kept, by table; those of the event at hand apart.
    pub(crate) left_out: BTreeMap<(usize, Reason), u64>,
    pub(crate) left_out_of_event: Vec<((usize, Reason), u64)>,
    /// Values of the event at hand that are kept, and bytes of all that are.
    pub(crate) of_event: usize,
    pub(crate) kept_bytes: usize,
    /// Tables of events that this batch makes.
    pub(crate) new_tables: usize,
    pub(crate) notices: NoticeCounts,
    pub(crate) found: EventFields,
    pub(crate) text: String,
    pub(crate) scratch: String,
    before: Before,
    /// What the line at hand did to single columns of tables that were there before it.
    pub(crate) undo: Vec<Undo>,
}

/// What there was before the line at hand, should it turn out to be unreadable.
#[derive(Debug, Default)]
struct Before {
    tables: usize,
    kinds: usize,
    new_tables: usize,
    discards: usize,
    kept_bytes: usize,
    /// Its kind, once that is known, and where the tables it goes to were.
    kind: Option<usize>,
    marks: [(usize, Mark); 2],
    marked: usize,
    /// Its id, once the window has accepted that.
    id: String,
    seen: bool,
}

/// A change of one column, by table and column.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Undo {
    /// One more path fills it.
    Path(usize, usize),
    /// One more value did not fit.
    Misfit(usize, usize),
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
    pub fn new(plan: ShredOptions, catalog: &'c mut dyn Catalog) -> Self {
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
                left_out_of_event: Vec::new(),
                of_event: 0,
                kept_bytes: 0,
                new_tables: 0,
                notices: NoticeCounts::default(),
                found: EventFields::default(),
                text: String::new(),
                scratch: String::new(),
                before: Before::default(),
                undo: Vec::new(),
            },
        }
    }

    /// Takes the next line, which is not blank. A line that makes this code panic is rejected like one
    /// that is not JSON, and leaves nothing behind.
    pub fn push(&mut self, line: &Line<'_>, window: &mut dyn Window) -> Outcome {
        if line.bytes.len() > LONGEST_LINE {
            return Outcome::Rejected(Rejection::TooLong);
        }
        self.state.begin_line();
        let (parser, state) = (&mut self.parser, &mut self.state);
        let taking = LineVisitor { state, line, window: &mut *window };
        match catch_unwind(AssertUnwindSafe(|| parser.read(line.bytes, taking))) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(rejection)) => Outcome::Rejected(rejection),
            Err(_) => {
                self.parser = Parser::new();
                self.state.take_back(window);
                Outcome::Rejected(Rejection::Unreadable)
            }
        }
    }

    /// Ends the batch: new columns get their types.
    #[must_use]
    pub fn finish(self) -> Batch {
        let State { plan, tables, kinds, discards, left_out, mut notices, .. } = self.state;
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
        let left_out = left_out
            .into_iter()
            .map(|((table, reason), count)| ((tables[table].name().to_owned(), reason), count))
            .collect();
        let mut lossy = 0;
        let tables: Vec<Table> = tables.into_iter().map(|table| table.finish(&mut lossy)).collect();
        notices.add(Notice::Lossy, lossy);
        for table in tables.iter().filter(|table| table.rows > 0) {
            if table.columns.len() * 5 >= plan.most_columns * 4 {
                notices.note(Notice::ColumnsAlmostUsed { table: table.name.clone() });
            }
        }
        Batch { tables, discards, left_out, notices: notices.finish(), routes }
    }
}

struct LineVisitor<'t, 'c, 'l> {
    state: &'t mut State<'c>,
    line: &'t Line<'l>,
    window: &'t mut dyn Window,
}

impl Visit for LineVisitor<'_, '_, '_> {
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
        let state = self.state;
        let kind = state.kind(&event);
        let taken = state.taken(kind, &event);
        let tables = state.kinds[kind].tables;
        let mut names = tables[..taken].iter().map(|&table| state.tables[table].name());
        let duplicate = !self.window.is_for(&mut names) || self.window.seen(&id, received_at);
        if !duplicate {
            state.before.id.clear();
            state.before.id.push_str(&id);
            state.before.seen = true;
        }
        if duplicate {
            for &table in &tables[..taken] {
                state.tables[table].count(true);
            }
            state.kinds[kind].duplicate[taken - 1] += 1;
            state.end_line();
            return Outcome::Duplicate { received_at };
        }
        state.mark(kind, taken);
        if lone_surrogate {
            state.notices.note(Notice::LoneSurrogate);
        }
        event.note(tape, &mut state.notices);
        let mut held = false;
        for &table in &tables[..taken] {
            held |= state.tables[table].refused();
            state.tables[table].count(false);
        }
        state.write(tape, &event, &id, kind, taken);
        // From here on nothing can fail.
        state.kinds[kind].accepted[taken - 1] += 1;
        state.end_line();
        Outcome::Written { received_at, held: held.then(|| id.into_owned()) }
    }
}

impl State<'_> {
    fn begin_line(&mut self) {
        let before = &mut self.before;
        before.tables = self.tables.len();
        before.kinds = self.kinds.len();
        before.new_tables = self.new_tables;
        before.discards = self.discards.len();
        before.kept_bytes = self.kept_bytes;
        before.kind = None;
        before.marked = 0;
        before.seen = false;
        self.undo.clear();
        self.left_out_of_event.clear();
    }

    /// Remembers where the tables of the line at hand are.
    fn mark(&mut self, kind: usize, taken: usize) {
        self.before.kind = Some(kind);
        for (place, &table) in self.kinds[kind].tables[..taken].iter().enumerate() {
            self.before.marks[place] = (table, self.tables[table].mark());
        }
        self.before.marked = taken;
    }

    /// Ends a line that stays.
    fn end_line(&mut self) {
        if !self.left_out_of_event.is_empty() {
            self.keep_left_out();
        }
        self.notices.end_line();
    }

    fn keep_left_out(&mut self) {
        for (key, count) in self.left_out_of_event.drain(..) {
            *self.left_out.entry(key).or_default() += count;
        }
    }

    /// Takes back all that the line at hand did before it broke off.
    fn take_back(&mut self, window: &mut dyn Window) {
        let before = &self.before;
        for &undo in &self.undo {
            match undo {
                Undo::Path(table, column) => self.tables[table].forget_path(column),
                Undo::Misfit(table, column) => self.tables[table].forget_misfit(column),
            }
        }
        for &(table, mark) in &before.marks[..before.marked] {
            self.tables[table].back_to(mark);
        }
        self.tables.truncate(before.tables);
        self.by_table.retain(|_, table| *table < before.tables);
        self.kinds.truncate(before.kinds);
        self.by_event.retain(|_, kind| *kind < before.kinds);
        self.by_call.retain(|_, kind| *kind < before.kinds);
        if let Some(kind) = before.kind.and_then(|kind| self.kinds.get_mut(kind)) {
            kind.paths = kind.paths.emptied();
            kind.targets.clear();
        }
        self.new_tables = before.new_tables;
        self.discards.truncate(before.discards);
        self.kept_bytes = before.kept_bytes;
        if before.seen {
            window.unsee(&before.id);
        }
        self.notices.forget_line();
        self.notices.note(Notice::Unreadable);
        self.notices.end_line();
    }

    /// The kind of an event, made on first sight.
    fn kind(&mut self, event: &Envelope<'_>) -> usize {
        if event.call != EventType::Track {
            if let Some(&kind) = self.by_call.get(&(event.call, None)) {
                return kind;
            }
            let table = self.table(event.call.table(), Shape::of(event.call));
            let mut tables = [table; 2];
            let mut count = 1;
            if event.call == EventType::Identify {
                tables[1] = self.table("users", Shape::Users);
                count = 2;
            }
            midway();
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
        let kind = if let Some(&kind) =
            self.by_call.get(&(EventType::Track, Some(own.unwrap_or(tracks))))
        {
            kind
        } else {
            let (tables, count) = own.map_or(([tracks; 2], 1), |own| ([own, tracks], 2));
            self.new_kind(EventType::Track, Some(own.unwrap_or(tracks)), tables, count, slug)
        };
        midway();
        self.by_event.insert(name.to_owned(), kind);
        kind
    }

    fn new_kind(
        &mut self,
        call: EventType,
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
        let chosen = self.catalog.chosen(name);
        let counts_types = self.catalog.counts_types();
        let made = TableBuilder::new(name.to_owned(), shape, existing, chosen, counts_types);
        self.tables.push(made);
        self.by_table.insert(name.to_owned(), table);
        table
    }

    /// To how many of its kind's tables an event goes: an identify without a user is not in
    /// `users` (E23).
    fn taken(&self, kind: usize, event: &Envelope<'_>) -> usize {
        let known = &self.kinds[kind];
        let nobody = event.call == EventType::Identify
            && event.user_id.as_ref().is_none_or(|user| user.is_empty());
        if nobody { 1 } else { known.count }
    }
}

/// A place in the middle of a line's work, where tests let it break off.
#[cfg(not(test))]
pub(crate) const fn midway() {}

#[cfg(test)]
pub(crate) use tests::midway;

/// The id of a line that has none: the same line in the same place gets the same (E4).
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::BTreeSet;

    use arrow_array::RecordBatch;
    use headgate_terms::ColumnType;

    use super::*;
    use crate::TableColumn;

    thread_local! {
        /// How many more places a line may pass before it breaks off; `None` for no end.
        static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
    }

    pub(crate) fn midway() {
        if let Some(left) = LEFT.get() {
            LEFT.set(left.checked_sub(1));
            if left == 0 {
                // As a panic, but for the message of one.
                std::panic::resume_unwind(Box::new(()));
            }
        }
    }

    struct Lake;

    impl Catalog for Lake {
        fn table(&mut self, table: &str) -> Existing {
            let column = |(name, kind): (&str, _)| Column { name: name.to_owned(), kind };
            let has = [("ID", ColumnType::String), ("n", ColumnType::BigInt)];
            match table {
                "had" => Existing::Table(has.map(column).into()),
                _ => Existing::No,
            }
        }

        fn chosen(&mut self, table: &str) -> Vec<Column> {
            let column = |(name, kind): (&str, _)| Column { name: name.to_owned(), kind };
            let chosen = match table {
                "e" => vec![("BB", ColumnType::Boolean), ("t", ColumnType::Timestamp)],
                "identifies" | "users" => vec![("plan", ColumnType::BigInt)],
                _ => Vec::new(),
            };
            chosen.into_iter().map(column).collect()
        }

        fn counts_types(&self) -> bool {
            true
        }
    }

    #[derive(Default)]
    struct Seen(BTreeSet<String>);

    impl Window for Seen {
        fn seen(&mut self, id: &str, _: Option<i64>) -> bool {
            !self.0.insert(id.to_owned())
        }

        fn unsee(&mut self, id: &str) {
            assert!(self.0.remove(id), "{id} was not seen");
        }
    }

    fn column_text(c: &TableColumn) -> String {
        format!(
            "{:?} {} {} {:?} {} {} {:?}",
            c.column, c.existing, c.fixed, c.from, c.filled, c.discarded, c.mixture
        )
    }

    /// All that a batch came to, as text; its rows as Arrow.
    type Made = (String, Vec<RecordBatch>, BTreeSet<String>);

    /// Puts lines through, of which one, if any, breaks off at a place. `None` when it came to its end.
    fn made(lines: &[&str], broken: Option<(usize, usize)>) -> Option<Made> {
        let plan = ShredOptions { planned: 1_795_000_000_000_000, most_columns: 14 };
        let (mut lake, mut window) = (Lake, Seen::default());
        let mut shredder = Shredder::new(plan, &mut lake);
        for (at, line) in lines.iter().enumerate() {
            let place = broken.filter(|&(line, _)| line == at).map(|(_, place)| place);
            LEFT.set(place);
            let line = Line { bytes: line.as_bytes(), source: "s", path: "p", number: 1, id: None };
            let outcome = shredder.push(&line, &mut window);
            let reached = place.is_some() && LEFT.get().is_none();
            LEFT.set(None);
            if place.is_some() && !reached {
                return None;
            }
            let unreadable = outcome == Outcome::Rejected(Rejection::Unreadable);
            assert_eq!(unreadable, reached, "{outcome:?}");
        }
        let mut batch = shredder.finish();
        let told = batch.notices.remove(&Notice::Unreadable);
        assert_eq!(told, broken.map(|_| 1));
        let rows = batch.tables.iter().map(|table| table.whole().unwrap()).collect();
        let tables: Vec<_> = batch
            .tables
            .iter()
            .map(|table| {
                let columns: Vec<_> =
                    table.columns.iter().chain(&table.unmade).map(column_text).collect();
                let Table { name, rows, accepted, duplicate, discarded, .. } = table;
                format!("{name} {rows} {accepted} {duplicate} {discarded} {columns:#?}")
            })
            .collect();
        let Batch { discards, left_out, notices, routes, .. } = batch;
        Some((
            format!("{tables:#?} {discards:#?} {left_out:?} {notices:?} {routes:?}"),
            rows,
            window.0,
        ))
    }

    #[test]
    fn a_line_that_panics_is_undone() {
        let around = [
            r#"{"type":"track","event":"E","messageId":"a","properties":{"i":1,"d":1.5,"b":true,"t":"2026-11-22T10:00:00Z","s":"x","m":1,"bb":true}}"#,
            r#"{"type":"track","event":"Had","messageId":"b","properties":{"n":1}}"#,
            r#"{"type":"identify","userId":"u","messageId":"c","traits":{"plan":"free"}}"#,
            r#"{"type":"track","event":"E","messageId":"d","properties":{"m":"x","bb":"true"}}"#,
            r#"{"type":"page","messageId":"e","properties":{"name":"p"}}"#,
        ];
        let broken = [
            // Every change of a new column's type, columns beyond the most, discards of each kind.
            r#"{"type":"track","event":"E","messageId":"z","userId":{},"properties":{"i":2.5,"d":"x","b":7,"t":"soon","s":3,"m":[1],"bb":1,"I":1,"new":1,"id":3,"—":4,"g":5,"h":6,"k":7}}"#,
            r#"{"type":"track","event":"Had","messageId":"z","sentAt":true,"context":{"日本":1},"properties":{"n":"x","a":1}}"#,
            r#"{"type":"track","event":"Not there","messageId":"z","context":{"c":1},"properties":{"n":"x"}}"#,
            r#"{"type":"track","event":"注文","messageId":"z","context":[],"properties":{"n":12345678901234567890}}"#,
            r#"{"type":"identify","userId":"u","messageId":"z","traits":{"plan":1,"more":{"x":[1]}}}"#,
            r#"{"type":"group","groupId":"g","messageId":"z","traits":{"x":1}}"#,
            r#"{"type":"page","messageId":"z","name":"q","properties":{"name":"p","Name":"r","category":1}}"#,
        ];
        // Later lines of the same kind find everything as it would have been.
        for line in broken {
            let later = line.replace(r#""z""#, r#""y""#);
            let mut lines = around.to_vec();
            lines.push(&later);
            let without = made(&lines, None).unwrap();
            for at in 0..=around.len() {
                let mut lines = lines.clone();
                lines.insert(at, line);
                let mut places = 0;
                while let Some(with) = made(&lines, Some((at, places))) {
                    assert_eq!(with, without, "line {at} at place {places}: {line}");
                    places += 1;
                }
                assert!(places >= 5, "{line}");
            }
        }
    }

    #[test]
    fn discards_beyond_the_limit_of_an_event_are_only_counted() {
        let id = "i".repeat(100_000);
        let keys: Vec<String> = (0..25_000).map(marks).collect();
        let members: Vec<String> = keys.iter().map(|key| format!(r#""{key}":1"#)).collect();
        let line = format!(
            r#"{{"type":"track","event":"E","messageId":"{id}","context":{{{0}}},"properties":{{{0}}}}}"#,
            members.join(",")
        );
        let batch = batch_of(&line);
        let left_out: u64 = batch.left_out.values().sum();
        assert_eq!((batch.discards.len(), left_out), (1_000, 74_000));
        assert_eq!(batch.notices[&Notice::DiscardLeftOut], 74_000);
        assert!(batch.discards.iter().all(|discard| discard.row_id.len() == 64));
    }

    /// A batch of one event, for an empty lake.
    fn batch_of(line: &str) -> Batch {
        let mut lake = Lake;
        let mut shredder =
            Shredder::new(ShredOptions { planned: 0, most_columns: 2_000 }, &mut lake);
        let line = Line { bytes: line.as_bytes(), source: "s", path: "p", number: 1, id: None };
        shredder.push(&line, &mut Seen::default());
        shredder.finish()
    }

    /// A number in marks that are neither letter nor digit.
    fn marks(number: u32) -> String {
        format!("{number:b}").replace('0', "-").replace('1', "+")
    }

    #[test]
    fn only_the_first_paths_of_a_column_are_reported() {
        let keys: Vec<String> =
            (0..117_000_u32).map(|key| format!(r#""a{}":{key}"#, marks(key))).collect();
        let line = format!(
            r#"{{"type":"track","event":"E","messageId":"m","properties":{{{}}}}}"#,
            keys.join(",")
        );
        let batch = batch_of(&line);
        let a = batch.tables.iter().flat_map(|table| &table.columns);
        let a = a.into_iter().find(|column| column.column.name == "a").unwrap();
        assert_eq!((a.filled, a.from.len()), (1, 32));
        let left_out: u64 = batch.left_out.values().sum();
        assert_eq!(batch.discards.len() as u64 + left_out, 116_999);
    }
}
