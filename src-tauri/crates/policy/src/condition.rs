//! Whether a condition holds for the keys of a request: yes, no, or it depends ([`Truth`]).
//!
//! [`Context`] has the keys. Where AWS's documentation contradicts itself or a value is not known, the answer
//! is that it depends.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::classes::{Pattern, with_any_path};
use crate::glob::{self, Piece};
use crate::operator::{How, Order, SetPrefix, Test};
use crate::policy::Condition;

/// Yes, no, or it depends on what is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is its own name")]
pub enum Truth {
    No,
    Unknown,
    Yes,
}

impl Truth {
    pub(crate) fn and(self, other: Self) -> Self {
        self.min(other)
    }

    pub(crate) fn or(self, other: Self) -> Self {
        self.max(other)
    }

    pub(crate) fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Truth {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// The condition keys of a request. The case of names is ignored.
#[derive(Debug, Clone, Default)]
pub struct Context {
    known: BTreeMap<String, Vec<String>>,
    roles: BTreeMap<String, (String, String)>,
    unknown: BTreeSet<String>,
    rest_unknown: bool,
}

/// What a request says of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Brought<'c> {
    Absent,
    Unknown,
    Values(&'c [String]),
    /// A role's ARN as far as its path, and its name.
    Role(&'c str, &'c str),
}

impl Context {
    /// In which every key that is not set is absent.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// In which nobody knows the keys that are not set.
    #[must_use]
    pub fn open() -> Self {
        Self { rest_unknown: true, ..Self::default() }
    }

    /// Sets a key's values.
    pub fn set(&mut self, key: &str, values: Vec<String>) {
        self.roles.remove(&key.to_ascii_lowercase());
        self.known.insert(key.to_ascii_lowercase(), values);
    }

    /// Says that a key is the ARN of a role, whose path is not known: the part before the path, and
    /// the role's name.
    pub(crate) fn set_role(&mut self, key: &str, start: &str, name: &str) {
        self.roles.insert(key.to_ascii_lowercase(), (start.to_owned(), name.to_owned()));
    }

    /// Says that a key is absent.
    pub fn without(&mut self, key: &str) {
        self.known.remove(&key.to_ascii_lowercase());
        self.roles.remove(&key.to_ascii_lowercase());
        self.unknown.remove(&key.to_ascii_lowercase());
        if self.rest_unknown {
            self.known.insert(key.to_ascii_lowercase(), Vec::new());
        }
    }

    /// Says that a key's value is not known, nor whether there is one.
    pub fn hide(&mut self, key: &str) {
        self.unknown.insert(key.to_ascii_lowercase());
    }

    fn get(&self, key: &str) -> Brought<'_> {
        let lower;
        let key = if key.bytes().any(|byte| byte.is_ascii_uppercase()) {
            lower = key.to_ascii_lowercase();
            &lower
        } else {
            key
        };
        if self.unknown.contains(key) {
            return Brought::Unknown;
        }
        if let Some((start, name)) = self.roles.get(key) {
            return Brought::Role(start, name);
        }
        match self.known.get(key) {
            Some(values) if values.is_empty() => Brought::Absent,
            Some(values) => Brought::Values(values),
            None if self.rest_unknown => Brought::Unknown,
            None => Brought::Absent,
        }
    }
}

/// Whether a condition holds. `variables` says whether `${…}` counts.
pub(crate) fn holds(condition: &Condition, context: &Context, variables: bool) -> Truth {
    let operator = condition.operator;
    let brought = context.get(&condition.key.value);
    // AWS's pages disagree on what an empty list means.
    if condition.values.is_empty() {
        return Truth::Unknown;
    }
    let (how, negated) = match operator.test {
        Test::Compare { how, negated } => (how, negated),
        Test::Null => return null(condition, brought),
    };
    let variables = variables && operator.takes_variables();
    let fits = |value: &str| {
        let any = condition
            .values
            .iter()
            .map(|wanted| compare(how, &wanted.value, value, context, variables))
            .fold(Truth::No, Truth::or);
        if negated { any.not() } else { any }
    };
    match (operator.set, brought) {
        // Several values without a set operator: AWS says nothing of it.
        (_, Brought::Unknown) | (None, Brought::Values([_, _, ..] | [])) => Truth::Unknown,
        (Some(SetPrefix::ForAllValues), Brought::Absent) => Truth::Yes,
        // The operators' page reads as true, and tools and practice as false.
        (Some(SetPrefix::ForAnyValue), Brought::Absent) if operator.if_exists => Truth::Unknown,
        (Some(SetPrefix::ForAnyValue), Brought::Absent) => Truth::No,
        (None, Brought::Absent) => (negated || operator.if_exists).into(),
        (Some(SetPrefix::ForAllValues), Brought::Values(values)) => {
            values.iter().map(|value| fits(value)).fold(Truth::Yes, Truth::and)
        }
        (Some(SetPrefix::ForAnyValue), Brought::Values(values)) => {
            values.iter().map(|value| fits(value)).fold(Truth::No, Truth::or)
        }
        (None, Brought::Values([value])) => fits(value),
        (_, Brought::Role(start, name)) => {
            let any = condition
                .values
                .iter()
                .map(|wanted| {
                    if variables && wanted.value.contains("${") {
                        Truth::Unknown
                    } else {
                        role_fits(how, &wanted.value, start, name)
                    }
                })
                .fold(Truth::No, Truth::or);
            if negated { any.not() } else { any }
        }
    }
}

/// Whether a value fits the ARN of a role, whatever its path is.
fn role_fits(how: How, wanted: &str, start: &str, name: &str) -> Truth {
    let pattern = match how {
        How::StringEquals | How::StringEqualsIgnoreCase | How::StringLike | How::Arn => {
            Pattern::of(how, wanted).unwrap_or_else(|| Pattern::literal(wanted))
        }
        _ => return Truth::No,
    };
    match with_any_path(&pattern, start, name) {
        (true, false) => Truth::Yes,
        (false, true) => Truth::No,
        _ => Truth::Unknown,
    }
}

fn null(condition: &Condition, brought: Brought<'_>) -> Truth {
    let mut wants = (false, false);
    for value in &condition.values {
        if value.value.eq_ignore_ascii_case("true") {
            wants.0 = true;
        } else if value.value.eq_ignore_ascii_case("false") {
            wants.1 = true;
        }
    }
    match (wants, brought) {
        ((true, true), _) => Truth::Yes,
        ((false, false), _) => Truth::No,
        (_, Brought::Unknown) => Truth::Unknown,
        ((absent, _), brought) => (absent == (brought == Brought::Absent)).into(),
    }
}

fn compare(how: How, wanted: &str, value: &str, context: &Context, variables: bool) -> Truth {
    let patterned = matches!(how, How::StringLike | How::Arn);
    let pattern = if variables && wanted.contains("${") {
        match substituted(wanted, context, patterned) {
            Ok(pattern) => pattern,
            // What has no value equals nothing.
            Err(Brought::Absent) => return Truth::No,
            Err(_) => return Truth::Unknown,
        }
    } else {
        match how {
            How::StringEquals => return (wanted == value).into(),
            How::StringLike => return glob::fits_text(wanted, value).into(),
            _ if patterned => glob::pieces(wanted),
            _ => wanted.chars().map(Piece::Char).collect(),
        }
    };
    let literal = || -> String {
        pattern
            .iter()
            .map(|piece| match piece {
                Piece::Char(character) => *character,
                Piece::One => '?',
                Piece::Any => '*',
            })
            .collect()
    };
    match how {
        How::StringEquals => literal() == value,
        How::StringEqualsIgnoreCase => literal().to_lowercase() == value.to_lowercase(),
        How::StringLike => glob::fits(&pattern, value),
        How::Arn => arn_fits(&pattern, value),
        How::Numeric(order) => match (wanted.parse::<f64>(), value.parse::<f64>()) {
            (Ok(wanted), Ok(value)) => {
                value.partial_cmp(&wanted).is_some_and(|is| in_order(order, is))
            }
            _ => false,
        },
        How::Date(order) => match (crate::instant::parse(wanted), crate::instant::parse(value)) {
            (Some(wanted), Some(value)) => in_order(order, value.cmp(&wanted)),
            _ => false,
        },
        How::Bool => {
            let wanted = literal();
            ["true", "false"].iter().any(|known| wanted.eq_ignore_ascii_case(known))
                && wanted.eq_ignore_ascii_case(value)
        }
        How::Binary => wanted == value,
        How::Ip => ip_in(wanted, value),
    }
    .into()
}

fn in_order(order: Order, is: std::cmp::Ordering) -> bool {
    match order {
        Order::Equal => is.is_eq(),
        Order::Less => is.is_lt(),
        Order::LessOrEqual => is.is_le(),
        Order::Greater => is.is_gt(),
        Order::GreaterOrEqual => is.is_ge(),
    }
}

/// A text with its variables in place. The value of a variable is literal, and so is `${*}`.
fn substituted<'c>(
    wanted: &str,
    context: &'c Context,
    patterned: bool,
) -> Result<Vec<Piece>, Brought<'c>> {
    let mut pieces = Vec::new();
    let mut rest = wanted;
    while let Some((before, after)) = rest.split_once("${") {
        let plain = |text: &str| -> Vec<Piece> {
            if patterned { glob::pieces(text) } else { text.chars().map(Piece::Char).collect() }
        };
        pieces.extend(plain(before));
        let Some((name, after)) = after.split_once('}') else {
            pieces.extend(plain(&rest[before.len()..]));
            return Ok(pieces);
        };
        rest = after;
        if ["*", "?", "$"].contains(&name) {
            pieces.extend(name.chars().map(Piece::Char));
            continue;
        }
        let (key, default) = match name.split_once(',') {
            Some((key, default)) => {
                let default = default.trim();
                let inner = default.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
                (key.trim(), inner)
            }
            None => (name.trim(), None),
        };
        match (context.get(key), default) {
            (Brought::Values([value]), _) => pieces.extend(value.chars().map(Piece::Char)),
            (Brought::Absent, Some(default)) => pieces.extend(default.chars().map(Piece::Char)),
            (Brought::Unknown | Brought::Role(..), _) => return Err(Brought::Unknown),
            // A key of several values cannot stand in a text.
            (Brought::Absent | Brought::Values(_), _) => return Err(Brought::Absent),
        }
    }
    pieces.extend(if patterned {
        glob::pieces(rest)
    } else {
        rest.chars().map(Piece::Char).collect()
    });
    Ok(pieces)
}

