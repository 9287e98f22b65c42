//! The target of a request in every form of HTTP/1: the table of rules and axum's router read it
//! alike, so no spelling of a path reaches a handler under another rule.
//!
//! Requests are bytes on a socket, as a client sends them.

use std::net::SocketAddr;

use axum::{Router, ServiceExt as _, body::Body, extract::Request, routing::any};
use palisade::{
    AllowedHosts, ApiKeyLayer, ProtectedRouter, Rule, Rules, Shield,
    api_key::{Environment, Grant, KeyScheme, MemoryKeyStore, Pepper},
    core::{Peer, Scheme},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt as _;

/// `/open` for all, `/closed` with a key, and `/files/…` for all. Each handler says its name.
fn app() -> (ProtectedRouter, String) {
    let scheme = KeyScheme::new(Pepper::generate().unwrap());
    let minted = scheme.mint(Grant::new(Environment::Live), std::time::Duration::ZERO);
    let (minted, keys) = (minted.unwrap(), MemoryKeyStore::new());
    keys.insert(minted.record().clone()).unwrap();
    let files = Router::new().route("/{*rest}", any(async || "file"));
    let router = Router::new()
        .route("/open", any(async || "open"))
        .route("/closed", any(async || "closed"))
        .nest("/files", files)
        .fallback(async || "fallback");
    let rules = Rules::new()
        .any("/open", Rule::public())
        .any("/closed", Rule::authenticated())
        .any("/files/{*rest}", Rule::public());
    let app = Shield::builder()
        .hosts(AllowedHosts::parse(["service.test"]).unwrap())
        .authenticate(ApiKeyLayer::new(scheme, keys))
        .rules(rules)
        .protect(router)
        .unwrap();
    (app, minted.key().to_owned())
}

/// Serves it on a port of the loopback, as if the requests had come over TLS.
async fn serve(app: ProtectedRouter) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = tower::service_fn(move |mut request: Request<Body>| {
        let peer = Peer::new("203.0.113.7:5000".parse().unwrap(), Scheme::Https);
        request.extensions_mut().insert(peer);
        app.clone().oneshot(request)
    });
    tokio::spawn(async move { axum::serve(listener, service.into_make_service()).await });
    address
}

/// Sends bytes, and returns everything that comes back until the server closes the connection.
async fn exchange(address: SocketAddr, bytes: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(bytes.as_bytes()).await.unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).await.unwrap();
    response
}

/// One request of a target: its status, and the body if a handler answered.
async fn send(address: SocketAddr, method: &str, target: &str, key: &str) -> (u16, String) {
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: service.test\r\n{key}connection: close\r\n\r\n"
    );
    let response = exchange(address, &head).await;
    let status = response.get(9..12).and_then(|code| code.parse().ok());
    let body = response.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let handler = if body.starts_with('{') { "" } else { body };
    (status.unwrap_or_default(), handler.to_owned())
}

/// Targets, the status without a credential, and the handler that is reached.
const TARGETS: [(&str, u16, &str); 24] = [
    ("/open", 200, "open"),
    ("/open?next=/closed", 200, "open"),
    ("/closed", 401, "closed"),
    ("/closed?a=b", 401, "closed"),
    // Absolute form (RFC 9112, 3.2.2): the path of the URI counts, and its host.
    ("http://service.test/open", 200, "open"),
    ("https://service.test/closed", 401, "closed"),
    ("http://service.test/open/../closed", 404, ""),
    // Dot segments, also in percent-encoding, are neither removed nor resolved.
    ("/./closed", 404, ""),
    ("/open/../closed", 404, ""),
    ("/open/%2e%2e/closed", 404, ""),
    ("/files/../closed", 200, "file"),
    ("/files/%2e%2e/closed", 200, "file"),
    // An encoded slash separates no segments, and an encoded letter is another path.
    ("/files%2Fa", 404, ""),
    ("/files/a%2Fb", 200, "file"),
    ("/%63losed", 404, ""),
    // Slashes more than needed.
    ("//closed", 404, ""),
    ("//open", 404, ""),
    ("/closed/", 404, ""),
    ("/closed//", 404, ""),
    ("/files/", 404, ""),
    ("/files//closed", 200, "file"),
    // Case, parameters of a segment.
    ("/Closed", 404, ""),
    ("/OPEN", 404, ""),
    ("/closed;a=b", 404, ""),
];

#[tokio::test]
async fn no_form_of_a_path_reaches_a_handler_under_another_rule() {
    let (app, key) = app();
    let address = serve(app).await;
    let key = format!("x-api-key: {key}\r\n");
    for (target, status, handler) in TARGETS {
        let body = if status == 200 { handler } else { "" };
        let seen = send(address, "GET", target, "").await;
        assert_eq!(seen, (status, body.to_owned()), "{target} without a key");
        let status = if status == 401 { 200 } else { status };
        let seen = send(address, "GET", target, &key).await;
        assert_eq!(seen, (status, handler.to_owned()), "{target} with a key");
    }
}

#[tokio::test]
async fn the_target_of_the_whole_server_and_connect_reach_no_handler() {
    let (app, key) = app();
    let address = serve(app).await;
    let key = format!("x-api-key: {key}\r\n");
    for (method, target) in [
        ("OPTIONS", "*"),
        ("GET", "*"),
        ("CONNECT", "service.test:443"),
        ("CONNECT", "service.test"),
    ] {
        let (status, handler) = send(address, method, target, &key).await;
        assert!((400..500).contains(&status), "{method} {target}: {status}");
        assert_eq!(handler, "", "{method} {target}");
    }
}

#[tokio::test]
async fn pipelined_requests_are_decided_one_by_one() {
    let (app, _) = app();
    let address = serve(app).await;
    let one = |target: &str, more: &str| {
        format!("GET {target} HTTP/1.1\r\nhost: service.test\r\n{more}\r\n")
    };
    let three = one("/open", "") + &one("/closed", "") + &one("/open", "connection: close\r\n");
    let response = exchange(address, &three).await;
    let statuses: Vec<&str> = response
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|one| &one[..3])
        .collect();
    assert_eq!(statuses, ["200", "401", "200"], "{response}");
}

#[tokio::test]
async fn the_body_of_a_refused_request_is_not_read_as_the_next_request() {
    let (app, _) = app();
    let address = serve(app).await;
    let inner = "GET /open HTTP/1.1\r\nhost: service.test\r\n\r\n";
    let last = "GET /open HTTP/1.1\r\nhost: service.test\r\nconnection: close\r\n\r\n";
    let outer = format!(
        "POST /closed HTTP/1.1\r\nhost: service.test\r\ncontent-length: {}\r\n\r\n{inner}{last}",
        inner.len()
    );
    let response = exchange(address, &outer).await;
    let statuses: Vec<&str> = response
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|one| &one[..3])
        .collect();
    assert_eq!(statuses, ["401", "200"], "{response}");
}
