//! The choices of introspection.

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use palisade_core::{AuthenticatorId, Secret, SharedClock, SystemClock};
use palisade_internal::{log_limit::LogLimitTable, percent, wall_clock::WallClock};
use tokio::sync::Semaphore;

use super::{Bounds, Places, Shared, TokenIntrospection, cache::AnswerCache, endpoint::Question};
use crate::{
    error::JwtBuildError,
    jwks::url::endpoint::{ConnectOptions, Endpoint, redacted},
    layer::{principal::ClaimMap, refusals::Refusals},
};

const LONGEST_LIFETIME: Duration = Duration::from_secs(600);
const LONGEST_OUTAGE: Duration = Duration::from_secs(3600);
const LONGEST_NEGATIVE: Duration = Duration::from_secs(60);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Bounds the memory.
const MOST_ANSWERS: usize = 1_000_000;
/// Negative answers have a memory of their own, so that invented tokens displace no valid one.
const NEGATIVE_ANSWERS: usize = 1024;
/// Questions at one time, about unknown tokens and about known ones. Beyond that, requests are refused
/// with 503.
const MOST_QUESTIONS: usize = 64;

/// Configures a [`TokenIntrospection`]. Made by [`TokenIntrospection::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`client`](Self::client) or [`bearer`](Self::bearer) | none; one is required |
/// | [`audience`](Self::audience) | none; required |
/// | [`issuer`](Self::issuer) | `iss` is not compared |
/// | [`lifetime`](Self::lifetime) | 60 seconds, never longer than `exp` |
/// | [`outage_lifetime`](Self::outage_lifetime) | 5 minutes |
/// | [`negative_lifetime`](Self::negative_lifetime) | 10 seconds |
/// | [`remembered_responses`](Self::remembered_responses) | 4096, and 1024 negative ones |
/// | [`timeout`](Self::timeout) | 5 seconds |
/// | questions at one time | 64, and 64 about tokens that the issuer confirmed |
///
/// ```no_run
/// use std::time::Duration;
/// use palisade_core::{AuthenticateLayer, Secret};
/// use palisade_jwt::introspection::TokenIntrospection;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let secret = Secret::new(std::fs::read("introspection.secret")?);
/// let tokens = TokenIntrospection::builder("https://login.example/introspect")
///     .client("tts", &secret)
///     .audience("https://tts.example")
///     .lifetime(Duration::from_secs(30))
///     .build()?;
/// let layer = AuthenticateLayer::new(tokens);
/// # let _ = layer;
/// # Ok(())
/// # }
/// ```
///
/// An issuer of several tenants, which authenticates this service by a token and names scopes of its own:
///
/// ```
/// use palisade_core::Secret;
/// use palisade_jwt::introspection::TokenIntrospection;
///
/// let tokens = TokenIntrospection::builder("https://login.example/introspect")
///     .bearer(&Secret::new("from a file with mode 0600"))
///     .audience("https://tts.example")
///     .issuer("https://login.example")
///     .tenant_claim("org_id")
///     .scope_implies("speech", ["tts:speak", "tts:voices"])
///     .build()?;
/// # let _ = tokens;
/// # Ok::<(), palisade_jwt::JwtBuildError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct TokenIntrospectionBuilder {
    url: Box<str>,
    credential: Option<Secret>,
    issuer: Option<Box<str>>,
    audiences: Vec<Box<str>>,
    any_audience: bool,
    claims: ClaimMap,
    bounds: Bounds,
    remembered: usize,
    timeout: Duration,
    anchors: Option<Box<str>>,
    loopback: bool,
    clock: SharedClock,
}

impl TokenIntrospectionBuilder {
    pub(super) fn new(url: Box<str>) -> Self {
        Self {
            url,
            credential: None,
            issuer: None,
            audiences: Vec::new(),
            any_audience: false,
            claims: ClaimMap::default(),
            bounds: Bounds {
                lifetime: Duration::from_secs(60),
                outage: Duration::from_secs(300),
                negative: Duration::from_secs(10),
            },
            remembered: 4096,
            timeout: Duration::from_secs(5),
            anchors: None,
            loopback: false,
            clock: SystemClock::shared(),
        }
    }

