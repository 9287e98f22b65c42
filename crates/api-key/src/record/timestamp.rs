//! Times in key files, grants and listings, in whole seconds: `2027-01-31T00:00:00Z` (RFC 3339).

use std::{fmt, str::FromStr, time::Duration};

use palisade_internal::rfc3339;

/// A time in whole seconds since the Unix epoch.
///
/// Written in UTC. Parsing accepts any offset and requires one; a fraction of a second is dropped.
/// Times before 1970, after the year 9999, and leap seconds are refused.
///
/// ```
/// use palisade_api_key::Timestamp;
///
/// let time: Timestamp = "2027-01-31T08:00:00+08:00".parse()?;
/// assert_eq!(time.to_string(), "2027-01-31T00:00:00Z");
/// # Ok::<(), palisade_api_key::InvalidTimestamp>(())
/// ```
///
/// A time without an offset is no moment, and is refused:
///
/// ```
/// use std::time::Duration;
/// use palisade_api_key::Timestamp;
///
/// assert!("2027-01-31T08:00:00".parse::<Timestamp>().is_err());
/// let made = Timestamp::from_unix(Duration::from_millis(1_800_000_000_900));
/// assert_eq!(made.to_string(), "2027-01-15T08:00:00Z");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Creates a time from a duration since the epoch, without its fraction of a second.
    ///
    /// Times after the end of the year 9999 are reduced to it: a year has four digits.
    #[must_use]
    pub fn from_unix(since_epoch: Duration) -> Self {
        Self(since_epoch.as_secs().min(rfc3339::LAST_SECOND))
    }

    /// Returns the duration since the Unix epoch.
    #[must_use]
    pub const fn unix(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rfc3339::write_seconds(self.unix()))
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        rfc3339::parse(text)
            .map(Self::from_unix)
            .ok_or(InvalidTimestamp)
    }
}

/// The text is not a date and time with an offset.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidTimestamp;

impl fmt::Display for InvalidTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is no date with time and offset; write it as 2027-01-31T00:00:00Z")
    }
}

impl std::error::Error for InvalidTimestamp {}
