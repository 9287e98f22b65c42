//! Dates with time and offset as RFC 3339 writes them: `2027-01-31T00:00:00Z`.
//!
//! The calendar is that of the crate `time`. All times are durations since the Unix epoch, from
//! 1970 to the end of the year 9999.

use std::{fmt::Write as _, time::Duration};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The last second of the year 9999: a year has four digits.
pub const LAST_SECOND: u64 = 253_402_300_799;
/// The longest accepted text, in bytes: with nanoseconds and an offset.
const MAX_BYTES: usize = "2027-01-31T00:00:00.123456789+01:00".len();
/// Where the separator of date and time is.
const SEPARATOR: usize = "2027-01-31".len();
/// Where the second is.
const SECOND: std::ops::Range<usize> = "2027-01-31T00:00:".len().."2027-01-31T00:00:00".len();

/// Reads a date with time and offset.
///
/// `None` for another form, a date that does not exist, a time before 1970 or after 9999, and a
/// leap second: its place in a count of seconds depends on the system. Date and time are separated
/// by `T`, `t` or a space. Digits of a fraction after the ninth are dropped.
///
/// ```
/// use std::time::Duration;
/// use palisade_internal::rfc3339;
///
/// let parsed = rfc3339::parse("2027-01-31T08:00:00+08:00");
/// assert_eq!(parsed, Some(Duration::from_secs(1_801_353_600)));
/// assert_eq!(rfc3339::parse("2027-01-31T08:00:00"), None);
/// ```
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let separated = matches!(text.as_bytes().get(SEPARATOR)?, b'T' | b't' | b' ');
    if !separated || text.len() > MAX_BYTES || text.get(SECOND)? == "60" {
        return None;
    }
    let parsed = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let seconds = u64::try_from(parsed.unix_timestamp()).ok()?;
    (seconds <= LAST_SECOND).then(|| Duration::new(seconds, parsed.nanosecond()))
}

/// Writes a time in UTC, in whole seconds: `2027-01-31T00:00:00Z`. A fraction is dropped.
///
/// Times after the year 9999 are written as its last second.
///
/// ```
/// use std::time::Duration;
/// use palisade_internal::rfc3339;
///
/// let text = rfc3339::write_seconds(Duration::from_secs(1_801_353_600));
/// assert_eq!(text, "2027-01-31T00:00:00Z");
/// ```
#[must_use]
pub fn write_seconds(since_epoch: Duration) -> String {
    let mut text = date_and_time(since_epoch);
    text.push('Z');
    text
}

/// Writes a time in UTC, with microseconds: `2027-01-31T00:00:00.000000Z`.
///
/// Times after the year 9999 are written as its last second.
///
/// ```
/// use std::time::Duration;
/// use palisade_internal::rfc3339;
///
/// let text = rfc3339::write_micros(Duration::from_millis(1_801_353_600_250));
/// assert_eq!(text, "2027-01-31T00:00:00.250000Z");
/// ```
#[must_use]
pub fn write_micros(since_epoch: Duration) -> String {
    let mut text = date_and_time(since_epoch);
    // Writing to a string cannot fail.
    let _ = write!(text, ".{:06}Z", since_epoch.subsec_micros());
    text
}

/// The text without fraction and offset.
fn date_and_time(since_epoch: Duration) -> String {
    let seconds = since_epoch.as_secs().min(LAST_SECOND);
    // Never out of range: `LAST_SECOND` is the end of the range of `time`.
    let at = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second) = at.to_hms();
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, seconds: u64) {
        assert_eq!(
            parse(text).map(|time| time.as_secs()),
            Some(seconds),
            "{text}"
        );
    }

    #[test]
    fn known_times_are_read_and_written() {
        check("1970-01-01T00:00:00Z", 0);
        check("2000-02-29T12:34:56Z", 951_827_696);
        check("2026-11-24T08:00:00Z", 1_795_507_200);
        check("2026-11-24 08:00:00z", 1_795_507_200);
        check("2026-11-24t16:00:00.25+08:00", 1_795_507_200);
        check("9999-12-31T23:59:59Z", LAST_SECOND);
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(write_seconds(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for seconds in (0..LAST_SECOND).step_by(86_399 * 1009) {
            let time = Duration::new(seconds, 123_456_000);
            assert_eq!(parse(&write_micros(time)), Some(time));
            check(&write_seconds(time), seconds);
        }
    }

    #[test]
    fn other_forms_and_dates_that_do_not_exist_are_refused() {
        for text in [
            "",
            "2027",
            "2027-01-31",
            "2027-01-31T00:00:00",
            "2027-01-31x00:00:00Z",
            "2027-02-29T00:00:00Z",
            "2027-13-01T00:00:00Z",
            "2027-00-01T00:00:00Z",
            "2027-01-31T24:00:00Z",
            "2027-01-31T00:60:00Z",
            "2027-01-31T00:00:60Z",
            "2016-12-31T23:59:60Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "+027-01-31T00:00:00Z",
            "2027-01-31T00:00:00.Z",
            "2027-01-31T00:00:00Z ",
            "2027-01-31T00:00:00+1:00",
            "2027-01-31T00:00:00.1234567890+01:00",
            "２027-01-31T00:00:00Z",
            "9999-12-31T23:59:59-00:01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_after_the_year_9999_is_written_as_its_end() {
        assert_eq!(write_seconds(Duration::MAX), "9999-12-31T23:59:59Z");
        assert!(write_micros(Duration::MAX).ends_with('Z'));
    }
}
