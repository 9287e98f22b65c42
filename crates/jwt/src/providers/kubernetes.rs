//! Kubernetes: projected tokens of service accounts.

use super::{Provider, base};

/// Projected tokens of Kubernetes service accounts.
///
/// * `issuer` is the cluster's issuer (`--service-account-issuer`), such as
///   `https://kubernetes.default.svc.cluster.local`.
/// * `audience` is the audience of the projected volume (`serviceAccountToken.audience`). Never use
///   the one of the API server: a pod's default token would be accepted here, and this service
///   could use it there.
///
/// Relaxed: the header has no `typ`. So the claim `kubernetes.io`, which binds the token to its
/// namespace, is required; old tokens without an end are refused. The keys are served by the API
/// server, which needs a role for `system:service-account-issuer-discovery`. Source: Kubernetes,
/// "Managing Service Accounts".
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::kubernetes("https://kubernetes.default.svc.cluster.local", "tts");
/// assert_eq!(provider.issuer_name(), "https://kubernetes.default.svc.cluster.local");
/// assert_eq!(
///     provider.jwks_url(),
///     "https://kubernetes.default.svc.cluster.local/openid/v1/jwks",
/// );
/// ```
pub fn kubernetes(issuer: &str, audience: &str) -> Provider {
    let keys = format!("{}/openid/v1/jwks", base(issuer));
    Provider::new(issuer.into(), keys, audience)
        .untyped()
        .require("/kubernetes.io/namespace")
        .require_any_type("iat")
}
