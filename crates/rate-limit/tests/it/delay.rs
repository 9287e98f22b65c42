//! Delay: requests that would be refused wait for a bounded time. The clock is tokio's, which is paused.

use std::{sync::Arc, time::Duration};

use palisade_core::{Clock, MaybeReady, SharedClock};
use palisade_rate_limit::{
    BucketKey, Charge, ChargeOutcome, Limit, LimitState, LimitStore, MemoryStore, Policy,
    RateLimitBuildError, RateLimitLayer, StoreDecision, Subject,
};
use tokio::time::Instant;

use crate::support::*;

/// The paused time of the runtime: it goes on when everything waits.
#[derive(Debug)]
struct TestTime(Instant);

impl Clock for TestTime {
    fn unix_time(&self) -> Duration {
        Duration::from_secs(1_800_000_000) + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

fn stack(policies: impl IntoIterator<Item = Policy>) -> Arc<TestStack> {
    let clock: SharedClock = Arc::new(TestTime(Instant::now()));
    let layer = RateLimitLayer::by_client().policies(policies).clock(clock);
    Arc::new(TestStack::real(layer))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Sends requests one after the other, none of which waits for another. Returns statuses and times in milliseconds.
async fn send_together(stack: &Arc<TestStack>, requests: usize) -> Vec<(u16, u128)> {
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..requests {
        let stack = Arc::clone(stack);
        tasks.push(tokio::spawn(async move {
            let status = stack.status(from("203.0.113.7")).await;
            (status, begin.elapsed().as_millis())
        }));
        tokio::task::yield_now().await;
    }
    let mut sent = Vec::new();
    for task in tasks {
        sent.push(task.await.unwrap());
    }
    sent
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_waits_in_its_order_and_what_takes_too_long_is_refused() {
    let stack = stack([policy("a", "5/second").burst(2).delay(seconds(1), 100)]);
    let sent = send_together(&stack, 9).await;
    let statuses: Vec<u16> = sent.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 429, 429]);
    for (waited, expected) in sent.iter().zip([0, 0, 200, 400, 600, 800, 1_000, 0, 0]) {
        // The timer of the runtime counts milliseconds, rounded up.
        assert!((expected..expected + 3).contains(&waited.1), "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn in_the_long_run_no_more_is_admitted_than_the_rate_grants() {
    let stack = stack([policy("a", "5/second").burst(2).delay(seconds(1), 100)]);
    let (begin, mut admitted) = (Instant::now(), 0);
    while begin.elapsed() < seconds(100) {
        let sent = send_together(&stack, 12).await;
        admitted += sent.iter().filter(|(status, _)| *status == 200).count();
        tokio::time::advance(Duration::from_millis(130)).await;
    }
    let most = 2.0 + begin.elapsed().as_secs_f64() * 5.0;
    assert!(
        (most * 0.9..=most).contains(&(admitted as f64)),
        "{admitted} of {most}"
    );
}

#[tokio::test(start_paused = true)]
async fn so_many_wait_and_the_next_one_is_refused_and_not_charged() {
    let stack = stack([policy("a", "1/second").burst(1).delay(seconds(30), 2)]);
    let sent = send_together(&stack, 5).await;
    let statuses: Vec<u16> = sent.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    // The last admitted one went on two seconds later: a second after it there is a unit.
    tokio::time::advance(seconds(1)).await;
    let begin = Instant::now();
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    assert!(begin.elapsed() < Duration::from_millis(3));
}

#[tokio::test(start_paused = true)]
async fn the_wait_of_a_request_without_a_place_suffices() {
    let stack = stack([policy("a", "1/second").burst(1).delay(seconds(30), 1)]);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    let (waiting, other) = (Arc::clone(&stack), Arc::clone(&stack));
    let waiting = tokio::spawn(async move { waiting.status(from("203.0.113.7")).await });
    tokio::task::yield_now().await;
    let refused = other.send(from("203.0.113.7")).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(retry_after(&refused), 2);
    assert_eq!(problem(&refused)["violated-policies"][0], "a");
    tokio::time::advance(seconds(2)).await;
    assert_eq!(waiting.await.unwrap(), 200);
    assert_eq!(other.status(from("203.0.113.7")).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_request_gives_its_place_and_its_units_back() {
    let stack = stack([policy("a", "1/second").burst(1).delay(seconds(30), 1)]);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    for _ in 0..50 {
        let cancelled =
            tokio::time::timeout(Duration::from_millis(1), stack.status(from("203.0.113.7")));
        assert!(cancelled.await.is_err(), "it waits");
    }
    let begin = Instant::now();
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    assert!(begin.elapsed() <= seconds(1), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn clients_wait_for_their_own_units_and_places_are_shared() {
    let stack = stack([policy("a", "1/second").burst(1).delay(seconds(30), 3)]);
    let mut tasks = Vec::new();
    for client in [7, 7, 7, 8, 8, 9, 9] {
        let stack = Arc::clone(&stack);
        let client = format!("203.0.113.{client}");
        tasks.push(tokio::spawn(
            async move { stack.status(from(&client)).await },
        ));
        tokio::task::yield_now().await;
    }
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    // Two wait for the first client and one for the second; the second request of the third one finds no place.
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 429]);
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_the_longest_of_its_limits_and_is_refused_by_one_without_delay() {
    let stack = stack([
        policy("a", "2/second").burst(1).delay(seconds(10), 9),
        policy("b", "1/second").burst(1).delay(seconds(10), 9),
        policy("day", "3/day"),
    ]);
    let sent = send_together(&stack, 4).await;
    let statuses: Vec<u16> = sent.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    for (waited, expected) in sent.iter().zip([0, 1_000, 2_000, 0]) {
        assert!((expected..expected + 3).contains(&waited.1), "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_fields_of_a_request_that_waited_are_those_of_its_end() {
    let stack = stack([policy("a", "1/second").burst(1).delay(seconds(5), 9)]);
    for _ in 0..3 {
        let response = stack.send(from("203.0.113.7")).await;
        assert_eq!(field(&response, "ratelimit"), "\"a\";r=0;t=1");
    }
}

#[tokio::test(start_paused = true)]
async fn in_shadow_nothing_waits() {
    let delayed = || policy("a", "1/second").burst(1).delay(seconds(30), 9);
    let clock: SharedClock = Arc::new(TestTime(Instant::now()));
    let layer = RateLimitLayer::by_client().policy(delayed()).clock(clock);
    let whole = Arc::new(TestStack::real(layer.dangerously_only_shadow()));
    let one = stack([delayed().dangerously_only_shadow(), policy("b", "9/day")]);
    for stack in [whole, one] {
        let sent = send_together(&stack, 5).await;
        assert!(sent.iter().all(|sent| *sent == (200, 0)), "{sent:?}");
    }
}

#[test]
fn a_delay_that_cannot_be_is_refused_at_build() {
    let delayed = |rate: &str, longest, requests| {
        policy("a", rate).delay(Duration::from_secs(longest), requests)
    };
    for (policy, why) in [
        (delayed("5/second", 1, 0), "no request may wait"),
        (delayed("5/second", 61, 9), "longer than 60 seconds"),
        (delayed("100/day", 60, 9), "no unit comes back"),
        (delayed("5/second", 1, 9).penalty(), "a penalty"),
        (delayed("500/second", 1, 9).lease(20), "remove the lease"),
    ] {
        let error = policy.limits().unwrap_err();
        assert!(matches!(error, RateLimitBuildError::InvalidDelay { .. }));
        assert!(error.to_string().contains(why), "{error}");
    }
    assert!(
        delayed("5/second;100/day", 1, 9).limits().is_ok(),
        "one of them waits"
    );
}

#[test]
fn a_store_grants_the_units_that_are_waited_for_and_no_more() {
    let policy = policy("a", "2/minute").delay(seconds(60), 9);
    let limit = Arc::new(policy.limits().unwrap().remove(0));
    let store = MemoryStore::with_capacity(100);
    let bucket = store.bucket_key(&Subject::Everyone);
    let mut granted = 0;
    for _ in 0..10 {
        let decision = store.charge(seconds(5), &[Charge::new(&limit, bucket, 1)]);
        let palisade_core::MaybeReady::Ready(decision) = decision else {
            panic!("memory decides at once");
        };
        granted += u32::from(decision.outcome() == ChargeOutcome::Admitted);
    }
    assert_eq!((granted, limit.burst()), (4, 2));
}

/// A store that admits each request with a backlog of 72 seconds, as one node's part of a limit has it.
#[derive(Debug)]
struct LongBacklog {
    memory: MemoryStore,
    is_degraded: bool,
}

impl LimitStore for LongBacklog {
    fn bucket_key(&self, subject: &Subject<'_>) -> BucketKey {
        self.memory.bucket_key(subject)
    }

    fn charge(&self, _: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision> {
        let state = LimitState::new(seconds(72), Duration::ZERO);
        let decision = StoreDecision::new(ChargeOutcome::Admitted, charges.iter().map(|_| state));
        MaybeReady::Ready(match self.is_degraded {
            true => decision.degraded(),
            false => decision,
        })
    }

    fn adjust(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        self.memory.adjust(now, limit, bucket, units);
    }

    fn explain(&self) -> String {
        self.memory.explain()
    }
}

/// Sends a request to a limit of `100/minute`, and returns how long it waited.
async fn wait_of_long_backlog(is_degraded: bool) -> Duration {
    let memory = MemoryStore::with_capacity(100);
    let store: Arc<dyn LimitStore> = Arc::new(LongBacklog {
        memory,
        is_degraded,
    });
    let clock: SharedClock = Arc::new(TestTime(Instant::now()));
    let layer = RateLimitLayer::by_client()
        .policy(policy("a", "100/minute").delay(seconds(2), 500))
        .store(store)
        .clock(clock);
    let (stack, begin) = (TestStack::real(layer), Instant::now());
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    begin.elapsed()
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_while_the_store_is_degraded() {
    assert_eq!(wait_of_long_backlog(true).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn no_request_waits_longer_than_the_policy_allows() {
    let waited = wait_of_long_backlog(false).await;
    assert!(
        (seconds(2)..=seconds(2) + Duration::from_millis(3)).contains(&waited),
        "{waited:?}"
    );
}
