//! Sets with keys that cannot be used, or cannot be told apart.

use palisade_jwt::{
    Algorithm, Issuer, JwtBuildError, KeyError, KeySet, Verifier, mint::SigningKey,
};
use serde_json::json;

use crate::support::{AUDIENCE, EC, ISSUER, RSA, clock, signed};

#[test]
fn what_a_key_is_for_is_honoured() {
    let with = |name: &str, value: serde_json::Value| {
        let mut jwk = EC.public_jwk().unwrap().clone();
        jwk[name] = value;
        KeySet::from_jwks(&json!({ "keys": [jwk] }).to_string()).is_ok()
    };
    assert!(with("key_ops", json!(["verify"])));
    assert!(!with("key_ops", json!(["sign"])));
    assert!(!with("key_ops", json!([])));
    assert!(!with("key_ops", json!("verify")));
    assert!(!with("use", json!("enc")));
    assert!(!with("use", json!(null)));
    assert!(!with("alg", json!("ES384")));
    assert!(!with("alg", json!("ECDH-ES")));
    assert!(!with("alg", json!("none")));
    assert!(!with("d", json!("AA")), "the private half is there");
    assert!(!with("crv", json!("secp256k1")));
    assert!(!with("kid", json!(7)));
    assert!(!with("x", json!("AA")));
}

#[test]
fn a_key_without_algorithm_is_bound_by_its_kind() {
    for algorithm in [
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::EdDsa,
        Algorithm::Rs256,
    ] {
        let key = SigningKey::generate(algorithm).unwrap();
        let mut jwk = key.public_jwk().unwrap().clone();
        jwk.as_object_mut().unwrap().remove("alg");
        let set = KeySet::from_jwks(&json!({ "keys": [jwk] }).to_string()).unwrap();
        assert_eq!(set.keys().next().unwrap().algorithm(), algorithm);
    }
}

#[test]
fn one_name_for_keys_of_two_kinds_is_not_ambiguous() {
    let (ec, ed) = (
        EC.clone().with_kid("k"),
        SigningKey::generate(Algorithm::EdDsa)
            .unwrap()
            .with_kid("k"),
    );
    let set = json!({ "keys": [ec.public_jwk().unwrap(), ed.public_jwk().unwrap()] }).to_string();
    let verifier = Verifier::builder()
        .issuer(Issuer::new(
            ISSUER,
            AUDIENCE,
            KeySet::from_jwks(&set).unwrap(),
        ))
        .clock(clock().shared())
        .build()
        .unwrap();
    assert!(verifier.verify(&signed(&ec)).is_ok());
    assert!(verifier.verify(&signed(&ed)).is_ok());
}

#[test]
fn one_name_for_two_keys_of_a_kind_leaves_both_out() {
    let (one, two) = (
        EC.clone().with_kid("k"),
        SigningKey::generate(Algorithm::Es256)
            .unwrap()
            .with_kid("k"),
    );
    let third = SigningKey::generate(Algorithm::Es256)
        .unwrap()
        .with_kid("third");
    let jwk = |key: &SigningKey| key.public_jwk().unwrap().clone();
    let set = json!({ "keys": [jwk(&one), jwk(&two), jwk(&third)] }).to_string();
    let set = KeySet::from_jwks(&set).unwrap();
    assert_eq!(set.keys().len(), 1);
    assert!(
        set.skipped()
            .iter()
            .all(|skipped| skipped.reason == KeyError::Ambiguous)
    );
    let twice = json!({ "keys": [jwk(&one), jwk(&one)] }).to_string();
    assert_eq!(
        KeySet::from_jwks(&twice).unwrap().keys().len(),
        1,
        "twice the same is not ambiguous"
    );
    assert!(KeySet::from_keys([one.verifying_key(), two.verifying_key()]).is_err());
}

#[test]
fn a_set_is_read_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    std::fs::write(
        &path,
        json!({ "keys": [EC.public_jwk().unwrap()] }).to_string(),
    )
    .unwrap();
    assert_eq!(KeySet::from_jwks_file(&path).unwrap().keys().len(), 1);
    let missing = KeySet::from_jwks_file(folder.path().join("none")).unwrap_err();
    assert!(matches!(missing, JwtBuildError::Read(..)));
}

