//! A policy's text as a tree of JSON values, each with its range of bytes. Strict JSON; nothing is lost.
//!
//! Syntax errors are found here. What the elements of a policy mean is decided in `read`.

use headgate_terms::{Range, Shown, say};
use jsonc_parser::ast::{self, ObjectPropName};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use percent_encoding::percent_decode_str;

use crate::problem::{Code, Problem};

/// The most characters that AWS takes in one call.
const MOST_CHARACTERS: usize = 131_072;

/// A value with its range of bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub range: Range,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// A string, a number or a boolean, as the text that IAM compares.
    Scalar {
        value: String,
        quoted: bool,
    },
    Null,
    List(Vec<Node>),
    Object(Vec<Property>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Property {
    pub name: String,
    /// The range of the name, with its quotes.
    pub name_range: Range,
    pub value: Node,
}

impl Property {
    /// From the name's first quote to the value's end.
    pub(crate) fn range(&self) -> Range {
        Range { start: self.name_range.start, end: self.value.range.end }
    }
}

impl Node {
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { value, quoted: true } => Some(value),
            _ => None,
        }
    }

    pub(crate) fn object(&self) -> Option<&[Property]> {
        match &self.kind {
            Kind::Object(properties) => Some(properties),
            _ => None,
        }
    }

    /// The elements of a list, or the one value in place of a list.
    pub(crate) fn elements(&self) -> &[Node] {
        match &self.kind {
            Kind::List(elements) => elements,
            _ => std::slice::from_ref(self),
        }
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self.kind, Kind::List(_))
    }

    /// The last property of a name, as IAM reads a document that has it twice.
    pub(crate) fn property(&self, name: &str) -> Option<&Property> {
        self.object()?.iter().rev().find(|property| property.name == name)
    }
}

/// The document as the API gives it, decoded once: percent-encoded when it begins so. A `+` stays.
#[must_use]
pub fn decoded(text: &str) -> String {
    if is_encoded(text) {
        percent_decode_str(text.trim()).decode_utf8_lossy().into_owned()
    } else {
        text.to_owned()
    }
}

fn is_encoded(text: &str) -> bool {
    text.trim_start().get(..3).is_some_and(|start| start.eq_ignore_ascii_case("%7b"))
}

/// Whether a text is Terraform's, which names a block before its brace.
fn is_terraform(text: &str) -> bool {
    let text = text.trim_start();
    ["resource \"", "data \"", "jsonencode(", "assume_role_policy"]
        .iter()
        .any(|start| text.starts_with(start))
}

/// The characters that count against the quota: all but white space.
#[must_use]
pub fn size(text: &str) -> usize {
    text.chars().filter(|character| !character.is_whitespace() && *character != '\u{feff}').count()
}

/// Reads a text as one JSON value.
pub(crate) fn tree(text: &str) -> Result<Node, Problem> {
    let at = |offset: usize| Range { start: offset, end: offset };
    // Skipped as IAM's own console does; ranges count from the file's first byte all the same.
    let lead = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let json = &text[lead..];
    if json.trim().is_empty() {
        return Err(Problem::new(
            Code::Empty,
            at(0),
            "There is no policy here: the text is empty.",
        ));
    }
    if text.len() > MOST_CHARACTERS && text.chars().count() > MOST_CHARACTERS {
        let count = text.chars().count();
        return Err(Problem::new(
            Code::TooLarge,
            at(0),
            say!("{} characters are more than AWS takes in one call, {}.", count, MOST_CHARACTERS),
        ));
    }
    if is_encoded(json) {
        return Err(Problem::new(
            Code::Encoded,
            at(0),
            "This is the percent-encoded form in which the API gives a policy. Decode it first.",
        ));
    }
    if is_terraform(json) {
        return Err(Problem::new(
            Code::NotJson,
            at(lead),
            "This is Terraform, not JSON. Paste the policy as AWS has it, such as what `aws iam get-role` prints.",
        ));
    }
    // The strict judge: it knows no comments, no trailing commas and a bounded depth.
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(json) {
        let offset = lead + offset_of(json, error.line(), error.column());
        return Err(Problem::new(Code::NotJson, at(offset), sentence(json, &error)));
    }
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    match parse_to_ast(json, &CollectOptions::default(), &strict) {
        Ok(parsed) => parsed.value.map(|value| node(&value, lead)).ok_or_else(|| {
            Problem::new(Code::Empty, at(0), "There is no policy here: the text is empty.")
        }),
        Err(error) => Err(Problem::new(
            Code::NotJson,
            at(lead + error.range().start),
            say!("This is no JSON: {}.", error.kind().to_string()),
        )),
    }
}

