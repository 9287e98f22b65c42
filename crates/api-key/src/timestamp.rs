//! Times that people read and write, in whole seconds: `2027-01-31T00:00:00Z` (RFC 3339).
//!
//! Key files and grants use them.

use std::{fmt, str::FromStr, time::Duration};

/// In seconds.
const DAY: u64 = 86_400;
/// The longest accepted text, in bytes: with nanoseconds and an offset.
const LONGEST: usize = "2027-01-31T00:00:00.123456789+01:00".len();

/// A time in whole seconds since the Unix epoch.
///
/// Written in UTC. Parsing accepts any offset and requires one; a fraction of a second is dropped.
/// Times before 1970, after the year 9999, and leap seconds are refused.
///
/// ```
/// use palisade_api_key::Timestamp;
///
/// let moment: Timestamp = "2027-01-31T08:00:00+08:00".parse()?;
/// assert_eq!(moment.to_string(), "2027-01-31T00:00:00Z");
/// # Ok::<(), palisade_api_key::InvalidTimestamp>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last second of the year 9999: a year has four digits (RFC 3339).
    const LAST: u64 = 253_402_300_799;

    /// Creates a time from a duration since the epoch, without its fraction of a second.
    ///
    /// Later times than the end of the year 9999 are reduced to it.
    #[must_use]
    pub fn from_unix(since_epoch: Duration) -> Self {
        Self(since_epoch.as_secs().min(Self::LAST))
    }

    /// Returns the duration since the Unix epoch.
    #[must_use]
    pub const fn unix(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date_of(self.0 / DAY);
        let second = self.0 % DAY;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        if text.len() > LONGEST {
            return Err(InvalidTimestamp);
        }
        read(text).ok_or(InvalidTimestamp)
    }
}

/// Reads date, time and offset. Without the offset, a local time would mean different moments.
fn read(text: &str) -> Option<Timestamp> {
    let mut rest = text;
    let year = number(&mut rest, 4, "-")?;
    let month = number(&mut rest, 2, "-")?;
    let day = number(&mut rest, 2, "")?;
    rest = rest.strip_prefix(['T', 't', ' '])?;
    let hour = number(&mut rest, 2, ":")?;
    let minute = number(&mut rest, 2, ":")?;
    let second = number(&mut rest, 2, "")?;
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        (rest.len() < fraction.len()).then_some(())?;
    }
    let behind = zone(rest)?;
    let sensible = hour < 24 && minute < 60 && second < 60;
    let local = days_since_epoch(year, month, day)? * DAY + hour * 3600 + minute * 60 + second;
    let utc = i64::try_from(local).ok()?.checked_sub(behind)?;
    let utc = u64::try_from(utc).ok()?;
    (sensible && utc <= Timestamp::LAST).then_some(Timestamp(utc))
}

/// Reads by how many seconds an offset is ahead of UTC.
fn zone(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (sign, mut rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let hours = number(&mut rest, 2, ":")?;
    let minutes = number(&mut rest, 2, "")?;
    let sensible = rest.is_empty() && hours < 24 && minutes < 60;
    let seconds = i64::try_from(hours * 3600 + minutes * 60).ok()?;
    sensible.then_some(sign * seconds)
}

/// Removes a number of digits, and the separator after them, from the front.
fn number(rest: &mut &str, digits: usize, then: &str) -> Option<u64> {
    let (number, behind) = rest.split_at_checked(digits)?;
    *rest = behind.strip_prefix(then)?;
    let all_digits = number.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits {
        number.parse().ok()
    } else {
        None
    }
}

/// A leap year of the Gregorian calendar.
const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// The number of days of a month.
const fn days_of(year: u64, month: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The number of days of all years before one, from the year 1 on.
const fn days_before(year: u64) -> u64 {
    let past = year - 1;
    past * 365 + past / 4 - past / 100 + past / 400
}

/// `None` for a date that does not exist or is before 1970.
fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return None;
    }
    let before_month: u64 = (1..month).map(|earlier| days_of(year, earlier)).sum();
    Some(days_before(year) - days_before(1970) + before_month + day - 1)
}

/// Year, month and day of a number of days since the epoch.
fn date_of(days: u64) -> (u64, u64, u64) {
    // Never too late a year, at most one too early.
    let mut year = 1970 + days / 366;
    while days_before(year + 1) - days_before(1970) <= days {
        year += 1;
    }
    let mut left = days - (days_before(year) - days_before(1970));
    let mut month = 1;
    while left >= days_of(year, month) {
        left -= days_of(year, month);
        month += 1;
    }
    (year, month, left + 1)
}

/// The text is not a date and time with an offset.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidTimestamp;

impl fmt::Display for InvalidTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a moment is written with date, time and zone, as 2027-01-31T00:00:00Z")
    }
}

impl std::error::Error for InvalidTimestamp {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, seconds: u64) {
        let moment: Timestamp = text.parse().unwrap();
        assert_eq!(moment, Timestamp(seconds), "{text}");
    }

    #[test]
    fn known_moments_are_read() {
        check("1970-01-01T00:00:00Z", 0);
        check("2000-02-29T12:34:56Z", 951_827_696);
        check("2026-11-24T08:00:00Z", 1_795_507_200);
        check("2026-11-24T16:00:00.25+08:00", 1_795_507_200);
        check("9999-12-31T23:59:59Z", Timestamp::LAST);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for seconds in (0..Timestamp::LAST).step_by(86_399 * 1009) {
            check(&Timestamp(seconds).to_string(), seconds);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "2027",
            "2027-01-31",
            "2027-01-31T00:00:00",
            "2027-02-29T00:00:00Z",
            "2027-13-01T00:00:00Z",
            "2027-00-01T00:00:00Z",
            "2027-01-31T24:00:00Z",
            "2027-01-31T00:60:00Z",
            "2027-01-31T00:00:60Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "+027-01-31T00:00:00Z",
            "2027-01-31T00:00:00.Z",
            "2027-01-31T00:00:00Z ",
            "2027-01-31T00:00:00+1:00",
            "２027-01-31T00:00:00Z",
            "9999-12-31T23:59:59-00:01",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(InvalidTimestamp), "{text}");
        }
    }
}
