//! Writes one event into the rows of its tables: fixed columns (E3, E13), properties and traits, columns
//! that two paths want (E17), and discarded values (E22).
//!
//! The event was accepted, and its tables were chosen, in `shredder`.

use crate::calls::{EventType, Fixed, Shape};
use crate::column::{Pushed, Value};
use crate::discard::{Discard, Reason};
use crate::envelope::Envelope;
use crate::json::{Json, OnTape, write_json, write_scalar};
use crate::notice::Notice;
use crate::paths::{EventFields, Field, Section};
use crate::shredder::{State, Undo, midway};
use crate::table::Target;
use crate::timestamp;

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
            kind,
            tables: self.kinds[kind].tables,
            taken,
            live: self.kinds[kind].tables.map(|table| !self.tables[table].refused()),
        };
        if !row.live[..taken].contains(&true) {
            return;
        }
        self.of_event = 0;
        self.fixed(&row);
        if event.has_unfit(tape) {
            self.unfit(&row);
        }
        self.not_objects(&row);

        let object =
            |at: Option<usize>| at.filter(|&at| matches!(tape[at].into(), Json::Object { .. }));
        let nameless = event.call == EventType::Track && self.kinds[kind].event.is_none();
        let own = object(event.own);
        if let (true, Some(at)) = (nameless, own)
            && tape[at].into().says_something()
        {
            let place = Place::Section(event.call.section());
            self.discard(&row, 0, place, Lost::At(at), Reason::NoEventTable);
        }
        midway();
        let mut found = std::mem::take(&mut self.found);
        let own = own.filter(|_| !nameless);
        self.kinds[kind].paths.find(tape, object(event.context), own, &mut found);
        for &(section, node, at) in &found.unnameable {
            for side in row.sides(section) {
                let place = Place::Path(node);
                self.discard(&row, side, place, Lost::At(at), Reason::UnnameableKey);
            }
        }
        if found.collided {
            self.kinds[kind].paths.settle(&mut found.fields);
        }
        let mut collided = false;
        for &field in &found.fields {
            collided |= self.field(&row, field);
        }
        if collided {
            self.notices.note(Notice::Collision);
        }
        if matches!(event.call, EventType::Page | EventType::Screen) {
            self.page_fields(&row, &found);
        }
        let known = &mut self.kinds[kind];
        if known.paths.overgrown() {
            known.paths = known.paths.emptied();
            known.targets = Vec::new();
        } else {
            self.found = found;
        }
        for side in row.sides(Section::Context) {
            midway();
            self.tables[row.tables[side]].end_row();
        }
    }

    /// Writes the fixed columns.
    fn fixed<'a, N: OnTape<'a>>(&mut self, row: &Row<'_, 'a, N>) {
        let event = row.event;
        for side in row.sides(Section::Context) {
            let table = row.tables[side];
            let shape = self.tables[table].shape();
            for (place, &fixed) in shape.fixed().iter().enumerate() {
                let text = match fixed {
                    Fixed::Id if shape == Shape::Users => event.user_id.as_deref(),
                    Fixed::Id => Some(row.id),
                    Fixed::AnonymousId => event.anonymous_id.as_deref(),
                    Fixed::UserId => event.user_id.as_deref(),
                    Fixed::GroupId => event.group_id.as_deref(),
                    Fixed::PreviousId => event.previous_id.as_deref(),
                    Fixed::Event => self.kinds[row.kind].event.as_deref(),
                    Fixed::EventText => event.event.as_deref(),
                    Fixed::Name => event.name.as_deref(),
                    Fixed::Category => event.category.as_deref(),
                    _ => None,
                };
                let time = match fixed {
                    Fixed::ReceivedAt => Some(row.received_at),
                    Fixed::SentAt => event.sent_at.micros(),
                    Fixed::Timestamp => Some(row.timestamp),
                    Fixed::OriginalTimestamp => event.original_timestamp.micros(),
                    Fixed::UuidTs => Some(self.plan.planned),
                    _ => None,
                };
                let table = &mut self.tables[table];
                let value = match (text, time) {
                    (Some(text), _) => Value::Sent(Json::Text(text)),
                    (None, Some(micros)) if table.has_times(place) => Value::Time(micros),
                    // Text that somebody made of a TIMESTAMP keeps what was sent (E14).
                    (None, Some(micros)) => event
                        .time_as_sent(fixed)
                        .map_or(Value::Time(micros), |at| Value::Sent(row.tape[at].into())),
                    (None, None) => continue,
                };
                if table.push_fixed(place, value, &mut self.scratch) == Pushed::Refused {
                    let text = misfit_text(value);
                    let place = Place::Column(table.fixed_column(place));
                    self.discard(row, side, place, Lost::Text(&text), Reason::TypeMismatch);
                }
            }
        }
    }

    /// Sets aside the fields at the top level that are of a kind their columns do not take (E3, E5).
    fn unfit<'a, N: OnTape<'a>>(&mut self, row: &Row<'_, 'a, N>) {
        for side in row.sides(Section::Context) {
            let table = row.tables[side];
            for (place, &fixed) in self.tables[table].shape().fixed().iter().enumerate() {
                if let Some(at) = row.event.unfit(row.tape, fixed) {
                    let place = Place::Column(self.tables[table].fixed_column(place));
                    self.discard(row, side, place, Lost::At(at), Reason::TypeMismatch);
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
            self.notices.note(notice);
            self.discard(row, 0, Place::Section(key), Lost::At(at), Reason::NotAnObject);
        }
    }

    /// Writes one value into its column of each table, or sets it aside. Returns whether another
    /// path won its column.
    fn field<'a, N: OnTape<'a>>(&mut self, row: &Row<'_, 'a, N>, field: Field) -> bool {
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
            let lost = Lost::At(field.at);
            match self.target(row, field, side) {
                Target::Reserved => {
                    let place = Place::Slot(field.slot);
                    self.discard(row, side, place, lost, Reason::ReservedName);
                }
                // Settled with the top level's own when all properties are known.
                Target::PageField => {}
                Target::Full => {
                    let reason =
                        if field.beaten { Reason::Collision } else { Reason::TooManyColumns };
                    collided |= field.beaten;
                    self.discard(row, side, Place::Path(field.node), lost, reason);
                }
                Target::Column(column) if field.beaten => {
                    collided = true;
                    self.discard(row, side, Place::Column(column), lost, Reason::Collision);
                }
                Target::Column(column) => {
                    let table = &mut self.tables[row.tables[side]];
                    match table.push(column, value, &mut self.scratch) {
                        Pushed::Stored => {}
                        // Of one value in two tables one notice is enough.
                        Pushed::Lossy => {
                            self.notices.add(Notice::Lossy, u64::from(first));
                        }
                        Pushed::Refused => {
                            let place = Place::Column(column);
                            self.discard(row, side, place, lost, Reason::TypeMismatch);
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
        field: Field,
        side: usize,
    ) -> Target {
        let known = &mut self.kinds[row.kind];
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
            target
        };
        if let Target::Column(column) = target
            && known.paths.is_new(field.node, side)
            && table.wants_path(column)
            && let Some(told) = table.note_path(column, known.paths.dotted(field.node))
        {
            self.undo.push(Undo::Path(row.tables[side], column));
            for key in known.paths.hashed_keys(field.node) {
                self.notices.name_by_hash(key);
            }
            if told == 0 && side == 0 && known.paths.was_cut(field.node) {
                self.notices.note(Notice::NameCut);
            }
        }
        target
    }

    /// Fills `name` and `category` of a page from its properties, unless the top level has them.
    fn page_fields<'a, N: OnTape<'a>>(&mut self, row: &Row<'_, 'a, N>, found: &EventFields) {
        if !row.live[0] {
            return;
        }
        let top = [(Fixed::Name, &row.event.name), (Fixed::Category, &row.event.category)];
        for (fixed, top) in top {
            let paths = &self.kinds[row.kind].paths;
            let named = |field: &&Field| paths.slot_name(field.slot) == fixed.column();
            let named: Vec<Field> = found.fields.iter().filter(named).copied().collect();
            let Some(&winner) = named.iter().find(|field| !field.beaten) else { continue };
            let column = self.tables[row.tables[0]].named_column(fixed);
            for field in named.iter().filter(|field| field.beaten) {
                self.discard(row, 0, Place::Column(column), Lost::At(field.at), Reason::Collision);
            }
            let mut text = String::new();
            value_text(row.tape, winner.at, &mut text);
            let reason = match top {
                None => {
                    let value = match row.tape[winner.at].into() {
                        Json::Array { .. } => Value::Array(&text),
                        scalar => Value::Sent(scalar),
                    };
                    let paths = &mut self.kinds[row.kind].paths;
                    let table = &mut self.tables[row.tables[0]];
                    if paths.is_new(winner.node, 0)
                        && table.wants_path(column)
                        && table.note_path(column, paths.dotted(winner.node)).is_some()
                    {
                        self.undo.push(Undo::Path(row.tables[0], column));
                    }
                    match table.push(column, value, &mut self.scratch) {
                        Pushed::Refused => Reason::TypeMismatch,
                        Pushed::Stored | Pushed::Lossy => continue,
                    }
                }
                Some(top) if **top == *text => continue,
                Some(_) => Reason::Collision,
            };
            self.discard(row, 0, Place::Column(column), Lost::At(winner.at), reason);
        }
    }

    /// Sets a value aside for one of the event's tables; `users` keeps none (E23).
    fn discard<'a, N: OnTape<'a>>(
        &mut self,
        row: &Row<'_, 'a, N>,
        side: usize,
        place: Place,
        lost: Lost<'_>,
        reason: Reason,
    ) {
        let table = &mut self.tables[row.tables[side]];
        if table.shape() == Shape::Users || table.refused() {
            return;
        }
        if let Some(column) = table.count_discard(place, reason) {
            self.undo.push(Undo::Misfit(row.tables[side], column));
        }
        midway();
        if self.of_event < MOST_OF_EVENT {
            let paths = &self.kinds[row.kind].paths;
            let column = match place {
                Place::Column(column) => table.column_name(column).to_owned(),
                Place::Slot(slot) => table.spelled(paths.slot_name(slot)).to_owned(),
                Place::Path(node) => paths.dotted(node),
                Place::Section(key) => key.to_owned(),
            };
            let mut value = String::new();
            match lost {
                Lost::At(at) => value_text(row.tape, at, &mut value),
                Lost::Text(text) => value.push_str(text),
            }
            let weight = table.name().len() + row.id.len() + column.len() + value.len();
            if self.kept_bytes + weight <= MOST_BYTES {
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
                return;
            }
        }
        let key = (row.tables[side], reason);
        match self.left_out_of_event.iter_mut().find(|(known, _)| *known == key) {
            Some((_, count)) => *count += 1,
            None => self.left_out_of_event.push((key, 1)),
        }
        self.notices.note(Notice::DiscardLeftOut);
    }
}

/// Where a value had no place, by what leads to the name: most values that are set aside in great
/// numbers are only counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// A column of the table.
    Column(usize),
    /// A name that no property may have, by its slot.
    Slot(u32),
    /// A path that makes no column.
    Path(u32),
    /// All of `context`, `properties` or `traits`.
    Section(&'static str),
}

/// A value that is set aside.
#[derive(Debug, Clone, Copy)]
enum Lost<'v> {
    /// By its place on the tape.
    At(usize),
    /// As text.
    Text(&'v str),
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
    kind: usize,
    tables: [usize; 2],
    taken: usize,
    /// Which of them can be written.
    live: [bool; 2],
}

impl<N> Row<'_, '_, N> {
    /// Which of its tables a section goes to: properties are not in `tracks`.
    fn sides(&self, section: Section) -> impl Iterator<Item = usize> + use<N> {
        let own_only = section == Section::Own && self.event.call == EventType::Track;
        let live = self.live;
        (0..if own_only { 1 } else { self.taken }).filter(move |&side| live[side])
    }
}

/// The value of a fixed column whose type the table's owner has changed (E13).
#[cold]
fn misfit_text(value: Value<'_>) -> String {
    let mut text = String::new();
    match value {
        Value::Sent(sent) => write_scalar(sent, &mut text),
        Value::Array(sent) => text.push_str(sent),
        Value::Time(micros) => text = timestamp::format(micros),
    }
    text
}

/// A value as `headgate_discards` and STRING columns hold it.
fn value_text<'a, N: OnTape<'a>>(tape: &[N], at: usize, out: &mut String) {
    match tape[at].into() {
        Json::Array { .. } | Json::Object { .. } => write_json(tape, at, out),
        scalar => write_scalar(scalar, out),
    }
}
