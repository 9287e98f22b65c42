//! Times of records: RFC 3339 in UTC, with microseconds.

use std::{cell::Cell, time::Duration};

use palisade_internal::rfc3339;

/// Formats a time since the Unix epoch.
pub(crate) fn rfc3339(unix_time: Duration) -> String {
    rfc3339::write_micros(unix_time)
}

/// A second since the Unix epoch, and its date and time as text.
type FormattedSecond = (u64, [u8; "2027-01-31T00:00:00".len()]);

thread_local! {
    /// The last second that this thread wrote: the calendar is computed once a second.
    static LAST_SECOND: Cell<FormattedSecond> = const { Cell::new((0, *b"1970-01-01T00:00:00")) };
}

/// Writes what [`rfc3339()`] returns to the end of a buffer, without an allocation in most cases.
pub(crate) fn write_rfc3339(out: &mut Vec<u8>, unix_time: Duration) {
    let (second, mut text) = LAST_SECOND.get();
    if second != unix_time.as_secs() {
        let formatted = rfc3339::write_seconds(unix_time);
        let formatted = formatted.as_bytes().first_chunk();
        let Some(formatted) = formatted else { return };
        text = *formatted;
        LAST_SECOND.set((unix_time.as_secs(), text));
    }
    out.extend_from_slice(&text);
    let mut fraction = *b".000000Z";
    let mut micros = unix_time.subsec_micros();
    for digit in fraction.iter_mut().rev().skip(1).take(6) {
        *digit += u8::try_from(micros % 10).unwrap_or(0);
        micros /= 10;
    }
    out.extend_from_slice(&fraction);
}

/// Reads a time that [`rfc3339()`] wrote, and no other spelling.
///
/// A second spelling of one time would be a second text of the same record, with another hash.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let time = rfc3339::parse(text)?;
    (rfc3339::write_micros(time) == text).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_writing_a_time_agree() {
        let mut times = vec![Duration::ZERO, Duration::MAX];
        let near = |second| {
            [0, 1, 9_999, 123_456_789, 999_999_999].map(|nanos| Duration::new(second, nanos))
        };
        times.extend(
            [0, 1, 1_700_000_000, rfc3339::LAST_SECOND]
                .into_iter()
                .flat_map(near),
        );
        for time in times {
            let mut out = Vec::new();
            write_rfc3339(&mut out, time);
            assert_eq!(out, rfc3339(time).as_bytes());
        }
    }

    #[test]
    fn only_the_written_form_is_read_again() {
        let time = Duration::new(1_700_000_000, 123_456_000);
        assert_eq!(rfc3339(time), "2023-11-14T22:13:20.123456Z");
        assert_eq!(parse(&rfc3339(time)), Some(time));
        for other in [
            "2023-11-14 22:13:20.123456Z",
            "2023-11-14T22:13:20Z",
            "2023-11-14T22:13:20.1234567Z",
            "2023-11-14T23:13:20.123456+01:00",
            "2023-11-14t22:13:20.123456z",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