/// Each of the six parts for itself; only the last may hold a colon.
fn arn_fits(pattern: &[Piece], value: &str) -> bool {
    let parts: Vec<&[Piece]> = pattern.splitn(6, |piece| *piece == Piece::Char(':')).collect();
    parts.len() == 6
        && value.starts_with("arn:")
        && value.splitn(6, ':').count() == 6
        && parts.iter().zip(value.splitn(6, ':')).all(|(part, value)| glob::fits(part, value))
}

fn ip_in(range: &str, value: &str) -> bool {
    let (network, bits) = match range.split_once('/') {
        Some((network, bits)) => (network, bits.parse::<u32>().ok()),
        None => (range, Some(128)),
    };
    let (Ok(network), Ok(value), Some(bits)) =
        (network.parse::<IpAddr>(), value.parse::<IpAddr>(), bits)
    else {
        return false;
    };
    let (network, value, width) = match (network, value) {
        (IpAddr::V4(network), IpAddr::V4(value)) => {
            (u128::from(network.to_bits()), u128::from(value.to_bits()), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(value)) => (network.to_bits(), value.to_bits(), 128),
        _ => return false,
    };
    if range.contains('/') && bits > width {
        return false;
    }
    let shift = width - bits.min(width);
    network.checked_shr(shift).unwrap_or(0) == value.checked_shr(shift).unwrap_or(0)
}
