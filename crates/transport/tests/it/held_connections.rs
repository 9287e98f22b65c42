//! Clients that hold connections below or before HTTP/2: many at once, and byte by byte.
//!
//! Each connection ends by a deadline. Meanwhile another client is served, and the log has few lines.

use std::time::Duration;

use palisade_transport::{TrustedProxies, server::Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    log_lines::LogLines,
    support::{
        Running, bind, client_config, eventually, handshake, hasty, read_response, start, tls,
        within,
    },
};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
/// Connections of one kind at a time.
const AT_ONCE: usize = 40;

/// One way to hold a connection.
struct Held {
    name: &'static str,
    /// What is sent at first.
    first: &'static [u8],
    /// A byte that is sent again and again after it; none if the client falls silent.
    then: Option<u8>,
    /// Whether the client reads what the server sends.
    reads: bool,
}

const fn held(name: &'static str, first: &'static [u8], then: Option<u8>) -> Held {
    Held {
        name,
        first,
        then,
        reads: true,
    }
}

const BODY: &[u8] = b"POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n";
const LARGE: &[u8] = b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n";
/// The start of a TLS record that is longer than what follows.
const HANDSHAKE: &[u8] = &[22, 3, 1, 64, 0, 1, 0, 63, 252, 3, 3];

/// On a listener without TLS.
const PLAIN: [Held; 6] = [
    held("nothing", b"", None),
    held("a head that stops", b"GET / HTTP/1.1\r\nx: ", None),
    held("a head in bytes", b"GET / HTTP/1.1\r\nx: ", Some(b'y')),
    held("a body that stops", BODY, None),
    held("a body in bytes", BODY, Some(b'y')),
    Held {
        reads: false,
        ..held("a response that is not read", LARGE, None)
    },
];

/// On a listener with TLS.
const IN_HANDSHAKE: [Held; 3] = [
    held("no handshake", b"", None),
    held("a handshake that stops", HANDSHAKE, None),
    held("a handshake in bytes", HANDSHAKE, Some(0)),
];

/// On a listener whose clients begin with a PROXY header.
const BEFORE_PROXY: [Held; 4] = [
    held("no PROXY header", b"", None),
    held("a PROXY header that stops", b"PROXY TCP4 203.0", None),
    held("the first version in bytes", b"PROXY UNKNOWN ", Some(b'y')),
    held(
        "the second version in bytes",
        b"\r\n\r\n\0\r\nQUIT\n",
        Some(0x21),
    ),
];

/// Deadlines and rates that end a connection soon.
fn limits() -> Limits {
    hasty()
        .rate_grace(Duration::from_millis(200))
        .proxy_header_timeout(Duration::from_millis(200))
}

impl Held {
    /// Holds one connection until the server closes it.
    async fn hold(&self, running: &Running) {
        let (mut reader, mut writer) = running.connect().await.into_split();
        writer.write_all(self.first).await.unwrap();
        let mut beat = tokio::time::interval(Duration::from_millis(20));
        let send = async {
            while let Some(byte) = self.then
                && writer.write_all(&[byte]).await.is_ok()
            {
                beat.tick().await;
            }
            std::future::pending::<()>().await;
        };
        let end = async {
            if !self.reads {
                let places = || running.stats.open() <= 1;
                eventually("unread responses are cut", places).await;
            }
            let mut scrap = [0; 4096];
            while let Ok(1..) = reader.read(&mut scrap).await {}
        };
        within(async {
            tokio::select! { () = send => {}, () = end => {} }
        })
        .await;
    }
}

/// Holds connections in each of these ways, many at once. After each, another client is served on a
/// connection of its own, which begins with these bytes.
async fn hold_all(running: &Running, ways: &[Held], other: &[u8]) {
    for held in ways {
        let all = (0..AT_ONCE).map(|_| held.hold(running));
        futures_util::future::join_all(all).await;
        eventually(held.name, || running.stats.open() == 0).await;
        if !other.is_empty() {
            let mut socket = running.connect().await;
            socket.write_all(other).await.unwrap();
            let response = read_response(&mut socket).await;
            assert!(
                response.ends_with("hello"),
                "after {}: {response}",
                held.name
            );
        }
    }
}

