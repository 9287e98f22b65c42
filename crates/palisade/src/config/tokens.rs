//! `[[tokens]]`: issuers of JSON Web Tokens.

use super::{Config, ConfigFileError};
use crate::ShieldBuilder;

#[cfg(not(feature = "jwt"))]
impl Config {
    pub(super) fn tokens(&self, shield: ShieldBuilder) -> Result<ShieldBuilder, ConfigFileError> {
        let Some(tokens) = self.document.tokens.first() else {
            return Ok(shield);
        };
        let remedy = "build with the feature `jwt`, or remove the section";
        Err(self
            .source
            .at(&tokens.issuer, "this build cannot read tokens", remedy))
    }
}

#[cfg(feature = "jwt")]
impl Config {
    pub(super) fn tokens(&self, shield: ShieldBuilder) -> Result<ShieldBuilder, ConfigFileError> {
        use palisade_jwt::{JwtLayer, Verifier};

        let Some(first) = self.document.tokens.first() else {
            return Ok(shield);
        };
        let mut verifier = Verifier::builder();
        for tokens in &self.document.tokens {
            verifier = verifier.issuer(self.issuer(tokens)?);
        }
        let verifier = verifier.build().map_err(|problem| {
            self.source
                .at(&first.issuer, problem, "correct the sections `tokens`")
        })?;
        Ok(shield.authenticate(JwtLayer::new(verifier)))
    }

    fn issuer(
        &self,
        tokens: &super::document::Tokens,
    ) -> Result<palisade_jwt::Issuer, ConfigFileError> {
        let keys = match (&tokens.jwks_file, &tokens.jwks_url) {
            (Some(file), None) => self.jwks_file(file)?,
            (None, Some(url)) => self.jwks_url(url)?,
            _ => {
                let remedy = "write one of jwks_file = \"jwks.json\" and jwks_url = \"https://..\"";
                return Err(self
                    .source
                    .at(&tokens.issuer, "it needs one source of keys", remedy));
            }
        };
        let issuer = tokens.issuer.get_ref().as_str();
        let issuer = palisade_jwt::Issuer::new(issuer, tokens.audience.as_str(), keys);
        Ok(match &tokens.label {
            Some(label) => issuer.label(label.as_str()),
            None => issuer,
        })
    }

    fn jwks_file(
        &self,
        file: &toml::Spanned<std::path::PathBuf>,
    ) -> Result<palisade_jwt::Keys, ConfigFileError> {
        let set = palisade_jwt::KeySet::from_jwks_file(self.path(file.get_ref()));
        let set = set.map_err(|problem| {
            let remedy = "name a file with a JSON Web Key Set (RFC 7517)";
            self.source.at(file, problem, remedy)
        })?;
        Ok(set.into())
    }

    #[cfg(feature = "jwks-url")]
    fn jwks_url(&self, url: &toml::Spanned<String>) -> Result<palisade_jwt::Keys, ConfigFileError> {
        let source = palisade_jwt::JwksUrl::new(url.get_ref()).map_err(|problem| {
            self.source
                .at(url, problem, "write an address that begins with https://")
        })?;
        source.keep_fresh();
        Ok(source.into())
    }

    #[cfg(not(feature = "jwks-url"))]
    fn jwks_url(&self, url: &toml::Spanned<String>) -> Result<palisade_jwt::Keys, ConfigFileError> {
        let remedy = "build with the feature `jwks-url`, or write jwks_file";
        Err(self.source.at(url, "this build cannot fetch keys", remedy))
    }
}