    /// Sets the credential of this service: an id and a secret that the issuer gave it, sent as
    /// `Authorization: Basic` (RFC 6749 section 2.3.1).
    pub fn client(mut self, id: &str, secret: &Secret) -> Self {
        let pair = str::from_utf8(secret.expose()).ok().map(|secret| {
            let secret = percent::encode(secret.trim_end());
            Secret::new(format!("{}:{secret}", percent::encode(id)))
        });
        let basic = |pair: Secret| Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())));
        self.credential = pair.map(basic);
        self
    }

    /// Sets the credential of this service: a token that the issuer gave it (RFC 7662 section 2.1).
    pub fn bearer(mut self, token: &Secret) -> Self {
        let token = str::from_utf8(token.expose()).ok();
        self.credential = token.map(|token| Secret::new(format!("Bearer {}", token.trim_end())));
        self
    }

    /// Sets the audience of this service: a response must have it in `aud`. Several calls accept
    /// each of them.
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Accepts tokens whatever their audience, for issuers whose answers have none. A token that a
    /// client got for another service is then valid here.
    pub fn dangerously_accept_any_audience(mut self) -> Self {
        self.any_audience = true;
        self
    }

    /// Compares `iss` of a response with this name. Default: not compared; only this issuer is asked.
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Sets the member that the principal's id is read from. Default: `sub`. Of tokens without a
    /// user, some issuers write only `client_id`.
    pub fn subject_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.claims.names.subject = Some(claim.into());
        self
    }

    /// Sets the member that the principal's owner (tenant) is read from. Default: none.
    pub fn tenant_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.claims.names.tenant = Some(claim.into());
        self
    }

    /// Sets the member that the principal's tier is read from. Default: none. Rate limits may differ by
    /// tier.
    pub fn tier_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.claims.names.tier = Some(claim.into());
        self
    }

    /// Sets the member that the principal's own amounts for rate limits are read from. Default: none. See
    /// [`JwtLayerBuilder::own_limits_claim`](crate::JwtLayerBuilder::own_limits_claim).
    pub fn own_limits_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.claims.names.own_limits = Some(claim.into());
        self
    }

    /// Lets a broader scope include narrower ones. Default: scopes include no others. See
    /// [`JwtLayerBuilder::scope_implies`](crate::JwtLayerBuilder::scope_implies).
    pub fn scope_implies<S: Into<Box<str>>>(
        mut self,
        broad: impl Into<Box<str>>,
        narrow: impl IntoIterator<Item = S>,
    ) -> Self {
        let narrow = narrow.into_iter().map(Into::into);
        self.claims.implied.add(broad.into(), narrow);
        self
    }

    /// Sets how long a response is used before the issuer is asked again: the time in which a revoked
    /// token is still accepted. Default: 60 seconds; at most 10 minutes; with zero each request asks.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.bounds.lifetime = lifetime;
        self
    }

    /// Sets how old a response may become while the issuer cannot be asked. Default: 5 minutes; at most
    /// an hour; with zero none is used past its lifetime. Other tokens are refused with 503 meanwhile.
    pub fn outage_lifetime(mut self, lifetime: Duration) -> Self {
        self.bounds.outage = lifetime;
        self
    }

    /// Sets how long a refusal by the issuer is used. Default: 10 seconds; at most a minute.
    pub fn negative_lifetime(mut self, lifetime: Duration) -> Self {
        self.bounds.negative = lifetime;
        self
    }

    /// Sets how many answers about valid tokens are kept. Default: 4096; at most a million.
    pub fn remembered_responses(mut self, number: usize) -> Self {
        self.remembered = number;
        self
    }

    /// Sets the deadline of a question, name resolution included. Default: 5 seconds; at most 30.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the certificates (PEM) that authenticate the issuer. Default: those of the machine.
    pub fn trust_anchors(mut self, pem: impl Into<Box<str>>) -> Self {
        self.anchors = Some(pem.into());
        self
    }

    /// Allows `http` to a loopback address. Default: `https` only. For development and tests.
    pub fn dangerously_allow_loopback_http(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Sets the clock for `exp` and for the age of responses. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Tells whether the audience was chosen, any audience included.
    pub(crate) fn has_audience(&self) -> bool {
        self.any_audience || !self.audiences.is_empty()
    }

    /// Builds the authenticator. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// [`JwtBuildError::Url`], [`JwtBuildError::TrustAnchors`],
    /// [`JwtBuildError::IntrospectionCredential`], [`JwtBuildError::IntrospectionAudience`],
    /// [`JwtBuildError::IntrospectionBounds`], [`JwtBuildError::Scope`].
    pub fn build(self) -> Result<TokenIntrospection, JwtBuildError> {
        if self.audiences.is_empty() && !self.any_audience {
            return Err(JwtBuildError::IntrospectionAudience);
        }
        if let Some(scope) = self.claims.implied.malformed() {
            return Err(JwtBuildError::Scope(scope.into()));
        }
        let bounds = &self.bounds;
        let lifetimes_fit = bounds.lifetime <= LONGEST_LIFETIME
            && bounds.outage <= LONGEST_OUTAGE
            && bounds.negative <= LONGEST_NEGATIVE;
        let timeout_fits = !self.timeout.is_zero() && self.timeout <= LONGEST_TIMEOUT;
        if !lifetimes_fit || !timeout_fits || self.remembered > MOST_ANSWERS {
            return Err(JwtBuildError::IntrospectionBounds);
        }
        let options = ConnectOptions::new(self.loopback, self.anchors.as_deref());
        let question = Question {
            endpoint: Endpoint::new(&self.url, &options)?,
            authorization: authorization(self.credential.as_ref())?,
            timeout: self.timeout,
            issuer: self.issuer,
            audiences: if self.any_audience {
                Vec::new()
            } else {
                self.audiences
            },
            claims: self.claims,
        };
        Ok(TokenIntrospection(Arc::new(Shared {
            id: AuthenticatorId::unique(),
            question,
            bounds: self.bounds,
            active: AnswerCache::new(self.remembered),
            refused: AnswerCache::new(NEGATIVE_ANSWERS),
            in_progress: std::sync::Mutex::default(),
            places: Places {
                unknown: Semaphore::new(MOST_QUESTIONS),
                known: Semaphore::new(MOST_QUESTIONS),
            },
            log: LogLimitTable::per_minute(),
            refusals: Refusals::new("Bearer realm=\"api\"", None, false),
            clock: self.clock,
            wall: WallClock::new(WallClock::MAX_STEP),
        })))
    }
}

/// Shows neither the user nor the query of the URL, which may be secret.
impl fmt::Debug for TokenIntrospectionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenIntrospectionBuilder")
            .field("url", &redacted(&self.url))
            .field("issuer", &self.issuer)
            .field("audiences", &self.audiences)
            .field("any_audience", &self.any_audience)
            .field("claims", &self.claims)
            .field("bounds", &self.bounds)
            .field("remembered", &self.remembered)
            .field("timeout", &self.timeout)
            .field("loopback", &self.loopback)
            .finish_non_exhaustive()
    }
}

fn authorization(credential: Option<&Secret>) -> Result<HeaderValue, JwtBuildError> {
    let credential = credential.ok_or(JwtBuildError::IntrospectionCredential)?;
    let value = HeaderValue::from_bytes(credential.expose());
    let mut value = value.map_err(|_| JwtBuildError::IntrospectionCredential)?;
    value.set_sensitive(true);
    Ok(value)
}
