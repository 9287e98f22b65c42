//! Auth0: access tokens for an API.

use super::Provider;

/// Access tokens of an Auth0 tenant for an API.
///
/// * `domain` is the domain of the tenant, such as `acme.eu.auth0.com`, or a custom domain.
/// * `audience` is the identifier of the API.
///
/// Scopes are read from `scope` and, if the API adds them, from `permissions`. Both token dialects
/// are accepted: `typ` is `JWT` or `at+jwt`. ID tokens are refused by their audience, which is the
/// client. Source: Auth0 Docs, "Access Token Profiles".
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::auth0("acme.eu.auth0.com", "https://tts.example");
/// assert_eq!(provider.issuer_name(), "https://acme.eu.auth0.com/");
/// assert_eq!(provider.jwks_url(), "https://acme.eu.auth0.com/.well-known/jwks.json");
/// ```
pub fn auth0(domain: &str, audience: &str) -> Provider {
    Provider::new(
        format!("https://{domain}/"),
        format!("https://{domain}/.well-known/jwks.json"),
        audience,
    )
    .scopes_from("permissions")
}
