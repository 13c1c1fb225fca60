//! How a document is formatted (indentation, spaces, line breaks), so that text which is added looks like the
//! text beside it.

use crate::text::{Kind, Node};

/// A JSON value that is to be written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// A text, or a list where there is not exactly one.
    pub(crate) fn one_or_list(values: &[String]) -> Self {
        match values {
            [one] => Self::Text(one.clone()),
            several => Self::List(several.iter().cloned().map(Self::Text).collect()),
        }
    }
}

/// The habits of a document.
pub(crate) struct Style<'t> {
    text: &'t str,
    newline: &'static str,
    /// Between a name and its value.
    colon: &'t str,
    /// After a comma on one line.
    comma: &'static str,
    /// Inside the braces of an object on one line.
    pad: &'static str,
    /// One step of indentation.
    unit: &'t str,
}

impl<'t> Style<'t> {
    pub(crate) fn of(text: &'t str, root: &Node) -> Self {
        let compact = !outside_strings(text.trim()).any(char::is_whitespace);
        let colon = root
            .object()
            .and_then(|properties| properties.first())
            .map(|first| &text[first.name_range.end..first.value.range.start])
            .filter(|colon| !colon.contains('\n'))
            .unwrap_or(": ");
        let mut pad = "";
        inline_objects(text, root, &mut |inside| {
            if inside.starts_with(' ') {
                pad = " ";
            }
        });
        let statements = root.property("Statement").map(|all| &all.value);
        let unit = statements
            .into_iter()
            .flat_map(Node::elements)
            .chain(statements)
            .chain([root])
            .find_map(|node| step(text, node));
        Self {
            text,
            newline: if text.contains("\r\n") { "\r\n" } else { "\n" },
            colon: if compact { ":" } else { colon },
            comma: if compact { "," } else { ", " },
            pad,
            unit: unit.unwrap_or("  "),
        }
    }

    /// The text between two members of a container: as between its last two, else as its first is
    /// led in.
    pub(crate) fn separator(&self, node: &Node) -> String {
        let members = members(node);
        if let [.., one, last] = members.as_slice() {
            let between = &self.text[one.1..last.0];
            if outside_strings(between).filter(|c| !c.is_whitespace()).eq([',']) {
                return between.to_owned();
            }
        }
        match lead(self.text, node) {
            Some(lead) => format!(",{lead}"),
            None => self.comma.to_owned(),
        }
    }

    /// What parts two values on one line.
    pub(crate) fn comma(&self) -> &'static str {
        self.comma
    }

    /// A name with a value that is written already.
    pub(crate) fn member(&self, name: &str, value: &str) -> String {
        format!("{}{}{value}", quoted(name), self.colon)
    }

    /// An object of one member on one line.
    pub(crate) fn inline_braces(&self, member: &str) -> String {
        format!("{{{0}{member}{0}}}", self.pad)
    }

    /// A value on one line.
    pub(crate) fn inline(&self, value: &Json) -> String {
        match value {
            Json::Text(text) => quoted(text),
            Json::List(values) => {
                let values: Vec<String> = values.iter().map(|value| self.inline(value)).collect();
                format!("[{}]", values.join(self.comma))
            }
            Json::Object(members) => {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, value)| self.member(name, &self.inline(value)))
                    .collect();
                format!("{{{0}{1}{0}}}", self.pad, members.join(self.comma))
            }
        }
    }

    /// A value over several lines, its last bracket indented by `indent` and each level by the step of
    /// `beside`. Lists of one and texts stay on their line; `deep` says how many levels of objects open
    /// up.
    pub(crate) fn spread(&self, value: &Json, indent: &str, beside: &Node, deep: usize) -> String {
        let inner = format!("{indent}{}", step(self.text, beside).unwrap_or(self.unit));
        let joined = |open: char, members: Vec<String>, close: char| {
            let newline = self.newline;
            let members = members.join(&format!(",{newline}{inner}"));
            format!("{open}{newline}{inner}{members}{newline}{indent}{close}")
        };
        match value {
            _ if deep == 0 => self.inline(value),
            Json::List(values) if values.len() > 1 => {
                let values =
                    values.iter().map(|value| self.spread(value, &inner, beside, deep - 1));
                joined('[', values.collect(), ']')
            }
            Json::Object(members) if !members.is_empty() => {
                let members = members.iter().map(|(name, value)| {
                    self.member(name, &self.spread(value, &inner, beside, deep - 1))
                });
                joined('{', members.collect(), '}')
            }
            _ => self.inline(value),
        }
    }

    /// A value as its place has it: like `beside`, an object of the same kind.
    pub(crate) fn like(&self, value: &Json, beside: &Node) -> String {
        if lead(self.text, beside).is_none() {
            return self.inline(value);
        }
        let indent = line_indent(self.text, beside.range.end - 1);
        let inner =
            beside.object().into_iter().flatten().filter(|one| one.value.object().is_some());
        let opens = inner.fold(0, |deep, one| deep.max(depth(self.text, &one.value)));
        self.spread(value, indent, beside, 1 + opens)
    }
}

