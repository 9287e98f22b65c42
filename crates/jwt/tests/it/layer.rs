//! The layer around a service.

use std::{sync::Arc, time::Duration};

use http::{Request, header::AUTHORIZATION};
use palisade_core::{
    AuthenticateLayer, CredentialFailure, Fact, Guard, GuardLayer, Layer as _, Principal,
    SecurityContext, Verdict,
    testing::{TestBody, poll_ready_contract},
};
use palisade_jwt::{Issuer, JwtBuildError, JwtLayer, Verifier, mint::Token};
use tower::ServiceExt as _;

use crate::{
    layer_names::with_another_signature,
    support::{
        AUDIENCE, EC, ISSUER, NOW, SettableClock, builder, clock, good, hmac, layer, request, seen,
        send, signed, status, verifier,
    },
};

/// What a handler sees of a token, by a layer made of the good verifier.
pub(crate) async fn principal(token: &Token, layer: &JwtLayer) -> Option<Principal> {
    let token = token.sign(&hmac(), &clock()).unwrap();
    seen(layer, request(&token)).await?.0
}

#[tokio::test]
async fn the_handler_sees_who_it_is_and_not_the_token() {
    let (who, headers) = seen(&layer(&hmac()), request(&signed(&hmac())))
        .await
        .unwrap();
    let who = who.unwrap();
    assert_eq!((who.kind(), who.id()), ("jwt", "lin"));
    assert!(who.has_scope("tts:speak"));
    assert!(who.expires().is_some());
    assert!(!headers.contains_key(AUTHORIZATION));
}

#[tokio::test]
async fn no_token_is_401_with_a_challenge_and_no_error() {
    let response = send(&layer(&hmac()), Request::new(TestBody::default())).await;
    assert_eq!(response.status, 401);
    assert_eq!(response.headers["www-authenticate"], "Bearer realm=\"api\"");
    assert!(response.body.contains("unauthenticated"));
}

#[tokio::test]
async fn a_guest_passes_where_it_is_optional_and_a_wrong_token_does_not() {
    let layer = JwtLayer::builder(verifier(&hmac()))
        .optional()
        .build()
        .unwrap();
    let (who, _) = seen(&layer, Request::new(TestBody::default()))
        .await
        .unwrap();
    assert!(who.is_none());
    assert_eq!(status(&layer, &signed(&EC)).await, 401);
    assert_eq!(status(&layer, "not.a.token").await, 401);
    assert_eq!(status(&layer, "half.token").await, 401);
}

#[tokio::test]
async fn two_authorization_lines_are_ambiguous_whatever_they_say() {
    for second in ["Bearer a.b.c", "Basic YTpi", "x"] {
        let mut twice = request(&signed(&hmac()));
        twice
            .headers_mut()
            .append(AUTHORIZATION, second.parse().unwrap());
        let response = send(&layer(&hmac()), twice).await;
        assert_eq!(response.status, 400, "{second}");
        assert!(response.body.contains("credentials_ambiguous"));
    }
}

