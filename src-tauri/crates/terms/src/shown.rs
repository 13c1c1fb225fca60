//! [`Shown`]: text that is safe to show on a terminal, on the page, in a log or in an error.
//!
//! Names, paths, policies, events and answers of servers can hold characters that move the cursor, reverse
//! the direction of a line, are invisible, or end a quoted value early. [`Shown`] is only made by functions
//! that escape those characters:
//!
//! - [`say!`](crate::say) formats a sentence. The literal is ours and is not changed; every argument is
//!   cleaned, and a back-tick in an argument is escaped, so that a value between back-ticks cannot end
//!   there. In the text of a library's error a back-tick becomes an apostrophe, because it quotes a name.
//! - [`Shown::clean`] takes one value, such as a table's cell.
//! - [`Shown::lines`] takes text of several lines, such as a diff.
//! - [`Shown::json`] writes a document. In JSON the characters are escaped as `\uXXXX`, so that a parser
//!   returns the original value.
//!
//! ```
//! use headgate_terms::{Shown, say};
//!
//! let name = "x` is fine\u{202e}";
//! assert_eq!(say!("File `{}` cannot be read.", name).as_str(), r"File `x\u{60} is fine\u{202e}` cannot be read.");
//! assert_eq!(Shown::clean("\u{1b}[2J").as_str(), r"\u{1b}[2J");
//! ```
//!
//! Whether a character is allowed in a policy or a table name is decided elsewhere. A backslash in the
//! original is not doubled: the text is for reading, not for parsing.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::de::Deserializer;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Text without a character that could act on whoever shows it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, TS)]
#[ts(as = "String")]
pub struct Shown(Box<str>);

impl Shown {
    /// A single value: line ends and tabs are made visible too.
    #[must_use]
    pub fn clean(text: &str) -> Self {
        Self::escaped(text, acts)
    }

    /// A text of several lines: its line ends stay, and tabs become four spaces.
    #[must_use]
    pub fn lines(text: &str) -> Self {
        let spaced = text.replace("\r\n", "\n").replace('\t', "    ");
        Self::escaped(&spaced, |c| c != '\n' && acts(c))
    }

    /// A JSON document on one line.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn json(document: &impl Serialize) -> serde_json::Result<Self> {
        let text = serde_json::to_string(document)?;
        if !text.contains(acts) {
            return Ok(Self(text.into()));
        }
        let mut out = String::with_capacity(text.len() + 64);
        for c in text.chars() {
            if matches!(c, '\n' | '\r' | '\t') {
                // Between values: inside a string none of these stands as it is.
                out.push(' ');
            } else if acts(c) {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            } else {
                out.push(c);
            }
        }
        Ok(Self(out.into()))
    }

    /// A sentence whose arguments are [`Cleaned`]; for [`say!`](crate::say) alone.
    #[doc(hidden)]
    #[must_use]
    pub fn said((): (), text: fmt::Arguments<'_>) -> Self {
        Self(text.to_string().into())
    }

    /// Several texts with another between them.
    #[must_use]
    pub fn join<'s>(parts: impl IntoIterator<Item = &'s Self>, between: &'static str) -> Self {
        let mut out = String::new();
        for (at, part) in parts.into_iter().enumerate() {
            if at > 0 {
                out.push_str(between);
            }
            out.push_str(&part.0);
        }
        Self(out.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn escaped(text: &str, hostile: impl Fn(char) -> bool + Copy) -> Self {
        if !text.contains(hostile) {
            return Self(text.into());
        }
        let mut out = String::with_capacity(text.len() + 16);
        for c in text.chars() {
            if hostile(c) { escape(c, &mut out) } else { out.push(c) }
        }
        Self(out.into())
    }
}

fn escape(c: char, out: &mut String) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ => out.extend(c.escape_unicode()),
    }
}

/// Whether a character acts on what shows it, or is invisible: the controls of C0 and C1, format
/// characters (bidi, zero width, tags), line and paragraph separators, and fillers. The two selectors
/// between text and emoji stay, for they are part of ordinary names.
#[must_use]
pub fn acts(c: char) -> bool {
    // Most text ends here.
    if (' '..='~').contains(&c) {
        return false;
    }
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A count with its thousands apart, such as `1,234,567`.
#[must_use]
pub fn grouped(count: u64) -> Shown {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    Shown::clean(&text)
}

/// A text as one word of a POSIX shell, whatever is in it. Ours, because it is one replacement; shlex fails on a
/// text with a NUL and chooses between several kinds of quotes.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl std::ops::Deref for Shown {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Shown {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Shown {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for Shown {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

/// A literal of ours.
impl From<&'static str> for Shown {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

/// Stored text may have been changed since, so it is cleaned again.
impl<'de> Deserialize<'de> for Shown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::clean(&text))
    }
}

/// What [`say!`](crate::say) takes as an argument: text is cleaned, numbers and [`Shown`] stay as they are.
pub trait Say {
    /// Writes the value as part of a sentence.
    ///
    /// # Errors
    /// When the formatter fails.
    fn say(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl Say for str {
    fn say(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&Shown::escaped(self, |c| c == '`' || acts(c)).0)
    }
}

impl Say for Shown {
    fn say(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<T: Say + ?Sized> Say for &T {
    fn say(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).say(f)
    }
}

impl<T: Say + ?Sized> Say for Box<T> {
    fn say(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).say(f)
    }
}

impl<T: Say + ToOwned + ?Sized> Say for Cow<'_, T> {
    fn say(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).say(f)
    }
}

macro_rules! by_text {
    ($($kind:ty: $text:expr;)+) => {$(
        impl Say for $kind {
            fn say(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text: fn(&$kind) -> String = $text;
                text(self).as_str().say(f)
            }
        }
    )+};
}

