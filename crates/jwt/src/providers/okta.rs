//! Okta: access tokens of a custom authorization server.

use super::Provider;

/// Access tokens of a custom authorization server of Okta.
///
/// * `domain` is the domain of the organisation, such as `acme.okta.com`.
/// * `server` is the id of the authorization server, such as `default`.
/// * `audience` is the audience of the server, such as `api://default`.
///
/// Relaxed: the header of an Okta access token has no `typ`. So `cid`, which only access tokens
/// have, is required. Scopes are read from `scp`. The subject (`sub`) of a user is the login name;
/// use [`subject_claim`](crate::JwtLayerBuilder::subject_claim) with `uid` for a stable id of users
/// if no client uses client credentials. Tokens of the organisation's own server cannot be verified
/// by anyone but Okta. Source: Okta Developer, "Tokens".
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::okta("acme.okta.com", "default", "api://default");
/// assert_eq!(provider.issuer_name(), "https://acme.okta.com/oauth2/default");
/// assert_eq!(provider.jwks_url(), "https://acme.okta.com/oauth2/default/v1/keys");
/// ```
pub fn okta(domain: &str, server: &str, audience: &str) -> Provider {
    let issuer = format!("https://{domain}/oauth2/{server}");
    let keys = format!("{issuer}/v1/keys");
    Provider::new(issuer, keys, audience)
        .untyped()
        .require("cid")
}
