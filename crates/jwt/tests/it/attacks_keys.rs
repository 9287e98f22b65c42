//! Keys that are weak, secret or of another kind.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use palisade_core::Secret;
use palisade_jwt::{
    Algorithm, InvalidToken, Issuer, JwksReader, JwtBuildError, KeyError, KeySet, LiveKeys,
    Verifier, VerifyingKey,
};
use serde_json::json;

use crate::support::{AUDIENCE, EC, ISSUER, claims, clock, header, hmac, secret};

#[test]
fn weak_keys_are_refused_at_build() {
    for (algorithm, length) in [
        (Algorithm::Hs256, 31),
        (Algorithm::Hs384, 47),
        (Algorithm::Hs512, 63),
        (Algorithm::Hs256, 0),
    ] {
        assert!(VerifyingKey::from_secret(algorithm, &secret(7, length)).is_err());
        assert!(VerifyingKey::from_secret(algorithm, &secret(7, 64)).is_ok());
    }
    for repeated in [vec![7; 64], vec![0; 64], b"secret!".repeat(10)] {
        let weak = VerifyingKey::from_secret(Algorithm::Hs256, &Secret::new(repeated));
        assert_eq!(weak.unwrap_err(), KeyError::Weak);
    }
    weak_secret_of_a_set_is_never_used();
    let numbers = |n: Vec<u8>, e: &[u8]| {
        let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
        KeySet::from_jwks(
            &json!({ "keys": [{ "kty": "RSA", "alg": "RS256", "n": n, "e": e }] }).to_string(),
        )
    };
    let odd = |bytes: usize| vec![0xff; bytes];
    assert!(numbers(odd(256), &[1, 0, 1]).is_ok());
    assert!(numbers(odd(128), &[1, 0, 1]).is_err(), "1024 bits");
    assert!(numbers(odd(255), &[1, 0, 1]).is_err(), "2040 bits");
    assert!(
        numbers(odd(2048), &[1, 0, 1]).is_err(),
        "16384 bits cost too much to check"
    );
    assert!(numbers(odd(256), &[3]).is_err(), "exponent 3");
    assert!(numbers(odd(256), &[1]).is_err(), "exponent 1");
    assert!(
        numbers([vec![0], odd(256)].concat(), &[1, 0, 1]).is_err(),
        "leading zero"
    );
}

/// Also one that comes in a set, and one that comes later.
fn weak_secret_of_a_set_is_never_used() {
    let weak = json!({ "kty": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode([7; 32]) });
    let set = json!({ "keys": [weak] }).to_string();
    let set = || JwksReader::new().secrets().read(&set).unwrap();
    let build = |keys: LiveKeys| {
        let issuer = Issuer::new(ISSUER, AUDIENCE, keys);
        Verifier::builder()
            .issuer(issuer)
            .clock(clock().shared())
            .build()
    };
    let refused = build(LiveKeys::new(set())).unwrap_err();
    assert!(matches!(refused, JwtBuildError::Key(KeyError::Weak)));
    let live = LiveKeys::new(KeySet::from_keys([hmac().verifying_key()]).unwrap());
    let verifier = build(live.clone()).unwrap();
    live.replace(set());
    let signed = signed_with_sevens(&header().to_string(), &claims().to_string());
    assert!(
        set()
            .keys()
            .next()
            .unwrap()
            .verify_signature(&signed)
            .is_ok()
    );
    assert_eq!(
        verifier.verify(&signed).unwrap_err(),
        InvalidToken::KeyUnknown
    );
}

/// HMAC with a secret that no `SigningKey` takes.
fn signed_with_sevens(header: &str, claims: &str) -> String {
    use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", encode(header), encode(claims));
    let tag = sign(&Key::new(HMAC_SHA256, &[7; 32]), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[test]
fn a_secret_in_a_public_set_verifies_nothing() {
    let secret = json!({ "kty": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode([7; 32]) });
    let set = json!({ "keys": [secret, EC.public_jwk().unwrap()] }).to_string();
    for reader in [JwksReader::new(), JwksReader::new().secrets()] {
        let set = reader.read(&set).unwrap();
        assert_eq!(set.keys().len(), 1);
        assert_eq!(set.skipped()[0].reason, palisade_jwt::KeyError::Symmetric);
    }
}
