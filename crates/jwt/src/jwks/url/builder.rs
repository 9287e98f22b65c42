//! The bounds of a key set URL, each with its reason.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use arc_swap::ArcSwap;
use palisade_core::{SharedClock, SystemClock};

use super::{
    JwksUrl,
    endpoint::{self, ConnectOptions},
    location::Address,
    refresh::{Limits, Shared},
    state::State,
    throttle::FetchThrottle,
};
use crate::{algorithm::Algorithm, error::JwtBuildError, keys::JwksReader};

/// Configures a [`JwksUrl`]. Made by [`JwksUrl::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`lifetime`](Self::lifetime) | 10 minutes |
/// | [`hard_age`](Self::hard_age) | 6 hours |
/// | [`timeout`](Self::timeout) | 5 seconds |
/// | [`trust_anchors`](Self::trust_anchors) | those of the machine |
/// | [`rsa_algorithm`](Self::rsa_algorithm) | `RS256` |
/// | [`empty_set_revokes`](Self::empty_set_revokes) | `false` |
/// | [`oauth_metadata`](Self::oauth_metadata) | with discovery: metadata of OpenID Connect |
///
/// `Debug` shows the URL without user and query, which may be secret.
///
/// ```no_run
/// use std::time::Duration;
/// use palisade_jwt::JwksUrl;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = JwksUrl::builder("https://login.example/.well-known/jwks.json")
///     .lifetime(Duration::from_secs(300))
///     .hard_age(Duration::from_secs(3600))
///     .build()?;
/// # let _ = keys;
/// # Ok(())
/// # }
/// ```
///
/// An issuer in the own network, with the certificate of a private authority. An address without TLS is refused:
///
/// ```
/// use std::time::Duration;
/// use palisade_jwt::JwksUrl;
///
/// # let authority = rcgen::generate_simple_self_signed(["login.internal".to_owned()]).unwrap().cert.pem();
/// let keys = JwksUrl::builder("https://login.internal/jwks.json")
///     .trust_anchors(authority)
///     .timeout(Duration::from_secs(1))
///     .build()?;
/// # let _ = keys;
///
/// assert!(JwksUrl::builder("http://login.internal/jwks.json").build().is_err());
/// # Ok::<(), palisade_jwt::JwtBuildError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct JwksUrlBuilder {
    /// Checked by `build`.
    address: Address,
    /// Certificates in PEM; `None` for those of the machine.
    anchors: Option<Box<str>>,
    /// Whether `http` to a loopback address is allowed.
    loopback: bool,
    /// The algorithm of RSA keys without `alg`.
    rsa: Algorithm,
    empty_set_revokes: bool,
    limits: Limits,
    clock: SharedClock,
}

impl JwksUrlBuilder {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            anchors: None,
            loopback: false,
            rsa: Algorithm::Rs256,
            empty_set_revokes: false,
            limits: Limits {
                lifetime: Duration::from_secs(600),
                hard_age: Duration::from_secs(6 * 3600),
                timeout: Duration::from_secs(5),
                largest: 256 * 1024,
            },
            clock: SystemClock::shared(),
        }
    }

    /// Reads metadata of OAuth (RFC 8414, `/.well-known/oauth-authorization-server`) in place of that
    /// of OpenID Connect. Without effect unless the source was made by
    /// [`JwksUrl::discovery_builder`].
    pub fn oauth_metadata(mut self) -> Self {
        if let Address::OpenIdMetadata(issuer) = self.address {
            self.address = Address::OauthMetadata(issuer);
        }
        self
    }

    /// Sets the certificates (PEM) that authenticate the server. Default: those of the machine.
    ///
    /// They replace the machine's certificates. Use it for an issuer with a private certificate
    /// authority.
    pub fn trust_anchors(mut self, pem: impl Into<Box<str>>) -> Self {
        self.anchors = Some(pem.into());
        self
    }

    /// Allows `http` to a loopback address (`127.0.0.1`, `[::1]`). Default: `https` only. For
    /// development and tests: a program that opens the port while the real one is down decides
    /// which tokens are valid.
    pub fn dangerously_allow_loopback_http(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Sets the algorithm of RSA keys without `alg`. Default: `RS256`.
    ///
    /// An algorithm of another family is an error of [`build`](Self::build).
    pub fn rsa_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.rsa = algorithm;
        self
    }

    /// Sets whether a response of 200 with a key set without usable keys revokes all keys. Every
    /// token is then refused with 401 until the endpoint publishes a key. Default: `false`, an
    /// empty set counts as an outage and the keys before stay in force until
    /// [`hard_age`](Self::hard_age), since a faulty deployment publishes one more often than an
    /// issuer revokes everything.
    pub fn empty_set_revokes(mut self, revokes: bool) -> Self {
        self.empty_set_revokes = revokes;
        self
    }

    /// Sets how long keys are good at most before they are fetched again. Default: 10 minutes; a
    /// minute to a day. A shorter `Cache-Control: max-age` of the response applies, down to a
    /// minute; a longer one does not.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.limits.lifetime = lifetime;
        self
    }

    /// Sets how old keys may become while the endpoint fails. Default: 6 hours; at most a week, and
    /// no less than the lifetime. Long enough to end an outage, short enough that a withdrawn key
    /// ends the same day. Nothing that the endpoint sends makes it longer.
    pub fn hard_age(mut self, age: Duration) -> Self {
        self.limits.hard_age = age;
        self
    }

    /// Sets the deadline of a whole fetch, name resolution included. Default: 5 seconds; at most 30.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = timeout;
        self
    }

    /// Sets the clock that measures the age of keys. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Builds the source. Nothing is fetched yet: the first token, [`JwksUrl::warm_up`] or
    /// [`JwksUrl::keep_fresh`] does that.
    ///
    /// # Errors
    ///
    /// [`JwtBuildError`] if the URL is not `https` (or loopback, where that was allowed), a bound is
    /// out of its own bounds, or there are no certificates to check the server's by.
    pub fn build(self) -> Result<JwksUrl, JwtBuildError> {
        let Limits {
            lifetime,
            hard_age,
            timeout,
            ..
        } = self.limits;
        if !LIFETIMES.contains(&lifetime) {
            return Err(JwtBuildError::KeyLifetime);
        }
        if hard_age > Duration::from_secs(7 * 86_400) || hard_age < lifetime {
            return Err(JwtBuildError::HardAge);
        }
        if timeout.is_zero() || timeout > Duration::from_secs(30) {
            return Err(JwtBuildError::FetchTimeout);
        }
        let options = ConnectOptions::new(self.loopback, self.anchors.as_deref());
        Ok(JwksUrl(Arc::new(Shared {
            location: self.address.check(options)?,
            reader: JwksReader::new().rsa_algorithm(self.rsa).check()?,
            empty_set_revokes: self.empty_set_revokes,
            limits: self.limits,
            clock: self.clock,
            state: ArcSwap::from_pointee(State::default()),
            fetch_in_progress: Mutex::default(),
            throttle: Mutex::new(FetchThrottle::default()),
        })))
    }
}

/// From a minute, so that the endpoint is not asked all the time, to a day, so that a withdrawn key
/// ends.
pub(super) const LIFETIMES: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(86_400);

impl fmt::Debug for JwksUrlBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksUrlBuilder")
            .field("url", &endpoint::redacted(&self.address.url()))
            .field("loopback", &self.loopback)
            .field("rsa", &self.rsa)
            .field("empty_set_revokes", &self.empty_set_revokes)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
