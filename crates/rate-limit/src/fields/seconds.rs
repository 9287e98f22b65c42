//! Numbers of seconds as header values, made once.

use http::HeaderValue;

/// Two minutes cover nearly every wait of a limit by the minute.
const READY: u64 = 120;

#[derive(Debug)]
pub(super) struct Seconds(Box<[HeaderValue]>);

impl Default for Seconds {
    fn default() -> Self {
        Self((0..=READY).map(HeaderValue::from).collect())
    }
}

impl Seconds {
    pub(super) fn value(&self, seconds: u64) -> HeaderValue {
        let ready = usize::try_from(seconds)
            .ok()
            .and_then(|index| self.0.get(index));
        ready.cloned().unwrap_or_else(|| HeaderValue::from(seconds))
    }
}
