//! The layer on a real HTTP/1 connection that is kept alive.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use hyper::{
    body::Incoming, client::conn::http1 as client, server::conn::http1 as server, service,
};
use hyper_util::rt::TokioIo;
use palisade_api_key::ApiKeyLayer;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{MINUTE, NOW, Stand, id_of, live};

/// Serves one connection, and returns the client's end of it.
async fn connect(layer: ApiKeyLayer) -> client::SendRequest<Empty<Bytes>> {
    let (near, far) = tokio::io::duplex(4096);
    let handler = service_fn(async |_: Request<Incoming>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = layer.layer(handler);
    let service = service::service_fn(move |request| service.clone().oneshot(request));
    tokio::spawn(server::Builder::new().serve_connection(TokioIo::new(far), service));
    let (sender, connection) = client::handshake(TokioIo::new(near)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn send(sender: &mut client::SendRequest<Empty<Bytes>>, key: &[u8]) -> StatusCode {
    sender.ready().await.expect("the connection is kept alive");
    let request = Request::get("/")
        .header("host", "localhost")
        .header("x-api-key", key);
    let response = sender
        .send_request(request.body(Empty::new()).unwrap())
        .await
        .unwrap();
    let status = response.status();
    response.into_body().collect().await.unwrap();
    status
}

#[tokio::test]
async fn a_revoked_key_is_refused_on_a_connection_that_is_kept_alive() {
    let stand = Stand::new();
    let key = stand.key();
    let mut sender = connect(stand.layer()).await;
    assert_eq!(send(&mut sender, key.as_bytes()).await, StatusCode::OK);
    stand.store.revoke(id_of(&key), NOW).unwrap();
    assert_eq!(
        send(&mut sender, key.as_bytes()).await,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn an_expired_key_is_refused_on_a_connection_that_is_kept_alive() {
    let stand = Stand::new();
    let key = stand.mint(live().expires(NOW + MINUTE)).key().to_owned();
    let mut sender = connect(stand.layer()).await;
    assert_eq!(send(&mut sender, key.as_bytes()).await, StatusCode::OK);
    stand.clock.advance(MINUTE);
    assert_eq!(
        send(&mut sender, key.as_bytes()).await,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_guesser_keeps_the_connection_and_may_try_again() {
    let stand = Stand::new();
    let key = stand.key();
    let mut sender = connect(stand.layer()).await;
    for guess in [&b"guess"[..], b"", &[0xff; 4096]] {
        assert_eq!(send(&mut sender, guess).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(send(&mut sender, key.as_bytes()).await, StatusCode::OK);
}
