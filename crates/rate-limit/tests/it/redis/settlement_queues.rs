//! What follows a request to the server: settlements and penalties, none lost silently.

use std::{sync::Arc, time::Duration};

use palisade_core::Secret;
use palisade_rate_limit::{
    BucketKey, Charge, ChargeOutcome, FailureMode, Limit, LimitStore, Policy, RedisStore,
};

use super::{
    DEADLINE, HASH_KEY, Log, asked, away, proxy::Proxy, server::Server, settled, stack, store, up,
};
use crate::support::*;

const NOW: Duration = Duration::from_secs(1000);

fn characters() -> Policy {
    policy("characters", "100/day")
        .cost(10)
        .settled_by("characters")
}

fn limit(policy: &Policy) -> Arc<Limit> {
    Arc::new(policy.limits().unwrap().remove(0))
}

fn bucket(number: u128) -> BucketKey {
    BucketKey::new(number, 0)
}

fn speak(client: &str, characters: u32) -> TestRequest {
    get("/")
        .header("x-client", client)
        .header("x-settle", format!("characters={characters}"))
        .body(Default::default())
        .unwrap()
}

async fn behind(proxy: &Proxy) -> RedisStore {
    super::connect(&proxy.url()).await
}

/// Lets one round trip after the other pass, until the task is aborted.
fn stepping(proxy: &Arc<Proxy>) -> tokio::task::JoinHandle<()> {
    proxy.close();
    let proxy = Arc::clone(proxy);
    tokio::spawn(async move {
        loop {
            proxy.step().await;
        }
    })
}

