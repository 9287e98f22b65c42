//! The examples of RFC 7520, where the copy beside the checkout is there.

use std::{fs, path::PathBuf};

use palisade_jwt::{InvalidToken, JwksReader, VerifyingKey};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/fetched/jose-cookbook")
}

fn example(name: &str) -> Option<Value> {
    let Ok(text) = fs::read_to_string(folder().join(name)) else {
        eprintln!("skipped: {name} is not beside this checkout");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// The key as a publisher would show it: without its private half, bound to the example's algorithm.
fn key(example: &Value) -> VerifyingKey {
    let mut key = example["input"]["key"].clone();
    key["alg"] = example["input"]["alg"].clone();
    for private in ["d", "p", "q", "dp", "dq", "qi"] {
        key.as_object_mut().unwrap().remove(private);
    }
    let set = JwksReader::new()
        .secrets()
        .read(&json!({ "keys": [key] }).to_string())
        .unwrap();
    set.keys().next().unwrap().clone()
}

#[track_caller]
fn check(name: &str) {
    let Some(example) = example(name) else {
        return;
    };
    let key = key(&example);
    let payload = key
        .verify_signature(example["output"]["compact"].as_str().unwrap())
        .unwrap();
    assert_eq!(
        payload,
        example["input"]["payload"].as_str().unwrap().as_bytes()
    );
    for form in ["json", "json_flat"] {
        let outcome = key.verify_signature(&example["output"][form].to_string());
        assert!(
            matches!(outcome, Err(InvalidToken::Shape | InvalidToken::Base64)),
            "{form}: {outcome:?}"
        );
    }
}

#[test]
fn rs256_of_the_cookbook_verifies_and_its_json_forms_do_not() {
    check("4_1.rsa_v15_signature.json");
}

#[test]
fn ps384_of_the_cookbook_verifies_and_its_json_forms_do_not() {
    check("4_2.rsa-pss_signature.json");
}

#[test]
fn es512_of_the_cookbook_verifies_and_its_json_forms_do_not() {
    check("4_3.ecdsa_signature.json");
}

#[test]
fn hs256_of_the_cookbook_verifies_and_its_json_forms_do_not() {
    check("4_4.hmac-sha2_integrity_protection.json");
}
