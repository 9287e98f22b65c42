//! Bounds how often strangers can make us fetch: they choose the names of keys in their tokens.

use std::{collections::HashMap, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};

/// Fetches for unknown names that may follow each other at once; then one comes back every [`REFILL`].
const BURST: u32 = 2;
const REFILL: Duration = Duration::from_secs(30);
/// A name that was not found is not looked for again for so long.
const NEGATIVE: Duration = Duration::from_secs(60);
/// So many names that were not found are remembered.
const MOST_NAMES: usize = 64;
/// Keys younger than this are not doubted because a signature does not fit.
const DOUBT_AFTER: Duration = Duration::from_secs(300);

/// What was asked for of late.
#[derive(Debug)]
pub(super) struct Asked {
    tokens: u32,
    refilled: Duration,
    /// Digests of names, and until when they count as not there.
    absent: HashMap<[u8; 8], Duration>,
    doubted: Option<Duration>,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            tokens: BURST,
            refilled: Duration::ZERO,
            absent: HashMap::new(),
            doubted: None,
        }
    }
}

impl Asked {
    /// Tells whether an unknown name is worth a fetch, and counts it.
    pub(super) fn may_look_for(&mut self, kid: &str, now: Duration) -> bool {
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

    /// Tells whether keys are old enough to be doubted, at most once in [`DOUBT_AFTER`].
    pub(super) fn may_doubt(&mut self, fetched: Option<Duration>, now: Duration) -> bool {
        let since = self.doubted.max(fetched).unwrap_or_default();
        let worth = now.saturating_sub(since) >= DOUBT_AFTER;
        if worth {
            self.doubted = Some(now);
        }
        worth
    }

    /// Forgets the names: the fetch that was to find them has failed, so nobody knows.
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
        if self.absent.len() >= MOST_NAMES {
            self.absent.retain(|_, until| now < *until);
        }
        // The bucket lets so few in that this cannot be reached; it is the law all the same.
        if self.absent.len() < MOST_NAMES {
            self.absent.insert(name, now + NEGATIVE);
        }
    }
}

/// Two names with the same digest prefix would share an entry: the second is not looked for, for a minute. No more
/// depends on it.
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
        let mut asked = Asked::default();
        let mut fetches = 0;
        for number in 0..10_000 {
            fetches += u32::from(asked.may_look_for(&number.to_string(), seconds(0)));
        }
        assert_eq!(fetches, 2);
        assert!(!asked.may_look_for("later", seconds(29)));
        assert!(asked.may_look_for("later", seconds(30)));
        assert!(!asked.may_look_for("more", seconds(31)));
    }

    #[test]
    fn a_name_that_was_looked_for_is_left_alone_for_a_minute() {
        let mut asked = Asked::default();
        assert!(asked.may_look_for("a", seconds(0)));
        assert!(!asked.may_look_for("a", seconds(59)));
        assert!(asked.may_look_for("a", seconds(60)));
    }

    #[test]
    fn keys_are_doubted_once_in_five_minutes() {
        let mut asked = Asked::default();
        assert!(!asked.may_doubt(Some(seconds(100)), seconds(399)));
        assert!(asked.may_doubt(Some(seconds(100)), seconds(400)));
        assert!(!asked.may_doubt(Some(seconds(100)), seconds(699)));
        assert!(asked.may_doubt(Some(seconds(100)), seconds(700)));
    }
}
