//! The choices of a resource server.

use std::{fmt, sync::Arc};

use palisade_core::SharedClock;

use super::metadata::Description;
#[cfg(feature = "jwks-url")]
use crate::introspection::TokenIntrospectionBuilder;
use crate::{
    dpop::DpopProofsBuilder,
    layer::JwtLayerBuilder,
    verifier::{Issuer, Verifier, VerifierBuilder},
};

pub(super) type DpopChoice = Arc<dyn Fn(DpopProofsBuilder) -> DpopProofsBuilder + Send + Sync>;
pub(super) type LayerChoice = Arc<dyn Fn(JwtLayerBuilder) -> JwtLayerBuilder + Send + Sync>;

/// Configures a [`ResourceServer`](crate::resource_server::ResourceServer). Made by [`ResourceServer::builder`](crate::resource_server::ResourceServer::builder).
///
/// | choice | default |
/// |---|---|
/// | [`authorization_server`](Self::authorization_server) | none; at least one is required |
/// | [`scopes`](Self::scopes) | none: the document names no scopes |
/// | [`initial_scopes`](Self::initial_scopes) | none: a challenge has the scopes of the rule |
/// | [`scope_implies`](Self::scope_implies) | scopes include no others |
/// | [`dpop`](Self::dpop) | tokens that are bound to a key are refused |
/// | `introspection` (feature `jwks-url`) | tokens that only the issuer can read are refused |
/// | [`name`](Self::name), [`documentation`](Self::documentation) | none |
/// | [`verifier`](Self::verifier) | that of [`VerifierBuilder`] |
/// | [`tokens`](Self::tokens) | that of [`JwtLayerBuilder`] |
/// | [`clock`](Self::clock) | the system clock |
/// | audience | the canonical identifier of the resource, and nothing else |
///
/// ```
/// use palisade_jwt::{Algorithm, Issuer, mint::SigningKey};
/// use palisade_jwt::resource_server::{ResourceServer, ResourceServerBuildError};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = SigningKey::generate(Algorithm::Es256)?.verifying_key();
///
/// // The token of another service would be accepted: refused.
/// let shared = Issuer::new("https://login.example", "everything", key);
/// let built = ResourceServer::builder("https://tts.example/mcp")
///     .authorization_server(shared)
///     .build();
/// assert!(matches!(built, Err(ResourceServerBuildError::Audience { .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct ResourceServerBuilder {
    /// As it was given; checked by `build`.
    pub(super) uri: Box<str>,
    pub(super) accept_http: bool,
    pub(super) accept_other_audiences: bool,
    pub(super) issuers: Vec<Issuer>,
    /// Names of issuers whose keys are found by discovery.
    #[cfg(feature = "jwks-url")]
    pub(super) discovered: Vec<Box<str>>,
    pub(super) description: Description,
    pub(super) initial_scopes: Vec<Box<str>>,
    pub(super) verifier: VerifierBuilder,
    /// Changes the choices of proofs, if they are accepted.
    pub(super) dpop: Option<DpopChoice>,
    /// In the order of the calls.
    pub(super) layer_choices: Vec<LayerChoice>,
    /// Broader scopes, and those that each includes.
    pub(super) implied: Vec<(Box<str>, Vec<Box<str>>)>,
    #[cfg(feature = "jwks-url")]
    pub(super) introspection: Option<TokenIntrospectionBuilder>,
}

impl ResourceServerBuilder {
    pub(super) fn new(uri: Box<str>) -> Self {
        Self {
            uri,
            accept_http: false,
            accept_other_audiences: false,
            issuers: Vec::new(),
            #[cfg(feature = "jwks-url")]
            discovered: Vec::new(),
            description: Description::default(),
            initial_scopes: Vec::new(),
            verifier: Verifier::builder(),
            dpop: None,
            layer_choices: Vec::new(),
            implied: Vec::new(),
            #[cfg(feature = "jwks-url")]
            introspection: None,
        }
    }

