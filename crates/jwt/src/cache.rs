//! Remembers tokens that were verified, so that the second sight of one is cheap.
//!
//! A fixed number of small sets. A token is known by its whole SHA-256 digest; part of the digest also chooses the
//! set, so no weaker hash decides anything. Only verified tokens come in, so strangers cannot fill it.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use palisade_core::Principal;

use crate::claims::Times;

const WAYS: usize = 8;

/// The digest of a token.
pub(crate) type Print = [u8; 32];

/// What is remembered. Who asks judges the dates and the keys again.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) principal: Principal,
    pub(crate) times: Times,
    pub(crate) issuer: usize,
    /// The print of the key set that the token was verified with.
    pub(crate) keys: Print,
}

pub(crate) struct Cache {
    sets: Box<[Mutex<Vec<(Print, Kept)>>]>,
}

impl Cache {
    /// Makes room for about `capacity` tokens; none for 0. Memory is taken as it is needed and never beyond that.
    pub(crate) fn new(capacity: usize) -> Self {
        let sets = capacity.div_ceil(WAYS);
        Self {
            sets: (0..sets).map(|_| Mutex::default()).collect(),
        }
    }

    pub(crate) fn print(token: &str) -> Print {
        let mut print = [0; 32];
        print.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        print
    }

    pub(crate) fn get(&self, print: &Print) -> Option<Kept> {
        let set = self
            .set(print)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let found = set.iter().find(|(known, _)| known == print);
        found.map(|(_, kept)| kept.clone())
    }

    /// Keeps a token. In a full set the one that would end first makes room.
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

    /// Forgets a token that was found to be over.
    pub(crate) fn forget(&self, print: &Print) {
        if let Some(set) = self.set(print) {
            let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
            set.retain(|(known, _)| known != print);
        }
    }

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
