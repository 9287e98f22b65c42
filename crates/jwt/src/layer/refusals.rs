//! The responses of the layer to a refused token, rendered once.

use std::{borrow::Cow, time::Duration};

use http::{HeaderValue, StatusCode};
use palisade_core::{CredentialFailure, Rejection};

use crate::error::InvalidToken;

/// The `Retry-After` of a 503 response while the keys are not available.
const KEYS_RETRY: Duration = Duration::from_secs(5);

pub(super) struct Refusals {
    /// `WWW-Authenticate` for a request without a token.
    pub(super) challenge: HeaderValue,
    /// The 401 response for every token that is not valid.
    invalid: Rejection,
    /// The 403 response for a token that the application's condition refuses.
    not_allowed: Rejection,
    /// The 503 response.
    unavailable: Rejection,
}

impl Refusals {
    /// The realm was checked by the builder: plain text without quotes.
    pub(super) fn new(challenge: HeaderValue, invalid: HeaderValue) -> Self {
        Self {
            invalid: Rejection::credentials_invalid(invalid).prerendered(),
            not_allowed: Rejection::new(
                StatusCode::FORBIDDEN,
                "token_not_allowed",
                "The token does not allow this request.",
            )
            .prerendered(),
            unavailable: Rejection::unavailable(KEYS_RETRY).prerendered(),
            challenge,
        }
    }

    /// Returns the response for a refused token.
    ///
    /// It is the same for all reasons but the application's own; only the audit trail has the reason. `kind` says whether the
    /// token could be a guess.
    pub(super) fn of(&self, fault: InvalidToken, kind: CredentialFailure) -> Box<Rejection> {
        let refusal = match fault {
            InvalidToken::KeysUnavailable | InvalidToken::ListUnavailable => &self.unavailable,
            InvalidToken::NotAllowed => &self.not_allowed,
            _ => &self.invalid,
        };
        let reason = match fault {
            InvalidToken::ClaimMalformed(_) | InvalidToken::ClaimMissing(_) => {
                Cow::Owned(fault.to_string())
            }
            _ => Cow::Borrowed(fault.code()),
        };
        let refusal = refusal.clone().with_reason(reason);
        Box::new(refusal.with_credential_failure(kind))
    }
}
