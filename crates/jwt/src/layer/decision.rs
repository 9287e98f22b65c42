//! The decision about a token: from the cache, or by verification.
//!
//! If a fetch of keys may change the outcome, the request waits for that fetch and is decided once
//! more.

use palisade_core::SecurityContext;

use super::shared::{Admitted, Refused, Shared};
use crate::{
    error::InvalidToken,
    jwks::source::FetchEnd,
    layer::principal::KIND,
    verifier::{
        CheckedByCaller, VerifiedToken,
        cache::{CachedToken, TokenHash},
    },
};

/// The outcome without waiting.
pub(super) enum Decision {
    /// The token is accepted or refused.
    Decided(Result<Admitted, Refused>),
    /// A fetch of keys is in progress that may change the outcome.
    Pending(FetchEnd),
}

impl Shared {
    /// Decides immediately, or finds that a fetch of keys may change the outcome.
    pub(super) fn decide_now(&self, cx: &SecurityContext, token: &str) -> Decision {
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
        let outcome = self.verifier.check(&parsed, self.checked());
        if let Err(fault) = &outcome
            && let Some(fetch_end) = keys.fetch_for_refused(parsed.kid(), *fault)
        {
            return Decision::Pending(fetch_end);
        }
        let outcome = outcome.and_then(|verified| self.admit(hash, token, &verified));
        Decision::Decided(outcome.map_err(Refused::checked))
    }

    /// Returns which bindings are checked here.
    fn checked(&self) -> CheckedByCaller {
        CheckedByCaller {
            certificates: true,
            keys: self.dpop.is_some(),
        }
    }

    /// Decides with the current keys, after a fetch. It does not fetch again.
    ///
    /// # Errors
    ///
    /// Why the token is refused.
    pub(super) fn decide_after_fetch(&self, token: &str) -> Result<Admitted, Refused> {
        let parsed = self.verifier.parse(token).map_err(Refused::guess)?;
        let verified = self.verifier.check(&parsed, self.checked());
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
        keys.is_current(&cached.keys).then(|| Admitted {
            principal: cached.principal,
            claims: cached.claims,
            bound_to: cached.bound_to,
            stale: keys.is_stale(),
        })
    }

    /// Makes the principal of a verified token and stores it in the cache.
    ///
    /// # Errors
    ///
    /// A claim of the principal is missing, too long, or of another type.
    fn admit(
        &self,
        hash: TokenHash,
        token: &str,
        verified: &VerifiedToken,
    ) -> Result<Admitted, InvalidToken> {
        let issuer = self.verifier.issuer(verified.issuer);
        let principal = self
            .claims
            .principal(&verified.claims, KIND, issuer, &verified.signed)?;
        let claims = self.check.as_ref().map(|_| verified.claims.clone());
        let bound_to = verified.bound_to.clone();
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
            bound_to,
            stale,
        })
    }
}
