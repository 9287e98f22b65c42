//! Attacks on claims: missing, wrong, of another JSON type.

use palisade_jwt::InvalidToken::{
    self, AudienceMismatch, ClaimMalformed, ClaimMissing, Expired, IssuedInFuture, IssuerUnknown,
    NotYetValid,
};
use serde_json::{Value, json};

use crate::support::{
    AUDIENCE, NOW, builder, claims, clock, good, header, hmac, judge, with, without,
};

#[track_caller]
fn check(claims: &Value, expected: InvalidToken) {
    assert_eq!(judge(&header(), claims).unwrap_err(), expected, "{claims}");
}

#[test]
fn the_good_token_is_good() {
    let claims = judge(&header(), &claims()).unwrap();
    assert_eq!(claims.subject(), Some("lin"));
}

#[test]
fn exp_missing_wrong_or_of_a_wrong_type_is_refused() {
    check(&without(claims(), "exp"), ClaimMissing("exp"));
    check(&with(claims(), "exp", NOW - 30), Expired);
    assert!(
        judge(&header(), &with(claims(), "exp", NOW - 29)).is_ok(),
        "the leeway"
    );
    for wrong in [
        json!((NOW + 300).to_string()),
        json!(null),
        json!([NOW + 300]),
        json!({}),
        json!(true),
        json!(-1),
        json!(1e300),
    ] {
        check(&with(claims(), "exp", wrong), ClaimMalformed("exp"));
    }
    check(&with(claims(), "exp", 0), Expired);
}

#[test]
fn nbf_in_the_future_or_of_a_wrong_type_is_refused() {
    check(&with(claims(), "nbf", NOW + 31), NotYetValid);
    assert!(
        judge(&header(), &with(claims(), "nbf", NOW + 30)).is_ok(),
        "the leeway"
    );
    for wrong in [json!("0"), json!(null), json!(false), json!([])] {
        check(&with(claims(), "nbf", wrong), ClaimMalformed("nbf"));
    }
}

#[test]
fn iat_in_the_future_or_of_a_wrong_type_is_refused() {
    check(&with(claims(), "iat", NOW + 31), IssuedInFuture);
    for wrong in [json!("0"), json!(null), json!({}), json!(-5)] {
        check(&with(claims(), "iat", wrong), ClaimMalformed("iat"));
    }
}

#[test]
fn iss_missing_wrong_or_of_a_wrong_type_is_refused() {
    check(&without(claims(), "iss"), ClaimMissing("iss"));
    for other in [
        "https://login.example/",
        "https://login.example.evil",
        "HTTPS://LOGIN.EXAMPLE",
        "",
    ] {
        check(&with(claims(), "iss", other), IssuerUnknown);
    }
    for wrong in [json!([claims()["iss"]]), json!(null), json!(1), json!({})] {
        check(&with(claims(), "iss", wrong), ClaimMalformed("iss"));
    }
}

#[test]
fn aud_missing_wrong_or_of_a_wrong_type_is_refused() {
    check(&without(claims(), "aud"), ClaimMissing("aud"));
    for other in [
        json!("https://other.example"),
        json!([]),
        json!(["a", "b"]),
        json!(""),
        json!(format!("{AUDIENCE}/")),
    ] {
        check(&with(claims(), "aud", other), AudienceMismatch);
    }
    for wrong in [
        json!(null),
        json!(1),
        json!({}),
        json!([AUDIENCE, 1]),
        json!([[AUDIENCE]]),
        json!([null]),
    ] {
        check(&with(claims(), "aud", wrong), ClaimMalformed("aud"));
    }
    assert!(judge(&header(), &with(claims(), "aud", json!(["a", AUDIENCE]))).is_ok());
}

#[test]
fn sub_and_jti_of_a_wrong_type_are_refused() {
    for name in ["sub", "jti"] {
        for wrong in [json!(null), json!(1), json!([]), json!({})] {
            check(&with(claims(), name, wrong), ClaimMalformed(name));
        }
    }
}

#[test]
fn claims_that_are_no_object_are_refused() {
    for wrong in [json!([]), json!("x"), json!(1), json!(null)] {
        check(&wrong, InvalidToken::Json);
    }
}

#[test]
fn an_access_token_profile_demands_its_claims() {
    let strict = builder(&hmac()).only_access_tokens().build().unwrap();
    let token = |token: palisade_jwt::mint::Token| token.sign(&hmac(), &clock()).unwrap();
    assert!(
        strict
            .verify(&token(good().claim("client_id", "web")))
            .is_ok()
    );
    assert_eq!(
        strict.verify(&token(good())).unwrap_err(),
        ClaimMissing("client_id")
    );
    let untyped = good().claim("client_id", "web").kind("JWT");
    assert_eq!(
        strict.verify(&token(untyped)).unwrap_err(),
        InvalidToken::TypeMismatch
    );
}
