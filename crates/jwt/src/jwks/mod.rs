//! Keys from a URL: fetched once for all who wait, refreshed ahead of their end, bounded in every direction.

mod asked;
mod builder;
mod endpoint;
mod fetch;
mod flight;
mod state;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use palisade_core::SharedClock;

pub use self::builder::JwksUrlBuilder;
use self::{asked::Asked, endpoint::Endpoint, flight::Flight, state::State};
use crate::{
    BuildError, InvalidToken, JwksReader, KeySet, Keys,
    keys::{Landing, Source},
};

/// The keys of an issuer that publishes them, as it publishes them. Clones share one state.
///
/// * Reading is lock-free and never waits. Keys are fetched again when four fifths of their time have passed, by the
///   first request after that (or by [`keep_fresh`](Self::keep_fresh)), beside it: nobody waits for it.
/// * There is one fetch at a time, and it belongs to nobody: a client that leaves does not end it.
/// * A token with an unknown key name makes one fetch worth waiting for; a bucket bounds how often, and a name that was
///   not found is not looked for again for a minute.
/// * While the endpoint fails, the last keys hold until they are [`hard_age`](JwksUrlBuilder::hard_age) old. Then
///   tokens are answered with 503.
/// * `https` only, no redirect is followed, no answer but 200 is read, none above 256 KiB, none after 5 seconds.
///
/// ```no_run
/// use palisade_jwt::{Issuer, JwksUrl, JwtLayer, Verifier};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = JwksUrl::new("https://login.example/.well-known/jwks.json")?;
/// keys.keep_fresh();
/// let issuer = Issuer::new("https://login.example", "https://tts.example", keys);
/// let layer = JwtLayer::new(Verifier::builder().issuer(issuer).build()?);
/// # let _ = layer;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct JwksUrl(Arc<Shared>);

pub(super) struct Shared {
    endpoint: Endpoint,
    reader: JwksReader,
    limits: Limits,
    clock: SharedClock,
    state: ArcSwap<State>,
    flight: Mutex<Option<Flight>>,
    asked: Mutex<Asked>,
}

/// The bounds of a source; `builder` says what they are without further words.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// How long keys are good if the answer does not say.
    lifetime: Duration,
    hard_age: Duration,
    timeout: Duration,
    largest: usize,
}

impl JwksUrl {
    /// Fetches keys from an `https` URL, by the defaults.
    ///
    /// # Errors
    ///
    /// [`BuildError::Url`] if it is not an absolute `https` URL, [`BuildError::TrustAnchors`] if this machine has no
    /// trust anchors to judge the server's certificate by.
    pub fn new(url: &str) -> Result<Self, BuildError> {
        Self::builder(url).build()
    }

    /// Starts to describe a source.
    pub fn builder(url: &str) -> JwksUrlBuilder {
        JwksUrlBuilder::new(url)
    }

    /// Fetches now and waits for the outcome: for a start-up that wants to know.
    ///
    /// # Errors
    ///
    /// [`InvalidToken::KeysUnavailable`] if there are no usable keys afterwards.
    pub async fn warm_up(&self) -> Result<(), InvalidToken> {
        if let Some(landing) = self.0.board(&self.0.state.load_full()) {
            landing.await;
        }
        self.0.current().map(drop)
    }

    /// Refreshes the keys ahead of their end even when no request comes, so that none finds them old. The task ends
    /// when the last clone of this source is gone. Does nothing outside a tokio runtime.
    pub fn keep_fresh(&self) {
        flight::keep_fresh(&self.0);
    }

    /// Returns the keys as they are known now, for a status page or a test; nothing before the first fetch.
    #[must_use]
    pub fn known(&self) -> Option<Arc<KeySet>> {
        self.0.state.load().keys()
    }

    /// Tells whether the keys are past their time because the endpoint fails.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.0.state.load().is_overdue(self.0.clock.monotonic())
    }
}

