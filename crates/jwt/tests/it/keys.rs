//! Keys as operators bring them.

use palisade_core::Secret;
use palisade_jwt::{
    Algorithm, Issuer, KeyError, KeySet, LiveKeys, Verifier, VerifyingKey, mint::SigningKey,
};

use crate::support::{AUDIENCE, ISSUER, builder, clock, hmac, secret, signed, status, verifier};

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
