//! A shield with every part, and requests to it.

use std::time::Duration;

use axum::{body::Body, response::IntoResponse};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use palisade::api_key::{Environment, Grant, KeyScheme, MemoryKeyStore, Pepper};
use palisade::audit::MemorySink;
use palisade::core::{ManualClock, Peer, Scheme};
use palisade::shield::ShieldBuilder;
use palisade::{
    AllowedHosts, ApiKeyLayer, AuditLayer, Policy, Principal, RateLimitLayer, Routes, Rule, Shield,
};
use serde_json::Value;
use tower::ServiceExt as _;

/// The names of the guards, from the outside in, as the order is fixed.
pub(crate) const ORDER: [&str; 13] = [
    "request_id",
    "audit",
    "headers",
    "client",
    "route",
    "host",
    "https",
    "limit_client",
    "not_found",
    "authenticate",
    "access",
    "limit_principal",
    "sanitize",
];

pub(crate) struct TestShield {
    pub(crate) key: String,
    pub(crate) narrow_key: String,
    pub(crate) audit: MemorySink,
    pub(crate) clock: ManualClock,
    pub(crate) builder: ShieldBuilder,
}

/// Responds with the id of the principal.
async fn who(who: Principal) -> impl IntoResponse {
    who.id().to_owned()
}

pub(crate) fn routes() -> Routes {
    Routes::new()
        .get("/health", Rule::public(), async || "ok")
        .get(
            "/speak",
            Rule::scope("speak").limit("speak").text("text"),
            who,
        )
        .post(
            "/notes",
            Rule::authenticated().text("text"),
            async |note: String| note,
        )
        .get("/panic", Rule::public(), async || -> () {
            panic!("on purpose")
        })
}

pub(crate) fn test_shield() -> TestShield {
    let clock = ManualClock::new(Duration::from_secs(1_800_000_000));
    let scheme = KeyScheme::new(Pepper::generate().unwrap());
    let keys = MemoryKeyStore::new();
    let mint = |scopes: &[&str]| {
        let grant = Grant::new(Environment::Live).scopes(scopes.iter().copied());
        let minted = scheme
            .mint(grant, Duration::from_secs(1_700_000_000))
            .unwrap();
        keys.insert(minted.record().clone()).unwrap();
        minted.key().to_owned()
    };
    let (key, narrow_key) = (mint(&["speak"]), mint(&[]));
    let audit = MemorySink::new();
    let limit = |builder: palisade::rate_limit::RateLimitLayerBuilder, policy| {
        builder
            .policy(policy)
            .clock(clock.shared())
            .build()
            .unwrap()
    };
    let client = Policy::named("client").rate("20/minute").unwrap();
    let speak = Policy::named("speak")
        .rate("3/minute")
        .unwrap()
        .on_named_routes();
    let builder = Shield::builder()
        .audit(AuditLayer::builder().sink(audit.clone()).build().unwrap())
        .authenticate(ApiKeyLayer::new(scheme.clone(), keys.clone()))
        .hosts(AllowedHosts::parse(["service.test"]).unwrap())
        .limit_clients(limit(RateLimitLayer::by_client(), client))
        .limit_principals(limit(RateLimitLayer::by_principal(), speak));
    TestShield {
        key,
        narrow_key,
        audit,
        clock,
        builder,
    }
}

pub(crate) fn request(method: &str, path: &str, key: Option<&str>) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "service.test")
        .extension(Peer::new(
            "203.0.113.7:5000".parse().unwrap(),
            Scheme::Https,
        ))
        .body(Body::empty())
        .unwrap();
    if let Some(key) = key {
        request
            .headers_mut()
            .insert("x-api-key", key.parse().unwrap());
    }
    request
}

pub(crate) struct TestResponse {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) body: String,
    pub(crate) headers: http::HeaderMap,
}

pub(crate) async fn send_to(
    app: &palisade::ProtectedRouter,
    request: Request<Body>,
) -> TestResponse {
    read_response(app.clone().oneshot(request).await.unwrap()).await
}

pub(crate) async fn read_response(response: Response<Body>) -> TestResponse {
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(bytes.to_vec()).unwrap();
    let document: Value = serde_json::from_str(&body).unwrap_or_default();
    TestResponse {
        status: head.status.as_u16(),
        code: document["code"].as_str().unwrap_or_default().to_owned(),
        body,
        headers: head.headers,
    }
}
