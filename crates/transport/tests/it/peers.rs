//! The peer, as three servers leave it.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use http::{Request, Response};
use http_body_util::BodyExt;
use palisade_core::{Layer, Peer, Scheme, SecurityContext, testing::TestBody};
use palisade_transport::ClientInfoLayer;
use tower::ServiceExt;

async fn client(extend: impl FnOnce(&mut http::Extensions)) -> String {
    let handler = tower::service_fn(async |request: Request<TestBody>| {
        let client = SecurityContext::of(request.extensions())
            .unwrap()
            .client()
            .unwrap();
        let seen = format!("{} {}", client.ip(), client.scheme().as_str());
        Ok::<_, std::convert::Infallible>(Response::new(TestBody::from(seen)))
    });
    let mut request = Request::new(TestBody::default());
    extend(request.extensions_mut());
    let answer = ClientInfoLayer::direct()
        .layer(handler)
        .oneshot(request)
        .await
        .unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

const ADDRESS: &str = "203.0.113.7:4711";

fn address() -> SocketAddr {
    ADDRESS.parse().unwrap()
}

#[tokio::test]
async fn our_own_server_is_asked_first() {
    let seen = client(|extensions| {
        extensions.insert(Peer::new(address(), Scheme::Https));
        extensions.insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 1))));
    });
    assert_eq!(seen.await, "203.0.113.7 https");
}

#[tokio::test]
async fn axum_leaves_its_connect_info() {
    let seen = client(|extensions| {
        extensions.insert(ConnectInfo(address()));
    });
    assert_eq!(seen.await, "203.0.113.7 http");
}

#[tokio::test]
async fn tonic_leaves_its_connect_info() {
    let seen = client(|extensions| {
        extensions.insert(tonic::transport::server::TcpConnectInfo {
            local_addr: None,
            remote_addr: Some(address()),
        });
    });
    assert_eq!(seen.await, "203.0.113.7 http");
}

#[tokio::test]
async fn a_mapped_peer_is_the_plain_one() {
    let mapped: SocketAddr = "[::ffff:203.0.113.7]:4711".parse().unwrap();
    let seen = client(|extensions| {
        extensions.insert(Peer::new(mapped, Scheme::Http));
    });
    assert_eq!(seen.await, "203.0.113.7 http");
}

#[tokio::test]
async fn without_a_peer_the_first_request_fails_loudly() {
    let seen = client(|_| {}).await;
    assert!(seen.contains("misconfigured"), "{seen}");
}
