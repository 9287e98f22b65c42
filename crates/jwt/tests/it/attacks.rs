//! Attacks on header, signature and key. One test a line of the list of threats.

use std::net::TcpListener;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use palisade_core::Secret;
use palisade_jwt::{Algorithm, InvalidToken, Issuer, Verifier, mint::SigningKey};
use serde_json::json;

use crate::support::{
    AUDIENCE, EC, ISSUER, RSA, claims, clock, good, header, hmac, layer, secret, signed, status,
    verified, verified_text, verifier, with, without,
};

#[test]
fn alg_none_is_refused_in_every_spelling() {
    let body = URL_SAFE_NO_PAD.encode(claims().to_string());
    for spelling in ["none", "None", "NONE", "nOnE", "none ", "", "null", "nönë"] {
        let head = URL_SAFE_NO_PAD.encode(with(header(), "alg", spelling).to_string());
        for signature in ["", "AA", "."] {
            let outcome = verifier(&hmac()).verify(&format!("{head}.{body}.{signature}"));
            assert!(outcome.is_err(), "{spelling:?} {signature:?}");
        }
        // Even when it is signed by the key that counts.
        assert_eq!(
            verified(&with(header(), "alg", spelling), &claims()).unwrap_err(),
            InvalidToken::AlgorithmUnknown
        );
    }
}

#[test]
fn hs256_keyed_with_the_rsa_public_key_is_refused() {
    let jwk = RSA.public_jwk().unwrap();
    let n = jwk["n"].as_str().unwrap();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(n)
    );
    for guess in [n.to_owned(), pem, jwk.to_string()] {
        let forger = SigningKey::from_secret(Algorithm::Hs256, &Secret::new(guess)).unwrap();
        for kid in ["rsa", "other"] {
            let token = good()
                .sign(&forger.clone().with_kid(kid), &clock())
                .unwrap();
            assert!(verifier(&RSA).verify(&token).is_err());
        }
        let token = good().sign(&forger, &clock()).unwrap();
        assert_eq!(
            verifier(&RSA).verify(&token).unwrap_err(),
            InvalidToken::KeyUnknown
        );
    }
}

#[test]
fn the_algorithm_is_the_keys_and_not_the_tokens() {
    // The same RSA key, another padding: right key, wrong algorithm.
    let token = RSA
        .sign_raw(
            &with(with(header(), "alg", "PS256"), "kid", "rsa").to_string(),
            &claims().to_string(),
        )
        .unwrap();
    assert_eq!(
        verifier(&RSA).verify(&token).unwrap_err(),
        InvalidToken::AlgorithmMismatch
    );
    let longer = SigningKey::from_secret(Algorithm::Hs512, &secret(7, 64)).unwrap();
    let token = good().sign(&longer, &clock()).unwrap();
    assert_eq!(
        verifier(&hmac()).verify(&token).unwrap_err(),
        InvalidToken::KeyUnknown
    );
}

#[test]
fn a_key_in_the_header_is_refused_and_nothing_is_fetched() {
    let bait = TcpListener::bind("127.0.0.1:0").unwrap();
    bait.set_nonblocking(true).unwrap();
    let url = format!("http://{}/jwks", bait.local_addr().unwrap());
    let forger = SigningKey::generate(Algorithm::Es256).unwrap();
    let jwk = forger.public_jwk().unwrap();
    for (member, value) in [
        ("jwk", jwk.clone()),
        ("jku", json!(url)),
        ("x5u", json!(url)),
        ("x5c", json!(["MIIB"])),
        ("jwk", json!(null)),
    ] {
        let header = with(json!({ "alg": "ES256", "typ": "JWT" }), member, value);
        let token = forger
            .sign_raw(&header.to_string(), &claims().to_string())
            .unwrap();
        assert_eq!(
            verifier(&EC).verify(&token).unwrap_err(),
            InvalidToken::EmbeddedKey,
            "{member}"
        );
    }
    assert!(bait.accept().is_err(), "somebody called");
}

