//! The decision about a token: from the cache, or by verification.
//!
//! If a fetch of keys may change the outcome, the request waits for that fetch and is decided once
//! more.

use std::{fmt, str, sync::Arc, time::Duration};

use http::{HeaderValue, request};
use palisade_core::{
    Authenticator, AuthenticatorId, Credential, CredentialFailure, CredentialSource, Fact,
    Principal, Rejection, SecurityContext, TokenShape, Verdict,
};

use super::refusals::Refusals;
use crate::{
    claims::Claims,
    dpop::{DpopProofs, ProofRequest},
    error::{DpopFault, InvalidToken},
    jwks::source::FetchEnd,
    layer::principal::{ClaimMap, KIND},
    revocation::{ListUnavailable, RevocationList, RevokedToken},
    verifier::{
        Confirmation, VerifiedToken, Verifier,
        cache::{CachedToken, TokenCache, TokenHash},
    },
};

/// What all clones of a layer share.
#[derive(Clone)]
pub(super) struct TokenAuthenticator(pub(super) Arc<Shared>);

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
        let presented = Presented::of(credential, head);
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

    fn challenge(&self) -> HeaderValue {
        self.0.refusals.challenges.0.clone()
    }

    fn further_challenges(&self) -> Vec<HeaderValue> {
        self.0.refusals.challenges.1.iter().cloned().collect()
    }
}

/// The scheme of tokens that are bound to a key (RFC 9449 section 7.1).
const DPOP: &str = "DPoP";

/// How a token was sent.
enum Presented {
    /// As a bearer token.
    Bearer,
    /// With a proof of possession, or as if there were one.
    Dpop(Box<ProofRequest>),
}

impl Presented {
    fn of(credential: &Credential, head: &request::Parts) -> Self {
        let scheme = credential.scheme();
        match scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(DPOP)) {
            true => Self::Dpop(Box::new(ProofRequest::of(head))),
            false => Self::Bearer,
        }
    }
}

/// The outcome without waiting.
enum Decision {
    /// The token is accepted or refused.
    Decided(Result<Admitted, Refused>),
    /// A fetch of keys is in progress that may change the outcome.
    Pending(FetchEnd),
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
struct Admitted {
    principal: Principal,
    /// All claims, if there is a condition on them.
    claims: Option<Claims>,
    /// `iat` of the token.
    issued: Option<Duration>,
    /// The key that the token is bound to.
    bound_to: Option<Arc<str>>,
    stale: bool,
}

impl Shared {
    /// Decides immediately, or finds that a fetch of keys may change the outcome.
    fn decide_now(&self, cx: &SecurityContext, token: &str) -> Decision {
        if token.len() > self.verifier.cap() {
            return Decision::Decided(Err(Refused::guess(InvalidToken::TooLarge)));
        }
        let hash = self.cache.hash(token);
        if let Some(known) = self.find_cached(cx, hash, token) {
            return Decision::Decided(Ok(known));
        }
        let parsed = match self.verifier.parse(token) {
            Ok(parsed) => parsed,
            Err(fault) => return Decision::Decided(Err(Refused::guess(fault))),
        };
        let Some(keys) = self.verifier.keys(parsed.issuer()) else {
            return Decision::Decided(Err(Refused::guess(InvalidToken::IssuerUnknown)));
        };
        if let Some(fetch_end) = keys.due() {
            return Decision::Pending(fetch_end);
        }
        let outcome = self.verifier.check(&parsed, self.confirmation());
        if let Err(fault) = &outcome
            && let Some(fetch_end) = keys.fetch_for_refused(parsed.kid(), *fault)
        {
            return Decision::Pending(fetch_end);
        }
        let outcome = outcome.and_then(|verified| self.admit(hash, token, &verified));
        Decision::Decided(outcome.map_err(Refused::checked))
    }

    /// Returns who checks the proof of a token that is bound to a key.
    fn confirmation(&self) -> Confirmation {
        match self.dpop {
            Some(_) => Confirmation::CheckedByCaller,
            None => Confirmation::Unchecked,
        }
    }

