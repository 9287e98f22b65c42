//! What is checked for each request with a genuine token, also for one from the cache: that the client
//! has the key or the certificate that the token is bound to, that the token is not revoked, and the application's
//! condition.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::request;
use palisade_core::{ClientCertificate, Credential, SecurityContext};

use super::shared::{Admitted, Refused, Shared};
use crate::{
    claims::Binding,
    dpop::{DpopProofs, ProofRequest},
    error::{DpopFault, InvalidToken},
    revocation::{ListUnavailable, RevokedToken},
};

/// The scheme of tokens that are bound to a key (RFC 9449 section 7.1).
pub(super) const DPOP: &str = "DPoP";

/// How a token was sent.
pub(super) struct Presented {
    /// With the scheme `DPoP`: the proof of possession, or that there is none. `None`: as a bearer
    /// token.
    pub(super) proof: Option<Box<ProofRequest>>,
    /// The certificate of the connection.
    certificate: Option<ClientCertificate>,
}

impl Presented {
    /// Removes the proof from the request, whatever the scheme: it belongs to the token, which was
    /// removed too.
    pub(super) fn take(credential: &Credential, head: &mut request::Parts) -> Self {
        let proof = ProofRequest::take(head);
        let scheme = credential.scheme();
        let is_dpop = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(DPOP));
        Self {
            proof: is_dpop.then(|| Box::new(proof)),
            certificate: head.extensions.get().cloned(),
        }
    }

    /// Tells whether the connection has the certificate with this SHA-256, in base64url.
    fn has_certificate(&self, thumbprint: &str) -> bool {
        let sent = self.certificate.as_ref();
        sent.is_some_and(|sent| URL_SAFE_NO_PAD.encode(sent.sha256()) == thumbprint)
    }
}

impl Shared {
    /// Checks what may differ between two requests with one token.
    pub(super) fn check_request(
        &self,
        cx: &SecurityContext,
        token: &str,
        presented: &Presented,
        admitted: Admitted,
    ) -> Result<Admitted, Refused> {
        self.check_binding(cx, token, presented, admitted)
            .and_then(|admitted| self.check_token(admitted))
    }

    /// Checks what may have changed since the token was admitted.
    pub(super) fn check_token(&self, admitted: Admitted) -> Result<Admitted, Refused> {
        self.check_revocation(admitted)
            .and_then(|admitted| self.check_claims(admitted))
    }

    /// Refuses a genuine token that was sent without what it is bound to, or as if it were bound to
    /// a key.
    fn check_binding(
        &self,
        cx: &SecurityContext,
        token: &str,
        presented: &Presented,
        admitted: Admitted,
    ) -> Result<Admitted, Refused> {
        let requires_proofs = self.dpop.as_ref().is_some_and(DpopProofs::are_required);
        let not_bound = InvalidToken::Dpop(DpopFault::NotBound);
        let checked = match (&admitted.bound_to, &presented.proof) {
            (None | Some(Binding::Certificate(_)), Some(_)) => Err(not_bound),
            // Beside another authenticator of the same service, bearer tokens arrive here too.
            (None | Some(Binding::Certificate(_)), None) if requires_proofs => Err(not_bound),
            (None, None) => Ok(()),
            (Some(Binding::Certificate(thumbprint)), None) => {
                match presented.has_certificate(thumbprint) {
                    true => Ok(()),
                    false => Err(InvalidToken::CertificateMismatch),
                }
            }
            (Some(Binding::Key(_)), None) => Err(InvalidToken::ConfirmationUnchecked),
            (Some(Binding::Key(key)), Some(request)) => match &self.dpop {
                Some(proofs) => proofs
                    .check(request, token, key, self.verifier.request_time(cx))
                    .map_err(InvalidToken::Dpop),
                // Cannot happen: without proofs no such token is admitted.
                None => Err(InvalidToken::ConfirmationUnchecked),
            },
        };
        checked.map(|()| admitted).map_err(Refused::checked)
    }

    /// Refuses a genuine token that does not meet the application's condition.
    fn check_claims(&self, admitted: Admitted) -> Result<Admitted, Refused> {
        let passes = match (&self.check, &admitted.claims) {
            (None, _) => true,
            (Some(check), Some(claims)) => check.passes(claims),
            // Cannot happen: claims are kept wherever there is a condition.
            (Some(_), None) => false,
        };
        match passes {
            true => Ok(admitted),
            false => Err(Refused::checked(InvalidToken::NotAllowed)),
        }
    }

    /// Refuses a genuine token that is revoked.
    fn check_revocation(&self, admitted: Admitted) -> Result<Admitted, Refused> {
        let Some(list) = &self.revocation else {
            return Ok(admitted);
        };
        match list.is_revoked(&RevokedToken::of(&admitted.principal)) {
            Ok(false) => Ok(admitted),
            Ok(true) => Err(Refused::checked(InvalidToken::Revoked)),
            Err(ListUnavailable) => Err(Refused::checked(InvalidToken::ListUnavailable)),
        }
    }
}
