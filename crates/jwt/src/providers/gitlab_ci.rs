//! GitLab CI: the identity of a job.

use super::{Provider, base};

/// ID tokens of GitLab CI jobs (`id_tokens` in the job).
///
/// * `address` is the base address of GitLab, such as `https://gitlab.com`.
/// * `audience` is the `aud` that the job asks for.
/// * `projects` are accepted, as `group/name`. Every project of the GitLab can get a token for any
///   audience, so this list decides who comes in. An empty list is an error when the verifier is
///   built.
///
/// Require more with [`Issuer::require_value`](crate::Issuer::require_value), such as
/// `ref_protected` (`"true"`). Source: GitLab Docs, "OpenID Connect (OIDC) authentication using ID
/// tokens".
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::gitlab_ci("https://gitlab.com", "https://tts.example", ["acme/tts"]);
/// assert_eq!(provider.issuer_name(), "https://gitlab.com");
/// assert_eq!(provider.jwks_url(), "https://gitlab.com/oauth/discovery/keys");
/// ```
pub fn gitlab_ci<R: AsRef<str>>(
    address: &str,
    audience: &str,
    projects: impl IntoIterator<Item = R>,
) -> Provider {
    let issuer = base(address);
    Provider::new(
        issuer.into(),
        format!("{issuer}/oauth/discovery/keys"),
        audience,
    )
    .types(["JWT"])
    .require_value("project_path", projects)
    .require("job_id")
}
