//! What a text costs: the sound that was computed, whoever heard it.

use http::HeaderValue;
use palisade::SecurityContext;

use crate::synthesis::Listener;

/// What a text cost, for the audit trail and for limits that count sound.
const UNIT: &str = "audio_milliseconds";

/// Settles that nothing was computed: who found no place pays nothing.
pub(super) fn nothing(cx: &SecurityContext) {
    cx.settle(UNIT, 0);
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
        self.cx
            .settle(UNIT, u64::try_from(milliseconds).unwrap_or(u64::MAX));
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.settle();
    }
}
