//! The authenticator of a layer: reads the token of a request, and turns the decision about it into
//! a principal or a refusal.
//!
//! `decision` decides about the token, `checks` about the request with it.

use std::{fmt, sync::Arc};

use http::{HeaderValue, request};
use palisade_core::{
    Authenticator, AuthenticatorId, Credential, CredentialFailure, CredentialSource, Fact,
    Principal, Rejection, SecurityContext, TokenShape, Verdict,
};

use super::{
    checks::{DPOP, Presented},
    decision::Decision,
    shared::{Admitted, Refused, Shared},
};
use crate::{error::InvalidToken, layer::principal::KIND};

/// What all clones of a layer share.
#[derive(Clone)]
pub(super) struct TokenAuthenticator(pub(super) Arc<Shared>);

impl Authenticator for TokenAuthenticator {
    fn id(&self) -> AuthenticatorId {
        self.0.id
    }

    fn kind(&self) -> &'static str {
        KIND
    }

    /// Tokens with too many or too few dots are read too, and refused.
    fn sources(&self) -> Vec<CredentialSource> {
        let bearer = CredentialSource::bearer(TokenShape::Dotted);
        let Some(proofs) = &self.0.dpop else {
            return vec![bearer];
        };
        let bound = CredentialSource::Authorization {
            scheme: DPOP.into(),
            shape: TokenShape::Dotted,
        };
        match proofs.are_required() {
            true => vec![bound],
            false => vec![bearer, bound],
        }
    }

    fn authenticate(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal> {
        let Some(token) = credential.as_str() else {
            let kind = CredentialFailure::Guess;
            return self.0.refusals.of(InvalidToken::Shape, kind).into();
        };
        let presented = Presented::take(credential, head);
        match self.0.decide_now(cx, token) {
            Decision::Decided(outcome) => self.0.response(cx, token, &presented, outcome).into(),
            Decision::Pending(fetch_end) => {
                let (shared, cx, token) = (Arc::clone(&self.0), cx.clone(), token.to_owned());
                Verdict::later(async move {
                    fetch_end.await;
                    let outcome = shared.decide_after_fetch(&token);
                    shared.response(&cx, &token, &presented, outcome)
                })
            }
        }
    }

    /// Dates, keys, revocation and the application's condition. The proof of a bound token was made for
    /// one request.
    fn recheck(&self, cx: &SecurityContext, credential: &Credential) -> Option<Verdict<Principal>> {
        let token = credential.as_str()?;
        Some(match self.0.decide_now(cx, token) {
            Decision::Decided(outcome) => self.0.still_admitted(outcome).into(),
            Decision::Pending(fetch_end) => {
                let (shared, token) = (Arc::clone(&self.0), token.to_owned());
                Verdict::later(async move {
                    fetch_end.await;
                    shared.still_admitted(shared.decide_after_fetch(&token))
                })
            }
        })
    }

    fn challenge(&self) -> HeaderValue {
        self.0.refusals.challenges.0.clone()
    }

    fn further_challenges(&self) -> Vec<HeaderValue> {
        self.0.refusals.challenges.1.iter().cloned().collect()
    }
}

impl Shared {
    /// Turns the outcome of a second verification into a principal or a refusal.
    fn still_admitted(
        &self,
        outcome: Result<Admitted, Refused>,
    ) -> Result<Principal, Box<Rejection>> {
        let outcome = outcome.and_then(|admitted| self.check_token(admitted));
        outcome
            .map(|admitted| admitted.principal)
            .map_err(|refused| self.refusals.of(refused.fault, refused.kind))
    }

    /// Records degraded states and turns the outcome into a principal or a refusal.
    fn response(
        &self,
        cx: &SecurityContext,
        token: &str,
        presented: &Presented,
        outcome: Result<Admitted, Refused>,
    ) -> Result<Principal, Box<Rejection>> {
        if self.verifier.take_clock_step() {
            cx.record(Fact::Degraded {
                guard: KIND,
                what: "clock_stepped_back",
            });
        }
        let outcome =
            outcome.and_then(|admitted| self.check_request(cx, token, presented, admitted));
        let admitted = outcome.map_err(|refused| match presented.proof {
            None => self.refusals.of(refused.fault, refused.kind),
            Some(_) => {
                let now = self.verifier.request_time(cx);
                let nonce = self.dpop.as_ref().and_then(|proofs| proofs.nonce(now));
                self.refusals.of_bound(refused.fault, refused.kind, nonce)
            }
        })?;
        if admitted.stale {
            cx.record(Fact::Degraded {
                guard: KIND,
                what: "keys_stale",
            });
        }
        Ok(admitted.principal)
    }
}

impl fmt::Debug for TokenAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAuthenticator")
            .field("verifier", &self.0.verifier)
            .field("claims", &self.0.claims)
            .finish_non_exhaustive()
    }
}
