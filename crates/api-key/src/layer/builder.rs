//! Assembling a layer: every choice that is not the default is a word here.

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

/// Collects the choices of an [`ApiKeyLayer`].
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

    /// Tells the time by another clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Also takes keys from a query parameter.
    ///
    /// Addresses are kept in the logs of every proxy on the way, in histories, and in `Referer` fields: a key in
    /// one is a key that leaked. For clients that cannot send a header (a webhook, an `<audio>` element), and
    /// then with keys that end soon and may do little. The parameter is taken out before the handler sees it; with
    /// the feature `axum` also out of axum's `OriginalUri`.
    pub fn dangerously_accept_query_parameter(mut self, name: impl Into<Box<str>>) -> Self {
        self.parameter = Some(name.into());
        self
    }

    /// Records what would be refused and lets it pass. For the days of a roll-out only.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.shadow = true;
        self
    }

    /// Takes keys of these environments, in place of live ones alone.
    pub fn environments(mut self, environments: impl IntoIterator<Item = Environment>) -> Self {
        self.accepted = environments.into_iter().collect();
        self
    }

    /// Looks in another header than `X-API-Key`. `Authorization: Bearer` counts besides.
    pub fn header(mut self, name: HeaderName) -> Self {
        self.header = name;
        self
    }

    /// Calls a function with the id of each key that was sent in clear, to revoke it or to tell its owner.
    ///
    /// It is called if the client held the secret of a key that still counts, once a request, inside the
    /// request: it must not block. A store that answers later is not asked. Where the request was
    /// refused, the audit trail has `credential_exposed`. Default: nothing is called.
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

    /// Lets guests pass; a wrong key is still refused.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Names what the challenge asks a key for. `api` without.
    pub fn realm(mut self, realm: impl Into<Box<str>>) -> Self {
        self.realm = realm.into();
        self
    }

    /// Finishes the layer.
    ///
    /// # Errors
    ///
    /// When a choice cannot work.
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

    /// Keys as bearer tokens are known by their prefix; other tokens are for other authenticators.
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

/// Makes a record that no key opens.
fn decoy() -> Result<KeyRecord, NoEntropy> {
    let grant = Grant::new(Environment::Live);
    let record = KeyRecord::new(KeyId::random()?, KeyDigest::decoy()?, grant, Duration::ZERO);
    record.map_err(|_| NoEntropy)
}

/// Says which choice for an [`ApiKeyLayer`] cannot work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ApiKeyLayerError {
    /// The header has another meaning already.
    Header,
    /// The operating system gave no random bytes.
    NoEntropy,
    /// No environment is accepted: no key would ever count.
    NoEnvironment,
    /// The name of the query parameter needs escaping.
    Parameter,
    /// The realm holds quotes, backslashes, or what is not printable ASCII.
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