/// Serde counts columns in bytes, and from 1 but for an end of input.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let begin: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut offset = (begin + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

fn sentence(text: &str, error: &serde_json::Error) -> Shown {
    let said = error.to_string();
    let what = said.split(" at line ").next().unwrap_or_default();
    if error.is_eof() {
        let inside = match what.rsplit(' ').next() {
            Some("string") => " of a text",
            Some("list") => " of a list",
            Some("object") => " of an object",
            _ => "",
        };
        let inside = Shown::from(inside);
        return say!("The JSON ends in the middle{}. Is a part of it missing?", inside);
    }
    let offset = offset_of(text, error.line(), error.column());
    let (before, at) = text.split_at(offset);
    let is_closing = at.trim_start().starts_with([']', '}']);
    let hint = match what {
        "trailing comma" => " Take the comma away.",
        _ if is_closing && before.trim_end().ends_with(',') => " Take the comma away.",
        _ if at.starts_with(['\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}', '\'']) => {
            " JSON's quotes are straight and double."
        }
        _ if text.contains("//") || text.contains("/*") => " JSON knows no comments.",
        _ => "",
    };
    say!("This is no JSON: {}.{}", Shown::clean(what), Shown::from(hint))
}

fn node(value: &ast::Value<'_>, lead: usize) -> Node {
    use jsonc_parser::common::Ranged;
    let range = |from: jsonc_parser::common::Range| Range {
        start: lead + from.start,
        end: lead + from.end,
    };
    let scalar = |value: String, quoted| Kind::Scalar { value, quoted };
    let kind = match value {
        ast::Value::StringLit(text) => scalar(text.value.to_string(), true),
        ast::Value::NumberLit(number) => scalar(number.value.to_string(), false),
        ast::Value::BooleanLit(boolean) => scalar(boolean.value.to_string(), false),
        ast::Value::NullKeyword(_) => Kind::Null,
        ast::Value::Array(list) => {
            Kind::List(list.elements.iter().map(|element| node(element, lead)).collect())
        }
        ast::Value::Object(object) => Kind::Object(
            object
                .properties
                .iter()
                .map(|property| {
                    let (name, place) = match &property.name {
                        ObjectPropName::String(name) => (name.value.to_string(), name.range),
                        ObjectPropName::Word(word) => (word.value.to_owned(), word.range),
                    };
                    let value = node(&property.value, lead);
                    Property { name, name_range: range(place), value }
                })
                .collect(),
        ),
    };
    Node { range: range(value.range()), kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_the_api_is_decoded_once() {
        assert_eq!(decoded("%7B%22a%22%3A%22x+y%2Bz%25%22%7D"), r#"{"a":"x+y+z%"}"#);
        assert_eq!(decoded("%7b%7d"), "{}");
        assert_eq!(decoded("%7B%22a%22:%22%257B%22%7D"), r#"{"a":"%7B"}"#);
        for left in [r#"{"a":"%7B"}"#, "", "%7", "é%7B"] {
            assert_eq!(decoded(left), left);
        }
        assert_eq!(decoded(r#"{"a":"%2B"}"#), r#"{"a":"%2B"}"#);
    }

    #[test]
    fn terraform_is_named() {
        for text in [
            "resource \"aws_iam_role\" \"a\" {\n}",
            "  jsonencode({})",
            "data \"aws_iam_policy_document\" \"a\" {}",
        ] {
            let problem = tree(text).unwrap_err();
            assert!(problem.message.contains("This is Terraform"), "{text}");
        }
        for other in ["\"resource\"", "{\"data\": 1", "datum"] {
            let said = tree(other).err().map(|problem| problem.message.to_string());
            assert!(!said.unwrap_or_default().contains("Terraform"), "{other}");
        }
    }

    #[test]
    fn white_space_does_not_count() {
        assert_eq!(size("{ \"a\": \"b c\" }\r\n"), 10);
    }
}
