//! Permits of several nodes: one count for all, which outlives no node for long and no request at all.

use std::{convert::Infallible, future::poll_fn, num::NonZeroU32, task::Poll, time::Duration};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use palisade_core::{GuardBody, GuardLayer, Secret};
use palisade_rate_limit::{ConcurrencyLayer, ConcurrencyLayerBuilder, FailureMode, RedisStore};
use tower::{Layer, ServiceExt, service_fn};

use super::{DEADLINE, HASH_KEY, asked, away, cluster::Cluster, server::Server, store, up};
use crate::support::*;

const CLIENT: &str = "203.0.113.7";
const SECOND: Duration = Duration::from_secs(1);

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// A limit whose permits outlast the test, unless they are released.
fn limit(store: &RedisStore, limit: u32) -> ConcurrencyLayerBuilder {
    ConcurrencyLayer::builder("voices", number(limit))
        .store(store.clone())
        .expiry(Duration::from_secs(600))
}

/// A response that holds its permit until it is dropped.
pub(super) type Held = Response<GuardBody<Full<Bytes>>>;

/// One node. A request is in progress as long as its response is kept.
pub(super) struct Node(ConcurrencyLayer);

impl Node {
    pub(super) fn new(layer: ConcurrencyLayerBuilder) -> Self {
        Self(layer.build().unwrap())
    }

    pub(super) async fn send(&self, client: &str) -> Held {
        let respond = service_fn(async |_: TestRequest| {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("audio")))
        });
        let service = GuardLayer((Clients, self.0.clone())).layer(respond);
        service.oneshot(from(client)).await.unwrap()
    }

    /// Sends so many, and returns the responses of those that were admitted.
    pub(super) async fn admitted(&self, tries: usize, client: &str) -> Vec<Held> {
        let mut open = Vec::new();
        for _ in 0..tries {
            let response = self.send(client).await;
            match response.status().as_u16() {
                200 => open.push(response),
                status => assert_eq!(status, 429),
            }
        }
        open
    }
}

async fn keys(server: &Server) -> Vec<String> {
    server.command(&["KEYS", "palisade:*:voices:permits"]).await
}

/// The only key of permits.
async fn key(server: &Server) -> String {
    let [key] = keys(server).await.try_into().unwrap();
    key
}

