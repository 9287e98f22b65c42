//! The contract of a way to prove an identity: [`Authenticator`].

use std::sync::Arc;

use http::{HeaderValue, request};

use crate::{
    context::SecurityContext,
    credential::{AuthenticatorId, Credential, CredentialSource, Presence},
    guard::Verdict,
    principal::Principal,
    rejection::Rejection,
};

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
/// let layer = AuthenticateLayer::new(SharedPassword {
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
    /// [`AuthenticateBuildError::SameSource`](crate::AuthenticateBuildError::SameSource).
    fn sources(&self) -> Vec<CredentialSource>;

    /// Looks for a credential that the core cannot find: a cookie, a client certificate. Verifies
    /// nothing.
    ///
    /// Default: absent. The core counts the credentials of the other [sources](Self::sources).
    ///
    /// # Errors
    ///
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

    /// Removes what belongs to this kind of credential and no handler may see, also when another credential
    /// was used or none: the cookie beside a key, a cookie that opens nothing.
    ///
    /// Called for each authenticator of a layer after the credential was read, but not in shadow mode. What an
    /// authenticator further in needs stays in the extensions of the request. Default: removes nothing.
    fn strip_credential(&self, head: &mut request::Parts) {
        let _ = head;
    }

    /// Verifies the credential, which was removed from the request.
    ///
    /// It may be called for a credential that an outer authenticator has accepted already. Return
    /// [`Verdict::Later`] for I/O. Refuse with [`Rejection::credentials_invalid`]; if the failure
    /// is not a guess, say so with [`Rejection::with_credential_failure`]. An ambient credential that opens
    /// nothing ([`CredentialFailure::Absent`](crate::CredentialFailure::Absent)) counts as none.
    fn authenticate(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal>;

    /// Verifies again a credential that was accepted before, for a WebSocket or a long stream that it
    /// opened.
    ///
    /// The request is gone: `cx` has the client and the [resource](SecurityContext::resource), and nothing else. A proof that can be used once is not
    /// asked for again. Refuse with a status of 500 or above if that cannot be decided now. `None`: this
    /// kind of credential cannot be verified again, so what it opened stays open. Default: `None`.
    fn recheck(&self, cx: &SecurityContext, credential: &Credential) -> Option<Verdict<Principal>> {
        let _ = (cx, credential);
        None
    }

    /// Is told that a credential was sent without TLS, where others could read it. The request is
    /// refused in any case.
    ///
    /// Returns the public id of the credential for the audit trail, and may revoke it. Do both only
    /// if the credential is genuine: otherwise any client could have another's credential revoked.
    /// Must not block or use a network. Default: `None`.
    fn on_exposed(&self, cx: &SecurityContext, credential: &Credential) -> Option<Box<str>> {
        let _ = (cx, credential);
        None
    }

    /// Returns the challenge for `WWW-Authenticate` (RFC 9110, 11.6.1), such as `Bearer
    /// realm="api"`.
    fn challenge(&self) -> HeaderValue;

    /// Returns a challenge for each further scheme that this authenticator reads, each with a scheme
    /// of its own. Default: none.
    fn further_challenges(&self) -> Vec<HeaderValue> {
        Vec::new()
    }
}

/// A shared authenticator is the same instance: it has the id of the one inside.
impl<A: Authenticator + ?Sized> Authenticator for Arc<A> {
    fn id(&self) -> AuthenticatorId {
        (**self).id()
    }

    fn kind(&self) -> &'static str {
        (**self).kind()
    }

    fn sources(&self) -> Vec<CredentialSource> {
        (**self).sources()
    }

    fn presence(&self, head: &request::Parts) -> Result<Presence, Box<Rejection>> {
        (**self).presence(head)
    }

    fn take(&self, head: &mut request::Parts) -> Credential {
        (**self).take(head)
    }

    fn strip_credential(&self, head: &mut request::Parts) {
        (**self).strip_credential(head);
    }

    fn authenticate(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal> {
        (**self).authenticate(cx, head, credential)
    }

    fn recheck(&self, cx: &SecurityContext, credential: &Credential) -> Option<Verdict<Principal>> {
        (**self).recheck(cx, credential)
    }

    fn on_exposed(&self, cx: &SecurityContext, credential: &Credential) -> Option<Box<str>> {
        (**self).on_exposed(cx, credential)
    }

    fn challenge(&self) -> HeaderValue {
        (**self).challenge()
    }

    fn further_challenges(&self) -> Vec<HeaderValue> {
        (**self).further_challenges()
    }
}
