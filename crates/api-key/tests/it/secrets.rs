//! Canaries: no key, digest or pepper may be found in anything that is shown or logged.

use std::{
    io,
    sync::{Arc, Mutex},
};

use palisade_api_key::{ApiKeyLayer, FileKeyStore, KeyScheme, Pepper};
use palisade_core::Guard as _;
use tempfile::TempDir;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{MINUTE, NOW, Stand, ask, ask_from, id_of, live, with_header, with_uri};

/// Keeps everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Runs something and returns all that it logged, at every level.
fn logged(run: impl FnOnce()) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, run);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn check_silent(shown: &str, canaries: &[&str]) {
    for canary in canaries {
        assert!(!shown.contains(canary), "{canary} in {shown}");
    }
}

#[test]
fn debug_output_holds_no_key_digest_or_pepper() {
    let pepper = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let stand = Stand {
        scheme: KeyScheme::new(Pepper::from_bytes(pepper.as_bytes()).unwrap()),
        ..Stand::new()
    };
    let minted = stand.mint(live());
    let rotated = stand
        .scheme
        .rotate(minted.record(), NOW + MINUTE, NOW)
        .unwrap();
    let presented = stand.scheme.present(minted.key().as_bytes()).unwrap();
    let parsed = stand
        .scheme
        .format()
        .parse(minted.key().as_bytes())
        .unwrap();
    let shown = format!(
        "{minted:#?} {rotated:?} {presented:?} {parsed:?} {:?} {:?} {:?} {:?}",
        stand.scheme,
        stand.store,
        stand.layer(),
        stand.builder(),
    );
    let digest = minted.record().digest().to_text();
    let (_, digest) = digest.split_once(':').unwrap();
    let secret = |key: &str| key.split('_').nth(3).unwrap().to_owned();
    check_silent(
        &shown,
        &[
            pepper,
            digest,
            &secret(minted.key()),
            &secret(rotated.key()),
        ],
    );
    assert_eq!(stand.layer().name(), "authenticate");
}

#[test]
fn no_log_line_and_no_response_holds_a_key() {
    let stand = Stand::new();
    let key = stand.key();
    let bound = stand
        .mint(live().networks(["203.0.113.0/24".parse().unwrap()]))
        .key()
        .to_owned();
    let revoked = stand.key();
    stand.store.revoke(id_of(&revoked), NOW).unwrap();
    let foreign = Stand::new().key();
    let mut responses = String::new();
    let log = logged(|| {
        tracing::info!("a control line");
        for key in [&key, &bound, &revoked, &foreign] {
            let layer = || {
                stand
                    .builder()
                    .dangerously_accept_query_parameter("api_key")
                    .build()
                    .unwrap()
            };
            let mut twice = with_header("x-api-key", key);
            twice
                .headers_mut()
                .append("x-api-key", key.as_str().try_into().unwrap());
            let requests = [
                with_header("x-api-key", key),
                with_header("x-api-key", format!("{key}x")),
                with_header("authorization", format!("Bearer {key}")),
                with_uri(&format!("/?api_key={key}")),
                with_uri(&format!("/?api_key={key}&api_key={key}")),
                twice,
            ];
            for request in requests {
                let response = ask(layer(), request.clone());
                responses += &format!("{response:?}");
                responses += &format!("{:?}", ask_from(Some("203.0.113.1"), layer(), request));
            }
        }
    });
    assert!(
        log.contains("a control line"),
        "the log was captured: {log}"
    );
    for key in [&key, &bound, &revoked, &foreign] {
        let secret = key.split('_').nth(3).unwrap();
        check_silent(&log, &[secret]);
        check_silent(&responses, &[secret]);
    }
}

#[test]
fn a_reload_logs_neither_keys_nor_digests() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.toml");
    FileKeyStore::create(&path).unwrap();
    let stand = Stand::new();
    let minted = stand.mint(live());
    let digest = minted.record().digest().to_text();
    let (_, digest) = digest.split_once(':').unwrap();
    let log = logged(|| {
        let store = FileKeyStore::open(&path).unwrap();
        store
            .update(|table| table.insert(minted.record().clone()))
            .unwrap();
        let broken = std::fs::read_to_string(&path)
            .unwrap()
            .replace("digest = \"", &format!("x = \"{}\"", minted.key()));
        std::fs::write(&path, broken).unwrap();
        let _ = store.refresh();
        let layer = ApiKeyLayer::new(stand.scheme.clone(), store);
        let _ = ask(layer, with_header("x-api-key", minted.key()));
    });
    assert!(log.contains("the key file cannot be read"), "{log}");
    check_silent(&log, &[digest, minted.key().split('_').nth(3).unwrap()]);
}
