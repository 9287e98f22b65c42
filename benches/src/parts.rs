//! Layers as their users build them, and requests that they admit or refuse.

use std::{convert::Infallible, future::Ready, net::SocketAddr, task::Poll, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use palisade::api_key::{Environment, Grant, KeyScheme, MemoryKeyStore, Pepper};
use palisade::core::{ManualClock, Peer, Scheme, SystemClock};
use palisade::{
    AllowedHosts, ApiKeyLayer, AuditLayer, ClientInfoLayer, FileSink, Policy, RateLimitLayer, Rule,
    Rules, Shield,
};
use tower::Service;

use crate::Body;

/// The bare service: responds with five bytes.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)] // A unit, made to be written down.
pub struct Floor;

impl<B> Service<Request<B>> for Floor {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(Body::new(Bytes::from_static(b"hello")));
        // As every handler does; so the map of headers is there before a layer adds to it.
        let headers = response.headers_mut();
        headers.insert("content-type", http::HeaderValue::from_static("text/plain"));
        std::future::ready(Ok(response))
    }
}

/// Everyone is this client.
#[must_use]
pub fn peer() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 7], 5000))
}

/// A request as it comes from a server, with or without a key.
///
/// # Panics
///
/// When the key is no header value.
#[must_use]
pub fn request(key: Option<&str>) -> Request<Body> {
    let mut request = Request::new(Body::default());
    *request.uri_mut() = http::Uri::from_static("/tts?text=hello");
    let headers = request.headers_mut();
    headers.insert("host", http::HeaderValue::from_static("voice.example"));
    headers.insert("user-agent", http::HeaderValue::from_static("bench"));
    headers.insert("accept", http::HeaderValue::from_static("*/*"));
    if let Some(key) = key {
        headers.insert("x-api-key", key.parse().expect("a key is a header value"));
    }
    request
        .extensions_mut()
        .insert(Peer::new(peer(), Scheme::Https));
    request
}

/// A clock that stands still: a limit that is reached stays reached.
#[must_use]
pub fn still() -> ManualClock {
    ManualClock::new(Duration::from_secs(1_800_000_000))
}

/// The layer that decides the client, which limits need outside them.
pub fn client() -> ClientInfoLayer {
    ClientInfoLayer::direct()
}

/// A limit by client address.
///
/// # Panics
///
/// When the rate is none.
pub fn limit(rate: &str) -> RateLimitLayer {
    let policy = Policy::named("client").rate(rate).expect("a rate");
    let builder = RateLimitLayer::by_client()
        .policy(policy)
        .clock(still().shared());
    builder.build().expect("a limit")
}

/// A layer that asks for keys, and a key that it takes.
///
/// # Panics
///
/// When the system has no randomness.
pub fn keys() -> (ApiKeyLayer, String) {
    let scheme = KeyScheme::new(Pepper::generate().expect("randomness"));
    let grant = Grant::new(Environment::Live).scopes(["tts:speak"]);
    let minted = scheme
        .mint(grant, SystemClock::shared().unix_time())
        .expect("a key");
    let store = MemoryKeyStore::new();
    store
        .insert(minted.record().clone())
        .expect("the store has space");
    let key = minted.key().to_owned();
    (ApiKeyLayer::new(scheme, store), key)
}

/// An audit trail in a file, which drops and counts what the disk cannot keep up with.
///
/// # Panics
///
/// When the file cannot be written.
pub fn audit(file: &std::path::Path) -> AuditLayer {
    let sink = FileSink::builder(file)
        .open()
        .expect("a file that can be written");
    AuditLayer::builder().sink(sink).build().expect("a trail")
}

/// A body of one kilobyte as a chat client sends it, with its text in `/input`.
#[must_use]
pub fn chat_body() -> Bytes {
    let words = "Tell me about the river and its bridges, please. ".repeat(17);
    let body = serde_json::json!({
        "model": "small",
        "temperature": 0.7,
        "input": words,
        "user": "ann",
        "tags": ["a", "b", "c"],
    });
    Bytes::from(body.to_string())
}

/// The whole stack, and a key: audit, headers, client, route, host, https, limit, key, access, limit, text.
///
/// # Panics
///
/// When a part does not fit.
pub fn shield(rate: &str, audit: Option<AuditLayer>) -> (Shield, String) {
    let (keys, key) = keys();
    let rules = Rules::new().get("/tts", Rule::scope("tts:speak").limit("tts").text("text"));
    let tts = Policy::named("tts")
        .rate("1000000000/minute")
        .expect("a rate")
        .on_named_routes();
    let principal = RateLimitLayer::by_principal()
        .policy(tts)
        .build()
        .expect("a limit");
    let mut builder = Shield::builder()
        .authenticate(keys)
        .hosts(AllowedHosts::parse(["voice.example"]).expect("a host"))
        .limit_clients(limit(rate))
        .limit_principals(principal);
    if let Some(audit) = audit {
        builder = builder.audit(audit);
    }
    (builder.rules(rules).build().expect("a stack"), key)
}
