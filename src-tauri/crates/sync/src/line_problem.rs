//! What is wrong with a line that is not an event, and where: the parser's own judgement, in words.
//!
//! Why a line counts as rejected is decided in `events`; this explains it once more from the text that was kept.

use headgate_terms::{Shown, say};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

/// What is wrong with a rejected line, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LineProblem {
    /// The place in the line's text, in UTF-16 units from 0; none where no single place is wrong.
    pub at: Option<u32>,
    /// It in a sentence that names the place by its character, from 1.
    pub message: Shown,
}

/// The calls that Segment has, as `type` names them.
const TYPES: [&str; 6] = ["alias", "group", "identify", "page", "screen", "track"];

impl LineProblem {
    /// What is wrong with a line that was rejected for a reason; none where the reason says it all.
    ///
    /// `is_part` says that the text is only the line's beginning.
    pub(crate) fn of(reason: &str, text: &str, is_part: bool) -> Option<Self> {
        match reason {
            "not_json" => Self::of_syntax(text, is_part),
            "not_object" => {
                let kind = kind_of(&serde_json::from_str(text).ok()?);
                Some(Self::placed(text, 0, &say!("this is {}, not an object", Shown::from(kind))))
            }
            "unknown_type" if !is_part => Self::of_type(text),
            _ => None,
        }
    }

    /// What is wrong with a line that is not text; its bytes are all of it, or its beginning.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let at = std::str::from_utf8(bytes).err()?.valid_up_to();
        let byte = format!("{:02X}", bytes.get(at)?);
        let message = say!("Byte {} is 0x{}, which is not UTF-8.", at + 1, byte);
        Some(Self { at: None, message })
    }

    fn of_syntax(text: &str, is_part: bool) -> Option<Self> {
        let error = serde_json::from_str::<IgnoredAny>(text).err()?;
        let said = error.to_string();
        let what = said.split(" at line ").next().unwrap_or_default();
        if error.is_eof() {
            if is_part {
                return None;
            }
            let inside = match what.rsplit(' ').next() {
                Some("string") => "inside a string",
                Some("list") => "inside an array",
                Some("object") => "inside an object",
                _ => "before the value is complete",
            };
            let message = say!("the line ends {}", Shown::from(inside));
            return Some(Self::placed(text, text.len(), &message));
        }
        // Serde counts bytes, from 1.
        let mut at = error.column().saturating_sub(1).min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let expected = match what {
            "expected value" | "expected ident" => Some("expected a JSON value"),
            "key must be a string" => Some("expected a key in double quotes"),
            _ => Some(what).filter(|what| what.starts_with("expected")),
        };
        let message = match (expected, text[at..].chars().next()) {
            (Some(expected), Some(found)) => {
                say!("{}, found `{}`", Shown::clean(expected), found.to_string())
            }
            _ if what == "trailing characters" => "more follows after the JSON value".into(),
            _ => Shown::clean(what),
        };
        Some(Self::placed(text, at, &message))
    }

    fn of_type(text: &str) -> Option<Self> {
        let Value::Object(event) = serde_json::from_str(text).ok()? else { return None };
        let message = match event.get("type") {
            None => "The event has no `type`.".into(),
            Some(Value::String(kind)) => {
                let lower = kind.trim().to_lowercase();
                if TYPES.contains(&lower.as_str()) {
                    say!("`type` is `{}`; Segment writes `{}`.", shortened(kind), lower)
                } else {
                    let calls: Vec<Shown> = TYPES.iter().map(|call| say!("`{}`", call)).collect();
                    let calls = Shown::join(&calls, ", ");
                    say!("`type` is `{}`, which is none of {}.", shortened(kind), calls)
                }
            }
            Some(other) => say!("`type` is {}, not a text.", Shown::from(kind_of(other))),
        };
        Some(Self { at: None, message })
    }

    /// At a byte of the text; `message` goes on after the place.
    fn placed(text: &str, byte: usize, message: &Shown) -> Self {
        let before = &text[..byte];
        let units: usize = before.chars().map(char::len_utf16).sum();
        let character = before.chars().count() + 1;
        Self {
            at: u32::try_from(units).ok(),
            message: say!("Character {}: {}.", character, message),
        }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// As much of a value as a sentence has room for.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_not_json_names_the_character_and_what_was_expected() {
        for (text, at, message) in [
            (r#"{"a":"lk-2"#, Some(10), "Character 11: the line ends inside a string."),
            (r#"{"a":1"#, Some(6), "Character 7: the line ends inside an object."),
            ("[1,", Some(3), "Character 4: the line ends before the value is complete."),
            ("{\"é🎉\":tru!}", Some(10), "Character 10: expected a JSON value, found `!`."),
            ("{'a':1}", Some(1), "Character 2: expected a key in double quotes, found `'`."),
            ("{\"a\":1} x", Some(8), "Character 9: more follows after the JSON value."),
            ("not json", Some(1), "Character 2: expected a JSON value, found `o`."),
        ] {
            let problem = LineProblem::of("not_json", text, false).unwrap();
            assert_eq!((problem.at, problem.message.as_str()), (at, message), "{text}");
        }
    }

    #[test]
    fn the_end_of_a_part_is_not_the_end_of_the_line() {
        assert_eq!(LineProblem::of("not_json", "{\"a\":\"b", true), None);
        assert!(LineProblem::of("not_json", "{a", true).is_some());
        assert_eq!(LineProblem::of("too_long", "{", false), None);
    }

    #[test]
    fn other_reasons_say_what_stands_there() {
        for (reason, text, message) in [
            ("not_object", "[1]", "Character 1: this is an array, not an object."),
            ("unknown_type", r#"{"type":"Track"}"#, "`type` is `Track`; Segment writes `track`."),
            ("unknown_type", r#"{"type":7}"#, "`type` is a number, not a text."),
            ("unknown_type", r#"{"event":"a"}"#, "The event has no `type`."),
            (
                "unknown_type",
                r#"{"type":"beacon"}"#,
                "`type` is `beacon`, which is none of `alias`, `group`, `identify`, `page`, `screen`, `track`.",
            ),
        ] {
            let problem = LineProblem::of(reason, text, false).unwrap();
            assert_eq!(problem.message.as_str(), message, "{text}");
        }
        let problem = LineProblem::of_bytes(b"{\"a\":\"\xFF\"}").unwrap();
        assert_eq!(problem.message.as_str(), "Byte 7 is 0xFF, which is not UTF-8.");
    }
}
