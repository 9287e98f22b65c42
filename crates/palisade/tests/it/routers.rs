//! Hole 6 and "rules per route": a router that was built elsewhere cannot serve under another rule.

use axum::{Router, routing::get};
use http::Uri;
use palisade::{AllowedHosts, RouteTable, Rule, Shield};
use tower::ServiceExt as _;

use crate::support::*;

fn shield() -> Shield {
    let table = RouteTable::builder()
        .any("/open", Rule::public())
        .any("/closed", Rule::scope("x"))
        .any("/files/{*rest}", Rule::public())
        .build()
        .unwrap();
    let keys = palisade::MemoryKeyStore::new();
    let scheme = palisade::KeyScheme::new(palisade::Pepper::generate().unwrap());
    Shield::builder()
        .hosts(AllowedHosts::parse(["house.test"]).unwrap())
        .authenticate(palisade::ApiKeyLayer::new(scheme, keys).unwrap())
        .build(table)
        .unwrap()
}

fn router() -> Router {
    Router::new()
        .route("/open", get(async || "open"))
        .route("/closed", get(async || "closed"))
        .route("/forgotten", get(async || "forgotten"))
        .nest(
            "/files",
            Router::new().route("/a/{id}", get(async || "file")),
        )
        .fallback(async || "fallback")
}

#[tokio::test]
async fn a_route_that_the_table_forgot_is_closed() {
    let app = shield().protect(router());
    assert_eq!(ask(&app, request("GET", "/open", None)).await.body, "open");
    assert_eq!(
        ask(&app, request("GET", "/forgotten", None)).await.status,
        404
    );
    assert_eq!(ask(&app, request("GET", "/closed", None)).await.status, 401);
    assert_eq!(
        ask(&app, request("GET", "/elsewhere", None)).await.status,
        404
    );
}

#[tokio::test]
async fn a_nested_route_passes_under_the_rule_of_its_wildcard() {
    let app = shield().protect(router());
    assert_eq!(
        ask(&app, request("GET", "/files/a/1", None)).await.body,
        "file"
    );
    assert_eq!(
        ask(&app, request("GET", "/files/b", None)).await.body,
        "fallback"
    );
}

#[tokio::test]
async fn a_rewrite_between_table_and_router_fails_closed() {
    // A careless middleware: the table decides on /open, the router serves /closed.
    let inner = shield().check(router());
    let rewriting = tower::service_fn(move |mut request: http::Request<axum::body::Body>| {
        *request.uri_mut() = Uri::from_static("/closed");
        inner.clone().oneshot(request)
    });
    let app = shield().protect(Router::new().fallback_service(rewriting));
    let seen = ask(&app, request("GET", "/open", None)).await;
    assert_eq!((seen.status, seen.code.as_str()), (500, "misconfigured"));
}

#[tokio::test]
async fn a_checked_router_without_a_shield_serves_nothing() {
    let alone = shield().check(router());
    let answer = alone.oneshot(request("GET", "/open", None)).await.unwrap();
    assert_eq!(see(answer).await.code, "misconfigured");
}

#[tokio::test]
async fn a_protected_router_serves_under_axum_serve() {
    let app = house().builder.protect(routes()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app.into_make_service()).await });
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket
        .write_all(b"GET /health HTTP/1.1\r\nhost: house.test\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "in clear: {answer}");
    assert!(answer.contains("insecure_transport"), "{answer}");
}
