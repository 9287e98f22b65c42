//! Spring Authorization Server: access tokens.

use super::{Provider, base};

/// Access tokens of Spring Authorization Server.
///
/// * `issuer` is the issuer's address.
/// * `audience` is by default the client id; a token customizer can set the API in its place.
///
/// Relaxed: the header has no `typ`. So `scope`, which ID tokens do not have, is required; it is an
/// array. Source: Spring Authorization Server, "Core Model / Components".
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::spring_authorization_server("https://id.example", "tts");
/// assert_eq!(provider.issuer_name(), "https://id.example");
/// assert_eq!(provider.jwks_url(), "https://id.example/oauth2/jwks");
/// ```
pub fn spring_authorization_server(issuer: &str, audience: &str) -> Provider {
    let keys = format!("{}/oauth2/jwks", base(issuer));
    Provider::new(issuer.into(), keys, audience)
        .untyped()
        .scopes_from("scope")
        .require_any_type("scope")
}
