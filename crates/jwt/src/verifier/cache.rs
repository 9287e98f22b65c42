//! A cache of verified tokens: the second request with a token needs no signature check.
//!
//! The layer looks a token up before it verifies it, and checks dates and keys again. The cache has
//! a fixed number of small sets. Only verified tokens are stored, so clients without one cannot fill
//! the cache.
//!
//! # Why a fast hash is safe here
//!
//! A hash finds the token, and the whole text is compared. So a collision of two tokens costs a comparison and
//! admits no one, and the hash need not resist collisions as SHA-256 does. It is a keyed hash (`token_hash`), under
//! keys that the process draws for each cache and that never leave it. So a client cannot choose tokens of one set, and it
//! does not reach the comparison, whose time depends on the text, without the whole hash of a stored token: it
//! learns nothing about a token by its beginning. The text is in memory as long as the token is, at most until
//! it expires and another one needs the place, and is wiped afterwards.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::SHA256;
use palisade_core::{Principal, Secret};

use super::token_hash::TokenHasher;
use crate::claims::{Binding, Claims, Times};

/// Tokens in one set. A look-up compares with this many at most.
const WAYS: usize = 8;

/// The digest of a key set, or of the signed part of a token.
pub(crate) type TokenDigest = [u8; 32];

/// Computes the digest by which the signed part of a token is identified.
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
    /// What the token is bound to. It is checked for each request.
    pub(crate) bound_to: Option<Binding>,
    /// All claims, if the layer has a condition on them.
    pub(crate) claims: Option<Claims>,
}

/// Bounded in tokens; each set has its own lock.
pub(crate) struct TokenCache {
    hasher: TokenHasher,
    sets: Box<[Mutex<Vec<Entry>>]>,
}

/// A token and what is stored of it.
struct Entry {
    hash: TokenHash,
    token: Secret,
    cached: CachedToken,
}

/// The keyed hash of a token. It finds a token, but does not identify it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TokenHash(u64);

impl Entry {
    /// Tells whether this is the entry of a token. The text is compared whole.
    fn is_of(&self, hash: TokenHash, token: &str) -> bool {
        self.hash == hash && self.token.expose() == token.as_bytes()
    }
}

impl TokenCache {
    /// Creates a cache for about `capacity` tokens; 0 disables it. Memory is allocated when it is
    /// needed.
    pub(crate) fn new(capacity: usize) -> Self {
        let sets = capacity.div_ceil(WAYS);
        Self {
            hasher: TokenHasher::new(),
            sets: (0..sets).map(|_| Mutex::default()).collect(),
        }
    }

    /// Returns the hash of a token, computed once for all calls about it.
    pub(crate) fn hash(&self, token: &str) -> TokenHash {
        TokenHash(self.hasher.hash(token.as_bytes()))
    }

    /// Returns the entry of a token, if there is one.
    pub(crate) fn get(&self, hash: TokenHash, token: &str) -> Option<CachedToken> {
        let set = self.set(hash)?;
        let set = set.lock().unwrap_or_else(PoisonError::into_inner);
        let found = set.iter().find(|entry| entry.is_of(hash, token));
        found.map(|entry| entry.cached.clone())
    }

    /// Stores a token. In a full set it replaces the token that expires first.
    pub(crate) fn put(&self, hash: TokenHash, token: &str, cached: CachedToken) {
        let Some(set) = self.set(hash) else {
            return;
        };
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        set.retain(|entry| !entry.is_of(hash, token));
        if set.len() >= WAYS {
            let soonest = set
                .iter()
                .enumerate()
                .min_by_key(|(_, entry)| entry.cached.times.expires);
            if let Some(place) = soonest.map(|(place, _)| place) {
                set.swap_remove(place);
            }
        }
        let token = Secret::new(token.as_bytes());
        set.push(Entry {
            hash,
            token,
            cached,
        });
    }

    /// Removes a token that has expired.
    pub(crate) fn forget(&self, hash: TokenHash, token: &str) {
        if let Some(set) = self.set(hash) {
            let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
            set.retain(|entry| !entry.is_of(hash, token));
        }
    }

    /// The set of a hash. `None` if the cache is disabled.
    fn set(&self, hash: TokenHash) -> Option<&Mutex<Vec<Entry>>> {
        let sets = u64::try_from(self.sets.len()).ok()?;
        let place = hash.0.checked_rem(sets)?;
        self.sets.get(usize::try_from(place).ok()?)
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
            bound_to: None,
            claims: None,
        }
    }

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        let cache = TokenCache::new(64);
        for number in 0..5_000 {
            let token = number.to_string();
            cache.put(cache.hash(&token), &token, cached(number));
        }
        assert!(cache.len() <= 64);
        assert!(cache.len() > 48, "and it is used: {}", cache.len());
    }

    #[test]
    fn without_capacity_it_remembers_nothing() {
        let cache = TokenCache::new(0);
        let hash = cache.hash("a");
        cache.put(hash, "a", cached(1));
        assert!(cache.get(hash, "a").is_none());
    }

    #[test]
    fn a_token_with_the_same_hash_is_another_token() {
        let cache = TokenCache::new(8);
        let hash = cache.hash("a.b.c");
        cache.put(hash, "a.b.c", cached(7));
        assert!(cache.get(hash, "a.b.d").is_none());
        assert_eq!(cache.get(hash, "a.b.c").unwrap().principal.id(), "7");
        cache.forget(hash, "a.b.d");
        assert!(cache.get(hash, "a.b.c").is_some());
        cache.forget(hash, "a.b.c");
        assert!(cache.get(hash, "a.b.c").is_none());
    }

    #[test]
    fn two_caches_hash_one_token_differently() {
        let hash = |cache: TokenCache| cache.hash("a.b.c");
        assert_ne!(hash(TokenCache::new(8)), hash(TokenCache::new(8)));
    }
}
