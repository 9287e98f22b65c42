//! Many connections: which one is closed at the limit, and which ones count.

use std::{
    net::TcpStream as StdStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use palisade_transport::{
    TrustedProxies,
    server::{ConnectionEventKind, Limits},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    frames::{HEAD, HEADERS, Raw, frame},
    support::{bind, eventually, read_response, start, start_built, within},
};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const WAIT: &[u8] = b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn the_longest_idle_connection_is_closed_for_a_new_one() {
    let limits = Limits::default().connections(3);
    let running = start(bind().http2_in_clear().limits(limits));
    let mut busy = running.connect().await;
    busy.write_all(WAIT).await.unwrap();
    running.waiting(1).await;
    let mut longest = Raw::open(&running).await;
    longest.send(&frame(HEADERS, 5, 1, HEAD)).await;
    assert!(longest.response_ends(1).await);
    let mut idle = running.connect().await;
    idle.write_all(GET).await.unwrap();
    read_response(&mut idle).await;

    let mut new = running.connect().await;
    new.write_all(GET).await.unwrap();
    assert!(read_response(&mut new).await.ends_with("hello"));
    assert_eq!(longest.ended().await, Some(0), "GOAWAY without an error");
    assert_eq!(running.stats.count(ConnectionEventKind::IdleClosed), 1);
    idle.write_all(GET).await.unwrap();
    assert!(read_response(&mut idle).await.ends_with("hello"));
    running.door.notify_one();
    assert!(read_response(&mut busy).await.ends_with("waited"));
}

/// Clients that hold all connections without a word lose them to those that have something to say.
#[tokio::test]
async fn silent_connections_take_no_place_from_others() {
    let limits = Limits::default()
        .connections(20)
        .connections_per_address(10_000);
    let running = start(bind().limits(limits));
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(running.connect().await);
    }
    eventually("they are in", || running.stats.accepted() == 20).await;
    for _ in 0..40 {
        let response = running
            .talk(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            .await;
        assert!(response.ends_with("hello"), "{response}");
    }
    assert_eq!(running.stats.refused_full(), 0);
}

/// All clients of a proxy share its address.
#[tokio::test]
async fn six_hundred_requests_of_one_proxy_are_served_at_once() {
    let running = start(bind().trusted_proxies(TrustedProxies::loopback()));
    let mut sockets = Vec::new();
    for _ in 0..600 {
        let mut socket = running.connect().await;
        socket.write_all(WAIT).await.unwrap();
        sockets.push(socket);
    }
    running.waiting(600).await;
    let response = running
        .talk(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    assert!(response.ends_with("hello"), "{response}");
    running.door.notify_waiters();
    for mut socket in sockets {
        assert!(read_response(&mut socket).await.ends_with("waited"));
    }
}

/// The system keeps them until they are accepted; with its usual backlog of 128 the rest would wait
/// for a second and more, and then again.
#[tokio::test]
async fn a_burst_of_connections_waits_to_be_accepted() {
    let server = bind().build().unwrap();
    let address = server.local_addr();
    let connect = move || {
        let time = Duration::from_millis(900);
        (0..400)
            .map(|_| StdStream::connect_timeout(&address, time).expect("the backlog is full"))
            .collect::<Vec<_>>()
    };
    let burst = tokio::task::spawn_blocking(connect).await.unwrap();
    let running = start_built(server);
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
    read_response(&mut first).await;
    let mut sockets = Vec::new();
    for _ in 0..100 {
        let mut socket = running.connect().await;
        socket.write_all(GET).await.unwrap();
        read_response(&mut socket).await;
        sockets.push(socket);
    }
    assert!(running.stats.open() >= 100);
}

/// Ends the process that a test started.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const PORT_FILE: &str = "PALISADE_TEST_PORT_FILE";

/// With no more file descriptors to be had, clients that come are served, and idle ones leave.
#[cfg(unix)]
#[tokio::test]
async fn a_process_without_file_descriptors_serves_new_clients() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("port");
    let child = Command::new("sh")
        .args([
            "-c",
            "ulimit -n 40 && exec \"$0\" --exact --ignored capacity::serve_until_killed",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(PORT_FILE, &file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn();
    let _child = Started(child.unwrap());
    let port = || {
        std::fs::read_to_string(&file)
            .ok()?
            .trim()
            .parse::<u16>()
            .ok()
    };
    eventually("the other process serves", || port().is_some()).await;
    let port = port().unwrap();
    let mut idle = Vec::new();
    for _ in 0..200 {
        let mut socket = within(TcpStream::connect(("127.0.0.1", port)))
            .await
            .unwrap();
        socket.write_all(GET).await.unwrap();
        let response = read_response(&mut socket).await;
        assert!(response.ends_with("hello"), "{response}");
        idle.push(socket);
    }
}

#[tokio::test]
#[ignore = "started by another test, with few file descriptors"]
#[allow(clippy::disallowed_methods)] // The other test says where the port is to be written.
async fn serve_until_killed() {
    let running = start(bind().http2_in_clear());
    let file = std::path::PathBuf::from(std::env::var(PORT_FILE).unwrap());
    let part = file.with_extension("part");
    std::fs::write(&part, running.address.port().to_string()).unwrap();
    std::fs::rename(part, file).unwrap();
    std::future::pending::<()>().await;
}

/// A connection that is closed for another one is closed, and not reset.
#[tokio::test]
async fn closing_an_idle_connection_is_no_reset() {
    let running = start(bind().limits(Limits::default().connections(1)));
    let mut idle = running.connect().await;
    idle.write_all(GET).await.unwrap();
    read_response(&mut idle).await;
    let mut new = running.connect().await;
    new.write_all(GET).await.unwrap();
    assert!(read_response(&mut new).await.ends_with("hello"));
    let mut byte = [0];
    assert_eq!(idle.read(&mut byte).await.unwrap(), 0);
}
