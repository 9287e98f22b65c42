//! Keys from an endpoint that rotates, fails, hangs and lies.

use std::{
    future::Future as _,
    task::{Context, Waker},
    time::Duration,
};

use futures_util::{FutureExt as _, future::join_all};
use http::StatusCode;
use palisade_core::ManualClock;
use palisade_jwt::{
    Algorithm, Issuer, JwksUrl, JwksUrlBuilder, JwtBuildError, JwtLayer, Verifier, mint::SigningKey,
};

use crate::{
    jwks_server::{Answer, Server, ok, raw, secure, set},
    support::{AUDIENCE, ISSUER, clock, good, request, send, status},
};

struct Rig {
    server: Server,
    clock: ManualClock,
    keys: JwksUrl,
    layer: JwtLayer,
}

impl Rig {
    async fn new(answer: Answer) -> Self {
        Self::with(answer, |builder| builder).await
    }

    async fn with(answer: Answer, change: fn(JwksUrlBuilder) -> JwksUrlBuilder) -> Self {
        let server = Server::start(answer).await;
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
    fn token(&self, key: &SigningKey) -> String {
        good()
            .lifetime(Duration::from_secs(30 * 86_400))
            .sign(key, self.clock.shared().as_ref())
            .unwrap()
    }

    async fn ask(&self, key: &SigningKey) -> u16 {
        status(&self.layer, &self.token(key)).await
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn key(kid: &str) -> SigningKey {
    SigningKey::generate(Algorithm::Es256)
        .unwrap()
        .with_kid(kid)
}

fn broken() -> Answer {
    Answer::Say(StatusCode::INTERNAL_SERVER_ERROR, vec![], set(&[&key("a")]))
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
    let answers = join_all((0..100).map(|_| rig.ask(&a))).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
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
    let answers = join_all((0..20).map(|_| rig.ask(&b))).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
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
async fn while_any_key_may_be_used_no_request_waits_for_a_hung_endpoint() {
    let a = key("a");
    let rig = Rig::new(ok(&[&a])).await;
    assert_eq!(rig.ask(&a).await, 200);
    rig.server.now(Answer::Hang);
    for seconds in [601, 3_600, 6 * 3_600 - 4_202] {
        rig.pass(seconds);
        let token = rig.token(&a);
        let answer = status(&rig.layer, &token).now_or_never();
        assert_eq!(
            answer,
            Some(200),
            "after {seconds} more seconds without a request"
        );
    }
    rig.pass(2);
    let token = rig.token(&a);
    let answer = status(&rig.layer, &token).now_or_never();
    assert_eq!(answer, None, "past the hard age only a fetch can help");
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
async fn keys_are_fetched_ahead_of_their_end_and_nobody_waits() {
    let a = key("a");
    let rig = Rig::new(ok(&[&a])).await;
    assert_eq!(rig.ask(&a).await, 200);
    rig.pass(479);
    assert_eq!(rig.ask(&a).await, 200);
    assert_eq!(rig.server.hits(), 1);
    rig.pass(1); // four fifths of ten minutes
    rig.server.now(Answer::Hang);
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
    let rig = Rig::new(Answer::Say(StatusCode::OK, headers, set(&[&a]))).await;
    assert_eq!(rig.ask(&a).await, 200);
    let mut passed = 0;
    while !rig.keys.is_stale() {
        rig.pass(1);
        passed += 1;
    }
    passed
}

#[tokio::test]
async fn max_age_of_the_answer_counts_within_the_bounds_of_the_operator() {
    assert_eq!(lifetime_with(120).await, 120);
    assert_eq!(
        lifetime_with(86_400).await,
        600,
        "not longer than the lifetime"
    );
    assert_eq!(lifetime_with(0).await, 60, "not all the time");
}

#[tokio::test]
async fn no_answer_makes_keys_outlive_the_hard_age() {
    let a = key("a");
    let headers = vec![("cache-control", "max-age=86400".to_owned())];
    let answer = Answer::Say(StatusCode::OK, headers, set(&[&a]));
    let hour = |builder: JwksUrlBuilder| builder.hard_age(Duration::from_secs(3_600));
    let rig = Rig::with(answer, hour).await;
    assert_eq!(rig.ask(&a).await, 200);
    rig.server.now(broken());
    rig.pass(3_599);
    assert_eq!(rig.ask(&a).await, 200);
    rig.keys.warm_up().await.unwrap(); // Joins the fetch that fails.
    rig.pass(1);
    assert_eq!(rig.ask(&a).await, 503);
}

#[tokio::test]
async fn an_empty_set_is_an_outage_unless_it_revokes() {
    let a = key("a");
    let empty = || Answer::Say(StatusCode::OK, vec![], r#"{"keys":[]}"#.to_owned());
    let keeping = Rig::new(ok(&[&a])).await;
    let revoking = Rig::with(ok(&[&a]), |builder| builder.empty_set_revokes(true)).await;
    for (rig, after) in [(&keeping, 200), (&revoking, 401)] {
        assert_eq!(rig.ask(&a).await, 200);
        rig.server.now(empty());
        rig.pass(600);
        rig.keys.warm_up().await.unwrap();
        assert_eq!(rig.ask(&a).await, after);
    }
    // A document that is no key set revokes nothing.
    revoking.server.now(ok(&[&a]));
    revoking.pass(600);
    revoking.keys.warm_up().await.unwrap();
    assert_eq!(revoking.ask(&a).await, 200);
    revoking
        .server
        .now(Answer::Say(StatusCode::OK, vec![], "{}".to_owned()));
    revoking.pass(600);
    revoking.keys.warm_up().await.unwrap();
    assert_eq!(revoking.ask(&a).await, 200);
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

#[tokio::test]
async fn an_endpoint_that_fails_is_outlived_until_the_hard_age_and_then_it_is_503() {
    let a = key("a");
    let rig = Rig::new(ok(&[&a])).await;
    assert_eq!(rig.ask(&a).await, 200);
    rig.server.now(broken());
    rig.pass(601);
    assert_eq!(rig.ask(&a).await, 200, "stale");
    assert!(rig.keys.is_stale());
    rig.keys.warm_up().await.unwrap(); // Joins the fetch that fails.
    let hits = rig.server.hits();
    assert_eq!(rig.ask(&a).await, 200);
    assert_eq!(rig.server.hits(), hits, "no fetch within the pause");
    rig.pass(6 * 3600);
    let answer = send(&rig.layer, request(&rig.token(&a))).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.headers["retry-after"], "5");
    rig.server.now(ok(&[&a]));
    rig.pass(60);
    // The fetch goes beside the first request after the pause; its landing is waited for here.
    rig.keys.warm_up().await.unwrap();
    assert_eq!(rig.ask(&a).await, 200, "recovered");
    assert!(!rig.keys.is_stale());
}

#[tokio::test]
async fn an_endpoint_that_was_down_at_the_start_is_found_when_it_is_back() {
    let a = key("a");
    let rig = Rig::new(broken()).await;
    assert_eq!(rig.ask(&a).await, 503);
    assert_eq!(rig.ask(&a).await, 503);
    assert_eq!(rig.server.hits(), 1, "no fetch within the pause");
    rig.server.now(ok(&[&a]));
    rig.pass(1);
    assert_eq!(rig.ask(&a).await, 200);
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_503_and_not_a_panic() {
    let rig = Rig::new(broken()).await;
    let url = rig.server.url();
    drop(rig);
    let keys = JwksUrl::builder(&url)
        .dangerously_allow_loopback_http()
        .build()
        .unwrap();
    assert!(keys.warm_up().await.is_err());
}

/// What the endpoint says is not taken, and the client gets 503.
async fn check_refused(answer: Answer) {
    let a = key("a");
    let rig = Rig::new(answer).await;
    assert_eq!(rig.ask(&a).await, 503);
    assert!(rig.keys.known().is_none());
}

#[tokio::test]
async fn a_500_with_a_key_set_in_it_is_not_read() {
    check_refused(broken()).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let a = key("a");
    let other = Server::start(ok(&[&a])).await;
    let headers = vec![("location", other.url())];
    for status in [StatusCode::FOUND, StatusCode::PERMANENT_REDIRECT] {
        check_refused(Answer::Say(status, headers.clone(), set(&[&a]))).await;
    }
    assert_eq!(other.hits(), 0);
}

#[tokio::test]
async fn an_answer_of_ten_megabytes_is_cut_off() {
    let large = format!(
        r#"{{"keys":[{}],"x":"{}"}}"#,
        key("a").public_jwk().unwrap(),
        "x".repeat(10 << 20)
    );
    check_refused(Answer::Say(StatusCode::OK, vec![], large)).await;
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_is_not_taken() {
    for text in [
        "",
        "<html>",
        "[]",
        r#"{"keys":{}}"#,
        r#"{"keys":[]}"#,
        r#"{"keys":[1,null]}"#,
        "\u{0}",
        r#"{"keys":[],"keys":[]}"#,
    ] {
        check_refused(Answer::Say(StatusCode::OK, vec![], text.to_owned())).await;
    }
}

// Time stands still but where everyone waits: then it jumps to the next deadline.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_hangs_is_given_up_at_the_deadline() {
    let a = key("a");
    let rig = Rig::new(Answer::Hang).await;
    let before = tokio::time::Instant::now();
    assert_eq!(rig.ask(&a).await, 503);
    assert!(
        before.elapsed() <= Duration::from_secs(6),
        "{:?}",
        before.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up_at_the_deadline() {
    let address = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await;
    let url = format!("http://{address}/jwks");
    let keys = JwksUrl::builder(&url)
        .dangerously_allow_loopback_http()
        .build()
        .unwrap();
    assert!(keys.warm_up().await.is_err());
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_not_taken() {
    for bytes in [
        &b"\x15\x03\x03\x00\x02\x02\x28"[..],
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n",
        b"SSH-2.0-x\r\n",
    ] {
        let url = format!("http://{}/jwks", raw(bytes).await);
        let keys = JwksUrl::builder(&url)
            .dangerously_allow_loopback_http()
            .build()
            .unwrap();
        assert!(keys.warm_up().await.is_err());
    }
}

#[tokio::test]
async fn over_tls_the_certificate_is_judged() {
    let (a, stranger) = (key("a"), key("b"));
    let (address, pem) = secure(set(&[&a])).await;
    let (_, other_pem) = secure(set(&[&stranger])).await;
    let known = async |host: &str, pem: String| {
        let url = format!("https://{host}:{}/jwks", address.port());
        let keys = JwksUrl::builder(&url).trust_anchors(pem).build().unwrap();
        keys.warm_up().await.is_ok()
    };
    assert!(known("localhost", pem.clone()).await);
    assert!(
        !known("127.0.0.1", pem.clone()).await,
        "another name than the certificate's"
    );
    assert!(
        !known("localhost", other_pem).await,
        "vouched for by someone else"
    );
    let no_anchor = JwksUrl::builder("https://login.example/")
        .trust_anchors("")
        .build();
    assert!(matches!(no_anchor, Err(JwtBuildError::TrustAnchors)));
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
    for answer in join_all(tasks).await {
        assert_eq!(answer.unwrap(), 200);
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
    let rig = Rig::new(Answer::Say(StatusCode::OK, vec![], text)).await;
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
