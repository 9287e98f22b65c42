//! What a layer was built with, and what is known of a token while it is decided about.

use std::{fmt, sync::Arc};

use palisade_core::{AuthenticatorId, CredentialFailure, Principal};

use super::refusals::Refusals;
use crate::{
    claims::{Binding, Claims},
    dpop::DpopProofs,
    error::InvalidToken,
    layer::principal::ClaimMap,
    revocation::RevocationList,
    verifier::{Verifier, cache::TokenCache},
};

/// Everything that a layer was built with.
pub(super) struct Shared {
    /// Tells this layer from other authenticators of the same kind.
    pub(super) id: AuthenticatorId,
    /// Which tokens are valid.
    pub(super) verifier: Verifier,
    /// Which claims become what.
    pub(super) claims: ClaimMap,
    /// Tokens that were verified.
    pub(super) cache: TokenCache,
    /// The responses, rendered when the layer was built.
    pub(super) refusals: Refusals,
    /// Checks proofs of possession. `None`: tokens that are bound to a key are refused.
    pub(super) dpop: Option<DpopProofs>,
    /// The application's condition on genuine tokens.
    pub(super) check: Option<ClaimsCheck>,
    /// Says which genuine tokens are revoked.
    pub(super) revocation: Option<Arc<dyn RevocationList>>,
}

/// The application's condition on the claims of genuine tokens.
#[derive(Clone)]
pub(super) struct ClaimsCheck(Arc<dyn Fn(&Claims) -> bool + Send + Sync>);

impl ClaimsCheck {
    pub(super) fn new(check: impl Fn(&Claims) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(check))
    }

    pub(super) fn passes(&self, claims: &Claims) -> bool {
        (self.0)(claims)
    }
}

impl fmt::Debug for ClaimsCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimsCheck(..)")
    }
}

/// Why a token is refused, and whether it could be a guess.
pub(super) struct Refused {
    pub(super) fault: InvalidToken,
    pub(super) kind: CredentialFailure,
}

impl Refused {
    /// The token may not be of the issuer: its signature was not verified.
    pub(super) const fn guess(fault: InvalidToken) -> Self {
        let kind = CredentialFailure::Guess;
        Self { fault, kind }
    }

    /// The verifier checks the signature first, so a token that it refuses for another reason is
    /// genuine.
    pub(super) const fn checked(fault: InvalidToken) -> Self {
        let kind = match fault {
            InvalidToken::AlgorithmMismatch
            | InvalidToken::IssuerUnknown
            | InvalidToken::KeyUnknown
            | InvalidToken::KeysUnavailable
            | InvalidToken::SignatureMismatch => CredentialFailure::Guess,
            InvalidToken::Expired => CredentialFailure::Expired,
            InvalidToken::Revoked => CredentialFailure::Revoked,
            InvalidToken::IssuedInFuture | InvalidToken::NotYetValid => {
                CredentialFailure::NotYetValid
            }
            _ => CredentialFailure::NotAllowedHere,
        };
        Self { fault, kind }
    }
}

/// The principal of a token, and whether the keys that verified it are overdue for a fetch.
pub(super) struct Admitted {
    pub(super) principal: Principal,
    /// All claims, if there is a condition on them.
    pub(super) claims: Option<Claims>,
    /// What the token is bound to.
    pub(super) bound_to: Option<Binding>,
    pub(super) stale: bool,
}
