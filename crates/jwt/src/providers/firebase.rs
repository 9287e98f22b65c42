//! Firebase Authentication: ID tokens of a project.

use super::Provider;

/// ID tokens of Firebase Authentication, which Firebase means to be sent to your own backend.
///
/// `project` is the id of the project. It is the audience and the end of the issuer's name.
///
/// `auth_time` and the claim `firebase` are required. Custom claims, such as roles, are read with
/// [`Issuer::roles_from`](crate::Issuer::roles_from). Source: Firebase, "Verify ID Tokens".
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::firebase("acme-tts");
/// assert_eq!(provider.issuer_name(), "https://securetoken.google.com/acme-tts");
/// ```
pub fn firebase(project: &str) -> Provider {
    Provider::new(
        format!("https://securetoken.google.com/{project}"),
        "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
            .into(),
        project,
    )
    .types(["JWT"])
    .require_any_type("auth_time")
    .require("/firebase/sign_in_provider")
}
