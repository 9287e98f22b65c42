//! Google: ID tokens of users and of service accounts.

use super::Provider;

/// ID tokens of Google accounts and service accounts.
///
/// `audience` is the OAuth client id, or for service accounts the audience that the caller asked
/// for, such as the address of this service.
///
/// Relaxed: ID tokens are accepted, since Google issues no other tokens that a third party can
/// verify. Anyone with a Google account can get one for a public client, so limit who may do what
/// by the subject, or by `hd` (the Workspace domain) with
/// [`Issuer::require_value`](crate::Issuer::require_value). Source: Google Identity, "OpenID
/// Connect".
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::google_id_tokens("1234.apps.googleusercontent.com");
/// assert_eq!(provider.issuer_name(), "https://accounts.google.com");
/// assert_eq!(provider.jwks_url(), "https://www.googleapis.com/oauth2/v3/certs");
/// ```
pub fn google_id_tokens(audience: &str) -> Provider {
    Provider::new(
        "https://accounts.google.com".into(),
        "https://www.googleapis.com/oauth2/v3/certs".into(),
        audience,
    )
    .types(["JWT"])
    .id_tokens()
    .require("azp")
}
