//! Microsoft Entra ID (Azure AD): access tokens of version 1 and 2.

use super::Provider;
use crate::{jwks::IssuerKeys, verifier::Issuer};

/// Access tokens of version 1, which an API gets whose manifest has no
/// `requestedAccessTokenVersion: 2`.
///
/// * `tenant` is the id of the tenant (a GUID).
/// * `audience` is the Application ID URI, such as `api://11111111-2222-3333-4444-555555555555`.
///
/// `ver` must be `1.0`, and `appid`, which ID tokens do not have, is required. Scopes of users are
/// read from `scp`, roles of users and applications from `roles`. Source: Microsoft identity
/// platform, "Access token claims reference".
///
/// ```
/// use palisade_jwt::providers;
///
/// const TENANT: &str = "11111111-1111-1111-1111-111111111111";
/// let provider = providers::entra_v1(TENANT, "api://tts");
/// assert_eq!(provider.issuer_name(), "https://sts.windows.net/11111111-1111-1111-1111-111111111111/");
/// assert_eq!(provider.jwks_url(), "https://login.microsoftonline.com/11111111-1111-1111-1111-111111111111/discovery/keys");
/// ```
pub fn entra_v1(tenant: &str, audience: &str) -> Provider {
    Provider::new(
        format!("https://sts.windows.net/{tenant}/"),
        format!("https://login.microsoftonline.com/{tenant}/discovery/keys"),
        audience,
    )
    .require_value("tid", [tenant])
    .require_value("ver", ["1.0"])
    .require("appid")
    .roles_from("roles")
}

/// Access tokens of version 2 of one tenant.
///
/// * `tenant` is the id of the tenant (a GUID).
/// * `audience` is the client id of the API (a GUID).
///
/// `ver` must be `2.0`, and `azp`, which ID tokens do not have, is required. Scopes of users are
/// read from `scp`, roles of users and applications from `roles`.
///
/// ```
/// use palisade_jwt::providers;
///
/// const TENANT: &str = "11111111-1111-1111-1111-111111111111";
/// const API: &str = "33333333-3333-3333-3333-333333333333";
/// let provider = providers::entra_v2(TENANT, API);
/// assert_eq!(provider.issuer_name(), "https://login.microsoftonline.com/11111111-1111-1111-1111-111111111111/v2.0");
/// assert_eq!(
///     provider.jwks_url(),
///     "https://login.microsoftonline.com/11111111-1111-1111-1111-111111111111/discovery/v2.0/keys",
/// );
/// ```
pub fn entra_v2(tenant: &str, audience: &str) -> Provider {
    v2(tenant, audience).require_value("tid", [tenant])
}

/// Access tokens of version 2 of several tenants: an API that other organisations use too.
///
/// Each tenant of the list becomes an issuer with its id as label; tokens of other tenants are
/// refused. `keys` is a source for
/// `https://login.microsoftonline.com/organizations/discovery/v2.0/keys`.
///
/// ```no_run
/// use palisade_jwt::{JwksUrl, Verifier, providers};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let url = "https://login.microsoftonline.com/organizations/discovery/v2.0/keys";
/// let tenants = ["11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"];
/// let api = "33333333-3333-3333-3333-333333333333";
/// let issuers = providers::entra_tenants(tenants, api, JwksUrl::builder(url).build()?);
/// let verifier = Verifier::builder().issuers(issuers).build()?;
/// # let _ = verifier;
/// # Ok(())
/// # }
/// ```
pub fn entra_tenants<T: AsRef<str>>(
    tenants: impl IntoIterator<Item = T>,
    audience: &str,
    keys: impl Into<IssuerKeys>,
) -> Vec<Issuer> {
    v2("{tenant}", audience)
        .with_keys(keys)
        .expand_tenants(tenants)
}

/// The rules of all tokens of version 2.
fn v2(tenant: &str, audience: &str) -> Provider {
    let authority = format!("https://login.microsoftonline.com/{tenant}");
    Provider::new(
        format!("{authority}/v2.0"),
        format!("{authority}/discovery/v2.0/keys"),
        audience,
    )
    .require_value("ver", ["2.0"])
    .require("azp")
    .roles_from("roles")
}
