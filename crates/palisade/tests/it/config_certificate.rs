//! Files of the certificate that cannot be used: each error names the line and the key that names the
//! file.

use std::{fs, path::Path};

use palisade::{
    config::{Config, OpenedCertificate},
    core::SystemClock,
};

/// Certificate and key in PEM.
fn pair() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// Opens what a file with these lines after the hosts names.
fn open(
    folder: &Path,
    lines: &str,
) -> Result<OpenedCertificate, palisade::config::ConfigFileError> {
    let file = folder.join("palisade.toml");
    fs::write(&file, format!("[server]\nhosts = ['a.example']\n{lines}")).unwrap();
    Config::read(&file)
        .unwrap()
        .open_certificate(&SystemClock::shared())
}

/// Checks line, key, and a part of the text.
#[track_caller]
fn check(folder: &Path, lines: &str, line: usize, key: &str, part: &str) {
    let error = open(folder, lines).unwrap_err();
    assert_eq!(
        (error.line(), error.key()),
        (Some(line), Some(key)),
        "{error}"
    );
    let text = error.to_string();
    let file = folder.join("palisade.toml");
    let start = format!("{}:{line}: {key}: ", file.display());
    assert!(text.starts_with(&start) && text.contains(part), "{text}");
}

const FILES: &str = "certificate = 'chain.pem'\nkey = 'chain.key'\n";

#[test]
fn certificate_and_key_that_cannot_be_used_are_named_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (chain, key) = pair();
    check(folder.path(), FILES, 3, "server.certificate", "chain.pem");
    fs::write(path("chain.pem"), &chain).unwrap();
    check(folder.path(), FILES, 4, "server.key", "chain.key");
    fs::write(path("chain.key"), "no key").unwrap();
    check(
        folder.path(),
        FILES,
        4,
        "server.key",
        "a private key in PEM",
    );
    fs::write(path("chain.key"), pair().1).unwrap();
    check(
        folder.path(),
        FILES,
        3,
        "server.certificate",
        "does not belong",
    );
    fs::write(path("chain.key"), key).unwrap();
    fs::write(path("chain.pem"), "no certificate").unwrap();
    check(
        folder.path(),
        FILES,
        3,
        "server.certificate",
        "chain in PEM",
    );
    fs::write(path("chain.pem"), chain).unwrap();
    let opened = open(folder.path(), FILES).unwrap();
    assert!(matches!(opened, OpenedCertificate::Files(_)));
}

#[test]
fn files_of_acme_that_cannot_be_used_are_named_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let acme = |lines: &str| {
        format!("[server.acme]\ndomains = ['a.example']\nterms = 'accepted'\n{lines}")
    };
    let root = acme("root = 'root.pem'\n");
    check(folder.path(), &root, 6, "server.acme.root", "root.pem");
    fs::write(
        path("root.pem"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    check(folder.path(), &root, 6, "server.acme.root", "in PEM");
    fs::write(path("root.pem"), pair().0).unwrap();

    let account = acme("root = 'root.pem'\neab_key_id = 'a'\neab_key_file = 'eab.key'\n");
    let key = "server.acme.eab_key_file";
    check(folder.path(), &account, 8, key, "eab.key");
    fs::create_dir(path("eab.key")).unwrap();
    check(folder.path(), &account, 8, key, "not a regular file");
    fs::remove_dir(path("eab.key")).unwrap();
    fs::write(path("eab.key"), "*").unwrap();
    check(folder.path(), &account, 8, key, "base64url");
    fs::write(path("eab.key"), "c2VjcmV0").unwrap();

    let cache = format!("{account}cache = 'file'\n");
    fs::write(path("file"), "").unwrap();
    check(folder.path(), &cache, 9, "server.acme.cache", "file");
    let opened = open(folder.path(), &account).unwrap();
    assert!(matches!(opened, OpenedCertificate::Acme { .. }));
}

#[test]
fn a_misspelled_section_is_an_error_for_tools_that_know_no_application() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("palisade.toml");
    let read = |text: &str| {
        fs::write(&file, text).unwrap();
        Config::read_any(&file)
    };
    let error = read("[server]\nhosts = []\n[tts]\nvoices = 3\n[[limit]]\n").unwrap_err();
    assert_eq!((error.line(), error.key()), (Some(5), Some("limit")));
    assert!(
        error.to_string().contains("did you mean `limits`?"),
        "{error}"
    );
    let config = read("[server]\nhosts = []\n[tts]\nvoices = 3\n[[upstreams]]\n[[upstreams]]\n");
    assert_eq!(config.unwrap().other_sections(), ["tts", "upstreams"]);
}
