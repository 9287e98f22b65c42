//! Who the client is: known, anonymous, or never authenticated.

use std::sync::atomic::Ordering;

use super::SecurityContext;
use crate::{credential::Proof, principal::Principal, rejection::Rejection};

/// A principal, and what proved it: nothing if a guard set it otherwise.
pub(crate) struct ProvenPrincipal {
    pub(crate) principal: Principal,
    pub(crate) proof: Option<Proof>,
}

/// Whether the identity of the client is known.
///
/// `Unknown` means that no authenticator ran, which is an error of assembly: refuse.
///
/// ```
/// use http::Request;
/// use palisade_core::{Identity, SecurityContext};
///
/// let (mut head, ()) = Request::new(()).into_parts();
/// let cx = SecurityContext::find_or_create(&mut head);
/// assert!(matches!(cx.identity(), Identity::Unknown));
/// cx.mark_authentication_attempted();
/// assert!(matches!(cx.identity(), Identity::Anonymous));
/// ```
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_enums)] // Every guard must handle each.
pub enum Identity<'a> {
    /// An authenticator ran and found no credential.
    Anonymous,
    /// A credential was verified.
    Known(&'a Principal),
    /// No authenticator ran. Never treat it as anonymous.
    Unknown,
}

impl SecurityContext {
    /// Tells whether the client is known, anonymous, or was never authenticated.
    #[must_use]
    pub fn identity(&self) -> Identity<'_> {
        match self.principal() {
            Some(principal) => Identity::Known(principal),
            None if self.0.authentication_attempted.load(Ordering::Acquire) => Identity::Anonymous,
            None => Identity::Unknown,
        }
    }

    /// Returns the principal, if one is known. To distinguish the other two cases use
    /// [`identity`](Self::identity).
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        Some(&self.0.proven.get()?.principal)
    }

    /// Returns the [`kind`](crate::Authenticator::kind) of the authenticator that proved the principal. `None`: there
    /// is no principal, or a guard set it otherwise.
    ///
    /// It can differ from [`Principal::kind`]: a session has the principal that signed in. A handler that gives out a
    /// credential asks this, so that a stolen session opens no second one.
    #[must_use]
    pub fn proven_by(&self) -> Option<&'static str> {
        Some(self.proof()?.authenticator.kind)
    }

    /// Returns what proved the principal, if an authenticator did.
    pub(crate) fn proof(&self) -> Option<&Proof> {
        self.0.proven.get()?.proof.as_ref()
    }

    /// Records that an authenticator ran, whatever it found, also in shadow. Without it the
    /// identity is `Unknown`.
    pub fn mark_authentication_attempted(&self) {
        self.0
            .authentication_attempted
            .store(true, Ordering::Release);
    }

    /// Sets the principal, for guards that are not an [`Authenticator`](crate::Authenticator).
    ///
    /// An [`AuthenticateLayer`](crate::AuthenticateLayer) further in does not accept this: it
    /// requires a credential that it can verify.
    ///
    /// # Errors
    ///
    /// 500 `misconfigured` if another principal is set already. The same principal again is no
    /// error.
    pub fn set_principal(&self, who: Principal) -> Result<(), Box<Rejection>> {
        self.mark_authentication_attempted();
        let proven = ProvenPrincipal {
            principal: who,
            proof: None,
        };
        self.set_proven(proven).map_err(|_| {
            let reason = "a second authenticator found another principal";
            Box::new(Rejection::misconfigured(reason))
        })
    }

    /// Sets the principal and its proof. Returns them if another principal is set already.
    pub(crate) fn set_proven(&self, proven: ProvenPrincipal) -> Result<(), ProvenPrincipal> {
        match self.0.proven.set(proven) {
            Err(second) if self.principal() != Some(&second.principal) => Err(second),
            Err(_) => Ok(()),
            Ok(()) => {
                self.note_principal();
                Ok(())
            }
        }
    }
}
