//! Proofs that are nearly good, and addresses that mean the same.

use super::*;

fn raw(header: &Value, claims: &Value) -> String {
    CLIENT
        .sign_raw(&header.to_string(), &claims.to_string())
        .unwrap()
}

fn header() -> Value {
    json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": CLIENT.public_jwk().unwrap() })
}

fn claims(token: &str) -> Value {
    let ath = URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()));
    json!({ "htm": "GET", "htu": URL, "iat": NOW, "jti": "1", "ath": ath })
}

/// Changes members of an object; `null` removes one.
fn change(mut object: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else {
        return object;
    };
    let members = object.as_object_mut().unwrap();
    members.extend(changes);
    members.retain(|_, value| !value.is_null());
    object
}

#[tokio::test]
async fn near_misses_of_a_good_proof_are_refused() {
    let token = bound();
    let other_token = good().claim("x", "y").sign(&hmac(), &clock()).unwrap();
    let good = raw(&header(), &claims(&token));
    assert_eq!(with_proof(&layer(), &token, &good).await.status, 200);

    let of_header = |changes: Value| raw(&change(header(), changes), &claims(&token));
    let of_claims = |changes: Value| raw(&header(), &change(claims(&token), changes));
    let of_jwk = |changes: Value| {
        let jwk = change(CLIENT.public_jwk().unwrap().clone(), changes);
        of_header(json!({ "jwk": jwk }))
    };
    let (signed_part, signature) = good.rsplit_once('.').unwrap();
    let x = CLIENT.public_jwk().unwrap()["x"].clone();
    for (name, proof) in [
        ("typ JWT", of_header(json!({"typ": "JWT"}))),
        ("typ missing", of_header(json!({"typ": null}))),
        ("typ of a near name", of_header(json!({"typ": "dpop"}))),
        ("typ a number", of_header(json!({"typ": 7}))),
        ("alg none", of_header(json!({"alg": "none"}))),
        ("alg missing", of_header(json!({"alg": null}))),
        ("alg of a secret", of_header(json!({"alg": "HS256"}))),
        ("alg of another key", of_header(json!({"alg": "ES384"}))),
        ("alg in lower case", of_header(json!({"alg": "es256"}))),
        ("no jwk", of_header(json!({"jwk": null}))),
        ("jwk as text", of_header(json!({"jwk": "x"}))),
        ("a private jwk", of_jwk(json!({"d": x}))),
        (
            "a secret as jwk",
            of_header(json!({"jwk": {"kty": "oct", "k": "AAAA"}})),
        ),
        ("a jwk of another curve", of_jwk(json!({"crv": "P-384"}))),
        ("a jwk without y", of_jwk(json!({"y": null}))),
        ("a jwk off the curve", of_jwk(json!({"y": x}))),
        ("a jwk for encryption", of_jwk(json!({"use": "enc"}))),
        (
            "jku beside jwk",
            of_header(json!({"jku": "https://evil.example"})),
        ),
        ("x5c beside jwk", of_header(json!({"x5c": ["AA"]}))),
        ("crit", of_header(json!({"crit": ["exp"]}))),
        ("another method", of_claims(json!({"htm": "POST"}))),
        ("the method in lower case", of_claims(json!({"htm": "get"}))),
        ("no method", of_claims(json!({"htm": null}))),
        (
            "another path",
            of_claims(json!({"htu": "https://tts.example/other"})),
        ),
        (
            "a path below",
            of_claims(json!({"htu": "https://tts.example/speak/"})),
        ),
        (
            "a path of another case",
            of_claims(json!({"htu": "https://tts.example/Speak"})),
        ),
        (
            "another host",
            of_claims(json!({"htu": "https://evil.example/speak"})),
        ),
        (
            "another port",
            of_claims(json!({"htu": "https://tts.example:8443/speak"})),
        ),
        (
            "without TLS",
            of_claims(json!({"htu": "http://tts.example/speak"})),
        ),
        (
            "a user in the address",
            of_claims(json!({"htu": "https://a@tts.example/speak"})),
        ),
        ("a path alone", of_claims(json!({"htu": "/speak"}))),
        ("no address", of_claims(json!({"htu": null}))),
        ("too old", of_claims(json!({"iat": NOW - 60}))),
        ("from the future", of_claims(json!({"iat": NOW + 11}))),
        ("iat as text", of_claims(json!({"iat": NOW.to_string()}))),
        ("no iat", of_claims(json!({"iat": null}))),
        ("no jti", of_claims(json!({"jti": null}))),
        ("an empty jti", of_claims(json!({"jti": ""}))),
        ("a long jti", of_claims(json!({"jti": "j".repeat(257)}))),
        ("jti a number", of_claims(json!({"jti": 7}))),
        ("no ath", of_claims(json!({"ath": null}))),
        ("an empty ath", of_claims(json!({"ath": ""}))),
        (
            "ath of another token",
            raw(&header(), &claims(&other_token)),
        ),
        (
            "a padded ath",
            of_claims(json!({"ath": format!("{}=", claims(&token)["ath"].as_str().unwrap())})),
        ),
        (
            "the signature of another key",
            EC.sign_raw(&header().to_string(), &claims(&token).to_string())
                .unwrap(),
        ),
        ("no signature", format!("{signed_part}.")),
        (
            "zeros as signature",
            format!("{signed_part}.{}", "A".repeat(86)),
        ),
        (
            "a cut signature",
            format!("{signed_part}.{}", &signature[..84]),
        ),
        ("claims that are a list", raw(&header(), &json!([]))),
        (
            "a member twice",
            CLIENT
                .sign_raw(
                    &header().to_string(),
                    &claims(&token)
                        .to_string()
                        .replacen('{', "{\"htm\":\"GET\",", 1),
                )
                .unwrap(),
        ),
        ("two parts", "a.b".to_owned()),
        ("five parts", "a.b.c.d.e".to_owned()),
        ("empty", String::new()),
        ("the token as proof", token.clone()),
        ("too long", of_claims(json!({"x": "x".repeat(8192)}))),
    ] {
        let response = with_proof(&layer(), &token, &proof).await;
        assert_eq!(response.status, 401, "{name}");
        assert_eq!(
            challenge(&response),
            "DPoP realm=\"api\", algs=\"ES256 ES384 EdDSA PS256 RS256\", error=\"invalid_dpop_proof\"",
            "{name}"
        );
    }
}