async fn permits(server: &Server, key: &str) -> Vec<(String, u64)> {
    server
        .command(&["ZRANGE", key, "0", "-1", "WITHSCORES"])
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_count_together_and_a_request_that_ends_frees_its_permit() {
    let Some(server) = Server::start().await else {
        return;
    };
    let stores = [store(&server).await, store(&server).await];
    let [one, two] = stores.each_ref().map(|store| Node::new(limit(store, 3)));
    let mut open = one.admitted(2, CLIENT).await;
    let last = two.admitted(5, CLIENT).await;
    assert_eq!((open.len(), last.len()), (2, 1));
    assert_eq!(one.send(CLIENT).await.status(), 429);
    // Another client has its own.
    assert_eq!(two.send("203.0.113.8").await.status(), 200);
    drop(open.pop());
    asked("the permit is free for the other node", async || {
        two.send(CLIENT).await.status() == 200
    })
    .await;
    drop((open, last));
    asked("nothing is left", async || keys(&server).await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_on_two_nodes_get_what_there_is() {
    let Some(server) = Server::start().await else {
        return;
    };
    let stores = [store(&server).await, store(&server).await];
    let nodes = stores.each_ref().map(|store| Node::new(limit(store, 10)));
    let sends = (0..50).map(|index| nodes[index % 2].send(CLIENT));
    let responses = futures_util::future::join_all(sends).await;
    let admitted = responses.iter().filter(|it| it.status() == 200);
    assert_eq!(admitted.count(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_permits_of_a_node_that_died_expire() {
    let Some(server) = Server::start().await else {
        return;
    };
    let stores = [store(&server).await, store(&server).await];
    let [dead, two] = stores
        .each_ref()
        .map(|store| Node::new(limit(store, 2).expiry(Duration::from_secs(60))));
    let _open = dead.admitted(2, CLIENT).await;
    assert_eq!(two.send(CLIENT).await.status(), 429);
    let key = key(&server).await;
    let (seconds, _): (u64, u64) = server.command(&["TIME"]).await;
    let held = permits(&server, &key).await;
    assert_eq!(held.len(), 2);
    for (permit, end) in held {
        // A minute from now, in milliseconds, but for the time since.
        assert!((55_000..=61_000).contains(&(end - seconds * 1000)), "{end}");
        // As it is a minute later, if nobody renewed it.
        let now = (seconds * 1000).to_string();
        let _: () = server.command(&["ZADD", &key, &now, &permit]).await;
    }
    let seconds_left: i64 = server.command(&["TTL", &key]).await;
    assert!((1..=600).contains(&seconds_left), "{seconds_left}");
    assert_eq!(two.admitted(5, CLIENT).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn permits_from_before_the_clock_was_set_back_do_not_last() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let node = Node::new(limit(&store, 2));
    let open = node.admitted(1, CLIENT).await;
    let key = key(&server).await;
    let (seconds, _): (u64, u64) = server.command(&["TIME"]).await;
    let in_an_hour = (seconds * 1000 + 3_600_000).to_string();
    for permit in ["a", "b", "c"] {
        let _: () = server.command(&["ZADD", &key, &in_an_hour, permit]).await;
    }
    assert_eq!(node.admitted(3, CLIENT).await.len(), 1);
    drop(open);
}

#[tokio::test(flavor = "multi_thread")]
async fn running_requests_are_renewed_and_known_again_to_a_server_that_lost_them() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let node = Node::new(limit(&store, 2).expiry(SECOND));
    let open = node.admitted(1, CLIENT).await;
    let key = key(&server).await;
    let first = permits(&server, &key).await;
    asked("the permit is renewed", async || {
        let now = permits(&server, &key).await;
        now.len() == 1 && now[0].0 == first[0].0 && now[0].1 > first[0].1
    })
    .await;
    let _: () = server.command(&["FLUSHALL"]).await;
    asked("the permit is there again", async || {
        permits(&server, &key).await.len() == 1
    })
    .await;
    drop(open);
    asked("the permit is gone", async || {
        keys(&server).await.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_store_is_away_the_failure_mode_decides_and_then_all_are_known() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let builder = RedisStore::builder(&server.url(), Secret::new(HASH_KEY));
    let store = builder.deadline(DEADLINE).share(number(2)).connect().await;
    let store = store.unwrap();
    up(&store).await;
    // Seven for two nodes: this one has four of them.
    let local = Node::new(limit(&store, 7).expiry(SECOND));
    let layer = |name: &str| ConcurrencyLayer::builder(name, number(7)).store(store.clone());
    let open = Node::new(layer("open").when_store_fails(FailureMode::FailOpen));
    let closed = Node::new(layer("closed").when_store_fails(FailureMode::FailClosed));
    let mut running = local.admitted(1, CLIENT).await;
    server.kill();
    away(&store).await;
    running.extend(local.admitted(9, CLIENT).await);
    assert_eq!(running.len(), 4);
    assert_eq!(open.admitted(9, CLIENT).await.len(), 7);
    assert_eq!(closed.send(CLIENT).await.status(), 503);
    server.restart().await;
    up(&store).await;
    asked(
        "all that run are known to the server",
        async || match &keys(&server).await[..] {
            [key] => permits(&server, key).await.len() == 4,
            _ => false,
        },
    )
    .await;
    assert_eq!(closed.send(CLIENT).await.status(), 200);
    drop(running);
    asked("nothing is left", async || keys(&server).await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_before_the_reply_frees_its_permit() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let node = Node::new(limit(&store, 2));
    let open = node.admitted(1, CLIENT).await;
    server.freeze();
    let respond = service_fn(async |_: TestRequest| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = GuardLayer((Clients, node.0.clone())).layer(respond);
    let mut asking = Box::pin(service.oneshot(from(CLIENT)));
    // The call is on its way, and its client leaves.
    let pending = poll_fn(|cx| Poll::Ready(asking.as_mut().poll(cx).is_pending()));
    assert!(pending.await);
    drop(asking);
    server.thaw();
    asked("the permit is free", async || {
        node.send(CLIENT).await.status() == 200
    })
    .await;
    drop(open);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_leaves_no_permit() {
    let Some(server) = Server::start().await else {
        return;
    };
    let stores = [store(&server).await, store(&server).await];
    let [one, two] = stores.each_ref().map(|store| Node::new(limit(store, 1)));
    let open = one.admitted(1, CLIENT).await;
    let key = key(&server).await;
    for _ in 0..20 {
        assert_eq!(two.send(CLIENT).await.status(), 429);
    }
    assert_eq!(permits(&server, &key).await.len(), 1);
    assert_eq!(two.0.clients(), 0);
    drop(open);
    asked("it is free", async || {
        two.send(CLIENT).await.status() == 200
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_another_program_grants_no_shared_permit() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let node = Node::new(limit(&store, 2).when_store_fails(FailureMode::FailClosed));
    drop(node.admitted(1, CLIENT).await);
    asked("it is gone", async || keys(&server).await.is_empty()).await;
    let open = node.admitted(1, CLIENT).await;
    let key = key(&server).await;
    let _: () = server.command(&["SET", &key, "2"]).await;
    for _ in 0..10 {
        assert_eq!(node.send(CLIENT).await.status(), 503);
    }
    assert!(store.is_up(), "the server itself works");
    drop(open);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_cluster_a_client_and_its_network_have_permits_both_or_none() {
    let Some(cluster) = Cluster::start(0).await else {
        return;
    };
    let stores = [cluster.store().await, cluster.store().await];
    let [one, two] = stores.each_ref().map(|store| Node::new(limit(store, 1)));
    let subnet = |subnet: u8| format!("2001:db8:1:{subnet:x}::1");
    let mut open = Vec::new();
    for client in 0..4 {
        open.extend(one.admitted(2, &subnet(client)).await);
    }
    // Four clients of a household fill its network.
    assert_eq!(open.len(), 4);
    for client in 4..20 {
        assert_eq!(two.send(&subnet(client)).await.status(), 429);
    }
    open.truncate(3);
    asked("one is free", async || {
        two.send(&subnet(200)).await.status() == 200
    })
    .await;
    // None of those that were refused has kept the permit of its client.
    for client in 4..20 {
        asked("the client has no permit", async || {
            two.send(&subnet(client)).await.status() == 200
        })
        .await;
    }
}
