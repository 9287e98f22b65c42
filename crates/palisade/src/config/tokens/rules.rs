//! The rules of one issuer in `[[tokens]]`: what its tokens must have, and which claims hold scopes.
//!
//! Each key has the name of a method of `palisade_jwt::Issuer`, or of a preset.

use std::collections::BTreeMap;

use palisade_jwt::{
    Algorithm, Issuer,
    providers::{PresetArguments, Provider},
};
use toml::Spanned;

use crate::config::{
    Config, ConfigFileError,
    document::{TextOrList, Tokens},
    tokens::issuer_keys::OpenedIssuer,
    values::numbers::TimeUnit,
};

/// The largest `max_lifetime_minutes`: ten years.
const LONGEST_LIFETIME_MINUTES: u64 = 10 * 366 * 24 * 60;

impl Config {
    /// Finds the preset, if the section names one. Its issuer must be the one of the section.
    ///
    /// # Errors
    ///
    /// There is no such preset, a parameter is missing, or the issuer is another one.
    pub(in crate::config) fn token_preset(
        &self,
        tokens: &Tokens,
        audience: &str,
    ) -> Result<Option<Provider>, ConfigFileError> {
        let Some(preset) = &tokens.preset else {
            return Ok(None);
        };
        let remedy =
            "write preset = { name = \"auth0\", domain = \"..\" }; see the page on providers";
        let fault = |problem: String| self.source.at(preset, problem, remedy);
        let (name, arguments) = name_and_arguments(preset.get_ref())
            .ok_or_else(|| fault("the preset has no name".into()))?;
        let provider = Provider::by_name(&name, audience, arguments)
            .map_err(|problem| fault(problem.to_string()))?;
        if provider.issuer_name() != tokens.issuer.get_ref() {
            let remedy = format!("write issuer = {:?}", provider.issuer_name());
            let problem = "the preset has another issuer";
            return Err(self.source.at(&tokens.issuer, problem, &remedy));
        }
        Ok(Some(provider))
    }

    /// Makes an issuer whose tokens need this audience.
    ///
    /// # Errors
    ///
    /// A rule of the section cannot be used.
    pub(in crate::config) fn issuer(
        &self,
        opened: &OpenedIssuer<'_>,
        audience: &str,
    ) -> Result<Issuer, ConfigFileError> {
        let (tokens, keys) = (opened.section, opened.keys.clone());
        let mut issuer = match self.token_preset(tokens, audience)? {
            Some(provider) => provider.with_keys(keys),
            None => Issuer::new(tokens.issuer.get_ref().as_str(), audience, keys),
        };
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

    /// Applies the rules of the section to an issuer.
    ///
    /// # Errors
    ///
    /// A name or a number cannot be used.
    fn with_rules(&self, mut issuer: Issuer, tokens: &Tokens) -> Result<Issuer, ConfigFileError> {
        for audience in &tokens.or_audiences {
            issuer = issuer.or_audience(audience.as_str());
        }
        if let Some(claim) = &tokens.audience_claim {
            issuer = issuer.audience_claim(claim.as_str());
        }
        if let Some(types) = &tokens.types {
            issuer = issuer.types(types.iter().map(String::as_str));
        }
        if let Some(names) = &tokens.algorithms {
            issuer = issuer.algorithms(self.algorithms(names)?);
        }
        for claim in &tokens.require {
            issuer = issuer.require(claim.as_str());
        }
        for (claim, values) in &tokens.require_value {
            issuer = issuer.require_value(claim.as_str(), values.iter().map(String::as_str));
        }
        if let Some(claim) = &tokens.subject_claim {
            issuer = issuer.subject_claim(claim.as_str());
        }
        if let Some(claim) = &tokens.tenant_claim {
            issuer = issuer.tenant_claim(claim.as_str());
        }
        if let Some(claim) = &tokens.tier_claim {
            issuer = issuer.tier_claim(claim.as_str());
        }
        if let Some(claim) = &tokens.own_limits_claim {
            issuer = issuer.own_limits_claim(claim.as_str());
        }
        for claim in &tokens.scopes_from {
            issuer = issuer.scopes_from(claim.as_str());
        }
        for claim in &tokens.roles_from {
            issuer = issuer.roles_from(claim.as_str());
        }
        if tokens.null_is_absent {
            issuer = issuer.null_is_absent();
        }
        if tokens.dangerously_accept_untyped_tokens {
            issuer = issuer.dangerously_accept_untyped_tokens();
        }
        if tokens.dangerously_ignore_embedded_keys {
            issuer = issuer.dangerously_ignore_embedded_keys();
        }
        Ok(issuer)
    }

    /// Returns the realm of the challenges. `None`: no issuer names one.
    ///
    /// # Errors
    ///
    /// Two issuers name different ones: a challenge is for all of them.
    pub(in crate::config) fn token_realm(&self) -> Result<Option<&String>, ConfigFileError> {
        let sections = self.document.tokens.iter();
        let mut written = sections.filter_map(|tokens| tokens.realm.as_ref());
        let Some(first) = written.next() else {
            return Ok(None);
        };
        match written.find(|other| other.get_ref() != first.get_ref()) {
            None => Ok(Some(first.get_ref())),
            Some(other) => {
                let problem = "another issuer has another realm, and all share one challenge";
                Err(self.source.at(other, problem, "write it once"))
            }
        }
    }

    /// Reads the names of algorithms.
    ///
    /// # Errors
    ///
    /// One of them is not supported.
    pub(in crate::config) fn algorithms(
        &self,
        names: &[Spanned<String>],
    ) -> Result<Vec<Algorithm>, ConfigFileError> {
        let read = |name: &Spanned<String>| {
            Algorithm::from_name(name.get_ref()).ok_or_else(|| {
                let remedy = "write names of RFC 7518 such as \"RS256\", \"ES256\" or \"EdDSA\"";
                self.source
                    .at(name, "this algorithm is not supported", remedy)
            })
        };
        names.iter().map(read).collect()
    }
}

/// Separates the name of a preset from its arguments.
fn name_and_arguments(preset: &BTreeMap<String, TextOrList>) -> Option<(String, PresetArguments)> {
    let TextOrList::Text(name) = preset.get("name")? else {
        return None;
    };
    let others = preset.iter().filter(|(key, _)| *key != "name");
    let arguments = others.map(|(key, value)| (key.clone(), value.to_vec()));
    Some((name.clone(), arguments.collect()))
}