#[tokio::test]
async fn the_scheme_is_read_without_case() {
    for scheme in ["bearer", "BEARER", "BeArEr"] {
        let request = Request::builder()
            .header(AUTHORIZATION, format!("{scheme} {}", signed(&hmac())))
            .body(TestBody::default())
            .unwrap();
        assert_eq!(send(&layer(&hmac()), request).await.status, 200);
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let mut request = request("a.b.c");
    let value = http::HeaderValue::from_bytes(b"Bearer a.\xff\xfe.c").unwrap();
    request.headers_mut().insert(AUTHORIZATION, value);
    assert_eq!(send(&layer(&hmac()), request).await.status, 400);
}

#[tokio::test]
async fn a_bearer_token_that_no_layer_reads_does_not_make_a_guest() {
    let layer = JwtLayer::builder(verifier(&hmac()))
        .optional()
        .build()
        .unwrap();
    for token in ["opaque", "psk_live_abc_def_123"] {
        assert_eq!(status(&layer, token).await, 401, "{token}");
    }
}

#[tokio::test]
async fn a_remembered_token_ends_when_it_ends() {
    let clock = clock();
    let verifier = Verifier::builder()
        .issuer(Issuer::new(ISSUER, AUDIENCE, hmac().verifying_key()))
        .clock(clock.shared())
        .build()
        .unwrap();
    let layer = JwtLayer::new(verifier);
    let token = signed(&hmac());
    assert_eq!(status(&layer, &token).await, 200);
    assert_eq!(
        status(&layer.clone(), &token).await,
        200,
        "a clone remembers too"
    );
    clock.advance(Duration::from_secs(329));
    assert_eq!(status(&layer, &token).await, 200);
    clock.advance(Duration::from_secs(1));
    assert_eq!(status(&layer, &token).await, 401);
}

#[tokio::test]
async fn a_changed_token_is_not_taken_for_the_remembered_one() {
    let layer = layer(&hmac());
    let token = signed(&hmac());
    assert_eq!(status(&layer, &token).await, 200);
    let mut changed = token.clone();
    let last = changed.pop().unwrap();
    changed.push(if last == 'A' { 'Q' } else { 'A' });
    assert_eq!(status(&layer, &changed).await, 401);
    assert_eq!(status(&layer, &token).await, 200);
}

/// Stands outermost and keeps what was recorded of the last request.
#[derive(Clone, Debug, Default)]
struct Recorder(Arc<std::sync::Mutex<Option<SecurityContext>>>);

impl Guard for Recorder {
    type Pass = ();

    fn name(&self) -> &'static str {
        "recorder"
    }

    fn admit(&self, cx: &SecurityContext, _: &mut http::request::Parts) -> Verdict<()> {
        *self.0.lock().unwrap() = Some(cx.clone());
        Verdict::Admit(())
    }
}

/// Sends a token and returns the status, the facts, and what was wrong with the token.
async fn recorded(layer: &JwtLayer, token: &str) -> (u16, Vec<Fact>, Option<CredentialFailure>) {
    let recorder = Recorder::default();
    let service = GuardLayer((recorder.clone(), layer.clone()));
    let service = service.layer(palisade_core::testing::EmptyOk::default());
    let response = service.oneshot(request(token)).await.unwrap();
    let cx = recorder.0.lock().unwrap().take().unwrap();
    cx.with_observations(|seen| {
        let facts = seen.facts().iter().map(|it| it.value.clone()).collect();
        let failure = seen
            .credential_failures()
            .iter()
            .next()
            .map(|it| it.failure);
        (response.status().as_u16(), facts, failure)
    })
}

#[tokio::test]
async fn a_token_that_the_issuer_signed_is_no_guess() {
    let layer = layer(&hmac());
    let other = palisade_jwt::mint::SigningKey::generate(palisade_jwt::Algorithm::Hs256).unwrap();
    let expired = || good().claim("exp", NOW - 100);
    for (token, key, kind) in [
        (expired(), hmac(), CredentialFailure::Expired),
        (expired(), other.clone(), CredentialFailure::Guess),
        (
            good().claim("nbf", NOW + 100),
            hmac(),
            CredentialFailure::NotYetValid,
        ),
        (
            good().claim("iat", NOW + 100),
            hmac(),
            CredentialFailure::NotYetValid,
        ),
        (
            good().claim("aud", "other"),
            hmac(),
            CredentialFailure::NotAllowedHere,
        ),
        (
            good().claim("aud", "other"),
            other.clone(),
            CredentialFailure::Guess,
        ),
        (
            good().claim("cnf", "x"),
            hmac(),
            CredentialFailure::NotAllowedHere,
        ),
        (
            good().claim("sub", ""),
            hmac(),
            CredentialFailure::NotAllowedHere,
        ),
        (
            good().claim("iss", "other"),
            hmac(),
            CredentialFailure::Guess,
        ),
        (good(), other, CredentialFailure::Guess),
    ] {
        let token = token.sign(&key, &clock()).unwrap();
        let (status, _, failure) = recorded(&layer, &token).await;
        assert_eq!((status, failure), (401, Some(kind)));
    }
    let (status, _, failure) = recorded(&layer, "no.token").await;
    assert_eq!((status, failure), (401, Some(CredentialFailure::Guess)));
}

