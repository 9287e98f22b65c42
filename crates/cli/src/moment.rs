//! Dates and durations in the arguments of commands.
//!
//! clap calls the parsers here and shows their errors as they are, so each error says what to
//! write.
//!
//! Times are UTC, from 1970 on. No command reads the time zone of the machine.
//!
//! | form | example | where |
//! |---|---|---|
//! | a span | `90d`, `12h`, `30m`, `45s`, `2w` | lifetimes, overlaps, leeways |
//! | a date | `2027-01-31T00:00:00Z` | RFC 3339 with a zone |
//! | either | | `--expires`, `--not-before`; `--since` and `--until` count spans backwards |
//!
//! There are no months and years: their length differs.

use std::{str::FromStr, time::Duration};

use palisade_api_key::Timestamp;
use palisade_core::SystemClock;

/// Returns the current time since the Unix epoch.
///
/// Each command reads it once, so that all times in a record are the same.
///
/// A clock before 1970 gives 1970.
pub(crate) fn now() -> Duration {
    SystemClock::shared().unix_time()
}

/// A duration: a whole number and a unit, `90d`, `12h`, `30m`, `45s` or `2w`. At most a hundred
/// years.
///
/// `0s` is accepted, for an overlap or a leeway of nothing. A number without a unit is refused, so that
/// no one has to guess whether `90` means days or seconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Span(pub(crate) Duration);

impl FromStr for Span {
    type Err = String;

    /// # Errors
    ///
    /// Says which forms are accepted, or that the span is too long. The text of the user is not
    /// repeated: clap prints it.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write a span as 90d, 12h, 30m, 45s or 2w".to_owned();
        let unit = text.chars().next_back().ok_or_else(wrong)?;
        let seconds: u64 = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return Err(wrong()),
        };
        let digits = text.strip_suffix(unit).unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let seconds = digits
            .parse()
            .ok()
            .and_then(|count: u64| count.checked_mul(seconds));
        // No key needs more than a hundred years; a larger number is a typing error.
        let seconds = seconds.filter(|seconds| *seconds <= 100 * 366 * 86_400);
        seconds
            .map(Duration::from_secs)
            .map(Self)
            .ok_or_else(|| "that is more than a hundred years".into())
    }
}

/// A point in time: a duration from now, or a date with time and zone (RFC 3339).
///
/// `90d` is 90 days after the start of the command. `2027-01-31T00:00:00Z` is that moment. A date
/// without a time or a zone is refused, since it would mean another moment on another machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Moment {
    /// A date with time and zone.
    At(Timestamp),
    /// A duration from the start of the command.
    In(Span),
}

impl Moment {
    /// Returns the time since the Unix epoch.
    ///
    /// Durations are added to `now`, which is the start of the command.
    pub(crate) fn from(self, now: Duration) -> Duration {
        match self {
            Self::At(moment) => moment.unix(),
            Self::In(Span(span)) => now + span,
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(moment) = text.parse() {
            return Ok(Self::At(moment));
        }
        let span = text.parse().map(Self::In);
        span.map_err(|problem| format!("{problem}, or a date as 2027-01-31T00:00:00Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, seconds: Option<u64>) {
        let span = text.parse().ok().map(|Span(span)| span.as_secs());
        assert_eq!(span, seconds, "{text}");
    }

    #[test]
    fn spans_are_read_and_nonsense_is_not() {
        check("90d", Some(7_776_000));
        check("0s", Some(0));
        check("2w", Some(1_209_600));
        for nonsense in [
            "",
            "d",
            "90",
            "-1d",
            "+1d",
            "1.5h",
            "90 d",
            "９d",
            "1y",
            "99999999999999999999d",
            "40000d",
        ] {
            check(nonsense, None);
        }
    }
}
