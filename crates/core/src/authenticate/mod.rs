//! Authentication: several kinds of credential, of which the one in the request is verified.
//!
//! [`AuthenticateLayer`] is the guard, [`Authenticator`] the interface for a kind of credential.
//! `find` selects the credential before anything is verified, `authorization` parses the header,
//! `challenge` writes `WWW-Authenticate`.

mod authorization;
pub(crate) mod challenge;
mod credential;
mod error;
mod exposed;
mod find;
mod layer;
mod query;
mod source;

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderValue, request};

pub(crate) use self::layer::Proof;
pub use self::{
    credential::Credential,
    error::AuthenticateBuildError,
    layer::AuthenticateLayer,
    source::{CredentialSource, TokenShape},
};
use crate::{Principal, Rejection, SecurityContext, Verdict};

/// Verifies one kind of credential: an API key, a token, a session, a client certificate.
///
/// The core finds the credential by the declared [`sources`](Self::sources), parses `Authorization`, refuses
/// requests that have two, and removes the credential from the request. The authenticator verifies it.
///
/// ```
/// use http::{HeaderName, HeaderValue, request};
/// use palisade_core::{
///     AuthenticateLayer, Authenticator, AuthenticatorId, Credential, CredentialSource, Principal,
///     Rejection, Secret, SecurityContext, Verdict,
/// };
///
/// /// Accepts one shared password.
/// struct SharedPassword { id: AuthenticatorId, password: Secret }
///
/// impl Authenticator for SharedPassword {
///     fn id(&self) -> AuthenticatorId { self.id }
///     fn kind(&self) -> &'static str { "shared_password" }
///     fn sources(&self) -> Vec<CredentialSource> {
///         vec![CredentialSource::header(HeaderName::from_static("x-password"))]
///     }
///     fn authenticate(
///         &self,
///         _: &SecurityContext,
///         _: &mut request::Parts,
///         credential: &Credential,
///     ) -> Verdict<Principal> {
///         if self.password.equals(credential.as_bytes()) {
///             return Verdict::Admit(Principal::builder(self.kind(), "operator").build());
///         }
///         Rejection::credentials_invalid(self.challenge()).into()
///     }
///     fn challenge(&self) -> HeaderValue { HeaderValue::from_static("Password") }
/// }
///
/// let layer = AuthenticateLayer::single(SharedPassword {
///     id: AuthenticatorId::unique(),
///     password: Secret::new(*b"open sesame"),
/// });
/// assert_eq!(layer.kinds(), ["shared_password"]);
/// ```
pub trait Authenticator: Send + Sync + 'static {
    /// Returns the id of this instance. Clones that share their configuration share the id. Two
    /// that were configured separately do not, even if they are of one kind.
    ///
    /// A layer accepts without a second verification only what one of its own instances has proven.
    fn id(&self) -> AuthenticatorId;

    /// Returns the kind of credential: a stable name for principals, logs and metrics, such as
    /// `api_key`.
    fn kind(&self) -> &'static str;

    /// Declares where the credential is found. Called once, when the layer is built.
    ///
    /// Two authenticators of one layer must not declare the same source; see
    /// [`AuthenticateBuildError::SameSource`].
    fn sources(&self) -> Vec<CredentialSource>;

    /// Looks for a credential that the core cannot find: a cookie, a client certificate. Verifies
    /// nothing.
    ///
    /// Default: absent. The core counts the credentials of the other [sources](Self::sources).
    ///
    /// # Errors
    /// A refusal if the credential is sent twice, or in a form that can only be a mistake.
    fn presence(&self, head: &request::Parts) -> Result<Presence, Box<Rejection>> {
        let _ = head;
        Ok(Presence::Absent)
    }

    /// Removes the credential that [`presence`](Self::presence) found, so that no handler sees it.
    ///
    /// Default: [`Credential::outside`], for what is no part of the head.
    fn take(&self, head: &mut request::Parts) -> Credential {
        let _ = head;
        Credential::outside()
    }

    /// Verifies the credential, which was removed from the request.
    ///
    /// It may be called for a credential that an outer authenticator has accepted already. Return
    /// [`Verdict::Later`] for I/O. Refuse with [`Rejection::credentials_invalid`]; if the failure
    /// is not a guess, say so with [`Rejection::with_credential_failure`].
    fn authenticate(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal>;

    /// Is told that a credential was sent without TLS, where others could read it. The request is
    /// refused in any case.
    ///
    /// Returns the public id of the credential for the audit trail, and may revoke it. Do both only
    /// if the credential is genuine: otherwise any client could have another's credential revoked.
    /// Must not block or use a network. Default: `None`.
    fn exposed(&self, cx: &SecurityContext, credential: &Credential) -> Option<Box<str>> {
        let _ = (cx, credential);
        None
    }

    /// Returns the challenge for `WWW-Authenticate` (RFC 9110, 11.6.1), such as `Bearer
    /// realm="api"`.
    fn challenge(&self) -> HeaderValue;
}

/// Identifies one instance of an [`Authenticator`] within this process.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct AuthenticatorId(u64);

impl AuthenticatorId {
    /// Makes an id that no other instance has. Call it once, and store it where clones share it.
    #[must_use]
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Whether a request has a credential, and whether the client sent it on purpose.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums)] // The choice among credentials must know every kind of presence.
pub enum Presence {
    /// It has none.
    Absent,
    /// It has one that clients send automatically: a cookie, a client certificate. An explicit one
    /// goes first.
    Ambient,
    /// It has one that the client sent on purpose. Two explicit ones are refused with 400.
    Explicit,
}