impl Shared {
    /// Joins the fetch that is under way, or starts one, unless the state is no longer the one that asked for it.
    /// Nothing outside a runtime.
    fn board(self: &Arc<Self>, seen: &Arc<State>) -> Option<Landing> {
        let mut flight = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
        if flight.as_ref().is_none_or(Flight::is_over) {
            // The fetch that was under way a moment ago may have landed meanwhile.
            if !Arc::ptr_eq(&self.state.load(), seen) {
                return Some(Box::pin(std::future::ready(())));
            }
            *flight = Flight::start(self);
        }
        flight.as_ref().map(Flight::landing)
    }

    /// Joins the fetch that is under way.
    fn join(&self) -> Option<Landing> {
        let flight = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
        let current = flight.as_ref().filter(|flight| !flight.is_over());
        current.map(Flight::landing)
    }

    /// Fetches once and keeps the outcome. Only the one flight calls this.
    async fn refresh(&self) {
        let outcome = self.fetch().await;
        let now = self.clock.monotonic();
        let before = self.state.load();
        let after = match outcome {
            Ok((set, lifetime)) => State::fetched(set, now, lifetime),
            Err(fault) => {
                let url = self.endpoint.shown();
                tracing::warn!(target: "palisade", url, fault = fault.code(), "the key set could not be fetched");
                before.failed(now)
            }
        };
        self.state.store(Arc::new(after));
    }

    async fn fetch(&self) -> Result<(KeySet, Duration), fetch::Fault> {
        let answer = fetch::get(&self.endpoint, self.limits.largest, self.limits.timeout).await?;
        let text = std::str::from_utf8(&answer.body).map_err(|_| fetch::Fault::NotAKeySet)?;
        let set = self
            .reader
            .read(text)
            .map_err(|_| fetch::Fault::NotAKeySet)?;
        for skipped in set.skipped() {
            let (index, kid, reason) = (
                skipped.index,
                skipped.kid.as_deref().unwrap_or("-"),
                &skipped.reason,
            );
            tracing::debug!(target: "palisade", index, ?kid, %reason, "a key of the set is left out");
        }
        Ok((set, answer.max_age.unwrap_or(self.limits.lifetime)))
    }
}

/// The source that a verifier asks.
#[derive(Clone)]
struct Handle(Arc<Shared>);

impl Source for Handle {
    fn current(&self) -> Result<Arc<KeySet>, InvalidToken> {
        self.0.current()
    }

    fn is_stale(&self) -> bool {
        self.0.state.load().is_overdue(self.0.clock.monotonic())
    }

    fn due(&self) -> Option<Landing> {
        let state = self.0.state.load();
        let now = self.0.clock.monotonic();
        // Waiting helps only where the last fetch did not fail: in an outage nobody stands in line.
        let wait = state.is_overdue(now)
            && state.may_fetch(now)
            && (!state.has_failed() || state.keys().is_none());
        if wait {
            return self.0.board(&state);
        }
        if state.is_due(now) && state.may_fetch(now) {
            drop(self.0.board(&state));
        }
        None
    }

    fn second_look(&self, kid: Option<&str>, fault: InvalidToken) -> Option<Landing> {
        let new_name = match fault {
            InvalidToken::KeyUnknown => true,
            // The issuer may have put another key under an old name.
            InvalidToken::AlgorithmMismatch | InvalidToken::SignatureMismatch => false,
            _ => return None,
        };
        // Whoever asks while a fetch is under way waits for that one; it costs no further fetch.
        if let Some(landing) = self.0.join() {
            return Some(landing);
        }
        let now = self.0.clock.monotonic();
        let state = self.0.state.load();
        let worth = state.may_fetch(now) && {
            let mut asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
            match new_name {
                true => asked.may_look_for(kid.unwrap_or_default(), now),
                false => asked.may_doubt(state.fetched_at(), now),
            }
        };
        worth.then(|| self.0.board(&state))?
    }
}

impl Shared {
    fn current(&self) -> Result<Arc<KeySet>, InvalidToken> {
        let now = self.clock.monotonic();
        self.state
            .load()
            .usable(now, self.limits.hard_age)
            .ok_or(InvalidToken::KeysUnavailable)
    }
}

impl From<JwksUrl> for Keys {
    fn from(url: JwksUrl) -> Self {
        Self::new(Arc::new(Handle(url.0)))
    }
}

impl fmt::Debug for JwksUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksUrl")
            .field("url", &self.endpoint.shown())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
