//! Spring Authorization Server: access tokens.

use super::{Provider, base};

/// Access tokens of Spring Authorization Server.
///
/// * `issuer` is the issuer's address.
/// * `audience` is by default the client id; a token customizer can set the API in its place.
///
/// Relaxed: the header has no `typ`. So `scope`, which ID tokens do not have, is required; it is an
/// array. Source: Spring Authorization Server, "Core Model / Components".
pub fn spring_authorization_server(issuer: &str, audience: &str) -> Provider {
    let keys = format!("{}/oauth2/jwks", base(issuer));
    Provider::new(issuer.into(), keys, audience)
        .untyped()
        .scopes_from("scope")
        .require_any_type("scope")
}
