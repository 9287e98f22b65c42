//! Verifies a selected credential, or decides about a request that has none.

use std::sync::Arc;

use http::request;

use super::{
    layer::AuthenticateLayer,
    select::{self, SelectedCredential},
    shared::Shared,
};
use crate::{
    context::{ProvenPrincipal, SecurityContext},
    credential::{CredentialFailure, Presence, Proof},
    guard::{Mode, Verdict},
    principal::Principal,
    rejection::Rejection,
};

impl AuthenticateLayer {
    /// Verifies the credential of a request.
    pub(super) fn verify(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        found: SelectedCredential,
    ) -> Verdict<()> {
        let Some(one) = self.shared.all.get(found.reader) else {
            return Rejection::misconfigured("an authenticator that is not listed").into();
        };
        let mut copy;
        let head = match self.mode {
            Mode::Enforce => head,
            // In shadow nothing may be taken out, so the authenticator gets a copy.
            Mode::Shadow => {
                copy = head.clone();
                &mut copy
            }
        };
        let credential = select::take(one, found.place, head);
        let verdict = one.authenticator.authenticate(cx, head, &credential);
        let (kind, presence, optional) = (one.info.kind, found.presence, self.optional);
        let proof = Proof {
            authenticator: Arc::clone(&one.info),
            presence: found.presence,
            place: found.place,
            credential,
        };
        match verdict {
            Verdict::Admit(who) => self.shared.accept(cx, who, proof).into(),
            Verdict::Refuse(rejection) if is_absent(presence, &rejection) => {
                self.shared.without_ambient(cx, optional).into()
            }
            Verdict::Refuse(rejection) => self.shared.record_failure(cx, kind, rejection).into(),
            Verdict::Later(decision) => {
                let (cx, shared) = (cx.clone(), Arc::clone(&self.shared));
                Verdict::later(async move {
                    match decision.await {
                        Ok(who) => shared.accept(&cx, who, proof),
                        Err(rejection) if is_absent(presence, &rejection) => {
                            shared.without_ambient(&cx, optional)
                        }
                        Err(rejection) => Err(shared.record_failure(&cx, kind, rejection)),
                    }
                })
            }
        }
    }

    /// Decides about a request that has no credential, or none any more.
    pub(super) fn without_credential(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
    ) -> Verdict<()> {
        let Some(who) = cx.principal() else {
            return match self.optional {
                true => Verdict::Admit(()),
                false => self.shared.missing.clone().into(),
            };
        };
        let proof = cx.proof();
        if proof.is_some_and(|proof| self.shared.has_proven(proof)) {
            return Verdict::Admit(());
        }
        if let Some(proof) = proof
            && let Some(reader) = select::reader_of_proven(&self.shared.all, proof)
        {
            return self.verify_again(cx, head, proof, reader);
        }
        // A session has the principal of another kind, so the credential tells and not the principal.
        let kind = proof.map_or(who.kind(), |proof| proof.authenticator.kind);
        if self.shared.all.iter().any(|one| one.info.kind == kind) {
            let reason = "another authenticator of this kind proved the principal, and its credential \
                          is not there to be verified again: use the same authenticator in both layers";
            return Rejection::misconfigured(reason).into();
        }
        self.shared.other_kind.clone().into()
    }

    /// Verifies the credential that another instance further out accepted and removed.
    fn verify_again(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        proof: &Proof,
        reader: usize,
    ) -> Verdict<()> {
        let Some(one) = self.shared.all.get(reader) else {
            return Rejection::misconfigured("an authenticator that is not listed").into();
        };
        let mut copy;
        let head = match self.mode {
            Mode::Enforce => head,
            Mode::Shadow => {
                copy = head.clone();
                &mut copy
            }
        };
        let (kind, shared) = (one.info.kind, Arc::clone(&self.shared));
        let verdict = one.authenticator.authenticate(cx, head, &proof.credential);
        match verdict {
            Verdict::Admit(who) => same_principal(cx, &who).into(),
            Verdict::Refuse(rejection) => shared.record_failure(cx, kind, rejection).into(),
            Verdict::Later(decision) => {
                let cx = cx.clone();
                Verdict::later(async move {
                    match decision.await {
                        Ok(who) => same_principal(&cx, &who),
                        Err(rejection) => Err(shared.record_failure(&cx, kind, rejection)),
                    }
                })
            }
        }
    }
}

/// Refuses if the second verification found another principal.
fn same_principal(cx: &SecurityContext, who: &Principal) -> Result<(), Box<Rejection>> {
    match cx.principal() == Some(who) {
        true => Ok(()),
        false => Err(two_principals()),
    }
}

/// The refusal of a credential that two authenticators read differently.
fn two_principals() -> Box<Rejection> {
    let reason = "two authenticators read one credential as two principals: \
                  let both read the same claims, or use one of them";
    Box::new(Rejection::misconfigured(reason))
}

/// Tells whether a credential that the browser sent by itself opens nothing, so that it counts as none.
fn is_absent(presence: Presence, rejection: &Rejection) -> bool {
    let failure = rejection.credential_failure();
    presence == Presence::Ambient && failure == CredentialFailure::Absent
}

impl Shared {
    /// Decides about a request whose only credential was an ambient one that opens nothing.
    ///
    /// Another layer may have found a principal. Without a credential of its own this layer accepts only
    /// what one of its authenticators proved.
    fn without_ambient(&self, cx: &SecurityContext, optional: bool) -> Result<(), Box<Rejection>> {
        let refusal = match (cx.principal(), cx.proof()) {
            (None, _) if optional => return Ok(()),
            (None, _) => &self.missing,
            (Some(_), Some(proof)) if self.has_proven(proof) => return Ok(()),
            (Some(_), _) => &self.other_kind,
        };
        Err(Box::new(refusal.clone()))
    }

    /// Sets the principal, or refuses if another one is set already.
    fn accept(
        &self,
        cx: &SecurityContext,
        who: Principal,
        proof: Proof,
    ) -> Result<(), Box<Rejection>> {
        let proven = ProvenPrincipal {
            principal: who,
            proof: Some(proof),
        };
        let Err(second) = cx.set_proven(proven) else {
            return Ok(());
        };
        // Another principal is set. Two credentials are the client's fault, one is the operator's.
        match (cx.proof(), second.proof) {
            (Some(first), Some(second))
                if first.credential.as_bytes() != second.credential.as_bytes() =>
            {
                let ambiguous = self.ambiguous.clone();
                Err(Box::new(
                    ambiguous.with_reason("two credentials name two principals"),
                ))
            }
            _ => Err(two_principals()),
        }
    }
}
