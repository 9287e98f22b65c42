//! Units that a node takes ahead from a shared store: what clients get, and what the store is asked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use palisade_core::MaybeReady;
use palisade_rate_limit::{
    BucketKey, Charge, ChargeOutcome, Key, LeasedStore, LeasedStoreBuildError, Limit, LimitStore,
    MemoryStore, Policy, RateLimitBuildError, RateLimitLayer, StoreDecision, Subject,
};

use crate::support::*;

/// A store that several nodes share: it counts the calls, and can be away.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) store: MemoryStore,
    calls: AtomicU64,
    is_away: std::sync::atomic::AtomicBool,
    is_adjusting: std::sync::atomic::AtomicBool,
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

fn node(shared: &Arc<Shared>, policies: impl IntoIterator<Item = Policy>) -> Node {
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

#[tokio::test]
async fn a_busy_bucket_costs_one_call_for_each_lease() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [leased("1000/day", 100)]);
    assert_eq!(node.admitted(1).await, 1);
    assert_eq!(shared.calls(), 1, "the first request takes no lease");
    assert_eq!(node.admitted(200).await, 200);
    assert_eq!(shared.calls(), 2);
    let asked = shared.adjusting_asked.load(Ordering::Relaxed);
    assert_eq!(asked, 2, "only where the lease cannot pay");
}

#[tokio::test]
async fn clients_that_send_one_request_each_take_nothing_ahead() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [policy("a", "100/day").lease(20)]);
    for client in 0..50 {
        let request = from(&format!("203.0.113.{client}"));
        assert_eq!(node.stack.status(request).await, 200);
    }
    assert_eq!(shared.calls(), 50);
}

#[tokio::test]
async fn the_last_units_are_granted_exactly() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [leased("103/day", 25)]);
    assert_eq!(node.admitted(200).await, 103);
}

#[tokio::test]
async fn a_bucket_that_is_nearly_empty_costs_one_call_for_each_request() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [leased("40/second", 10)]);
    assert_eq!(node.admitted(60).await, 40);
    shared.calls();
    // Too few units for a lease come back between two requests.
    for _ in 0..30 {
        node.stack.wait(0.03);
        assert_eq!(node.admitted(1).await, 1);
    }
    assert!(shared.calls() <= 31, "one of them asked for a lease");
}

#[tokio::test]
async fn nodes_together_admit_the_limit_and_never_more() {
    let shared = Arc::new(Shared::default());
    let nodes = [(); 4].map(|()| node(&shared, [leased("200/day", 20)]));
    let mut admitted = 0;
    for _ in 0..100 {
        for node in &nodes {
            admitted += node.admitted(1).await;
        }
    }
    assert_eq!(
        admitted, 200,
        "in one burst, leases only move units between nodes"
    );
}

#[tokio::test]
async fn in_a_window_nodes_admit_at_most_one_lease_each_beyond_the_limit() {
    let shared = Arc::new(Shared::default());
    let nodes = [(); 3].map(|()| node(&shared, [leased("40/second", 10)]));
    for node in &nodes {
        assert_eq!(node.admitted(2).await, 2, "each holds nine units now");
    }
    // What was taken comes back in the store, before the leases end.
    for node in &nodes {
        node.stack.wait(0.9);
    }
    let mut admitted = 0;
    for node in &nodes {
        admitted += node.admitted(100).await;
    }
    assert_eq!(admitted, 40 + 3 * 9);
}

#[tokio::test]
async fn a_lease_that_has_ended_goes_back_to_the_store() {
    let shared = Arc::new(Shared::default());
    let (one, two) = (
        node(&shared, [leased("40/day", 10)]),
        node(&shared, [leased("40/day", 10)]),
    );
    assert_eq!(one.admitted(2).await, 2);
    assert_eq!(two.admitted(100).await, 29, "nine units are leased");
    one.stack.wait(1.0);
    one.leases.return_ended();
    assert_eq!(two.admitted(100).await, 9);
    assert_eq!(one.admitted(100).await, 0);
}

