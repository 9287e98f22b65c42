//! The choices of a layer that differ from its defaults.
//!
//! A choice is checked in [`ApiKeyLayerBuilder::build`], when the service starts, not when a
//! request comes.

use std::{fmt, sync::Arc};

use http::{HeaderName, HeaderValue};
use palisade_core::{
    AuthenticateBuildError, AuthenticateLayer, AuthenticatorId, Rejection, SharedClock, SystemClock,
};
#[cfg(feature = "redis")]
use palisade_internal::background_tasks::BackgroundTasks;
use palisade_internal::wall_clock::WallClock;

use crate::{
    key::{AcceptedEnvironments, Environment, KeyId},
    layer::{
        ApiKeyLayer,
        authenticator::{Inner, KeyAuthenticator, OnExposed},
        source::KeySources,
    },
    scheme::KeyScheme,
    store::KeyStore,
};

/// So many keys that were sent in clear are looked up at the same time, where the store replies later.
#[cfg(feature = "redis")]
const EXPOSED_LOOKUPS: usize = 64;

/// Configures an [`ApiKeyLayer`]. Made by [`ApiKeyLayer::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`environments`](Self::environments) | live keys only |
/// | [`header`](Self::header) | `X-API-Key`, and `Authorization: Bearer` |
/// | [`imported_prefix`](Self::imported_prefix) | none: imported keys come in the header alone |
/// | [`realm`](Self::realm) | `api` |
/// | [`optional`](Self::optional) | a request without a key is refused |
/// | [`clock`](Self::clock) | the system clock |
/// | [`dangerously_accept_query_parameter`](Self::dangerously_accept_query_parameter) | no parameter |
/// | [`dangerously_only_shadow`](Self::dangerously_only_shadow) | refusals are enforced |
///
/// Keys of the test environment too, and guests without a key:
///
/// ```
/// use palisade_api_key::{ApiKeyLayer, Environment, KeyScheme, MemoryKeyStore, Pepper};
///
/// let scheme = KeyScheme::new(Pepper::generate()?);
/// let layer = ApiKeyLayer::builder(scheme, MemoryKeyStore::new())
///     .environments([Environment::Live, Environment::Test])
///     .optional()
///     .build()?;
/// # let _ = layer;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ApiKeyLayerBuilder {
    accepted: AcceptedEnvironments,
    clock: SharedClock,
    on_exposed: Option<OnExposed>,
    optional: bool,
    realm: Box<str>,
    scheme: KeyScheme,
    shadow: bool,
    sources: KeySources,
    store: Arc<dyn KeyStore>,
}

impl ApiKeyLayerBuilder {
    pub(super) fn new(scheme: KeyScheme, store: Arc<dyn KeyStore>) -> Self {
        Self {
            accepted: AcceptedEnvironments::LIVE,
            clock: SystemClock::shared(),
            on_exposed: None,
            optional: false,
            realm: "api".into(),
            scheme,
            shadow: false,
            sources: KeySources {
                header: HeaderName::from_static("x-api-key"),
                imported_prefix: None,
                parameter: None,
            },
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
        self.sources.parameter = Some(name.into());
        self
    }

    /// Records each refusal and lets the request pass. Default: refusals are enforced.
    ///
    /// Use it only while you introduce keys: in this mode the layer protects nothing. In a list
    /// of an [`AuthenticateLayer`] this choice has no effect; configure that layer.
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
        self.sources.header = name;
        self
    }

