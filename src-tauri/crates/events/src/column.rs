//! One column of one batch: values are pushed row by row and coerced as they come (E11 to E15, D17).
//!
//! `ColumnBuilder` is a column while its batch is read, `FinishedColumn` its Arrow arrays afterwards. A
//! column that the table has, or whose type was chosen (E29), takes a value or refuses it. Another new column
//! takes every value and gets its type when the batch ends. Nulls are not stored, so a sparse column costs
//! only the values that it has.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    UInt32Array,
};
use arrow_buffer::{Buffer, OffsetBuffer};
use arrow_schema::ArrowError;
use arrow_select::take::take;
use headgate_terms::ColumnType;

use crate::json::{Json, write_scalar};
use crate::mixture::{Mixture, OfType};
use crate::timestamp;

/// A value on its way into a column.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    /// A number, boolean or string as sent.
    Sent(Json<'a>),
    /// An array as JSON text, which is never a timestamp or a boolean.
    Array(&'a str),
    /// An instant that Headgate computed or has already read.
    Time(i64),
}

/// What became of a pushed value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    Stored,
    /// Stored, but a whole number lost digits in a DOUBLE.
    Lossy,
    /// Not stored: the column cannot hold it.
    Refused,
}

/// The rows that have a value: all from the first on, or those listed.
#[derive(Debug, Clone)]
enum Rows {
    Dense(u32),
    Sparse(Vec<u32>),
}

impl Rows {
    fn push(&mut self, row: u32) {
        match self {
            Self::Dense(count) if *count == row => *count += 1,
            Self::Dense(count) => {
                let mut rows: Vec<u32> = (0..*count).collect();
                rows.push(row);
                *self = Self::Sparse(rows);
            }
            Self::Sparse(rows) => rows.push(row),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Dense(count) => *count as usize,
            Self::Sparse(rows) => rows.len(),
        }
    }

    fn row(&self, entry: usize) -> u32 {
        match self {
            Self::Dense(_) => entry as u32,
            Self::Sparse(rows) => rows[entry],
        }
    }

    fn truncate(&mut self, entries: usize) {
        match self {
            Self::Dense(count) => *count = (*count).min(entries as u32),
            Self::Sparse(rows) => rows.truncate(entries),
        }
    }

    /// The first entry at or after a row.
    fn entry_at(&self, row: u32) -> usize {
        match self {
            Self::Dense(count) => row.min(*count) as usize,
            Self::Sparse(rows) => rows.partition_point(|&r| r < row),
        }
    }
}

/// Text values end to end. A batch may hold more of them than one Arrow array, so that these offsets
/// are wide.
#[derive(Debug, Clone)]
struct Texts {
    offsets: Vec<usize>,
    bytes: Vec<u8>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { offsets: vec![0], bytes: Vec::new() }
    }
}

impl Texts {
    fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.offsets.push(self.bytes.len());
    }

    /// The texts in their order.
    fn iter(&self) -> impl Iterator<Item = &str> {
        let spans = self.offsets.windows(2).map(|span| &self.bytes[span[0]..span[1]]);
        spans.map(|text| std::str::from_utf8(text).unwrap_or_default())
    }

    fn truncate(&mut self, entries: usize) {
        self.offsets.truncate(entries + 1);
        self.bytes.truncate(self.offsets.last().copied().unwrap_or_default());
    }
}

/// One value of a new column whose values are of several types so far.
#[derive(Debug, Clone)]
enum Loose {
    Int(i64),
    Double(f64),
    Bool(bool),
    Text(Box<str>),
}

impl Loose {
    fn is_number(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Double(_))
    }
}

#[derive(Debug, Clone)]
enum Data {
    Ints(Vec<i64>),
    Doubles(Vec<f64>),
    Bools(Vec<bool>),
    Times(Vec<i64>),
    Texts(Texts),
    /// New column, only timestamps so far: as instants and as sent, in case text follows.
    MaybeTimes(Vec<i64>, Texts),
    /// New column of several types; the flag says that all are numbers.
    Mixed(Vec<Loose>, bool),
}

