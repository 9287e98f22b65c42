//! Ping Identity: PingOne, and PingAM (ForgeRock AM).

use super::{Provider, base};

/// Access tokens of a PingOne environment for a custom resource.
///
/// * `region` ends the domain, such as `com` or `eu`.
/// * `environment` is the id of the environment (a GUID).
/// * `audience` is the audience of the resource.
///
/// Relaxed: the header may have no `typ`. So `client_id` and `scope`, which ID tokens do not have,
/// are required. Tokens of the client credentials grant have no `sub`; for those use
/// [`subject_claim`](crate::JwtLayerBuilder::subject_claim) with `client_id`. Source: PingOne
/// Platform API, "Token claims".
///
/// ```
/// use palisade_jwt::providers;
///
/// const ENVIRONMENT: &str = "11111111-1111-1111-1111-111111111111";
/// let provider = providers::pingone("eu", ENVIRONMENT, "https://tts.example");
/// assert_eq!(provider.issuer_name(), "https://auth.pingone.eu/11111111-1111-1111-1111-111111111111/as");
/// assert_eq!(provider.jwks_url(), "https://auth.pingone.eu/11111111-1111-1111-1111-111111111111/as/jwks");
/// ```
pub fn pingone(region: &str, environment: &str, audience: &str) -> Provider {
    let issuer = format!("https://auth.pingone.{region}/{environment}/as");
    let keys = format!("{issuer}/jwks");
    Provider::new(issuer, keys, audience)
        .untyped()
        .require("client_id")
        .require("scope")
}

/// Client-based access tokens of PingAM (ForgeRock AM, Advanced Identity Cloud).
///
/// * `address` is the base address of AM, such as `https://id.example/am`.
/// * `realm` is the realm below the root, such as `alpha`.
/// * `audience` is the audience, by default the client id.
///
/// `tokenName` must be `access_token`: ID tokens are signed by the same keys. `scope` may be an
/// array. Source: PingAM, "Client-based OAuth 2.0 tokens".
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::ping_am("https://id.example/am", "alpha", "tts");
/// assert_eq!(provider.issuer_name(), "https://id.example/am/oauth2/realms/root/realms/alpha");
/// assert_eq!(
///     provider.jwks_url(),
///     "https://id.example/am/oauth2/realms/root/realms/alpha/connect/jwk_uri",
/// );
/// ```
pub fn ping_am(address: &str, realm: &str, audience: &str) -> Provider {
    let issuer = format!("{}/oauth2/realms/root/realms/{realm}", base(address));
    let keys = format!("{issuer}/connect/jwk_uri");
    Provider::new(issuer, keys, audience)
        .scopes_from("scope")
        .require_value("tokenName", ["access_token"])
}