    /// Reads bearer tokens that begin with this text as keys of another system, such as `sk-`. Default: none,
    /// and such keys are read from the header alone.
    ///
    /// Needs [`KeyScheme::dangerously_accept_imported_keys`].
    pub fn imported_prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.sources.imported_prefix = Some(prefix.into());
        self
    }

    /// Sets a function that is called with the id of each key that was sent in clear.
    ///
    /// Use it to revoke the key or to inform its owner.
    ///
    /// It is called if the client had the secret of a key that is valid or may be valid again (a disabled one), once a
    /// request, inside the request: it must not block. If the request was refused, the audit trail has
    /// `credential_exposed`. Default: nothing is called.
    ///
    /// If the store replies later, a task waits for it and calls the function after the request (feature `redis`).
    /// The record in the trail then does not name the key. At most 64 keys are looked up so at the same time; another
    /// one is looked up when it is sent again.
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
    pub fn on_exposed(mut self, callback: impl Fn(KeyId) + Send + Sync + 'static) -> Self {
        self.on_exposed = Some(OnExposed(Arc::new(callback)));
        self
    }

    /// Lets requests without a key pass as guests. A key that is not valid is still refused.
    ///
    /// Default: a request without a key is refused with 401. In a list of an
    /// [`AuthenticateLayer`] this choice has no effect; configure that layer.
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
    /// [`ApiKeyBuildError`] says which choice cannot work.
    pub fn build(self) -> Result<ApiKeyLayer, ApiKeyBuildError> {
        self.sources.check_names()?;
        if self.sources.imported_prefix.is_some() && !self.scheme.accepts_imported() {
            return Err(ApiKeyBuildError::ImportedPrefix);
        }
        if self.accepted.is_empty() {
            return Err(ApiKeyBuildError::NoEnvironment);
        }
        let challenge = self.challenge_value()?;
        let (optional, shadow) = (self.optional, self.shadow);
        let authenticator = self.into_authenticator(challenge);
        let mut alone = AuthenticateLayer::builder().authenticator(authenticator.clone());
        if optional {
            alone = alone.optional();
        }
        if shadow {
            alone = alone.dangerously_only_shadow();
        }
        let alone = alone.build().map_err(ApiKeyBuildError::Authenticate)?;
        Ok(ApiKeyLayer {
            authenticator,
            alone,
        })
    }

    /// Builds what decides about keys. `challenge` is the value of `WWW-Authenticate`.
    pub(super) fn into_authenticator(self, challenge: HeaderValue) -> KeyAuthenticator {
        let inner = Inner {
            accepted: self.accepted,
            clock: self.clock,
            wall: WallClock::new(WallClock::MAX_STEP),
            decoy: self.scheme.decoy_record(),
            invalid: Rejection::credentials_invalid(challenge.clone()).prerendered(),
            challenge,
            id: AuthenticatorId::unique(),
            #[cfg(feature = "redis")]
            lookups: BackgroundTasks::at_most(EXPOSED_LOOKUPS),
            on_exposed: self.on_exposed,
            sources: self.sources,
            scheme: self.scheme,
            store: self.store,
            unavailable: Inner::store_unavailable(),
        };
        KeyAuthenticator(Arc::new(inner))
    }

    /// The value of `WWW-Authenticate` in each 401 response.
    fn challenge_value(&self) -> Result<HeaderValue, ApiKeyBuildError> {
        let plain = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
        if !self.realm.chars().all(plain) {
            return Err(ApiKeyBuildError::Realm);
        }
        let text = format!(
            "ApiKey realm=\"{}\", header=\"{}\"",
            self.realm, self.sources.header
        );
        text.try_into().map_err(|_| ApiKeyBuildError::Realm)
    }
}

/// Why an [`ApiKeyLayer`] cannot be built.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ApiKeyBuildError {
    /// The core cannot read keys from these places.
    Authenticate(AuthenticateBuildError),
    /// The header has another meaning: `Authorization`, `Cookie` or `Host`.
    Header,
    /// The prefix of imported keys is empty or has characters that keys do not have, or the scheme accepts no
    /// imported keys.
    ImportedPrefix,
    /// No environment is accepted, so every key would be refused.
    NoEnvironment,
    /// The name of the query parameter has characters that a URL escapes.
    Parameter,
    /// The realm has quotes, backslashes, or characters other than printable ASCII.
    Realm,
}

impl fmt::Display for ApiKeyBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authenticate(error) => return error.fmt(f),
            Self::Header => {
                "keys cannot be read from `Authorization`, `Cookie` or `Host`; choose a header such as `X-API-Key`"
            }
            Self::ImportedPrefix => {
                "the prefix of imported keys may have letters, digits, `_`, `-` and `.` only, and needs a scheme that accepts imported keys"
            }
            Self::NoEnvironment => "no environment is accepted, so every key would be refused; list `Environment::Live`",
            Self::Parameter => {
                "the name of the query parameter may have letters, digits, `_`, `-` and `.` only"
            }
            Self::Realm => "the realm may have printable ASCII only, without quotes and backslashes",
        })
    }
}

impl std::error::Error for ApiKeyBuildError {}
