//! The layer around a service.

use std::{sync::Arc, time::Duration};

use http::{Request, header::AUTHORIZATION};
use palisade_core::{
    AuthenticateLayer, Authenticator, Layer as _, Principal,
    testing::{TestBody, poll_ready_contract},
};
use palisade_jwt::{BuildError, Issuer, JwtLayer, Verifier, mint::Token};
use tower::ServiceExt as _;

use crate::support::{
    AUDIENCE, EC, ISSUER, builder, clock, good, hmac, layer, request, seen, send, signed, status,
    verifier,
};

/// What a handler sees of a token, by a layer made of the good verifier.
async fn principal(token: &Token, layer: &JwtLayer) -> Option<Principal> {
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
    let answer = send(&layer(&hmac()), Request::new(TestBody::default())).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"api\"");
    assert!(answer.body.contains("unauthenticated"));
}

#[tokio::test]
async fn a_guest_passes_where_it_is_optional_and_a_wrong_token_does_not() {
    let layer = layer(&hmac()).optional();
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
        let answer = send(&layer(&hmac()), twice).await;
        assert_eq!(answer.status, 400, "{second}");
        assert!(answer.body.contains("credentials_ambiguous"));
    }
}

#[tokio::test]
async fn the_scheme_is_read_without_case() {
    for scheme in ["bearer", "BEARER", "BeArEr "] {
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
    assert_eq!(send(&layer(&hmac()), request).await.status, 401);
}

#[tokio::test]
async fn a_bearer_token_that_nobody_reads_does_not_make_a_guest() {
    let layer = layer(&hmac()).optional();
    for token in ["opaque", "psk_live_abc_def_123"] {
        assert_eq!(status(&layer, token).await, 401, "{token}");
    }
}

#[tokio::test]
async fn claims_become_owner_tier_and_attributes() {
    let layer = JwtLayer::builder(verifier(&hmac()))
        .subject_claim("uid")
        .tenant_claim("org")
        .tier_claim("plan")
        .attribute("lang")
        .attribute("seat")
        .attribute("absent")
        .build()
        .unwrap();
    let token = good()
        .claim("uid", "u-7")
        .claim("org", "acme")
        .claim("plan", "gold")
        .claim("lang", "zh")
        .claim("seat", serde_json::json!({ "row": 3 }))
        .claim("secret", "not asked for");
    let who = principal(&token, &layer).await.unwrap();
    assert_eq!(
        (who.id(), who.owner(), who.tier()),
        ("u-7", Some("acme"), Some("gold"))
    );
    assert_eq!(who.attribute("lang"), Some("zh"));
    assert_eq!(who.attribute("seat"), Some(r#"{"row":3}"#));
    assert_eq!(who.attribute("absent"), None);
    assert_eq!(who.attribute("secret"), None);
}

#[tokio::test]
async fn a_claim_that_cannot_name_anything_is_refused() {
    let layer = JwtLayer::builder(verifier(&hmac()))
        .tier_claim("plan")
        .attribute("note")
        .build()
        .unwrap();
    for token in [
        good().claim("sub", ""),
        good().claim("sub", "a\r\nb"),
        good().claim("sub", "\u{1b}[31m"),
        good().claim("sub", "x".repeat(257)),
        good().claim("plan", 7),
        good().claim("plan", serde_json::Value::Null),
        good().claim("note", "x".repeat(1025)),
        good().claim("jti", "a\nb"),
    ] {
        assert!(principal(&token, &layer).await.is_none(), "{token:?}");
    }
}

#[tokio::test]
async fn the_credential_is_the_tokens_name_or_its_digest_and_never_the_token() {
    let named = principal(&good().claim("jti", "t-1"), &layer(&hmac()))
        .await
        .unwrap();
    assert_eq!(named.credential(), Some("t-1"));
    let text = hmac()
        .sign_raw(
            r#"{"alg":"HS256","typ":"JWT"}"#,
            &crate::support::claims().to_string(),
        )
        .unwrap();
    let (who, _) = seen(&layer(&hmac()), request(&text)).await.unwrap();
    let who = who.unwrap();
    assert!(who.credential().unwrap().starts_with("sha256:"));
    assert_eq!(who.credential().unwrap().len(), 23);
}

#[tokio::test]
async fn the_same_subject_of_two_issuers_is_two_principals() {
    let other = "https://partner.example";
    let verifier = Verifier::builder()
        .issuer(Issuer::new(ISSUER, AUDIENCE, hmac().verifying_key()).label("staff"))
        .issuer(Issuer::new(other, AUDIENCE, EC.verifying_key()).label("partner"))
        .clock(clock().shared())
        .build()
        .unwrap();
    let layer = JwtLayer::new(verifier);
    let (ours, _) = seen(&layer, request(&signed(&hmac()))).await.unwrap();
    let theirs = Token::new(other, AUDIENCE, "lin")
        .sign(&EC, &clock())
        .unwrap();
    let (theirs, _) = seen(&layer, request(&theirs)).await.unwrap();
    assert_eq!(ours.unwrap().id(), "staff:lin");
    assert_eq!(theirs.unwrap().id(), "partner:lin");
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

#[tokio::test]
async fn applied_twice_it_asks_once() {
    let layer = layer(&hmac());
    let inner = layer.layer(palisade_core::testing::Empty200::default());
    let outer = layer.layer(inner);
    let answer = outer.oneshot(request(&signed(&hmac()))).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn in_shadow_it_neither_refuses_nor_strips() {
    let layer = layer(&hmac()).dangerously_only_shadow();
    assert!(seen(&layer, request("not.a.token")).await.is_some());
    let (_, headers) = seen(&layer, request(&signed(&hmac()))).await.unwrap();
    assert!(headers.contains_key(AUTHORIZATION));
}

#[tokio::test]
async fn beside_other_kinds_it_is_one_of_them() {
    let one: Arc<dyn Authenticator> = Arc::new(layer(&hmac()));
    let any = AuthenticateLayer::any([one]);
    assert_eq!(any.kinds(), ["jwt"]);
    let service = any.layer(palisade_core::testing::Empty200::default());
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
    let answer = send(&layer, Request::new(TestBody::default())).await;
    assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"tts\"");
    for realm in ["a\"b", "a\\", "a\nb", "语音"] {
        let built = JwtLayer::builder(verifier(&hmac())).realm(realm).build();
        assert!(
            matches!(built, Err(BuildError::OutOfBounds(_))),
            "{realm:?}"
        );
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
