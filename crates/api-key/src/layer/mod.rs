//! The layer that asks for keys.

mod builder;
mod gate;
#[cfg(feature = "axum")]
mod original_uri;

use std::{fmt, sync::Arc};

use http::{HeaderValue, request};
use palisade_core::{
    AuthenticateLayer, Authenticator, AuthenticatorId, Credential, CredentialSource, Guard, Mode,
    Principal, SecurityContext, Verdict, layer,
};

pub use self::builder::{ApiKeyLayerBuilder, ApiKeyLayerError};
use self::gate::Gate;
use crate::{KeyScheme, KeyStore};

/// Asks for a key, in `X-API-Key` or as bearer token, and leaves its [`Principal`] for everyone further in.
///
/// A layer by itself, or one of several in [`AuthenticateLayer::any`]; there [`optional`](ApiKeyLayerBuilder::optional)
/// and shadow are said to that layer. The crate's front page has examples.
#[derive(Clone)]
#[must_use]
pub struct ApiKeyLayer {
    gate: Gate,
    alone: AuthenticateLayer,
}

layer!(ApiKeyLayer);

impl ApiKeyLayer {
    /// Takes live keys of a scheme, by the system's clock.
    ///
    /// # Errors
    ///
    /// When the operating system gives no random bytes.
    pub fn new(scheme: KeyScheme, store: impl KeyStore) -> Result<Self, ApiKeyLayerError> {
        Self::builder(scheme, store).build()
    }

    /// Starts to choose.
    pub fn builder(scheme: KeyScheme, store: impl KeyStore) -> ApiKeyLayerBuilder {
        ApiKeyLayerBuilder::new(scheme, Arc::new(store))
    }
}

impl Guard for ApiKeyLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        self.alone.name()
    }

    fn mode(&self) -> Mode {
        self.alone.mode()
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        self.alone.admit(cx, head)
    }
}

impl Authenticator for ApiKeyLayer {
    fn id(&self) -> AuthenticatorId {
        self.gate.id()
    }

    fn kind(&self) -> &'static str {
        self.gate.kind()
    }

    fn sources(&self) -> Vec<CredentialSource> {
        self.gate.sources()
    }

    fn authenticate(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal> {
        self.gate.authenticate(cx, head, credential)
    }

    fn exposed(&self, cx: &SecurityContext, credential: &Credential) -> Option<Box<str>> {
        self.gate.exposed(cx, credential)
    }

    fn challenge(&self) -> HeaderValue {
        self.gate.challenge()
    }
}

impl fmt::Debug for ApiKeyLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.gate.0.fmt(f)
    }
}
