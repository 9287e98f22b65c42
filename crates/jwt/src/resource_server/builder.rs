//! The choices of a resource server. `build` refuses what would accept tokens of other resources.

use std::{fmt, sync::Arc};

use palisade_core::SharedClock;

use super::{
    Resource, ResourceServer, ResourceServerBuildError, metadata::Description, uri::ResourceUri,
};
use crate::{
    claims::is_scope,
    dpop::{DpopProofs, DpopProofsBuilder},
    error::JwtBuildError,
    layer::{JwtLayer, JwtLayerBuilder},
    verifier::{Issuer, Verifier, VerifierBuilder},
};

type DpopChoice = Arc<dyn Fn(DpopProofsBuilder) -> DpopProofsBuilder + Send + Sync>;
type LayerChoice = Arc<dyn Fn(JwtLayerBuilder) -> JwtLayerBuilder + Send + Sync>;

/// Configures a [`ResourceServer`]. Made by [`ResourceServer::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`authorization_server`](Self::authorization_server) | none; at least one is required |
/// | [`scopes`](Self::scopes) | none: the document names no scopes |
/// | [`initial_scopes`](Self::initial_scopes) | none: a challenge has the scopes of the rule |
/// | [`scope_implies`](Self::scope_implies) | scopes include no others |
/// | [`dpop`](Self::dpop) | tokens that are bound to a key are refused |
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
    uri: Box<str>,
    accept_http: bool,
    accept_other_audiences: bool,
    issuers: Vec<Issuer>,
    /// Names of issuers whose keys are found by discovery.
    #[cfg(feature = "jwks-url")]
    discovered: Vec<Box<str>>,
    description: Description,
    initial_scopes: Vec<Box<str>>,
    verifier: VerifierBuilder,
    /// Changes the choices of proofs, if they are accepted.
    dpop: Option<DpopChoice>,
    /// In the order of the calls.
    layer_choices: Vec<LayerChoice>,
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
        self,
        broad: impl Into<Box<str>>,
        narrow: impl IntoIterator<Item = S>,
    ) -> Self {
        let broad = broad.into();
        let narrow: Vec<Box<str>> = narrow.into_iter().map(Into::into).collect();
        self.tokens(move |layer| layer.scope_implies(broad.clone(), narrow.iter().cloned()))
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

    /// Sets the clock for the dates of tokens. Default: the system clock.
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

    /// Builds the server. Nothing is fetched.
    ///
    /// # Errors
    ///
    /// [`ResourceServerBuildError`] if the identifier cannot be used, there is no authorization
    /// server, an issuer accepts another audience, a scope is malformed, a choice of the verifier or
    /// the layer is refused, or issuers, proofs or another verifier were given to these.
    pub fn build(self) -> Result<ResourceServer, ResourceServerBuildError> {
        let uri = ResourceUri::parse(&self.uri, self.accept_http)
            .map_err(|problem| ResourceServerBuildError::Uri(self.uri.clone(), problem))?;
        self.check_scopes()?;
        let issuers = self.issuers(&uri)?;
        if issuers.is_empty() {
            return Err(ResourceServerBuildError::NoAuthorizationServer);
        }
        let mut description = self.description;
        description.authorization_servers = issuers.iter().map(|one| one.name().into()).collect();
        if self.verifier.has_issuers() {
            return Err(ResourceServerBuildError::IssuersInVerifier);
        }
        let verifier = self.verifier.issuers(issuers).build()?;
        let choices = self.layer_choices.iter();
        let ours = JwtLayer::builder(verifier.clone());
        let mut layer = choices.fold(ours, |layer, choice| choice(layer));
        // A function could return another builder, whose verifier compares another audience.
        if !layer.has_verifier(&verifier) {
            return Err(ResourceServerBuildError::VerifierInTokens);
        }
        if layer.has_dpop() {
            return Err(ResourceServerBuildError::ProofsInTokens);
        }
        if let Some(change) = &self.dpop {
            let proofs = change(DpopProofs::builder(uri.origin())).build()?;
            if !proofs.has_origin(uri.origin()) {
                return Err(ResourceServerBuildError::OriginInDpop);
            }
            description.dpop = Some((proofs.algorithm_names(), proofs.are_required()));
            layer = layer.dpop(proofs);
        }
        let layer = layer.build().map_err(|error| match error {
            JwtBuildError::Scope(scope) => ResourceServerBuildError::Scope(scope),
            other => other.into(),
        })?;
        let metadata_parameter = format!("resource_metadata=\"{}\"", uri.metadata_url());
        Ok(ResourceServer::new(Resource {
            layer,
            metadata_parameter: metadata_parameter.into(),
            initial_scopes: self.initial_scopes.into(),
            description,
            uri,
        }))
    }

    fn check_scopes(&self) -> Result<(), ResourceServerBuildError> {
        let mut all = self.description.scopes.iter().chain(&self.initial_scopes);
        match all.find(|scope| !is_scope(scope)) {
            Some(scope) => Err(ResourceServerBuildError::Scope(scope.clone())),
            None => Ok(()),
        }
    }

    /// Returns the issuers, each with the audience of the resource.
    fn issuers(&self, uri: &ResourceUri) -> Result<Vec<Issuer>, ResourceServerBuildError> {
        let audiences = uri.audiences();
        let parse = |audience: &str| ResourceUri::parse(audience, self.accept_http);
        let is_ours = |audience: &str| parse(audience).is_ok_and(|other| other == *uri);
        for issuer in &self.issuers {
            let ours = issuer.audiences().iter().all(|audience| is_ours(audience));
            let other = !ours || issuer.has_audience_claim();
            if other && !self.accept_other_audiences {
                return Err(ResourceServerBuildError::Audience {
                    issuer: issuer.name().into(),
                    resource: uri.as_str().into(),
                });
            }
        }
        // An issuer that compares another claim keeps what it was given.
        let add = |issuer: Issuer| match issuer.has_audience_claim() {
            true => issuer,
            false => audiences
                .iter()
                .fold(issuer, |it, name| it.or_audience(&**name)),
        };
        let issuers = self.issuers.iter().cloned().chain(self.discover_all(uri)?);
        Ok(issuers.map(add).collect())
    }

    /// Returns the issuers whose keys are found by discovery.
    #[cfg(feature = "jwks-url")]
    fn discover_all(&self, uri: &ResourceUri) -> Result<Vec<Issuer>, JwtBuildError> {
        let issuer = |name: &str| {
            let keys = crate::jwks::JwksUrl::discover(name)?;
            Ok(Issuer::new(name, uri.as_str(), keys))
        };
        let names = self.discovered.iter();
        names.map(|name| issuer(name)).collect()
    }

    /// Returns none: this build cannot fetch keys.
    #[cfg(not(feature = "jwks-url"))]
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "the same signature with and without the feature"
    )]
    fn discover_all(&self, _: &ResourceUri) -> Result<Vec<Issuer>, JwtBuildError> {
        Ok(Vec::new())
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
