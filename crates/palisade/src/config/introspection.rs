//! `[introspection]`: the authenticator that asks the issuer about opaque tokens.

use std::time::Duration;

use palisade_jwt::introspection::{TokenIntrospection, TokenIntrospectionBuilder};

use super::{Config, ConfigFileError, document::Introspection, numbers::Number};

/// The largest `lifetime_seconds`, `outage_lifetime_seconds`, `negative_lifetime_seconds` and
/// `timeout_seconds`.
const LONGEST_LIFETIME: u64 = 600;
const LONGEST_OUTAGE: u64 = 3600;
const LONGEST_NEGATIVE: u64 = 60;
const LONGEST_TIMEOUT: u64 = 30;
/// The largest `remembered_responses`.
const MOST_RESPONSES: u64 = 1_000_000;
/// The shortest secret, in bytes. It is the issuer's, so only an empty one is refused.
const SHORTEST_SECRET: usize = 1;

impl Config {
    /// Makes the authenticator. Nothing is asked yet. `None` without the section.
    ///
    /// # Errors
    ///
    /// The file also has `[[resource_servers]]`, or a key cannot be used.
    pub(super) fn introspection(&self) -> Result<Option<TokenIntrospection>, ConfigFileError> {
        let Some(section) = &self.document.introspection else {
            return Ok(None);
        };
        if !self.document.resource_servers.is_empty() {
            // Its audience would be one for all paths, and its tokens those of every resource.
            let problem = "a resource server accepts signed tokens only";
            let remedy = "remove this section, or [[resource_servers]]";
            return Err(self.source.at(&section.url, problem, remedy));
        }
        let builder = TokenIntrospection::builder(section.url.get_ref().as_str());
        let builder = self.with_credential(builder, section)?;
        let builder = with_audience(builder, section);
        let builder = self.with_bounds(builder, section)?;
        let built = self.with_connection(builder, section)?.build();
        built.map(Some).map_err(|problem| {
            let remedy = "correct the section `introspection`";
            self.source.at(&section.url, problem, remedy)
        })
    }

    /// Sets the credential of this service.
    ///
    /// # Errors
    ///
    /// There is none, or both kinds are there, or the secret cannot be read.
    fn with_credential(
        &self,
        builder: TokenIntrospectionBuilder,
        section: &Introspection,
    ) -> Result<TokenIntrospectionBuilder, ConfigFileError> {
        match (&section.client, &section.secret, &section.bearer) {
            (Some(client), Some(secret), None) => {
                let secret = self.secret(secret, SHORTEST_SECRET)?;
                Ok(builder.client(client.get_ref(), &secret))
            }
            (None, None, Some(token)) => {
                let token = self.secret(token, SHORTEST_SECRET)?;
                Ok(builder.bearer(&token))
            }
            _ => {
                let problem = "this service needs one credential at the issuer";
                let remedy = "write client and secret, or bearer";
                Err(self.source.at(&section.url, problem, remedy))
            }
        }
    }

    /// Sets times and numbers.
    ///
    /// # Errors
    ///
    /// A time or a number is out of range.
    fn with_bounds(
        &self,
        mut builder: TokenIntrospectionBuilder,
        section: &Introspection,
    ) -> Result<TokenIntrospectionBuilder, ConfigFileError> {
        let seconds = |value: &Number, least, most| {
            let number = self.number(value, least, most)?;
            Ok::<_, ConfigFileError>(number.map(Duration::from_secs))
        };
        if let Some(lifetime) = seconds(&section.lifetime_seconds, 0, LONGEST_LIFETIME)? {
            builder = builder.lifetime(lifetime);
        }
        if let Some(lifetime) = seconds(&section.outage_lifetime_seconds, 0, LONGEST_OUTAGE)? {
            builder = builder.outage_lifetime(lifetime);
        }
        if let Some(lifetime) = seconds(&section.negative_lifetime_seconds, 0, LONGEST_NEGATIVE)? {
            builder = builder.negative_lifetime(lifetime);
        }
        if let Some(timeout) = seconds(&section.timeout_seconds, 1, LONGEST_TIMEOUT)? {
            builder = builder.timeout(timeout);
        }
        if let Some(number) = self.number(&section.remembered_responses, 0, MOST_RESPONSES)? {
            builder = builder.remembered_responses(number);
        }
        Ok(builder)
    }

    /// Sets how the issuer is reached.
    ///
    /// # Errors
    ///
    /// The file of certificates cannot be read.
    fn with_connection(
        &self,
        mut builder: TokenIntrospectionBuilder,
        section: &Introspection,
    ) -> Result<TokenIntrospectionBuilder, ConfigFileError> {
        if let Some(pem) = self.pem(section.trust_anchors.as_ref())? {
            builder = builder.trust_anchors(pem);
        }
        Ok(match section.dangerously_allow_loopback_http {
            true => builder.dangerously_allow_loopback_http(),
            false => builder,
        })
    }
}

/// Sets what a response must say, and what becomes the principal.
fn with_audience(
    mut builder: TokenIntrospectionBuilder,
    section: &Introspection,
) -> TokenIntrospectionBuilder {
    for audience in section.audience.iter().chain(&section.or_audiences) {
        builder = builder.audience(audience.as_str());
    }
    if section.dangerously_accept_any_audience {
        builder = builder.dangerously_accept_any_audience();
    }
    if let Some(issuer) = &section.issuer {
        builder = builder.issuer(issuer.as_str());
    }
    if let Some(claim) = &section.subject_claim {
        builder = builder.subject_claim(claim.as_str());
    }
    match &section.tenant_claim {
        Some(claim) => builder.tenant_claim(claim.as_str()),
        None => builder,
    }
}
