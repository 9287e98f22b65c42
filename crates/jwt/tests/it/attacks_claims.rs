//! Attacks on claims: missing, wrong, of another JSON type.

use std::time::Duration;

use palisade_jwt::{
    Algorithm,
    InvalidToken::{
        self, AudienceMismatch, ClaimMalformed, ClaimMissing, Expired, IssuedInFuture,
        IssuerUnknown, NotYetValid,
    },
    Issuer, Verifier, VerifierBuilder,
};
use serde_json::{Value, json};

use crate::support::{
    AUDIENCE, ISSUER, NOW, SettableClock, builder, claims, clock, good, header, hmac, verified,
    with, without,
};

#[track_caller]
fn check(claims: &Value, expected: InvalidToken) {
    assert_eq!(
        verified(&header(), claims).unwrap_err(),
        expected,
        "{claims}"
    );
}

#[test]
fn the_good_token_is_good() {
    let claims = verified(&header(), &claims()).unwrap();
    assert_eq!(claims.subject(), Some("lin"));
}

#[test]
fn exp_missing_wrong_or_of_a_wrong_type_is_refused() {
    check(&without(claims(), "exp"), ClaimMissing("exp"));
    check(&with(claims(), "exp", NOW - 30), Expired);
    assert!(
        verified(&header(), &with(claims(), "exp", NOW - 29)).is_ok(),
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
        verified(&header(), &with(claims(), "nbf", NOW + 30)).is_ok(),
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
    assert!(verified(&header(), &with(claims(), "aud", json!(["a", AUDIENCE]))).is_ok());
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
    assert!(strict.verify(&token(good())).is_ok(), "the mint's own");
    let base = with(claims(), "jti", "t-1");
    let base = with(base, "client_id", "web");
    let verified = |claims: &Value| {
        let header = with(header(), "typ", "at+jwt");
        strict.verify(
            &hmac()
                .sign_raw(&header.to_string(), &claims.to_string())
                .unwrap(),
        )
    };
    assert!(verified(&base).is_ok());
    for name in ["sub", "client_id", "iat", "jti"] {
        assert_eq!(
            verified(&without(base.clone(), name)).unwrap_err(),
            ClaimMissing(name)
        );
        for wrong in [json!(null), json!(""), json!([]), json!({}), json!(["web"])] {
            let outcome = verified(&with(base.clone(), name, wrong.clone()));
            assert_eq!(
                outcome.unwrap_err(),
                ClaimMalformed(name),
                "{name}: {wrong}"
            );
        }
    }
    for name in ["sub", "client_id", "jti"] {
        let outcome = verified(&with(base.clone(), name, 7));
        assert_eq!(outcome.unwrap_err(), ClaimMalformed(name));
    }
    let untyped = good().claim("client_id", "web").kind("JWT");
    assert_eq!(
        strict.verify(&token(untyped)).unwrap_err(),
        InvalidToken::TypeMismatch
    );
}

#[test]
fn a_demanded_claim_that_is_null_empty_or_a_number_is_refused() {
    let key = hmac();
    let ask = |demand: fn(VerifierBuilder) -> VerifierBuilder, value: &Value| {
        let verifier = demand(builder(&key)).build().unwrap();
        let claims = with(claims(), "azp", value.clone());
        verifier.verify(
            &key.sign_raw(&header().to_string(), &claims.to_string())
                .unwrap(),
        )
    };
    let text: fn(VerifierBuilder) -> VerifierBuilder = |builder| builder.require("azp");
    let any: fn(VerifierBuilder) -> VerifierBuilder = |builder| builder.require_any_type("azp");
    assert!(ask(text, &json!("web")).is_ok());
    for wrong in [
        json!(null),
        json!(""),
        json!(7),
        json!(true),
        json!(["web"]),
        json!({}),
    ] {
        assert_eq!(
            ask(text, &wrong).unwrap_err(),
            ClaimMalformed("azp"),
            "{wrong}"
        );
    }
    for right in [
        json!("web"),
        json!(0),
        json!(false),
        json!(["web"]),
        json!({"a": null}),
    ] {
        assert!(ask(any, &right).is_ok(), "{right}");
    }
    for wrong in [json!(null), json!(""), json!([]), json!({})] {
        assert_eq!(
            ask(any, &wrong).unwrap_err(),
            ClaimMalformed("azp"),
            "{wrong}"
        );
    }
    let verifier = builder(&key).require("azp").build().unwrap();
    let absent = key
        .sign_raw(&header().to_string(), &claims().to_string())
        .unwrap();
    assert_eq!(verifier.verify(&absent).unwrap_err(), ClaimMissing("azp"));
}

/// A verifier of one issuer after a change of what it demands.
fn with_issuer(change: fn(Issuer) -> Issuer) -> Verifier {
    let issuer = Issuer::new(ISSUER, AUDIENCE, hmac().verifying_key());
    Verifier::builder()
        .issuer(change(issuer))
        .clock(clock().shared())
        .build()
        .unwrap()
}

fn ask(verifier: &Verifier, claims: &Value) -> Result<palisade_jwt::Claims, InvalidToken> {
    let token = hmac().sign_raw(&header().to_string(), &claims.to_string());
    verifier.verify(&token.unwrap())
}

#[test]
fn a_token_bound_to_a_key_is_no_bearer_token() {
    let ignoring = with_issuer(Issuer::dangerously_ignore_confirmation);
    for confirmation in [
        json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }),
        json!({ "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" }),
        json!({ "kid": "k" }),
        json!({}),
        json!(null),
        json!("x"),
    ] {
        let claims = with(claims(), "cnf", confirmation);
        check(&claims, InvalidToken::ConfirmationUnchecked);
        assert!(ask(&ignoring, &claims).is_ok(), "by its loud name");
    }
}

