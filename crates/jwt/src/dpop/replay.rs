//! Remembers proofs, so that each is accepted once (RFC 9449 section 11.1). Bounded in memory.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The part of a digest that identifies a key or a proof.
pub(super) type ShortDigest = [u8; 16];

/// One key may use this part of the memory, so that it cannot lock out all others.
const PART_OF_ONE_KEY: usize = 16;

/// What is known of a proof.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Seen {
    /// It is new, and remembered now.
    First,
    /// The memory, or the part of its key, is in use.
    Full,
    /// It was accepted before.
    Replayed,
}

/// The proofs of the last two windows. A window is as long as a proof can be accepted, so no proof
/// is forgotten while it is valid.
pub(super) struct ReplayStore {
    window: Duration,
    /// Proofs in one window.
    capacity: usize,
    windows: Mutex<Windows>,
}

#[derive(Default)]
struct Windows {
    /// When the current window began.
    began: Duration,
    current: Window,
    previous: Window,
}

#[derive(Default)]
struct Window {
    proofs: HashSet<ShortDigest>,
    /// How many proofs each key has.
    keys: HashMap<ShortDigest, usize>,
}

impl ReplayStore {
    pub(super) fn new(window: Duration, capacity: usize) -> Self {
        Self {
            window,
            capacity,
            windows: Mutex::default(),
        }
    }

    /// Remembers a proof of a key, unless it is known or there is no space.
    pub(super) fn admit(&self, key: ShortDigest, proof: ShortDigest, now: Duration) -> Seen {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.advance(now, self.window);
        let known = [&windows.current, &windows.previous];
        if known.iter().any(|window| window.proofs.contains(&proof)) {
            return Seen::Replayed;
        }
        let of_key = windows.current.keys.get(&key).copied().unwrap_or(0);
        let full = windows.current.proofs.len() >= self.capacity;
        if full || of_key >= self.capacity.div_ceil(PART_OF_ONE_KEY) {
            return Seen::Full;
        }
        windows.current.proofs.insert(proof);
        *windows.current.keys.entry(key).or_default() += 1;
        Seen::First
    }
}

impl Windows {
    /// Begins a new window if the current one is over, or if it began in the future: the clock was wrong
    /// then, and no window would end until it has caught up.
    fn advance(&mut self, now: Duration, window: Duration) {
        if now + window < self.began {
            self.previous = std::mem::take(&mut self.current);
            self.began = now;
            return;
        }
        let age = now.saturating_sub(self.began);
        if age < window {
            return;
        }
        let last = std::mem::take(&mut self.current);
        self.previous = if age < window * 2 {
            last
        } else {
            Window::default()
        };
        self.began = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> ShortDigest {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        id
    }

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_000_000 + seconds)
    }

    #[test]
    fn a_proof_is_known_for_a_whole_window_whenever_it_came() {
        for came in [0, 1, 89, 90, 91] {
            let store = ReplayStore::new(Duration::from_secs(90), 100);
            assert_eq!(store.admit(id(0), id(1), at(0)), Seen::First);
            assert_eq!(store.admit(id(0), id(2), at(came)), Seen::First);
            let later = at(came + 90);
            assert_eq!(store.admit(id(0), id(3), at(came + 45)), Seen::First);
            assert_eq!(store.admit(id(0), id(2), later), Seen::Replayed, "{came}");
        }
    }

    #[test]
    fn after_a_step_back_of_the_clock_windows_end_again() {
        let store = ReplayStore::new(Duration::from_secs(90), 16);
        for n in 0..16 {
            assert_eq!(store.admit(id(n), id(100 + n), at(500_000)), Seen::First);
        }
        assert_eq!(store.admit(id(16), id(200), at(500_000)), Seen::Full);
        assert_eq!(store.admit(id(16), id(200), at(0)), Seen::First);
        assert_eq!(store.admit(id(0), id(100), at(1)), Seen::Replayed, "kept");
        for n in 17..32 {
            assert_eq!(store.admit(id(n), id(200 + n), at(1)), Seen::First);
        }
        assert_eq!(store.admit(id(32), id(300), at(2)), Seen::Full);
        assert_eq!(store.admit(id(32), id(300), at(90)), Seen::First);
    }

    #[test]
    fn the_memory_is_bounded_and_one_key_has_a_part_of_it() {
        let store = ReplayStore::new(Duration::from_secs(90), 160);
        let admitted = (0..1000).filter(|n| store.admit(id(1), id(*n), at(0)) == Seen::First);
        assert_eq!(admitted.count(), 10);
        assert_eq!(store.admit(id(2), id(5000), at(0)), Seen::First);
        for key in 3..100 {
            for n in 0..10 {
                store.admit(id(key), id(key * 10_000 + n), at(0));
            }
        }
        let windows = store.windows.lock().unwrap();
        assert_eq!(windows.current.proofs.len(), 160);
        drop(windows);
        assert_eq!(store.admit(id(500), id(7_000_000), at(1)), Seen::Full);
        assert_eq!(store.admit(id(500), id(8_000_000), at(90)), Seen::First);
    }
}
