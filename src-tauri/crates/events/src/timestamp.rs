//! Timestamps: which text and numbers count as one (E15), and instants written as text.
//!
//! An instant is microseconds since 1970 in UTC, from year 1 to year 9999. The clock is not read here.

/// 0001-01-01T00:00:00Z.
const FIRST: i64 = -62_135_596_800_000_000;
/// 9999-12-31T23:59:59.999999Z.
const LAST: i64 = 253_402_300_799_999_999;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Whether an instant is within the years that a column can hold.
#[must_use]
pub fn in_range(micros: i64) -> bool {
    (FIRST..=LAST).contains(&micros)
}

/// Reads a date and a time joined by `T` or one space; anything else is text.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    // The shortest form is 2026-11-22T10:00, and most text fails on its first byte.
    if bytes.len() < 16 || !bytes[0].is_ascii_digit() {
        return None;
    }
    let day = date(&bytes[..10])?;
    if !matches!(bytes[10], b'T' | b' ') || bytes[13] != b':' {
        return None;
    }
    let (hour, minute) = (two(bytes, 11)?, two(bytes, 14)?);
    let mut at = 16;
    let (mut second, mut fraction) = (0, 0);
    if bytes.get(at) == Some(&b':') {
        second = two(bytes, at + 1)?;
        at += 3;
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            let digits = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
            if !(1..=9).contains(&digits) {
                return None;
            }
            for place in 0..6 {
                let digit = if place < digits { bytes[at + place] - b'0' } else { 0 };
                fraction = fraction * 10 + i64::from(digit);
            }
            at += digits;
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset = zone(&bytes[at..])?;
    let micros = day * DAY + ((hour * 60 + minute - offset) * 60 + second) * SECOND + fraction;
    in_range(micros).then_some(micros)
}

/// As [`parse`], and a date alone is its midnight: what an existing TIMESTAMP column takes.
#[must_use]
pub fn parse_or_date(text: &str) -> Option<i64> {
    if text.len() == 10 {
        return date(text.as_bytes()).map(|day| day * DAY);
    }
    parse(text)
}

/// 2000-01-01 and 2101-01-01 in seconds: a number of seconds or milliseconds between them says which
/// of the two it is.
const EPOCHS: std::ops::Range<i64> = 946_684_800..4_133_980_800;

/// Reads a whole number as seconds or milliseconds since 1970, in the years 2000 to 2100.
#[must_use]
pub fn of_number(number: i64) -> Option<i64> {
    match number {
        _ if EPOCHS.contains(&number) => Some(number * SECOND),
        _ if EPOCHS.contains(&(number.div_euclid(1000))) => Some(number * 1000),
        _ => None,
    }
}

/// As [`of_number`], for a number with a fraction; what is finer than a microsecond is rounded.
#[must_use]
pub fn of_fraction(number: f64) -> Option<i64> {
    let unit = if EPOCHS.contains(&(number.floor() as i64)) {
        1e6
    } else if EPOCHS.contains(&((number / 1000.0).floor() as i64)) {
        1e3
    } else {
        return None;
    };
    Some((number * unit).round() as i64)
}

/// Writes an instant as RFC 3339 in UTC, with as many of six digits as it needs.
#[must_use]
pub fn format(micros: i64) -> String {
    let days = micros.div_euclid(DAY);
    let (year, month, day) = civil(days);
    let rest = micros.rem_euclid(DAY);
    let (seconds, fraction) = (rest / SECOND, rest % SECOND);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if fraction != 0 {
        let digits = format!("{fraction:06}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text.push('Z');
    text
}

/// The minutes east of UTC that a zone says; `None` is UTC.
fn zone(bytes: &[u8]) -> Option<i64> {
    let (sign, digits) = match bytes {
        [] | [b'Z'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hour, minute) = match digits.len() {
        5 if digits[2] == b':' => (two(digits, 0)?, two(digits, 3)?),
        4 => (two(digits, 0)?, two(digits, 2)?),
        _ => return None,
    };
    (hour <= 23 && minute <= 59).then_some(sign * (hour * 60 + minute))
}

/// Days since 1970 of `YYYY-MM-DD`, when that day exists.
fn date(bytes: &[u8]) -> Option<i64> {
    if bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = two(bytes, 0)? * 100 + two(bytes, 2)?;
    let (month, day) = (two(bytes, 5)?, two(bytes, 8)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if year == 0 || day == 0 || day > length {
        return None;
    }
    // Counted in years that begin in March, so that the leap day ends one.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era_day = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + era_day - 719_468)
}

/// The date of a day since 1970, for years 1 to 9999.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Two digits as a number.
fn two(bytes: &[u8], at: usize) -> Option<i64> {
    match bytes.get(at..at + 2)? {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(i64::from((a - b'0') * 10 + (b - b'0'))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_last_timestamp() {
        assert_eq!(parse("0001-01-01T00:00:00Z"), Some(FIRST));
        assert_eq!(parse("9999-12-31T23:59:59.999999999Z"), Some(LAST));
        assert_eq!(parse("0001-01-01T00:00:00+00:01"), None);
        assert_eq!(format(FIRST), "0001-01-01T00:00:00Z");
        assert_eq!(format(LAST), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn a_number_is_seconds_or_milliseconds_of_2000_to_2100() {
        let read = |number: f64| of_fraction(number).map(format);
        for (number, expected) in [
            (946_684_800, Some("2000-01-01T00:00:00Z")),
            (946_684_799, None),
            (4_133_980_799, Some("2100-12-31T23:59:59Z")),
            (4_133_980_800, None),
            (946_684_800_000, Some("2000-01-01T00:00:00Z")),
            (946_684_799_999, None),
            (1_774_864_800_123, Some("2026-03-30T10:00:00.123Z")),
            (4_133_980_799_999, Some("2100-12-31T23:59:59.999Z")),
            (4_133_980_800_000, None),
            // Microseconds are neither.
            (1_774_864_800_123_000, None),
            (17, None),
            (0, None),
            (-1_774_864_800, None),
            (i64::MIN, None),
            (i64::MAX, None),
        ] {
            assert_eq!(of_number(number).map(format).as_deref(), expected, "{number}");
            assert_eq!(read(number as f64).as_deref(), expected, "{number}");
        }
        for (number, expected) in [
            (1_774_864_800.5, Some("2026-03-30T10:00:00.5Z")),
            (1_774_864_800.123, Some("2026-03-30T10:00:00.123Z")),
            (1_774_864_800.123_456, Some("2026-03-30T10:00:00.123456Z")),
            (1_774_864_800_123.25, Some("2026-03-30T10:00:00.12325Z")),
            (946_684_799.999, None),
            (1e300, None),
            (-1e300, None),
        ] {
            assert_eq!(read(number).as_deref(), expected, "{number}");
        }
    }

    proptest::proptest! {
        #[test]
        fn text_and_instant_agree_with_a_calendar(micros in FIRST..=LAST) {
            let text = format(micros);
            proptest::prop_assert_eq!(parse(&text), Some(micros));
            let theirs: jiff::Timestamp = text.parse().unwrap();
            proptest::prop_assert_eq!(theirs.as_microsecond(), micros);
        }

        #[test]
        fn nothing_panics(text in "[0-9TZ:+ .-]{0,40}") {
            let _ = (parse(&text), parse_or_date(&text));
        }
    }
}
