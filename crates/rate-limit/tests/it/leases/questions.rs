//! Clients that leave while their request takes a lease.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use palisade_core::MaybeReady;
use palisade_rate_limit::{
    BucketKey, Charge, LeasedStore, Limit, LimitStore, RateLimitLayer, StoreDecision, Subject,
};
use tokio::sync::Notify;

use super::{Shared, leased};
use crate::support::*;

/// A store that decides at once, and whose reply comes later.
#[derive(Debug, Default)]
struct Slow {
    shared: Arc<Shared>,
    is_slow: AtomicBool,
    reply: Arc<Notify>,
}

impl LimitStore for Slow {
    fn bucket_key(&self, subject: &Subject<'_>) -> BucketKey {
        self.shared.bucket_key(subject)
    }

    fn charge(&self, now: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision> {
        let decided = self.shared.charge(now, charges);
        if !self.is_slow.load(Ordering::Relaxed) {
            return decided;
        }
        let reply = Arc::clone(&self.reply);
        MaybeReady::pending(async move {
            reply.notified().await;
            decided.get().await
        })
    }

    fn adjust(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        self.shared.adjust(now, limit, bucket, units);
    }

    fn explain(&self) -> String {
        "slow".to_owned()
    }
}

/// A stack over leases of 10 of 40 a day, after its first request.
async fn started(slow: &Arc<Slow>) -> (TestStack, LeasedStore) {
    let clock = clock();
    let leases = LeasedStore::builder(Arc::clone(slow)).clock(clock.shared());
    let leases = leases.build().unwrap();
    let layer = RateLimitLayer::by_client()
        .policy(leased("40/day", 10))
        .store(leases.clone());
    let stack = TestStack::build_at(clock, layer, false);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    (stack, leases)
}

/// Begins a request whose client leaves when the store has charged a lease.
async fn leave(stack: &TestStack, slow: &Slow) {
    slow.shared.calls();
    slow.is_slow.store(true, Ordering::Relaxed);
    let mut leaving = Box::pin(stack.send(from("203.0.113.7")));
    let mut calls = 0;
    while calls == 0 {
        let waits = std::future::poll_fn(|cx| Poll::Ready(leaving.as_mut().poll(cx).is_pending()));
        assert!(waits.await, "it waits for the store");
        tokio::task::yield_now().await;
        calls = slow.shared.calls();
    }
    drop(leaving);
    slow.is_slow.store(false, Ordering::Relaxed);
}

#[tokio::test]
async fn a_client_that_leaves_while_a_lease_is_taken_loses_no_units() {
    let slow = Arc::new(Slow::default());
    let (stack, leases) = started(&slow).await;
    leave(&stack, &slow).await;
    slow.reply.notify_one();
    leases.finish().get().await;
    assert_eq!(stack.admitted(100, || from("203.0.113.7")).await, 40 - 2);
}

#[tokio::test]
async fn a_lease_that_was_taken_for_a_client_that_left_pays_for_others() {
    let slow = Arc::new(Slow::default());
    let (stack, _leases) = started(&slow).await;
    leave(&stack, &slow).await;
    assert_eq!(stack.admitted(1, || from("203.0.113.7")).await, 1);
    assert_eq!(slow.shared.calls(), 1, "one question at a time");
    slow.reply.notify_one();
    tokio::task::yield_now().await;
    assert_eq!(stack.admitted(9, || from("203.0.113.7")).await, 9);
    assert_eq!(slow.shared.calls(), 0);
}

#[tokio::test]
async fn a_service_that_stops_waits_for_a_lease_that_is_taken() {
    let slow = Arc::new(Slow::default());
    let (stack, leases) = started(&slow).await;
    leave(&stack, &slow).await;
    let mut finished = pin!(leases.finish().get());
    let waits = std::future::poll_fn(|cx| Poll::Ready(finished.as_mut().poll(cx).is_pending()));
    assert!(waits.await, "the reply has not come");
    slow.reply.notify_one();
    finished.await;
    let states = stack.layer.inspect(&Subject::Everyone).get().await.unwrap();
    assert_eq!(states[0].remaining, 38);
}

#[tokio::test]
async fn a_lease_that_another_tier_takes_is_not_spent_and_not_waited_for() {
    let (clock, slow) = (clock(), Arc::new(Slow::default()));
    let leases = LeasedStore::builder(Arc::clone(&slow)).clock(clock.shared());
    let layer = RateLimitLayer::by_principal()
        .policy(leased("100/day", 25).for_tier("paid", "5000/day"))
        .store(leases.build().unwrap());
    let stack = TestStack::build_at(clock, layer, true);
    assert_eq!(stack.status(as_user("bert+paid")).await, 200);
    slow.is_slow.store(true, Ordering::Relaxed);
    let mut asking = pin!(stack.send(as_user("bert+paid")));
    let waits = std::future::poll_fn(|cx| Poll::Ready(asking.as_mut().poll(cx).is_pending()));
    assert!(waits.await);
    tokio::task::yield_now().await;
    slow.is_slow.store(false, Ordering::Relaxed);
    slow.shared.calls();
    assert_eq!(stack.admitted(5, || as_user("anna")).await, 5);
    assert_eq!(slow.shared.calls(), 5, "each is decided by the store");
    slow.reply.notify_one();
    assert_eq!(asking.await.status(), 200);
    assert_eq!(stack.admitted(200, || as_user("anna")).await, 93);
}

/// Without a runtime nothing goes on when a client leaves.
#[test]
fn without_a_runtime_a_client_that_leaves_ends_the_question() {
    let (clock, slow) = (clock(), Arc::new(Slow::default()));
    let leases = LeasedStore::builder(Arc::clone(&slow)).clock(clock.shared());
    let leases = leases.build().unwrap();
    let limit = Arc::new(leased("40/day", 10).limits().unwrap().remove(0));
    let bucket = leases.bucket_key(&Subject::Everyone);
    let charge = || {
        let now = clock.shared().monotonic();
        match leases.charge(now, &[Charge::new(&limit, bucket, 1)]) {
            MaybeReady::Ready(_) => true,
            MaybeReady::Pending(mut deciding) => {
                let mut cx = Context::from_waker(Waker::noop());
                deciding.as_mut().poll(&mut cx).is_ready()
            }
        }
    };
    assert!(charge());
    slow.is_slow.store(true, Ordering::Relaxed);
    assert!(!charge(), "it waits for the store");
    slow.is_slow.store(false, Ordering::Relaxed);
    slow.shared.calls();
    assert!((0..5).all(|_| charge()));
    assert_eq!(
        slow.shared.calls(),
        5,
        "for the life of a lease none is taken"
    );
    clock.advance(Duration::from_millis(500));
    assert!(charge());
    clock.advance(Duration::from_millis(500));
    slow.shared.calls();
    assert!((0..9).all(|_| charge()));
    assert_eq!(slow.shared.calls(), 1);
}
