//! The choices of a layer that differ from its defaults.
//!
//! A choice is checked in [`ApiKeyLayerBuilder::build`], when the service starts, not when a
//! request comes.

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, header};
use palisade_core::{
    AuthenticateLayer, AuthenticatorId, CredentialSource, Rejection, SharedClock, SystemClock,
    TokenShape,
};
use palisade_internal::wall_clock::WallClock;

use super::{ApiKeyLayer, gate};
use crate::{
    Environment, Grant, KeyDigest, KeyId, KeyRecord, KeyScheme, KeyStore, NoEntropy,
    environment::Accepted,
};

/// Configures an [`ApiKeyLayer`]. Made by [`ApiKeyLayer::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`environments`](Self::environments) | live keys only |
/// | [`header`](Self::header) | `X-API-Key`, and `Authorization: Bearer` |
/// | [`realm`](Self::realm) | `api` |
/// | [`optional`](Self::optional) | a request without a key is refused |
/// | [`clock`](Self::clock) | the system clock |
/// | [`dangerously_accept_query_parameter`](Self::dangerously_accept_query_parameter) | no parameter |
/// | [`dangerously_only_shadow`](Self::dangerously_only_shadow) | refusals are enforced |
#[derive(Clone, Debug)]
#[must_use]
pub struct ApiKeyLayerBuilder {
    accepted: Accepted,
    clock: SharedClock,
    header: HeaderName,
    on_exposed: Option<gate::OnExposed>,
    optional: bool,
    parameter: Option<Box<str>>,
    realm: Box<str>,
    scheme: KeyScheme,
    shadow: bool,
    store: Arc<dyn KeyStore>,
}

impl ApiKeyLayerBuilder {
    pub(super) fn new(scheme: KeyScheme, store: Arc<dyn KeyStore>) -> Self {
        Self {
            accepted: Accepted::LIVE,
            clock: SystemClock::shared(),
            header: HeaderName::from_static("x-api-key"),
            on_exposed: None,
            optional: false,
            parameter: None,
            realm: "api".into(),
            scheme,
            shadow: false,
            store,
        }
    }

    /// Sets the clock that decides which keys have expired. Default: the system clock.
    ///
    /// When the system clock steps back by a day or less, expired keys stay expired.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Also reads keys from a query parameter. Default: keys in URLs are not read.
    ///
    /// URLs are kept in the logs of every proxy on the way, in histories, and in `Referer` fields:
    /// a key in one is a key that leaked. Use it for clients that cannot send a header (a webhook,
    /// an `<audio>` element), and only with keys that expire soon and have few scopes. The
    /// parameter is removed before the handler sees it; with the feature `axum` also out of axum's
    /// `OriginalUri`.
    pub fn dangerously_accept_query_parameter(mut self, name: impl Into<Box<str>>) -> Self {
        self.parameter = Some(name.into());
        self
    }

