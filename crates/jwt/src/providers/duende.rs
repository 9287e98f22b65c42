//! Duende IdentityServer: access tokens.

use super::{Provider, base};

/// Access tokens of Duende IdentityServer (and IdentityServer4).
///
/// * `issuer` is the issuer's address.
/// * `audience` is the name of the API resource.
///
/// Only `typ: at+jwt` is accepted, and `client_id` is required. `scope` may be an array, which is
/// the default of the server. Source: Duende IdentityServer, "Access tokens".
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::duende("https://id.example", "tts");
/// assert_eq!(provider.issuer_name(), "https://id.example");
/// assert_eq!(
///     provider.jwks_url(),
///     "https://id.example/.well-known/openid-configuration/jwks",
/// );
/// ```
pub fn duende(issuer: &str, audience: &str) -> Provider {
    let keys = format!("{}/.well-known/openid-configuration/jwks", base(issuer));
    Provider::new(issuer.into(), keys, audience)
        .types(["at+jwt"])
        .scopes_from("scope")
        .require("client_id")
}
