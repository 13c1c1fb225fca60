//! The condition operators: [`Operator`] is a name such as `ForAnyValue:StringLikeIfExists` in its parts, the
//! comparison, its negation, prefix and suffix.
//!
//! `condition` compares the values.

use std::fmt;

/// An operator as IAM reads it, without regard to its capitals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operator {
    /// What is done with a key of several values.
    pub set: Option<SetPrefix>,
    /// The comparison.
    pub test: Test,
    /// Whether it holds when the key is absent.
    pub if_exists: bool,
}

/// Prefixes for keys of several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetPrefix {
    /// One value must fit; never holds without the key.
    ForAnyValue,
    /// Each value must fit; always holds without the key.
    ForAllValues,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Test {
    /// Whether the key is absent.
    Null,
    /// A comparison of values, or its opposite.
    Compare {
        /// How.
        how: How,
        /// Whether no value may fit.
        negated: bool,
    },
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// Exactly; `*` is a star.
    StringEquals,
    /// Without regard to case.
    StringEqualsIgnoreCase,
    /// As a pattern over the whole text.
    StringLike,
    /// As a pattern over each of an ARN's six parts.
    Arn,
    /// As numbers.
    Numeric(Order),
    /// As instants.
    Date(Order),
    /// `true` or `false`.
    Bool,
    /// As base64.
    Binary,
    /// As an address in a range.
    Ip,
}

/// Which order of the request's value and the policy's fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is its own name")]
pub enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

const COMPARISONS: &[(&str, How, bool)] = {
    use How::{
        Arn, Binary, Bool, Date, Ip, Numeric, StringEquals, StringEqualsIgnoreCase, StringLike,
    };
    use Order::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    &[
        ("StringEquals", StringEquals, false),
        ("StringNotEquals", StringEquals, true),
        ("StringEqualsIgnoreCase", StringEqualsIgnoreCase, false),
        ("StringNotEqualsIgnoreCase", StringEqualsIgnoreCase, true),
        ("StringLike", StringLike, false),
        ("StringNotLike", StringLike, true),
        ("NumericEquals", Numeric(Equal), false),
        ("NumericNotEquals", Numeric(Equal), true),
        ("NumericLessThan", Numeric(Less), false),
        ("NumericLessThanEquals", Numeric(LessOrEqual), false),
        ("NumericGreaterThan", Numeric(Greater), false),
        ("NumericGreaterThanEquals", Numeric(GreaterOrEqual), false),
        ("DateEquals", Date(Equal), false),
        ("DateNotEquals", Date(Equal), true),
        ("DateLessThan", Date(Less), false),
        ("DateLessThanEquals", Date(LessOrEqual), false),
        ("DateGreaterThan", Date(Greater), false),
        ("DateGreaterThanEquals", Date(GreaterOrEqual), false),
        ("Bool", Bool, false),
        ("BinaryEquals", Binary, false),
        ("IpAddress", Ip, false),
        ("NotIpAddress", Ip, true),
        ("ArnEquals", Arn, false),
        ("ArnNotEquals", Arn, true),
        ("ArnLike", Arn, false),
        ("ArnNotLike", Arn, true),
    ]
};

impl Operator {
    /// Reads an operator's name; `None` when IAM knows no such operator.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (set, name) = match text.split_once(':') {
            Some((prefix, name)) if prefix.eq_ignore_ascii_case("ForAnyValue") => {
                (Some(SetPrefix::ForAnyValue), name)
            }
            Some((prefix, name)) if prefix.eq_ignore_ascii_case("ForAllValues") => {
                (Some(SetPrefix::ForAllValues), name)
            }
            Some(_) => return None,
            None => (None, text),
        };
        if name.eq_ignore_ascii_case("Null") {
            return Some(Self { set, test: Test::Null, if_exists: false });
        }
        let suffix = name.len().checked_sub("IfExists".len());
        let (name, if_exists) = match suffix.and_then(|at| name.split_at_checked(at)) {
            Some((name, suffix)) if suffix.eq_ignore_ascii_case("IfExists") => (name, true),
            _ => (name, false),
        };
        COMPARISONS
            .iter()
            .find(|(known, ..)| known.eq_ignore_ascii_case(name))
            .map(|&(_, how, negated)| Self { set, test: Test::Compare { how, negated }, if_exists })
    }

    /// Whether no value may fit.
    #[must_use]
    pub fn negated(self) -> bool {
        matches!(self.test, Test::Compare { negated: true, .. })
    }

    /// Whether `${…}` counts in its values.
    #[must_use]
    pub fn takes_variables(self) -> bool {
        use How::{Arn, Bool, StringEquals, StringEqualsIgnoreCase, StringLike};
        matches!(
            self.test,
            Test::Compare {
                how: StringEquals | StringEqualsIgnoreCase | StringLike | Arn | Bool,
                ..
            }
        )
    }

    /// Whether it holds for a request without the key.
    #[must_use]
    pub fn passes_when_absent(self, values: &[impl AsRef<str>]) -> bool {
        match (self.set, self.test) {
            (_, Test::Null) => values.iter().any(|v| v.as_ref().eq_ignore_ascii_case("true")),
            (Some(SetPrefix::ForAllValues), _) => true,
            (Some(SetPrefix::ForAnyValue), _) => false,
            (None, Test::Compare { negated, .. }) => negated || self.if_exists,
        }
    }
}

impl headgate_terms::Say for Operator {
    fn say(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.set {
            Some(SetPrefix::ForAnyValue) => f.write_str("ForAnyValue:")?,
            Some(SetPrefix::ForAllValues) => f.write_str("ForAllValues:")?,
            None => {}
        }
        match self.test {
            Test::Null => f.write_str("Null")?,
            Test::Compare { how, negated } => {
                let known = COMPARISONS.iter().find(|one| one.1 == how && one.2 == negated);
                f.write_str(known.map_or("", |one| one.0))?;
            }
        }
        if self.if_exists { f.write_str("IfExists") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_without_regard_to_case() {
        for (text, read) in [
            ("StringEquals", "StringEquals"),
            ("foranyvalue:stringlikeIFEXISTS", "ForAnyValue:StringLikeIfExists"),
            ("ForAllValues:StringNotEquals", "ForAllValues:StringNotEquals"),
            ("Null", "Null"),
            ("notipaddress", "NotIpAddress"),
        ] {
            assert_eq!(Operator::parse(text).map(|one| one.to_string()).as_deref(), Some(read));
        }
        for text in ["", "NullIfExists", "StringEqual", "ForSome:StringEquals", "IfExists", "ÄÖÜ"]
        {
            assert_eq!(Operator::parse(text), None, "{text}");
        }
    }
}
