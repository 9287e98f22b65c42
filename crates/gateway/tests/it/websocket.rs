//! Connections that switch to WebSocket.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    client::{Running, status},
    transport::before,
    upstream::{field, read_request},
};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const HANDSHAKE: &str = "GET /chat HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n";

async fn gateway(keys: &str) -> (Running, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let upstream = format!("url = 'http://{address}'\nupgrade = ['websocket']\n{keys}");
    let folder = tempfile::tempdir().unwrap();
    (before(folder, &upstream).await, listener)
}

fn handshake(gateway: &Running) -> String {
    HANDSHAKE.replace("PORT", &gateway.address.port().to_string())
}

/// Reads until the bytes end with these.
async fn read_until<S: tokio::io::AsyncRead + Unpin>(stream: &mut S, end: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        let mut byte = [0];
        assert_eq!(
            stream.read(&mut byte).await.unwrap(),
            1,
            "{:?}",
            String::from_utf8_lossy(&bytes)
        );
        bytes.extend(byte);
    }
    String::from_utf8(bytes).unwrap()
}

/// A client whose connection switched, and the upstream's side of it.
async fn switched(
    gateway: &Running,
    listener: &TcpListener,
) -> (tokio_rustls::client::TlsStream<TcpStream>, TcpStream) {
    let mut client = gateway.connect().await;
    client
        .write_all(handshake(gateway).as_bytes())
        .await
        .unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    let got = read_request(&mut upstream).await;
    assert_eq!(field(&got, "upgrade"), Some("websocket"), "{got}");
    assert_eq!(field(&got, "connection"), Some("upgrade"), "{got}");
    assert_eq!(field(&got, "sec-websocket-key"), Some(KEY), "{got}");
    assert_eq!(field(&got, "sec-websocket-protocol"), Some("chat"), "{got}");
    upstream.write_all(SWITCHED.as_bytes()).await.unwrap();
    let response = read_until(&mut client, "\r\n\r\n").await;
    assert_eq!(status(&response), 101, "{response}");
    assert_eq!(field(&response, "sec-websocket-protocol"), Some("chat"));
    (client, upstream)
}

#[tokio::test]
async fn bytes_pass_in_both_directions_and_are_in_the_trail() {
    let (gateway, listener) = gateway("").await;
    let (mut client, mut upstream) = switched(&gateway, &listener).await;
    client.write_all(b"from the client").await.unwrap();
    read_until(&mut upstream, "from the client").await;
    upstream.write_all(b"from above").await.unwrap();
    read_until(&mut client, "from above").await;
    drop(upstream);
    assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    drop(client);
    let folder = gateway.stop().await;
    let trail = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    let end = trail
        .lines()
        .find(|line| line.contains("\"upgraded\""))
        .unwrap();
    assert!(end.contains("\"bytes_up\":15"), "{end}");
    assert!(end.contains("\"bytes_down\":10"), "{end}");
}

