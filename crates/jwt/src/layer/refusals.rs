//! The responses of the layer to a refused token, rendered once.

use std::{borrow::Cow, time::Duration};

use http::{HeaderName, HeaderValue, StatusCode};
use palisade_core::{CredentialFailure, Rejection};

use crate::error::{DpopFault, InvalidToken};

/// The `Retry-After` of a 503 response while the keys are not available.
const KEYS_RETRY: Duration = Duration::from_secs(5);
/// In which a client learns the nonce for its next proof (RFC 9449 section 9).
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

pub(crate) struct Refusals {
    /// `WWW-Authenticate` for a request without a token: that of the first scheme, and of the other.
    pub(crate) challenges: (HeaderValue, Option<HeaderValue>),
    /// The 401 response for every token that is not valid.
    invalid: Rejection,
    /// Those for tokens that were sent with the scheme `DPoP`.
    bound: Option<BoundRefusals>,
    /// The 403 response for a token that the application's condition refuses.
    not_allowed: Rejection,
    /// The 503 response.
    unavailable: Rejection,
}

/// The 401 responses for tokens that are bound to a key.
struct BoundRefusals {
    invalid_proof: Rejection,
    invalid_token: Rejection,
    use_nonce: Rejection,
}

impl Refusals {
    /// Takes the challenges for bearer tokens and for bound ones. The realm was checked by the
    /// builder: plain text without quotes.
    pub(crate) fn new(bearer: &str, dpop: Option<&str>, only_dpop: bool) -> Self {
        let bound = dpop.map(|dpop| BoundRefusals {
            invalid_proof: refusal(dpop, "invalid_dpop_proof"),
            invalid_token: refusal(dpop, "invalid_token"),
            use_nonce: refusal(dpop, "use_dpop_nonce"),
        });
        let not_allowed = Rejection::new(
            StatusCode::FORBIDDEN,
            "token_not_allowed",
            "The token does not allow this request.",
        );
        let accepted = dpop.filter(|_| only_dpop).unwrap_or(bearer);
        Self {
            invalid: refusal(accepted, "invalid_token"),
            bound,
            not_allowed: not_allowed.prerendered(),
            unavailable: Rejection::unavailable(KEYS_RETRY).prerendered(),
            challenges: match dpop.map(challenge) {
                Some(dpop) if only_dpop => (dpop, None),
                further => (challenge(bearer), further),
            },
        }
    }

    /// Returns the response for a refused token.
    ///
    /// It is the same for all reasons but the application's own; only the audit trail has the reason. `kind` says whether the
    /// token could be a guess.
    pub(crate) fn of(&self, fault: InvalidToken, kind: CredentialFailure) -> Box<Rejection> {
        let refusal = self.common(fault).unwrap_or(&self.invalid);
        explained(refusal.clone(), fault, kind)
    }

    /// Returns the response for a refused token that was sent with the scheme `DPoP`. It says
    /// whether the token, the proof or only the nonce is at fault: the client makes another one.
    pub(crate) fn of_bound(
        &self,
        fault: InvalidToken,
        kind: CredentialFailure,
        nonce: Option<HeaderValue>,
    ) -> Box<Rejection> {
        let Some(bound) = &self.bound else {
            return self.of(fault, kind);
        };
        let refusal = self.common(fault).unwrap_or(match fault {
            InvalidToken::Dpop(DpopFault::Nonce) => &bound.use_nonce,
            InvalidToken::Dpop(DpopFault::NotBound | DpopFault::KeyMismatch) => {
                &bound.invalid_token
            }
            InvalidToken::Dpop(_) => &bound.invalid_proof,
            _ => &bound.invalid_token,
        });
        let refusal = match nonce {
            Some(nonce) => refusal.clone().with_header(DPOP_NONCE, nonce),
            None => refusal.clone(),
        };
        explained(refusal, fault, kind)
    }

    /// Returns the response that does not depend on the scheme.
    fn common(&self, fault: InvalidToken) -> Option<&Rejection> {
        match fault {
            InvalidToken::KeysUnavailable
            | InvalidToken::ListUnavailable
            | InvalidToken::IntrospectionBusy
            | InvalidToken::IntrospectionUnavailable
            | InvalidToken::Dpop(DpopFault::BeforeStart | DpopFault::StoreFull) => {
                Some(&self.unavailable)
            }
            InvalidToken::NotAllowed => Some(&self.not_allowed),
            _ => None,
        }
    }
}

/// Adds what only the audit trail sees.
fn explained(refusal: Rejection, fault: InvalidToken, kind: CredentialFailure) -> Box<Rejection> {
    let reason = match fault {
        InvalidToken::ClaimMalformed(_) | InvalidToken::ClaimMissing(_) => {
            Cow::Owned(fault.to_string())
        }
        _ => Cow::Borrowed(fault.code()),
    };
    let refusal = refusal.with_reason(reason);
    Box::new(refusal.with_credential_failure(kind))
}

fn refusal(base: &str, error: &str) -> Rejection {
    let challenge = challenge(&format!("{base}, error=\"{error}\""));
    Rejection::credentials_invalid(challenge).prerendered()
}

/// The value of `WWW-Authenticate`.
fn challenge(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("Bearer realm=\"api\""))
}
