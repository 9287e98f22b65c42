//! SAP BTP: tokens of XSUAA (Cloud Foundry UAA).

use super::{Provider, base};

/// Access tokens of SAP XSUAA.
///
/// * `address` is the `url` of the service key, such as
///   `https://acme.authentication.eu10.hana.ondemand.com`.
/// * `audience` is the `xsappname` or the `clientid` of the binding.
///
/// Relaxed: the header has `jku`, which is ignored; the keys are those of `address` only. `cid` is
/// required. `scope` is an array; a scope has the name of the application before it
/// (`acme!t1.speak`). Source: SAP BTP, "Understanding token claims"; Cloud Foundry UAA.
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::xsuaa("https://acme.authentication.eu10.hana.ondemand.com", "tts!t1");
/// assert_eq!(provider.issuer_name(), "https://acme.authentication.eu10.hana.ondemand.com/oauth/token");
/// assert_eq!(
///     provider.jwks_url(),
///     "https://acme.authentication.eu10.hana.ondemand.com/token_keys",
/// );
/// ```
pub fn xsuaa(address: &str, audience: &str) -> Provider {
    let address = base(address);
    let mut provider = Provider::new(
        format!("{address}/oauth/token"),
        format!("{address}/token_keys"),
        audience,
    )
    .types(["JWT"])
    .scopes_from("scope")
    .require("cid");
    provider.rules.ignore_embedded_keys = true;
    provider
}