/// How many levels of a value are written over several lines.
pub(crate) fn depth(text: &str, node: &Node) -> usize {
    if lead(text, node).is_none() {
        return 0;
    }
    let inner: Vec<&Node> = match &node.kind {
        Kind::Object(properties) => properties.iter().map(|property| &property.value).collect(),
        Kind::List(elements) => elements.iter().collect(),
        _ => Vec::new(),
    };
    1 + inner.into_iter().map(|node| depth(text, node)).max().unwrap_or_default()
}

/// The blanks between a container's bracket and its first member, when a line ends there.
fn lead<'t>(text: &'t str, node: &Node) -> Option<&'t str> {
    let first = members(node).first()?.0;
    Some(&text[node.range.start + 1..first]).filter(|lead| lead.contains('\n'))
}

/// What a container's members are indented by beyond its bracket. A pasted fragment has its first line
/// elsewhere, so the last bracket's line counts.
fn step<'t>(text: &'t str, node: &Node) -> Option<&'t str> {
    let indent = lead(text, node)?.rsplit('\n').next()?;
    let last = line_indent(text, node.range.end - 1);
    let step = indent
        .strip_prefix(last)
        .or_else(|| indent.strip_prefix(line_indent(text, node.range.start)))?;
    (!step.is_empty()).then_some(step)
}

/// The blanks at the beginning of a byte's line.
pub(crate) fn line_indent(text: &str, at: usize) -> &str {
    let begin = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = &text[begin..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Where each member of a container begins and ends.
pub(crate) fn members(node: &Node) -> Vec<(usize, usize)> {
    match &node.kind {
        Kind::Object(properties) => {
            properties.iter().map(|one| (one.name_range.start, one.value.range.end)).collect()
        }
        Kind::List(elements) => {
            elements.iter().map(|one| (one.range.start, one.range.end)).collect()
        }
        Kind::Scalar { .. } | Kind::Null => Vec::new(),
    }
}

fn inline_objects(text: &str, node: &Node, found: &mut impl FnMut(&str)) {
    match &node.kind {
        Kind::Object(properties) => {
            let inside = &text[node.range.start + 1..node.range.end - 1];
            if !inside.contains('\n') {
                found(inside);
            }
            for one in properties {
                inline_objects(text, &one.value, found);
            }
        }
        Kind::List(elements) => {
            for one in elements {
                inline_objects(text, one, found);
            }
        }
        Kind::Scalar { .. } | Kind::Null => {}
    }
}

fn outside_strings(text: &str) -> impl Iterator<Item = char> + '_ {
    let (mut inside, mut escaped) = (false, false);
    text.chars().filter(move |&character| {
        let was = inside;
        if inside {
            if escaped {
                escaped = false;
            } else if character == '\\' {
                escaped = true;
            } else if character == '"' {
                inside = false;
            }
        } else if character == '"' {
            inside = true;
        }
        !was && !inside
    })
}

/// A text as JSON writes it.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
