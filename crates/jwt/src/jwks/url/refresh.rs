//! The state that all clones of a source share: the keys, the fetch in progress, and the limits.

use std::{
    fmt, future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use palisade_core::SharedClock;
use tokio::time;

use super::{
    builder::LIFETIMES, fetch::FetchError, fetch_in_progress::FetchInProgress, location::Location,
    state::State, throttle::FetchThrottle,
};
use crate::{
    error::{InvalidToken, JwtBuildError},
    jwks::source::{FetchEnd, Source},
    keys::{JwksReader, KeySet},
};

/// Everything that a source was built with, and its state.
pub(super) struct Shared {
    /// Where keys are fetched.
    pub(super) location: Location,
    /// Parses key sets.
    pub(super) reader: JwksReader,
    /// Whether a set without usable keys is accepted.
    pub(super) empty_set_revokes: bool,
    pub(super) limits: Limits,
    /// Measures the age of keys.
    pub(super) clock: SharedClock,
    /// The keys; replaced after each fetch.
    pub(super) state: ArcSwap<State>,
    /// The last fetch, in progress or over.
    pub(super) fetch_in_progress: Mutex<Option<FetchInProgress>>,
    /// Limits the fetches that clients cause.
    pub(super) throttle: Mutex<FetchThrottle>,
}

/// The bounds of a source; the builder documents the defaults.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// After this time keys are overdue.
    pub(super) lifetime: Duration,
    /// From this age on keys are not used, also in an outage.
    pub(super) hard_age: Duration,
    /// The deadline of a fetch.
    pub(super) timeout: Duration,
    /// The maximum body, in bytes.
    pub(super) largest: usize,
}

impl Shared {
    /// Joins the fetch in progress, or starts one, unless the state has changed since `seen`.
    ///
    /// `None` outside a tokio runtime.
    pub(super) fn join_or_start(self: &Arc<Self>, seen: &Arc<State>) -> Option<FetchEnd> {
        let mut fetch_in_progress = self
            .fetch_in_progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if fetch_in_progress
            .as_ref()
            .is_none_or(FetchInProgress::is_over)
        {
            // The fetch that was in progress a moment ago may have ended meanwhile.
            if !Arc::ptr_eq(&self.state.load(), seen) {
                return Some(Box::pin(future::ready(())));
            }
            *fetch_in_progress = FetchInProgress::start(self);
        }
        fetch_in_progress.as_ref().map(FetchInProgress::fetch_end)
    }

    /// Joins the fetch in progress, if there is one.
    fn join_current(&self) -> Option<FetchEnd> {
        let fetch_in_progress = self
            .fetch_in_progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let current = fetch_in_progress
            .as_ref()
            .filter(|fetch_in_progress| !fetch_in_progress.is_over());
        current.map(FetchInProgress::fetch_end)
    }

    /// Fetches once and stores the outcome. Only the fetch in progress calls this.
    pub(super) async fn refresh(&self) {
        let outcome = self.fetch().await;
        let now = self.clock.monotonic();
        let before = self.state.load();
        let after = match outcome {
            Ok((set, lifetime)) => {
                set.log_unused(self.location.redacted(), before.keys().as_deref());
                State::fetched(set, now, lifetime)
            }
            Err(fault) => {
                let url = self.location.redacted();
                tracing::warn!(target: "palisade", url, fault = fault.code(), "the key set could not be fetched");
                self.throttle().forget();
                before.failed(now)
            }
        };
        self.state.store(Arc::new(after));
    }

