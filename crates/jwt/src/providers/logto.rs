//! Logto: access tokens for an API resource.

use super::{Provider, base};
use crate::algorithm::Algorithm;

/// Access tokens of Logto for an API resource.
///
/// * `address` is the address of the tenant, such as `https://acme.logto.app`.
/// * `audience` is the identifier of the API resource.
///
/// Only `typ: at+jwt` is accepted. Keys are EC (`ES384`) by default, RSA (`RS256`) by choice of the
/// tenant; both are accepted. Source: Logto, "Protect your API".
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::logto("https://acme.logto.app", "https://tts.example");
/// assert_eq!(provider.issuer_name(), "https://acme.logto.app/oidc");
/// assert_eq!(provider.jwks_url(), "https://acme.logto.app/oidc/jwks");
/// ```
pub fn logto(address: &str, audience: &str) -> Provider {
    let issuer = format!("{}/oidc", base(address));
    let keys = format!("{issuer}/jwks");
    Provider::new(issuer, keys, audience)
        .types(["at+jwt"])
        .algorithms([Algorithm::Es384, Algorithm::Rs256])
        .require("client_id")
}
