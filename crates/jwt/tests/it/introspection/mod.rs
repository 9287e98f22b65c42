//! Opaque tokens: the issuer is asked (RFC 7662), once, and its responses end.

mod outages;
mod resource_server;

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use palisade_core::{
    AuthenticateLayer, GuardLayer, Layer as _, ManualClock, Principal, Secret, SecurityContext,
    testing::TestBody,
};
use palisade_jwt::{
    JwtBuildError,
    introspection::{TokenIntrospection, TokenIntrospectionBuilder},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Semaphore};
use tower::ServiceExt as _;

use crate::{
    secrets::Captured,
    support::{AUDIENCE, ISSUER, NOW, clock, request},
};

/// What the issuer received: `Authorization`, the type and the body.
type Received = Vec<(String, String, String)>;

/// An issuer on loopback. Each response takes a permit of the gate.
struct IssuerServer {
    address: SocketAddr,
    response: Arc<Mutex<(u16, String)>>,
    received: Arc<Mutex<Received>>,
    arrived: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
    task: tokio::task::JoinHandle<()>,
}

impl IssuerServer {
    async fn start(response: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let response = Arc::new(Mutex::new((200, response.to_string())));
        let received = Arc::new(Mutex::new(Received::new()));
        let arrived = Arc::new(AtomicUsize::new(0));
        let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let parts = (
            Arc::clone(&response),
            Arc::clone(&received),
            Arc::clone(&arrived),
            Arc::clone(&gate),
        );
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let parts = parts.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let (response, received, arrived, gate) = parts.clone();
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        let text = |name: &str| head.headers[name].to_str().unwrap().to_owned();
                        let body = String::from_utf8(body.to_vec()).unwrap();
                        let seen = (text("authorization"), text("content-type"), body);
                        received.lock().unwrap().push(seen);
                        arrived.fetch_add(1, Ordering::SeqCst);
                        gate.acquire().await.unwrap().forget();
                        let (status, body) = response.lock().unwrap().clone();
                        let mut response = Response::new(Full::new(Bytes::from(body)));
                        *response.status_mut() = StatusCode::from_u16(status).unwrap();
                        Ok::<_, Infallible>(response)
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self {
            address,
            response,
            received,
            arrived,
            gate,
            task,
        }
    }

    fn says(&self, status: u16, response: &Value) {
        *self.response.lock().unwrap() = (status, response.to_string());
    }

    fn asked(&self) -> usize {
        self.arrived.load(Ordering::SeqCst)
    }

    fn builder(&self, clock: &ManualClock) -> TokenIntrospectionBuilder {
        let url = format!("http://{}/introspect", self.address);
        TokenIntrospection::builder(url)
            .dangerously_allow_loopback_http()
            .client("tts", &Secret::new(*b"a secret: 100%"))
            .audience(AUDIENCE)
            .issuer(ISSUER)
            .clock(clock.shared())
    }
}

impl Drop for IssuerServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn active() -> Value {
    json!({
        "active": true, "iss": ISSUER, "aud": AUDIENCE, "sub": "lin",
        "scope": "tts:speak", "exp": NOW + 3000
    })
}

/// Sends a request with a token and returns the status and the principal that the handler sees.
async fn send(tokens: &TokenIntrospection, token: &str) -> (u16, Option<Principal>) {
    let seen = Arc::new(Mutex::new(None));
    let handler_saw = Arc::clone(&seen);
    let handler = tower::service_fn(move |request: Request<TestBody>| {
        let cx = SecurityContext::of(request.extensions()).unwrap();
        *handler_saw.lock().unwrap() = cx.principal().cloned();
        async { Ok::<_, Infallible>(Response::new(TestBody::default())) }
    });
    let layer = GuardLayer(AuthenticateLayer::new(tokens.clone()));
    let service = layer.layer(handler);
    let status = service.oneshot(request(token)).await.unwrap().status();
    let who = seen.lock().unwrap().take();
    (status.as_u16(), who)
}

async fn status(tokens: &TokenIntrospection, token: &str) -> u16 {
    send(tokens, token).await.0
}

