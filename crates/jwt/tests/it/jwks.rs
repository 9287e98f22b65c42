//! Keys from an endpoint that rotates, fails, hangs and lies.

use std::{
    future::Future as _,
    task::{Context, Waker},
    time::Duration,
};

use futures_util::future::join_all;
use http::StatusCode;
use palisade_core::ManualClock;
use palisade_jwt::{
    Algorithm, Issuer, JwksUrl, JwksUrlBuilder, JwtBuildError, JwtLayer, Verifier, mint::SigningKey,
};

use crate::{
    jwks_server::{ServedResponse, Server, ok, set},
    support::{AUDIENCE, ISSUER, clock, good, status},
};

pub(crate) struct Rig {
    pub server: Server,
    pub clock: ManualClock,
    pub keys: JwksUrl,
    pub layer: JwtLayer,
}

impl Rig {
    pub(crate) async fn new(response: ServedResponse) -> Self {
        Self::with(response, |builder| builder).await
    }

    pub(crate) async fn with(
        response: ServedResponse,
        change: fn(JwksUrlBuilder) -> JwksUrlBuilder,
    ) -> Self {
        let server = Server::start(response).await;
        let clock = clock();
        let keys = JwksUrl::builder(&server.url())
            .dangerously_allow_loopback_http()
            .clock(clock.shared());
        let keys = change(keys).build().unwrap();
        let issuer = Issuer::new(ISSUER, AUDIENCE, keys.clone())
            .max_lifetime(Duration::from_secs(30 * 86_400));
        let verifier = Verifier::builder()
            .issuer(issuer)
            .clock(clock.shared())
            .build()
            .unwrap();
        Self {
            server,
            clock,
            keys,
            layer: JwtLayer::new(verifier),
        }
    }

    /// A token that outlives the test.
    pub(crate) fn token(&self, key: &SigningKey) -> String {
        good()
            .lifetime(Duration::from_secs(30 * 86_400))
            .sign(key, self.clock.shared().as_ref())
            .unwrap()
    }

