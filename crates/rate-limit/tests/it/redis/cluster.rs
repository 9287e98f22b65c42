//! A cluster of real servers: exactness, subjects on different nodes, moved slots and failover.

use std::{path::Path, sync::Arc};

use palisade_core::Secret;
use palisade_rate_limit::{
    Charge, FailureMode, Key, Limit, LimitStore, Policy, RedisStore, StoreProblem, Subject,
};

use super::{
    DEADLINE, HASH_KEY, asked,
    server::{Server, free_port},
    settled, stack, tls, up,
};
use crate::support::*;

const SLOTS: usize = 16_384;

/// Three primaries with a third of the slots each, and replicas of the first one.
pub(super) struct Cluster {
    primaries: Vec<Server>,
    replicas: Vec<Server>,
    /// The port over which each node talks to the others, first of the primaries, then of the replicas.
    bus_ports: Vec<u16>,
}

impl Cluster {
    pub(super) async fn start(replicas: usize) -> Option<Self> {
        Self::start_with(replicas, |_| Vec::new()).await
    }

    /// Starts nodes with more arguments; the function may put files into the folder of each.
    async fn start_with(
        replicas: usize,
        mut more: impl FnMut(&Path) -> Vec<String>,
    ) -> Option<Self> {
        let mut cluster = Self {
            primaries: Vec::new(),
            replicas: Vec::new(),
            bus_ports: Vec::new(),
        };
        for index in 0..3 + replicas {
            let bus_port = free_port();
            let nodes = match index < 3 {
                true => &mut cluster.primaries,
                false => &mut cluster.replicas,
            };
            nodes.push(node(bus_port, &mut more).await?);
            cluster.bus_ports.push(bus_port);
        }
        cluster.join().await;
        Some(cluster)
    }

    /// Gives each primary its slots, introduces all nodes to each other, and waits until they agree.
    async fn join(&self) {
        let step = SLOTS.div_ceil(self.primaries.len());
        for (index, node) in self.primaries.iter().enumerate() {
            let (first, last) = (index * step, ((index + 1) * step).min(SLOTS) - 1);
            let (first, last) = (first.to_string(), last.to_string());
            let _: () = node
                .command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last])
                .await;
            let epoch = (index + 1).to_string();
            let _: () = node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).await;
        }
        for (node, bus_port) in self.nodes().zip(&self.bus_ports).skip(1) {
            let (port, bus_port) = (node.port().to_string(), bus_port.to_string());
            let meet = ["CLUSTER", "MEET", "127.0.0.1", &port, &bus_port];
            let _: () = self.primaries[0].command(&meet).await;
        }
        let all = self.nodes().count();
        for node in self.nodes() {
            asked("all nodes know each other", async || {
                info(node)
                    .await
                    .contains(&format!("cluster_known_nodes:{all}\r"))
            })
            .await;
        }
        let first: String = self.primaries[0].command(&["CLUSTER", "MYID"]).await;
        for replica in &self.replicas {
            asked("the replica accepts its primary", async || {
                replica
                    .try_command::<()>(&["CLUSTER", "REPLICATE", &first])
                    .await
                    .is_ok()
            })
            .await;
        }
        for node in self.nodes() {
            asked("the cluster serves all slots", async || {
                let info = info(node).await;
                info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
            })
            .await;
        }
    }

    fn nodes(&self) -> impl Iterator<Item = &Server> {
        self.primaries.iter().chain(&self.replicas)
    }

    pub(super) fn url(&self) -> String {
        let hosts: Vec<String> = self
            .primaries
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port()))
            .collect();
        format!("redis-cluster://{}", hosts.join(","))
    }

    pub(super) async fn store(&self) -> RedisStore {
        let builder = RedisStore::builder(&self.url(), Secret::new(HASH_KEY)).deadline(DEADLINE);
        let store = builder.connect().await.unwrap();
        up(&store).await;
        store
    }

    /// Returns the keys of buckets on one primary.
    async fn buckets(&self, primary: usize) -> Vec<String> {
        self.primaries[primary].command(&["KEYS", "*}:a:*"]).await
    }

    /// Finds a client whose bucket is on the first primary. It has sent one request.
    async fn client_of_the_first(&self, stack: &TestStack) -> String {
        for number in 1..=254 {
            let client = format!("203.0.113.{number}");
            assert_eq!(stack.status(from(&client)).await, 200);
            if !self.buckets(0).await.is_empty() {
                return client;
            }
        }
        panic!("no client has its bucket on the first primary");
    }
}

async fn node(bus_port: u16, more: impl FnOnce(&Path) -> Vec<String>) -> Option<Server> {
    Server::start_with(|folder| {
        let port = bus_port.to_string();
        let words = [
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            &port,
            "--cluster-announce-ip",
            "127.0.0.1",
            "--cluster-node-timeout",
            "500",
            "--repl-diskless-sync-delay",
            "0",
        ];
        let words = words.into_iter().map(str::to_owned);
        words.chain(more(folder)).collect()
    })
    .await
}

async fn info(node: &Server) -> String {
    node.command(&["CLUSTER", "INFO"]).await
}