    /// Refuses a genuine token that was sent without the proof that it needs, or as if it were bound
    /// to a key. Checked for each request, also for a token from the cache.
    fn check_binding(
        &self,
        cx: &SecurityContext,
        token: &str,
        presented: &Presented,
        admitted: Admitted,
    ) -> Result<Admitted, Refused> {
        let requires_proofs = self.dpop.as_ref().is_some_and(DpopProofs::are_required);
        let not_bound = InvalidToken::Dpop(DpopFault::NotBound);
        let checked = match (&admitted.bound_to, presented) {
            // Beside another authenticator of the same service, bearer tokens arrive here too.
            (None, Presented::Bearer) if requires_proofs => Err(not_bound),
            (None, Presented::Bearer) => Ok(()),
            (None, Presented::Dpop(_)) => Err(not_bound),
            (Some(_), Presented::Bearer) => Err(InvalidToken::ConfirmationUnchecked),
            (Some(key), Presented::Dpop(request)) => match &self.dpop {
                Some(proofs) => proofs
                    .check(request, token, key, self.verifier.request_time(cx))
                    .map_err(InvalidToken::Dpop),
                // Cannot happen: without proofs no such token is admitted.
                None => Err(InvalidToken::ConfirmationUnchecked),
            },
        };
        checked.map(|()| admitted).map_err(Refused::checked)
    }

    /// Decides with the current keys, after a fetch. It does not fetch again.
    fn decide_after_fetch(&self, token: &str) -> Result<Admitted, Refused> {
        let parsed = self.verifier.parse(token).map_err(Refused::guess)?;
        let verified = self.verifier.check(&parsed, self.confirmation());
        let verified = verified.map_err(Refused::checked)?;
        self.admit(self.cache.hash(token), token, &verified)
            .map_err(Refused::checked)
    }

    /// Returns a token from the cache, unless it has expired or its keys were replaced.
    fn find_cached(&self, cx: &SecurityContext, hash: TokenHash, token: &str) -> Option<Admitted> {
        let cached = self.cache.get(hash, token)?;
        if self.verifier.check_times(cx, &cached.times).is_err() {
            self.cache.forget(hash, token);
            return None;
        }
        let keys = self.verifier.keys(cached.issuer)?;
        if keys.due().is_some() {
            return None;
        }
        let same = keys
            .current()
            .is_ok_and(|set| *set.fingerprint() == cached.keys);
        same.then(|| Admitted {
            principal: cached.principal,
            claims: cached.claims,
            issued: cached.times.issued,
            bound_to: cached.bound_to,
            stale: keys.is_stale(),
        })
    }

    /// Makes the principal of a verified token and stores it in the cache.
    fn admit(
        &self,
        hash: TokenHash,
        token: &str,
        verified: &VerifiedToken,
    ) -> Result<Admitted, InvalidToken> {
        let issuer = self.verifier.issuer(verified.issuer);
        let label = issuer.and_then(|issuer| issuer.label_text());
        let principal = self
            .claims
            .principal(&verified.claims, KIND, label, &verified.signed)?;
        let claims = self.check.as_ref().map(|_| verified.claims.clone());
        let bound_to: Option<Arc<str>> = verified.bound_to.as_deref().map(Into::into);
        let cached = CachedToken {
            principal: principal.clone(),
            times: *verified.claims.times(),
            issuer: verified.issuer,
            keys: verified.keys,
            bound_to: bound_to.clone(),
            claims: claims.clone(),
        };
        self.cache.put(hash, token, cached);
        let stale = issuer.is_some_and(|issuer| issuer.keys().is_stale());
        Ok(Admitted {
            principal,
            claims,
            issued: verified.claims.times().issued,
            bound_to,
            stale,
        })
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
        let token = RevokedToken {
            principal: admitted.principal.id(),
            credential: admitted.principal.credential().unwrap_or_default(),
            issued: admitted.issued,
        };
        match list.is_revoked(&token) {
            Ok(false) => Ok(admitted),
            Ok(true) => Err(Refused::checked(InvalidToken::Revoked)),
            Err(ListUnavailable) => Err(Refused::checked(InvalidToken::ListUnavailable)),
        }
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
        let outcome = outcome
            .and_then(|admitted| self.check_binding(cx, token, presented, admitted))
            .and_then(|admitted| self.check_revocation(admitted))
            .and_then(|admitted| self.check_claims(admitted));
        let admitted = outcome.map_err(|refused| match presented {
            Presented::Bearer => self.refusals.of(refused.fault, refused.kind),
            Presented::Dpop(_) => {
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
