//! Azure AD B2C: access tokens of a user flow.

use super::Provider;

/// Access tokens of Azure AD B2C.
///
/// * `name` is the name of the tenant, such as `acme` in `acme.b2clogin.com`.
/// * `tenant` is the id of the tenant (a GUID).
/// * `policy` is the user flow, such as `B2C_1_signin`.
/// * `audience` is the application id of the API (a GUID).
///
/// `scp` and `azp`, which ID tokens do not have, are required, and `tfp` must be the user flow.
/// Source: Azure AD B2C, "Overview of tokens" and "Request an access token".
pub fn azure_b2c(name: &str, tenant: &str, policy: &str, audience: &str) -> Provider {
    let host = format!("https://{name}.b2clogin.com");
    Provider::new(
        format!("{host}/{tenant}/v2.0/"),
        format!("{host}/{name}.onmicrosoft.com/{policy}/discovery/v2.0/keys"),
        audience,
    )
    .require_value("tfp", [policy])
    .require("azp")
    .require("scp")
}
