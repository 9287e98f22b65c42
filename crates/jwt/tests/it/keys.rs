//! Keys as operators bring them.

use palisade_core::Secret;
use palisade_jwt::{
    Algorithm, Issuer, JwtBuildError, KeyError, KeySet, LiveKeys, Verifier, VerifyingKey,
    mint::SigningKey,
};
use serde_json::json;

use crate::support::{
    AUDIENCE, EC, ISSUER, RSA, builder, clock, hmac, secret, signed, status, verifier,
};

/// A public key in PEM as openssl writes it, made for this test and used nowhere else.
const RSA_PEM: &str = include_str!("rsa_public.pem");
const P256_PEM: &str = include_str!("p256_public.pem");
const ED25519_PEM: &str = include_str!("ed25519_public.pem");
/// The same RSA key in PKCS #1.
const RSA_PKCS1_PEM: &str = include_str!("rsa_public_pkcs1.pem");

#[test]
fn every_algorithm_that_can_sign_here_is_verified_here() {
    for algorithm in Algorithm::ALL {
        let Ok(key) = SigningKey::generate(algorithm) else {
            assert_eq!(algorithm, Algorithm::Es512, "verified by the vectors");
            continue;
        };
        let verifier = verifier(&key);
        assert!(verifier.verify(&signed(&key)).is_ok(), "{algorithm}");
        let other = SigningKey::generate(algorithm).unwrap();
        assert!(verifier.verify(&signed(&other)).is_err(), "{algorithm}");
    }
}

#[test]
fn a_public_key_in_pem_is_bound_to_an_algorithm_of_its_kind() {
    for algorithm in Algorithm::ALL {
        let fits = |pem: &str| VerifyingKey::from_pem(algorithm, pem).is_ok();
        let name = algorithm.name();
        assert_eq!(
            fits(RSA_PEM),
            name.starts_with("RS") || name.starts_with("PS"),
            "{name}"
        );
        assert_eq!(fits(P256_PEM), name == "ES256", "{name}");
        assert_eq!(fits(ED25519_PEM), name == "EdDSA", "{name}");
    }
}

#[test]
fn a_private_key_or_no_key_in_pem_is_refused() {
    let label = "PRIVATE KEY";
    let private = format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    assert_eq!(
        VerifyingKey::from_pem(Algorithm::Es256, &private).unwrap_err(),
        KeyError::Private
    );
    for wrong in [
        "",
        "x",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        &format!("{RSA_PEM}{RSA_PEM}"),
    ] {
        assert_eq!(
            VerifyingKey::from_pem(Algorithm::Rs256, wrong).unwrap_err(),
            KeyError::Malformed
        );
    }
}

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
fn one_name_for_keys_of_two_kinds_is_no_riddle() {
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
        "twice the same is no riddle"
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

#[tokio::test]
async fn a_secret_is_rotated_while_the_service_runs() {
    let new = SigningKey::from_secret(Algorithm::Hs256, &secret(8, 32)).unwrap();
    let live = LiveKeys::new(KeySet::from_keys([hmac().verifying_key()]).unwrap());
    let verifier = Verifier::builder()
        .issuer(Issuer::new(ISSUER, AUDIENCE, live.clone()))
        .clock(clock().shared())
        .build()
        .unwrap();
    let layer = palisade_jwt::JwtLayer::new(verifier);
    let (old_token, new_token) = (signed(&hmac()), signed(&new));
    assert_eq!(status(&layer, &old_token).await, 200);
    assert_eq!(status(&layer, &new_token).await, 401);
    live.replace(KeySet::from_keys([hmac().verifying_key(), new.verifying_key()]).unwrap());
    assert_eq!(status(&layer, &old_token).await, 200);
    assert_eq!(status(&layer, &new_token).await, 200);
    live.replace(KeySet::from_keys([new.verifying_key()]).unwrap());
    assert_eq!(
        status(&layer, &old_token).await,
        401,
        "remembered, but its key is gone"
    );
}

#[test]
fn an_unsafe_assembly_is_not_built() {
    let issuer = |name: &str| Issuer::new(name, AUDIENCE, hmac().verifying_key());
    let build = |issuers: Vec<Issuer>| {
        issuers
            .into_iter()
            .fold(Verifier::builder(), |all, one| all.issuer(one))
            .build()
    };
    assert!(build(vec![]).is_err());
    assert!(build(vec![issuer("")]).is_err());
    assert!(build(vec![Issuer::new("a", "", hmac().verifying_key())]).is_err());
    assert!(build(vec![issuer("a"), issuer("b")]).is_err(), "no labels");
    assert!(
        build(vec![issuer("a"), issuer("b").label("x")]).is_err(),
        "one without a label"
    );
    assert!(
        build(vec![issuer("a").label("x"), issuer("b").label("x")]).is_err(),
        "one label"
    );
    assert!(
        build(vec![issuer("a").label("x"), issuer("a").label("y")]).is_err(),
        "one name"
    );
    assert!(
        build(vec![issuer("a").label("x:y"), issuer("b").label("x")]).is_err(),
        "a label that imitates another"
    );
    assert!(build(vec![issuer("a").label("x"), issuer("b").label("y")]).is_ok());
    assert!(
        builder(&hmac())
            .leeway(std::time::Duration::from_secs(301))
            .build()
            .is_err()
    );
    assert!(builder(&hmac()).longest_token(1 << 20).build().is_err());
    assert!(builder(&hmac()).types([""; 0]).build().is_err());
}

fn from_pem(algorithm: Algorithm, pem: &str) -> KeyError {
    VerifyingKey::from_pem(algorithm, pem).unwrap_err()
}

#[test]
fn a_public_key_in_pkcs1_is_accepted_for_its_kind_alone() {
    let key = VerifyingKey::from_pem(Algorithm::Rs256, RSA_PKCS1_PEM).unwrap();
    assert_eq!(key.algorithm(), Algorithm::Rs256);
    assert!(VerifyingKey::from_pem(Algorithm::Ps384, RSA_PKCS1_PEM).is_ok());
    assert_eq!(
        from_pem(Algorithm::Es256, RSA_PKCS1_PEM),
        KeyError::AlgorithmMismatch
    );
    let two = format!("{RSA_PKCS1_PEM}{RSA_PEM}");
    assert_eq!(from_pem(Algorithm::Rs256, &two), KeyError::Malformed);
}

#[test]
fn what_is_no_public_key_in_pem_is_named_with_its_remedy() {
    let certified = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let certificate = certified.cert.pem();
    let chain = certificate.repeat(2);
    for pem in [&certificate, &chain] {
        let problem = from_pem(Algorithm::Es256, pem);
        assert_eq!(problem, KeyError::Certificate);
        assert!(problem.to_string().contains("openssl x509 -pubkey"));
    }
    let section = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    for label in ["ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"] {
        assert_eq!(
            from_pem(Algorithm::Rs256, &section(label)),
            KeyError::Private,
            "{label}"
        );
    }
    let sign = |label: &str| {
        SigningKey::from_pem(Algorithm::Rs256, &Secret::new(section(label))).unwrap_err()
    };
    for label in ["RSA PRIVATE KEY", "EC PRIVATE KEY"] {
        assert_eq!(sign(label), KeyError::NotPkcs8, "{label}");
    }
    assert!(
        KeyError::NotPkcs8
            .to_string()
            .contains("openssl pkcs8 -topk8")
    );
    assert_eq!(sign("ENCRYPTED PRIVATE KEY"), KeyError::Encrypted);
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
