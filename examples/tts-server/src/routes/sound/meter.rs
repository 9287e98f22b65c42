//! What a text costs: the sound that was computed, also if no client received it. A file of the cache costs what a
//! request costs at least, so that no key can ask for it without end.

use std::time::Duration;

use http::HeaderValue;
use palisade::core::SecurityContext;

use crate::synthesis::Listener;

/// What a text cost, for the audit trail and for limits that count sound.
pub(crate) const AUDIO_MILLISECONDS: &str = "audio_milliseconds";

/// What is reserved for a text at least, and what a file of the cache costs at most.
pub(crate) const LEAST_MILLISECONDS: u64 = 1_000;

/// Settles that nothing was computed: a request that found no place is not charged.
pub(super) fn nothing(cx: &SecurityContext) {
    cx.settle(AUDIO_MILLISECONDS, 0);
}

/// Settles what was computed, also when the client leaves half-way.
pub(super) struct Meter {
    cx: SecurityContext,
    listener: Listener,
    /// What it costs where nothing is computed.
    fixed: Option<u64>,
}

impl Meter {
    pub(super) fn new(cx: SecurityContext, listener: Listener) -> Self {
        Self {
            cx,
            listener,
            fixed: None,
        }
    }

    /// Settles the cost of a file of the cache that sounds so long: never more than to speak it.
    pub(super) fn kept(cx: SecurityContext, listener: Listener, sounds: Duration) -> Self {
        Self {
            cx,
            listener,
            fixed: Some(LEAST_MILLISECONDS.min(whole_milliseconds(sounds))),
        }
    }

    pub(super) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// Returns how long that sounds which was made so far, in words of seconds.
    pub(super) fn seconds(&self) -> HeaderValue {
        let seconds = format!("{:.3}", self.listener.made().sounds.as_secs_f64());
        HeaderValue::try_from(seconds).unwrap_or(HeaderValue::from_static("0"))
    }

    pub(super) fn settle(&self) {
        let made = || whole_milliseconds(self.listener.made().sounds);
        let cost = self.fixed.unwrap_or_else(made);
        self.cx.settle(AUDIO_MILLISECONDS, cost);
    }
}

fn whole_milliseconds(sounds: Duration) -> u64 {
    u64::try_from(sounds.as_millis()).unwrap_or(u64::MAX)
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.settle();
    }
}
