//! One line of JSON as a tape, a flat list of nodes, and nodes written back as JSON text. Also the
//! [`Rejection`]s: why a line is not an event (E2).
//!
//! `simd-json` parses almost every line. Lines that it cannot represent (numbers beyond 64 bits, lone
//! surrogates) are validated by `serde_json` and parsed by `sonic-rs`, which keeps all digits. The meaning of
//! the fields is not known here.

use hashbrown::HashMap;
use simd_json::{Buffers, Node, StaticNode, Tape};
use sonic_rs::{JsonContainerTrait, JsonType, JsonValueTrait};

/// How deep objects and arrays may be nested, the event itself being the first (E2).
const DEEPEST: usize = 128;

/// One node. An object's or array's content follows it on the tape, `count` nodes in all;
/// an object alternates keys ([`Json::Text`]) and values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer literal within signed 64 bits.
    Int(i64),
    /// An integer literal beyond them but within unsigned 64 bits.
    Unsigned(u64),
    /// A literal with a point or an exponent, within a double's range.
    Double(f64),
    /// Digits that neither 64 bits nor a double's range hold, as sent.
    Digits(&'a str),
    /// A string, or an object's key.
    Text(&'a str),
    /// An array whose content takes `count` nodes.
    Array {
        /// Nodes below it.
        count: usize,
    },
    /// An object whose content takes `count` nodes.
    Object {
        /// Nodes below it.
        count: usize,
    },
}

impl Json<'_> {
    /// How many nodes it takes on the tape, itself included.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Array { count } | Self::Object { count } => count + 1,
            _ => 1,
        }
    }

    /// Whether there is anything to write: not null, not `{}`.
    #[must_use]
    pub fn says_something(&self) -> bool {
        !matches!(self, Self::Null | Self::Object { count: 0 })
    }
}

impl<'a> From<Node<'a>> for Json<'a> {
    fn from(node: Node<'a>) -> Self {
        match node {
            Node::String(text) => Self::Text(text),
            Node::Object { count, .. } => Self::Object { count },
            Node::Array { count, .. } => Self::Array { count },
            Node::Static(StaticNode::Null) => Self::Null,
            Node::Static(StaticNode::Bool(value)) => Self::Bool(value),
            Node::Static(StaticNode::I64(value)) => Self::Int(value),
            Node::Static(StaticNode::U64(value)) => {
                i64::try_from(value).map_or(Self::Unsigned(value), Self::Int)
            }
            Node::Static(StaticNode::F64(value)) => Self::Double(value),
        }
    }
}

/// A node of a tape: the parser's own nodes are read in place, without a copy.
pub trait OnTape<'a>: Copy + Into<Json<'a>> {}
impl<'a, T: Copy + Into<Json<'a>>> OnTape<'a> for T {}

/// Why a line is not an event (E2), in the order in which reasons are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rejection {
    /// Over 16 MiB without its end.
    TooLong,
    /// Not valid JSON, or not valid UTF-8.
    NotJson,
    /// Valid JSON of another kind.
    NotObject,
    /// Nested over 128 levels.
    TooDeep,
    /// `type` is not exactly one of the six.
    UnknownType,
    /// It broke the code that reads it: a defect of Headgate's, which must not stop the lines behind.
    Unreadable,
}

impl Rejection {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::TooLong,
        Self::NotJson,
        Self::NotObject,
        Self::TooDeep,
        Self::UnknownType,
        Self::Unreadable,
    ];

    /// The word for it in reports.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NotJson => "not_json",
            Self::NotObject => "not_object",
            Self::TooDeep => "too_deep",
            Self::UnknownType => "unknown_type",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What is done with a tape, whichever parser made it.
pub(crate) trait Visit {
    type Out;
    fn visit<'a, N: OnTape<'a>>(self, tape: &[N], lone_surrogate: bool) -> Self::Out;
}

/// Parses line after line into buffers that it keeps.
pub(crate) struct Parser {
    line: Vec<u8>,
    buffers: Buffers,
    tape: Tape<'static>,
}

impl Parser {
    pub(crate) fn new() -> Self {
        Self { line: Vec::new(), buffers: Buffers::default(), tape: Tape(Vec::new()) }
    }