#[tokio::test]
async fn a_step_back_of_the_clock_is_recorded_once() {
    let clock = SettableClock::at(NOW);
    let verifier = Verifier::builder()
        .issuer(Issuer::new(ISSUER, AUDIENCE, hmac().verifying_key()))
        .clock(clock.clone())
        .build()
        .unwrap();
    let layer = JwtLayer::new(verifier);
    let token = signed(&hmac());
    let stepped = Fact::Degraded {
        guard: "jwt",
        what: "clock_stepped_back",
    };
    let mut count = 0;
    for time in [NOW, NOW + 400, NOW + 200, NOW + 201, NOW + 100] {
        clock.set(time);
        let (status, facts, _) = recorded(&layer, &token).await;
        assert_eq!(status, if time == NOW { 200 } else { 401 }, "{time}");
        count += facts.iter().filter(|fact| **fact == stepped).count();
    }
    assert_eq!(count, 1);
    clock.set(NOW + 401);
    clock.set(NOW + 300);
    let (status, ..) = recorded(&layer, &token).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn applied_twice_it_asks_once() {
    let layer = layer(&hmac());
    let inner = layer.layer(palisade_core::testing::EmptyOk::default());
    let outer = layer.layer(inner);
    let response = outer.oneshot(request(&signed(&hmac()))).await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn in_shadow_it_neither_refuses_nor_strips() {
    let layer = JwtLayer::builder(verifier(&hmac()))
        .dangerously_only_shadow()
        .build()
        .unwrap();
    assert!(seen(&layer, request("not.a.token")).await.is_some());
    let (_, headers) = seen(&layer, request(&signed(&hmac()))).await.unwrap();
    assert!(headers.contains_key(AUTHORIZATION));
}

#[tokio::test]
async fn beside_other_kinds_it_is_one_of_them() {
    let list = AuthenticateLayer::builder().authenticator(layer(&hmac()));
    let any = list.build().unwrap();
    assert_eq!(any.kinds(), ["jwt"]);
    let service = any.layer(palisade_core::testing::EmptyOk::default());
    assert_eq!(
        service
            .oneshot(request(&signed(&hmac())))
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn the_realm_is_the_operators_and_must_be_plain() {
    let layer = JwtLayer::builder(verifier(&hmac()))
        .realm("tts")
        .build()
        .unwrap();
    let response = send(&layer, Request::new(TestBody::default())).await;
    assert_eq!(response.headers["www-authenticate"], "Bearer realm=\"tts\"");
    for realm in ["a\"b", "a\\", "a\nb", "语音"] {
        let built = JwtLayer::builder(verifier(&hmac())).realm(realm).build();
        assert!(matches!(built, Err(JwtBuildError::Realm)), "{realm:?}");
    }
}

#[test]
fn it_keeps_towers_contract() {
    let token = signed(&hmac());
    poll_ready_contract(layer(&hmac()), || request(&token));
}

#[tokio::test]
async fn untyped_tokens_are_good_only_by_a_loud_name() {
    let text = hmac()
        .sign_raw(r#"{"alg":"HS256"}"#, &crate::support::claims().to_string())
        .unwrap();
    assert_eq!(status(&layer(&hmac()), &text).await, 401);
    let lax = builder(&hmac())
        .dangerously_accept_untyped_tokens()
        .build()
        .unwrap();
    assert_eq!(status(&JwtLayer::new(lax), &text).await, 200);
}

#[tokio::test]
async fn a_condition_on_claims_refuses_with_403_also_from_the_cache() {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    let open = Arc::new(AtomicBool::new(true));
    let is_open = Arc::clone(&open);
    let layer = JwtLayer::builder(verifier(&hmac()))
        .check(|claims| claims.text("plan") == Some("gold"))
        .check(move |_| is_open.load(Ordering::SeqCst))
        .build()
        .unwrap();
    let sign = |plan: &str| good().claim("plan", plan).sign(&hmac(), &clock()).unwrap();
    let (gold, silver) = (sign("gold"), sign("silver"));
    assert_eq!(status(&layer, &gold).await, 200);
    open.store(false, Ordering::SeqCst);
    assert_eq!(status(&layer, &gold).await, 403, "asked for each request");
    open.store(true, Ordering::SeqCst);
    let refused = send(&layer, request(&silver)).await;
    assert_eq!(refused.status, 403);
    assert!(
        refused.body.contains("token_not_allowed"),
        "{}",
        refused.body
    );
    let forged = with_another_signature(&silver);
    assert_eq!(
        status(&layer, &forged).await,
        401,
        "a token that is not genuine is not checked"
    );
}