    fn throttle(&self) -> MutexGuard<'_, FetchThrottle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches and parses a set. Its lifetime is the configured one, or a shorter one of the endpoint.
    async fn fetch(&self) -> Result<(KeySet, Duration), FetchError> {
        // The deadline covers all of it, from the first name resolution to the last byte.
        let fetch = self.location.fetch_key_set(self.limits.largest);
        let fetched = time::timeout(self.limits.timeout, fetch).await;
        let (body, max_age) = fetched.unwrap_or(Err(FetchError::Timeout))?;
        // What is not UTF-8 makes only the entry invalid in which it occurs.
        let text = String::from_utf8_lossy(&body);
        let set = self.reader.parse(&text, self.empty_set_revokes);
        let set = set.map_err(|problem| match problem {
            JwtBuildError::NoKeys => FetchError::NoKeys,
            _ => FetchError::NotAKeySet,
        })?;
        Ok((set, self.lifetime(max_age)))
    }

    /// The endpoint may shorten the configured lifetime, but not extend it.
    fn lifetime(&self, max_age: Option<Duration>) -> Duration {
        let most = self.limits.lifetime;
        max_age.map_or(most, |age| age.clamp(*LIFETIMES.start(), most))
    }

    /// The keys as they are known now.
    pub(super) fn current(&self) -> Result<Arc<KeySet>, InvalidToken> {
        let now = self.clock.monotonic();
        self.state
            .load()
            .usable(now, self.limits.hard_age)
            .ok_or(InvalidToken::KeysUnavailable)
    }
}

/// The source as the verifier uses it.
pub(super) struct UrlSource(pub(super) Arc<Shared>);

impl Source for UrlSource {
    fn current(&self) -> Result<Arc<KeySet>, InvalidToken> {
        self.0.current()
    }

    fn is_stale(&self) -> bool {
        self.0.state.load().is_overdue(self.0.clock.monotonic())
    }

    fn due(&self) -> Option<FetchEnd> {
        let state = self.0.state.load();
        let now = self.0.clock.monotonic();
        // Waiting helps only where no key may be used, and the last fetch did not fail: in an
        // outage no request waits.
        let wait = state.usable(now, self.0.limits.hard_age).is_none()
            && state.may_fetch(now)
            && (!state.has_failed() || state.keys().is_none());
        if wait {
            return self.0.join_or_start(&state);
        }
        if state.is_due(now) && state.may_fetch(now) {
            drop(self.0.join_or_start(&state));
        }
        None
    }

    fn fetch_for_refused(&self, kid: Option<&str>, fault: InvalidToken) -> Option<FetchEnd> {
        let new_name = match fault {
            InvalidToken::KeyUnknown => true,
            // The issuer may have put another key under an old name.
            InvalidToken::AlgorithmMismatch | InvalidToken::SignatureMismatch => false,
            _ => return None,
        };
        // A request that comes while a fetch is in progress waits for it; it costs no further
        // fetch.
        if let Some(fetch_end) = self.0.join_current() {
            return Some(fetch_end);
        }
        let now = self.0.clock.monotonic();
        let state = self.0.state.load();
        let worth = state.may_fetch(now) && {
            let mut throttle = self.0.throttle();
            match new_name {
                true => throttle.allows_unknown_kid(kid.unwrap_or_default(), now),
                false => throttle.allows_wrong_signature(state.fetched_at(), now),
            }
        };
        worth.then(|| self.0.join_or_start(&state))?
    }
}

impl fmt::Debug for UrlSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksUrl")
            .field("url", &self.location.redacted())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwks::JwksUrl;

    #[tokio::test]
    async fn who_saw_an_old_state_does_not_fetch_again() {
        let url = JwksUrl::builder("http://127.0.0.1:9/jwks")
            .dangerously_allow_loopback_http()
            .build()
            .unwrap();
        let shared = &url.0;
        let seen = shared.state.load_full();
        shared.state.store(Arc::new(State::default()));
        assert!(
            shared.join_or_start(&seen).is_some(),
            "there is something to look at again"
        );
        assert!(shared.fetch_in_progress.lock().unwrap().is_none());
        assert!(shared.join_or_start(&shared.state.load()).is_some());
        assert!(shared.fetch_in_progress.lock().unwrap().is_some());
    }
}