#[tokio::test]
async fn addresses_that_mean_the_same_are_the_same() {
    for url in [
        "HTTPS://TTS.EXAMPLE:443/speak",
        "https://tts.example/%73peak",
        "https://tts.example/speak?text=a#b",
        "https://tts.example/a/../speak",
    ] {
        let token = bound();
        let proof = signed(&DpopProof::new("GET", url).for_token(&token));
        assert_eq!(
            with_proof(&layer(), &token, &proof).await.status,
            200,
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_proof_for_one_path_does_not_open_a_spelling_of_another() {
    let token = bound();
    for path in ["/x/../speak", "/./speak", "/%2e/speak"] {
        let mut request = request(&format!("DPoP {token}"), &[&signed(&proof(&token))]);
        *request.uri_mut() = path.parse().unwrap();
        assert_eq!(send(&layer(), request).await.status, 401, "{path}");
    }
    let absolute = request_of_uri("https://evil.example/speak")
        .header(AUTHORIZATION, format!("DPoP {token}"))
        .header(
            "dpop",
            signed(&DpopProof::new("GET", "https://evil.example/speak").for_token(&token)),
        )
        .body(TestBody::default());
    let response = send(&layer(), absolute.unwrap()).await;
    assert_eq!(
        response.status, 401,
        "the origin is configured, not that of the request"
    );
}
