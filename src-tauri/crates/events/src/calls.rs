//! The six calls of the Segment spec (track, identify, page, screen, group, alias), the tables that each
//! writes to, and the fixed columns that each table has from its creation.
//!
//! Also here: `headgate_discards`, which columns get file statistics, and which columns' types cannot be
//! chosen. Columns made from an event's properties are in `paths` and `column`.

use headgate_terms::{Column, ColumnType};

/// What an event's `type` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum EventType {
    Track,
    Identify,
    Group,
    Page,
    Screen,
    Alias,
}

impl EventType {
    /// The call of a `type`, which must match exactly (E2).
    pub(crate) fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "track" => Self::Track,
            "identify" => Self::Identify,
            "group" => Self::Group,
            "page" => Self::Page,
            "screen" => Self::Screen,
            "alias" => Self::Alias,
            _ => return None,
        })
    }

    /// The table every event of this call goes to.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Track => "tracks",
            Self::Identify => "identifies",
            Self::Group => "groups",
            Self::Page => "pages",
            Self::Screen => "screens",
            Self::Alias => "aliases",
        }
    }

    /// The field with the event's own values; the other of the two is ignored (E3).
    pub(crate) fn section(self) -> &'static str {
        match self {
            Self::Track | Self::Page | Self::Screen => "properties",
            Self::Identify | Self::Group | Self::Alias => "traits",
        }
    }
}

/// A fixed column: its field in the event decides what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fixed {
    Id,
    AnonymousId,
    UserId,
    ReceivedAt,
    SentAt,
    Timestamp,
    OriginalTimestamp,
    Event,
    EventText,
    GroupId,
    PreviousId,
    Name,
    Category,
    UuidTs,
}

impl Fixed {
    pub(crate) fn column(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::AnonymousId => "anonymous_id",
            Self::UserId => "user_id",
            Self::ReceivedAt => "received_at",
            Self::SentAt => "sent_at",
            Self::Timestamp => "timestamp",
            Self::OriginalTimestamp => "original_timestamp",
            Self::Event => "event",
            Self::EventText => "event_text",
            Self::GroupId => "group_id",
            Self::PreviousId => "previous_id",
            Self::Name => "name",
            Self::Category => "category",
            Self::UuidTs => "uuid_ts",
        }
    }

    pub(crate) fn kind(self) -> ColumnType {
        match self {
            Self::ReceivedAt
            | Self::SentAt
            | Self::Timestamp
            | Self::OriginalTimestamp
            | Self::UuidTs => ColumnType::Timestamp,
            _ => ColumnType::String,
        }
    }

    /// The path of the field it is filled from, as sent.
    fn source(self) -> Option<&'static str> {
        Some(match self {
            Self::Id => "messageId",
            Self::AnonymousId => "anonymousId",
            Self::UserId => "userId",
            Self::ReceivedAt => "receivedAt",
            Self::SentAt => "sentAt",
            Self::Timestamp => "timestamp",
            Self::OriginalTimestamp => "originalTimestamp",
            Self::Event | Self::EventText => "event",
            Self::GroupId => "groupId",
            Self::PreviousId => "previousId",
            Self::Name => "name",
            Self::Category => "category",
            Self::UuidTs => return None,
        })
    }
}

/// The kinds of table, by their fixed columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `tracks` and the table of an event.
    Track,
    Identifies,
    Users,
    Groups,
    /// `pages` and `screens`.
    Page,
    Aliases,
}

impl Shape {
    /// The kind of a table by its name: what is not a call's table is an event's.
    fn of_table(table: &str) -> Self {
        match table {
            "identifies" => Self::Identifies,
            "users" => Self::Users,
            "groups" => Self::Groups,
            "pages" | "screens" => Self::Page,
            "aliases" => Self::Aliases,
            _ => Self::Track,
        }
    }

    /// The fixed columns in their order, the id first.
    pub(crate) fn fixed(self) -> &'static [Fixed] {
        use Fixed::{
            AnonymousId, Category, Event, EventText, GroupId, Id, Name, OriginalTimestamp,
            PreviousId, ReceivedAt, SentAt, Timestamp, UserId, UuidTs,
        };
        match self {
            Self::Track => &[
                Id,
                AnonymousId,
                UserId,
                ReceivedAt,
                SentAt,
                Timestamp,
                OriginalTimestamp,
                Event,
                EventText,
                UuidTs,
            ],
            Self::Identifies => {
                &[Id, AnonymousId, UserId, ReceivedAt, SentAt, Timestamp, OriginalTimestamp, UuidTs]
            }
            Self::Users => &[Id, ReceivedAt, SentAt, Timestamp, OriginalTimestamp, UuidTs],
            Self::Groups => &[
                Id,
                AnonymousId,
                UserId,
                ReceivedAt,
                SentAt,
                Timestamp,
                OriginalTimestamp,
                GroupId,
                UuidTs,
            ],
            Self::Page => &[
                Id,
                AnonymousId,
                UserId,
                ReceivedAt,
                SentAt,
                Timestamp,
                OriginalTimestamp,
                Name,
                Category,
                UuidTs,
            ],
            Self::Aliases => &[
                Id,
                AnonymousId,
                UserId,
                ReceivedAt,
                SentAt,
                Timestamp,
                OriginalTimestamp,
                PreviousId,
                UuidTs,
            ],
        }
    }

    pub(crate) fn of(call: EventType) -> Self {
        match call {
            EventType::Track => Self::Track,
            EventType::Identify => Self::Identifies,
            EventType::Group => Self::Groups,
            EventType::Page | EventType::Screen => Self::Page,
            EventType::Alias => Self::Aliases,
        }
    }

    /// Whether no property or trait may have this column (E18); `users` reserves two more (E10).
    pub(crate) fn reserves(self, column: &str) -> bool {
        self.fixed().iter().any(|fixed| fixed.column() == column)
            || (self == Self::Users && matches!(column, "anonymous_id" | "user_id"))
    }

    /// The path as sent that fills a fixed column.
    pub(crate) fn source(self, fixed: Fixed) -> Option<&'static str> {
        if self == Self::Users && fixed == Fixed::Id {
            return Some("userId");
        }
        fixed.source()
    }
}

