//! GitHub Actions: the identity of a workflow.

use super::Provider;

/// Tokens of GitHub Actions workflows (OpenID Connect).
///
/// * `audience` is the audience that the workflow asks for.
/// * `repositories` are accepted, as `owner/name`. Every repository on GitHub can get a token for
///   any audience, so this list decides who comes in. An empty list is an error when the verifier
///   is built.
///
/// The subject names repository and branch, such as `repo:acme/tts:ref:refs/heads/main`. Require
/// more with [`Issuer::require_value`](crate::Issuer::require_value), such as `environment`. Source:
/// GitHub Docs, "OpenID Connect reference".
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::github_actions("https://tts.example", ["acme/tts", "acme/voices"]);
/// assert_eq!(provider.issuer_name(), "https://token.actions.githubusercontent.com");
/// assert_eq!(
///     provider.jwks_url(),
///     "https://token.actions.githubusercontent.com/.well-known/jwks",
/// );
/// ```
pub fn github_actions<R: AsRef<str>>(
    audience: &str,
    repositories: impl IntoIterator<Item = R>,
) -> Provider {
    let issuer = "https://token.actions.githubusercontent.com";
    Provider::new(
        issuer.into(),
        format!("{issuer}/.well-known/jwks"),
        audience,
    )
    .types(["JWT"])
    .require_value("repository", repositories)
    .require("job_workflow_ref")
}
