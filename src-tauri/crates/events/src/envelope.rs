//! The fields of an event outside `context`, `properties` and `traits`: ids, names (E3) and times (E15).
//!
//! They are read from the tape before anything is written. The event's `timestamp` is computed here (E5).

use std::borrow::Cow;

use crate::calls::{EventType, Fixed};
use crate::json::{Json, OnTape, write_scalar};
use crate::notice::{Notice, NoticeCounts};
use crate::timestamp;

/// The position of each field on the tape; of a repeated key the last one counts (E2).
#[derive(Debug, Default, Clone, Copy)]
struct Places {
    kind: Option<usize>,
    message_id: Option<usize>,
    anonymous_id: Option<usize>,
    user_id: Option<usize>,
    group_id: Option<usize>,
    previous_id: Option<usize>,
    event: Option<usize>,
    name: Option<usize>,
    category: Option<usize>,
    received_at: Option<usize>,
    sent_at: Option<usize>,
    timestamp: Option<usize>,
    original_timestamp: Option<usize>,
    context: Option<usize>,
    properties: Option<usize>,
    traits: Option<usize>,
}

/// A time field of the event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Time {
    Missing,
    At(i64),
    /// There is a value, and it is not a time.
    Unreadable,
}

impl Time {
    pub(crate) fn micros(self) -> Option<i64> {
        match self {
            Self::At(micros) => Some(micros),
            Self::Missing | Self::Unreadable => None,
        }
    }
}

/// An event's own fields.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) call: EventType,
    /// `None` when absent or empty.
    pub(crate) message_id: Option<Cow<'a, str>>,
    pub(crate) anonymous_id: Option<Cow<'a, str>>,
    pub(crate) user_id: Option<Cow<'a, str>>,
    pub(crate) group_id: Option<Cow<'a, str>>,
    pub(crate) previous_id: Option<Cow<'a, str>>,
    pub(crate) event: Option<Cow<'a, str>>,
    pub(crate) name: Option<Cow<'a, str>>,
    pub(crate) category: Option<Cow<'a, str>>,
    pub(crate) received_at: Time,
    pub(crate) sent_at: Time,
    pub(crate) timestamp: Time,
    pub(crate) original_timestamp: Time,
    /// The position of `context`, whatever its value is except null.
    pub(crate) context: Option<usize>,
    /// The place of `properties` or `traits`, whichever the call has.
    pub(crate) own: Option<usize>,
    places: Places,
}

