//! How upstreams are reached: HTTP/2, TLS, Unix sockets.

use std::{
    convert::Infallible,
    fs,
    future::ready,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::{server::conn, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use palisade::config::Config;
use palisade_gateway::{Forward, Upstreams};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tower_service::Service as _;

use crate::{
    client::{Running, start_file, status},
    hyper_upstream::{Authority, h2c, tls, unix},
    upstream::field,
};

/// A gateway with one open path before an upstream.
pub(crate) async fn before(folder: TempDir, upstream: &str) -> Running {
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n\
         [audit]\nfile = 'audit.jsonl'\n[[routes]]\npath = '/{{*path}}'\naccess = 'public'\n[[upstreams]]\n{upstream}\n"
    );
    start_file(folder, &file).await
}

async fn get(folder: TempDir, upstream: &str) -> String {
    let gateway = before(folder, upstream).await;
    gateway.send("GET /a?b HTTP/1.1\r\nHOST\r\n").await
}

#[tokio::test]
async fn an_upstream_with_http2_in_clear_gets_its_own_name_as_authority() {
    let address = h2c().await;
    let response = get(
        tempfile::tempdir().unwrap(),
        &format!("url = 'http://{address}'\nhttp = '2'"),
    )
    .await;
    assert_eq!(status(&response), 200, "{response}");
    assert!(
        response.contains(&format!("HTTP/2.0 GET http://{address}/a?b\n")),
        "{response}"
    );
    assert!(!response.contains("\nhost: "), "{response}");
}

/// All responses of a server share one connection, and one client must not hold all of it.
#[tokio::test]
async fn a_client_that_does_not_read_stops_no_other_response_over_http2() {
    let file = format!("[[upstreams]]\nurl = 'http://{}'\nhttp = '2'", h2c().await);
    let config = Config::parse_with(&file, &["upstreams"]).unwrap();
    let forward = Forward::new(Upstreams::of(&config).unwrap());
    let get = async |bytes: usize| {
        let request = Request::get(format!("/bytes/{bytes}")).body(Full::<Bytes>::default());
        let mut forward = forward.clone();
        forward.call(request.unwrap()).await.unwrap().into_body()
    };
    const MIB: usize = 1 << 20;
    let mut never_read = Vec::new();
    for _ in 0..2 {
        never_read.push(get(10 * MIB).await);
    }
    for _ in 0..3 {
        let read = get(MIB).await.collect().await.unwrap().to_bytes();
        assert_eq!(read.len(), MIB);
    }
    drop(never_read);
}

/// An upstream over HTTP/2 that allows one request at a time on a connection, and the number of its connections.
async fn one_request_a_connection() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (
        listener.local_addr().unwrap(),
        Arc::new(AtomicUsize::new(0)),
    );
    let connections = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            connections.fetch_add(1, Ordering::SeqCst);
            let mut builder = conn::http2::Builder::new(TokioExecutor::new());
            builder.max_concurrent_streams(1);
            let answer = service_fn(|_: Request<_>| {
                let silent = futures_util::stream::pending::<Result<Frame<Bytes>, Infallible>>();
                ready(Ok::<_, Infallible>(Response::new(StreamBody::new(silent))))
            });
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), answer));
        }
    });
    (address, count)
}

#[tokio::test]
async fn requests_that_no_connection_over_http2_takes_are_503_at_once() {
    let (address, connections) = one_request_a_connection().await;
    let file = format!("[[upstreams]]\nurl = 'http://{address}'\nhttp = '2'\nstreams = 1");
    let config = Config::parse_with(&file, &["upstreams"]).unwrap();
    let forward = Forward::new(Upstreams::of(&config).unwrap());
    let get = async || {
        let request = Request::get("/").body(Full::<Bytes>::default()).unwrap();
        forward.clone().call(request).await.unwrap()
    };
    let mut open = Vec::new();
    for _ in 0..64 {
        let response = get().await;
        assert_eq!(response.status(), 200);
        open.push(response);
    }
    assert_eq!(
        connections.load(Ordering::SeqCst),
        64,
        "none waits for another"
    );
    let refused = get().await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    open.pop();
    assert_eq!(get().await.status(), 200, "a place is free");
}

#[tokio::test]
async fn a_named_host_is_the_authority_of_http2() {
    let address = h2c().await;
    let upstream = format!("url = 'http://{address}'\nhttp = '2'\nhost = 'model.internal'");
    let response = get(tempfile::tempdir().unwrap(), &upstream).await;
    assert!(
        response.contains("HTTP/2.0 GET http://model.internal/a?b\n"),
        "{response}"
    );
}

