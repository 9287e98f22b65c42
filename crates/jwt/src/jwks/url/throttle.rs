//! Limits how often clients can cause a fetch of keys.
//!
//! Clients choose the `kid` of their tokens. Without a limit each invented `kid` would be a request
//! to the issuer. A refused look-up leaves the token refused; it costs nothing else.

use std::{collections::HashMap, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};

/// Fetches for unknown `kid`s that may follow each other. Then one more is allowed every
/// [`REFILL`].
const BURST: u32 = 2;
/// One fetch is allowed again after this time.
const REFILL: Duration = Duration::from_secs(30);
/// How long a `kid` that was not found is not looked up again.
const ABSENT_FOR: Duration = Duration::from_secs(60);
/// How many `kid`s that were not found are remembered.
const MAX_ABSENT: usize = 64;
/// Keys younger than this are not fetched again because of a wrong signature.
const SIGNATURE_FETCH_INTERVAL: Duration = Duration::from_secs(300);

/// The recent look-ups.
#[derive(Debug)]
pub(super) struct FetchThrottle {
    /// Fetches that are allowed now.
    tokens: u32,
    /// When `tokens` last grew.
    refilled: Duration,
    /// Digests of `kid`s, and until when they are not looked up again.
    absent: HashMap<[u8; 8], Duration>,
    /// The last fetch because of a wrong signature.
    last_for_signature: Option<Duration>,
}

impl Default for FetchThrottle {
    fn default() -> Self {
        Self {
            tokens: BURST,
            refilled: Duration::ZERO,
            absent: HashMap::new(),
            last_for_signature: None,
        }
    }
}

impl FetchThrottle {
    /// Returns whether an unknown `kid` allows a fetch, and counts it.
    pub(super) fn allows_unknown_kid(&mut self, kid: &str, now: Duration) -> bool {
        let name = name_of(kid);
        if self.absent.get(&name).is_some_and(|until| now < *until) {
            return false;
        }
        self.refill(now);
        let Some(left) = self.tokens.checked_sub(1) else {
            return false;
        };
        self.tokens = left;
        self.remember(name, now);
        true
    }

    /// Returns whether keys are old enough for a fetch because of a wrong signature.
    ///
    /// At most once in [`SIGNATURE_FETCH_INTERVAL`].
    pub(super) fn allows_wrong_signature(
        &mut self,
        fetched: Option<Duration>,
        now: Duration,
    ) -> bool {
        let since = self.last_for_signature.max(fetched).unwrap_or_default();
        let worth = now.saturating_sub(since) >= SIGNATURE_FETCH_INTERVAL;
        if worth {
            self.last_for_signature = Some(now);
        }
        worth
    }

    /// Forgets all `kid`s: the fetch that should find them has failed, so they may exist.
    pub(super) fn forget(&mut self) {
        self.absent.clear();
    }

    fn refill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.refilled).as_secs() / REFILL.as_secs();
        let earned = u32::try_from(passed).unwrap_or(u32::MAX);
        if earned > 0 {
            self.tokens = self.tokens.saturating_add(earned).min(BURST);
            self.refilled = now;
        }
    }

    fn remember(&mut self, name: [u8; 8], now: Duration) {
        if self.absent.len() >= MAX_ABSENT {
            self.absent.retain(|_, until| now < *until);
        }
        // The limit on fetches keeps the number lower; this bound does not depend on it.
        if self.absent.len() < MAX_ABSENT {
            self.absent.insert(name, now + ABSENT_FOR);
        }
    }
}

/// The key of a `kid` in the map. Two with the same digest prefix share an entry: the second is not
/// looked up for a minute. Nothing else depends on it.
fn name_of(kid: &str) -> [u8; 8] {
    let mut name = [0; 8];
    for (to, from) in name
        .iter_mut()
        .zip(digest(&SHA256, kid.as_bytes()).as_ref())
    {
        *to = *from;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn a_flood_of_names_earns_two_fetches_and_then_one_every_half_minute() {
        let mut throttle = FetchThrottle::default();
        let mut fetches = 0;
        for number in 0..10_000 {
            fetches += u32::from(throttle.allows_unknown_kid(&number.to_string(), seconds(0)));
        }
        assert_eq!(fetches, 2);
        assert!(!throttle.allows_unknown_kid("later", seconds(29)));
        assert!(throttle.allows_unknown_kid("later", seconds(30)));
        assert!(!throttle.allows_unknown_kid("more", seconds(31)));
    }

    #[test]
    fn a_name_that_was_looked_for_is_left_alone_for_a_minute() {
        let mut throttle = FetchThrottle::default();
        assert!(throttle.allows_unknown_kid("a", seconds(0)));
        assert!(!throttle.allows_unknown_kid("a", seconds(59)));
        assert!(throttle.allows_unknown_kid("a", seconds(60)));
    }

    #[test]
    fn keys_are_doubted_once_in_five_minutes() {
        let mut throttle = FetchThrottle::default();
        assert!(!throttle.allows_wrong_signature(Some(seconds(100)), seconds(399)));
        assert!(throttle.allows_wrong_signature(Some(seconds(100)), seconds(400)));
        assert!(!throttle.allows_wrong_signature(Some(seconds(100)), seconds(699)));
        assert!(throttle.allows_wrong_signature(Some(seconds(100)), seconds(700)));
    }
}
