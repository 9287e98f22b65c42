//! The buckets that newcomers share while the table is full.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// As many /24 networks can be told apart; beyond that some share. 32 KiB.
const SLOTS: usize = 4096;

/// A fixed array: there is always a slot, whoever asks.
#[derive(Debug)]
pub(super) struct Overflow(Mutex<Box<[u64]>>);

impl Default for Overflow {
    fn default() -> Self {
        Self(Mutex::new(vec![0; SLOTS].into()))
    }
}

impl Overflow {
    pub(super) const fn memory(&self) -> usize {
        SLOTS * size_of::<u64>()
    }

    pub(super) fn lock(&self) -> Shared<'_> {
        let slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Shared {
            slots,
            nowhere: u64::MAX,
        }
    }
}

/// The array while it is locked.
pub(super) struct Shared<'a> {
    slots: MutexGuard<'a, Box<[u64]>>,
    nowhere: u64,
}

impl Shared<'_> {
    /// Finds the moment at which the bucket of a hash is full again.
    pub(super) fn slot(&mut self, hash: u64) -> &mut u64 {
        let index = usize::try_from(hash % SLOTS as u64).unwrap_or(0);
        // The index is always in range; if it were not, the charge would be refused.
        self.slots.get_mut(index).unwrap_or(&mut self.nowhere)
    }
}
