//! Eight processes that know nothing of each other, with one key: one server, a cluster, and a failover
//! under Sentinel while they send requests.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use palisade_core::Secret;
use palisade_rate_limit::{FailureMode, Key, Policy, RedisStore};

use super::{
    DEADLINE, HASH_KEY, asked,
    cluster::Cluster,
    sentinel::{self, Sentinel},
    server::Server,
    stack, up,
};
use crate::support::*;

const QUOTA: usize = 100;
const PROCESSES: usize = 8;
/// Of each process, in each of two halves. The first halves leave something of the quota.
const TRIES: [usize; 2] = [10, 40];

/// Where a process finds the server.
const ADDRESS: &str = "PALISADE_TEST_REDIS";

/// The quota of all, and one that never refuses, of another subject: in a cluster on another node.
fn policies() -> [Policy; 2] {
    let closed = |policy: Policy| policy.when_store_fails(FailureMode::FailClosed);
    [
        closed(policy("shared", &format!("{QUOTA}/day")).key(Key::everyone())),
        closed(policy("client", "1000/day")),
    ]
}

/// A process that sends requests in two halves, and waits between them.
struct Process {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Process {
    fn start(url: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "redis::processes::one_process_of_several",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(ADDRESS, url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// Reads how many requests of a half were admitted.
    fn admitted(&mut self) -> usize {
        let mut read = String::new();
        loop {
            let before = read.len();
            assert!(
                self.output.read_line(&mut read).unwrap() > 0,
                "it ended: {read}"
            );
            if let Some((_, count)) = read[before..].split_once("ADMITTED ") {
                return count.trim().parse().unwrap();
            }
        }
    }

    /// Lets it send the second half.
    fn go_on(&mut self) {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(b"\n").unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lets eight processes send both halves, and does something between them. Returns how many requests were
/// admitted in each half.
async fn run(url: &str, between: impl AsyncFnOnce()) -> [usize; 2] {
    let mut processes: Vec<Process> = (0..PROCESSES).map(|_| Process::start(url)).collect();
    let first = processes.iter_mut().map(Process::admitted).sum();
    between().await;
    processes.iter_mut().for_each(Process::go_on);
    [first, processes.iter_mut().map(Process::admitted).sum()]
}

/// Does nothing unless a test here starts it.
#[tokio::test(flavor = "multi_thread")]
async fn one_process_of_several() {
    let Ok(url) = std::env::var(ADDRESS) else {
        return;
    };
    let builder = RedisStore::builder(&url, Secret::new(HASH_KEY)).deadline(DEADLINE);
    let store = builder.connect().await.unwrap();
    up(&store).await;
    let stack = stack(&store, policies());
    for tries in TRIES {
        let mut admitted = 0;
        for _ in 0..tries {
            // A server that is away charges nothing: the request is sent again.
            let mut status = 503;
            asked("the server is back", async || {
                status = stack.status(from("203.0.113.7")).await;
                status != 503
            })
            .await;
            admitted += usize::from(status == 200);
        }
        println!("ADMITTED {admitted}");
        std::io::stdin().read_line(&mut String::new()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_with_one_key_get_exactly_the_quota() {
    let Some(server) = Server::start().await else {
        return;
    };
    let admitted = run(&server.url(), async || {}).await;
    assert_eq!(admitted, [80, 20]);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_with_one_key_get_exactly_the_quota_of_a_cluster() {
    let Some(cluster) = Cluster::start(0).await else {
        return;
    };
    let admitted = run(&cluster.url(), async || {}).await;
    assert_eq!(admitted, [80, 20]);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_get_exactly_the_quota_over_a_failover_under_sentinel() {
    let Some(mut primary) = Server::start().await else {
        return;
    };
    let replica = sentinel::replica_of(&primary).await;
    let folder = tempfile::tempdir().unwrap();
    let mut sentinel = Sentinel::start(folder.path(), primary.port());
    sentinel.knows_the_replica().await;
    let admitted = run(&sentinel.url(), async || {
        // What is replicated is not lost. Replication is asynchronous.
        asked("the replica has all buckets", async || {
            let keys: Vec<String> = primary.command(&["KEYS", "*:86400"]).await;
            let mut same = keys.len() == 2;
            for key in &keys {
                let of = |value: Option<String>| value.unwrap_or_default();
                let here: Option<String> = primary.command(&["GET", key]).await;
                let there: Option<String> = replica.command(&["GET", key]).await;
                same &= of(here) == of(there);
            }
            same
        })
        .await;
        primary.kill();
    })
    .await;
    assert_eq!(admitted, [80, 20]);
}