/// What a library says of an error. Its back-ticks are quotes around a name, so apostrophes take their place.
fn quoted(error: &impl std::error::Error) -> String {
    error.to_string().replace('`', "'")
}

by_text! {
    Path: |path| path.display().to_string();
    PathBuf: |path| path.display().to_string();
    std::io::Error: |error| quoted(error);
    serde_json::Error: |error| quoted(error);
    std::str::Utf8Error: |error| quoted(error);
    std::num::ParseIntError: |error| quoted(error);
    char: |c| c.to_string();
    crate::Arn: |arn| arn.to_string();
    crate::TableName: |name| name.to_string();
}

impl Say for String {
    fn say(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().say(f)
    }
}

macro_rules! as_they_are {
    ($($kind:ty),+) => {$(
        impl Say for $kind {
            fn say(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )+};
}

as_they_are!(u8, u16, u32, u64, u128, usize, i32, i64, isize, f64, bool, crate::ColumnType);

/// An argument of a sentence.
#[doc(hidden)]
pub struct Cleaned<'a, T: ?Sized>(pub &'a T);

impl<T: Say + ?Sized> fmt::Display for Cleaned<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.say(f)
    }
}

/// Whether every place of a format string takes an argument from the list: one that names a
/// variable would take it as it is, past the cleaning.
#[doc(hidden)]
#[must_use]
pub const fn takes_arguments_only(format: &str) -> bool {
    let bytes = format.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'{' {
            at += 1;
            match bytes[at] {
                b'{' | b'}' | b':' => {}
                _ => return false,
            }
        }
        at += 1;
    }
    true
}

/// A sentence for a user, as [`Shown`]: `say!("`{}` is not a role ARN.", name)`.
///
/// The format string takes its values from the arguments; one that names a variable inside the
/// braces does not compile. Each argument is cleaned, and its back-ticks are escaped.
#[macro_export]
macro_rules! say {
    ($format:literal $(, $argument:expr)* $(,)?) => {
        $crate::Shown::said(
            const {
                assert!(
                    $crate::takes_arguments_only($format),
                    "name each value after the text, not inside it"
                );
            },
            ::std::format_args!($format $(, $crate::Cleaned(&$argument))*),
        )
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_thousands_separators() {
        let shown = [0, 7, 999, 1_000, 65_536, 1_234_567].map(|count| grouped(count).to_string());
        assert_eq!(shown, ["0", "7", "999", "1,000", "65,536", "1,234,567"]);
    }

    /// One of each kind that acts, with a back-tick and letters that must stay.
    const ALL: &str = "a`\u{1b}[2J\r\n\t\u{7f}\u{9b}\u{ad}\u{61c}\u{200b}\u{200d}\u{202e}\u{2028}\u{2066}\u{feff}\u{e0041}é世\u{1f600}";

    #[test]
    fn say_escapes_control_characters_and_back_ticks() {
        let shown = say!("`{}`", ALL);
        assert_eq!(shown.matches('`').count(), 2, "{shown}");
        assert!(!shown.contains(acts), "{shown}");
        assert!(shown.contains("é世😀"), "{shown}");
        assert_eq!(say!("{:>3}|{:<3}|", 7, "x"), "  7|x  |");
        assert_eq!(say!("{{}} {}", say!("`{}`", "a`")), r"{} `a\u{60}`");
    }

    #[test]
    fn back_ticks_of_library_errors_become_apostrophes() {
        #[derive(Debug, Deserialize)]
        struct Versioned {
            #[allow(dead_code, reason = "read for its error")]
            v: u8,
        }
        let lacks = serde_json::from_str::<Versioned>("{}").unwrap_err();
        assert_eq!(say!("`{}`", lacks), "`missing field 'v' at line 1 column 2`");
        let wrong = serde_json::from_str::<Versioned>(r#"{"v":"a` is fine\u202e"}"#).unwrap_err();
        let said = say!("`{}`", wrong);
        assert_eq!(said.matches('`').count(), 2, "{said}");
        assert!(said.contains("a' is fine\\u{202e}"), "{said}");
        let file = std::io::Error::other("no `x`\u{1b}[2J");
        assert_eq!(say!("{}", file), r"no 'x'\u{1b}[2J");
        assert_eq!(say!("{}", "no `x`"), r"no \u{60}x\u{60}");
    }

    #[test]
    fn clean_keeps_back_ticks() {
        assert_eq!(Shown::clean("a`b\nc"), r"a`b\nc");
        assert_eq!(Shown::lines("a\tb\r\n\u{202e}c"), "a    b\n\\u{202e}c");
    }

    #[test]
    fn json_escapes_control_characters() {
        let text = Shown::json(&ALL).unwrap();
        assert!(!text.contains(acts), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), ALL);
    }

    #[test]
    fn a_part_that_is_passed_on_as_it_came_stays_json_on_one_line() {
        let raw = "[1,\t\"\u{9b}\",\r\n 2]".to_owned();
        let raw = serde_json::value::RawValue::from_string(raw).unwrap();
        assert_eq!(Shown::json(&raw).unwrap(), r#"[1, "\u009b",   2]"#);
    }

    #[test]
    fn deserialised_text_is_cleaned_again() {
        let kept: Shown = serde_json::from_str(r#""`a` \u001b[2J""#).unwrap();
        assert_eq!(kept, r"`a` \u{1b}[2J");
    }

    #[test]
    fn a_format_that_names_a_variable_is_refused() {
        assert!(takes_arguments_only("a {} {{x}} {:>3}"));
        assert!(!takes_arguments_only("a {name}"));
        assert!(!takes_arguments_only("{0}"));
    }
}
