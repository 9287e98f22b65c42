//! The store of the simulation: one bucket table for all replicas, and a link to each that can lose calls.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use palisade::{
    core::MaybeReady,
    rate_limit::{
        BucketKey, Charge, ChargeOutcome, Limit, LimitStore, MemoryStore, StoreDecision, Subject,
    },
};

/// The server: buckets on its own clock, and the number of calls.
#[derive(Debug)]
pub(crate) struct Server {
    buckets: MemoryStore,
    /// In nanoseconds.
    pub(crate) now: AtomicU64,
    pub(crate) calls: AtomicU64,
}

/// One replica's link to the server.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) server: Arc<Server>,
    /// Of a thousand calls, so many are lost on the way, and as many replies.
    pub(crate) lost: u64,
    pub(crate) random: AtomicU64,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self {
            buckets: MemoryStore::with_capacity(1000),
            now: AtomicU64::new(0),
            calls: AtomicU64::new(0),
        }
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.now.load(Relaxed))
    }
}

impl Link {
    /// Draws what happens to a call: it is lost, its reply is lost, or neither.
    fn fate(&self) -> Fate {
        let random = random(&self.random) % 1000;
        match random {
            _ if random < self.lost => Fate::CallLost,
            _ if random < 2 * self.lost => Fate::ReplyLost,
            _ => Fate::Delivered,
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    CallLost,
    Delivered,
    ReplyLost,
}

/// Returns the next random number (xorshift).
pub(crate) fn random(state: &AtomicU64) -> u64 {
    let mut value = state.load(Relaxed);
    value ^= value << 13;
    value ^= value >> 7;
    value ^= value << 17;
    state.store(value, Relaxed);
    value >> 11
}

impl LimitStore for Link {
    fn bucket_key(&self, subject: &Subject<'_>) -> BucketKey {
        self.server.buckets.bucket_key(subject)
    }

    fn charge(&self, _: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision> {
        let unavailable = || MaybeReady::Ready(StoreDecision::new(ChargeOutcome::Unavailable, []));
        self.server.calls.fetch_add(1, Relaxed);
        let fate = self.fate();
        if fate == Fate::CallLost {
            return unavailable();
        }
        let decision = self.server.buckets.charge(self.server.now(), charges);
        match fate {
            Fate::ReplyLost => unavailable(),
            _ => decision,
        }
    }

    fn adjust(&self, _: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        self.server.calls.fetch_add(1, Relaxed);
        // What may have been applied is not sent again.
        if self.fate() != Fate::CallLost {
            let now = self.server.now();
            self.server.buckets.adjust(now, limit, bucket, units);
        }
    }

    fn explain(&self) -> String {
        "simulated".to_owned()
    }
}
