//! authentik: access tokens of a provider.

use super::{Provider, base};

/// Access tokens of authentik.
///
/// * `address` is the base address of authentik.
/// * `application` is the slug of the application.
/// * `audience` is the client id of the provider.
///
/// Relaxed: an access token of authentik is its ID token with more claims, so it may have `nonce`.
/// `azp` and `uid`, which only access tokens have, are required. Groups of the user become roles
/// (`role:GROUP`). The provider needs a signing key; without one it signs with the client secret.
/// Source: authentik, "OAuth2 provider", and its source code (`id_token.py`).
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::authentik("https://id.example", "tts", "client-1");
/// assert_eq!(provider.issuer_name(), "https://id.example/application/o/tts/");
/// assert_eq!(provider.jwks_url(), "https://id.example/application/o/tts/jwks/");
/// ```
pub fn authentik(address: &str, application: &str, audience: &str) -> Provider {
    let issuer = format!("{}/application/o/{application}/", base(address));
    let keys = format!("{issuer}jwks/");
    Provider::new(issuer, keys, audience)
        .types(["JWT"])
        .id_tokens()
        .require("azp")
        .require("uid")
        .roles_from("groups")
}
