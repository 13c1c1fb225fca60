//! How many values of each type came to a column, with one example of each, so that a preview can report a
//! column that mixes types.
//!
//! Values are counted as they were sent. The type that the column gets is decided in `column`.

use headgate_terms::ColumnType;

use crate::column::Value;
use crate::json::{Json, write_scalar};
use crate::timestamp;

/// The values of one type that came to a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfType {
    /// The type that a column of these values alone would have (E11, E12).
    pub kind: ColumnType,
    /// How many came.
    pub count: u64,
    /// The first of them as text, cut to 120 bytes.
    pub example: String,
}

/// The longest example, in bytes without the mark of its end.
const LONGEST: usize = 120;

/// The values of a column by their types, in the order in which the types came: five at most.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mixture {
    types: Vec<OfType>,
    /// The row and the type of the last value, should its line be taken back.
    last: Option<(u32, ColumnType)>,
}

impl Mixture {
    pub(crate) fn add(&mut self, row: u32, value: Value<'_>) {
        let kind = type_of(value);
        self.last = Some((row, kind));
        match self.types.iter_mut().find(|known| known.kind == kind) {
            Some(known) => known.count += 1,
            None => self.types.push(OfType { kind, count: 1, example: example(value) }),
        }
    }

    /// Forgets the value of a row, if the last one was its.
    pub(crate) fn forget(&mut self, row: u32) {
        let Some((_, kind)) = self.last.take_if(|(last, _)| *last >= row) else { return };
        if let Some(known) = self.types.iter_mut().find(|known| known.kind == kind) {
            known.count -= 1;
        }
        self.types.retain(|known| known.count > 0);
    }

    pub(crate) fn into_types(self) -> Vec<OfType> {
        self.types
    }
}

/// The type that a column has when all its values are like this one.
fn type_of(value: Value<'_>) -> ColumnType {
    match value {
        Value::Sent(Json::Int(_)) => ColumnType::BigInt,
        Value::Sent(Json::Double(_)) => ColumnType::Double,
        Value::Sent(Json::Bool(_)) => ColumnType::Boolean,
        Value::Sent(Json::Text(text)) if timestamp::parse(text).is_some() => ColumnType::Timestamp,
        Value::Time(_) => ColumnType::Timestamp,
        Value::Sent(_) | Value::Array(_) => ColumnType::String,
    }
}

fn example(value: Value<'_>) -> String {
    let mut text = String::new();
    match value {
        Value::Sent(Json::Text(sent)) | Value::Array(sent) => {
            text.push_str(&sent[..sent.floor_char_boundary(LONGEST)]);
            if text.len() < sent.len() {
                text.push('…');
            }
        }
        Value::Sent(scalar) => write_scalar(scalar, &mut text),
        Value::Time(micros) => text = timestamp::format(micros),
    }
    if text.len() > LONGEST + '…'.len_utf8() {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value<'_> {
        Value::Sent(Json::Text(text))
    }

    fn types(mixture: Mixture) -> Vec<(ColumnType, u64, String)> {
        let types = mixture.into_types().into_iter();
        types.map(|of| (of.kind, of.count, of.example)).collect()
    }

    #[test]
    fn each_value_counts_as_the_type_it_was_sent_as() {
        for (value, expected) in [
            (Value::Sent(Json::Int(7)), (ColumnType::BigInt, "7")),
            (Value::Sent(Json::Double(3.0)), (ColumnType::Double, "3")),
            (Value::Sent(Json::Bool(true)), (ColumnType::Boolean, "true")),
            (Value::Sent(Json::Unsigned(u64::MAX)), (ColumnType::String, "18446744073709551615")),
            (text("2026-11-22T10:00:00Z"), (ColumnType::Timestamp, "2026-11-22T10:00:00Z")),
            (text("2026-11-22"), (ColumnType::String, "2026-11-22")),
            (text("7"), (ColumnType::String, "7")),
            (text(""), (ColumnType::String, "")),
            (Value::Array("[1]"), (ColumnType::String, "[1]")),
        ] {
            let mut mixture = Mixture::default();
            mixture.add(0, value);
            let (kind, example) = expected;
            assert_eq!(types(mixture), [(kind, 1, example.to_owned())], "{value:?}");
        }
    }

    #[test]
    fn an_example_is_the_first_of_its_type_and_short() {
        let long = format!("é{}", "é".repeat(100));
        let digits = "9".repeat(1_000);
        let mut mixture = Mixture::default();
        mixture.add(0, text(&long));
        mixture.add(1, Value::Sent(Json::Int(1)));
        mixture.add(2, text("other"));
        let expected = format!("{}…", "é".repeat(60));
        assert_eq!(
            types(mixture),
            [(ColumnType::String, 2, expected), (ColumnType::BigInt, 1, "1".to_owned())]
        );
        let mut mixture = Mixture::default();
        mixture.add(0, Value::Sent(Json::Digits(&digits)));
        assert_eq!(types(mixture), [(ColumnType::String, 1, format!("{}…", "9".repeat(120)))]);
    }

    #[test]
    fn values_of_an_undone_line_are_forgotten() {
        let mut mixture = Mixture::default();
        mixture.add(3, text("a"));
        mixture.forget(4);
        mixture.add(4, text("b"));
        mixture.forget(4);
        mixture.add(4, Value::Sent(Json::Int(1)));
        mixture.forget(4);
        mixture.forget(4);
        assert_eq!(types(mixture), [(ColumnType::String, 1, "a".to_owned())]);
    }
}