impl<'a> Envelope<'a> {
    /// Reads the root object; `None` when its `type` is not one of the six.
    pub(crate) fn read<N: OnTape<'a>>(tape: &[N]) -> Option<Self> {
        let places = places(tape);
        let json = |place: Option<usize>| place.map(|at| tape[at].into());
        let Some(Json::Text(kind)) = json(places.kind) else { return None };
        let call = EventType::of(kind)?;
        let text = |place: Option<usize>| json(place).and_then(as_text);
        let time = |place: Option<usize>| json(place).map_or(Time::Missing, as_time);
        let present =
            |place: Option<usize>| place.filter(|&at| !matches!(tape[at].into(), Json::Null));
        let own = if call.section() == "properties" { places.properties } else { places.traits };
        Some(Self {
            call,
            message_id: text(places.message_id).filter(|id| !id.is_empty()),
            anonymous_id: text(places.anonymous_id),
            user_id: text(places.user_id),
            group_id: text(places.group_id),
            previous_id: text(places.previous_id),
            event: text(places.event),
            name: text(places.name),
            category: text(places.category),
            received_at: time(places.received_at),
            sent_at: time(places.sent_at),
            timestamp: time(places.timestamp),
            original_timestamp: time(places.original_timestamp),
            context: present(places.context),
            own: present(own),
            places,
        })
    }

    /// The event's `timestamp`: as sent, else computed, else the best that is known (E5).
    pub(crate) fn settled_timestamp(&self, received_at: i64) -> i64 {
        if let Some(micros) = self.timestamp.micros() {
            return micros;
        }
        let original = self.original_timestamp.micros();
        let computed = (|| {
            let skew = self.sent_at.micros()?.checked_sub(original?)?;
            self.received_at.micros()?.checked_sub(skew).filter(|&at| timestamp::in_range(at))
        })();
        computed.or(original).unwrap_or(received_at)
    }

    /// The place of a time that a fixed column holds just as it was sent.
    pub(crate) fn time_as_sent(&self, fixed: Fixed) -> Option<usize> {
        let (time, place) = self.time(fixed)?;
        place.filter(|_| matches!(time, Time::At(_)))
    }

    /// Whether any field that can make a column is of a kind that counts as absent.
    pub(crate) fn has_unfit<N: OnTape<'a>>(&self, tape: &[N]) -> bool {
        let places = self.places;
        let times = [self.received_at, self.sent_at, self.timestamp, self.original_timestamp];
        let texts = [
            (&self.message_id, places.message_id),
            (&self.anonymous_id, places.anonymous_id),
            (&self.user_id, places.user_id),
            (&self.group_id, places.group_id),
            (&self.previous_id, places.previous_id),
            (&self.event, places.event),
            (&self.name, places.name),
            (&self.category, places.category),
        ];
        times.contains(&Time::Unreadable)
            || texts.into_iter().any(|(text, place)| {
                text.is_none() && place.is_some_and(|at| counts_as_absent(tape[at].into()))
            })
    }

    /// The place of the field that a fixed column is made of, when its kind counts as absent there.
    pub(crate) fn unfit<N: OnTape<'a>>(&self, tape: &[N], fixed: Fixed) -> Option<usize> {
        if let Some((time, place)) = self.time(fixed) {
            return place.filter(|_| time == Time::Unreadable);
        }
        let places = self.places;
        let place = match fixed {
            Fixed::Id => places.message_id,
            Fixed::AnonymousId => places.anonymous_id,
            Fixed::UserId => places.user_id,
            // Both columns are made of it; one discard says so.
            Fixed::Event => places.event,
            Fixed::GroupId => places.group_id,
            Fixed::PreviousId => places.previous_id,
            Fixed::Name => places.name,
            Fixed::Category => places.category,
            _ => None,
        };
        place.filter(|&at| counts_as_absent(tape[at].into()))
    }

    fn time(&self, fixed: Fixed) -> Option<(Time, Option<usize>)> {
        Some(match fixed {
            Fixed::ReceivedAt => (self.received_at, self.places.received_at),
            Fixed::SentAt => (self.sent_at, self.places.sent_at),
            Fixed::Timestamp => (self.timestamp, self.places.timestamp),
            Fixed::OriginalTimestamp => (self.original_timestamp, self.places.original_timestamp),
            _ => return None,
        })
    }

    /// What Segment's own checks would say of it (segment-semantics 7.6); it lands all the same.
    pub(crate) fn note<N: OnTape<'a>>(&self, tape: &[N], notices: &mut NoticeCounts) {
        let places = self.places;
        let mut note = |notice| notices.note(notice);
        let not_string = |place: Option<usize>| {
            place.is_some_and(|at| !matches!(tape[at].into(), Json::Null | Json::Text(_)))
        };
        let no_name = |place: Option<usize>| {
            not_string(place) || place.is_some_and(|at| matches!(tape[at].into(), Json::Text("")))
        };
        if self.user_id.as_ref().is_none_or(|id| id.is_empty())
            && self.anonymous_id.as_ref().is_none_or(|id| id.is_empty())
        {
            note(Notice::NoUserOrAnonymousId);
        }
        let ids = [places.message_id, places.group_id, places.previous_id];
        let is_unfit =
            |place: Option<usize>| place.is_some_and(|at| counts_as_absent(tape[at].into()));
        if no_name(places.user_id) || no_name(places.anonymous_id) || ids.into_iter().any(is_unfit)
        {
            note(Notice::IdNotString);
        }
        match self.call {
            EventType::Track if not_string(places.event) => note(Notice::EventNotString),
            EventType::Track if self.event.as_ref().is_none_or(|event| event.is_empty()) => {
                note(Notice::EventNotDefined);
            }
            EventType::Page | EventType::Screen => {
                if no_name(places.name) {
                    note(Notice::NameNotString);
                }
                if no_name(places.category) {
                    note(Notice::CategoryNotString);
                }
            }
            EventType::Group if self.group_id.is_none() => note(Notice::IdRequired),
            EventType::Alias if self.previous_id.is_none() => note(Notice::IdRequired),
            _ => {}
        }
        let device = self.context.and_then(|at| member(tape, at, "device"));
        if not_string(device.and_then(|at| member(tape, at, "advertisingId"))) {
            note(Notice::AdvertisingIdNotString);
        }
    }
}

