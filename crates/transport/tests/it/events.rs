//! What goes wrong before a request is there: recorded to the operator, and answered with the security headers.

use http::Request;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use palisade_core::testing::TestBody;
use palisade_transport::server::{ConnectionEventKind, Limits, ReceivedBody};
use rustls::{RootCertStore, version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    frames::{DATA, HEADERS, Method, Raw, frame, head},
    support::{
        RecordedEvents, bind, client_config, eventually, handshake, hasty, http2, read_all,
        read_response, start, start_with, tls, within,
    },
};

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn what_is_no_request_gets_the_security_headers_and_is_reported() {
    let recorded = RecordedEvents::default();
    let running = start(recorded.observe(bind()));
    let large = format!(
        "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
        "y".repeat(40_000)
    );
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(200));
    let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "y".repeat(70_000));
    for (request, status) in [
        ("GET / HTTP/9.9\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nx\r\n\r\n", "400"),
        ("\u{1}\u{2}\u{3}\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nx: \u{0}\r\n\r\n", "400"),
        (&large, "431"),
        (&many, "431"),
        (&long, "4"),
    ] {
        let response = running.talk(request.as_bytes()).await;
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status}")),
            "{response}"
        );
        for header in [
            "x-content-type-options: nosniff",
            "content-security-policy: default-src 'none'",
            "cache-control: no-store",
            "connection: close",
            "content-length: 0",
            "date: ",
        ] {
            assert!(
                response.contains(&format!("\r\n{header}")),
                "{header}: {response}"
            );
        }
        assert!(
            !response.contains("strict-transport-security"),
            "in clear: {response}"
        );
        assert!(response.ends_with("\r\n\r\n"), "{response}");
    }
    assert_eq!(
        running.stats.count(ConnectionEventKind::MalformedRequest),
        7
    );
    assert_eq!(recorded.counts(ConnectionEventKind::MalformedRequest), [1]);
}

#[tokio::test]
async fn what_follows_a_request_and_is_none_gets_the_security_headers() {
    let running = start(bind());
    let pipelined = running
        .talk(format!("{GET}rubbish\r\n\r\n").as_bytes())
        .await;
    let mut socket = running.connect().await;
    socket.write_all(GET.as_bytes()).await.unwrap();
    read_response(&mut socket).await;
    socket.write_all(b"rubbish\r\n\r\n").await.unwrap();
    let later = read_all(&mut socket).await;
    for response in [&pipelined, &later] {
        let (_, last) = response.rsplit_once("HTTP/1.1 ").unwrap();
        assert!(last.starts_with("400"), "{response}");
        assert!(
            last.contains("x-content-type-options: nosniff"),
            "{response}"
        );
    }
}

#[tokio::test]
async fn over_tls_such_responses_promise_tls() {
    let tls = tls();
    let running = start(bind().tls(tls.certificates.clone()));
    let stream = tls
        .connect(running.address, "localhost", &[b"http/1.1"])
        .await;
    let mut stream = stream.unwrap();
    stream.write_all(b"rubbish\r\n\r\n").await.unwrap();
    let response = read_all(&mut stream).await;
    assert!(
        response.contains("\r\nstrict-transport-security: max-age="),
        "{response}"
    );
}

/// The bytes of a response, or of an upgraded connection, are never taken for a response of the server.
#[tokio::test]
async fn bytes_that_look_like_such_a_response_are_left_alone() {
    let bare = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
    let running = start(bind());
    let request = format!(
        "POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{bare}",
        bare.len()
    );
    let response = running.talk(request.as_bytes()).await;
    assert!(response.contains(bare), "{response}");

    let service = tower::service_fn(async |mut request: Request<ReceivedBody>| {
        tokio::spawn(async move {
            let mut upgraded = TokioIo::new(hyper::upgrade::on(&mut request).await.unwrap());
            let mut bytes = vec![0; 47];
            upgraded.read_exact(&mut bytes).await.unwrap();
            upgraded.write_all(&bytes).await.unwrap();
            upgraded.flush().await.unwrap();
            upgraded.write_all(&bytes).await.unwrap();
            upgraded.shutdown().await.unwrap();
        });
        let response = http::Response::builder()
            .status(101)
            .header("connection", "upgrade")
            .header("upgrade", "echo");
        Ok(response.body(TestBody::default()).unwrap())
    });
    assert_eq!(bare.len(), 47);
    let running = start_with(bind(), service);
    let upgrade = "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    let mut socket = running.connect().await;
    socket.write_all(upgrade.as_bytes()).await.unwrap();
    read_response(&mut socket).await;
    socket.write_all(bare.as_bytes()).await.unwrap();
    assert_eq!(read_all(&mut socket).await, bare.repeat(2));
}

