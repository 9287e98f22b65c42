//! Many connections: who makes room, and who counts.

use std::{
    net::TcpStream as StdStream,
    process::{Command, Stdio},
    time::Duration,
};

use palisade_transport::{
    TrustedProxies,
    server::{ConnectionEventKind, Limits},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    frames::{HEAD, HEADERS, Raw, frame},
    support::{bind, eventually, read_answer, start},
};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const WAIT: &[u8] = b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn the_longest_idle_connection_makes_room_for_a_new_one() {
    let limits = Limits::default().connections(3);
    let running = start(bind().http2_in_clear().with_limits(limits));
    let mut busy = running.connect().await;
    busy.write_all(WAIT).await.unwrap();
    running.waiting(1).await;
    let mut longest = Raw::open(&running).await;
    longest.send(&frame(HEADERS, 5, 1, HEAD)).await;
    assert!(longest.response_ends(1).await);
    let mut idle = running.connect().await;
    idle.write_all(GET).await.unwrap();
    read_answer(&mut idle).await;

    let mut new = running.connect().await;
    new.write_all(GET).await.unwrap();
    assert!(read_answer(&mut new).await.ends_with("hello"));
    assert_eq!(longest.ended().await, Some(0), "GOAWAY without an error");
    assert_eq!(running.stats.count(ConnectionEventKind::ClosedForRoom), 1);
    idle.write_all(GET).await.unwrap();
    assert!(read_answer(&mut idle).await.ends_with("hello"));
    running.door.notify_one();
    assert!(read_answer(&mut busy).await.ends_with("waited"));
}

/// Clients that hold all connections without a word lose them to those that have something to say.
#[tokio::test]
async fn silent_connections_take_no_place_from_others() {
    let limits = Limits::default()
        .connections(20)
        .connections_per_address(10_000);
    let running = start(bind().with_limits(limits));
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(running.connect().await);
    }
    eventually("they are in", || running.stats.accepted() == 20).await;
    for _ in 0..40 {
        let answer = running
            .talk(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            .await;
        assert!(answer.ends_with("hello"), "{answer}");
    }
    assert_eq!(running.stats.refused_full(), 0);
}

/// All clients of a proxy share its address.
#[tokio::test]
async fn six_hundred_requests_of_one_proxy_are_served_at_once() {
    let running = start(bind().behind(TrustedProxies::loopback()));
    let mut sockets = Vec::new();
    for _ in 0..600 {
        let mut socket = running.connect().await;
        socket.write_all(WAIT).await.unwrap();
        sockets.push(socket);
    }
    running.waiting(600).await;
    let answer = running
        .talk(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    assert!(answer.ends_with("hello"), "{answer}");
    running.door.notify_waiters();
    for mut socket in sockets {
        assert!(read_answer(&mut socket).await.ends_with("waited"));
    }
}

/// The system keeps them until they are accepted; with its usual backlog of 128 the rest would wait
/// for a second and more, and then again.
#[tokio::test]
async fn a_burst_of_connections_waits_to_be_accepted() {
    let server = bind();
    let address = server.local_addr();
    let connect = move || {
        let time = Duration::from_millis(900);
        (0..400)
            .map(|_| StdStream::connect_timeout(&address, time).expect("the backlog is full"))
            .collect::<Vec<_>>()
    };
    let burst = tokio::task::spawn_blocking(connect).await.unwrap();
    let running = start(server);
    eventually("all are accepted", || running.stats.accepted() == 400).await;
    drop(burst);
}

/// Runs the next test in a process with few file descriptors, which may have more.
#[cfg(unix)]
#[test]
fn the_soft_limit_of_file_descriptors_is_raised() {
    let test = std::env::current_exe().unwrap();
    let output = Command::new("sh")
        .args([
            "-c",
            "ulimit -S -n 64 && exec \"$0\" --exact --ignored capacity::with_few_file_descriptors",
        ])
        .arg(test)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[tokio::test]
#[ignore = "started by another test, with few file descriptors"]
async fn with_few_file_descriptors() {
    let running = start(bind());
    eventually("it is serving", || {
        StdStream::connect(running.address).is_ok()
    })
    .await;
    let mut first = running.connect().await;
    first.write_all(GET).await.unwrap();
    read_answer(&mut first).await;
    let mut sockets = Vec::new();
    for _ in 0..100 {
        let mut socket = running.connect().await;
        socket.write_all(GET).await.unwrap();
        read_answer(&mut socket).await;
        sockets.push(socket);
    }
    assert!(running.stats.open() >= 100);
}

/// A connection that is closed for another one is closed, and not reset.
#[tokio::test]
async fn closing_for_room_is_no_reset() {
    let running = start(bind().with_limits(Limits::default().connections(1)));
    let mut idle = running.connect().await;
    idle.write_all(GET).await.unwrap();
    read_answer(&mut idle).await;
    let mut new = running.connect().await;
    new.write_all(GET).await.unwrap();
    assert!(read_answer(&mut new).await.ends_with("hello"));
    let mut byte = [0];
    assert_eq!(idle.read(&mut byte).await.unwrap(), 0);
}
