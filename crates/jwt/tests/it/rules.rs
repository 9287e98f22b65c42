//! What the rules of one issuer accept and refuse.

use palisade_jwt::{Algorithm, Claims, InvalidToken, Issuer, JwtBuildError, JwtLayer, Verifier};
use serde_json::{Value, json};

use crate::support::{
    AUDIENCE, EC, ISSUER, claims, clock, header, hmac, request, seen, with, without,
};

fn issuer() -> Issuer {
    Issuer::new(ISSUER, AUDIENCE, hmac().verifying_key())
}

fn verify(issuer: Issuer, header: &Value, claims: &Value) -> Result<Claims, InvalidToken> {
    let builder = Verifier::builder().issuer(issuer).clock(clock().shared());
    let token = hmac().sign_raw(&header.to_string(), &claims.to_string());
    builder.build().unwrap().verify(&token.unwrap())
}

#[track_caller]
fn check(issuer: Issuer, claims: &Value, expected: Result<(), &str>) {
    let outcome = verify(issuer, &header(), claims).map(drop);
    assert_eq!(outcome.map_err(InvalidToken::code), expected, "{claims}");
}

#[test]
fn a_required_value_is_compared_exactly() {
    let issuer = || issuer().require_value("token_use", ["access", "service"]);
    let of = |value: Value| with(claims(), "token_use", value);
    check(issuer(), &of(json!("access")), Ok(()));
    check(issuer(), &of(json!("service")), Ok(()));
    for other in ["other", "Access", "access ", ""] {
        check(issuer(), &of(json!(other)), Err("claim_mismatch"));
    }
    for malformed in [
        json!(["access"]),
        json!(null),
        json!(1),
        json!({ "access": 1 }),
    ] {
        check(issuer(), &of(malformed), Err("claim_malformed"));
    }
    check(issuer(), &claims(), Err("claim_missing"));
}

#[test]
fn a_required_claim_may_be_nested() {
    let issuer = || {
        issuer()
            .require("/realm/name")
            .require_value("/realm/kind", ["prod"])
    };
    let of = |realm: Value| with(claims(), "realm", realm);
    check(
        issuer(),
        &of(json!({ "name": "a", "kind": "prod" })),
        Ok(()),
    );
    check(
        issuer(),
        &of(json!({ "name": "", "kind": "prod" })),
        Err("claim_malformed"),
    );
    check(
        issuer(),
        &of(json!({ "kind": "prod" })),
        Err("claim_missing"),
    );
    check(
        issuer(),
        &of(json!({ "name": "a", "kind": "test" })),
        Err("claim_mismatch"),
    );
}

#[test]
fn another_claim_in_the_place_of_the_audience_needs_a_demanded_value() {
    let alone = Verifier::builder()
        .issuer(issuer().audience_claim("client_id"))
        .build();
    assert!(matches!(alone, Err(JwtBuildError::AudienceClaimAlone(_))));
    let issuer = || {
        let issuer = issuer().audience_claim("client_id");
        issuer.require_value("token_use", ["access"])
    };
    let access = without(with(claims(), "token_use", "access"), "aud");
    check(
        issuer(),
        &with(access.clone(), "client_id", AUDIENCE),
        Ok(()),
    );
    check(
        issuer(),
        &with(access.clone(), "client_id", "other"),
        Err("audience_mismatch"),
    );
    check(
        issuer(),
        &with(access.clone(), "client_id", 7),
        Err("claim_malformed"),
    );
    check(
        issuer(),
        &with(access, "aud", AUDIENCE),
        Err("claim_missing"),
    );
}

#[test]
fn a_null_is_a_wrong_type_unless_it_counts_as_absent() {
    let nulls = |name: &str| with(claims(), name, Value::Null);
    for name in ["nbf", "iat", "jti", "scope", "scp"] {
        check(issuer(), &nulls(name), Err("claim_malformed"));
        check(issuer().null_is_absent(), &nulls(name), Ok(()));
    }
    // What must be there is not there.
    for name in ["exp", "aud"] {
        check(
            issuer().null_is_absent(),
            &nulls(name),
            Err("claim_missing"),
        );
    }
    let required = || issuer().null_is_absent().require("plan");
    check(required(), &nulls("plan"), Err("claim_missing"));
    check(issuer().null_is_absent(), &nulls("cnf"), Ok(()));
    check(issuer(), &nulls("cnf"), Err("confirmation_unchecked"));
}

