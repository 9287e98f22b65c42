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
    let response = ClientInfoLayer::direct()
        .layer(handler)
        .oneshot(request)
        .await
        .unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
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

/// The same layer under the servers themselves.
mod served {
    use axum::Router;
    use http_body_util::Full;
    use tokio::{io::AsyncWriteExt, net::TcpListener};
    use tonic::transport::{Identity, Server, ServerTlsConfig, server::TcpIncoming};

    use super::*;
    use crate::support::{Door, app, http2, read_all, text, tls, within};

    #[tokio::test]
    async fn axum_with_connect_info_names_the_client() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = app(Door::default()).layer(ClientInfoLayer::direct());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async { axum::serve(listener, service).await });
        let mut socket = within(tokio::net::TcpStream::connect(address))
            .await
            .unwrap();
        let request = b"GET /client HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        socket.write_all(request).await.unwrap();
        let response = read_all(&mut socket).await;
        assert!(response.ends_with("127.0.0.1 http"), "{response}");
    }

    #[tokio::test]
    async fn axum_without_connect_info_fails_loudly() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router: Router = app(Door::default()).layer(ClientInfoLayer::direct());
        tokio::spawn(async { axum::serve(listener, router).await });
        let mut socket = within(tokio::net::TcpStream::connect(address))
            .await
            .unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        socket.write_all(request).await.unwrap();
        assert!(read_all(&mut socket).await.starts_with("HTTP/1.1 500"));
    }

    #[tokio::test]
    async fn tonic_names_the_client_in_clear_and_over_tls() {
        let tls = tls();
        let pem = |name: &str| std::fs::read(tls.files().join(name)).unwrap();
        let identity = Identity::from_pem(pem("server.pem"), pem("server.key"));
        let routes = || tonic::service::Routes::from(app(Door::default()));
        let layer = ClientInfoLayer::direct;

        let clear = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let secure = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let addresses = (clear.local_addr().unwrap(), secure.local_addr().unwrap());
        let server = Server::builder().layer(layer()).add_routes(routes());
        tokio::spawn(server.serve_with_incoming(clear));
        let config = ServerTlsConfig::new().identity(identity);
        let server = Server::builder().tls_config(config).unwrap();
        let server = server.layer(layer()).add_routes(routes());
        tokio::spawn(server.serve_with_incoming(secure));

        let socket = within(tokio::net::TcpStream::connect(addresses.0))
            .await
            .unwrap();
        let stream = tls
            .connect(addresses.1, "localhost", &[b"h2"])
            .await
            .unwrap();
        for (mut sender, expected) in [
            (http2(socket).await, "127.0.0.1 http"),
            (http2(stream).await, "127.0.0.1 https"),
        ] {
            let request = Request::get("https://localhost/client")
                .body(Full::default())
                .unwrap();
            let response = within(sender.send_request(request)).await.unwrap();
            assert_eq!(text(response).await, expected);
        }
    }
}