#[tokio::test]
async fn bytes_after_an_upgrade_that_was_refused_never_reach_the_upstream() {
    let (gateway, listener) = gateway("").await;
    let mut client = gateway.connect().await;
    let smuggled = format!(
        "{}GET /admin HTTP/1.1\r\nHost: x\r\n\r\n",
        handshake(&gateway)
    );
    client.write_all(smuggled.as_bytes()).await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    read_request(&mut upstream).await;
    let refusal = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno";
    upstream.write_all(refusal.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    let _ = client.read_to_end(&mut response).await;
    let response = String::from_utf8_lossy(&response).into_owned();
    assert_eq!(status(&response), 200, "{response}");
    assert_eq!(field(&response, "connection"), Some("close"), "{response}");
    assert_eq!(response.matches("HTTP/1.1 ").count(), 1, "{response}");
    // The connection to the upstream ends without another byte.
    let mut rest = Vec::new();
    let _ = upstream.read_to_end(&mut rest).await;
    assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
}

#[tokio::test]
async fn bytes_that_come_before_the_101_wait_for_it() {
    let (gateway, listener) = gateway("").await;
    let mut client = gateway.connect().await;
    let early = format!("{}early", handshake(&gateway));
    client.write_all(early.as_bytes()).await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    read_request(&mut upstream).await;
    let waited = tokio::time::timeout(Duration::from_millis(100), upstream.read(&mut [0; 8])).await;
    assert!(waited.is_err(), "bytes passed before the 101");
    upstream.write_all(SWITCHED.as_bytes()).await.unwrap();
    read_until(&mut client, "\r\n\r\n").await;
    read_until(&mut upstream, "early").await;
}

#[tokio::test]
async fn a_101_that_does_not_belong_to_the_handshake_is_502() {
    for wrong in [
        SWITCHED.replace("s3pPLMBi", "AAAAAAAA"),
        SWITCHED.replace("Upgrade: websocket", "Upgrade: h2c"),
        SWITCHED.replace("Connection: Upgrade\r\n", ""),
    ] {
        let (gateway, listener) = gateway("").await;
        let mut client = gateway.connect().await;
        client
            .write_all(handshake(&gateway).as_bytes())
            .await
            .unwrap();
        let (mut upstream, _) = listener.accept().await.unwrap();
        read_request(&mut upstream).await;
        upstream.write_all(wrong.as_bytes()).await.unwrap();
        let response = read_until(&mut client, "\r\n\r\n").await;
        assert_eq!(status(&response), 502, "{wrong}: {response}");
    }
}

#[tokio::test]
async fn a_handshake_that_is_not_complete_never_reaches_the_upstream() {
    let (gateway, listener) = gateway("").await;
    for (what, from, to, expected) in [
        ("short key", KEY, "c2hvcnQ=", 400),
        (
            "two keys",
            "\r\n\r\n",
            "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            400,
        ),
        (
            "a body",
            "\r\n\r\n",
            "\r\nContent-Length: 5\r\n\r\nabcde",
            400,
        ),
        ("another method", "GET ", "POST ", 400),
        (
            "several protocols",
            "Upgrade: websocket",
            "Upgrade: websocket, h2c",
            400,
        ),
        ("an old version", "Version: 13", "Version: 8", 426),
    ] {
        let request = handshake(&gateway).replace(from, to);
        let mut client = gateway.connect().await;
        client.write_all(request.as_bytes()).await.unwrap();
        let response = read_until(&mut client, "\r\n\r\n").await;
        assert_eq!(status(&response), expected, "{what}: {response}");
    }
    let none = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(none.is_err());
}

#[tokio::test]
async fn a_silent_websocket_is_closed_and_a_busy_one_is_not() {
    let (gateway, listener) = gateway("idle_timeout_seconds = 1").await;
    let (mut client, _upstream) = switched(&gateway, &listener).await;
    assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_websocket_ends_at_its_time_in_all_and_at_its_bytes() {
    let (all, listener) = gateway("total_timeout_seconds = 1").await;
    let (mut client, _upstream) = switched(&all, &listener).await;
    assert_eq!(client.read(&mut [0; 8]).await.unwrap_or(0), 0);

    let (bounded, listener) = gateway("[upstreams.websocket]\nmax_bytes = 10").await;
    let (mut client, mut upstream) = switched(&bounded, &listener).await;
    client.write_all(b"12345").await.unwrap();
    read_until(&mut upstream, "12345").await;
    upstream.write_all(b"12345").await.unwrap();
    read_until(&mut client, "12345").await;
    client.write_all(b"6").await.unwrap();
    assert_eq!(upstream.read(&mut [0; 8]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_client_with_too_many_websockets_is_429_before_the_upstream_is_asked() {
    let (gateway, listener) = gateway("[upstreams.websocket]\nmost_per_client = 1").await;
    let _open = switched(&gateway, &listener).await;
    let mut client = gateway.connect().await;
    client
        .write_all(handshake(&gateway).as_bytes())
        .await
        .unwrap();
    let response = read_until(&mut client, "\r\n\r\n").await;
    assert_eq!(status(&response), 429, "{response}");
    assert_eq!(field(&response, "connection"), Some("close"), "{response}");
    let none = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(none.is_err());
}

#[tokio::test]
async fn websockets_end_with_the_gateway() {
    let (gateway, listener) = gateway("").await;
    let (mut client, mut upstream) = switched(&gateway, &listener).await;
    let folder = gateway.stop().await;
    assert_eq!(client.read(&mut [0; 8]).await.unwrap_or(0), 0);
    assert_eq!(upstream.read(&mut [0; 8]).await.unwrap_or(0), 0);
    let trail = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    assert!(trail.contains("\"bytes_up\":0"), "{trail}");
}

#[tokio::test]
async fn without_permission_the_upstream_is_not_asked_to_switch() {
    let mut upstream = crate::upstream::answering(crate::upstream::OK).await;
    let keys = format!("url = 'http://{}'", upstream.address);
    let gateway = before(tempfile::tempdir().unwrap(), &keys).await;
    let mut client = gateway.connect().await;
    client
        .write_all(handshake(&gateway).as_bytes())
        .await
        .unwrap();
    assert_eq!(status(&read_until(&mut client, "ok").await), 200);
    let got = upstream.request().await;
    assert_eq!(field(&got, "upgrade"), None, "{got}");
    assert_eq!(field(&got, "connection"), None, "{got}");
}
