//! `[[tokens]]`: the issuers of JSON Web Tokens (RFC 7519).
//!
//! All issuers go into one verifier, since several authenticators may not read the same header.
//! Without the feature `jwt` a section `tokens` is an error, not ignored.

#[cfg(feature = "jwt")]
use std::time::Duration;

use super::{Config, ConfigFileError};
#[cfg(feature = "jwt")]
use super::{
    keys::LONGEST_STALE_MINUTES,
    numbers::{Number, TimeUnit},
};
use crate::shield::ShieldBuilder;

#[cfg(not(feature = "jwt"))]
impl Config {
    /// Refuses the section: this build has no verifier.
    pub(super) fn tokens(&self, shield: ShieldBuilder) -> Result<ShieldBuilder, ConfigFileError> {
        let remedy = "build with the feature `jwt`, or remove the section";
        if let Some(revoked) = &self.document.revoked_tokens {
            let problem = "this build cannot read tokens";
            return Err(self.source.at(&revoked.file, problem, remedy));
        }
        let Some(tokens) = self.document.tokens.first() else {
            return Ok(shield);
        };
        Err(self
            .source
            .at(&tokens.issuer, "this build cannot read tokens", remedy))
    }
}

/// The largest `max_lifetime_minutes`: ten years.
#[cfg(feature = "jwt")]
const LONGEST_LIFETIME_MINUTES: u64 = 10 * 366 * 24 * 60;

/// The largest `jwks_lifetime_minutes`: a day.
#[cfg(feature = "jwks-url")]
const DAY_IN_MINUTES: u64 = 24 * 60;

#[cfg(feature = "jwt")]
impl Config {
    /// Adds the authenticator of bearer tokens, if the file names an issuer.
    pub(super) fn tokens(&self, shield: ShieldBuilder) -> Result<ShieldBuilder, ConfigFileError> {
        use palisade_jwt::{JwtLayer, Verifier};

        let Some(first) = self.document.tokens.first() else {
            return match &self.document.revoked_tokens {
                None => Ok(shield),
                Some(revoked) => {
                    let remedy = "add a section [[tokens]], or remove this one";
                    let problem = "no token is accepted, so none can be revoked";
                    Err(self.source.at(&revoked.file, problem, remedy))
                }
            };
        };
        let mut verifier = Verifier::builder();
        for tokens in &self.document.tokens {
            verifier = verifier.issuer(self.issuer(tokens)?);
        }
        if let Some(step) = self.clock_step()? {
            verifier = verifier.max_clock_step(step);
        }
        let verifier = verifier.build().map_err(|problem| {
            self.source
                .at(&first.issuer, problem, "correct the sections `tokens`")
        })?;
        let mut layer = JwtLayer::builder(verifier);
        if let Some(revoked) = &self.document.revoked_tokens {
            layer = layer.revocation_list(self.revocation_list(&revoked.file)?);
        }
        let layer = layer.build().map_err(|problem| {
            self.source
                .at(&first.issuer, problem, "correct the sections `tokens`")
        })?;
        Ok(shield.authenticate(layer))
    }

    /// Opens the list of revoked tokens. Fails if it cannot be read; later failures keep the last
    /// entries for a limited time.
    fn revocation_list(
        &self,
        file: &toml::Spanned<std::path::PathBuf>,
    ) -> Result<palisade_jwt::revocation::RevokedTokensFile, ConfigFileError> {
        let path = self.path(file.get_ref());
        palisade_jwt::revocation::RevokedTokensFile::open(path).map_err(|problem| {
            let remedy = "make it with `palisade token revoke --list FILE`";
            self.source.at(file, problem, remedy)
        })
    }

    /// Reads the largest step back of the clock that is ignored. It is one value for all issuers:
    /// they share one clock.
    fn clock_step(&self) -> Result<Option<Duration>, ConfigFileError> {
        let mut sections = self.document.tokens.iter();
        let steps = sections
            .by_ref()
            .map(|tokens| &tokens.max_clock_step_minutes);
        let steps: Vec<_> = steps.filter(|step| step.is_some()).collect();
        let Some(first) = steps.first() else {
            return Ok(None);
        };
        let value = |step: &Number| step.as_ref().map(|step| *step.get_ref());
        let other = steps.iter().find(|step| value(step) != value(first));
        if let Some(Some(other)) = other {
            let problem = "another issuer has another value, and all share one clock";
            return Err(self.source.at(other, problem, "write it once"));
        }
        self.time(first, TimeUnit::Minutes, LONGEST_STALE_MINUTES)
    }

