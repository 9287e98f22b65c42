//! The same layer value under three servers, over sockets: axum, tonic, and hyper with h1 and h2.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use axum::{Router, body::Body, routing};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use palisade_core::{AccessLayer, AnyGuard, Guard as _, GuardLayer, GuardList};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceExt as _};

use crate::support::{Behavior, Log, LoggingGuard, log, take_events};

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn layer(log: &Log, inner: Behavior) -> GuardLayer<(LoggingGuard, LoggingGuard)> {
    let outer = LoggingGuard::new("outer", Behavior::Admit, log);
    GuardLayer((outer, LoggingGuard::new("inner", inner, log)))
}

async fn handler(
    request: Request<hyper::body::Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() == Method::HEAD {
        return Ok(Response::new(Full::default()));
    }
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body = if body.is_empty() {
        "hello".into()
    } else {
        body
    };
    Ok(Response::new(Full::from(body)))
}

/// Serves one connection with hyper and sends one request. Returns what the client received.
async fn hyper_once(
    http2: bool,
    layer: GuardLayer<(LoggingGuard, LoggingGuard)>,
    request: Request<Full<Bytes>>,
) -> Response<Bytes> {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let service = layer.layer(tower::service_fn(handler));
        let service = hyper::service::service_fn(move |request| service.clone().oneshot(request));
        let io = TokioIo::new(socket);
        if http2 {
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            builder.serve_connection(io, service).await
        } else {
            hyper::server::conn::http1::Builder::new()
                .serve_connection(io, service)
                .await
        }
    });
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let response = if http2 {
        let (mut send, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                .await
                .unwrap();
        tokio::spawn(connection);
        send.send_request(request).await.unwrap()
    } else {
        let (mut send, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        send.send_request(request).await.unwrap()
    };
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    tokio::time::timeout(Duration::from_secs(5), server)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    Response::from_parts(head, bytes)
}

fn request_to_root(method: &str) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri("http://localhost/");
    request
        .header("host", "localhost")
        .body(Full::default())
        .unwrap()
}

#[tokio::test]
async fn a_response_over_a_socket_is_complete_on_h1_and_h2() {
    for http2 in [false, true] {
        for (method, bytes) in [("GET", 5), ("HEAD", 0)] {
            let log = log();
            let response = hyper_once(
                http2,
                layer(&log, Behavior::AdmitLater),
                request_to_root(method),
            )
            .await;
            assert_eq!(response.status(), StatusCode::OK);
            let ending = format!("outer:close complete {bytes}");
            assert_eq!(
                take_events(&log).last(),
                Some(&ending),
                "h2: {http2}, {method}"
            );
        }
    }
}

#[tokio::test]
async fn a_refusal_over_a_socket_has_a_length_and_a_body_on_h1_and_h2() {
    for http2 in [false, true] {
        let log = log();
        let response =
            hyper_once(http2, layer(&log, Behavior::Refuse), request_to_root("GET")).await;
        assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
        let length = response.body().len().to_string();
        assert_eq!(response.headers()["content-length"], length.as_str());
        assert_eq!(
            take_events(&log).last(),
            Some(&format!("outer:close complete {length}"))
        );
    }
}

#[tokio::test]
async fn a_refused_head_request_has_the_length_and_no_body_on_h1_and_h2() {
    for http2 in [false, true] {
        let log = log();
        let response = hyper_once(
            http2,
            layer(&log, Behavior::Refuse),
            request_to_root("HEAD"),
        )
        .await;
        assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
        let length = response.headers()["content-length"].to_str().unwrap();
        assert!(length.parse::<usize>().unwrap() > 50);
        assert!(response.body().is_empty());
        assert_eq!(take_events(&log).last().unwrap(), "outer:close complete 0");
    }
}

#[tokio::test]
async fn a_refused_client_that_waits_for_100_continue_gets_no_100() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let (listener, address) = listen().await;
    let layer = layer(&log(), Behavior::Refuse);
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let service = layer.layer(tower::service_fn(handler));
        let service = hyper::service::service_fn(move |request| service.clone().oneshot(request));
        let _ = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(socket), service)
            .await;
    });
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head =
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99999\r\nexpect: 100-continue\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut response = String::new();
    let read = socket.read_to_string(&mut response);
    tokio::time::timeout(Duration::from_secs(5), read)
        .await
        .unwrap()
        .unwrap();
    assert!(response.starts_with("HTTP/1.1 418"), "{response}");
    assert!(response.contains("connection: close"), "{response}");
}