/// Sends a request in a task of its own.
fn spawn(tokens: &TokenIntrospection, token: impl Into<String>) -> tokio::task::JoinHandle<u16> {
    let (tokens, token) = (tokens.clone(), token.into());
    tokio::spawn(async move { status(&tokens, &token).await })
}

#[tokio::test]
async fn the_issuer_is_asked_as_the_standard_says() {
    let issuer = IssuerServer::start(&active()).await;
    let tokens = issuer.builder(&clock()).build().unwrap();
    let (status, who) = send(&tokens, "opaque~+/token==").await;
    assert_eq!(status, 200);
    let who = who.unwrap();
    assert_eq!((who.kind(), who.id()), ("introspection", "lin"));
    assert!(who.has_scope("tts:speak"));
    let (authorization, kind, body) = issuer.received.lock().unwrap()[0].clone();
    // tts:a%20secret%3A%20100%25
    assert_eq!(authorization, "Basic dHRzOmElMjBzZWNyZXQlM0ElMjAxMDAlMjU=");
    assert_eq!(kind, "application/x-www-form-urlencoded");
    let expected = "token=opaque~%2B%2Ftoken%3D%3D&token_type_hint=access_token";
    assert_eq!(body, expected);
    assert!(!format!("{tokens:?}").contains("dHRz"));
}

#[tokio::test]
async fn what_the_issuer_does_not_confirm_is_refused() {
    let issuer = IssuerServer::start(&active()).await;
    let with = |name: &str, value: Value| {
        let mut response = active();
        response[name] = value;
        response
    };
    for (index, (response, expected)) in [
        (active(), 200),
        (json!({ "active": false }), 401),
        (with("active", json!(false)), 401),
        (with("aud", json!("https://other.example")), 401),
        (with("aud", json!(["x", AUDIENCE])), 200),
        (with("aud", json!(null)), 401),
        (with("iss", json!("https://evil.example")), 401),
        (with("exp", json!(NOW)), 401),
        (with("exp", json!("never")), 401),
        // The clock of the issuer may be ahead.
        (with("nbf", json!(NOW + 30)), 200),
        (with("nbf", json!(NOW + 31)), 401),
        (with("iat", json!(NOW + 5)), 200),
        (with("iat", json!(NOW + 31)), 401),
        (with("sub", json!(null)), 401),
        (with("sub", json!(7)), 401),
        (with("cnf", json!({ "jkt": "A".repeat(43) })), 401),
        (with("cnf", json!({ "x5t#S256": "A".repeat(43) })), 401),
        // It is not known what the issuer means.
        (with("active", json!("true")), 503),
        (with("active", json!(1)), 503),
        (json!({}), 503),
        (json!([]), 503),
    ]
    .into_iter()
    .enumerate()
    {
        issuer.says(200, &response);
        let tokens = issuer.builder(&clock()).build().unwrap();
        assert_eq!(status(&tokens, "t").await, expected, "{index}: {response}");
    }
}

#[tokio::test]
async fn an_active_token_of_another_kind_is_no_bearer_token() {
    let issuer = IssuerServer::start(&active()).await;
    for (name, value, expected) in [
        ("token_type", json!("Bearer"), 200),
        ("token_type", json!("bearer"), 200),
        ("token_type", json!(null), 200),
        ("token_type", json!("DPoP"), 401),
        ("token_type", json!("refresh_token"), 401),
        ("token_type", json!("N_A"), 401),
        ("token_type", json!(""), 401),
        ("token_type", json!(["Bearer"]), 401),
        ("token_use", json!("access"), 200),
        ("token_use", json!("access_token"), 200),
        ("token_use", json!("refresh_token"), 401),
        ("token_use", json!("id"), 401),
        ("token_use", json!(1), 401),
        ("typ", json!("Bearer"), 200),
        ("typ", json!("ID"), 401),
        ("typ", json!("Refresh"), 401),
        ("typ", json!("offline"), 401),
        ("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ"), 401),
        ("nonce", json!("n-0S6_WzA2Mj"), 401),
        ("events", json!({}), 401),
    ] {
        let mut response = active();
        response[name] = value;
        issuer.says(200, &response);
        let tokens = issuer.builder(&clock()).build().unwrap();
        assert_eq!(status(&tokens, "t").await, expected, "{response}");
    }
}