/// Counts log lines of what `run` does.
async fn few_lines(run: impl Future<Output = ()>) {
    let lines = LogLines::default();
    let _logging = lines.count();
    run.await;
    let lines = lines.so_far();
    assert!(lines <= 10, "{lines} lines");
}

#[tokio::test]
async fn heads_bodies_and_responses_that_stand_still_end_at_once_and_byte_by_byte() {
    let running = start(bind().limits(limits()));
    few_lines(hold_all(&running, &PLAIN, GET)).await;
}

#[tokio::test]
async fn handshakes_that_stand_still_end_at_once_and_byte_by_byte() {
    let tls = tls();
    let running = start(bind().tls(tls.certificates.clone()).limits(limits()));
    few_lines(async {
        hold_all(&running, &IN_HANDSHAKE, b"").await;
        let mut other = tls
            .connect(running.address, "localhost", &[])
            .await
            .unwrap();
        other.write_all(GET).await.unwrap();
        other.flush().await.unwrap();
        assert!(read_response(&mut other).await.ends_with("hello"));
    })
    .await;
    let failed = running.stats.failed_handshakes() + running.stats.timed_out();
    assert!(failed >= 3 * AT_ONCE as u64, "{failed}");
}

#[tokio::test]
async fn proxy_headers_that_stand_still_end_at_once_and_byte_by_byte() {
    let running = start(
        bind()
            .limits(limits())
            .proxy_protocol(TrustedProxies::loopback()),
    );
    let other = [b"PROXY UNKNOWN\r\n", GET].concat();
    few_lines(hold_all(&running, &BEFORE_PROXY, &other)).await;
}

/// Each handshake costs the server more than the client, so failed ones must cost no more than that.
#[tokio::test]
async fn a_flood_of_broken_handshakes_writes_few_lines_and_leaves_others_alone() {
    let tls = tls();
    let running = start(bind().tls(tls.certificates.clone()));
    few_lines(async {
        for _ in 0..200 {
            let record = [HANDSHAKE, &[0; 16 * 1024]].concat();
            let mut socket = running.connect().await;
            let _ = socket.write_all(&record).await;
            let mut scrap = Vec::new();
            let _ = within(socket.read_to_end(&mut scrap)).await;
        }
        let mut other = tls
            .connect(running.address, "localhost", &[])
            .await
            .unwrap();
        other.write_all(GET).await.unwrap();
        other.flush().await.unwrap();
        assert!(read_response(&mut other).await.ends_with("hello"));
    })
    .await;
    eventually("all are counted", || {
        running.stats.failed_handshakes() == 200
    })
    .await;
}

/// TLS 1.3 lets a client ask for new keys as often as it likes (RFC 8446, section 4.6.3), and each
/// costs the other side two derivations and a record.
#[tokio::test]
async fn a_flood_of_key_updates_ends_the_connection() {
    let tls = tls();
    let running = start(bind().tls(tls.certificates.clone()));
    let mut other = tls
        .connect(running.address, "localhost", &[])
        .await
        .unwrap();
    few_lines(async {
        for is_paced in [false, true] {
            let config = client_config(tls.roots(), &[&rustls::version::TLS13], &[]);
            let mut client = handshake(config, running.address, "localhost")
                .await
                .unwrap();
            for _ in 0..200 {
                client.get_mut().1.refresh_traffic_keys().unwrap();
                let is_sent = within(client.flush()).await.is_ok();
                if is_paced {
                    tokio::task::yield_now().await;
                }
                if !is_sent {
                    break;
                }
            }
            eventually("it is closed", || running.stats.open() == 1).await;
        }
        other.write_all(GET).await.unwrap();
        other.flush().await.unwrap();
        assert!(read_response(&mut other).await.ends_with("hello"));
    })
    .await;
}
