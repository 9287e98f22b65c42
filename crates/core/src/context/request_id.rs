//! Names for requests.

use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::BuildHasher as _,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Names one request: 128 bits, shown as 32 hexadecimal digits.
///
/// A hash of a counter (SipHash) under keys that the process draws at its start: cheap, and one that is seen
/// does not tell the next, nor how many requests there were. It is a name, not a secret: grant nothing for it.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct RequestId(u128);

impl RequestId {
    pub(super) fn next() -> Self {
        static KEYS: OnceLock<[RandomState; 2]> = OnceLock::new();
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let keys = KEYS.get_or_init(|| [RandomState::new(), RandomState::new()]);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let [high, low] = keys.each_ref().map(|key| u128::from(key.hash_one(number)));
        Self(high << 64 | low)
    }

    /// Returns the 128 bits.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_have_32_digits() {
        let (one, two) = (RequestId::next(), RequestId::next());
        assert_ne!(one, two);
        assert_eq!(one.to_string().len(), 32);
    }

    #[test]
    fn no_half_of_a_name_is_shared_with_the_next() {
        let (one, two) = (RequestId::next().0, RequestId::next().0);
        assert_ne!(one >> 64, two >> 64);
        assert_ne!(one as u64, two as u64);
    }
}