#[tokio::test]
async fn a_response_is_used_for_its_lifetime_and_not_past_exp() {
    let (issuer, clock) = (IssuerServer::start(&active()).await, clock());
    let tokens = issuer.builder(&clock).build().unwrap();
    assert_eq!(status(&tokens, "t").await, 200);
    issuer.says(200, &json!({ "active": false }));
    clock.advance(Duration::from_secs(59));
    assert_eq!((status(&tokens, "t").await, issuer.asked()), (200, 1));
    clock.advance(Duration::from_secs(1));
    assert_eq!(
        (status(&tokens, "t").await, issuer.asked()),
        (401, 2),
        "revoked"
    );

    let mut short = active();
    short["exp"] = json!(NOW + 60 + 20);
    issuer.says(200, &short);
    assert_eq!(status(&tokens, "u").await, 200);
    clock.advance(Duration::from_secs(19));
    assert_eq!((status(&tokens, "u").await, issuer.asked()), (200, 3));
    clock.advance(Duration::from_secs(1));
    assert_eq!(
        (status(&tokens, "u").await, issuer.asked()),
        (401, 4),
        "expired"
    );
}

#[tokio::test]
async fn that_a_token_begins_later_is_asked_again_each_time() {
    for name in ["iat", "nbf"] {
        let mut response = active();
        response[name] = json!(NOW + 32);
        let (issuer, clock) = (IssuerServer::start(&response).await, clock());
        let tokens = issuer.builder(&clock).build().unwrap();
        assert_eq!(status(&tokens, "t").await, 401, "{name}");
        clock.advance(Duration::from_secs(2));
        assert_eq!((status(&tokens, "t").await, issuer.asked()), (200, 2));
    }
}

#[tokio::test]
async fn a_negative_response_is_used_briefly() {
    let (issuer, clock) = (
        IssuerServer::start(&json!({ "active": false })).await,
        clock(),
    );
    let tokens = issuer.builder(&clock).build().unwrap();
    for _ in 0..5 {
        assert_eq!(status(&tokens, "t").await, 401);
    }
    assert_eq!(issuer.asked(), 1);
    issuer.says(200, &active());
    clock.advance(Duration::from_secs(10));
    assert_eq!((status(&tokens, "t").await, issuer.asked()), (200, 2));
}

#[test]
fn introspection_that_would_accept_too_much_is_not_built() {
    let builder = || {
        TokenIntrospection::builder("https://login.example/introspect")
            .client("tts", &Secret::new(*b"secret"))
            .audience(AUDIENCE)
    };
    let error = |builder: TokenIntrospectionBuilder| builder.build().unwrap_err();
    let url = "https://login.example/introspect";
    let none = TokenIntrospection::builder(url).audience(AUDIENCE);
    assert!(matches!(
        error(none),
        JwtBuildError::IntrospectionCredential
    ));
    let line = builder().bearer(&Secret::new(*b"a\r\nb"));
    assert!(matches!(
        error(line),
        JwtBuildError::IntrospectionCredential
    ));
    let not_text = builder().client("tts", &Secret::new(*b"\xff"));
    assert!(matches!(
        error(not_text),
        JwtBuildError::IntrospectionCredential
    ));
    let any = TokenIntrospection::builder(url).client("tts", &Secret::new(*b"secret"));
    assert!(matches!(error(any), JwtBuildError::IntrospectionAudience));
    let clear = TokenIntrospection::builder("http://login.example/introspect")
        .client("tts", &Secret::new(*b"secret"))
        .audience(AUDIENCE);
    assert!(matches!(error(clear), JwtBuildError::Url(_)));
    let seconds = Duration::from_secs;
    for odd in [
        builder().lifetime(seconds(601)),
        builder().outage_lifetime(seconds(3601)),
        builder().negative_lifetime(seconds(61)),
        builder().timeout(Duration::ZERO),
        builder().timeout(seconds(31)),
        builder().remembered_responses(1_000_001),
    ] {
        assert!(matches!(error(odd), JwtBuildError::IntrospectionBounds));
    }
}
