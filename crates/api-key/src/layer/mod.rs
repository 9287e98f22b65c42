//! The layer that authenticates requests by API key.
//!
//! `builder` has its choices and `authenticator` the decision. `source` says where keys are read
//! from, and `original_uri` removes them from axum's copy of the URL.

mod builder;
mod authenticator;
mod source;
#[cfg(feature = "axum")]
mod original_uri;

use std::{fmt, sync::Arc};

use http::HeaderValue;
use palisade_core::{AuthenticateLayer, authenticator_layer};

use self::authenticator::KeyAuthenticator;
pub use self::builder::{ApiKeyBuildError, ApiKeyLayerBuilder};
use crate::{scheme::KeyScheme, store::KeyStore};

/// The challenge of the default realm and header.
const DEFAULT_CHALLENGE: HeaderValue =
    HeaderValue::from_static("ApiKey realm=\"api\", header=\"x-api-key\"");

/// Authenticates requests by an API key, in `X-API-Key` or as bearer token.
///
/// On success the request has a [`Principal`](palisade_core::Principal) for inner layers and handlers, and the key is
/// removed from the request. Otherwise:
///
/// | case | response |
/// |---|---|
/// | no key, or one that is not valid | 401 with `WWW-Authenticate: ApiKey` |
/// | the store cannot be asked | 503 with `Retry-After` |
/// | a key bound to networks, without `ClientInfoLayer` outside | 500 |
///
/// Use it as a layer by itself, or as one of several in an [`AuthenticateLayer`]. In the second
/// case set [`optional`](ApiKeyLayerBuilder::optional) and shadow on that layer.
///
/// # Examples
///
/// With the defaults: live keys, in `X-API-Key` or as bearer token.
///
/// ```
/// use palisade_api_key::{ApiKeyLayer, KeyScheme, MemoryKeyStore, Pepper};
///
/// let scheme = KeyScheme::new(Pepper::generate()?);
/// let layer = ApiKeyLayer::new(scheme, MemoryKeyStore::new());
/// # let _ = layer;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// With another header and realm, for test keys alone; requests without a key pass as a guest's:
///
/// ```
/// use http::HeaderName;
/// use palisade_api_key::{ApiKeyLayer, Environment, KeyScheme, MemoryKeyStore, Pepper};
///
/// let scheme = KeyScheme::new(Pepper::generate()?);
/// let layer = ApiKeyLayer::builder(scheme, MemoryKeyStore::new())
///     .header(HeaderName::from_static("x-speech-key"))
///     .environments([Environment::Test])
///     .realm("speech")
///     .optional()
///     .build()?;
/// # let _ = layer;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct ApiKeyLayer {
    /// Decides about keys.
    authenticator: KeyAuthenticator,
    /// The layer for use by itself, outside of a list of authenticators.
    alone: AuthenticateLayer,
}

authenticator_layer!(ApiKeyLayer, name: "authenticate", guard: alone, authenticator: authenticator);

impl ApiKeyLayer {
    /// Creates a layer with the defaults of [`ApiKeyLayerBuilder`]: live keys, by the system clock.
    pub fn new(scheme: KeyScheme, store: impl KeyStore) -> Self {
        let authenticator = Self::builder(scheme, store).into_authenticator(DEFAULT_CHALLENGE);
        Self {
            alone: AuthenticateLayer::new(authenticator.clone()),
            authenticator,
        }
    }

    /// Starts to configure a layer that accepts keys of `scheme` with a record in `store`.
    pub fn builder(scheme: KeyScheme, store: impl KeyStore) -> ApiKeyLayerBuilder {
        ApiKeyLayerBuilder::new(scheme, Arc::new(store))
    }
}

impl fmt::Debug for ApiKeyLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.authenticator.0.fmt(f)
    }
}
