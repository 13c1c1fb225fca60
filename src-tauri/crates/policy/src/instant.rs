//! The dates of date conditions: ISO 8601 to the day, the minute or finer, or seconds since 1970. jiff parses
//! each form; here is only which forms count.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::DateTime};

/// An instant in nanoseconds since 1970; `None` for text that is not a date.
pub(crate) fn parse(text: &str) -> Option<i128> {
    if text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<i64>().ok().map(|seconds| i128::from(seconds) * 1_000_000_000);
    }
    if text.contains(['[', ' ']) {
        return None;
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_nanosecond());
    }
    let utc = |time: DateTime| {
        time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_nanosecond())
    };
    if text.contains('T') {
        return text.parse::<DateTime>().ok().and_then(utc);
    }
    text.parse::<Date>().ok().and_then(|date| utc(date.to_datetime(jiff::civil::Time::midnight())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_instants() {
        let day = parse("2026-11-22").expect("a day");
        for same in
            ["2026-11-22T00:00:00Z", "2026-11-22T00:00Z", "2026-11-22T01:00:00+01:00", "1795305600"]
        {
            assert_eq!(parse(same), Some(day), "{same}");
        }
        assert_eq!(parse("2026-11-22T00:00:00.5Z"), Some(day + 500_000_000));
        for none in ["", "yesterday", "2026-13-01", "2026-11-22 00:00:00Z", "22.11.2026"] {
            assert_eq!(parse(none), None, "{none}");
        }
    }
}
