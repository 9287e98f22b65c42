//! Keys from a URL: fetched once for all who wait, refreshed ahead of their end, bounded in every direction.

mod asked;
mod builder;
mod endpoint;
mod fetch;
mod flight;
mod shared;
mod state;

use std::{fmt, sync::Arc};

pub use self::builder::JwksUrlBuilder;
use self::shared::{Handle, Shared};
use crate::{BuildError, InvalidToken, KeySet, Keys};

/// The keys of an issuer that publishes them, as it publishes them. Clones share one state.
///
/// * Reading is lock-free and never waits. Keys are fetched again when four fifths of their time have passed, by the
///   first request after that (or by [`keep_fresh`](Self::keep_fresh)), beside it: while there are keys that may be
///   used, no request waits for a fetch of others.
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
