//! Authentication: several ways to prove an identity, of which the credential in the request decides.

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

/// A way to prove an identity: an API key, a token, a session, a client certificate.
///
/// The core finds the credential by the declared [`sources`](Self::sources), parses `Authorization`, refuses
/// requests that show two, and takes the credential out of the request. The authenticator verifies it.
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
    /// Returns the id of this instance. Clones that share their configuration share it; two that were
    /// configured apart do not, even if they are of one kind.
    ///
    /// A layer accepts without a second look only what one of its own instances has proven.
    fn id(&self) -> AuthenticatorId;

    /// Returns the kind of credential, stable and loggable. Principals carry it.
    fn kind(&self) -> &'static str;

    /// Declares where the credential is found. Asked once, when the layer is built.
    fn sources(&self) -> Vec<CredentialSource>;

    /// Looks for a credential where the core cannot look: a cookie, a client certificate. Verifies nothing.
    ///
    /// Default: absent. Credentials of the other [sources](Self::sources) are counted by the core.
    ///
    /// # Errors
    /// A refusal if the credential is shown twice, or in a form that can only be a mistake.
    fn presence(&self, head: &request::Parts) -> Result<Presence, Box<Rejection>> {
        let _ = head;
        Ok(Presence::Absent)
    }

    /// Takes out the credential that [`presence`](Self::presence) found, so that no handler sees it.
    ///
    /// Default: [`Credential::outside`], for what is no part of the head.
    fn take(&self, head: &mut request::Parts) -> Credential {
        let _ = head;
        Credential::outside()
    }

    /// Verifies the credential, which was taken out of the request.
    ///
    /// May be asked about a credential that another authenticator further out accepted already.
    /// A refusal that is not a guess says so by [`Rejection::with_credential_failure`].
    fn authenticate(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal>;

    /// Learns that a credential was sent in clear, where everyone on the way could read it. The request
    /// is refused, whatever the answer.
    ///
    /// Returns the public id of the credential for the audit trail, and may revoke it: both only if it is
    /// genuine, or anyone could accuse the credential of another. Must not block, and does not ask a
    /// network. Default: `None`.
    fn exposed(&self, cx: &SecurityContext, credential: &Credential) -> Option<Box<str>> {
        let _ = (cx, credential);
        None
    }

    /// Returns the challenge for `WWW-Authenticate` (RFC 9110, 11.6.1).
    fn challenge(&self) -> HeaderValue;
}

/// Names one instance of an [`Authenticator`] within this process.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct AuthenticatorId(u64);

impl AuthenticatorId {
    /// Makes an id that no other instance has. Make it once, and keep it where clones share it.
    #[must_use]
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Whether a request shows a credential.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums)] // The choice among credentials must know every kind of presence.
pub enum Presence {
    /// It shows none.
    Absent,
    /// It shows one that clients send without meaning to: a cookie, a client certificate.
    Ambient,
    /// It shows one on purpose.
    Explicit,
}