    pub(crate) async fn ask(&self, key: &SigningKey) -> u16 {
        status(&self.layer, &self.token(key)).await
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub(crate) fn key(kid: &str) -> SigningKey {
    SigningKey::generate(Algorithm::Es256)
        .unwrap()
        .with_kid(kid)
}

pub(crate) fn broken() -> ServedResponse {
    ServedResponse::Say(StatusCode::INTERNAL_SERVER_ERROR, vec![], set(&[&key("a")]))
}

#[tokio::test]
async fn the_first_token_waits_for_the_first_fetch() {
    let a = key("a");
    let rig = Rig::new(ok(&[&a])).await;
    assert_eq!(rig.ask(&a).await, 200);
    assert_eq!(rig.server.hits(), 1);
}

#[tokio::test]
async fn a_hundred_clients_share_one_fetch() {
    let a = key("a");
    let rig = Rig::new(ok(&[&a])).await;
    let responses = join_all((0..100).map(|_| rig.ask(&a))).await;
    assert!(
        responses.iter().all(|status| *status == 200),
        "{responses:?}"
    );
    assert_eq!(rig.server.hits(), 1);
}

#[tokio::test]
async fn a_new_key_is_accepted_after_one_fetch() {
    let (a, b) = (key("a"), key("b"));
    let rig = Rig::new(ok(&[&a])).await;
    assert_eq!(rig.ask(&a).await, 200);
    rig.server.now(ok(&[&a, &b]));
    assert_eq!(rig.ask(&b).await, 200);
    assert_eq!(rig.server.hits(), 2);
    assert_eq!(rig.ask(&a).await, 200);
}

#[tokio::test]
async fn a_new_key_that_could_not_be_looked_for_is_looked_for_again() {
    let (a, b) = (key("a"), key("b"));
    let rig = Rig::new(ok(&[&a])).await;
    assert_eq!(rig.ask(&a).await, 200);
    rig.server.now(broken());
    assert_eq!(rig.ask(&b).await, 401);
    rig.server.now(ok(&[&a, &b]));
    rig.pass(1);
    assert_eq!(rig.ask(&b).await, 200);
}

#[tokio::test]
async fn a_new_key_is_accepted_for_all_who_show_it_at_once() {
    let (a, b) = (key("a"), key("b"));
    let rig = Rig::new(ok(&[&a])).await;
    assert_eq!(rig.ask(&a).await, 200);
    rig.server.now(ok(&[&a, &b]));
    let responses = join_all((0..20).map(|_| rig.ask(&b))).await;
    assert!(
        responses.iter().all(|status| *status == 200),
        "{responses:?}"
    );
    assert_eq!(rig.server.hits(), 2);
}

#[tokio::test]
async fn a_withdrawn_key_ends_with_the_set_and_so_do_the_tokens_remembered() {
    let (a, b) = (key("a"), key("b"));
    let rig = Rig::new(ok(&[&a, &b])).await;
    let token = rig.token(&a);
    assert_eq!(status(&rig.layer, &token).await, 200);
    assert_eq!(status(&rig.layer, &token).await, 200);
    rig.server.now(ok(&[&b]));
    rig.pass(600);
    assert_eq!(status(&rig.layer, &token).await, 200, "fetched beside it");
    rig.keys.warm_up().await.unwrap(); // Joins that fetch.
    assert_eq!(status(&rig.layer, &token).await, 401);
    assert_eq!(rig.ask(&b).await, 200);
}

#[tokio::test]
async fn another_key_under_the_same_name_is_found_when_the_old_one_has_aged() {
    let (old, new) = (key("a"), key("a"));
    let rig = Rig::new(ok(&[&old])).await;
    assert_eq!(rig.ask(&old).await, 200);
    rig.server.now(ok(&[&new]));
    assert_eq!(rig.ask(&new).await, 401, "a fresh set is not doubted");
    rig.pass(301);
    assert_eq!(rig.ask(&new).await, 200);
    assert_eq!(rig.ask(&old).await, 401);
    assert_eq!(rig.server.hits(), 2, "and a fresh set is not doubted again");
}

#[tokio::test]
async fn a_flood_of_unknown_names_causes_three_fetches() {
    let a = key("a");
    let rig = Rig::new(ok(&[&a])).await;
    let stranger = key("x");
    for number in 0..500 {
        let forged = stranger.clone().with_kid(&format!("kid-{number}"));
        assert_eq!(rig.ask(&forged).await, 401);
    }
    assert_eq!(rig.server.hits(), 3, "the first and the burst of two");
    assert_eq!(rig.ask(&a).await, 200, "who is known is not disturbed");
}

#[tokio::test]
async fn a_flood_of_wrong_signatures_causes_one_fetch_in_five_minutes() {
    let (a, forged) = (key("a"), key("a"));
    let rig = Rig::new(ok(&[&a])).await;
    assert_eq!(rig.ask(&a).await, 200);
    rig.pass(301);
    for _ in 0..200 {
        assert_eq!(rig.ask(&forged).await, 401);
    }
    assert_eq!(rig.server.hits(), 2);
}

#[tokio::test]
async fn keys_are_fetched_ahead_of_their_end_and_no_request_waits() {
    let a = key("a");
    let rig = Rig::new(ok(&[&a])).await;
    assert_eq!(rig.ask(&a).await, 200);
    rig.pass(479);
    assert_eq!(rig.ask(&a).await, 200);
    assert_eq!(rig.server.hits(), 1);
    rig.pass(1); // four fifths of ten minutes
    rig.server.now(ServedResponse::Hang);
    assert_eq!(
        rig.ask(&a).await,
        200,
        "though the endpoint does not answer"
    );
}

/// Fetches keys with a `max-age` and returns after how many seconds they are past their time.
async fn lifetime_with(max_age: u64) -> u64 {
    let a = key("a");
    let headers = vec![("cache-control", format!("public, max-age={max_age}"))];
    let rig = Rig::new(ServedResponse::Say(StatusCode::OK, headers, set(&[&a]))).await;
    assert_eq!(rig.ask(&a).await, 200);
    let mut passed = 0;
    while !rig.keys.is_stale() {
        rig.pass(1);
        passed += 1;
    }
    passed
}

#[tokio::test]
async fn max_age_of_the_response_counts_within_the_bounds_of_the_operator() {
    assert_eq!(lifetime_with(120).await, 120);
    assert_eq!(
        lifetime_with(86_400).await,
        600,
        "not longer than the lifetime"
    );
    assert_eq!(lifetime_with(0).await, 60, "not all the time");
}

#[tokio::test]
async fn the_query_of_the_url_is_sent() {
    let a = key("a");
    let server = Server::start(ok(&[&a])).await;
    let url = format!("{}?policy=b2c_1&code=s3cret", server.url());
    let builder = JwksUrl::builder(&url).dangerously_allow_loopback_http();
    assert!(!format!("{builder:?}").contains("s3cret"));
    let keys = builder.build().unwrap();
    assert!(!format!("{keys:?}").contains("s3cret"));
    keys.warm_up().await.unwrap();
    assert_eq!(
        server.last_target().as_deref(),
        Some("/jwks?policy=b2c_1&code=s3cret")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_share_one_fetch() {
    let a = key("a");
    let rig = Rig::new(ok(&[&a])).await;
    let (layer, token) = (rig.layer.clone(), rig.token(&a));
    let tasks = (0..64).map(|_| {
        let (layer, token) = (layer.clone(), token.clone());
        tokio::spawn(async move { status(&layer, &token).await })
    });
    for response in join_all(tasks).await {
        assert_eq!(response.unwrap(), 200);
    }
    assert_eq!(rig.server.hits(), 1);
}

#[tokio::test]
async fn a_client_that_leaves_does_not_end_the_fetch_of_others() {
    let a = key("a");
    let rig = Rig::new(ok(&[&a])).await;
    {
        let mut first = Box::pin(rig.ask(&a));
        // One poll boards the fetch; then the client is gone.
        let mut task = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut task).is_pending());
    }
    assert_eq!(rig.ask(&a).await, 200);
    assert_eq!(rig.server.hits(), 1);
}

#[tokio::test]
async fn one_bad_key_does_not_spoil_the_set() {
    let a = key("a");
    let text = format!(
        r#"{{"keys":[{{"kty":"RSA","kid":"bad"}},7,{}]}}"#,
        a.public_jwk().unwrap()
    );
    let rig = Rig::new(ServedResponse::Say(StatusCode::OK, vec![], text)).await;
    assert_eq!(rig.ask(&a).await, 200);
    let known = rig.keys.known().unwrap();
    assert_eq!(known.skipped().len(), 2);
}

#[tokio::test]
async fn keep_fresh_fetches_without_a_request() {
    let a = key("a");
    let rig = Rig::new(ok(&[&a])).await;
    rig.keys.keep_fresh();
    let fetched = async {
        while rig.keys.known().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), fetched)
        .await
        .unwrap();
    assert_eq!(rig.server.hits(), 1);
}

#[test]
fn only_https_is_accepted() {
    for url in [
        "http://login.example/jwks",
        "http://127.0.0.1/jwks",
        "login.example/jwks",
        "https://user@login.example/",
    ] {
        assert!(
            matches!(JwksUrl::builder(url).build(), Err(JwtBuildError::Url(_))),
            "{url}"
        );
    }
}

#[test]
fn without_a_runtime_the_keys_are_unavailable_and_nothing_panics() {
    let keys = JwksUrl::builder("http://127.0.0.1:9/jwks")
        .dangerously_allow_loopback_http()
        .build()
        .unwrap();
    keys.keep_fresh();
    let verifier = Verifier::builder()
        .issuer(Issuer::new(ISSUER, AUDIENCE, keys))
        .clock(clock().shared())
        .build()
        .unwrap();
    let token = good().sign(&key("a"), &clock()).unwrap();
    assert_eq!(
        verifier.verify(&token).unwrap_err(),
        palisade_jwt::InvalidToken::KeysUnavailable
    );
}
