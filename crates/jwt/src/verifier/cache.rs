//! A cache of verified tokens: the second request with a token needs no signature check.
//!
//! The layer looks a token up before it verifies it, and checks dates and keys again. The cache has
//! a fixed number of small sets. A token is identified by its whole SHA-256 digest; part of the
//! digest also selects the set. Only verified tokens are stored, so clients without one cannot fill
//! the cache.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::SHA256;
use palisade_core::Principal;

use crate::claims::{Claims, Times};

/// Tokens in one set. A look-up compares with this many at most.
const WAYS: usize = 8;

/// The digest of a token.
pub(crate) type TokenDigest = [u8; 32];

/// Computes the digest by which a token is identified.
pub(crate) fn token_digest(token: &str) -> TokenDigest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(aws_lc_rs::digest::digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}

/// What is stored of a verified token. The caller checks the dates and the keys again.
#[derive(Clone)]
pub(crate) struct CachedToken {
    /// The principal of a request with this token.
    pub(crate) principal: Principal,
    /// The dates, checked for each request.
    pub(crate) times: Times,
    /// The index of the issuer in the verifier.
    pub(crate) issuer: usize,
    /// The digest of the key set that the token was verified with. A replaced set makes the entry
    /// invalid.
    pub(crate) keys: TokenDigest,
    /// All claims, if the layer has a condition on them.
    pub(crate) claims: Option<Claims>,
}

/// Bounded in tokens; each set has its own lock.
pub(crate) struct TokenCache {
    sets: Box<[Mutex<Vec<(TokenDigest, CachedToken)>>]>,
}

impl TokenCache {
    /// Creates a cache for about `capacity` tokens; 0 disables it. Memory is allocated when it is
    /// needed.
    pub(crate) fn new(capacity: usize) -> Self {
        let sets = capacity.div_ceil(WAYS);
        Self {
            sets: (0..sets).map(|_| Mutex::default()).collect(),
        }
    }

    /// Returns the entry of a token, if there is one.
    pub(crate) fn get(&self, digest: &TokenDigest) -> Option<CachedToken> {
        let set = self
            .set(digest)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let found = set.iter().find(|(known, _)| known == digest);
        found.map(|(_, cached)| cached.clone())
    }

    /// Stores a token. In a full set it replaces the token that expires first.
    pub(crate) fn put(&self, digest: TokenDigest, cached: CachedToken) {
        let Some(set) = self.set(&digest) else {
            return;
        };
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        set.retain(|(known, _)| *known != digest);
        if set.len() >= WAYS {
            let soonest = set
                .iter()
                .enumerate()
                .min_by_key(|(_, (_, cached))| cached.times.expires);
            if let Some(place) = soonest.map(|(place, _)| place) {
                set.swap_remove(place);
            }
        }
        set.push((digest, cached));
    }

    /// Removes a token that has expired.
    pub(crate) fn forget(&self, digest: &TokenDigest) {
        if let Some(set) = self.set(digest) {
            let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
            set.retain(|(known, _)| known != digest);
        }
    }

    /// The set of a digest. `None` if the cache is disabled.
    fn set(&self, digest: &TokenDigest) -> Option<&Mutex<Vec<(TokenDigest, CachedToken)>>> {
        let [a, b, c, d, ..] = *digest;
        let place = u32::from_be_bytes([a, b, c, d]) as usize;
        self.sets.get(place.checked_rem(self.sets.len())?)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.sets.iter().map(|set| set.lock().unwrap().len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cached(expires: u64) -> CachedToken {
        let claims =
            Claims::read_text(format!(r#"{{"iss":"i","exp":{expires}}}"#).as_bytes()).unwrap();
        CachedToken {
            principal: Principal::builder("jwt", expires.to_string()).build(),
            times: *claims.times(),
            issuer: 0,
            keys: [0; 32],
            claims: None,
        }
    }

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        let cache = TokenCache::new(64);
        for number in 0..5_000 {
            cache.put(token_digest(&number.to_string()), cached(number));
        }
        assert!(cache.len() <= 64);
        assert!(cache.len() > 48, "and it is used: {}", cache.len());
    }

    #[test]
    fn without_capacity_it_remembers_nothing() {
        let cache = TokenCache::new(0);
        cache.put([1; 32], cached(1));
        assert!(cache.get(&[1; 32]).is_none());
    }

    #[test]
    fn the_whole_digest_decides() {
        let cache = TokenCache::new(8);
        let mut other = [1; 32];
        cache.put(other, cached(7));
        other[31] = 2; // The same set, another token.
        assert!(cache.get(&other).is_none());
        assert_eq!(cache.get(&[1; 32]).unwrap().principal.id(), "7");
        cache.forget(&[1; 32]);
        assert!(cache.get(&[1; 32]).is_none());
    }
}
