//! Exactly the quota among tasks, and what the server holds.

use palisade_rate_limit::{Key, Policy};

use super::{server::Server, stack, store};
use crate::support::*;

const QUOTA: usize = 100;
const TRIES: usize = 150;

fn shared() -> [Policy; 2] {
    [
        policy("shared", "100/day").key(Key::everyone()),
        policy("client", "1000/day"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_of_one_process_get_exactly_the_quota() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let stack = std::sync::Arc::new(stack(&store, shared()));
    let task = |n: usize| {
        let stack = std::sync::Arc::clone(&stack);
        tokio::spawn(async move {
            stack
                .admitted(TRIES, || from(&format!("203.0.113.{n}")))
                .await
        })
    };
    let tasks: Vec<_> = (0..8).map(task).collect();
    let mut admitted = 0;
    for task in tasks {
        admitted += task.await.unwrap();
    }
    assert_eq!(admitted, QUOTA);
}

#[tokio::test]
async fn two_nodes_see_each_other() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (one, two) = (store(&server).await, store(&server).await);
    let (one, two) = (
        stack(&one, [policy("a", "3/day")]),
        stack(&two, [policy("a", "3/day")]),
    );
    assert_eq!(one.admitted(2, || from("203.0.113.7")).await, 2);
    let decision = two.send(from("203.0.113.7")).await;
    assert_eq!(field(&decision, "ratelimit-policy"), "\"a\";q=3;w=86400");
    assert!(
        field(&decision, "ratelimit").starts_with("\"a\";r=0;t=28"),
        "{decision:?}"
    );
    assert_eq!(one.status(from("203.0.113.7")).await, 429);
    assert_eq!(two.status(from("203.0.113.8")).await, 200);
}

#[tokio::test]
async fn no_address_and_no_user_stands_in_the_server_and_nothing_stays_for_ever() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let stack = stack(&store, [policy("a", "3/hour"), policy("b", "5/day")]);
    stack.send(from("203.0.113.7")).await;
    let mut keys: Vec<String> = server.command(&["KEYS", "*"]).await;
    keys.retain(|key| !key.ends_with(":probe") && key != "palisade:nodes");
    keys.sort();
    let (first, second) = (&keys[0], &keys[1]);
    assert_eq!(keys.len(), 2);
    assert!(
        first.starts_with("palisade:{") && first.ends_with("}:a:3600"),
        "{first}"
    );
    // One subject, one slot.
    assert_eq!(first.split(':').nth(1), second.split(':').nth(1));
    assert!(!keys.concat().contains("203"), "{keys:?}");
    let ttl: i64 = server.command(&["PTTL", first]).await;
    assert!((1..=1_200_000).contains(&ttl), "{ttl}");
}

#[tokio::test]
async fn a_flood_that_is_denied_does_not_reach_the_server() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let stack = stack(&store, [policy("a", "1/day")]);
    assert_eq!(stack.admitted(2, || from("203.0.113.7")).await, 1);
    let _: () = server.command(&["CONFIG", "RESETSTAT"]).await;
    assert_eq!(stack.admitted(1000, || from("203.0.113.7")).await, 0);
    let statistics: String = server.command(&["INFO", "commandstats"]).await;
    assert!(!statistics.contains("evalsha"), "{statistics}");
}
