//! What holds for every token.

use std::sync::LazyLock;

use palisade_jwt::{Algorithm, KeySet, Verifier, mint::SigningKey};
use proptest::prelude::*;

use crate::support::{claims, header, hmac, signed, verified, verified_text, verifier};

static KEYS: LazyLock<Vec<(Verifier, String)>> = LazyLock::new(|| {
    let made = |algorithm| SigningKey::generate(algorithm).unwrap();
    [
        hmac(),
        made(Algorithm::Es256),
        made(Algorithm::EdDsa),
        made(Algorithm::Ps256),
        made(Algorithm::Rs256),
    ]
    .iter()
    .map(|key| (verifier(key), signed(key)))
    .collect()
});

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::hash_map("[a-z]{1,4}", inner, 0..4)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_change_of_one_character_is_refused(which in 0..5_usize, place in any::<prop::sample::Index>(), put in any::<char>()) {
        let (verifier, token) = &KEYS[which];
        let mut changed: Vec<char> = token.chars().collect();
        let place = place.index(changed.len());
        prop_assume!(changed[place] != put);
        changed[place] = put;
        prop_assert!(verifier.verify(&changed.iter().collect::<String>()).is_err());
    }

    #[test]
    fn any_character_left_out_or_put_in_is_refused(which in 0..5_usize, place in any::<prop::sample::Index>(), put in "[A-Za-z0-9_.=-]") {
        let (verifier, token) = &KEYS[which];
        let place = place.index(token.len());
        let mut shorter = token.clone();
        shorter.remove(place);
        prop_assert!(verifier.verify(&shorter).is_err());
        let mut longer = token.clone();
        longer.insert_str(place, &put);
        prop_assert!(verifier.verify(&longer).is_err());
    }

    #[test]
    fn no_text_is_a_token(text in "\\PC{0,200}") {
        prop_assert!(KEYS[0].0.verify(&text).is_err());
    }

    #[test]
    fn no_three_parts_by_chance_are_a_token(text in "[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}") {
        prop_assert!(KEYS[0].0.verify(&text).is_err());
    }

    // Signed by the right key, so that the parsers see what they would never see from outside.
    #[test]
    fn no_signed_text_makes_it_panic(head in "\\PC{0,60}", body in "\\PC{0,60}") {
        let _ = verified_text(&head, &body);
    }

    #[test]
    fn a_registered_claim_of_any_shape_is_read_or_refused(name in prop::sample::select(vec!["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "scope", "scp"]), value in json()) {
        let mut claims = claims();
        claims[name] = value;
        let _ = verified(&header(), &claims);
    }

    #[test]
    fn a_header_member_of_any_shape_is_read_or_refused(name in prop::sample::select(vec!["alg", "typ", "kid", "crit", "cty", "zip", "b64"]), value in json()) {
        let mut header = header();
        header[name] = value;
        if let Ok(claims) = verified(&header, &claims()) {
            prop_assert_eq!(header["alg"].as_str(), Some("HS256"));
            prop_assert_eq!(claims.subject(), Some("lin"));
        }
    }

    #[test]
    fn no_document_makes_the_reader_of_sets_panic(value in json(), text in "\\PC{0,80}") {
        let _ = KeySet::from_jwks(&text);
        let _ = KeySet::from_jwks(&serde_json::json!({ "keys": [value] }).to_string());
    }
}