#[test]
fn embedded_keys_are_ignored_on_request_and_never_used() {
    let lax = || issuer().dangerously_ignore_embedded_keys();
    for member in ["jku", "jwk", "x5c", "x5u"] {
        let header = with(header(), member, json!(["https://evil.example"]));
        let strict = verify(issuer(), &header, &claims()).map(drop);
        assert_eq!(strict, Err(InvalidToken::EmbeddedKey), "{member}");
        assert!(verify(lax(), &header, &claims()).is_ok(), "{member}");
        // The key of the token's header would verify it; the issuer's does not.
        let own = with(header.clone(), "jwk", EC.public_jwk().unwrap().clone());
        let own = with(with(own, "alg", "ES256"), "kid", "ec");
        let token = EC
            .sign_raw(&own.to_string(), &claims().to_string())
            .unwrap();
        let verifier = Verifier::builder().issuer(lax()).clock(clock().shared());
        let refused = verifier.build().unwrap().verify(&token).unwrap_err();
        assert_eq!(refused, InvalidToken::KeyUnknown);
    }
}

#[test]
fn types_and_algorithms_are_those_of_the_issuer() {
    let typed = |kind: &str| with(header(), "typ", kind);
    let only_at = || issuer().types(["at+jwt"]);
    assert!(verify(only_at(), &typed("at+jwt"), &claims()).is_ok());
    let refused = verify(only_at(), &typed("JWT"), &claims()).unwrap_err();
    assert_eq!(refused, InvalidToken::TypeMismatch);
    let untyped = without(header(), "typ");
    let refused = verify(only_at(), &untyped, &claims()).unwrap_err();
    assert_eq!(refused, InvalidToken::TypeMismatch);
    let lax = issuer().dangerously_accept_untyped_tokens();
    assert!(verify(lax, &untyped, &claims()).is_ok());
    let other = issuer().algorithms([Algorithm::Rs256]);
    let refused = verify(other, &header(), &claims()).unwrap_err();
    assert_eq!(refused, InvalidToken::AlgorithmNotAllowed);
    assert!(
        verify(
            issuer().algorithms([Algorithm::Hs256]),
            &header(),
            &claims()
        )
        .is_ok()
    );
}

#[test]
fn a_rule_that_no_token_can_follow_is_an_error_at_start() {
    let build = |issuer: Issuer| Verifier::builder().issuer(issuer).build().map(drop);
    for impossible in [
        issuer().require_value("repository", [""; 0]),
        issuer().algorithms([]),
    ] {
        let built = build(impossible);
        assert!(
            matches!(built, Err(JwtBuildError::ImpossibleRule(_))),
            "{built:?}"
        );
    }
    let no_type = build(issuer().types([""; 0]));
    assert!(matches!(no_type, Err(JwtBuildError::NoTokenType)));
}

#[tokio::test]
async fn roles_reach_the_handler_as_scopes_of_their_own_name() {
    let issuer = issuer().roles_from("/realm_access/roles");
    let verifier = Verifier::builder().issuer(issuer).clock(clock().shared());
    let layer = JwtLayer::new(verifier.build().unwrap());
    let claims = with(claims(), "realm_access", json!({ "roles": ["admin"] }));
    let claims = with(claims, "scope", "speak");
    let token = hmac()
        .sign_raw(&header().to_string(), &claims.to_string())
        .unwrap();
    let (who, _) = seen(&layer, request(&token)).await.unwrap();
    let who = who.unwrap();
    assert!(who.has_scope("role:admin") && who.has_scope("speak"));
    assert!(!who.has_scope("admin"), "a role is no scope");
}
