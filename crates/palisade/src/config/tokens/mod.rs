//! What decides about tokens: `[[tokens]]`, `[[resource_servers]]`, `[dpop]`, `[introspection]` and
//! `[revoked_tokens]`.
//!
//! All issuers go into one verifier, since several authenticators may not read the same header.
//! Without the feature `jwt` these sections are errors, not ignored.

#[cfg(feature = "jwt")]
mod resource_servers;
#[cfg(feature = "jwt")]
mod proofs;
#[cfg(feature = "jwks-url")]
mod introspection;
#[cfg(feature = "jwt")]
mod rules;
#[cfg(feature = "jwt")]
mod issuer_keys;

#[cfg(feature = "jwt")]
use std::sync::Arc;

#[cfg(feature = "jwt")]
use palisade_core::{AuthenticateLayer, Authenticator};
#[cfg(feature = "jwt")]
use palisade_jwt::{
    JwtLayer, Verifier, resource_server::ResourceServer, revocation::RevokedTokensFile,
};

use crate::config::{Config, ConfigFileError};
#[cfg(feature = "jwt")]
use crate::config::{document::Tokens, tokens::issuer_keys::OpenedIssuer};
use crate::shield::ShieldBuilder;

/// The sections that only have an effect with `[[tokens]]`, and a key of each.
const NEED_TOKENS: [(&str, &str); 3] = [
    ("dpop", "origin"),
    ("resource_servers", "resource"),
    ("revoked_tokens", "file"),
];

/// The list of `[revoked_tokens]`, which ends sessions too. Opened once.
#[cfg(feature = "jwt")]
pub(in crate::config) type RevokedList = Option<RevokedTokensFile>;
/// The proofs of possession that were used, which a reload continues.
#[cfg(feature = "jwt")]
pub(in crate::config) type UsedProofs = palisade_jwt::dpop::ProofMemory;
/// This build reads no proofs.
#[cfg(not(feature = "jwt"))]
pub(in crate::config) type UsedProofs = ();
/// This build reads no tokens.
#[cfg(not(feature = "jwt"))]
pub(in crate::config) type RevokedList = ();

#[cfg(not(feature = "jwt"))]
impl Config {
    /// Refuses the sections: this build has no verifier.
    ///
    /// # Errors
    ///
    /// The file has such a section.
    pub(in crate::config) fn tokens(
        &self,
        shield: ShieldBuilder,
        _: &UsedProofs,
    ) -> Result<(ShieldBuilder, RevokedList), ConfigFileError> {
        let all = [("tokens", "issuer"), ("introspection", "url")];
        let mut sections = all.iter().chain(&NEED_TOKENS);
        match sections.find(|(section, _)| self.source.has(&[section])) {
            None => Ok((shield, ())),
            Some((section, key)) => {
                let remedy = "build with the feature `jwt`, or remove the section";
                let problem = "this build cannot read tokens";
                Err(self.source.key_error(section, key, problem, remedy))
            }
        }
    }
}

/// What verifies signed tokens.
#[cfg(feature = "jwt")]
enum SignedTokens {
    /// Without `[[resource_servers]]`.
    Layer(JwtLayer),
    /// With them.
    ResourceServer(ResourceServer),
}

#[cfg(feature = "jwt")]
impl Config {
    /// Adds the authenticators of bearer tokens, if the file names an issuer. Also returns the list of revoked
    /// tokens, which ends the sessions that they opened.
    ///
    /// # Errors
    ///
    /// An issuer, its keys or a rule cannot be used.
    pub(in crate::config) fn tokens(
        &self,
        shield: ShieldBuilder,
        used: &UsedProofs,
    ) -> Result<(ShieldBuilder, RevokedList), ConfigFileError> {
        let (signed, revoked) = self.signed_tokens(used)?;
        let shield = match signed {
            None => shield,
            Some(SignedTokens::Layer(layer)) => shield.authenticate(layer),
            Some(SignedTokens::ResourceServer(server)) => shield.resource_server(server),
        };
        let shield = match self.introspection()? {
            None => shield,
            Some(introspection) => shield.authenticate(introspection),
        };
        Ok((shield, revoked))
    }

    /// Returns what decides about tokens, alone: for tools that say what the service would do with a
    /// token. `None` if the file accepts no token.
    ///
    /// Like [`assemble`](Self::assemble) it opens the files of keys, and starts to fetch those of an
    /// address; so it needs a tokio runtime where the file has one.
    ///
    /// # Errors
    ///
    /// As [`assemble`](Self::assemble), for the sections about tokens.
    ///
    /// ```
    /// use palisade::config::Config;
    ///
    /// let config = Config::parse("server.hosts = ['notes.example']")?;
    /// assert!(config.token_layer()?.is_none());
    /// # Ok::<(), palisade::config::ConfigFileError>(())
    /// ```
    pub fn token_layer(&self) -> Result<Option<AuthenticateLayer>, ConfigFileError> {
        let mut all: Vec<Arc<dyn Authenticator>> = Vec::new();
        match self.signed_tokens(&UsedProofs::new())?.0 {
            None => {}
            Some(SignedTokens::Layer(layer)) => all.push(Arc::new(layer)),
            Some(SignedTokens::ResourceServer(server)) => all.push(Arc::new(server)),
        }
        if let Some(introspection) = self.introspection()? {
            all.push(Arc::new(introspection));
        }
        if all.is_empty() {
            return Ok(None);
        }
        let layer = AuthenticateLayer::builder().authenticators(all).build();
        layer.map(Some).map_err(|problem| {
            let remedy = "correct the sections about tokens";
            self.source.whole(problem, remedy)
        })
    }

