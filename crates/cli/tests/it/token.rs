//! `palisade token mint`.

use std::fs;

use palisade_core::Secret;
use palisade_jwt::{Algorithm, Issuer, KeySet, Verifier, VerifyingKey};

use crate::support::Folder;

const WHO: &str = "--issuer https://dev.test --audience tts --subject lin --scope tts:speak";

fn check(issuer: Issuer, token: &str) {
    let claims = Verifier::builder()
        .issuer(issuer)
        .build()
        .unwrap()
        .verify(token)
        .unwrap();
    assert!(claims.scopes().eq(["tts:speak"]));
}

#[test]
fn a_token_of_a_key_pair_is_verified_by_its_key_set() {
    for algorithm in ["EdDSA", "ES256"] {
        let folder = Folder::new();
        let line = format!(
            "token mint --key dev.pem --jwks dev.jwks --kid dev --algorithm {algorithm} {WHO}"
        );
        let tokens = [folder.good(&line), folder.good(&line)];
        let set = folder.text("dev.jwks");
        assert!(!set.contains("\"d\""), "only the public half: {set}");
        for token in tokens {
            let keys = KeySet::from_jwks(&set).unwrap();
            check(Issuer::new("https://dev.test", "tts", keys), &token);
        }
    }
}

#[test]
fn a_token_of_a_secret_is_verified_by_the_text_of_its_file() {
    let folder = Folder::new();
    let token = folder.good(&format!(
        "token mint --key dev.secret --algorithm HS256 {WHO}"
    ));
    let secret = Secret::new(folder.text("dev.secret").trim_end());
    let key = VerifyingKey::from_secret(Algorithm::Hs256, &secret).unwrap();
    check(Issuer::new("https://dev.test", "tts", key), &token);
}

#[cfg(unix)]
#[test]
fn the_key_is_made_for_its_owner_alone_and_refused_if_others_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let line = format!("token mint --key dev.pem {WHO}");
    folder.good(&line);
    assert_eq!(folder.mode("dev.pem"), 0o600);
    fs::set_permissions(folder.path("dev.pem"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(folder.bad(&line).contains("0600"));
}

#[test]
fn the_key_is_never_shown() {
    let folder = Folder::new();
    let ran = folder.run(&format!(
        "token mint --key dev.secret --algorithm HS256 {WHO}"
    ));
    let secret = folder.text("dev.secret");
    assert!(!ran.err.contains(&secret) && !ran.out.contains(&secret));
}

#[test]
fn any_claim_can_be_set() {
    let folder = Folder::new();
    let token = folder.good(&format!(
        "token mint --key dev.pem {WHO} --claim plan=gold --claim level=7 --lifetime 15m"
    ));
    let claims = claims(&token);
    assert_eq!(claims["plan"], "gold");
    assert_eq!(claims["level"], 7);
    assert_eq!(
        claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
        900
    );
}

fn claims(token: &str) -> serde_json::Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let bytes = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).unwrap())
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn check_bad(line: &str, expected: &str) {
    let folder = Folder::new();
    folder.good(&format!("token mint --key dev.pem {WHO}"));
    let problem = folder.bad(&format!("token mint {line} {WHO}"));
    assert!(problem.contains(expected), "{line}: {problem}");
}

#[test]
fn keys_of_another_kind_are_refused() {
    check_bad("--key dev.pem --algorithm ES256", "no key for ES256");
    check_bad("--key dev.pem --algorithm HS256", "PEM");
    check_bad(
        "--key dev.secret --algorithm HS256 --jwks dev.jwks",
        "no public key",
    );
    check_bad("--key dev.pem --algorithm none", "HS256");
    check_bad("--key nowhere/dev.pem", "cannot create nowhere/dev.pem");
    check_bad("--key dev.pem --claim x", "name=value");
}

#[test]
fn a_short_secret_is_refused() {
    let folder = Folder::new();
    let path = folder.path("weak");
    fs::write(&path, "hunter2\n").unwrap();
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let problem = folder.bad(&format!("token mint --key weak --algorithm HS256 {WHO}"));
    assert!(
        problem.contains("weak") && !problem.contains("hunter2"),
        "{problem}"
    );
}
