//! The wiring that the claims need not see.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, Request, StatusCode, header::AUTHORIZATION};
use http_body_util::BodyExt as _;
use palisade_core::{
    Clock, Layer as _, ManualClock, Principal, Secret,
    testing::{EmptyOk, TestBody},
};
use palisade_jwt::{
    Algorithm, Claims, InvalidToken, Issuer, JwtLayer, Verifier, VerifierBuilder,
    mint::{SigningKey, Token},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) const ISSUER: &str = "https://login.example";
pub(crate) const AUDIENCE: &str = "https://tts.example";
pub(crate) const NOW: u64 = 1_800_000_000;

/// Made once: RSA takes its time.
pub(crate) static RSA: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::generate(Algorithm::Rs256)
        .unwrap()
        .with_kid("rsa")
});
pub(crate) static EC: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::generate(Algorithm::Es256)
        .unwrap()
        .with_kid("ec")
});

pub(crate) fn clock() -> ManualClock {
    ManualClock::new(Duration::from_secs(NOW))
}

pub(crate) fn hmac() -> SigningKey {
    SigningKey::from_secret(Algorithm::Hs256, &secret(7, 32)).unwrap()
}

/// A secret of different bytes, one for each `first`.
pub(crate) fn secret(first: u8, length: usize) -> Secret {
    let bytes = (0..length).map(|place| (usize::from(first) + 7 * place) as u8);
    Secret::new(bytes.collect::<Vec<_>>())
}

/// A clock that a test sets to any time, also to an earlier one.
#[derive(Debug, Default)]
pub(crate) struct SettableClock(AtomicU64);

impl SettableClock {
    pub(crate) fn at(seconds: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(seconds)))
    }

    pub(crate) fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for SettableClock {
    fn unix_time(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// A token that is good in every respect.
pub(crate) fn good() -> Token {
    Token::new(ISSUER, AUDIENCE, "lin")
        .scopes(["tts:speak"])
        .lifetime(Duration::from_secs(300))
}

pub(crate) fn signed(key: &SigningKey) -> String {
    good().sign(key, &clock()).unwrap()
}

pub(crate) fn builder(key: &SigningKey) -> VerifierBuilder {
    Verifier::builder()
        .issuer(Issuer::new(ISSUER, AUDIENCE, key.verifying_key()))
        .clock(clock().shared())
}

pub(crate) fn verifier(key: &SigningKey) -> Verifier {
    builder(key).build().unwrap()
}

pub(crate) fn layer(key: &SigningKey) -> JwtLayer {
    JwtLayer::new(verifier(key))
}

/// The header and claims of a good token, to be spoilt.
pub(crate) fn header() -> Value {
    json!({ "alg": "HS256", "typ": "JWT" })
}

pub(crate) fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "lin", "exp": NOW + 300, "iat": NOW })
}

/// Signs what it is given with the key that the verifier trusts, and asks.
#[track_caller]
pub(crate) fn verified(header: &Value, claims: &Value) -> Result<Claims, InvalidToken> {
    verified_text(&header.to_string(), &claims.to_string())
}

#[track_caller]
pub(crate) fn verified_text(header: &str, claims: &str) -> Result<Claims, InvalidToken> {
    let key = hmac();
    verifier(&key).verify(&key.sign_raw(header, claims).unwrap())
}

/// `base` with one member more, or another value of it.
pub(crate) fn with(mut base: Value, name: &str, value: impl Into<Value>) -> Value {
    base[name] = value.into();
    base
}

pub(crate) fn without(mut base: Value, name: &str) -> Value {
    base.as_object_mut().unwrap().remove(name);
    base
}

pub(crate) fn request(token: &str) -> Request<TestBody> {
    let value = format!("Bearer {token}");
    Request::builder()
        .header(AUTHORIZATION, value)
        .body(TestBody::default())
        .unwrap()
}

/// What came back for a request.
pub(crate) struct ReceivedResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

pub(crate) async fn send(layer: &JwtLayer, request: Request<TestBody>) -> ReceivedResponse {
    let response = layer
        .layer(EmptyOk::default())
        .oneshot(request)
        .await
        .unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    ReceivedResponse {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

pub(crate) async fn status(layer: &JwtLayer, token: &str) -> u16 {
    send(layer, request(token)).await.status.as_u16()
}

/// Sends a request and returns what a handler sees of it: who it is, and the headers.
pub(crate) async fn seen(
    layer: &JwtLayer,
    request: Request<TestBody>,
) -> Option<(Option<Principal>, HeaderMap)> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let handler = tower::service_fn(move |request: Request<TestBody>| {
        let cx = palisade_core::SecurityContext::of(request.extensions()).unwrap();
        sender
            .send((cx.principal().cloned(), request.headers().clone()))
            .unwrap();
        async { Ok::<_, std::convert::Infallible>(http::Response::new(TestBody::default())) }
    });
    layer.layer(handler).oneshot(request).await.unwrap();
    receiver.try_recv().ok()
}