    /// Reads one line, which stays as it was, and hands its tape on.
    pub(crate) fn read<V: Visit>(&mut self, line: &[u8], visit: V) -> Result<V::Out, Rejection> {
        // simd-json turns some lone surrogates into NUL instead of refusing them.
        let half = lone_surrogate(line);
        self.line.clear();
        self.line.extend_from_slice(line);
        self.line.resize(line.len() + simd_json::INPUT_PADDING, b' ');
        let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let buffers = &mut self.buffers;
        let read = !half
            && simd_json::fill_tape_padded(&mut self.line, line.len(), buffers, &mut tape).is_ok();
        let out = if read {
            judge(&tape.0).map(|()| visit.visit(&tape.0, false))
        } else {
            exact(line, half, visit)
        };
        self.tape = tape.reset();
        if line.len() > KEPT_LINE {
            *self = Self::new();
        }
        out
    }
}

/// Buffers that a longer line has grown are given back.
const KEPT_LINE: usize = 1 << 20;

/// Whether a tape is an event's shape: an object, not too deep.
fn judge<'a, N: OnTape<'a>>(tape: &[N]) -> Result<(), Rejection> {
    if !matches!(tape.first().map(|&node| node.into()), Some(Json::Object { .. })) {
        return Err(Rejection::NotObject);
    }
    if tape.len() > DEEPEST {
        let mut ends: Vec<usize> = Vec::with_capacity(DEEPEST + 1);
        for (at, &node) in tape.iter().enumerate() {
            while ends.last().is_some_and(|&end| end <= at) {
                ends.pop();
            }
            if let Json::Array { count } | Json::Object { count } = node.into() {
                if ends.len() == DEEPEST {
                    return Err(Rejection::TooDeep);
                }
                ends.push(at + count + 1);
            }
        }
    }
    Ok(())
}

/// Reads a line that the fast parser refused or must not see.
fn exact<V: Visit>(line: &[u8], half: bool, visit: V) -> Result<V::Out, Rejection> {
    let text = std::str::from_utf8(line).map_err(|_| Rejection::NotJson)?;
    // The grammar alone, without recursion: sonic-rs must not see what is deeper.
    serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|_| Rejection::NotJson)?;
    if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
        return Err(Rejection::NotObject);
    }
    if depth(line) > DEEPEST {
        return Err(Rejection::TooDeep);
    }
    let value: sonic_rs::Value = sonic_rs::Deserializer::from_slice(line)
        .use_rawnumber()
        .utf8_lossy()
        .deserialize()
        .map_err(|_| Rejection::NotJson)?;
    let mut literals = Vec::new();
    collect_literals(&value, &mut literals);
    let mut tape = Vec::new();
    lay(&value, &mut literals.iter(), &mut tape);
    Ok(visit.visit(&tape, half))
}

/// The deepest nesting of a line that is known to be valid.
fn depth(line: &[u8]) -> usize {
    let (mut deepest, mut level, mut in_text, mut escaped) = (0, 0_usize, false, false);
    for byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => {
                level += 1;
                deepest = deepest.max(level);
            }
            b'}' | b']' => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Every number of a value as sent, in the order in which [`lay`] meets them.
fn collect_literals(value: &sonic_rs::Value, literals: &mut Vec<String>) {
    match value.get_type() {
        JsonType::Number => {
            literals
                .push(value.as_raw_number().map_or_else(String::new, |n| n.as_str().to_owned()));
        }
        JsonType::Array => {
            for item in value.as_array().into_iter().flatten() {
                collect_literals(item, literals);
            }
        }
        JsonType::Object => {
            for (_, item) in value.as_object().into_iter().flatten() {
                collect_literals(item, literals);
            }
        }
        _ => {}
    }
}

/// Lays a value on a tape, depth first.
fn lay<'a>(
    value: &'a sonic_rs::Value,
    literals: &mut std::slice::Iter<'a, String>,
    tape: &mut Vec<Json<'a>>,
) {
    let at = tape.len();
    match value.get_type() {
        JsonType::Null => tape.push(Json::Null),
        JsonType::Boolean => tape.push(Json::Bool(value.is_true())),
        JsonType::Number => tape.push(literals.next().map_or(Json::Null, |text| number(text))),
        JsonType::String => tape.push(Json::Text(value.as_str().unwrap_or_default())),
        JsonType::Array => {
            tape.push(Json::Null);
            for item in value.as_array().into_iter().flatten() {
                lay(item, literals, tape);
            }
            tape[at] = Json::Array { count: tape.len() - at - 1 };
        }
        JsonType::Object => {
            tape.push(Json::Null);
            for (key, item) in value.as_object().into_iter().flatten() {
                tape.push(Json::Text(key));
                lay(item, literals, tape);
            }
            tape[at] = Json::Object { count: tape.len() - at - 1 };
        }
    }
}

