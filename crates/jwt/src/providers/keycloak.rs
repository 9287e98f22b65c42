//! Keycloak: access tokens of a realm.

use super::{Provider, base};

/// Access tokens of a Keycloak realm.
///
/// * `address` is the base address of the server, such as `https://id.example`.
/// * `realm` is the name of the realm.
/// * `audience` is the client id of this service. Add a mapper of the kind "Audience" to the client
///   scope, or the tokens have the audience `account` and are refused.
///
/// The claim `typ` must be `Bearer`: ID tokens and refresh tokens are signed by the same keys.
/// Scopes are read from `scope`. Roles of the realm and of the client `audience` become
/// `role:NAME`; roles of other clients do not. Source: Keycloak, "Securing applications and
/// services".
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::keycloak("https://id.example", "acme", "tts");
/// assert_eq!(provider.issuer_name(), "https://id.example/realms/acme");
/// assert_eq!(
///     provider.jwks_url(),
///     "https://id.example/realms/acme/protocol/openid-connect/certs",
/// );
/// ```
pub fn keycloak(address: &str, realm: &str, audience: &str) -> Provider {
    let issuer = format!("{}/realms/{realm}", base(address));
    let keys = format!("{issuer}/protocol/openid-connect/certs");
    let client = audience.replace('~', "~0").replace('/', "~1");
    Provider::new(issuer, keys, audience)
        .require_value("typ", ["Bearer"])
        .roles_from("/realm_access/roles")
        .roles_from(format!("/resource_access/{client}/roles"))
}