#[test]
fn an_id_token_or_an_event_is_no_access_token() {
    let accepting = with_issuer(Issuer::dangerously_accept_id_tokens);
    let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    for (name, value) in [
        ("nonce", json!("n-0S6_WzA2Mj")),
        ("nonce", json!(null)),
        ("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ")),
        ("c_hash", json!("LDktKdoQak3Pk0cnXxCltA")),
        ("events", event),
        ("token_use", json!("id")),
        ("token_use", json!("Refresh_Token")),
        ("typ", json!("ID")),
        ("typ", json!("refresh")),
        ("typ", json!("Offline")),
    ] {
        let claims = with(claims(), name, value);
        check(&claims, InvalidToken::NotAccessToken);
        assert!(ask(&accepting, &claims).is_ok(), "by its loud name: {name}");
    }
    for (name, value) in [("token_use", "access"), ("typ", "Bearer")] {
        assert!(
            verified(&header(), &with(claims(), name, value)).is_ok(),
            "{name}"
        );
    }
}

#[test]
fn a_token_that_lives_longer_than_the_bound_is_refused() {
    const DAY: u64 = 86_400;
    let claims_for = |lifetime: u64| with(claims(), "exp", NOW + lifetime);
    assert!(verified(&header(), &claims_for(DAY)).is_ok());
    check(&claims_for(DAY + 1), InvalidToken::LifetimeTooLong);
    // Without `iat` the time that is left must fit, the leeway aside.
    let undated = |lifetime: u64| without(claims_for(lifetime), "iat");
    assert!(verified(&header(), &undated(DAY + 30)).is_ok());
    check(&undated(DAY + 31), InvalidToken::LifetimeTooLong);
    // An issue date long ago does not make the rest of the life shorter.
    check(
        &with(claims_for(300), "iat", NOW - DAY),
        InvalidToken::LifetimeTooLong,
    );
    let short = with_issuer(|issuer| issuer.max_lifetime(Duration::from_secs(300)));
    assert!(ask(&short, &claims_for(300)).is_ok());
    assert_eq!(
        ask(&short, &claims_for(301)).unwrap_err(),
        InvalidToken::LifetimeTooLong
    );
    for wrong in [0, 11 * 366 * DAY] {
        let issuer = Issuer::new(ISSUER, AUDIENCE, hmac().verifying_key());
        let issuer = issuer.max_lifetime(Duration::from_secs(wrong));
        assert!(
            Verifier::builder().issuer(issuer).build().is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn a_clock_that_steps_back_does_not_revive_an_expired_token() {
    let clock = SettableClock::at(NOW);
    let issuer = Issuer::new(ISSUER, AUDIENCE, hmac().verifying_key());
    let verifier = Verifier::builder()
        .issuer(issuer)
        .clock(clock.clone())
        .build()
        .unwrap();
    for claims in [claims(), without(claims(), "iat")] {
        clock.set(NOW + 330);
        assert_eq!(ask(&verifier, &claims).unwrap_err(), Expired);
        for step in [31, 331, 3_600, 86_000] {
            clock.set(NOW + 330 - step);
            assert_eq!(
                ask(&verifier, &claims).unwrap_err(),
                Expired,
                "{step} s back"
            );
        }
    }
    // Beyond the bound the readings before were wrong, and the service must not refuse for years.
    let renewed = with(claims(), "exp", NOW - 100_000 + 300);
    let renewed = with(renewed, "iat", NOW - 100_000);
    clock.set(NOW - 100_000);
    assert!(ask(&verifier, &renewed).is_ok());
}

#[test]
fn an_expired_token_is_one_that_the_issuer_signed() {
    let expired = with(claims(), "exp", NOW - 100).to_string();
    let other = palisade_jwt::mint::SigningKey::generate(Algorithm::Hs256).unwrap();
    let forged = other.sign_raw(&header().to_string(), &expired).unwrap();
    let verifier = builder(&hmac()).build().unwrap();
    let outcome = verifier.verify(&forged).unwrap_err();
    assert_eq!(outcome, InvalidToken::SignatureMismatch);
    let signed = hmac().sign_raw(&header().to_string(), &expired).unwrap();
    assert_eq!(verifier.verify(&signed).unwrap_err(), Expired);
}