    /// Makes one issuer. Fails unless there is exactly one source of keys.
    fn issuer(
        &self,
        tokens: &super::document::Tokens,
    ) -> Result<palisade_jwt::Issuer, ConfigFileError> {
        let preset = self.token_preset(tokens)?;
        let keys = match (&tokens.jwks_file, &tokens.jwks_url, &preset) {
            (Some(file), None, _) if !tokens.discovery => self.jwks_file(file, tokens)?,
            (None, Some(url), _) if !tokens.discovery => self.jwks_url(url, tokens)?,
            (None, None, _) if tokens.discovery => self.jwks_url(&tokens.issuer, tokens)?,
            (None, None, Some(preset)) => {
                let url = preset.jwks_url().to_owned();
                self.jwks_url(&toml::Spanned::new(tokens.issuer.span(), url), tokens)?
            }
            _ => {
                let remedy = "write one of jwks_file = \"jwks.json\", jwks_url = \"https://..\" and discovery = true";
                return Err(self
                    .source
                    .at(&tokens.issuer, "it needs one source of keys", remedy));
            }
        };
        let mut issuer = super::token_rules::issuer_of(preset, tokens, keys);
        if let Some(lifetime) = self.time(
            &tokens.max_lifetime_minutes,
            TimeUnit::Minutes,
            LONGEST_LIFETIME_MINUTES,
        )? {
            issuer = issuer.max_lifetime(lifetime);
        }
        if tokens.dangerously_accept_id_tokens {
            issuer = issuer.dangerously_accept_id_tokens();
        }
        if tokens.dangerously_ignore_confirmation {
            issuer = issuer.dangerously_ignore_confirmation();
        }
        let issuer = self.with_rules(issuer, tokens)?;
        Ok(match &tokens.label {
            Some(label) => issuer.label(label.as_str()),
            None => issuer,
        })
    }

    /// Opens a key set in a file. Fails if it cannot be read; later failures keep the last keys.
    fn jwks_file(
        &self,
        file: &toml::Spanned<std::path::PathBuf>,
        tokens: &super::document::Tokens,
    ) -> Result<palisade_jwt::IssuerKeys, ConfigFileError> {
        let mut keys = palisade_jwt::JwksFile::builder(self.path(file.get_ref()))
            .empty_set_revokes(tokens.empty_set_revokes);
        if let Some(age) = self.time(
            &tokens.max_stale_minutes,
            TimeUnit::Minutes,
            LONGEST_STALE_MINUTES,
        )? {
            keys = keys.max_stale_age(age);
        }
        if let Some(minutes) = &tokens.jwks_lifetime_minutes {
            let remedy = "remove it: the file is read again when it changes";
            let problem = "a file of keys has no lifetime";
            return Err(self.source.at(minutes, problem, remedy));
        }
        let keys = keys.open().map_err(|problem| {
            let remedy = "name a file with a JSON Web Key Set (RFC 7517)";
            self.source.at(file, problem, remedy)
        })?;
        Ok(keys.into())
    }

    /// Starts to fetch a key set in the background. A server that does not respond is no error
    /// here.
    #[cfg(feature = "jwks-url")]
    fn jwks_url(
        &self,
        url: &toml::Spanned<String>,
        tokens: &super::document::Tokens,
    ) -> Result<palisade_jwt::IssuerKeys, ConfigFileError> {
        let mut source = match tokens.discovery {
            true => palisade_jwt::JwksUrl::discovery_builder(url.get_ref()),
            false => palisade_jwt::JwksUrl::builder(url.get_ref()),
        }
        .empty_set_revokes(tokens.empty_set_revokes);
        if let Some(age) = self.time(
            &tokens.max_stale_minutes,
            TimeUnit::Minutes,
            LONGEST_STALE_MINUTES,
        )? {
            source = source.hard_age(age);
        }
        if let Some(lifetime) = self.time(
            &tokens.jwks_lifetime_minutes,
            TimeUnit::Minutes,
            DAY_IN_MINUTES,
        )? {
            source = source.lifetime(lifetime);
        }
        let source = source.build().map_err(|problem| {
            let remedy = "write an address that begins with https://, and max_stale_minutes of at least jwks_lifetime_minutes (default: 10)";
            self.source.at(url, problem, remedy)
        })?;
        source.keep_fresh();
        Ok(source.into())
    }

    /// Refuses the key: this build cannot fetch.
    #[cfg(not(feature = "jwks-url"))]
    fn jwks_url(
        &self,
        url: &toml::Spanned<String>,
        _: &super::document::Tokens,
    ) -> Result<palisade_jwt::IssuerKeys, ConfigFileError> {
        let remedy = "build with the feature `jwks-url`, or write jwks_file";
        Err(self.source.at(url, "this build cannot fetch keys", remedy))
    }
}