#[tokio::test]
async fn one_layer_value_serves_axum_tonic_and_hyper() {
    let log = log();
    let layer = layer(&log, Behavior::Admit);

    let router = Router::new().route("/", routing::get(async || "hello"));
    let axum = layer.layer(router.clone());
    let response = axum.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "hello"
    );
    let inside = router.layer(layer.clone());
    let response = inside.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "hello"
    );

    let routes = tonic::service::Routes::default().prepare();
    let tonic = layer.layer(routes);
    let call = Request::post("/no.Service/Method")
        .header("content-type", "application/grpc")
        .body(tonic::body::Body::empty())
        .unwrap();
    let response = tonic.oneshot(call).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "12");
    drop(response);

    let response = hyper_once(false, layer, request_to_root("GET")).await;
    assert_eq!(response.body(), "hello");
    let closes = take_events(&log)
        .iter()
        .filter(|event| event.starts_with("outer:close complete"))
        .count();
    assert_eq!(closes, 4);
}

#[tokio::test]
async fn a_tonic_server_with_the_layer_refuses_a_real_client_with_a_status() {
    let (listener, address) = listen().await;
    let guards: GuardList = [AnyGuard::new(AccessLayer::new([]))].into_iter().collect();
    assert_eq!(guards.0[0].name(), "access");
    let guard = LoggingGuard::new("closed", Behavior::Refuse, &log());
    let incoming = tokio_stream_of(listener);
    tokio::spawn(
        tonic::transport::Server::builder()
            .layer(guard)
            .add_routes(tonic::service::Routes::default())
            .serve_with_incoming(incoming),
    );
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let call = Request::post("/no.Service/Method")
        .header("content-type", "application/grpc")
        .body(tonic::body::Body::new(Empty::<Bytes>::new()))
        .unwrap();
    let response = channel.oneshot(call).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "2");
    assert_eq!(response.headers()["grpc-message"], "No.");
}

fn tokio_stream_of(
    listener: TcpListener,
) -> impl futures_util::Stream<Item = std::io::Result<TcpStream>> {
    futures_util::stream::unfold(listener, async |listener| {
        let accepted = listener.accept().await.map(|(socket, _)| socket);
        Some((accepted, listener))
    })
}

#[tokio::test]
async fn a_tunnel_over_h2_keeps_its_pass_until_the_lease_is_dropped() {
    use palisade_core::{Lease, SecurityContext};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let log = log();
    let (leases, mut leased) = tokio::sync::mpsc::unbounded_channel::<Lease>();
    let tunnel = tower::service_fn(move |mut request: Request<hyper::body::Incoming>| {
        let lease = SecurityContext::of(request.extensions()).unwrap().lease();
        let upgrade = hyper::upgrade::on(&mut request);
        let leases = leases.clone();
        tokio::spawn(async move {
            let mut socket = TokioIo::new(upgrade.await.unwrap());
            let mut word = [0; 5];
            socket.read_exact(&mut word).await.unwrap();
            socket.write_all(&word).await.unwrap();
            socket.shutdown().await.unwrap();
            leases.send(lease).unwrap();
        });
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
    });
    let (listener, address) = listen().await;
    let layer = layer(&log, Behavior::Admit);
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let service = layer.layer(tunnel);
        let service = hyper::service::service_fn(move |request| service.clone().oneshot(request));
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder
            .serve_connection(TokioIo::new(socket), service)
            .await
    });
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut send, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let connect = Request::connect("localhost:443")
        .body(Full::<Bytes>::default())
        .unwrap();
    let response = send.send_request(connect).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut socket = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    socket.write_all(b"hello").await.unwrap();
    let mut word = String::new();
    socket.read_to_string(&mut word).await.unwrap();
    assert_eq!(word, "hello", "the tunnel works through the guards");

    let lease = tokio::time::timeout(Duration::from_secs(5), leased.recv())
        .await
        .unwrap();
    let closes = |log: &Log| {
        log.lock()
            .unwrap()
            .iter()
            .filter(|e| e.contains("close"))
            .count()
    };
    assert_eq!(closes(&log), 0, "held while there is a lease");
    drop(lease);
    assert_eq!(take_events(&log).last().unwrap(), "outer:close upgraded 0");
}