/// A column while its batch is read.
#[derive(Debug, Clone)]
pub(crate) struct ColumnBuilder {
    pub(crate) name: String,
    /// The type that the table has or that was chosen; `None` while a new column is still open to any.
    frozen: Option<ColumnType>,
    rows: Rows,
    data: Option<Data>,
    /// The values by their types, where a preview requests them.
    mixture: Option<Box<Mixture>>,
}

impl ColumnBuilder {
    pub(crate) fn new(name: String, frozen: Option<ColumnType>) -> Self {
        Self { name, frozen, rows: Rows::Dense(0), data: None, mixture: None }
    }

    /// Counts the types of its values from now on.
    pub(crate) fn count_types(&mut self) {
        self.mixture = Some(Box::default());
    }

    /// The values that came so far by their types; empty where they are not counted.
    pub(crate) fn take_types(&mut self) -> Vec<OfType> {
        self.mixture.take().map(|mixture| mixture.into_types()).unwrap_or_default()
    }

    pub(crate) fn filled(&self) -> usize {
        self.rows.len()
    }

    /// Whether the table has it as a TIMESTAMP.
    pub(crate) fn has_times(&self) -> bool {
        self.frozen == Some(ColumnType::Timestamp)
    }

    /// Puts a value, never null, into a row after all rows so far.
    pub(crate) fn push(&mut self, row: u32, value: Value<'_>, text: &mut String) -> Pushed {
        if let Some(mixture) = &mut self.mixture {
            mixture.add(row, value);
        }
        let pushed = match self.frozen {
            Some(kind) => self.coerce(kind, value, text),
            None => self.take(value, text),
        };
        crate::shredder::midway();
        if pushed != Pushed::Refused {
            self.rows.push(row);
        }
        pushed
    }

    /// Forgets the rows from one on, as if they had never been pushed, whatever state a push that did
    /// not end has left.
    pub(crate) fn truncate(&mut self, row: u32) {
        if let Some(mixture) = &mut self.mixture {
            mixture.forget(row);
        }
        let entries = self.rows.entry_at(row);
        self.rows.truncate(entries);
        let is_open = self.frozen.is_none();
        self.data = match self.data.take() {
            _ if entries == 0 => None,
            Some(Data::Ints(mut ints)) => {
                ints.truncate(entries);
                Some(Data::Ints(ints))
            }
            Some(Data::Doubles(mut doubles)) => {
                doubles.truncate(entries);
                Some(Data::Doubles(doubles))
            }
            Some(Data::Bools(mut bools)) => {
                bools.truncate(entries);
                Some(Data::Bools(bools))
            }
            Some(Data::Times(mut times)) => {
                times.truncate(entries);
                Some(Data::Times(times))
            }
            Some(Data::MaybeTimes(mut times, mut texts)) => {
                times.truncate(entries);
                texts.truncate(entries);
                Some(Data::MaybeTimes(times, texts))
            }
            Some(Data::Texts(mut texts)) => {
                texts.truncate(entries);
                let times = texts.iter().map(timestamp::parse);
                match is_open.then(|| times.collect::<Option<Vec<_>>>()).flatten() {
                    Some(times) => Some(Data::MaybeTimes(times, texts)),
                    None => Some(Data::Texts(texts)),
                }
            }
            Some(Data::Mixed(mut loose, _)) => {
                loose.truncate(entries);
                Some(sorted(loose))
            }
            None => None,
        };
    }