#[tokio::test]
async fn a_head_over_the_limit_on_http2_gets_the_security_headers() {
    let running = start(bind().http2_in_clear());
    let mut sender = http2(running.connect().await).await;
    let request = Request::get("http://a/").header("x", "y".repeat(40 * 1024));
    let request = request.body(Full::default()).unwrap();
    let response = within(sender.send_request(request)).await.unwrap();
    assert_eq!(response.status(), 431);
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert_eq!(
        running.stats.count(ConnectionEventKind::MalformedRequest),
        1
    );
}

#[tokio::test]
async fn a_violation_of_http2_is_told_and_a_client_that_leaves_is_none() {
    let recorded = RecordedEvents::default();
    let running = start(recorded.observe(bind().http2_in_clear()));
    let mut leaves = Raw::open(&running).await;
    leaves
        .send(&frame(HEADERS, 4, 1, &head(Method::Post, "/length")))
        .await;
    assert!(leaves.gets_a_reply().await);
    drop(leaves);
    eventually("it is gone", || running.stats.open() == 0).await;
    assert_eq!(running.stats.count(ConnectionEventKind::ProtocolError), 0);

    let mut raw = Raw::open(&running).await;
    raw.send(&frame(DATA, 0, 0, b"no stream")).await;
    assert_eq!(raw.ended().await, Some(1), "PROTOCOL_ERROR");
    recorded.wait_for(ConnectionEventKind::ProtocolError).await;
}

#[tokio::test]
async fn failed_handshakes_are_told() {
    let tls = tls();
    let recorded = RecordedEvents::default();
    let server = recorded.observe(bind()).limits(hasty());
    let running = start(server.tls(tls.certificates.clone()));
    running.talk(GET.as_bytes()).await;
    recorded
        .wait_for(ConnectionEventKind::HandshakeFailed)
        .await;
    running.talk(b"").await;
    recorded
        .wait_for(ConnectionEventKind::HandshakeTimeout)
        .await;
    assert_eq!(running.stats.failed_handshakes(), 2);
}

#[tokio::test]
async fn clients_that_refuse_the_certificate_are_told() {
    for version in [&version::TLS12, &version::TLS13] {
        let tls = tls();
        let recorded = RecordedEvents::default();
        let running = start(recorded.observe(bind().tls(tls.certificates.clone())));
        let stranger = client_config(RootCertStore::empty(), &[version], &[]);
        assert!(
            handshake(stranger, running.address, "localhost")
                .await
                .is_err()
        );
        recorded
            .wait_for(ConnectionEventKind::CertificateRefused)
            .await;
    }
}

#[tokio::test]
async fn slow_heads_and_full_servers_are_told() {
    let recorded = RecordedEvents::default();
    let limits = hasty().connections_per_address(1);
    let running = start(recorded.observe(bind()).limits(limits));
    let mut slow = running.connect().await;
    slow.write_all(b"GET / HT").await.unwrap();
    assert_eq!(running.talk(b"").await, "");
    recorded.wait_for(ConnectionEventKind::AddressLimit).await;
    read_all(&mut slow).await;
    recorded.wait_for(ConnectionEventKind::HeaderTimeout).await;

    let running = start(
        recorded
            .observe(bind())
            .limits(Limits::default().connections(0)),
    );
    assert_eq!(running.talk(b"").await, "");
    recorded.wait_for(ConnectionEventKind::ServerLimit).await;
}

/// What was counted and not yet reported is reported when the server stops.
#[tokio::test]
async fn the_counts_of_all_reports_add_up() {
    let recorded = RecordedEvents::default();
    let mut running = start(recorded.observe(bind()));
    for _ in 0..50 {
        running.talk(b"rubbish\r\n\r\n").await;
    }
    running.tell_to_stop();
    running.stopped().await;
    assert_eq!(
        recorded.counts(ConnectionEventKind::MalformedRequest),
        [1, 49]
    );
}
