//! The same layer over axum, tonic and hyper.

use std::convert::Infallible;

use axum::Json;
use axum::extract::{DefaultBodyLimit, Query};
use axum::routing::{get, post};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use palisade_core::{BodyKind, RequestBody};
use palisade_sanitize::{Field, SanitizeLayer, Sanitizer};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceExt};

use crate::support::speech;

async fn body_of<B: http_body::Body<Error: std::fmt::Debug>>(response: Response<B>) -> String {
    String::from_utf8(
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
    .unwrap()
}

#[tokio::test]
async fn extractors_of_axum_see_clean_text() {
    let router = axum::Router::new()
        .route("/tts", get(|Query(query): Query<Value>| async move { query["text"].as_str().unwrap().to_owned() }))
        .route("/tts", post(|Json(body): Json<Value>| async move { body["text"].as_str().unwrap().to_owned() }))
        .layer(DefaultBodyLimit::disable());
    let service = speech().build().unwrap().layer(router);

    let asked = Request::get("/tts?text=a%00%E4%BB%8A+b")
        .body(axum::body::Body::empty())
        .unwrap();
    assert_eq!(
        body_of(service.clone().oneshot(asked).await.unwrap()).await,
        "a今 b"
    );

    let asked = Request::post("/tts").header("content-type", "application/json");
    let asked = asked
        .body(axum::body::Body::from(r#"{"text":"a\u202eb"}"#))
        .unwrap();
    assert_eq!(
        body_of(service.clone().oneshot(asked).await.unwrap()).await,
        "ab"
    );
}

#[tokio::test]
async fn the_layer_fits_into_an_axum_router() {
    let router = axum::Router::new()
        .route("/tts", post(|body: String| async move { body }))
        .layer(speech().build().unwrap());
    let asked = Request::post("/tts").header("content-type", "application/x-www-form-urlencoded");
    let asked = asked.body(axum::body::Body::from("text=a%00")).unwrap();
    assert_eq!(
        body_of(router.oneshot(asked).await.unwrap()).await,
        "text=a"
    );
}

#[tokio::test]
async fn axum_responds_413_when_an_unread_body_is_over_its_cap() {
    let router = axum::Router::new().route(
        "/upload",
        post(|body: Bytes| async move { body.len().to_string() }),
    );
    let service = SanitizeLayer::builder()
        .max_unread_body(10)
        .build()
        .unwrap()
        .layer(router);
    // A stream says nothing about its length beforehand.
    let chunks = [Ok::<_, Infallible>("12345678"), Ok("12345678")];
    let stream = axum::body::Body::from_stream(Chunks(chunks.into_iter()));
    let response = service
        .oneshot(Request::post("/upload").body(stream).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_streamed_body_over_the_cap_is_refused_while_it_comes() {
    let router = axum::Router::new().route("/tts", post(|| async { "never" }));
    let service = speech().max_body(10).build().unwrap().layer(router);
    let stream =
        axum::body::Body::from_stream(Chunks((0..).map(|_| Ok::<_, Infallible>("text=a&"))));
    let asked = Request::post("/tts").header("content-type", "application/x-www-form-urlencoded");
    let response = service.oneshot(asked.body(stream).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let router = axum::Router::new().route("/tts", post(|| async { "never" }));
    let service = speech().build().unwrap().layer(router);
    let broken = [
        Ok("text="),
        Err(std::io::Error::other("secret words of a library")),
    ];
    let asked = Request::post("/tts").header("content-type", "application/x-www-form-urlencoded");
    let asked = asked
        .body(axum::body::Body::from_stream(Chunks(broken.into_iter())))
        .unwrap();
    let response = service.oneshot(asked).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(!body_of(response).await.contains("secret"));
}

#[tokio::test]
async fn calls_of_tonic_pass_unread() {
    let routes = tonic::service::Routes::default().prepare();
    let service = SanitizeLayer::new().layer(routes);
    let call = Request::post("/package.Service/Method").header("content-type", "application/grpc");
    let response = service
        .oneshot(call.body(tonic::body::Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.headers()["grpc-status"], "12");
}

#[tokio::test]
async fn a_hyper_server_hands_on_clean_text() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let layer = SanitizeLayer::builder()
        .field(Field::required("text", Sanitizer::speech()))
        .body(BodyKind::Form)
        .build()
        .unwrap();
    let echo = tower::service_fn(
        |request: Request<RequestBody<hyper::body::Incoming>>| async {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            Ok::<_, Infallible>(Response::new(Full::new(body)))
        },
    );
    let service = hyper_util::service::TowerToHyperService::new(layer.layer(echo));
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(socket), service)
            .await
    });

    let socket = TcpStream::connect(address).await.unwrap();
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket))
        .await
        .unwrap();
    tokio::spawn(connection);
    for (sent, status, received) in [
        ("text=a%00b", 200, "text=ab"),
        ("text=%00", 422, ""),
        ("text=c", 200, "text=c"),
    ] {
        let request = Request::post("/")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("host", "localhost");
        let response = client
            .send_request(request.body(Full::<Bytes>::from(sent)).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), status);
        let body = body_of(response).await;
        assert!(status != 200 || body == received, "{body}");
    }
}

/// A body in pieces.
struct Chunks<I>(I);

impl<I: Iterator + Unpin> futures_util::Stream for Chunks<I> {
    type Item = I::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<I::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}