#[tokio::test]
async fn a_service_that_stops_returns_all_its_leases() {
    let shared = Arc::new(Shared::default());
    let (one, two) = (
        node(&shared, [leased("40/day", 10)]),
        node(&shared, [leased("40/day", 10)]),
    );
    assert_eq!(one.admitted(2).await, 2);
    one.leases.finish().get().await;
    assert_eq!(two.admitted(100).await, 38);
    assert_eq!(one.admitted(100).await, 0, "what was returned is not spent");
}

#[tokio::test]
async fn a_service_that_stops_returns_no_more_leases_at_once_than_a_store_can_queue() {
    let buckets = || {
        (1..=10_000_u128).map(|number| {
            let hash = number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            BucketKey::new(hash, (hash >> 64) as u64)
        })
    };
    let (clock, shared) = (clock(), Arc::new(Shared::default()));
    let leases = LeasedStore::builder(Arc::clone(&shared)).clock(clock.shared());
    let leases = leases.build().unwrap();
    let limit = Arc::new(leased("40/day", 10).limits().unwrap().remove(0));
    let now = clock.shared().monotonic();
    for bucket in buckets().chain(buckets()) {
        let charge = Charge::new(&limit, bucket, 1);
        leases.charge(now, &[charge]).get().await;
    }
    leases.finish().get().await;
    assert_eq!(shared.most_adjusted.load(Ordering::Relaxed), 4_096);
    for bucket in buckets() {
        let charge = Charge::new(&limit, bucket, 38);
        let all = shared.store.charge(now, &[charge]).get().await;
        assert_eq!(all.outcome(), ChargeOutcome::Admitted, "{bucket:?}");
    }
}

#[tokio::test]
async fn a_request_that_another_limit_refuses_costs_no_leased_unit() {
    let shared = Arc::new(Shared::default());
    let one = || [leased("40/day", 10), policy("b", "3/day")];
    let node = node(&shared, one());
    assert_eq!(node.admitted(20).await, 3);
    node.leases.finish().get().await;
    let state = node.stack.layer.inspect(&Subject::Everyone).get().await;
    assert_eq!(state.unwrap()[0].remaining, 37);
}

#[tokio::test]
async fn a_lease_is_spent_while_the_store_is_away_and_no_longer() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [leased("40/day", 10)]);
    assert_eq!(node.admitted(2).await, 2);
    shared.is_away.store(true, Ordering::Relaxed);
    assert_eq!(node.admitted(5).await, 5);
    node.stack.wait(1.0);
    assert_eq!(node.stack.status(from("203.0.113.7")).await, 503);
}

#[tokio::test]
async fn no_lease_is_taken_while_units_are_on_their_way_back() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [leased("40/day", 10)]);
    shared.is_adjusting.store(true, Ordering::Relaxed);
    assert_eq!(node.admitted(5).await, 5);
    assert_eq!(shared.calls(), 5);
}

#[tokio::test]
async fn a_reset_takes_the_lease_with_it() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [leased("40/day", 10)]);
    assert_eq!(node.admitted(35).await, 35);
    node.stack
        .layer
        .reset(&Subject::Everyone)
        .get()
        .await
        .unwrap();
    assert_eq!(node.admitted(100).await, 40);
}

#[tokio::test]
async fn header_fields_count_what_the_lease_has_left() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [leased("40/day", 10)]);
    for left in (35..40).rev() {
        let response = node.stack.send(from("203.0.113.7")).await;
        let expected = format!("\"a\";r={left};");
        assert!(
            field(&response, "ratelimit").starts_with(&expected),
            "{response:?}"
        );
    }
}

/// A store that is away counts on this node, as `RedisStore` does.
#[derive(Debug)]
struct Degraded(MemoryStore);

impl LimitStore for Degraded {
    fn bucket_key(&self, subject: &Subject<'_>) -> BucketKey {
        self.0.bucket_key(subject)
    }