#[tokio::test]
async fn an_upstream_on_a_unix_socket_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    unix(&folder.path().join("up.sock"));
    let path = folder.path().join("up.sock").display().to_string();
    let response = get(folder, &format!("url = 'unix:{path}'")).await;
    assert_eq!(status(&response), 200, "{response}");
    assert!(response.contains("HTTP/1.1 GET /a?b\n"), "{response}");
    assert!(response.contains("\nhost: localhost\n"), "{response}");
}

#[tokio::test]
async fn an_upstream_with_tls_is_trusted_by_its_authority_alone() {
    let authority = Authority::new();
    for (protocol, keys) in [
        (b"http/1.1".as_slice(), ""),
        (b"h2".as_slice(), "http = '2'"),
    ] {
        let address = tls(&authority, protocol, false).await;
        let url = format!("url = 'https://{address}'\n{keys}");
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("up.pem"), &authority.pem).unwrap();
        let trusted = "[upstreams.tls]\nca = 'up.pem'\nserver_name = 'upstream.test'";
        let response = get(folder, &format!("{url}\n{trusted}")).await;
        assert_eq!(status(&response), 200, "{response}");

        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("up.pem"), Authority::new().pem).unwrap();
        let response = get(folder, &format!("{url}\n{trusted}")).await;
        assert_eq!(status(&response), 502, "another authority: {response}");

        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("up.pem"), &authority.pem).unwrap();
        let wrong_name = "[upstreams.tls]\nca = 'up.pem'";
        let response = get(folder, &format!("{url}\n{wrong_name}")).await;
        assert_eq!(status(&response), 502, "another name: {response}");
    }
}

#[tokio::test]
async fn an_upstream_may_demand_a_certificate_of_the_gateway() {
    let authority = Authority::new();
    let address = tls(&authority, b"http/1.1", true).await;
    let (chain, key) = authority.issue("gateway.test");
    for (identity, expected) in [
        ("certificate = 'chain.pem'\nkey = 'key.pem'", 200),
        ("", 502),
    ] {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("up.pem", &authority.pem),
            ("chain.pem", &chain),
            ("key.pem", &key),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let upstream = format!(
            "url = 'https://{address}'\n[upstreams.tls]\nca = 'up.pem'\nserver_name = 'upstream.test'\n{identity}"
        );
        let response = get(folder, &upstream).await;
        assert_eq!(status(&response), expected, "{response}");
    }
}

#[tokio::test]
async fn a_server_without_http2_is_502_where_it_is_demanded() {
    let authority = Authority::new();
    let address = tls(&authority, b"http/1.1", false).await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("up.pem"), &authority.pem).unwrap();
    let upstream = format!(
        "url = 'https://{address}'\nhttp = '2'\n[upstreams.tls]\nca = 'up.pem'\nserver_name = 'upstream.test'"
    );
    assert_eq!(status(&get(folder, &upstream).await), 502);
}

#[tokio::test]
async fn only_trailers_of_the_list_pass_in_both_directions() {
    let address = h2c().await;
    let gateway = before(
        tempfile::tempdir().unwrap(),
        &format!("url = 'http://{address}'\nhttp = '2'"),
    )
    .await;
    let mut sent = http::HeaderMap::new();
    sent.insert("x-sent", "1".parse().unwrap());
    sent.insert("grpc-message", "m".parse().unwrap());
    let (body, trailers) = gateway.call_http2("/a", sent).await;
    assert!(body.contains("\nte: trailers\n"), "{body}");
    assert!(body.contains("trailer grpc-message\n"), "{body}");
    assert!(!body.contains("x-sent"), "{body}");
    assert_eq!(trailers.len(), 1, "{trailers:?}");
    assert_eq!(trailers["grpc-status"], "0");
}

#[tokio::test]
async fn the_hosts_of_a_client_reach_http1_as_sent_on_demand() {
    let mut upstream = crate::upstream::answering(crate::upstream::OK).await;
    let keys = format!("url = 'http://{}'\nhost = 'as-sent'", upstream.address);
    let gateway = before(tempfile::tempdir().unwrap(), &keys).await;
    assert_eq!(status(&gateway.get("/a").await), 200);
    let host = format!("localhost:{}", gateway.address.port());
    assert_eq!(
        field(&upstream.request().await, "host"),
        Some(host.as_str())
    );
}
