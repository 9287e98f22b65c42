//! No token and no key in any log, `Debug`, error or answer.

use std::{
    io,
    sync::{Arc, Mutex},
};

use palisade_core::Secret;
use palisade_jwt::{
    Algorithm, Issuer, JwtLayer, KeySet, LiveKeys, Verifier, VerifyingKey,
    introspection::TokenIntrospection, mint::SigningKey,
};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{AUDIENCE, ISSUER, clock, good, request, secret, send};

const CANARY: &str = "canary-of-the-tests-canary-of-the-tests-";

#[derive(Clone, Default)]
pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// Returns what is logged while `run` runs.
    pub(crate) fn log_of(run: impl FnOnce()) -> String {
        let captured = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(captured.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, run);
        String::from_utf8(captured.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[track_caller]
fn check(text: &str) {
    for secret in [CANARY, "eyJ"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    // As numbers, as an array in `Debug` would show it.
    assert!(!text.contains("99, 97, 110, 97, 114, 121"), "{text}");
}

#[test]
fn debug_shows_no_key() {
    let secret = Secret::new(CANARY.as_bytes());
    let key = VerifyingKey::from_secret(Algorithm::Hs256, &secret).unwrap();
    let set = KeySet::from_keys([key.clone()]).unwrap();
    let issuer = Issuer::new(ISSUER, AUDIENCE, set.clone());
    let verifier = Verifier::builder().issuer(issuer.clone());
    check(&format!(
        "{key:?} {set:?} {issuer:?} {verifier:?} {:?}",
        LiveKeys::new(set.clone())
    ));
    let verifier = verifier.build().unwrap();
    check(&format!(
        "{verifier:?} {:?}",
        JwtLayer::new(verifier.clone())
    ));
    check(&format!(
        "{:?}",
        SigningKey::from_secret(Algorithm::Hs256, &secret).unwrap()
    ));
}

#[test]
fn debug_of_introspection_shows_neither_its_credential_nor_what_its_url_hides() {
    let query = format!("https://login.example/introspect?code={CANARY}");
    let user = format!("https://lin:{CANARY}@login.example/introspect");
    for url in [query, user] {
        let builder = TokenIntrospection::builder(url)
            .client("tts", &Secret::new(CANARY.as_bytes()))
            .audience(AUDIENCE);
        let shown = format!("{builder:?}");
        check(&shown);
        assert!(
            shown.contains("https://login.example/introspect"),
            "{shown}"
        );
        check(&format!("{:?}", builder.build()));
    }
}

#[test]
fn debug_shows_no_claim() {
    let key = SigningKey::from_secret(Algorithm::Hs256, &secret(7, 32)).unwrap();
    let token = good().claim("email", CANARY).sign(&key, &clock()).unwrap();
    let claims = crate::support::verifier(&key).verify(&token).unwrap();
    check(&format!("{claims:?}"));
    let wrong = crate::support::verifier(&key)
        .verify(&format!("{token}x"))
        .unwrap_err();
    check(&format!("{wrong:?} {wrong}"));
}

#[tokio::test]
async fn a_refusal_repeats_nothing_of_the_token() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(captured.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let key = SigningKey::from_secret(Algorithm::Hs256, &secret(7, 32)).unwrap();
    let layer = crate::support::layer(&key);
    let tokens = [
        good().claim("iss", CANARY).sign(&key, &clock()).unwrap(),
        good()
            .claim("sub", format!("{CANARY}\n"))
            .sign(&key, &clock())
            .unwrap(),
        good()
            .sign(&key.clone().with_kid(CANARY), &clock())
            .unwrap()
            + "x",
        format!("{CANARY}.{CANARY}.{CANARY}"),
    ];
    for token in tokens {
        let response = send(&layer, request(&token)).await;
        assert_eq!(response.status, 401);
        check(&format!("{} {:?}", response.body, response.headers));
    }
    check(&String::from_utf8(captured.0.lock().unwrap().clone()).unwrap());
}
