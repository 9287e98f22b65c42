//! What a proof is compared with: the request that it came with.

use http::{HeaderName, Method, request};

use crate::error::DpopFault;

/// The header of a proof.
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The proof of a request, or why there is none.
type SentProof = Result<Box<str>, DpopFault>;

/// A proof that was removed from the head, for an authenticator further in. Handlers cannot name
/// this type.
#[derive(Clone)]
struct TakenProof(SentProof);

/// What a proof is compared with.
pub(crate) struct ProofRequest {
    pub(super) proof: SentProof,
    pub(super) method: Method,
    pub(super) path: Box<str>,
}

impl ProofRequest {
    /// Takes the proof out of a request, so that neither a handler nor an upstream sees it: it is
    /// part of the credential.
    pub(crate) fn take(head: &mut request::Parts) -> Self {
        let proof = take_proof(head);
        Self {
            proof,
            method: head.method.clone(),
            path: head.uri.path().into(),
        }
    }
}

/// Removes all lines of the header. Without one, an authenticator further out may have taken it.
fn take_proof(head: &mut request::Parts) -> SentProof {
    let mut lines = head.headers.get_all(DPOP).iter();
    let sent = match (lines.next(), lines.next()) {
        (None, _) => {
            let taken = head.extensions.get::<TakenProof>().cloned();
            return taken.map_or(Err(DpopFault::Missing), |taken| taken.0);
        }
        (Some(line), None) => line.to_str().map(Into::into).or(Err(DpopFault::Malformed)),
        (Some(_), Some(_)) => Err(DpopFault::Repeated),
    };
    head.headers.remove(DPOP);
    head.extensions.insert(TakenProof(sent.clone()));
    sent
}