    /// Records each refusal and lets the request pass. Default: refusals are enforced.
    ///
    /// Use it only while you introduce keys: in this mode the layer protects nothing. In a layer
    /// made by [`AuthenticateLayer::any`] this choice has no effect; configure that layer.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.shadow = true;
        self
    }

    /// Sets the environments whose keys are accepted, in place of [`Environment::Live`] alone.
    ///
    /// A key of another environment is refused with 401. An empty list is an error of
    /// [`build`](Self::build).
    pub fn environments(mut self, environments: impl IntoIterator<Item = Environment>) -> Self {
        self.accepted = environments.into_iter().collect();
        self
    }

    /// Sets the header that keys are read from. Default: `X-API-Key`.
    ///
    /// `Authorization: Bearer` with a key is accepted as well. `Authorization`, `Cookie` and `Host`
    /// are refused by [`build`](Self::build).
    pub fn header(mut self, name: HeaderName) -> Self {
        self.header = name;
        self
    }

    /// Sets a function that is called with the id of each key that was sent in clear.
    ///
    /// Use it to revoke the key or to inform its owner.
    ///
    /// It is called if the client had the secret of a key that is still valid, once a request,
    /// inside the request: it must not block. A store that returns a future is not asked. If the
    /// request was refused, the audit trail has `credential_exposed`. Default: nothing is called.
    ///
    /// ```
    /// use palisade_api_key::{ApiKeyLayer, KeyScheme, MemoryKeyStore, Pepper};
    /// use palisade_core::{Clock, SystemClock};
    ///
    /// let (scheme, store) = (KeyScheme::new(Pepper::generate()?), MemoryKeyStore::new());
    /// let revoked = store.clone();
    /// let layer = ApiKeyLayer::builder(scheme, store)
    ///     .on_exposed(move |id| drop(revoked.revoke(id, SystemClock::shared().unix_time())))
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_exposed(mut self, tell: impl Fn(KeyId) + Send + Sync + 'static) -> Self {
        self.on_exposed = Some(gate::OnExposed(Arc::new(tell)));
        self
    }

    /// Lets requests without a key pass as guests. A key that is not valid is still refused.
    ///
    /// Default: a request without a key is refused with 401. In a layer made by
    /// [`AuthenticateLayer::any`] this choice has no effect; configure that layer.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Sets the realm of the challenge in `WWW-Authenticate` (RFC 9110 section 11.5). Default:
    /// `api`.
    ///
    /// Printable ASCII without quotes and backslashes.
    pub fn realm(mut self, realm: impl Into<Box<str>>) -> Self {
        self.realm = realm.into();
        self
    }

    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// [`ApiKeyLayerError`] says which choice cannot work, or that there are no random bytes.
    pub fn build(self) -> Result<ApiKeyLayer, ApiKeyLayerError> {
        self.check()?;
        let (challenge, sources) = (self.challenge()?, self.sources());
        let inner = gate::Inner {
            accepted: self.accepted,
            clock: self.clock,
            wall: WallClock::new(WallClock::MAX_STEP),
            decoy: decoy().map_err(|NoEntropy| ApiKeyLayerError::NoEntropy)?,
            invalid: Rejection::credentials_invalid(challenge.clone()).prerendered(),
            challenge,
            id: AuthenticatorId::unique(),
            on_exposed: self.on_exposed,
            #[cfg(feature = "axum")]
            parameter: self.parameter,
            sources,
            scheme: self.scheme,
            store: self.store,
            unavailable: gate::Inner::unavailable(),
        };
        let gate = gate::Gate(Arc::new(inner));
        let mut alone = AuthenticateLayer::single(gate.clone());
        if self.optional {
            alone = alone.optional();
        }
        if self.shadow {
            alone = alone.dangerously_only_shadow();
        }
        Ok(ApiKeyLayer { gate, alone })
    }

    /// Refuses choices with which no key, or a header of another meaning, would be accepted.
    fn check(&self) -> Result<(), ApiKeyLayerError> {
        let taken = [header::AUTHORIZATION, header::COOKIE, header::HOST];
        if taken.contains(&self.header) {
            return Err(ApiKeyLayerError::Header);
        }
        if self.accepted.is_empty() {
            return Err(ApiKeyLayerError::NoEnvironment);
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        match &self.parameter {
            Some(name) if name.is_empty() || !name.bytes().all(plain) => {
                Err(ApiKeyLayerError::Parameter)
            }
            _ => Ok(()),
        }
    }

    /// Bearer tokens with the prefix of the keys are read; other tokens are for other
    /// authenticators.
    fn sources(&self) -> Vec<CredentialSource> {
        let prefix = self.scheme.format().start();
        let mut sources = vec![
            CredentialSource::header(self.header.clone()),
            CredentialSource::bearer(TokenShape::prefix(prefix)),
        ];
        let parameter = self.parameter.as_deref();
        sources.extend(parameter.map(CredentialSource::query_parameter));
        sources
    }

    /// The value of `WWW-Authenticate` in each 401 response.
    fn challenge(&self) -> Result<HeaderValue, ApiKeyLayerError> {
        let plain = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
        if !self.realm.chars().all(plain) {
            return Err(ApiKeyLayerError::Realm);
        }
        let text = format!(
            "ApiKey realm=\"{}\", header=\"{}\"",
            self.realm, self.header
        );
        text.try_into().map_err(|_| ApiKeyLayerError::Realm)
    }
}

/// Makes a record that no key matches. It is compared when the store has no record.
fn decoy() -> Result<KeyRecord, NoEntropy> {
    let grant = Grant::new(Environment::Live);
    let record = KeyRecord::new(KeyId::random()?, KeyDigest::decoy()?, grant, Duration::ZERO);
    record.map_err(|_| NoEntropy)
}

/// Why an [`ApiKeyLayer`] cannot be built.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ApiKeyLayerError {
    /// The header has another meaning: `Authorization`, `Cookie` or `Host`.
    Header,
    /// The operating system gave no random bytes.
    NoEntropy,
    /// No environment is accepted, so every key would be refused.
    NoEnvironment,
    /// The name of the query parameter has characters that a URL escapes.
    Parameter,
    /// The realm has quotes, backslashes, or characters other than printable ASCII.
    Realm,
}

impl fmt::Display for ApiKeyLayerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => {
                "keys cannot be read from a header with another meaning; choose one like X-API-Key"
            }
            Self::NoEntropy => "the operating system gave no random bytes",
            Self::NoEnvironment => "no environment is accepted: no key would ever count",
            Self::Parameter => {
                "the query parameter's name may hold letters, digits, `_`, `-` and `.`"
            }
            Self::Realm => "the realm may hold printable ASCII without quotes and backslashes",
        })
    }
}

impl std::error::Error for ApiKeyLayerError {}