    fn charge(&self, now: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision> {
        self.0.charge(now, charges).map(StoreDecision::degraded)
    }

    fn adjust(&self, _: Duration, _: &Arc<Limit>, _: BucketKey, _: i64) {
        unreachable!("nothing was charged in the store")
    }

    fn adjust_degraded(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        self.0.adjust(now, limit, bucket, units);
    }

    fn explain(&self) -> String {
        "degraded".to_owned()
    }
}

#[tokio::test]
async fn a_node_that_counts_alone_takes_no_lease_of_its_own_count() {
    let clock = clock();
    let store = LeasedStore::builder(Degraded(MemoryStore::default())).clock(clock.shared());
    let layer = RateLimitLayer::by_client()
        .policy(leased("40/day", 10))
        .store(store.build().unwrap());
    let stack = TestStack::build_at(clock, layer, false);
    assert_eq!(stack.admitted(100, || from("203.0.113.7")).await, 40);
    stack.wait(2.0);
    assert_eq!(stack.admitted(100, || from("203.0.113.7")).await, 0);
}

fn build(policy: Policy, store: Arc<dyn LimitStore>) -> Option<RateLimitBuildError> {
    let layer = RateLimitLayer::by_client().policy(policy).store(store);
    layer.build().err()
}

#[test]
fn a_lease_that_cannot_be_is_an_error_at_build() {
    let memory = || Arc::new(MemoryStore::default()) as Arc<dyn LimitStore>;
    let leases = || {
        let store = LeasedStore::builder(MemoryStore::default());
        Arc::new(store.build().unwrap()) as Arc<dyn LimitStore>
    };
    assert_eq!(build(leased("40/day", 10), leases()), None);
    let error = build(leased("40/day", 10), memory()).unwrap();
    assert!(
        matches!(error, RateLimitBuildError::LeaseWithoutStore { .. }),
        "{error}"
    );
    for (rate, lease, largest) in [("40/day", 11, 10), ("40/day", 1, 10), ("7/day", 2, 1)] {
        let error = build(leased(rate, lease), leases()).unwrap();
        let policy = "a".into();
        assert_eq!(
            error,
            RateLimitBuildError::LeaseOutOfRange { policy, largest }
        );
    }
    let penalty = policy("a", "40/day").penalty().lease(10);
    let settled = policy("a", "40/day").settled_by("x").lease(10);
    for policy in [penalty, settled] {
        let error = build(policy, leases()).unwrap();
        assert!(
            matches!(error, RateLimitBuildError::LeaseOfChangingCost { .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_tier_that_is_too_small_for_leases_is_counted_exactly() {
    let (clock, shared) = (clock(), Arc::new(Shared::default()));
    let leases = LeasedStore::builder(Arc::clone(&shared)).clock(clock.shared());
    let layer = RateLimitLayer::by_principal()
        .policy(policy("a", "40/day").lease(10).for_tier("small", "20/day"))
        .store(leases.build().unwrap());
    let stack = TestStack::build_at(clock, layer, true);
    assert_eq!(stack.admitted(9, || as_user("anna+small")).await, 9);
    assert_eq!(shared.calls(), 9);
    assert_eq!(stack.admitted(9, || as_user("bert")).await, 9);
    assert_eq!(shared.calls(), 2);
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let builder = || LeasedStore::builder(MemoryStore::default());
    for life in [0, 9, 60_001] {
        let error = builder()
            .life(Duration::from_millis(life))
            .build()
            .unwrap_err();
        assert_eq!(error, LeasedStoreBuildError::LifeOutOfRange);
    }
    let twice = LeasedStore::builder(builder().build().unwrap()).build();
    assert_eq!(twice.unwrap_err(), LeasedStoreBuildError::StoreHasLeases);
}

#[tokio::test]
async fn further_buckets_than_fit_are_decided_by_the_store() {
    let shared = Arc::new(Shared::default());
    let clock = clock();
    let leases = LeasedStore::builder(Arc::clone(&shared))
        .buckets(1)
        .clock(clock.shared());
    let layer = RateLimitLayer::by_client()
        .policy(policy("a", "100/day").lease(20))
        .store(leases.build().unwrap());
    let stack = TestStack::build_at(clock, layer, false);
    for _ in 0..3 {
        for client in 0..200 {
            let request = from(&format!("203.0.113.{client}"));
            assert_eq!(stack.status(request).await, 200);
        }
    }
    assert!(
        shared.calls() > 3 * 200 - 2 * 64,
        "64 parts with one bucket each"
    );
}