/// Units that a bucket has left, by the server.
async fn left(store: &RedisStore, limit: &Arc<Limit>, bucket: BucketKey) -> u128 {
    let decision = store
        .charge(NOW, &[Charge::new(limit, bucket, 0)])
        .get()
        .await;
    let capacity = u128::from(limit.burst()) * limit.interval().as_nanos();
    let backlog = decision.limit_states()[0].time_until_full().as_nanos();
    (capacity - backlog.min(capacity)) / limit.interval().as_nanos()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_thousand_settlements_at_128_connections_arrive_all() {
    let Some(server) = Server::start().await else {
        return;
    };
    let proxy = Arc::new(Proxy::before(server.port()).await);
    let store = behind(&proxy).await;
    let stack = Arc::new(stack(&store, [characters()]));
    let stepping = stepping(&proxy);
    let task = |task: usize| {
        let stack = Arc::clone(&stack);
        tokio::spawn(async move {
            for n in 0..63 {
                let client = format!("10.{}.{}.1", task, n);
                assert_eq!(stack.status(speak(&client, 3)).await, 200);
            }
        })
    };
    let tasks: Vec<_> = (0..128).map(task).collect();
    for task in tasks {
        task.await.unwrap();
    }
    stepping.abort();
    proxy.open();
    settled(&store).await;
    assert_eq!(store.status().lost, 0);
    for n in (0..128).step_by(9) {
        // Ten reserved, three used, ten reserved by this one.
        let decision = stack.send(from(&format!("10.{n}.{}.1", n % 63))).await;
        assert!(
            field(&decision, "ratelimit").contains("r=87"),
            "{decision:?}"
        );
    }
}

#[tokio::test]
async fn what_does_not_fit_is_counted_logged_once_and_treated_strictly() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (log, guard) = Log::capture();
    let proxy = Proxy::before(server.port()).await;
    let small = RedisStore::builder(&proxy.url(), Secret::new(HASH_KEY)).deadline(DEADLINE);
    let store = small.settlement_memory(16 * 1024).connect().await.unwrap();
    let limit = limit(&characters());
    assert_eq!(left(&store, &limit, bucket(1)).await, 100);
    proxy.close();
    for number in 0..1000 {
        store.adjust(NOW, &limit, bucket(number), -7);
    }
    let kept = store.unsettled();
    assert!((30..500).contains(&kept), "{kept}");
    assert_eq!(store.status().lost, 1000 - kept);
    for number in 2000..3000 {
        store.adjust(NOW, &limit, bucket(number), 100);
    }
    let kept_charges = store.unsettled() - kept;
    assert!((10..500).contains(&kept_charges), "{kept_charges}");
    assert_eq!(store.status().lost, 2000 - kept - kept_charges);
    // A bucket that was charged and found no capacity: this node refuses, without a reply of the server.
    let decision = store
        .charge(NOW, &[Charge::new(&limit, bucket(2999), 1)])
        .get()
        .await;
    assert_eq!(decision.outcome(), ChargeOutcome::Refused);
    proxy.open();
    settled(&store).await;
    // One that was kept has arrived.
    assert_eq!(left(&store, &limit, bucket(2000)).await, 0);
    drop(guard);
    let lines = log.lines();
    let lost = lines
        .iter()
        .filter(|line| line.contains("did not reach the store"));
    assert_eq!(lost.count(), 1, "{lines:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_refused_after_five_however_slow_the_server_is() {
    let Some(server) = Server::start().await else {
        return;
    };
    let proxy = Arc::new(Proxy::before(server.port()).await);
    let store = behind(&proxy).await;
    let stack = stack(&store, [policy("login", "5/minute").penalty()]);
    let stepping = stepping(&proxy);
    let characters = limit(&characters());
    for number in 0..4000 {
        store.adjust(NOW, &characters, bucket(number), -7);
    }
    let mut guesses = 0;
    for _ in 0..300 {
        guesses += usize::from(stack.status(as_user("wrong")).await == 401);
    }
    assert_eq!(guesses, 5);
    assert_eq!(stack.status(as_user("anna")).await, 429);
    stepping.abort();
    proxy.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn penalties_do_not_wait_behind_settlements() {
    let Some(server) = Server::start().await else {
        return;
    };
    let proxy = Proxy::before(server.port()).await;
    let (slow, other) = (behind(&proxy).await, store(&server).await);
    let (login, characters) = (
        limit(&policy("login", "5/minute").penalty()),
        limit(&characters()),
    );
    proxy.close();
    for number in 0..4000 {
        slow.adjust(NOW, &characters, bucket(number), -7);
    }
    slow.adjust(NOW, &login, bucket(1), 5);
    asked("another node sees the penalty", async || {
        let decision = other
            .charge(NOW, &[Charge::check_only(&login, bucket(1))])
            .get()
            .await;
        decision.outcome() == ChargeOutcome::Refused
    })
    .await;
    assert!(slow.unsettled() > 3000, "{}", slow.unsettled());
    proxy.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn settlements_wait_while_the_server_is_unreachable() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let limit = limit(&characters());
    server.kill();
    store
        .charge(NOW, &[Charge::new(&limit, bucket(1), 10)])
        .get()
        .await;
    away(&store).await;
    store.adjust(NOW, &limit, bucket(1), 40);
    store.adjust(NOW, &limit, bucket(1), 20);
    assert_eq!(store.unsettled(), 2);
    server.restart().await;
    settled(&store).await;
    up(&store).await;
    assert_eq!(left(&store, &limit, bucket(1)).await, 40);
    assert_eq!(store.status().lost, 0);
}

/// What was reserved from this node's share must not be given back to the server.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_did_not_charge_is_not_given_back_there() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let limit = limit(&characters());
    store.adjust(NOW, &limit, bucket(1), 60);
    settled(&store).await;
    store.adjust_degraded(NOW, &limit, bucket(1), -50);
    assert_eq!(store.unsettled(), 0);
    assert_eq!(left(&store, &limit, bucket(1)).await, 40);
}

/// The same through the layer: the request is decided while the server hangs, and ends when it is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_decided_without_the_server_settles_without_it() {
    let Some(server) = Server::start().await else {
        return;
    };
    let proxy = Proxy::before(server.port()).await;
    let store = RedisStore::builder(&proxy.url(), Secret::new(HASH_KEY));
    let store = store.connect().await.unwrap();
    up(&store).await;
    let stack = stack(
        &store,
        [characters().when_store_fails(FailureMode::FailOpen)],
    );
    proxy.close();
    assert_eq!(stack.status(speak("203.0.113.7", 0)).await, 200);
    assert_eq!(store.unsettled(), 0);
    proxy.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn settlements_survive_a_server_without_the_script() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let limit = limit(&characters());
    for round in 1..=3 {
        let _: () = server.command(&["SCRIPT", "FLUSH"]).await;
        for number in 0..100 {
            store.adjust(NOW, &limit, bucket(number), 10);
        }
        settled(&store).await;
        assert_eq!(left(&store, &limit, bucket(99)).await, 100 - 10 * round);
    }
    assert!(store.is_up());
    assert_eq!(store.status().lost, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_into_a_foreign_value_is_counted_and_stops_no_other() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let limit = limit(&characters());
    let foreign = format!("palisade:{{{:032x}}}:characters:86400", 1);
    let _: () = server.command(&["SET", &foreign, "x"]).await;
    for number in 0..20 {
        store.adjust(NOW, &limit, bucket(number), 10);
    }
    settled(&store).await;
    assert_eq!(store.status().lost, 1);
    assert_eq!(left(&store, &limit, bucket(19)).await, 90);
    assert!(store.is_up());
}
