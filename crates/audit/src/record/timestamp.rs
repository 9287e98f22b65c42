//! Times of records: RFC 3339 in UTC, with microseconds.

use std::time::Duration;

use palisade_internal::rfc3339;

/// Formats a time since the Unix epoch.
pub(crate) fn rfc3339(unix_time: Duration) -> String {
    rfc3339::write_micros(unix_time)
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