    fn coerce(&mut self, kind: ColumnType, value: Value<'_>, text: &mut String) -> Pushed {
        let data = self.data.get_or_insert_with(|| empty(kind));
        let mut pushed = Pushed::Stored;
        match data {
            Data::Texts(texts) => match value {
                Value::Sent(Json::Text(sent)) | Value::Array(sent) => texts.push(sent),
                Value::Sent(scalar) => {
                    text.clear();
                    write_scalar(scalar, text);
                    texts.push(text);
                }
                Value::Time(micros) => texts.push(&timestamp::format(micros)),
            },
            Data::Ints(ints) => match value {
                Value::Sent(Json::Int(int)) => ints.push(int),
                Value::Sent(Json::Double(double)) => match whole(double) {
                    Some(int) => ints.push(int),
                    None => return Pushed::Refused,
                },
                _ => return Pushed::Refused,
            },
            Data::Doubles(doubles) => {
                let (double, exact) = match value {
                    Value::Sent(Json::Double(double)) => (double, true),
                    Value::Sent(Json::Int(int)) => {
                        (int as f64, int as f64 as i128 == i128::from(int))
                    }
                    Value::Sent(Json::Unsigned(int)) => (int as f64, false),
                    Value::Sent(Json::Digits(digits)) => match digits.parse::<f64>() {
                        Ok(double) if double.is_finite() => (double, false),
                        _ => return Pushed::Refused,
                    },
                    _ => return Pushed::Refused,
                };
                doubles.push(double);
                if !exact {
                    pushed = Pushed::Lossy;
                }
            }
            Data::Bools(bools) => match value {
                Value::Sent(Json::Bool(bool)) => bools.push(bool),
                Value::Sent(Json::Text(text)) if text.eq_ignore_ascii_case("true") => {
                    bools.push(true);
                }
                Value::Sent(Json::Text(text)) if text.eq_ignore_ascii_case("false") => {
                    bools.push(false);
                }
                _ => return Pushed::Refused,
            },
            Data::Times(times) => match value {
                Value::Time(micros) => times.push(micros),
                Value::Sent(Json::Text(text)) => match timestamp::parse_or_date(text) {
                    Some(micros) => times.push(micros),
                    None => return Pushed::Refused,
                },
                _ => return Pushed::Refused,
            },
            Data::MaybeTimes(..) | Data::Mixed(..) => return Pushed::Refused,
        }
        pushed
    }

    /// Takes any value into a column that has no type yet.
    fn take(&mut self, value: Value<'_>, text: &mut String) -> Pushed {
        let Some(data) = &mut self.data else {
            self.data = Some(first(value));
            return Pushed::Stored;
        };
        match (&mut *data, value) {
            (Data::Ints(ints), Value::Sent(Json::Int(int))) => ints.push(int),
            (Data::Doubles(doubles), Value::Sent(Json::Double(double))) => doubles.push(double),
            (Data::Bools(bools), Value::Sent(Json::Bool(bool))) => bools.push(bool),
            (Data::MaybeTimes(times, texts), Value::Sent(Json::Text(sent))) => {
                texts.push(sent);
                match timestamp::parse(sent) {
                    Some(micros) => times.push(micros),
                    None => *data = Data::Texts(std::mem::take(texts)),
                }
            }
            (Data::Texts(texts), Value::Sent(Json::Text(sent)) | Value::Array(sent)) => {
                texts.push(sent);
            }
            // Once text is among the values, the column is text whatever else comes.
            (Data::Texts(texts), Value::Sent(scalar)) => {
                text.clear();
                write_scalar(scalar, text);
                texts.push(text);
            }
            (Data::MaybeTimes(_, texts), Value::Sent(_) | Value::Array(_)) => {
                *data = Data::Texts(std::mem::take(texts));
                return self.take(value, text);
            }
            (Data::Mixed(loose, numbers), value) => {
                let value = loosen(value, text);
                *numbers &= value.is_number();
                loose.push(value);
            }
            (Data::Ints(_) | Data::Doubles(_) | Data::Bools(_), value) => {
                let (mut loose, mut numbers): (Vec<Loose>, bool) = match data {
                    Data::Ints(ints) => (ints.iter().map(|&int| Loose::Int(int)).collect(), true),
                    Data::Doubles(doubles) => {
                        (doubles.iter().map(|&double| Loose::Double(double)).collect(), true)
                    }
                    Data::Bools(bools) => (bools.iter().copied().map(Loose::Bool).collect(), false),
                    _ => (Vec::new(), true),
                };
                let value = loosen(value, text);
                numbers &= value.is_number();
                loose.push(value);
                *data = Data::Mixed(loose, numbers);
            }
            (data, Value::Time(micros)) => {
                debug_assert!(false, "only fixed columns take instants, and they have a type");
                if let Data::Times(times) = data {
                    times.push(micros);
                } else {
                    return Pushed::Refused;
                }
            }
            (Data::Times(_), _) => return Pushed::Refused,
        }
        Pushed::Stored
    }

