//! What the audit trail and the log get of sessions that begin and end.

use palisade_core::{Clock as _, Fact, SecurityContext, SystemClock};
use palisade_internal::log_limit::LogLimit;

use crate::{error::SessionError, token::SessionId};

/// The name in the trail and in the metrics of degraded states.
const GUARD: &str = "session";

/// Notes the public id of a session in the trail of a request, if there is one.
pub(super) fn note(cx: Option<&SecurityContext>, key: &'static str, id: &SessionId) {
    if let Some(cx) = cx {
        let value = id.as_str().to_owned().into();
        cx.record(Fact::Noted { key, value });
    }
}

/// Tells that the store has no place for another session: in the trail, which metrics count, and in the log
/// once a minute: by the system clock, one limit for the whole process, since no decision depends on it.
pub(super) fn warn_full(error: &SessionError, cx: Option<&SecurityContext>) {
    static LIMIT: LogLimit = LogLimit::per_minute();
    if *error != SessionError::Full {
        return;
    }
    if let Some(cx) = cx {
        let what = "sessions_full";
        cx.record(Fact::Degraded { guard: GUARD, what });
    }
    if let Some(held_back) = LIMIT.admit(SystemClock::default().monotonic()) {
        tracing::warn!(target: "palisade", held_back, "the session store is full: who has no session cannot sign in until sessions end");
    }
}
