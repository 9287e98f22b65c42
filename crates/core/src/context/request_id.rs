//! Names for requests.

use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::{BuildHasher, Hasher},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Names one request: 128 bits, shown as 32 hexadecimal digits.
///
/// A random half per process and a counter that is stirred with it: unique, cheap, and it tells
/// nobody how many requests there were. It is a name, not a secret.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct RequestId(u128);

impl RequestId {
    pub(super) fn next() -> Self {
        static PROCESS: OnceLock<(u64, u64)> = OnceLock::new();
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let (high, key) = *PROCESS.get_or_init(|| (random(), random()));
        let low = stir(COUNTER.fetch_add(1, Ordering::Relaxed) ^ key);
        Self(u128::from(high) << 64 | u128::from(low))
    }

    /// Returns the 128 bits.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

/// The standard library seeds its hash maps from the operating system; that is enough for a name.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A permutation of 64 bits (the finalizer of SplitMix64), so two counters never collide.
const fn stir(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
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
}