    /// The finished column, and whether a whole number lost digits on the way. `None` when it has a
    /// type from nowhere: new, and without a value.
    pub(crate) fn finish(self) -> Option<(FinishedColumn, u64)> {
        let mut lossy = 0;
        let data = match (self.data, self.frozen) {
            (None, None) => return None,
            (None, Some(kind)) => empty(kind),
            (Some(Data::MaybeTimes(times, _)), _) => Data::Times(times),
            (Some(Data::Mixed(loose, true)), _) => Data::Doubles(
                loose
                    .into_iter()
                    .map(|value| match value {
                        Loose::Int(int) => {
                            lossy += u64::from(int as f64 as i128 != i128::from(int));
                            int as f64
                        }
                        Loose::Double(double) => double,
                        Loose::Bool(_) | Loose::Text(_) => 0.0,
                    })
                    .collect(),
            ),
            (Some(Data::Mixed(loose, false)), _) => {
                let mut texts = Texts::default();
                let mut text = String::new();
                for value in loose {
                    text.clear();
                    match value {
                        Loose::Int(int) => write_scalar(Json::Int(int), &mut text),
                        Loose::Double(double) => write_scalar(Json::Double(double), &mut text),
                        Loose::Bool(bool) => write_scalar(Json::Bool(bool), &mut text),
                        Loose::Text(sent) => text.push_str(&sent),
                    }
                    texts.push(&text);
                }
                Data::Texts(texts)
            }
            (Some(data), _) => data,
        };
        let (kind, packed) = match data {
            Data::Ints(ints) => {
                (ColumnType::BigInt, Packed::Array(Arc::new(Int64Array::from(ints))))
            }
            Data::Times(times) => {
                let times = TimestampMicrosecondArray::from(times).with_timezone("UTC");
                (ColumnType::Timestamp, Packed::Array(Arc::new(times)))
            }
            Data::Doubles(doubles) => {
                (ColumnType::Double, Packed::Array(Arc::new(Float64Array::from(doubles))))
            }
            Data::Bools(bools) => {
                (ColumnType::Boolean, Packed::Array(Arc::new(BooleanArray::from(bools))))
            }
            Data::Texts(texts) => {
                (ColumnType::String, Packed::Texts(texts.offsets, Buffer::from_vec(texts.bytes)))
            }
            Data::MaybeTimes(..) | Data::Mixed(..) => return None,
        };
        Some((FinishedColumn { kind, rows: self.rows, packed }, lossy))
    }
}

/// Values of several types, or of one after all.
fn sorted(loose: Vec<Loose>) -> Data {
    let only = |of: fn(&Loose) -> bool| loose.iter().all(of);
    if only(|value| matches!(value, Loose::Int(_))) {
        let int = |value| if let Loose::Int(int) = value { Some(int) } else { None };
        Data::Ints(loose.into_iter().filter_map(int).collect())
    } else if only(|value| matches!(value, Loose::Double(_))) {
        let double = |value| if let Loose::Double(double) = value { Some(double) } else { None };
        Data::Doubles(loose.into_iter().filter_map(double).collect())
    } else if only(|value| matches!(value, Loose::Bool(_))) {
        let bool = |value| if let Loose::Bool(bool) = value { Some(bool) } else { None };
        Data::Bools(loose.into_iter().filter_map(bool).collect())
    } else {
        let numbers = only(Loose::is_number);
        Data::Mixed(loose, numbers)
    }
}

/// The number that a double is, when it is a whole one that 64 bits hold.
fn whole(double: f64) -> Option<i64> {
    // 2^63 itself is a double, and no signed 64-bit integer.
    (double.fract() == 0.0
        && (-9.223_372_036_854_776e18..9.223_372_036_854_776e18).contains(&double))
    .then_some(double as i64)
}

fn empty(kind: ColumnType) -> Data {
    match kind {
        ColumnType::BigInt => Data::Ints(Vec::new()),
        ColumnType::Double => Data::Doubles(Vec::new()),
        ColumnType::Boolean => Data::Bools(Vec::new()),
        ColumnType::String => Data::Texts(Texts::default()),
        ColumnType::Timestamp => Data::Times(Vec::new()),
    }
}

