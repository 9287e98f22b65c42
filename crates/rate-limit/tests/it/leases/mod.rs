//! Units that a node takes ahead from a shared store: what clients get, and what the store is asked.

mod away;
mod build;
mod prices;
mod questions;
mod returning;
mod spending;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use palisade_core::MaybeReady;
use palisade_rate_limit::{
    BucketKey, Charge, ChargeOutcome, Key, LeasedStore, Limit, LimitStore, MemoryStore, Policy,
    RateLimitLayer, StoreDecision, Subject,
};

use crate::support::*;

/// A store that several nodes share: it counts the calls, and can be away.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) store: MemoryStore,
    calls: AtomicU64,
    is_away: std::sync::atomic::AtomicBool,
    is_adjusting: std::sync::atomic::AtomicBool,
    /// How many refunds it takes before it is waited for. 0: any number.
    space: AtomicU64,
    /// How often it was asked whether units are on their way back.
    adjusting_asked: AtomicU64,
    /// The adjustments since the store was waited for, and the most there were.
    adjusted: AtomicU64,
    most_adjusted: AtomicU64,
}

impl Shared {
    pub(crate) fn calls(&self) -> u64 {
        self.calls.swap(0, Ordering::Relaxed)
    }
}

impl LimitStore for Shared {
    fn bucket_key(&self, subject: &Subject<'_>) -> BucketKey {
        self.store.bucket_key(subject)
    }

    fn charge(&self, now: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match self.is_away.load(Ordering::Relaxed) {
            true => MaybeReady::Ready(StoreDecision::new(ChargeOutcome::Unavailable, [])),
            false => self.store.charge(now, charges),
        }
    }

    fn finish(&self) -> MaybeReady<()> {
        self.adjusted.store(0, Ordering::Relaxed);
        MaybeReady::Ready(())
    }

    fn adjust(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        let adjusted = self.adjusted.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_adjusted.fetch_max(adjusted, Ordering::Relaxed);
        self.store.adjust(now, limit, bucket, units);
    }

    fn try_refund(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: u32) -> bool {
        let space = self.space.load(Ordering::Relaxed);
        if space > 0 && self.adjusted.load(Ordering::Relaxed) >= space {
            return false;
        }
        self.adjust(now, limit, bucket, -i64::from(units));
        true
    }

    fn is_adjusting(&self, _: &Arc<Limit>, _: BucketKey) -> bool {
        self.adjusting_asked.fetch_add(1, Ordering::Relaxed);
        self.is_adjusting.load(Ordering::Relaxed)
    }

    fn explain(&self) -> String {
        "shared".to_owned()
    }
}

/// A node: its stack, and its leases on the clock of the stack.
pub(crate) struct Node {
    pub(crate) stack: TestStack,
    pub(crate) leases: LeasedStore,
}

pub(crate) fn node(shared: &Arc<Shared>, policies: impl IntoIterator<Item = Policy>) -> Node {
    let clock = clock();
    let leases = LeasedStore::builder(Arc::clone(shared)).clock(clock.shared());
    let leases = leases.build().unwrap();
    let layer = RateLimitLayer::by_client()
        .policies(policies)
        .store(leases.clone());
    let stack = TestStack::build_at(clock, layer, false);
    Node { stack, leases }
}

impl Node {
    async fn admitted(&self, tries: usize) -> usize {
        self.stack.admitted(tries, || from("203.0.113.7")).await
    }
}

pub(crate) fn leased(rate: &str, lease: u32) -> Policy {
    policy("a", rate).key(Key::everyone()).lease(lease)
}
