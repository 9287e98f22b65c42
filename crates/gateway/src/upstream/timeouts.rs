//! How long each step of a request may take.
//!
//! Keys: `connect_timeout_seconds`, `response_timeout_seconds`, `idle_timeout_seconds`,
//! `total_timeout_seconds` and `credential_check_seconds` of `[[upstreams]]`. The first one that passes ends the request: with 502 or
//! 504 before the head of the response, by breaking off the body after it.

use std::time::Duration;

use palisade::config::ConfigFileError;
use toml::Spanned;

use crate::{problem::Place, upstream::section::Section};

/// The longest timeout in seconds: a day.
///
/// A larger number is most likely one of milliseconds.
const LONGEST_SECONDS: u64 = 86_400;

/// The bounds on one request. Each step has its own: a model may need minutes before the first byte,
/// but a port that is closed is known at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Timeouts {
    /// Name resolution, TCP and TLS. Default: 5 s; the service is near.
    pub(crate) connect: Duration,
    /// From the last byte of the request to the head of the response. Default: 300 s; a model may be
    /// loaded first.
    pub(crate) response: Duration,
    /// Between two parts of the response body, or two messages of an upgraded connection. Default:
    /// 300 s; servers that stream send a comment or a ping far more often.
    pub(crate) idle: Duration,
    /// From the request to the end of the response. Default: none; a stream has no natural end, and
    /// the other bounds end what is stuck.
    pub(crate) total: Option<Duration>,
    /// Between two checks of the credential of what stays open. Default: 10 s; a check of a key or a
    /// token costs microseconds, and a person who revokes a key waits that long.
    pub(crate) credential_check: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            response: Duration::from_secs(300),
            idle: Duration::from_secs(300),
            total: None,
            credential_check: Duration::from_secs(10),
        }
    }
}

impl Timeouts {
    /// Reads the five keys.
    ///
    /// # Errors
    ///
    /// A number is 0 or longer than a day.
    pub(super) fn from_section(
        section: &Section,
        place: Place<'_>,
    ) -> Result<Self, ConfigFileError> {
        let default = Self::default();
        let read = |key: &Option<Spanned<u64>>| {
            key.as_ref().map(|key| read_seconds(key, place)).transpose()
        };
        Ok(Self {
            connect: read(&section.connect_timeout_seconds)?.unwrap_or(default.connect),
            response: read(&section.response_timeout_seconds)?.unwrap_or(default.response),
            idle: read(&section.idle_timeout_seconds)?.unwrap_or(default.idle),
            total: read(&section.total_timeout_seconds)?,
            credential_check: read(&section.credential_check_seconds)?
                .unwrap_or(default.credential_check),
        })
    }
}

/// Checks a number of seconds.
///
/// # Errors
///
/// The number is 0 or above 86400. Zero would refuse everything, and is no way to say "no bound".
pub(super) fn read_seconds(
    key: &Spanned<u64>,
    place: Place<'_>,
) -> Result<Duration, ConfigFileError> {
    let written = *key.get_ref();
    match (1..=LONGEST_SECONDS).contains(&written) {
        true => Ok(Duration::from_secs(written)),
        false => Err(place.invalid_value(
            key,
            format_args!("{written} is out of range"),
            "write a number of seconds from 1 to 86400",
        )),
    }
}