/// A set of one odd entry and one sound key.
fn check_odd(entry: &str, reason: &KeyError, kid: Option<&str>) {
    let text = format!(r#"{{"keys":[{entry},{}]}}"#, EC.public_jwk().unwrap());
    let set = KeySet::from_jwks(&text).unwrap();
    assert_eq!(set.keys().len(), 1, "{entry}");
    let [skipped] = set.skipped() else {
        panic!("{:?}", set.skipped());
    };
    assert_eq!((skipped.index, &skipped.reason), (0, reason), "{entry}");
    assert_eq!(skipped.kid.as_deref(), kid, "{entry}");
    let verifier = builder_of(set);
    assert!(verifier.verify(&signed(&EC)).is_ok(), "{entry}");
}

fn builder_of(keys: impl Into<palisade_jwt::IssuerKeys>) -> Verifier {
    Verifier::builder()
        .issuer(Issuer::new(ISSUER, AUDIENCE, keys))
        .clock(clock().shared())
        .build()
        .unwrap()
}

#[test]
fn one_odd_entry_is_left_out_of_a_set_with_its_reason() {
    let deep = format!(
        r#"{{"kid":"deep","x5c":{}1{}}}"#,
        "[".repeat(4000),
        "]".repeat(4000)
    );
    check_odd(
        r#"{"kid":"a","kty":"EC","kty":"EC"}"#,
        &KeyError::DuplicateMember,
        Some("a"),
    );
    check_odd(
        r#"{"kid":"a","x":{"b":1,"b":2}}"#,
        &KeyError::DuplicateMember,
        Some("a"),
    );
    check_odd(&deep, &KeyError::Unreadable, Some("deep"));
    check_odd(r#"{"kid":"a","x":1e400}"#, &KeyError::Unreadable, Some("a"));
    check_odd(
        r#"{"kid":"a","x":"\ud800"}"#,
        &KeyError::Unreadable,
        Some("a"),
    );
    check_odd(r#"{"kid":"\ud800"}"#, &KeyError::Unreadable, None);
    check_odd(r#"{"\ud800":1,"kid":"a"}"#, &KeyError::Unreadable, None);
    check_odd("7", &KeyError::Unreadable, None);
    check_odd("null", &KeyError::Unreadable, None);
    check_odd(r#"[{"kid":"a"}]"#, &KeyError::Unreadable, None);
    check_odd("{}", &KeyError::Malformed, None);
}

#[test]
fn an_entry_that_cannot_be_read_makes_its_name_ambiguous() {
    let key = EC.public_jwk().unwrap();
    for odd in [r#"{"kid":"ec","x":1e400}"#, r#"{"kid":"ec","a":1,"a":2}"#] {
        let text = format!(r#"{{"keys":[{odd},{key}]}}"#);
        assert!(
            matches!(KeySet::from_jwks(&text), Err(JwtBuildError::NoKeys)),
            "{odd}"
        );
    }
}

#[test]
fn a_byte_order_mark_and_odd_members_beside_the_keys_do_not_spoil_a_set() {
    let key = EC.public_jwk().unwrap();
    for text in [
        format!("\u{feff}{{\"keys\":[{key}]}}"),
        format!(r#"{{"x":1e400,"y":"\ud800","z":1,"z":2,"keys":[{key}]}}"#),
    ] {
        assert_eq!(KeySet::from_jwks(&text).unwrap().keys().len(), 1, "{text}");
    }
    for text in [
        format!(r#"{{"keys":[{key}],"keys":[{key}]}}"#),
        format!(r#"{{"keys":[{key}]}} x"#),
        format!("\u{feff}\u{feff}{{\"keys\":[{key}]}}"),
        format!("[{key}]"),
        r#"{"keys":7}"#.to_owned(),
    ] {
        let outcome = KeySet::from_jwks(&text);
        assert!(matches!(outcome, Err(JwtBuildError::NotAKeySet)), "{text}");
    }
}

#[test]
fn without_kid_all_keys_of_the_algorithm_are_tried_up_to_the_bound() {
    let most = KeySet::MAX_TRIED_WITHOUT_KID;
    let keys: Vec<_> = (0..=most)
        .map(|_| SigningKey::generate(Algorithm::EdDsa).unwrap())
        .collect();
    let others = std::iter::repeat_with(|| RSA.verifying_key()).take(1);
    let all = keys.iter().map(SigningKey::verifying_key).chain(others);
    let verifier = builder_of(KeySet::from_keys(all).unwrap());
    let accepted = keys
        .iter()
        .filter(|key| verifier.verify(&signed(key)).is_ok());
    assert_eq!(accepted.count(), most);
    assert!(verifier.verify(&signed(&keys[most - 1])).is_ok());
    assert!(verifier.verify(&signed(&keys[most])).is_err());
    assert!(
        verifier.verify(&signed(&RSA)).is_ok(),
        "another algorithm has its own bound"
    );
}

#[test]
fn a_set_with_keys_that_are_never_tried_is_told_when_it_is_made() {
    let make = |number: usize| {
        let keys: Vec<_> = (0..number)
            .map(|_| {
                SigningKey::generate(Algorithm::EdDsa)
                    .unwrap()
                    .verifying_key()
            })
            .collect();
        crate::secrets::Captured::log_of(|| drop(KeySet::from_keys(keys).unwrap()))
    };
    assert_eq!(make(KeySet::MAX_TRIED_WITHOUT_KID), "");
    let log = make(KeySet::MAX_TRIED_WITHOUT_KID + 1);
    assert!(log.contains("EdDSA") && log.contains("tried=16"), "{log}");
}
