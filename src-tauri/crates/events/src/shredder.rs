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

use crate::calls::{Call, Fixed, Shape};
use crate::column::{Pushed, Value};
use crate::discard::{Discard, Reason};
use crate::envelope::{Envelope, Time};
use crate::json::{Json, OnTape, Parser, Rejection, Visit, write_json, write_scalar};
use crate::notice::{Notice, Notices};
use crate::paths::{Field, Found, Paths, Section};
use crate::snake::{event_table, snake};
use crate::table::{Table, TableBuilder, Target};

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
    /// Every value set aside.
    pub discards: Vec<Discard>,
    /// What else is worth knowing.
    pub notices: Notices,
    /// Events by where they went.
    pub routes: Vec<Route>,
}

/// The longest line that is looked at, in bytes without its end (E2).
pub const LONGEST_LINE: usize = 16 << 20;

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

struct State<'c> {
    plan: Plan,
    catalog: &'c mut dyn Catalog,
    tables: Vec<TableBuilder>,
    by_table: HashMap<String, usize>,
    kinds: Vec<Kind>,
    by_event: HashMap<String, usize>,
    by_call: HashMap<(Call, Option<usize>), usize>,
    discards: Vec<Discard>,
    notices: Notices,
    found: Found,
    text: String,
    scratch: String,
}