/// The place of a member of an object, if it is an object and has it.
fn member<'a, N: OnTape<'a>>(tape: &[N], object: usize, key: &str) -> Option<usize> {
    let Json::Object { count } = tape[object].into() else { return None };
    let (mut at, end, mut found) = (object + 1, object + 1 + count, None);
    while at < end {
        if tape[at].into() == Json::Text(key) {
            found = Some(at + 1);
        }
        at += 1 + tape[at + 1].into().width();
    }
    found
}

fn places<'a, N: OnTape<'a>>(tape: &[N]) -> Places {
    let mut places = Places::default();
    let mut at = 1;
    while at < tape.len() {
        let Json::Text(key) = tape[at].into() else { break };
        let place = match key {
            "type" => Some(&mut places.kind),
            "messageId" => Some(&mut places.message_id),
            "anonymousId" => Some(&mut places.anonymous_id),
            "userId" => Some(&mut places.user_id),
            "groupId" => Some(&mut places.group_id),
            "previousId" => Some(&mut places.previous_id),
            "event" => Some(&mut places.event),
            "name" => Some(&mut places.name),
            "category" => Some(&mut places.category),
            "receivedAt" => Some(&mut places.received_at),
            "sentAt" => Some(&mut places.sent_at),
            "timestamp" => Some(&mut places.timestamp),
            "originalTimestamp" => Some(&mut places.original_timestamp),
            "context" => Some(&mut places.context),
            "properties" => Some(&mut places.properties),
            "traits" => Some(&mut places.traits),
            _ => None,
        };
        if let Some(place) = place {
            *place = Some(at + 1);
        }
        at += 1 + tape[at + 1].into().width();
    }
    places
}

/// Whether an id or a name is of a kind that counts as absent (E3).
fn counts_as_absent(json: Json<'_>) -> bool {
    matches!(json, Json::Bool(_) | Json::Array { .. } | Json::Object { .. })
}

/// A time of the top level: text, with a date alone as its midnight, or a number since 1970 (E15).
fn as_time(json: Json<'_>) -> Time {
    match json {
        Json::Null => Time::Missing,
        Json::Text(text) => timestamp::parse_or_date(text).map_or(Time::Unreadable, Time::At),
        Json::Int(number) => timestamp::of_number(number).map_or(Time::Unreadable, Time::At),
        Json::Double(number) => timestamp::of_fraction(number).map_or(Time::Unreadable, Time::At),
        _ => Time::Unreadable,
    }
}

/// An id or a name: text, or a number as text; anything else counts as absent (E3).
fn as_text(json: Json<'_>) -> Option<Cow<'_, str>> {
    match json {
        Json::Text(text) => Some(Cow::Borrowed(text)),
        Json::Int(_) | Json::Unsigned(_) | Json::Double(_) | Json::Digits(_) => {
            let mut text = String::new();
            write_scalar(json, &mut text);
            Some(Cow::Owned(text))
        }
        Json::Null | Json::Bool(_) | Json::Array { .. } | Json::Object { .. } => None,
    }
}
