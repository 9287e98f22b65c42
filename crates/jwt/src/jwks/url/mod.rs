//! Keys from a URL: one fetch for all requests that wait, refreshed before they expire.
//!
//! `builder` has the bounds, `refresh` decides when to fetch, and `fetch_in_progress` is the fetch
//! that requests share. `probe` looks once, for tools. `throttle` limits the fetches that clients cause. `location` says where the keys
//! are, also by discovery. `fetch` is one request to the `endpoint`, and `state` has the keys with their age.

mod builder;
mod probe;
mod refresh;
mod fetch_in_progress;
mod throttle;
mod location;
pub(crate) mod fetch;
pub(crate) mod endpoint;
mod state;

use std::{fmt, sync::Arc};

use self::location::Address;
use self::refresh::{Shared, UrlSource};
pub use self::{
    builder::JwksUrlBuilder,
    probe::{IssuerMetadata, IssuerReport},
};
use crate::{
    error::{InvalidToken, JwtBuildError},
    jwks::IssuerKeys,
    keys::KeySet,
};

/// The keys of an issuer that publishes them at a URL (JWK set, RFC 7517 section 5). Clones share
/// one state.
///
/// * Reading is lock-free and never waits. Keys are fetched again when four fifths of their time
///   have passed, by the first request after that (or by [`keep_fresh`](Self::keep_fresh)), beside
///   it: while there are keys that may be used, no request waits for a fetch of others.
/// * There is one fetch at a time, in a task of its own: a client that disconnects does not end it.
/// * A token with an unknown `kid` waits for one fetch. The number of such fetches is limited, and
///   a `kid` that was not found is not looked up again for a minute.
/// * While the endpoint fails, the last keys hold until they are
///   [`hard_age`](JwksUrlBuilder::hard_age) old. Then tokens are refused with 503.
/// * `https` only. No redirect is followed; a status other than 200, a body above 256 KiB and a
///   fetch of more than 5 seconds are failures.
///
/// ```no_run
/// use palisade_jwt::{Issuer, JwksUrl, JwtLayer, Verifier};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = JwksUrl::builder("https://login.example/.well-known/jwks.json").build()?;
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
    /// Starts to configure a source for an `https` URL. Nothing is fetched yet.
    pub fn builder(url: &str) -> JwksUrlBuilder {
        JwksUrlBuilder::new(Address::KeySet(url.into()))
    }

    /// Creates a source that finds the keys of an issuer by its metadata (OpenID Connect Discovery
    /// 1.0): `issuer` followed by `/.well-known/openid-configuration`. Nothing is fetched yet.
    ///
    /// `issuer` is the same text as in [`Issuer::new`](crate::Issuer::new). Metadata that names
    /// another issuer is refused, and so is an address of keys that is not `https`. The metadata is
    /// read again whenever keys are fetched.
    ///
    /// ```no_run
    /// use palisade_jwt::{Issuer, JwksUrl, JwtLayer, Verifier};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let name = "https://login.example";
    /// let issuer = Issuer::new(name, "https://tts.example", JwksUrl::discover(name)?);
    /// let layer = JwtLayer::new(Verifier::builder().issuer(issuer).build()?);
    /// # let _ = layer;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`JwtBuildError::Url`] if the issuer is not an absolute `https` URL without query.
    /// [`JwtBuildError::TrustAnchors`] if this machine has no certificates to check servers by.
    pub fn discover(issuer: &str) -> Result<Self, JwtBuildError> {
        Self::discovery_builder(issuer).build()
    }

    /// Starts to configure a source that finds the keys by the metadata of an issuer.
    pub fn discovery_builder(issuer: &str) -> JwksUrlBuilder {
        JwksUrlBuilder::new(Address::OpenIdMetadata(issuer.into()))
    }

    /// Fetches now and waits for the outcome, at most for the timeout.
    ///
    /// Call it at start to find out whether the endpoint works. Without it the first token waits
    /// for a fetch.
    ///
    /// # Errors
    ///
    /// [`InvalidToken::KeysUnavailable`] if there are no usable keys afterwards.
    pub async fn warm_up(&self) -> Result<(), InvalidToken> {
        if let Some(fetch_end) = self.0.join_or_start(&self.0.state.load_full()) {
            fetch_end.await;
        }
        self.0.current().map(drop)
    }

    /// Starts a task that refreshes the keys before they expire, also when no request comes.
    ///
    /// The task ends when the last clone of this source is dropped. Does nothing outside a tokio
    /// runtime.
    pub fn keep_fresh(&self) {
        fetch_in_progress::keep_fresh(&self.0);
    }

    /// Returns the keys as they are known now, for a status page or a test.
    ///
    /// `None` before the first successful fetch.
    #[must_use]
    pub fn known(&self) -> Option<Arc<KeySet>> {
        self.0.state.load().keys()
    }

    /// Returns whether the keys are past their lifetime because fetches fail, or there are none
    /// yet.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.0.state.load().is_overdue(self.0.clock.monotonic())
    }
}

impl From<JwksUrl> for IssuerKeys {
    fn from(url: JwksUrl) -> Self {
        Self::new(Arc::new(UrlSource(url.0)))
    }
}

impl fmt::Debug for JwksUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