/// A number by its literal (D14, E12).
fn number(text: &str) -> Json<'_> {
    if text.bytes().any(|b| matches!(b, b'.' | b'e' | b'E')) {
        return match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Json::Double(value),
            _ => Json::Digits(text),
        };
    }
    text.parse()
        .map(Json::Int)
        .or_else(|_| text.parse().map(Json::Unsigned))
        .unwrap_or(Json::Digits(text))
}

/// Whether an escape names half of a surrogate pair without its other half.
fn lone_surrogate(line: &[u8]) -> bool {
    let mut from = 0;
    while let Some(found) = memchr::memmem::find(&line[from..], b"\\u") {
        let at = from + found;
        let slashes = line[..=at].iter().rev().take_while(|&&b| b == b'\\').count();
        from = at + 2;
        if slashes % 2 == 0 {
            continue;
        }
        match unit(line, at) {
            Some(0xD800..=0xDBFF) => {
                let paired = matches!(unit(line, at + 6), Some(0xDC00..=0xDFFF));
                if !paired {
                    return true;
                }
                from = at + 12;
            }
            Some(0xDC00..=0xDFFF) => return true,
            _ => {}
        }
    }
    false
}

/// The UTF-16 unit that the escape at a place names.
fn unit(line: &[u8], at: usize) -> Option<u16> {
    let digits = line.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Writes a node and its content as compact JSON: keys in the order sent, of a repeated key the
/// first place and the last value (E2, E14).
pub(crate) fn write_json<'a, N: OnTape<'a>>(tape: &[N], at: usize, out: &mut String) {
    match tape[at].into() {
        Json::Null => out.push_str("null"),
        Json::Text(text) => write_quoted(text, out),
        Json::Array { count } => {
            out.push('[');
            let (mut item, end) = (at + 1, at + 1 + count);
            while item < end {
                if item > at + 1 {
                    out.push(',');
                }
                write_json(tape, item, out);
                item += tape[item].into().width();
            }
            out.push(']');
        }
        Json::Object { .. } => {
            out.push('{');
            for (place, (key, value)) in last_of_each(tape, at).into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_quoted(key, out);
                out.push(':');
                write_json(tape, value, out);
            }
            out.push('}');
        }
        scalar => write_scalar(scalar, out),
    }
}

/// Writes a number or a boolean as a STRING column holds it (E14).
pub(crate) fn write_scalar(json: Json<'_>, out: &mut String) {
    match json {
        Json::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Json::Int(value) => out.push_str(itoa::Buffer::new().format(value)),
        Json::Unsigned(value) => out.push_str(itoa::Buffer::new().format(value)),
        // `12345.0` is the number 12345.
        Json::Double(value) => {
            let mut buffer = ryu::Buffer::new();
            let digits = buffer.format_finite(value);
            out.push_str(digits.strip_suffix(".0").unwrap_or(digits));
        }
        Json::Digits(text) | Json::Text(text) => out.push_str(text),
        Json::Null | Json::Array { .. } | Json::Object { .. } => {}
    }
}

fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0C => "\\f",
            0..=0x1F => "",
            _ => continue,
        };
        out.push_str(&text[copied..at]);
        if escape.is_empty() {
            out.push_str("\\u00");
            for digit in [byte >> 4, byte & 15] {
                out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        } else {
            out.push_str(escape);
        }
        copied = at + 1;
    }
    out.push_str(&text[copied..]);
    out.push('"');
}

