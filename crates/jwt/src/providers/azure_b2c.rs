//! Azure AD B2C: access tokens of a user flow.

use super::Provider;

/// Access tokens of Azure AD B2C.
///
/// * `tenant_name` is the name of the tenant, such as `acme` in `acme.b2clogin.com`.
/// * `tenant` is the id of the tenant (a GUID).
/// * `policy` is the user flow, such as `B2C_1_signin`.
/// * `audience` is the application id of the API (a GUID).
///
/// `scp` and `azp`, which ID tokens do not have, are required, and `tfp` must be the user flow.
/// Source: Azure AD B2C, "Overview of tokens" and "Request an access token".
///
/// ```
/// use palisade_jwt::providers;
///
/// const TENANT: &str = "11111111-1111-1111-1111-111111111111";
/// const API: &str = "33333333-3333-3333-3333-333333333333";
/// let provider = providers::azure_b2c("acme", TENANT, "B2C_1_signin", API);
/// assert_eq!(provider.issuer_name(), "https://acme.b2clogin.com/11111111-1111-1111-1111-111111111111/v2.0/");
/// assert_eq!(
///     provider.jwks_url(),
///     "https://acme.b2clogin.com/acme.onmicrosoft.com/B2C_1_signin/discovery/v2.0/keys",
/// );
/// ```
pub fn azure_b2c(tenant_name: &str, tenant: &str, policy: &str, audience: &str) -> Provider {
    let host = format!("https://{tenant_name}.b2clogin.com");
    Provider::new(
        format!("{host}/{tenant}/v2.0/"),
        format!("{host}/{tenant_name}.onmicrosoft.com/{policy}/discovery/v2.0/keys"),
        audience,
    )
    .require_value("tfp", [policy])
    .require("azp")
    .require("scp")
}
