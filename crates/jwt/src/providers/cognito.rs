//! Amazon Cognito: access tokens and ID tokens of a user pool.

use super::Provider;

/// Access tokens of an Amazon Cognito user pool.
///
/// * `region` is the region of the pool, such as `eu-central-1`.
/// * `pool` is the id of the pool, such as `eu-central-1_aBcDeFgHi`.
/// * `client` is the id of the app client.
///
/// Relaxed: the header has no `typ`, and the tokens have no `aud`; `client_id` is compared in its
/// place. `token_use` must be `access`. Scopes are read from `scope`, groups become roles
/// (`role:GROUP`). Source: Amazon Cognito, "Understanding the access token".
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::cognito("eu-central-1", "eu-central-1_aBcDeFgHi", "1example23456789");
/// assert_eq!(provider.issuer_name(), "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_aBcDeFgHi");
/// assert_eq!(
///     provider.jwks_url(),
///     "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_aBcDeFgHi/.well-known/jwks.json",
/// );
/// ```
pub fn cognito(region: &str, pool: &str, client: &str) -> Provider {
    user_pool(region, pool, client)
        .audience_claim("client_id")
        .require_value("token_use", ["access"])
}

/// ID tokens of an Amazon Cognito user pool, for an API that needs the attributes of the user.
///
/// The arguments are those of [`cognito`]. Relaxed: the header has no `typ`, and ID tokens are
/// accepted; clients log and forward them more freely than access tokens. `aud` is the client and
/// `token_use` must be `id`. They have no scopes. Source: Amazon Cognito, "Understanding the
/// identity (ID) token".
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::cognito_id_tokens("eu-central-1", "eu-central-1_aBcDeFgHi", "client");
/// assert_eq!(provider.issuer_name(), "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_aBcDeFgHi");
/// ```
pub fn cognito_id_tokens(region: &str, pool: &str, client: &str) -> Provider {
    user_pool(region, pool, client)
        .id_tokens()
        .require_value("token_use", ["id"])
}

/// What both kinds of token have in common.
fn user_pool(region: &str, pool: &str, client: &str) -> Provider {
    let issuer = format!("https://cognito-idp.{region}.amazonaws.com/{pool}");
    let keys = format!("{issuer}/.well-known/jwks.json");
    Provider::new(issuer, keys, client)
        .untyped()
        .roles_from("cognito:groups")
}
