//! Makes a resource server of its choices, and refuses what would accept tokens of other resources.

#[cfg(feature = "jwks-url")]
use std::sync::Arc;

#[cfg(feature = "jwks-url")]
use palisade_core::Authenticator;

#[cfg(feature = "jwks-url")]
use super::opaque_tokens::build_introspection;
use super::{
    Resource, ResourceServer, ResourceServerBuildError, builder::ResourceServerBuilder,
    metadata::Description, uri::ResourceUri,
};
use crate::{
    claims::is_scope,
    dpop::DpopProofs,
    error::JwtBuildError,
    layer::JwtLayer,
    verifier::{Issuer, Verifier},
};

impl ResourceServerBuilder {
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
        let mut description = self.description.clone();
        description.authorization_servers = issuers.iter().map(|one| one.name().into()).collect();
        if self.verifier.has_issuers() {
            return Err(ResourceServerBuildError::IssuersInVerifier);
        }
        let verifier = self.verifier.clone().issuers(issuers).build()?;
        let layer = self.token_layer(&verifier, &uri, &mut description)?;
        #[cfg(feature = "jwks-url")]
        let introspection = self.opaque_tokens(&uri, &description)?;
        #[cfg(not(feature = "jwks-url"))]
        let introspection = None;
        let metadata_parameter = format!("resource_metadata=\"{}\"", uri.metadata_url());
        Ok(ResourceServer::new(Resource {
            layer,
            introspection,
            metadata_parameter: metadata_parameter.into(),
            initial_scopes: self.initial_scopes.into(),
            description,
            uri,
        }))
    }

    /// Makes what decides about signed tokens, and describes which proofs it accepts.
    fn token_layer(
        &self,
        verifier: &Verifier,
        uri: &ResourceUri,
        description: &mut Description,
    ) -> Result<JwtLayer, ResourceServerBuildError> {
        let ours = self.implied.iter().fold(
            JwtLayer::builder(verifier.clone()),
            |layer, (broad, narrow)| layer.scope_implies(broad.clone(), narrow.iter().cloned()),
        );
        let choices = self.layer_choices.iter();
        let mut layer = choices.fold(ours, |layer, choice| choice(layer));
        // A function could return another builder, whose verifier compares another audience.
        if !layer.has_verifier(verifier) {
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
        layer.build().map_err(Into::into)
    }

    /// Makes what asks the issuer about the tokens that only it can read.
    #[cfg(feature = "jwks-url")]
    fn opaque_tokens(
        &self,
        uri: &ResourceUri,
        description: &Description,
    ) -> Result<Option<Arc<dyn Authenticator>>, ResourceServerBuildError> {
        let Some(introspection) = self.introspection.clone() else {
            return Ok(None);
        };
        let all = self.implied.iter().cloned();
        let introspection = all.fold(introspection, |introspection, (broad, narrow)| {
            introspection.scope_implies(broad, narrow)
        });
        let requires_proofs = description
            .dpop
            .as_ref()
            .is_some_and(|(_, required)| *required);
        let accept_other = self.accept_other_audiences;
        build_introspection(introspection, uri, accept_other, requires_proofs)
            .map(|introspection| Some(Arc::new(introspection) as Arc<dyn Authenticator>))
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
