//! What a text costs: the sound that was computed, also if no client received it.

use http::HeaderValue;
use palisade::core::SecurityContext;

use crate::synthesis::Listener;

/// What a text cost, for the audit trail and for limits that count sound.
pub(crate) const AUDIO_MILLISECONDS: &str = "audio_milliseconds";

/// Settles that nothing was computed: a request that found no place is not charged.
pub(super) fn nothing(cx: &SecurityContext) {
    cx.settle(AUDIO_MILLISECONDS, 0);
}

/// Settles what was computed, also when the client leaves half-way.
pub(super) struct Meter {
    cx: SecurityContext,
    listener: Listener,
}

impl Meter {
    pub(super) fn new(cx: SecurityContext, listener: Listener) -> Self {
        Self { cx, listener }
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
        let milliseconds = self.listener.made().sounds.as_millis();
        let milliseconds = u64::try_from(milliseconds).unwrap_or(u64::MAX);
        self.cx.settle(AUDIO_MILLISECONDS, milliseconds);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.settle();
    }
}