    /// Adds an authorization server: an [`Issuer`] whose only audience is the resource. May be
    /// called several times; each issuer then needs an [`Issuer::label`].
    ///
    /// Its name is published in the metadata, so clients find it.
    pub fn authorization_server(mut self, issuer: Issuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Adds an authorization server by its name. Its keys are found by discovery (OpenID Connect
    /// Discovery 1.0), fetched with the first token and refreshed ahead of their expiry.
    ///
    /// For other bounds of the fetch, or metadata of OAuth (RFC 8414), pass an [`Issuer`] with a
    /// [`JwksUrl`](crate::JwksUrl) to [`authorization_server`](Self::authorization_server).
    #[cfg(feature = "jwks-url")]
    pub fn discover(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.discovered.push(issuer.into());
        self
    }

    /// Sets the scopes that the metadata names (`scopes_supported`): those for basic use, which a
    /// client asks for first. Default: none.
    pub fn scopes<S: Into<Box<str>>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.description.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the scopes that a challenge asks for on routes whose rule names none. Default: none, and
    /// a client asks for those of the metadata.
    pub fn initial_scopes<S: Into<Box<str>>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.initial_scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Lets a broader scope include narrower ones. Default: scopes include no others. See
    /// [`JwtLayerBuilder::scope_implies`].
    pub fn scope_implies<S: Into<Box<str>>>(
        mut self,
        broad: impl Into<Box<str>>,
        narrow: impl IntoIterator<Item = S>,
    ) -> Self {
        let narrow = narrow.into_iter().map(Into::into).collect();
        self.implied.push((broad.into(), narrow));
        self
    }

    /// Sets the name of the resource for people (`resource_name`). Default: none.
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.description.name = Some(name.into());
        self
    }

    /// Sets the address of documentation for developers (`resource_documentation`). Default: none.
    pub fn documentation(mut self, url: impl Into<Box<str>>) -> Self {
        self.description.documentation = Some(url.into());
        self
    }

    /// Changes the choices of the verifier, such as leeway or accepted types. An issuer added here is
    /// an error of [`build`](Self::build): its audience would not be compared with the resource.
    ///
    /// ```
    /// # use palisade_jwt::resource_server::ResourceServer;
    /// let builder = ResourceServer::builder("https://tts.example/mcp")
    ///     .verifier(|verifier| verifier.only_access_tokens());
    /// # let _ = builder;
    /// ```
    pub fn verifier(mut self, change: impl FnOnce(VerifierBuilder) -> VerifierBuilder) -> Self {
        self.verifier = change(self.verifier);
        self
    }

    /// Changes the choices of the layer, such as the claims of a principal, the realm or the list of
    /// revoked tokens. Its `optional` and `dangerously_only_shadow` have no effect here.
    ///
    /// Its `dpop` is an error of [`build`](Self::build): use [`dpop`](Self::dpop). So is a builder of
    /// another layer: its verifier would not compare the audience with the resource.
    pub fn tokens(
        mut self,
        change: impl Fn(JwtLayerBuilder) -> JwtLayerBuilder + Send + Sync + 'static,
    ) -> Self {
        self.layer_choices.push(Arc::new(change));
        self
    }

    /// Accepts tokens that are bound to a key of the client, with a proof of possession (DPoP, RFC
    /// 9449), and says so in the metadata. Default: such tokens are refused.
    ///
    /// The origin of the proofs is that of the resource; a builder of another origin is an error of
    /// [`build`](Self::build).
    ///
    /// ```
    /// # use palisade_jwt::resource_server::ResourceServer;
    /// let builder = ResourceServer::builder("https://tts.example/mcp")
    ///     .dpop(|proofs| proofs.require_nonces().require_proofs());
    /// # let _ = builder;
    /// ```
    pub fn dpop(
        mut self,
        change: impl Fn(DpopProofsBuilder) -> DpopProofsBuilder + Send + Sync + 'static,
    ) -> Self {
        self.dpop = Some(Arc::new(change));
        self
    }

    /// Accepts bearer tokens that only the issuer can read (without a dot): it is asked about each (RFC
    /// 7662). Default: such tokens are refused.
    ///
    /// The audience is the resource: a builder that has one is an error of [`build`](Self::build), unless
    /// other audiences are [accepted](Self::dangerously_accept_other_audiences). So are
    /// [required proofs](crate::dpop::DpopProofsBuilder::require_proofs), since such a token is sent
    /// without one. [`scope_implies`](Self::scope_implies) counts for these tokens too; the choices of
    /// [`tokens`](Self::tokens) do not. The issuer says itself which of its tokens are revoked.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use palisade_core::Secret;
    /// use palisade_jwt::{introspection::TokenIntrospection, resource_server::ResourceServer};
    ///
    /// let secret = Secret::new(std::fs::read("introspection.secret")?);
    /// let opaque = TokenIntrospection::builder("https://login.example/introspect").client("tts", &secret);
    /// let server = ResourceServer::builder("https://tts.example/mcp")
    ///     .discover("https://login.example")
    ///     .introspection(opaque)
    ///     .build()?;
    /// # let _ = server;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "jwks-url")]
    pub fn introspection(mut self, introspection: TokenIntrospectionBuilder) -> Self {
        self.introspection = Some(introspection);
        self
    }

    /// Sets the clock for the dates of tokens. Default: the system clock. Introspection has its own.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.verifier = self.verifier.clock(clock);
        self
    }

    /// Accepts issuers with another audience than the resource, or with
    /// [`Issuer::audience_claim`]. For authorization servers that do not know resource indicators
    /// (RFC 8707). A token that a client got for another service with that audience is then valid
    /// here, and this service could use it there in the client's name.
    pub fn dangerously_accept_other_audiences(mut self) -> Self {
        self.accept_other_audiences = true;
        self
    }

    /// Accepts a resource whose identifier begins with `http://`. For development and tests: tokens
    /// could be read on their way.
    pub fn dangerously_accept_plain_http(mut self) -> Self {
        self.accept_http = true;
        self
    }
}

impl fmt::Debug for ResourceServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceServerBuilder")
            .field("uri", &self.uri)
            .field("issuers", &self.issuers)
            .field("description", &self.description)
            .field("initial_scopes", &self.initial_scopes)
            .field("accept_other_audiences", &self.accept_other_audiences)
            .finish_non_exhaustive()
    }
}
