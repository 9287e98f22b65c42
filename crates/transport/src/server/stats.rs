//! What happened to connections, for metrics.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::slots::{NoSlot, Slots};

/// Counters of a server, readable while it runs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServerStats {
    pub(super) stats: Arc<Stats>,
    pub(super) slots: Arc<Slots>,
}

#[derive(Debug, Default)]
pub(super) struct Stats {
    accepted: AtomicU64,
    failed_handshakes: AtomicU64,
    refused_full: AtomicU64,
    refused_address: AtomicU64,
    timed_out: AtomicU64,
}

impl Stats {
    pub(super) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn failed_handshake(&self) {
        self.failed_handshakes.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self, why: NoSlot) {
        let counter = match why {
            NoSlot::Address => &self.refused_address,
            NoSlot::All => &self.refused_full,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn timed_out(&self) {
        self.timed_out.fetch_add(1, Ordering::Relaxed);
    }
}

impl ServerStats {
    /// Returns how many connections were given a place.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.stats.accepted.load(Ordering::Relaxed)
    }

    /// Returns how many connections are open, upgraded ones included.
    #[must_use]
    pub fn open(&self) -> usize {
        self.slots.open()
    }

    /// Returns how many never got as far as HTTP.
    #[must_use]
    pub fn failed_handshakes(&self) -> u64 {
        self.stats.failed_handshakes.load(Ordering::Relaxed)
    }

    /// Returns how many were closed at once because all places were taken.
    #[must_use]
    pub fn refused_full(&self) -> u64 {
        self.stats.refused_full.load(Ordering::Relaxed)
    }

    /// Returns how many were closed at once because their address held too many places.
    #[must_use]
    pub fn refused_address(&self) -> u64 {
        self.stats.refused_address.load(Ordering::Relaxed)
    }

    /// Returns how many were cut because they sent or read too slowly.
    #[must_use]
    pub fn timed_out(&self) -> u64 {
        self.stats.timed_out.load(Ordering::Relaxed)
    }
}
