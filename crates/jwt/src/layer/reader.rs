//! The decision about a token: from the cache, or by verification.
//!
//! If a fetch of keys may change the outcome, the request waits for that fetch and is decided once
//! more.

use std::{fmt, str, sync::Arc};

use http::{HeaderValue, request};
use palisade_core::{
    Authenticator, AuthenticatorId, Credential, CredentialFailure, CredentialSource, Fact,
    Principal, Rejection, SecurityContext, TokenShape, Verdict,
};

use super::refusals::Refusals;
use crate::{
    InvalidToken, Verifier,
    cache::{Cache, Kept, Print},
    keys::Landing,
    principal::{ClaimMap, KIND},
    verifier::Verified,
};

/// What all clones of a layer share.
#[derive(Clone)]
pub(super) struct Reader(pub(super) Arc<Shared>);

/// Everything that a layer was built with.
pub(super) struct Shared {
    /// Tells this layer from other authenticators of the same kind.
    pub(super) id: AuthenticatorId,
    /// Which tokens are valid.
    pub(super) verifier: Verifier,
    /// Which claims become what.
    pub(super) claims: ClaimMap,
    /// Tokens that were verified.
    pub(super) cache: Cache,
    /// The responses, rendered when the layer was built.
    pub(super) refusals: Refusals,
}

impl Authenticator for Reader {
    fn id(&self) -> AuthenticatorId {
        self.0.id
    }

    fn kind(&self) -> &'static str {
        KIND
    }

    /// Tokens with too many or too few dots are read too, and refused.
    fn sources(&self) -> Vec<CredentialSource> {
        vec![CredentialSource::bearer(TokenShape::Dotted)]
    }

    fn authenticate(
        &self,
        cx: &SecurityContext,
        _: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal> {
        let Some(token) = credential.as_str() else {
            let kind = CredentialFailure::Guess;
            return self.0.refusals.of(InvalidToken::Shape, kind).into();
        };
        match self.0.look(token) {
            Look::Decided(outcome) => self.0.answer(cx, outcome).into(),
            Look::Wait(landing) => {
                let (shared, cx, token) = (Arc::clone(&self.0), cx.clone(), token.to_owned());
                Verdict::later(async move {
                    landing.await;
                    shared.answer(&cx, shared.decide(&token))
                })
            }
        }
    }

    fn challenge(&self) -> HeaderValue {
        self.0.refusals.challenge.clone()
    }
}

/// The outcome without waiting.
enum Look {
    /// The token is accepted or refused.
    Decided(Result<Admitted, Refused>),
    /// A fetch of keys is in progress that may change the outcome.
    Wait(Landing),
}

/// Why a token is refused, and whether it could be a guess.
struct Refused {
    fault: InvalidToken,
    kind: CredentialFailure,
}

impl Refused {
    /// The token may not be of the issuer: its signature was not verified.
    const fn guess(fault: InvalidToken) -> Self {
        let kind = CredentialFailure::Guess;
        Self { fault, kind }
    }

    /// The verifier checks the signature first, so a token that it refuses for another reason is
    /// genuine.
    const fn checked(fault: InvalidToken) -> Self {
        let kind = match fault {
            InvalidToken::AlgorithmMismatch
            | InvalidToken::IssuerUnknown
            | InvalidToken::KeyUnknown
            | InvalidToken::KeysUnavailable
            | InvalidToken::SignatureMismatch => CredentialFailure::Guess,
            InvalidToken::Expired => CredentialFailure::Expired,
            InvalidToken::IssuedInFuture | InvalidToken::NotYetValid => {
                CredentialFailure::NotYetValid
            }
            _ => CredentialFailure::NotAllowedHere,
        };
        Self { fault, kind }
    }
}

/// The principal of a token, and whether the keys that verified it are overdue for a fetch.
struct Admitted {
    principal: Principal,
    stale: bool,
}

impl Shared {
    /// Decides immediately, or finds that a fetch of keys may change the outcome.
    fn look(&self, token: &str) -> Look {
        if token.len() > self.verifier.cap() {
            return Look::Decided(Err(Refused::guess(InvalidToken::TooLarge)));
        }
        let print = Cache::print(token);
        if let Some(known) = self.recall(&print) {
            return Look::Decided(Ok(known));
        }
        let examined = match self.verifier.examine(token) {
            Ok(examined) => examined,
            Err(fault) => return Look::Decided(Err(Refused::guess(fault))),
        };
        let Some(keys) = self.verifier.keys(examined.issuer()) else {
            return Look::Decided(Err(Refused::guess(InvalidToken::IssuerUnknown)));
        };
        if let Some(landing) = keys.due() {
            return Look::Wait(landing);
        }
        let outcome = self.verifier.check(&examined);
        if let Err(fault) = &outcome
            && let Some(landing) = keys.second_look(examined.kid(), *fault)
        {
            return Look::Wait(landing);
        }
        let outcome = outcome.and_then(|verified| self.welcome(print, &verified));
        Look::Decided(outcome.map_err(Refused::checked))
    }

    /// Decides with the current keys, after a fetch. It does not fetch again.
    fn decide(&self, token: &str) -> Result<Admitted, Refused> {
        let examined = self.verifier.examine(token).map_err(Refused::guess)?;
        let verified = self.verifier.check(&examined).map_err(Refused::checked)?;
        self.welcome(Cache::print(token), &verified)
            .map_err(Refused::checked)
    }

    /// Returns a token from the cache, unless it has expired or its keys were replaced.
    fn recall(&self, print: &Print) -> Option<Admitted> {
        let kept = self.cache.get(print)?;
        if self.verifier.judge_times(&kept.times).is_err() {
            self.cache.forget(print);
            return None;
        }
        let keys = self.verifier.keys(kept.issuer)?;
        if keys.due().is_some() {
            return None;
        }
        let same = keys.current().is_ok_and(|set| *set.print() == kept.keys);
        same.then(|| Admitted {
            principal: kept.principal,
            stale: keys.is_stale(),
        })
    }

    /// Makes the principal of a verified token and stores it in the cache.
    fn welcome(&self, print: Print, verified: &Verified) -> Result<Admitted, InvalidToken> {
        let issuer = self.verifier.issuer(verified.issuer);
        let label = issuer.and_then(|issuer| issuer.label_text());
        let principal = self
            .claims
            .principal(&verified.claims, label, &verified.signed)?;
        let kept = Kept {
            principal: principal.clone(),
            times: *verified.claims.times(),
            issuer: verified.issuer,
            keys: verified.keys,
        };
        self.cache.put(print, kept);
        let stale = issuer.is_some_and(|issuer| issuer.keys().is_stale());
        Ok(Admitted { principal, stale })
    }

    /// Records degraded states and turns the outcome into a principal or a refusal.
    fn answer(
        &self,
        cx: &SecurityContext,
        outcome: Result<Admitted, Refused>,
    ) -> Result<Principal, Box<Rejection>> {
        if self.verifier.take_clock_step() {
            cx.record(Fact::Degraded {
                guard: KIND,
                what: "clock_stepped_back",
            });
        }
        let admitted = outcome.map_err(|refused| self.refusals.of(refused.fault, refused.kind))?;
        if admitted.stale {
            cx.record(Fact::Degraded {
                guard: KIND,
                what: "keys_stale",
            });
        }
        Ok(admitted.principal)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("verifier", &self.0.verifier)
            .field("claims", &self.0.claims)
            .finish_non_exhaustive()
    }
}