/// An object's keys with the place of their value: each key once, where it first stood, with the
/// value that came last.
pub(crate) fn last_of_each<'a, N: OnTape<'a>>(tape: &[N], at: usize) -> Vec<(&'a str, usize)> {
    let mut members: Vec<(&str, usize)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let (mut key_at, end) = (at + 1, at + tape[at].into().width());
    while key_at < end {
        if let Json::Text(key) = tape[key_at].into() {
            let place = *places.entry(key).or_insert(members.len());
            if place == members.len() {
                members.push((key, key_at + 1));
            } else {
                members[place].1 = key_at + 1;
            }
        }
        key_at += 1 + tape[key_at + 1].into().width();
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Text;
    impl Visit for Text {
        type Out = String;
        fn visit<'a, N: OnTape<'a>>(self, tape: &[N], _: bool) -> String {
            let mut out = String::new();
            write_json(tape, 0, &mut out);
            out
        }
    }

    fn text(line: &str) -> Result<String, Rejection> {
        Parser::new().read(line.as_bytes(), Text)
    }

    #[test]
    fn numbers_keep_what_they_say() {
        let line = r#"{"a":[9007199254740993,18446744073709551615,123456789012345678901234567890,1e400,1.50,-0.0,-9223372036854775809]}"#;
        assert_eq!(
            text(line).unwrap(),
            r#"{"a":[9007199254740993,18446744073709551615,123456789012345678901234567890,1e400,1.5,-0,-9223372036854775809]}"#
        );
        assert_eq!(
            text(r#"{"a":[12345.0,1.0e2,1e21,-3.0]}"#).unwrap(),
            r#"{"a":[12345,100,1e21,-3]}"#
        );
    }

    #[test]
    fn a_number_as_text_reads_back_as_the_same_number() {
        proptest!(|(number in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO)| {
            let mut text = String::new();
            write_scalar(Json::Double(number), &mut text);
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits());
        });
    }

    #[test]
    fn lone_surrogates_become_the_replacement_character() {
        for (sent, read) in [
            (r#"{"a":"\ud800x"}"#, "{\"a\":\"\u{fffd}x\"}"),
            (r#"{"a":"\ud800"}"#, "{\"a\":\"\u{fffd}\"}"),
            (r#"{"a":"\udc00"}"#, "{\"a\":\"\u{fffd}\"}"),
            (r#"{"a":"\uD83D\uDE00"}"#, "{\"a\":\"\u{1f600}\"}"),
            (r#"{"a":"\\ud800"}"#, r#"{"a":"\\ud800"}"#),
            (r#"{"a":"\ud800\ud83d\ude00"}"#, "{\"a\":\"\u{fffd}\u{1f600}\"}"),
            (r#"{"a":"\ud800\n"}"#, "{\"a\":\"\u{fffd}\\n\"}"),
            (r#"{"\udfff":1}"#, "{\"\u{fffd}\":1}"),
        ] {
            assert_eq!(text(sent).unwrap(), read, "{sent}");
        }
    }

    #[test]
    fn repeated_keys_keep_the_first_place_and_the_last_value() {
        assert_eq!(text(r#"{"a":1,"b":2,"a":3}"#).unwrap(), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn depth_is_counted_from_the_event() {
        let nested = |levels: usize| {
            format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
        };
        assert!(text(&nested(128)).is_ok());
        assert_eq!(text(&nested(129)), Err(Rejection::TooDeep));
        assert_eq!(text(&nested(10_000)), Err(Rejection::TooDeep));
        assert_eq!(text(&nested(1_000_000)), Err(Rejection::TooDeep));
        assert_eq!(text(&"[".repeat(1_000_000)), Err(Rejection::NotJson));
        let list = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(text(&list), Err(Rejection::NotObject));
        // Beyond 64 bits, so that the exact reader judges.
        let exact = nested(129).replace("[]", "[1e999]");
        assert_eq!(text(&exact), Err(Rejection::TooDeep));
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|b| b.to_string()),
            any::<i64>().prop_map(|n| n.to_string()),
            any::<u64>().prop_map(|n| n.to_string()),
            any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| format!("{n:e}")),
            "[1-9][0-9]{15,40}",
            "-?[0-9]\\.[0-9]{1,5}[eE][+-]?[0-9]{1,3}",
            "\\PC{0,8}".prop_map(|s| serde_json::to_string(&s).unwrap()),
            "(\\\\u[dD][89abcdef][0-9a-f]{2}|a|\\\\\\\\){0,4}".prop_map(|s| format!("\"{s}\"")),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4)
                    .prop_map(|items| format!("[{}]", items.join(","))),
                proptest::collection::vec(("[a-c]{1,2}", inner), 0..4).prop_map(|members| {
                    let members: Vec<_> =
                        members.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn both_readers_agree(json in json()) {
            let line = format!("{{\"a\":{json}}}");
            let fast = text(&line);
            let slow = exact(line.as_bytes(), false, Text);
            prop_assert_eq!(fast, slow);
        }

        #[test]
        fn a_broken_line_is_refused_by_both(json in json(), cut in 0_usize..200, byte in any::<u8>()) {
            let mut line = format!("{{\"a\":{json}}}").into_bytes();
            let at = cut % line.len();
            line[at] = byte;
            let fast = Parser::new().read(&line, Text);
            let slow = exact(&line, false, Text);
            prop_assert_eq!(fast, slow, "{}", String::from_utf8_lossy(&line));
        }

        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Parser::new().read(&bytes, Text);
        }
    }
}
