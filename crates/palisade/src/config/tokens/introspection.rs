//! `[introspection]`: the authenticator that asks the issuer about opaque tokens.

use std::time::Duration;

use palisade_jwt::{
    introspection::{TokenIntrospection, TokenIntrospectionBuilder},
    resource_server::ResourceServerBuilder,
};

use crate::config::{
    Config, ConfigFileError,
    document::{Introspection, ResourceServers},
    values::numbers::Number,
};

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
    /// Makes the authenticator of a service that is no resource server. Nothing is asked yet. `None` without
    /// the section, and with `[[resource_servers]]`, each of which asks for itself.
    ///
    /// # Errors
    ///
    /// A key cannot be used.
    pub(in crate::config) fn introspection(
        &self,
    ) -> Result<Option<TokenIntrospection>, ConfigFileError> {
        let Some(section) = &self.document.introspection else {
            return Ok(None);
        };
        if !self.document.resource_servers.is_empty() {
            return Ok(None);
        }
        let builder = with_audience(self.introspection_builder(section)?, section);
        builder.build().map(Some).map_err(|problem| {
            let remedy = "correct the section `introspection`";
            self.source.at(&section.url, problem, remedy)
        })
    }

    /// Lets a resource accept tokens that the issuer is asked about. Its audience is the resource.
    ///
    /// # Errors
    ///
    /// The section has an audience, which the resource does not accept, or a key cannot be used.
    pub(in crate::config) fn with_introspection(
        &self,
        server: ResourceServerBuilder,
        resource: &ResourceServers,
    ) -> Result<ResourceServerBuilder, ConfigFileError> {
        let Some(section) = &self.document.introspection else {
            return Ok(server);
        };
        let mut builder = self.introspection_builder(section)?;
        if let Some(key) = audience_key(section) {
            if !resource.dangerously_accept_other_audiences {
                let problem = "the audience of a resource server is the resource";
                let remedy = "remove this key, or write dangerously_accept_other_audiences = true in [[resource_servers]]";
                return Err(self.source.key_error("introspection", key, problem, remedy));
            }
            builder = with_audience(builder, section);
        }
        Ok(server.introspection(builder))
    }

    /// Makes the builder, without an audience.
    ///
    /// # Errors
    ///
    /// A key cannot be used, or every token must be bound to a key of the client.
    fn introspection_builder(
        &self,
        section: &Introspection,
    ) -> Result<TokenIntrospectionBuilder, ConfigFileError> {
        if self
            .document
            .dpop
            .as_ref()
            .is_some_and(|dpop| dpop.require_proofs)
        {
            let problem =
                "these tokens are sent without a proof, and [dpop] requires one of every token";
            let remedy = "remove this section, or require_proofs";
            return Err(self.source.at(&section.url, problem, remedy));
        }
        let builder = TokenIntrospection::builder(section.url.get_ref().as_str());
        let builder = self.with_credential(with_claims(builder, section), section)?;
        let builder = self.with_bounds(builder, section)?;
        self.with_connection(builder, section)
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

/// Returns a key of the section that names an audience.
fn audience_key(section: &Introspection) -> Option<&'static str> {
    let keys = [
        (section.audience.is_some(), "audience"),
        (!section.or_audiences.is_empty(), "or_audiences"),
        (
            section.dangerously_accept_any_audience,
            "dangerously_accept_any_audience",
        ),
    ];
    let written = keys.into_iter().find(|(is_written, _)| *is_written);
    written.map(|(_, key)| key)
}

/// Sets the audiences, one of which a response must have.
fn with_audience(
    mut builder: TokenIntrospectionBuilder,
    section: &Introspection,
) -> TokenIntrospectionBuilder {
    for audience in section.audience.iter().chain(&section.or_audiences) {
        builder = builder.audience(audience.as_str());
    }
    match section.dangerously_accept_any_audience {
        true => builder.dangerously_accept_any_audience(),
        false => builder,
    }
}

/// Sets the issuer that a response must name, and what becomes the principal.
fn with_claims(
    mut builder: TokenIntrospectionBuilder,
    section: &Introspection,
) -> TokenIntrospectionBuilder {
    if let Some(issuer) = &section.issuer {
        builder = builder.issuer(issuer.as_str());
    }
    if let Some(claim) = &section.subject_claim {
        builder = builder.subject_claim(claim.as_str());
    }
    if let Some(claim) = &section.tenant_claim {
        builder = builder.tenant_claim(claim.as_str());
    }
    if let Some(claim) = &section.own_limits_claim {
        builder = builder.own_limits_claim(claim.as_str());
    }
    match &section.tier_claim {
        Some(claim) => builder.tier_claim(claim.as_str()),
        None => builder,
    }
}
