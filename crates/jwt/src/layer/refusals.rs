//! The refusals of the layer, rendered once.

use std::{borrow::Cow, time::Duration};

use http::HeaderValue;
use palisade_core::{CredentialFailure, Rejection};

use crate::InvalidToken;

/// What a client is told to wait while the keys cannot be had.
const KEYS_RETRY: Duration = Duration::from_secs(5);

pub(super) struct Refusals {
    pub(super) challenge: HeaderValue,
    invalid: Rejection,
    unavailable: Rejection,
}

impl Refusals {
    /// `realm` has been judged: it is plain text without quotes.
    pub(super) fn new(challenge: HeaderValue, invalid: HeaderValue) -> Self {
        Self {
            invalid: Rejection::credentials_invalid(invalid).prerendered(),
            unavailable: Rejection::unavailable(KEYS_RETRY).prerendered(),
            challenge,
        }
    }

    /// One answer for all faults of a token; which it was, only the audit trail learns. `kind` says whether the token
    /// could be a guess.
    pub(super) fn of(&self, fault: InvalidToken, kind: CredentialFailure) -> Box<Rejection> {
        let refusal = match fault {
            InvalidToken::KeysUnavailable => &self.unavailable,
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