fn first(value: Value<'_>) -> Data {
    let mut texts = Texts::default();
    match value {
        Value::Sent(Json::Int(int)) => Data::Ints(vec![int]),
        Value::Sent(Json::Double(double)) => Data::Doubles(vec![double]),
        Value::Sent(Json::Bool(bool)) => Data::Bools(vec![bool]),
        Value::Sent(Json::Text(sent)) => {
            texts.push(sent);
            match timestamp::parse(sent) {
                Some(micros) => Data::MaybeTimes(vec![micros], texts),
                None => Data::Texts(texts),
            }
        }
        Value::Sent(scalar) => {
            let mut text = String::new();
            write_scalar(scalar, &mut text);
            texts.push(&text);
            Data::Texts(texts)
        }
        Value::Array(sent) => {
            texts.push(sent);
            Data::Texts(texts)
        }
        Value::Time(micros) => Data::Times(vec![micros]),
    }
}

fn loosen(value: Value<'_>, text: &mut String) -> Loose {
    match value {
        Value::Sent(Json::Int(int)) => Loose::Int(int),
        Value::Sent(Json::Double(double)) => Loose::Double(double),
        Value::Sent(Json::Bool(bool)) => Loose::Bool(bool),
        Value::Sent(Json::Text(sent)) | Value::Array(sent) => Loose::Text(sent.into()),
        Value::Sent(scalar) => {
            text.clear();
            write_scalar(scalar, text);
            Loose::Text(text.as_str().into())
        }
        Value::Time(micros) => Loose::Text(timestamp::format(micros).into()),
    }
}

/// Values alone, without the nulls between them.
#[derive(Debug, Clone)]
enum Packed {
    Array(ArrayRef),
    Texts(Vec<usize>, Buffer),
}

/// A column whose batch has ended.
#[derive(Debug, Clone)]
pub(crate) struct FinishedColumn {
    pub(crate) kind: ColumnType,
    rows: Rows,
    packed: Packed,
}

impl FinishedColumn {
    /// How many bytes of text rows `from..to` have: an Arrow array holds less than 2 GiB.
    pub(crate) fn text_bytes(&self, from: u32, to: u32) -> usize {
        match &self.packed {
            Packed::Array(_) => 0,
            Packed::Texts(offsets, _) => {
                offsets[self.rows.entry_at(to)] - offsets[self.rows.entry_at(from)]
            }
        }
    }

    /// Rows `from..to` as an Arrow array, with nulls where there is no value.
    pub(crate) fn array(&self, from: u32, to: u32) -> Result<ArrayRef, ArrowError> {
        let (first, last) = (self.rows.entry_at(from), self.rows.entry_at(to));
        let count = (to - from) as usize;
        match &self.packed {
            Packed::Array(packed) if last - first == count => Ok(packed.slice(first, count)),
            Packed::Array(packed) => {
                let mut places: Vec<Option<u32>> = vec![None; count];
                for entry in first..last {
                    places[(self.rows.row(entry) - from) as usize] = Some(entry as u32);
                }
                take(packed, &UInt32Array::from(places), None)
            }
            Packed::Texts(offsets, bytes) => {
                let (begin, end) = (offsets[first], offsets[last]);
                if i32::try_from(end - begin).is_err() {
                    return Err(ArrowError::OffsetOverflowError(end - begin));
                }
                let narrow = |offset: usize| (offset - begin) as i32;
                let bytes = bytes.slice_with_length(begin, end - begin);
                if last - first == count {
                    let offsets: Vec<i32> =
                        offsets[first..=last].iter().map(|&offset| narrow(offset)).collect();
                    let offsets = OffsetBuffer::new(offsets.into());
                    return Ok(Arc::new(StringArray::try_new(offsets, bytes, None)?));
                }
                let mut valid = vec![false; count];
                let mut spread = Vec::with_capacity(count + 1);
                spread.push(0);
                for entry in first..last {
                    let row = (self.rows.row(entry) - from) as usize;
                    valid[row] = true;
                    // Those between it and the one before are null, and empty.
                    spread.resize(row + 1, narrow(offsets[entry]));
                    spread.push(narrow(offsets[entry + 1]));
                }
                spread.resize(count + 1, narrow(end));
                let offsets = OffsetBuffer::new(spread.into());
                Ok(Arc::new(StringArray::try_new(offsets, bytes, Some(valid.into()))?))
            }
        }
    }
}
