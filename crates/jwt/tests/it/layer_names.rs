//! The names that a token gives: of the principal, and of the credential.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use palisade_jwt::{Issuer, JwtLayer, Verifier, mint::Token};

use crate::{
    layer::principal,
    support::{AUDIENCE, EC, ISSUER, clock, good, hmac, layer, request, seen, signed, verifier},
};

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
async fn an_issuer_names_claims_of_its_own_and_the_layer_those_of_all_others() {
    let other = "https://partner.example";
    let staff = Issuer::new(ISSUER, AUDIENCE, hmac().verifying_key()).label("staff");
    let partner = Issuer::new(other, AUDIENCE, EC.verifying_key()).label("partner");
    let partner = partner
        .subject_claim("oid")
        .tenant_claim("tid")
        .tier_claim("/account/plan");
    let verifier = Verifier::builder()
        .issuers([staff, partner])
        .clock(clock().shared())
        .build()
        .unwrap();
    let layer = JwtLayer::builder(verifier)
        .tenant_claim("org")
        .tier_claim("plan");
    let layer = layer.build().unwrap();
    let with_all = |token: Token| {
        token
            .claim("oid", "o-1")
            .claim("org", "acme")
            .claim("tid", "t-9")
            .claim("plan", "gold")
            .claim("account", serde_json::json!({ "plan": "free" }))
    };
    let ours = with_all(good()).sign(&hmac(), &clock()).unwrap();
    let theirs = with_all(Token::new(other, AUDIENCE, "lin"))
        .sign(&EC, &clock())
        .unwrap();
    for (token, id, owner, tier) in [
        (ours, "staff:lin", "acme", "gold"),
        (theirs, "partner:o-1", "t-9", "free"),
    ] {
        let (who, _) = seen(&layer, request(&token)).await.unwrap();
        let who = who.unwrap();
        assert_eq!(
            (who.id(), who.owner(), who.tier()),
            (id, Some(owner), Some(tier))
        );
    }
    // A token of the issuer without its own claim is refused, though it has that of the layer.
    let without = Token::new(other, AUDIENCE, "lin")
        .sign(&EC, &clock())
        .unwrap();
    assert!(seen(&layer, request(&without)).await.is_none());
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
    assert_eq!(who.credential().unwrap().len(), 7 + 32);
}

/// The order of P-256 (SEC 2, 2.4.2).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The other valid signature of the same message: (r, n − s). Anyone can compute it.
fn twin(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut borrow = 0;
    for place in (0..32).rev() {
        let digit = i16::from(P256_ORDER[place]) - i16::from(bytes[32 + place]) - borrow;
        borrow = i16::from(digit < 0);
        bytes[32 + place] = digit.rem_euclid(256) as u8;
    }
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

#[tokio::test]
async fn the_other_signature_of_a_token_does_not_give_it_another_name() {
    let layer = layer(&EC);
    let claims = crate::support::claims().to_string();
    let header = r#"{"alg":"ES256","typ":"JWT","kid":"ec"}"#;
    let token = EC.sign_raw(header, &claims).unwrap();
    let twin = twin(&token);
    assert_ne!(token, twin);
    let mut names = Vec::new();
    for token in [&token, &twin] {
        let (who, _) = seen(&layer, request(token)).await.expect("both are valid");
        names.push(who.unwrap().credential().unwrap().to_owned());
    }
    assert_eq!(names[0], names[1]);
}

#[tokio::test]
async fn the_same_token_name_of_two_issuers_is_two_credentials() {
    let other = "https://partner.example";
    let verifier = Verifier::builder()
        .issuer(Issuer::new(ISSUER, AUDIENCE, hmac().verifying_key()).label("staff"))
        .issuer(Issuer::new(other, AUDIENCE, EC.verifying_key()).label("partner"))
        .clock(clock().shared())
        .build()
        .unwrap();
    let layer = JwtLayer::new(verifier);
    let ours = good().claim("jti", "t-1").sign(&hmac(), &clock()).unwrap();
    let theirs = Token::new(other, AUDIENCE, "lin").claim("jti", "t-1");
    let theirs = theirs.sign(&EC, &clock()).unwrap();
    for (token, name) in [(ours, "staff:t-1"), (theirs, "partner:t-1")] {
        let (who, _) = seen(&layer, request(&token)).await.unwrap();
        assert_eq!(who.unwrap().credential(), Some(name));
    }
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

/// The same token with another signature.
pub(crate) fn with_another_signature(token: &str) -> String {
    let (signed, _) = token.rsplit_once('.').unwrap();
    format!("{signed}.{}", "A".repeat(43))
}

#[tokio::test]
async fn a_claim_gives_limits_of_its_own_and_a_malformed_one_refuses_the_token() {
    let layer = JwtLayer::builder(verifier(&hmac()))
        .own_limits_claim("/plan/limits")
        .build()
        .unwrap();
    let with =
        |limits: serde_json::Value| good().claim("plan", serde_json::json!({ "limits": limits }));
    let limits = serde_json::json!({ "speak": 500, "api-day": 4_294_967_295_u32 });
    let who = principal(&with(limits), &layer).await.unwrap();
    let own = who.own_limits();
    assert_eq!(own.amount("speak").map(u32::from), Some(500));
    assert_eq!(own.amount("api-day").map(u32::from), Some(u32::MAX));
    let none = principal(&good(), &layer).await.unwrap();
    assert!(none.own_limits().is_empty());
    let empty = principal(&with(serde_json::json!({})), &layer)
        .await
        .unwrap();
    assert!(empty.own_limits().is_empty());
    let nine: serde_json::Map<_, _> = (1..=9).map(|n| (format!("l{n}"), n.into())).collect();
    for limits in [
        serde_json::json!(null),
        serde_json::json!(500),
        serde_json::json!("speak=500"),
        serde_json::json!([{ "speak": 500 }]),
        serde_json::json!({ "speak": 0 }),
        serde_json::json!({ "speak": -1 }),
        serde_json::json!({ "speak": 500.0 }),
        serde_json::json!({ "speak": 0.5 }),
        serde_json::json!({ "speak": 4_294_967_296_u64 }),
        serde_json::json!({ "speak": "500" }),
        serde_json::json!({ "speak": null }),
        serde_json::json!({ "speak": 500, "a b": 1 }),
        nine.into(),
    ] {
        assert!(
            principal(&with(limits.clone()), &layer).await.is_none(),
            "{limits}"
        );
    }
}

#[tokio::test]
async fn an_issuer_has_a_claim_of_its_own_for_limits() {
    let issuer = Issuer::new(ISSUER, AUDIENCE, hmac().verifying_key()).own_limits_claim("quota");
    let verifier = Verifier::builder()
        .issuer(issuer)
        .clock(clock().shared())
        .build()
        .unwrap();
    let layer = JwtLayer::builder(verifier)
        .own_limits_claim("limits")
        .build()
        .unwrap();
    let token = good()
        .claim("quota", serde_json::json!({ "speak": 5 }))
        .claim("limits", serde_json::json!({ "speak": 500 }));
    let who = principal(&token, &layer).await.unwrap();
    assert_eq!(who.own_limits().amount("speak").map(u32::from), Some(5));
}
