//! Which of several servers gets a request: the less busy one of two that are picked at random.
//!
//! Looking at all servers would send every request of a moment to the same one; picking one at
//! random would not see that it is busy.
//!
//! A server with weight 3 gets three times the requests of one with weight 1, as long as both respond
//! equally fast. A slow one has more open requests and gets fewer new ones.
//!
//! With one server nothing is compared. With two, both are always looked at.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

/// A random number generator (SplitMix64). Not for secrets.
///
/// One number that is shared by all requests of an upstream. It needs no lock.
#[derive(Debug)]
pub(super) struct Random(AtomicU64);

impl Default for Random {
    fn default() -> Self {
        Self::from_seed(RandomState::new().hash_one(0))
    }
}

impl Random {
    /// Starts from a seed.
    ///
    /// Equal seeds give equal choices, for tests. In service the seed is random, so that several
    /// gateways do not choose alike.
    pub(super) const fn from_seed(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// Returns a number below `bound`, which is not 0.
    ///
    /// Each call advances the state, also if several threads call at once.
    fn random_below(&self, bound: u64) -> u64 {
        /// The step of the generator SplitMix64.
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // The bias of the remainder is below one in 2^32: weights are at most 100.
        (z ^ (z >> 31)) % bound.max(1)
    }
}

/// What the choice looks at.
///
/// Copied when the choice begins: numbers that change meanwhile do no harm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// The position of the server in the list.
    pub(super) index: usize,
    /// Its share of the requests.
    pub(super) weight: u32,
    /// Requests whose response is not over.
    pub(super) pending: usize,
}

/// Picks two different candidates by weight and returns the less busy one, measured by its weight.
///
/// `None` if there is no candidate. Equally busy: the first pick wins, which follows the weights.
pub(super) fn choose_server(candidates: &[Candidate], random: &Random) -> Option<usize> {
    let first = pick_by_weight(candidates, None, random)?;
    let second = pick_by_weight(candidates, Some(first.index), random).unwrap_or(first);
    let load =
        |one: Candidate, other: Candidate| (one.pending as u64 + 1) * u64::from(other.weight);
    match load(second, first) < load(first, second) {
        true => Some(second.index),
        false => Some(first.index),
    }
}

/// Picks one candidate by weight.
///
/// `without` is left out. `None` if nothing is left.
fn pick_by_weight(
    candidates: &[Candidate],
    without: Option<usize>,
    random: &Random,
) -> Option<Candidate> {
    let others = candidates
        .iter()
        .filter(|candidate| Some(candidate.index) != without);
    let total: u64 = others
        .clone()
        .map(|candidate| u64::from(candidate.weight))
        .sum();
    let mut left = random.random_below(total);
    let mut others = others;
    others
        .find(|candidate| {
            let weight = u64::from(candidate.weight);
            let found = left < weight;
            left = left.saturating_sub(weight);
            found
        })
        .copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn candidates(servers: &[(u32, usize)]) -> Vec<Candidate> {
        let servers = servers.iter().enumerate();
        let candidate = |(index, &(weight, pending))| Candidate {
            index,
            weight,
            pending,
        };
        servers.map(candidate).collect()
    }

    #[test]
    fn of_two_the_less_busy_one_is_always_taken() {
        let random = Random::from_seed(7);
        let two = candidates(&[(1, 3), (1, 2)]);
        assert!((0..100).all(|_| choose_server(&two, &random) == Some(1)));
        let by_weight = candidates(&[(3, 4), (1, 2)]);
        assert!((0..100).all(|_| choose_server(&by_weight, &random) == Some(0)));
        assert_eq!(choose_server(&candidates(&[(1, 9)]), &random), Some(0));
        assert_eq!(choose_server(&[], &random), None);
    }

    #[test]
    fn requests_follow_the_weights() {
        let random = Random::from_seed(1);
        let mut servers = candidates(&[(3, 0), (1, 0), (1, 0)]);
        // All requests stay open: the numbers of open requests must follow the weights.
        for _ in 0..1000 {
            let chosen = choose_server(&servers, &random).unwrap();
            servers[chosen].pending += 1;
        }
        assert!((550..650).contains(&servers[0].pending), "{servers:?}");
        assert!((170..230).contains(&servers[1].pending), "{servers:?}");
    }

    #[test]
    fn a_busy_server_is_left_alone_among_many() {
        let random = Random::from_seed(3);
        let many = candidates(&[(1, 50), (1, 0), (1, 0), (1, 0)]);
        assert!((0..1000).all(|_| choose_server(&many, &random) != Some(0)));
    }
}
