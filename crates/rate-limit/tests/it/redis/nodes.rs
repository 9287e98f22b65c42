//! How a limit is divided among nodes while the server cannot be reached.

use std::num::NonZeroU32;

use palisade_core::Secret;
use palisade_rate_limit::{FailureMode, RedisStore, RedisStoreBuilder};

use super::{DEADLINE, HASH_KEY, faults::orphan, server::Server, stack, store, up};
use crate::support::*;

fn builder(server: &Server) -> RedisStoreBuilder {
    RedisStore::builder(&server.url(), Secret::new(HASH_KEY)).deadline(DEADLINE)
}

/// Counts what a node admits of eight a day after the server died.
async fn admitted(store: &RedisStore) -> usize {
    stack(store, [policy("a", "8/day")])
        .admitted(20, || from("203.0.113.7"))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_have_seen_each_other_share_a_limit_while_the_server_is_unreachable() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let (one, two) = (store(&server).await, store(&server).await);
    // The second one registered after the first.
    assert_eq!(one.check().await.unwrap().nodes, 2);
    assert_eq!(two.check().await.unwrap().nodes, 2);
    server.kill();
    assert_eq!((admitted(&one).await, admitted(&two).await), (4, 4));
    assert!(!one.is_up() && !two.is_up());
    let layer = stack(&one, [policy("a", "8/day")]).layer;
    assert!(
        layer
            .explain()
            .contains("a share of 1/2, by the nodes seen")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_gone_is_not_counted_for_ever() {
    let Some(server) = Server::start().await else {
        return;
    };
    let one = store(&server).await;
    let _: i64 = server
        .command(&["ZADD", "palisade:nodes", "1000", "gone"])
        .await;
    // As a clock leaves it that was an hour ahead.
    let ahead = "local at = redis.call('TIME')[1] + 3600 redis.call('ZADD', 'palisade:nodes', at, 'ahead') return 1";
    let _: i64 = server.command(&["EVAL", ahead, "0"]).await;
    assert_eq!(one.check().await.unwrap().nodes, 1);
    let ttl: i64 = server.command(&["TTL", "palisade:nodes"]).await;
    assert!((1..=60).contains(&ttl), "{ttl}");
}

#[tokio::test]
async fn a_node_that_never_saw_the_server_grants_the_whole_limit() {
    assert_eq!(admitted(&orphan().await).await, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_builder_sets_share_and_failure_mode_for_policies_that_do_not() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let four = builder(&server).share(NonZeroU32::new(4).unwrap());
    let four = four.connect().await.unwrap();
    let closed = builder(&server).failure_mode(FailureMode::FailClosed);
    let closed = closed.connect().await.unwrap();
    server.kill();
    assert_eq!(admitted(&four).await, 2);
    let layer = stack(&closed, [policy("a", "8/day")]);
    assert_eq!(layer.status(from("203.0.113.7")).await, 503);
    let own = policy("b", "8/day").when_store_fails(FailureMode::FailOpen);
    let layer = stack(&closed, [own]);
    assert_eq!(layer.admitted(20, || from("203.0.113.7")).await, 20);
}

/// Tasks that hold the only thread for longer than the deadline: replies are there and cannot be read in time.
#[test]
fn a_node_that_does_not_get_to_run_does_not_blame_the_server() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .event_interval(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        let Some(server) = Server::start().await else {
            return;
        };
        let store = RedisStore::builder(&server.url(), Secret::new(HASH_KEY));
        let store = store.connect().await.unwrap();
        up(&store).await;
        let busy = || {
            tokio::spawn(async {
                loop {
                    let start = std::time::Instant::now();
                    while start.elapsed() < std::time::Duration::from_millis(60) {
                        std::hint::spin_loop();
                    }
                    tokio::task::yield_now().await;
                }
            })
        };
        let hogs = [busy(), busy()];
        let stack = stack(&store, [policy("a", "6/day")]);
        for _ in 0..6 {
            let decision = stack.send(from("203.0.113.7")).await;
            assert_eq!(decision.status().as_u16(), 200);
            assert!(
                field(&decision, "ratelimit").starts_with("\"a\""),
                "{decision:?}"
            );
        }
        assert_eq!(stack.status(from("203.0.113.7")).await, 429);
        assert!(store.is_up());
        hogs.iter().for_each(tokio::task::JoinHandle::abort);
    });
}
