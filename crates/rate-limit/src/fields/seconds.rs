//! Numbers of seconds as header values, made once.

use std::fmt::Write as _;

use arrayvec::ArrayString;
use http::HeaderValue;

/// Two minutes cover nearly every wait of a limit by the minute.
const READY: u64 = 120;

#[derive(Debug)]
pub(super) struct Seconds(Box<[HeaderValue]>);

impl Default for Seconds {
    fn default() -> Self {
        Self((0..=READY).map(number).collect())
    }
}

impl Seconds {
    pub(super) fn value(&self, seconds: u64) -> HeaderValue {
        let ready = usize::try_from(seconds).ok();
        let ready = ready.and_then(|index| self.0.get(index));
        ready.cloned().unwrap_or_else(|| number(seconds))
    }
}

/// Writes a number with one allocation.
pub(super) fn number(number: u64) -> HeaderValue {
    let mut digits = ArrayString::<20>::new();
    let _ = write!(digits, "{number}");
    HeaderValue::from_str(&digits).unwrap_or(HeaderValue::from_static("1"))
}
