//! Zitadel: access tokens of the type JWT.

use super::{Provider, base};

/// Access tokens of Zitadel, for applications with the token type "JWT".
///
/// * `issuer` is the address of the instance, such as `https://acme.zitadel.cloud`.
/// * `audience` is the id of the project or of the application.
///
/// `jti`, which ID tokens do not have, is required. Roles of the project become `role:NAME`, whether
/// the claim names the project or not. Source: Zitadel, "Claims".
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::zitadel("https://acme.zitadel.cloud", "344374183645413380");
/// assert_eq!(provider.issuer_name(), "https://acme.zitadel.cloud");
/// assert_eq!(provider.jwks_url(), "https://acme.zitadel.cloud/oauth/v2/keys");
/// ```
pub fn zitadel(issuer: &str, audience: &str) -> Provider {
    let keys = format!("{}/oauth/v2/keys", base(issuer));
    Provider::new(issuer.into(), keys, audience)
        .require("jti")
        .roles_from("urn:zitadel:iam:org:project:roles")
        .roles_from(format!("urn:zitadel:iam:org:project:{audience}:roles"))
}
