//! A cache of verified tokens: the second request with a token needs no signature check.
//!
//! The layer looks a token up before it verifies it, and checks dates and keys again. The cache has
//! a fixed number of small sets. A token is identified by its whole SHA-256 digest; part of the
//! digest also selects the set. Only verified tokens are stored, so clients without one cannot fill
//! the cache.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use palisade_core::Principal;

use crate::claims::Times;

/// Tokens in one set. A look-up compares with this many at most.
const WAYS: usize = 8;

/// The digest of a token.
pub(crate) type Print = [u8; 32];

/// What is stored of a verified token. The caller checks the dates and the keys again.
#[derive(Clone)]
pub(crate) struct Kept {
    /// The principal of a request with this token.
    pub(crate) principal: Principal,
    /// The dates, checked for each request.
    pub(crate) times: Times,
    /// The index of the issuer in the verifier.
    pub(crate) issuer: usize,
    /// The digest of the key set that the token was verified with. A replaced set makes the entry
    /// invalid.
    pub(crate) keys: Print,
}

/// Bounded in tokens; each set has its own lock.
pub(crate) struct Cache {
    sets: Box<[Mutex<Vec<(Print, Kept)>>]>,
}

impl Cache {
    /// Creates a cache for about `capacity` tokens; 0 disables it. Memory is allocated when it is
    /// needed.
    pub(crate) fn new(capacity: usize) -> Self {
        let sets = capacity.div_ceil(WAYS);
        Self {
            sets: (0..sets).map(|_| Mutex::default()).collect(),
        }
    }

    /// The digest by which a token is identified.
    pub(crate) fn print(token: &str) -> Print {
        let mut print = [0; 32];
        print.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        print
    }

    /// Returns the entry of a token, if there is one.
    pub(crate) fn get(&self, print: &Print) -> Option<Kept> {
        let set = self
            .set(print)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let found = set.iter().find(|(known, _)| known == print);
        found.map(|(_, kept)| kept.clone())
    }

    /// Stores a token. In a full set it replaces the token that expires first.
    pub(crate) fn put(&self, print: Print, kept: Kept) {
        let Some(set) = self.set(&print) else {
            return;
        };
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        set.retain(|(known, _)| *known != print);
        if set.len() >= WAYS {
            let soonest = set
                .iter()
                .enumerate()
                .min_by_key(|(_, (_, kept))| kept.times.expires);
            if let Some(place) = soonest.map(|(place, _)| place) {
                set.swap_remove(place);
            }
        }
        set.push((print, kept));
    }

    /// Removes a token that has expired.
    pub(crate) fn forget(&self, print: &Print) {
        if let Some(set) = self.set(print) {
            let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
            set.retain(|(known, _)| known != print);
        }
    }

    /// The set of a digest. `None` if the cache is disabled.
    fn set(&self, print: &Print) -> Option<&Mutex<Vec<(Print, Kept)>>> {
        let [a, b, c, d, ..] = *print;
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
    use crate::Claims;

    fn kept(expires: u64) -> Kept {
        let claims = Claims::read(format!(r#"{{"iss":"i","exp":{expires}}}"#).as_bytes()).unwrap();
        Kept {
            principal: Principal::builder("jwt", expires.to_string()).build(),
            times: *claims.times(),
            issuer: 0,
            keys: [0; 32],
        }
    }

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        let cache = Cache::new(64);
        for number in 0..5_000 {
            cache.put(Cache::print(&number.to_string()), kept(number));
        }
        assert!(cache.len() <= 64);
        assert!(cache.len() > 48, "and it is used: {}", cache.len());
    }

    #[test]
    fn without_capacity_it_remembers_nothing() {
        let cache = Cache::new(0);
        cache.put([1; 32], kept(1));
        assert!(cache.get(&[1; 32]).is_none());
    }

    #[test]
    fn the_whole_digest_decides() {
        let cache = Cache::new(8);
        let mut other = [1; 32];
        cache.put(other, kept(7));
        other[31] = 2; // The same set, another token.
        assert!(cache.get(&other).is_none());
        assert_eq!(cache.get(&[1; 32]).unwrap().principal.id(), "7");
        cache.forget(&[1; 32]);
        assert!(cache.get(&[1; 32]).is_none());
    }
}