    /// Makes what verifies signed tokens, if there is an issuer, and opens the list of revoked ones.
    ///
    /// # Errors
    ///
    /// An issuer, its keys or a rule cannot be used.
    fn signed_tokens(
        &self,
        used: &UsedProofs,
    ) -> Result<(Option<SignedTokens>, RevokedList), ConfigFileError> {
        let sections = &self.document.tokens;
        let Some(first) = sections.first() else {
            self.refuse_without_issuer()?;
            return Ok((None, self.revocation_list()?));
        };
        let opened = sections.iter().map(|section| self.open_issuer(section));
        let issuers = opened.collect::<Result<Vec<_>, _>>()?;
        let revoked = self.revocation_list()?;
        let signed = match self.document.resource_servers.is_empty() {
            true => SignedTokens::Layer(self.jwt_layer(first, &issuers, revoked.clone(), used)?),
            false => SignedTokens::ResourceServer(self.resource_server(
                &issuers,
                revoked.clone(),
                used,
            )?),
        };
        Ok((Some(signed), revoked))
    }

    /// Refuses sections that would have no effect.
    ///
    /// # Errors
    ///
    /// There is such a section and no issuer.
    fn refuse_without_issuer(&self) -> Result<(), ConfigFileError> {
        // Beside sessions it stays in the file when the last issuer is removed for a while.
        let is_kept = |section: &str| section == "revoked_tokens" && self.source.has(&["session"]);
        let mut sections = NEED_TOKENS.iter().filter(|(section, _)| !is_kept(section));
        match sections.find(|(section, _)| self.source.has(&[section])) {
            None => Ok(()),
            Some((section, key)) => {
                let problem = "no signed token is accepted, so the section has no effect";
                let remedy = "add a section [[tokens]], or remove this one";
                Err(self.source.key_error(section, key, problem, remedy))
            }
        }
    }

    /// Makes the layer for a service that is no resource server. `first` is named by errors about all
    /// issuers together.
    ///
    /// # Errors
    ///
    /// The issuers do not fit together, such as two without a label.
    fn jwt_layer(
        &self,
        first: &Tokens,
        issuers: &[OpenedIssuer<'_>],
        revoked: RevokedList,
        used: &UsedProofs,
    ) -> Result<JwtLayer, ConfigFileError> {
        let fault = |problem: palisade_jwt::JwtBuildError| {
            let remedy = "correct the sections `tokens`";
            self.source.at(&first.issuer, problem, remedy)
        };
        let mut verifier = Verifier::builder();
        for opened in issuers {
            let section = opened.section;
            let Some(audience) = &section.audience else {
                let problem = "the tokens of the issuer need an audience";
                let remedy = "write audience = \"https://this-service.example\", or add [[resource_servers]]";
                return Err(self.source.at(&section.issuer, problem, remedy));
            };
            verifier = verifier.issuer(self.issuer(opened, audience.get_ref())?);
        }
        if let Some(step) = self.clock_step()? {
            verifier = verifier.max_clock_step(step);
        }
        let mut layer = JwtLayer::builder(verifier.build().map_err(fault)?);
        if let Some(realm) = self.token_realm()? {
            layer = layer.realm(realm.as_str());
        }
        if let Some(list) = revoked {
            layer = layer.revocation_list(list);
        }
        if let Some(proofs) = self.proofs_of_origin(used)? {
            layer = layer.dpop(proofs);
        }
        layer.build().map_err(fault)
    }
}

#[cfg(all(feature = "jwt", not(feature = "jwks-url")))]
impl Config {
    /// Refuses the section: this build cannot ask an issuer.
    ///
    /// # Errors
    ///
    /// The file has the section.
    fn introspection(&self) -> Result<Option<JwtLayer>, ConfigFileError> {
        let Some(section) = &self.document.introspection else {
            return Ok(None);
        };
        let remedy = "build with the feature `jwks-url`, or remove the section";
        let problem = "this build cannot ask an issuer about tokens";
        Err(self.source.at(&section.url, problem, remedy))
    }

    /// Adds nothing: the section is an error of this build.
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "the same signature with and without the feature"
    )]
    pub(in crate::config) fn with_introspection(
        &self,
        server: palisade_jwt::resource_server::ResourceServerBuilder,
        _: &crate::config::document::ResourceServers,
    ) -> Result<palisade_jwt::resource_server::ResourceServerBuilder, ConfigFileError> {
        Ok(server)
    }
}