/// Events that go to the same tables.
struct Kind {
    /// One or two: the event's table and `tracks`, `identifies` and `users`.
    tables: [usize; 2],
    count: usize,
    event: Option<String>,
    paths: Paths,
    /// By slot, for each of the tables.
    targets: Vec<[Option<Target>; 2]>,
    /// By how many of the tables an event goes to.
    accepted: [u64; 2],
    duplicate: [u64; 2],
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
                notices: Notices::new(),
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
        let State { tables, kinds, discards, mut notices, .. } = self.state;
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
        if lossy > 0 {
            *notices.entry(Notice::Lossy).or_default() += lossy;
        }
        Batch { tables, discards, notices, routes }
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
            *self.state.notices.entry(Notice::LoneSurrogate).or_default() += 1;
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
            *self.notices.entry(Notice::NameCut).or_default() += 1;
        }
        let tracks = self.table("tracks", Shape::Track);
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

    /// Writes an event's row into each of its tables.
    fn write<'a, N: OnTape<'a>>(
        &mut self,
        tape: &[N],
        event: &Envelope<'a>,
        id: &str,
        kind: usize,
        taken: usize,
    ) {
        let received_at = event.received_at.micros().unwrap_or(self.plan.planned);
        let row = Row {
            tape,
            event,
            id,
            received_at,
            timestamp: event.settled_timestamp(received_at),
            tables: self.kinds[kind].tables,
            taken,
            live: self.kinds[kind].tables.map(|table| !self.tables[table].refused()),
        };
        if !row.live[..taken].contains(&true) {
            return;
        }
        self.fixed(&row, kind);
        self.not_objects(&row);

        let object =
            |at: Option<usize>| at.filter(|&at| matches!(tape[at].into(), Json::Object { .. }));
        let nameless = event.call == Call::Track && self.kinds[kind].event.is_none();
        let own = object(event.own);
        if let (true, Some(at)) = (nameless, own)
            && tape[at].into().says_something()
        {
            let column = event.call.section().to_owned();
            self.discard(&row, 0, column, at, Reason::NoEventTable);
        }
        let mut found = std::mem::take(&mut self.found);
        if self.kinds[kind].paths.overgrown() {
            self.kinds[kind].paths = Paths::new(event.call.section());
            self.kinds[kind].targets.clear();
        }
        let own = own.filter(|_| !nameless);
        self.kinds[kind].paths.find(tape, object(event.context), own, &mut found);
        for &(section, node, at) in &found.unnameable {
            let path = self.kinds[kind].paths.dotted(node);
            for side in row.sides(section) {
                self.discard(&row, side, path.clone(), at, Reason::UnnameableKey);
            }
        }
        if found.collided {
            self.kinds[kind].paths.settle(&mut found.fields);
        }
        let mut collided = false;
        for &field in &found.fields {
            collided |= self.field(&row, kind, field);
        }
        if collided {
            *self.notices.entry(Notice::Collision).or_default() += 1;
        }
        if matches!(event.call, Call::Page | Call::Screen) {
            self.page_fields(&row, kind, &found);
        }
        self.found = found;
        for side in row.sides(Section::Context) {
            self.tables[row.tables[side]].end_row();
        }
    }

    /// Writes the fixed columns.
    fn fixed<'a, N: OnTape<'a>>(&mut self, row: &Row<'_, 'a, N>, kind: usize) {
        let event = row.event;
        for side in row.sides(Section::Context) {
            let table = row.tables[side];
            let shape = self.tables[table].shape();
            for (place, fixed) in shape.fixed().iter().enumerate() {
                let text = match fixed {
                    Fixed::Id if shape == Shape::Users => event.user_id.as_deref(),
                    Fixed::Id => Some(row.id),
                    Fixed::AnonymousId => event.anonymous_id.as_deref(),
                    Fixed::UserId => event.user_id.as_deref(),
                    Fixed::GroupId => event.group_id.as_deref(),
                    Fixed::PreviousId => event.previous_id.as_deref(),
                    Fixed::Event => self.kinds[kind].event.as_deref(),
                    Fixed::EventText => event.event.as_deref(),
                    Fixed::Name => event.name.as_deref(),
                    Fixed::Category => event.category.as_deref(),
                    _ => None,
                };
                let time = match fixed {
                    Fixed::ReceivedAt => Time::At(row.received_at),
                    Fixed::SentAt => event.sent_at,
                    Fixed::Timestamp => Time::At(row.timestamp),
                    Fixed::OriginalTimestamp => event.original_timestamp,
                    Fixed::UuidTs => Time::At(self.plan.planned),
                    _ => Time::Missing,
                };
                let value = text
                    .map(|text| Value::Sent(Json::Text(text)))
                    .or(time.micros().map(Value::Time));
                if let Some(value) = value {
                    self.tables[table].push_fixed(place, value, &mut self.scratch);
                }
                let sent = match fixed {
                    Fixed::ReceivedAt => event.received_at,
                    Fixed::SentAt => event.sent_at,
                    Fixed::Timestamp => event.timestamp,
                    Fixed::OriginalTimestamp => event.original_timestamp,
                    _ => Time::Missing,
                };
                if let Time::Unreadable(at) = sent {
                    let column = fixed.column().to_owned();
                    self.discard(row, side, column, at, Reason::TypeMismatch);
                }
            }
        }
    }

    /// Sets aside what should be an object and is none (E3).
    fn not_objects<'a, N: OnTape<'a>>(&mut self, row: &Row<'_, 'a, N>) {
        let own = row.event.call.section();
        for (place, key) in [(row.event.context, "context"), (row.event.own, own)] {
            let Some(at) = place else { continue };
            if matches!(row.tape[at].into(), Json::Object { .. }) {
                continue;
            }
            let notice = match key {
                "context" => Notice::ContextNotObject,
                "traits" => Notice::TraitsNotObject,
                _ => Notice::PropertiesNotObject,
            };
            *self.notices.entry(notice).or_default() += 1;
            self.discard(row, 0, key.to_owned(), at, Reason::NotAnObject);
        }
    }

    /// Writes one value into its column of each table, or sets it aside. Returns whether another
    /// path won its column.
    fn field<'a, N: OnTape<'a>>(
        &mut self,
        row: &Row<'_, 'a, N>,
        kind: usize,
        field: Field,
    ) -> bool {
        let (mut collided, mut first) = (false, true);
        let json: Json<'a> = row.tape[field.at].into();
        let mut text = std::mem::take(&mut self.text);
        let value = if let Json::Array { .. } = json {
            text.clear();
            write_json(row.tape, field.at, &mut text);
            Value::Array(&text)
        } else {
            Value::Sent(json)
        };
        for side in row.sides(field.section) {
            match self.target(row, kind, field, side) {
                Target::Reserved => {
                    let column = self.kinds[kind].paths.slot_name(field.slot).to_owned();
                    self.discard(row, side, column, field.at, Reason::ReservedName);
                }
                // Settled with the top level's own when all properties are known.
                Target::PageField => {}
                Target::Full => {
                    let path = self.kinds[kind].paths.dotted(field.node);
                    let reason =
                        if field.beaten { Reason::Collision } else { Reason::TooManyColumns };
                    collided |= field.beaten;
                    self.discard(row, side, path, field.at, reason);
                }
                Target::Column(_) if field.beaten => {
                    collided = true;
                    let column = self.kinds[kind].paths.slot_name(field.slot).to_owned();
                    self.discard(row, side, column, field.at, Reason::Collision);
                }
                Target::Column(column) => {
                    let table = &mut self.tables[row.tables[side]];
                    match table.push(column, value, &mut self.scratch) {
                        Pushed::Stored => {}
                        // Of one value in two tables one notice is enough.
                        Pushed::Lossy => {
                            *self.notices.entry(Notice::Lossy).or_default() += u64::from(first);
                        }
                        Pushed::Refused => {
                            let name = table.column_name(column).to_owned();
                            self.discard(row, side, name, field.at, Reason::TypeMismatch);
                        }
                    }
                }
            }
            first = false;
        }
        self.text = text;
        collided
    }

    /// Where a field goes in one of its tables, resolved once and noted with its path.
    fn target<'a, N: OnTape<'a>>(
        &mut self,
        row: &Row<'_, 'a, N>,
        kind: usize,
        field: Field,
        side: usize,
    ) -> Target {
        let known = &mut self.kinds[kind];
        let slot = field.slot as usize;
        if known.targets.len() <= slot {
            known.targets.resize(slot + 1, [None; 2]);
        }
        let table = &mut self.tables[row.tables[side]];
        let target = if let Some(target) = known.targets[slot][side] {
            target
        } else {
            let name = known.paths.slot_name(field.slot);
            let target = table.target(name, self.plan.most_columns);
            known.targets[slot][side] = Some(target);
            if side == 0 && known.paths.was_cut(field.node) {
                *self.notices.entry(Notice::NameCut).or_default() += 1;
            }
            target
        };
        if let Target::Column(column) = target
            && known.paths.is_new(field.node, side)
        {
            table.note_path(column, known.paths.dotted(field.node));
        }
        target
    }

    /// Fills `name` and `category` of a page from its properties, unless the top level has them.
    fn page_fields<'a, N: OnTape<'a>>(&mut self, row: &Row<'_, 'a, N>, kind: usize, found: &Found) {
        let top = [(Fixed::Name, &row.event.name), (Fixed::Category, &row.event.category)];
        for (fixed, top) in top {
            let named: Vec<Field> = found
                .fields
                .iter()
                .copied()
                .filter(|field| self.kinds[kind].paths.slot_name(field.slot) == fixed.column())
                .collect();
            let Some(winner) = named.iter().find(|field| !field.beaten) else { continue };
            let mut text = String::new();
            for field in named.iter().filter(|field| field.beaten) {
                let column = fixed.column().to_owned();
                self.discard(row, 0, column, field.at, Reason::Collision);
            }
            value_text(row.tape, winner.at, &mut text);
            match top {
                None if !row.live[0] => {}
                None => {
                    let table = &mut self.tables[row.tables[0]];
                    let column =
                        table.push_named(fixed, Value::Sent(Json::Text(&text)), &mut self.scratch);
                    if self.kinds[kind].paths.is_new(winner.node, 0) {
                        table.note_path(column, self.kinds[kind].paths.dotted(winner.node));
                    }
                }
                Some(top) if **top == *text => {}
                Some(_) => {
                    let column = fixed.column().to_owned();
                    self.discard(row, 0, column, winner.at, Reason::Collision);
                }
            }
        }
    }

    /// Sets a value aside for one of the event's tables; `users` keeps none (E23).
    fn discard<'a, N: OnTape<'a>>(
        &mut self,
        row: &Row<'_, 'a, N>,
        side: usize,
        column: String,
        at: usize,
        reason: Reason,
    ) {
        let table = &mut self.tables[row.tables[side]];
        if table.shape() == Shape::Users || table.refused() {
            return;
        }
        table.count_discard(&column, reason);
        let mut value = String::new();
        value_text(row.tape, at, &mut value);
        self.discards.push(Discard {
            table: table.name().to_owned(),
            row_id: row.id.to_owned(),
            column,
            value,
            received_at: row.received_at,
            reason,
        });
    }
}

/// An event on its way into its tables.
struct Row<'r, 'a, N> {
    tape: &'r [N],
    event: &'r Envelope<'a>,
    id: &'r str,
    received_at: i64,
    timestamp: i64,
    tables: [usize; 2],
    taken: usize,
    /// Which of them can be written.
    live: [bool; 2],
}

impl<N> Row<'_, '_, N> {
    /// Which of its tables a section goes to: properties are not in `tracks`.
    fn sides(&self, section: Section) -> impl Iterator<Item = usize> + use<N> {
        let own_only = section == Section::Own && self.event.call == Call::Track;
        let live = self.live;
        (0..if own_only { 1 } else { self.taken }).filter(move |&side| live[side])
    }
}

/// A value as `headgate_discards` and STRING columns hold it.
fn value_text<'a, N: OnTape<'a>>(tape: &[N], at: usize, out: &mut String) {
    match tape[at].into() {
        Json::Array { .. } | Json::Object { .. } => write_json(tape, at, out),
        scalar => write_scalar(scalar, out),
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
    let (mut id, digest) = (String::with_capacity(32), hash.finalize());
    for byte in &digest[..16] {
        let _ = write!(id, "{byte:02x}");
    }
    id
}