fn strict(rate: &str) -> Policy {
    policy("a", rate).when_store_fails(FailureMode::FailClosed)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_grant_exactly_the_limit_over_all_nodes_of_a_cluster() {
    let Some(cluster) = Cluster::start(0).await else {
        return;
    };
    let stacks = [cluster.store().await, cluster.store().await]
        .map(|store| Arc::new(stack(&store, [strict("6/day")])));
    let mut clients = Vec::new();
    for number in 1..=24 {
        let client = format!("203.0.113.{number}");
        let tries = stacks.clone().map(|stack| {
            let client = client.clone();
            tokio::spawn(async move { stack.admitted(5, || from(&client)).await })
        });
        clients.push(tries);
    }
    for [one, two] in clients {
        assert_eq!(one.await.unwrap() + two.await.unwrap(), 6);
    }
    for primary in 0..3 {
        assert!(
            !cluster.buckets(primary).await.is_empty(),
            "primary {primary} holds nothing"
        );
    }
}

/// Returns how long until the own bucket of a client is full.
async fn time_until_full(store: &RedisStore, limit: &Arc<Limit>, client: &str) -> u64 {
    let subject = Subject::network(client.parse().unwrap(), 32, 64);
    let charge = Charge::check_only(limit, store.bucket_key(&subject));
    let decision = store
        .charge(clock().shared().monotonic(), &[charge])
        .get()
        .await;
    decision.limit_states()[0].time_until_full().as_secs()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_subject_granted_is_released_if_another_refuses() {
    let Some(cluster) = Cluster::start(0).await else {
        return;
    };
    let store = cluster.store().await;
    let one = std::num::NonZeroU32::MIN;
    let strict = || strict("4/day").key(Key::client().ipv6_network(56, one));
    let stack = stack(&store, [strict()]);
    let (first, second) = ("2001:db8:0:1::1", "2001:db8:0:2::1");
    assert_eq!(stack.admitted(3, || from(first)).await, 3);
    assert_eq!(stack.admitted(3, || from(second)).await, 1);
    let refused = stack.send(from(second)).await;
    assert_eq!(
        problem(&refused)["violated-policies"],
        serde_json::json!(["a-network"])
    );
    settled(&store).await;
    let limit = Arc::new(strict().limits().unwrap().remove(0));
    // One unit of four a day: six hours.
    let left = time_until_full(&store, &limit, second).await;
    assert!((21_000..=21_600).contains(&left), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_moves_keeps_its_buckets() {
    let Some(cluster) = Cluster::start(0).await else {
        return;
    };
    let store = cluster.store().await;
    let stack = stack(&store, [strict("6/day")]);
    let client = cluster.client_of_the_first(&stack).await;
    let [from_node, to_node] = [&cluster.primaries[0], &cluster.primaries[1]];
    let key = cluster.buckets(0).await.remove(0);
    let slot: i64 = from_node.command(&["CLUSTER", "KEYSLOT", &key]).await;
    let slot = slot.to_string();
    let [source, target]: [String; 2] = [
        from_node.command(&["CLUSTER", "MYID"]).await,
        to_node.command(&["CLUSTER", "MYID"]).await,
    ];
    let _: () = to_node
        .command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source])
        .await;
    let _: () = from_node
        .command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target])
        .await;
    let port = to_node.port().to_string();
    let _: () = from_node
        .command(&["MIGRATE", "127.0.0.1", &port, &key, "0", "5000"])
        .await;
    for node in [to_node, from_node] {
        let _: () = node
            .command(&["CLUSTER", "SETSLOT", &slot, "NODE", &target])
            .await;
    }
    assert_eq!(stack.admitted(9, || from(&client)).await, 5);
    assert!(store.is_up());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_in_a_cluster_is_followed_and_keeps_its_buckets() {
    let Some(mut cluster) = Cluster::start(1).await else {
        return;
    };
    let store = cluster.store().await;
    let stack = stack(&store, [strict("6/day")]);
    let client = cluster.client_of_the_first(&stack).await;
    let replica = &cluster.replicas[0];
    asked("the replica has the bucket", async || {
        let keys: i64 = replica.command(&["DBSIZE"]).await;
        keys > 0
    })
    .await;
    cluster.primaries[0].kill();
    let mut decision = stack.send(from(&client)).await;
    asked("the replica is the primary", async || {
        decision = stack.send(from(&client)).await;
        decision.status() == 200
    })
    .await;
    // One unit before the failover, one after it.
    assert!(
        field(&decision, "ratelimit").starts_with("\"a\";r=4"),
        "{decision:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn all_nodes_of_a_cluster_are_reached_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let root = tls::certify(folder.path());
    let mut ports = Vec::new();
    let cluster = Cluster::start_with(0, |_| {
        ports.push(free_port());
        let mut words = tls::arguments(folder.path(), ports[ports.len() - 1], "no");
        words.extend(["--tls-cluster", "yes"].map(str::to_owned));
        words
    });
    let Some(cluster) = cluster.await else { return };
    let url = format!("rediss-cluster://127.0.0.1:{}", ports[0]);
    let builder = || RedisStore::builder(&url, Secret::new(HASH_KEY)).deadline(DEADLINE);
    let store = builder().root_certificate(root).connect().await.unwrap();
    up(&store).await;
    let stack = stack(&store, [strict("2/day")]);
    for number in 1..=12 {
        let client = format!("203.0.113.{number}");
        assert_eq!(stack.admitted(3, || from(&client)).await, 2);
    }
    for primary in 0..3 {
        assert!(!cluster.buckets(primary).await.is_empty(), "{primary}");
    }
    // A server of another authority is not used.
    let elsewhere = tempfile::tempdir().unwrap();
    let other = builder().root_certificate(tls::certify(elsewhere.path()));
    assert!(!other.connect().await.unwrap().is_up());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_one_node_of_a_cluster_is_reported() {
    let Some(cluster) = Cluster::start(0).await else {
        return;
    };
    let mut problems = Vec::new();
    for node in &cluster.primaries {
        let store = super::connect(&node.url()).await;
        problems.extend(store.status().problem);
    }
    // The bucket of probes is on one node, which accepts the probe.
    assert_eq!(problems, [StoreProblem::Moved; 2]);
    assert!(StoreProblem::Moved.remedy().contains("redis-cluster://"));
}
