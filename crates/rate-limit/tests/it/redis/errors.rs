//! The operator learns why the store is of no use, and no secret with it.

use super::{
    Log, connect,
    permissions::{documented, user},
    proxy::Proxy,
    server::Server,
    stack, status,
};
use crate::support::*;
use palisade_core::Secret;
use palisade_rate_limit::{FailureMode, LimitStore, RedisStore, StoreProblem};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Waits until this is reported: on a busy machine the first try may find no reply in time.
pub(super) async fn check(store: &RedisStore, problem: StoreProblem) {
    status(store, problem.code(), |it| it.problem == Some(problem)).await;
    assert!(!store.is_up());
    let shown = format!("{store:?}");
    assert!(shown.contains(problem.code()), "{shown}");
}

#[tokio::test]
async fn a_wrong_password_is_reported_and_not_shown() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (log, guard) = Log::capture();
    user(&server, &documented()).await;
    let store = connect(&server.url_of("limits", "canary")).await;
    check(&store, StoreProblem::WrongPass).await;
    let _: () = server
        .command(&["CONFIG", "SET", "requirepass", "right"])
        .await;
    let store = connect(&server.url()).await;
    check(&store, StoreProblem::NoAuth).await;
    drop(guard);
    let lines = log.lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(
        lines[0].contains("WRONGPASS") && lines[1].contains("NOAUTH"),
        "{lines:#?}"
    );
    let all = lines.concat();
    assert!(
        !all.contains("canary") && !all.contains("127.0.0.1"),
        "{all}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_a_read_only_and_a_wrong_database_are_reported() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = connect(&server.url().replace("/0", "/99")).await;
    check(&store, StoreProblem::Database).await;
    let _: () = server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    check(&connect(&server.url()).await, StoreProblem::OutOfMemory).await;
    let _: () = server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    let _: () = server.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
    check(&connect(&server.url()).await, StoreProblem::ReadOnly).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_while_the_store_is_used_is_reported() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = super::store(&server).await;
    let stack = stack(
        &store,
        [policy("a", "100/day").when_store_fails(FailureMode::FailOpen)],
    );
    let _: () = server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    assert_eq!(stack.admitted(5, || from("203.0.113.7")).await, 5);
    check(&store, StoreProblem::OutOfMemory).await;
    assert!(stack.layer.explain().contains("redis (away, OOM)"));
}

/// A server that answers every command with this line.
async fn server_that_replies(line: &'static str) -> RedisStore {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(respond(client, line));
        }
    });
    connect(&format!("redis://127.0.0.1:{port}/0")).await
}

async fn respond(mut client: TcpStream, line: &str) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = client.read(&mut buffer).await {
        let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
        let commands = text.matches("\r\n*").count() + usize::from(text.starts_with('*'));
        let replies = format!("{line}\r\n").repeat(commands);
        if client.write_all(replies.as_bytes()).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_code_of_the_server_is_reported() {
    for (line, problem) in [
        ("-MOVED 1 10.0.0.9:7000", StoreProblem::Moved),
        (
            "-CROSSSLOT Keys in request don't hash to the same slot",
            StoreProblem::Moved,
        ),
        (
            "-CLUSTERDOWN Hash slot not served",
            StoreProblem::ClusterDown,
        ),
        (
            "-LOADING Redis is loading the dataset in memory",
            StoreProblem::Loading,
        ),
        ("-BUSY Redis is busy running a script", StoreProblem::Busy),
        (
            "-MISCONF Redis is configured to save RDB snapshots",
            StoreProblem::Misconf,
        ),
        (
            "-NOREPLICAS Not enough good replicas to write",
            StoreProblem::NoReplicas,
        ),
        (
            "-ERR max number of clients reached",
            StoreProblem::MaxClients,
        ),
        (
            "-ERR unknown command 'EVALSHA'",
            StoreProblem::UnknownCommand,
        ),
        ("-ERR something else canary", StoreProblem::Server),
        ("+OK", StoreProblem::MalformedReply),
        ("HTTP/1.1 400 Bad Request", StoreProblem::MalformedReply),
    ] {
        let store = server_that_replies(line).await;
        check(&store, problem).await;
        assert!(!format!("{store:?} {problem}").contains("canary"));
    }
}

#[tokio::test]
async fn a_missing_server_is_reported() {
    check(
        &super::faults::orphan().await,
        StoreProblem::ConnectionRefused,
    )
    .await;
}

/// The probe's key is allowed and no bucket's is: each new connection looks well until it is used.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_passes_the_probe_and_fails_requests_is_tried_less_and_less() {
    let Some(server) = Server::start().await else {
        return;
    };
    let mut only_probe = documented();
    only_probe.extend(["resetkeys", "~palisade:{probe}*"].map(str::to_owned));
    user(&server, &only_probe).await;
    let proxy = Proxy::before(server.port()).await;
    let url = proxy.url().replace("redis://", "redis://limits:right@");
    let builder = RedisStore::builder(&url, Secret::new(super::HASH_KEY));
    let store = builder.deadline(super::DEADLINE).connect().await.unwrap();
    let stack = stack(
        &store,
        [policy("a", "100/day").when_store_fails(FailureMode::FailOpen)],
    );
    let start = std::time::Instant::now();
    while start.elapsed() < std::time::Duration::from_secs(3) {
        assert_eq!(stack.status(from("203.0.113.7")).await, 200);
        tokio::task::yield_now().await;
    }
    let tries = proxy.connections();
    assert!(
        (2..=7).contains(&tries),
        "{tries} connections in three seconds"
    );
}

#[test]
fn metrics_tell_the_code_and_what_was_lost_and_have_no_other_labels() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let Some(server) = Server::start().await else {
                return;
            };
            let store = RedisStore::builder(&server.url(), Secret::new(super::HASH_KEY));
            let store = store.deadline(super::DEADLINE).settlement_memory(0);
            let store = store.connect().await.unwrap();
            let limits = policy("a", "9/day").settled_by("x").limits().unwrap();
            let limit = std::sync::Arc::new(limits.into_iter().next().unwrap());
            for bucket in 0..3 {
                let bucket = palisade_rate_limit::BucketKey::new(bucket, 0);
                store.adjust(std::time::Duration::ZERO, &limit, bucket, 1);
            }
            let text = handle.render();
            for line in [
                "palisade_limit_store_up 1",
                "palisade_limit_settlements_lost_total{kind=\"charge\"} 2",
            ] {
                assert!(text.contains(line), "{line} is not in {text}");
            }
            let _: () = server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
            let stack = stack(&store, [policy("b", "9/day")]);
            assert_eq!(stack.admitted(5, || from("203.0.113.7")).await, 5);
            let text = handle.render();
            for line in [
                "palisade_limit_store_up 0",
                "palisade_limit_store_failures_total{code=\"OOM\"}",
            ] {
                assert!(text.contains(line), "{line} is not in {text}");
            }
            assert!(
                !text.contains("127.0.0.1") && !text.contains("203.0.113"),
                "{text}"
            );
        });
    });
}
