//! The certificate for a handshake: whatever a client sends as its first message, and whatever host it
//! names, the certificate covers that host or is the first one, and the spelling does not matter.

#![no_main]

use std::{io::Cursor, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use palisade_transport::server::Certificates;
use rustls::server::Acceptor;

static ALL: LazyLock<Vec<Certificates>> = LazyLock::new(|| {
    let names = ["first.example", "*.voice.example", "tts.voice.example"];
    names.map(certificate).into()
});

fn certificate(name: &str) -> Certificates {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    let key = made.signing_key.serialize_pem();
    Certificates::from_pem(made.cert.pem().as_bytes(), key.as_bytes()).expect("they fit")
}

// The bytes are the first message of a client, and as a text the name that it sends.
fuzz_target!(|sent: &[u8]| {
    let mut acceptor = Acceptor::default();
    let read = acceptor.read_tls(&mut Cursor::new(sent));
    if read.is_ok()
        && let Ok(Some(accepted)) = acceptor.accept()
    {
        check(accepted.client_hello().server_name());
    }
    if let Ok(text) = std::str::from_utf8(sent) {
        check(Some(text));
    }
});

/// Checks which certificate is shown to a client that names this host.
fn check(host: Option<&str>) {
    let shown = names(host);
    let Some(host) = host else {
        assert_eq!(shown, ["first.example"]);
        return;
    };
    assert_eq!(shown, names(Some(&host.to_ascii_uppercase())), "{host}");
    let lower = host.to_ascii_lowercase();
    match shown[0].as_str() {
        "tts.voice.example" => assert_eq!(lower.trim_matches(['[', ']']), "tts.voice.example"),
        "*.voice.example" => {
            let label = lower.trim_matches(['[', ']']).strip_suffix(".voice.example");
            let label = label.expect("it ends with the name");
            assert!(!label.is_empty() && !label.contains('.'), "{host}");
            assert_ne!(lower, "tts.voice.example");
        }
        first => {
            assert_eq!(first, "first.example");
            assert!(ALL[1..].iter().all(|other| !other.covers(host)), "{host}");
        }
    }
}

fn names(host: Option<&str>) -> Vec<String> {
    Certificates::for_host(&ALL, host).expect("there are three").names()
}
