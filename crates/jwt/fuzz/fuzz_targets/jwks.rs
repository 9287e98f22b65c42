//! Key sets as an issuer may publish them: no document makes the reader panic, a set of public keys never
//! yields a secret, and the same document yields the same set.

#![no_main]

use libfuzzer_sys::fuzz_target;
use palisade_jwt::{JwksReader, KeySet};

fuzz_target!(|text: &str| {
    let again = KeySet::from_jwks(text).map(|set| format!("{set:?}"));
    if let Ok(set) = KeySet::from_jwks(text) {
        assert_eq!(again.ok(), Some(format!("{set:?}")));
        assert!((1..=100).contains(&set.keys().len()));
        assert!(
            set.keys()
                .all(|key| !key.algorithm().name().starts_with("HS"))
        );
    } else {
        assert!(again.is_err());
    }
    if let Ok(secrets) = JwksReader::new().secrets().read(text) {
        let kinds: Vec<_> = secrets
            .keys()
            .map(|key| key.algorithm().name().starts_with("HS"))
            .collect();
        assert!(
            kinds.iter().all(|secret| *secret == kinds[0]),
            "secrets and public keys side by side"
        );
    }
});
