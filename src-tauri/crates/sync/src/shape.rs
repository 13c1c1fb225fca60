//! Recognises the form of a file in which no line is an event, such as a JSON array or one indented document,
//! so that the run can say what to do.

use headgate_terms::{Shown, say, shell_word};
use serde_json::Value;

/// How much of a file's beginning is looked at, in bytes.
pub(crate) const BEGINNING: usize = 16 << 10;

/// A form that is not one event a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Array,
    Indented,
    Batch,
    NoLineEnds,
    GzipInGzip,
    Utf16,
}

impl Shape {
    /// The form of a file, from its inflated beginning.
    pub(crate) fn of(beginning: &[u8]) -> Option<Self> {
        if beginning.starts_with(&[0x1F, 0x8B]) {
            return Some(Self::GzipInGzip);
        }
        if beginning.starts_with(&[0xFF, 0xFE]) || beginning.starts_with(&[0xFE, 0xFF]) {
            return Some(Self::Utf16);
        }
        let text = beginning.trim_ascii_start();
        if text.starts_with(b"[") {
            return Some(Self::Array);
        }
        if !text.starts_with(b"{") {
            return None;
        }
        let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
        let (line, rest) = text.split_at(end);
        if line.trim_ascii() == b"{" || is_member(line) && is_member(rest.trim_ascii_start()) {
            return Some(Self::Indented);
        }
        if let Ok(value) = serde_json::from_slice::<Value>(line) {
            let is_batch = value["batch"].is_array() && value["type"].as_str().is_none();
            return is_batch.then_some(Self::Batch);
        }
        let mut values = serde_json::Deserializer::from_slice(line).into_iter::<Value>();
        let first = values.next();
        let more = line
            .get(values.byte_offset()..)
            .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"));
        if matches!(first, Some(Ok(_))) && more {
            return Some(Self::NoLineEnds);
        }
        text.starts_with(b"{\"batch\"").then_some(Self::Batch)
    }

    /// The word for it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Array => "json_array",
            Self::Indented => "indented_json",
            Self::Batch => "batch_request",
            Self::NoLineEnds => "no_line_ends",
            Self::GzipInGzip => "gzip_in_gzip",
            Self::Utf16 => "utf16",
        }
    }

    /// What to say of a file of that form: what it is, and the command that makes lines of it.
    pub(crate) fn message(self, file: &str) -> Shown {
        let name = file.rsplit('/').next().unwrap_or(file);
        let (plain, is_zipped) = match name.strip_suffix(".gz") {
            Some(plain) => (plain, true),
            None => (name, false),
        };
        let stem = plain.rsplit_once('.').map(|(stem, _)| stem);
        let (word, out) =
            (shell_word(name), stem.map(|stem| shell_word(&format!("{stem}.lines.ndjson"))));
        let through = |what: &str| match &out {
            Some(out) if is_zipped => format!("gzip -dc {word} | {what} > {out}"),
            Some(out) => format!("{what} {word} > {out}"),
            // Standard input has no name.
            None => what.to_owned(),
        };
        let (what, command, does) = match self {
            Self::Array => {
                ("is one JSON array", through("jq -c '.[]'"), "writes its elements one a line")
            }
            Self::Indented => {
                ("holds indented JSON", through("jq -c ."), "writes it one event a line")
            }
            Self::Batch => (
                "is a request body with a batch",
                through("jq -c '.batch[]'"),
                "writes its events one a line",
            ),
            Self::NoLineEnds => {
                ("has no line ends between events", through("jq -c ."), "writes them one a line")
            }
            Self::GzipInGzip => ("was compressed twice", through("gzip -dc"), "decompresses it"),
            Self::Utf16 => ("is UTF-16", through("iconv -f UTF-16 -t UTF-8"), "makes it UTF-8"),
        };
        say!("`{}` {}, and Headgate reads one event a line: `{}` {}.", file, what, command, does)
    }
}

/// Whether a line begins a member of an object that does not end on it.
fn is_member(line: &[u8]) -> bool {
    line.starts_with(b"\"")
        || line.starts_with(b"{") && serde_json::from_slice::<Value>(line).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_forms_are_recognised_and_lines_are_not() {
        for (text, shape) in [
            ("[{\"type\":\"track\"}]", Some(Shape::Array)),
            ("\n [\n  {", Some(Shape::Array)),
            ("{\n  \"type\": \"track\"\n}\n", Some(Shape::Indented)),
            ("{ \"type\": \"track\",\n  \"event\": \"a\" }\n", Some(Shape::Indented)),
            ("{\"batch\":[{\"type\":\"track\"}],\"sentAt\":\"x\"}\n", Some(Shape::Batch)),
            ("{\"batch\":[{\"type\":\"tra", Some(Shape::Batch)),
            ("{\"type\":\"track\"}{\"type\":\"track\"}", Some(Shape::NoLineEnds)),
            ("{\"type\":\"track\"} {\"type\":\"tra", Some(Shape::NoLineEnds)),
            ("{\"kind\":\"track\"}\n{\"kind\":\"track\"}\n", None),
            ("{\"type\":\"tra\n{\"type\":\"track\"}\n", None),
            ("not json at all\n", None),
            ("", None),
        ] {
            assert_eq!(Shape::of(text.as_bytes()), shape, "{text}");
        }
        assert_eq!(Shape::of(&[0x1F, 0x8B, 8, 0]), Some(Shape::GzipInGzip));
        assert_eq!(Shape::of(&[0xFF, 0xFE, b'{', 0]), Some(Shape::Utf16));
    }

    #[test]
    fn the_command_names_the_file_and_makes_lines_of_it() {
        let says = |shape: Shape, file: &str| shape.message(file).to_string();
        assert_eq!(
            says(Shape::Array, "a.json"),
            "`a.json` is one JSON array, and Headgate reads one event a line: \
             `jq -c '.[]' a.json > a.lines.ndjson` writes its elements one a line."
        );
        assert!(
            says(Shape::Array, "2-12af35")
                .ends_with(": `jq -c '.[]'` writes its elements one a line.")
        );
        assert!(
            says(Shape::GzipInGzip, "a.json.gz")
                .contains("`gzip -dc a.json.gz | gzip -dc > a.lines.ndjson`")
        );
        assert_eq!(
            says(Shape::Indented, "day/my events.json.gz"),
            "`day/my events.json.gz` holds indented JSON, and Headgate reads one event a line: \
             `gzip -dc 'my events.json.gz' | jq -c . > 'my events.lines.ndjson'` writes it one event a line."
        );
    }
}