/// Whether a column's type cannot be chosen (E29): the table has the column from its creation, or reserves
/// its name (E10, E18). The name may be in any case.
#[must_use]
pub fn is_fixed(table: &str, column: &str) -> bool {
    table == DISCARDS || Shape::of_table(table).reserves(&column.to_lowercase())
}

/// The table that shares its columns with one: `identifies` and `users` are filled from the same traits. A
/// type that is chosen in one of them counts in both, so that every value that `users` cannot hold is a
/// discard of `identifies`: `users` has none of its own (E23).
#[must_use]
pub fn twin(table: &str) -> Option<&'static str> {
    match table {
        "identifies" => Some("users"),
        "users" => Some("identifies"),
        _ => None,
    }
}

/// The first column that a table of events must have as Headgate makes it and has with another type,
/// as it should be. Without these a row has no name and no place in time, so such a table is refused;
/// any other column only sets its values aside.
#[must_use]
pub fn misfit(columns: &[Column]) -> Option<Column> {
    [Fixed::Id, Fixed::ReceivedAt, Fixed::UuidTs].into_iter().find_map(|fixed| {
        let named = |column: &&Column| column.name.eq_ignore_ascii_case(fixed.column());
        let column = columns.iter().find(named)?;
        (column.kind != fixed.kind())
            .then(|| Column { name: column.name.clone(), kind: fixed.kind() })
    })
}

/// The columns of `headgate_discards`, in order (E22).
#[must_use]
pub fn discards_columns() -> Vec<Column> {
    [
        ("table_name", ColumnType::String),
        ("row_id", ColumnType::String),
        ("column_name", ColumnType::String),
        ("column_value", ColumnType::String),
        ("received_at", ColumnType::Timestamp),
        ("uuid_ts", ColumnType::Timestamp),
        ("reason", ColumnType::String),
        ("run_id", ColumnType::String),
    ]
    .into_iter()
    .map(|(name, kind)| Column { name: name.to_owned(), kind })
    .collect()
}

/// The columns of a table that get file statistics, of those it is to have: of its fixed columns what people
/// filter by, and what prunes by time.
#[must_use]
pub fn statistics_columns(table: &str, columns: &[Column]) -> Vec<String> {
    let fixed: Vec<&str> = if table == DISCARDS {
        vec!["table_name", "received_at", "uuid_ts", "reason", "run_id"]
    } else {
        let told = |fixed: &Fixed| {
            !matches!(fixed, Fixed::EventText | Fixed::Name | Fixed::Category | Fixed::PreviousId)
        };
        Shape::of_table(table)
            .fixed()
            .iter()
            .filter(|fixed| told(fixed))
            .map(|f| f.column())
            .collect()
    };
    columns
        .iter()
        .map(|column| column.name.clone())
        .filter(|name| fixed.iter().any(|fixed| name.eq_ignore_ascii_case(fixed)))
        .collect()
}

/// The table of values set aside.
pub const DISCARDS: &str = "headgate_discards";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_have_the_same_fixed_columns_and_each_is_the_others() {
        let all = [Shape::Identifies, Shape::Users].map(Shape::fixed).concat();
        for fixed in all.iter().map(|fixed| fixed.column()) {
            assert!(is_fixed("users", fixed) && is_fixed("identifies", fixed), "{fixed}");
        }
        for table in ["identifies", "users"] {
            assert_eq!(twin(table).and_then(twin), Some(table));
            assert!(!is_fixed(table, "plan"));
        }
        for (table, column, fixed) in [
            ("bought", "user_id", true),
            ("bought", "Event_Text", true),
            ("bought", "name", false),
            ("pages", "name", true),
            ("pages", "event", false),
            ("groups", "group_id", true),
            (DISCARDS, "any", true),
        ] {
            assert_eq!(is_fixed(table, column), fixed, "{table}.{column}");
        }
        assert_eq!((twin("tracks"), twin("accounts")), (None, None));
    }

    #[test]
    fn only_id_and_time_columns_must_have_their_types() {
        let columns = |columns: &[(&str, ColumnType)]| -> Vec<Column> {
            let made = |&(name, kind): &(&str, _)| Column { name: str::to_owned(name), kind };
            columns.iter().map(made).collect()
        };
        for (has, expected) in [
            (&[("ID", ColumnType::String), ("user_id", ColumnType::BigInt)][..], None),
            (&[("sent_at", ColumnType::String), ("received_at", ColumnType::Timestamp)], None),
            (&[], None),
            (&[("Id", ColumnType::BigInt)], Some(("Id", ColumnType::String))),
            (&[("received_at", ColumnType::String)], Some(("received_at", ColumnType::Timestamp))),
            (
                &[("UUID_TS", ColumnType::BigInt), ("id", ColumnType::Double)],
                Some(("id", ColumnType::String)),
            ),
            (&[("UUID_TS", ColumnType::BigInt)], Some(("UUID_TS", ColumnType::Timestamp))),
        ] {
            let expected = expected.map(|(name, kind)| Column { name: name.to_owned(), kind });
            assert_eq!(misfit(&columns(has)), expected, "{has:?}");
        }
    }
}
