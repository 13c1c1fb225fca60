//! One event to the rows of its tables: fixed columns, fields, collisions, what is set aside.
//!
//! The event has been accepted and routed; which table it goes to is decided in `shredder`.

use crate::calls::{Call, Fixed, Shape};
use crate::column::{Pushed, Value};
use crate::discard::{Discard, Reason};
use crate::envelope::{Envelope, Time};
use crate::json::{Json, OnTape, write_json, write_scalar};
use crate::notice::Notice;
use crate::paths::{Field, Found, Paths, Section};
use crate::shredder::State;
use crate::table::Target;

impl State<'_> {
    /// Writes an event's row into each of its tables.
    pub(crate) fn write<'a, N: OnTape<'a>>(
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
        self.of_event = 0;
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
                    let column = self.tables[table].spelled(fixed.column()).to_owned();
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
                    let column = self.column_of(row, kind, field, side);
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
                    let column = self.column_of(row, kind, field, side);
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

    /// The column that a field wants in one of its tables.
    fn column_of<'a, N: OnTape<'a>>(
        &self,
        row: &Row<'_, 'a, N>,
        kind: usize,
        field: Field,
        side: usize,
    ) -> String {
        let name = self.kinds[kind].paths.slot_name(field.slot);
        self.tables[row.tables[side]].spelled(name).to_owned()
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
                let column = self.tables[row.tables[0]].spelled(fixed.column()).to_owned();
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
                    let column = self.tables[row.tables[0]].spelled(fixed.column()).to_owned();
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
        if self.of_event < MOST_OF_EVENT {
            value_text(row.tape, at, &mut value);
        }
        let weight = table.name().len() + row.id.len() + column.len() + value.len();
        if self.of_event == MOST_OF_EVENT || self.kept_bytes + weight > MOST_BYTES {
            *self.left_out.entry((table.name().to_owned(), reason)).or_default() += 1;
            *self.notices.entry(Notice::DiscardLeftOut).or_default() += 1;
            return;
        }
        self.of_event += 1;
        self.kept_bytes += weight;
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

/// The most values of one event that are kept when they are set aside, and the most bytes of them
/// in a batch (E22).
const MOST_OF_EVENT: usize = 1_000;
const MOST_BYTES: usize = 32 << 20;

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