#[test]
fn a_critical_extension_is_refused() {
    for list in [
        json!(["exp"]),
        json!(["b64"]),
        json!([]),
        json!("b64"),
        json!(null),
    ] {
        assert_eq!(
            verified(&with(header(), "crit", list), &claims()).unwrap_err(),
            InvalidToken::CriticalExtension
        );
    }
    assert_eq!(
        verified(&with(header(), "b64", false), &claims()).unwrap_err(),
        InvalidToken::CriticalExtension
    );
}

#[test]
fn a_token_of_another_type_is_refused() {
    for kind in ["logout+jwt", "dpop+jwt", "id+jwt", "", "JWTX"] {
        assert_eq!(
            verified(&with(header(), "typ", kind), &claims()).unwrap_err(),
            InvalidToken::TypeMismatch,
            "{kind}"
        );
    }
    assert_eq!(
        verified(&without(header(), "typ"), &claims()).unwrap_err(),
        InvalidToken::TypeMismatch
    );
    assert!(verified(&with(header(), "typ", "application/at+JWT"), &claims()).is_ok());
}

#[test]
fn a_member_that_stands_twice_is_refused() {
    let claims = claims().to_string();
    let twice = |text: &str, more: &str| format!("{},{more}}}", text.trim_end_matches('}'));
    for more in [
        r#""exp":99999999999"#,
        r#""sub":"admin""#,
        r#""s\u0075b":"admin""#,
    ] {
        assert_eq!(
            verified_text(&header().to_string(), &twice(&claims, more)).unwrap_err(),
            InvalidToken::DuplicateMember
        );
    }
    assert_eq!(
        verified_text(&twice(&header().to_string(), r#""alg":"HS256""#), &claims).unwrap_err(),
        InvalidToken::DuplicateMember
    );
}

#[test]
fn a_malformed_encoding_is_refused() {
    let token = signed(&hmac());
    let [head, body, tail] = <[&str; 3]>::try_from(token.split('.').collect::<Vec<_>>()).unwrap();
    for wrong in [
        format!("{head}=.{body}.{tail}"),
        format!("{head}.{body}.{tail}="),
        format!("{head} .{body}.{tail}"),
        format!("{head}.{body}\n.{tail}"),
        format!(" {token}"),
        format!("{token} "),
        format!("{token}\0"),
        format!("{head}.{body}"),
        format!("{head}.{body}."),
        format!(".{body}.{tail}"),
        format!("{head}..{tail}"),
        format!("{token}.{tail}"),
        format!("{token}.{tail}.{tail}"),
        format!(r#"{{"payload":"{body}","protected":"{head}","signature":"{tail}"}}"#),
        String::new(),
        "..".into(),
        "....".into(),
    ] {
        assert!(verifier(&hmac()).verify(&wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_token_over_the_cap_is_refused_unread() {
    let large = good()
        .claim("padding", "x".repeat(8 * 1024))
        .sign(&hmac(), &clock())
        .unwrap();
    assert_eq!(
        verifier(&hmac()).verify(&large).unwrap_err(),
        InvalidToken::TooLarge
    );
    let junk = "a.".repeat(1024 * 1024);
    assert_eq!(
        verifier(&hmac()).verify(&junk).unwrap_err(),
        InvalidToken::TooLarge
    );
}

#[test]
fn json_of_great_depth_is_refused_without_a_crash() {
    let deep = format!(
        r#"{{"alg":"HS256","typ":"JWT","x":{}{}}}"#,
        "[".repeat(1000),
        "]".repeat(1000)
    );
    assert_eq!(
        verified_text(&deep, &claims().to_string()).unwrap_err(),
        InvalidToken::Json
    );
}

#[test]
fn a_hostile_kid_finds_nothing() {
    for kid in [
        "../../../../dev/null",
        "' OR 1=1 --",
        "ec\0",
        "\u{202e}ce",
        "",
        "EC",
    ] {
        let token = EC.clone().with_kid(kid);
        let token = good().sign(&token, &clock()).unwrap();
        assert_eq!(
            verifier(&EC).verify(&token).unwrap_err(),
            InvalidToken::KeyUnknown,
            "{kid:?}"
        );
    }
    let token = good()
        .sign(&EC.clone().with_kid(&"k".repeat(300)), &clock())
        .unwrap();
    assert_eq!(
        verifier(&EC).verify(&token).unwrap_err(),
        InvalidToken::Header
    );
}

#[test]
fn a_signature_of_zeros_and_one_in_der_are_refused() {
    let token = signed(&EC);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let integer = |half: &[u8]| {
        let mut bytes = vec![0x02, 33, 0];
        bytes.extend_from_slice(half);
        bytes
    };
    let (r, s) = raw.split_at(32);
    let der = [vec![0x30, 70], integer(r), integer(s)].concat();
    for forged in [
        vec![0; 64],
        der,
        raw[..63].to_vec(),
        [&raw[..], &[0]].concat(),
    ] {
        let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode(forged));
        assert_eq!(
            verifier(&EC).verify(&forged).unwrap_err(),
            InvalidToken::SignatureMismatch
        );
    }
}

#[test]
fn a_token_signed_by_someone_else_is_refused() {
    let stranger = SigningKey::generate(Algorithm::Es256)
        .unwrap()
        .with_kid("ec");
    assert_eq!(
        verifier(&EC).verify(&signed(&stranger)).unwrap_err(),
        InvalidToken::SignatureMismatch
    );
}

#[test]
fn one_issuer_cannot_speak_for_another() {
    let (ours, theirs) = (hmac(), EC.clone());
    let verifier = Verifier::builder()
        .issuer(Issuer::new(ISSUER, AUDIENCE, ours.verifying_key()).label("staff"))
        .issuer(
            Issuer::new("https://partner.example", AUDIENCE, theirs.verifying_key())
                .label("partner"),
        )
        .clock(clock().shared())
        .build()
        .unwrap();
    // The partner signs with its own good key, and says that it is us.
    assert!(verifier.verify(&signed(&theirs)).is_err());
    assert!(verifier.verify(&signed(&ours)).is_ok());
}

#[tokio::test]
async fn the_client_learns_nothing_of_why() {
    let layer = layer(&hmac());
    let key = hmac();
    let sign = |header, claims: serde_json::Value| {
        key.sign_raw(&serde_json::Value::to_string(&header), &claims.to_string())
            .unwrap()
    };
    let mut responses = Vec::new();
    for token in [
        sign(header(), with(claims(), "exp", 1)),
        sign(header(), with(claims(), "aud", "other")),
        sign(header(), with(claims(), "iss", "other")),
        sign(header(), without(claims(), "sub")),
        sign(with(header(), "alg", "none"), claims()),
        signed(&EC),
        format!("{}x", signed(&hmac())),
        "a.b".into(),
        "eyJ.b.c.d.e".into(),
    ] {
        let response = crate::support::send(&layer, crate::support::request(&token)).await;
        assert_eq!(response.status, 401);
        assert_eq!(
            response.headers["www-authenticate"],
            "Bearer realm=\"api\", error=\"invalid_token\""
        );
        responses.push((response.body, format!("{:?}", response.headers)));
    }
    responses.dedup();
    assert_eq!(responses.len(), 1, "{responses:?}");
}

#[tokio::test]
async fn a_token_is_never_a_key_nor_a_key_a_token() {
    let layer = layer(&hmac());
    assert_eq!(status(&layer, &signed(&hmac())).await, 200);
    let response =
        crate::support::send(&layer, crate::support::request("psk_live_abc_def_123")).await;
    assert_eq!(
        response.headers["www-authenticate"], "Bearer realm=\"api\"",
        "not ours: nothing was shown"
    );
}
