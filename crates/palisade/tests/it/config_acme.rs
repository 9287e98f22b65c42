//! `[server.acme]`: what is read, and what is refused with line, key and remedy.

use palisade::{
    config::{AcmeSettings, CertificateSource, Config},
    server::{ChallengeKind, LETS_ENCRYPT, LETS_ENCRYPT_STAGING},
};

/// Reads a file with one host and these keys of the section.
fn read(server: &str, acme: &str) -> Result<AcmeSettings, String> {
    let text = format!(
        "[server]\nhosts = [\"a.example\", \"b.example:*\"]\n{server}\n[server.acme]\n{acme}"
    );
    let settings = Config::parse(&text).and_then(|config| config.server());
    match settings.map_err(|error| error.to_string())?.certificate {
        CertificateSource::Acme(acme) => Ok(acme),
        other => panic!("{other:?}"),
    }
}

const LEAST: &str = "domains = [\"a.example\"]\nterms = \"accepted\"\n";

#[test]
fn three_lines_are_enough() {
    let acme = read("", LEAST).unwrap();
    assert_eq!(
        (acme.domains, acme.contacts),
        (vec!["a.example".to_owned()], vec![])
    );
    assert_eq!((acme.directory.as_str(), acme.root), (LETS_ENCRYPT, None));
    assert_eq!((acme.cache.to_str(), acme.self_check), (Some("acme"), true));
    assert_eq!(acme.challenge, ChallengeKind::TlsAlpn01);
    assert_eq!((acme.validation_port, acme.external_account), (None, None));
}

#[test]
fn every_key_counts() {
    let all = "domains = [\"A.example\", \"b.example\"]\nterms = \"accepted\"
        contact = [\"ops@a.example\"]\ndirectory = \"letsencrypt-staging\"\nroot = \"ca.pem\"
        cache = \"/var/cache/acme\"\nchallenge = \"http-01\"\nvalidation_port = 5002
        self_check = false\neab_key_id = \"kid\"\neab_key_file = \"eab.key\"";
    let acme = read("http = \"0.0.0.0:80\"", all).unwrap();
    assert_eq!(acme.domains, ["A.example", "b.example"]);
    assert_eq!(acme.directory, LETS_ENCRYPT_STAGING);
    assert_eq!(acme.root.unwrap().to_str(), Some("ca.pem"));
    assert_eq!(acme.cache.to_str(), Some("/var/cache/acme"));
    assert_eq!(
        (acme.challenge, acme.validation_port),
        (ChallengeKind::Http01, Some(5002))
    );
    assert!(!acme.self_check);
    assert_eq!(
        acme.external_account.unwrap(),
        ("kid".to_owned(), "eab.key".into())
    );
    let other = format!("{LEAST}directory = \"https://ca.internal/acme\"");
    assert_eq!(
        read("", &other).unwrap().directory,
        "https://ca.internal/acme"
    );
}

#[track_caller]
fn check(server: &str, acme: &str, key: &str, remedy: &str) {
    let error = read(server, acme).unwrap_err();
    assert!(error.starts_with("configuration:"), "{error}");
    assert!(error.contains(key) && error.contains(remedy), "{error}");
}

#[test]
fn settings_that_cannot_work_are_errors_with_a_remedy() {
    check(
        "",
        "domains = [\"a.example\"]",
        "server.acme",
        "terms = \"accepted\"",
    );
    check("", "domains = [\"a.example\"]\nterms = true", "terms", "");
    check(
        "",
        "domains = [\"a.example\"]\nterms = \"yes\"",
        "server.acme.terms",
        "accepted",
    );
    check(
        "",
        "domains = [\"c.example\"]\nterms = \"accepted\"",
        "domains",
        "add it to `hosts`",
    );
    let with = |line: &str| format!("{LEAST}{line}");
    check(
        "",
        &with("challenge = \"http-01\""),
        "challenge",
        "0.0.0.0:80",
    );
    check(
        "",
        &with("challenge = \"dns-01\""),
        "challenge",
        "tls-alpn-01",
    );
    check(
        "",
        &with("directory = \"http://ca/\""),
        "directory",
        "https",
    );
    check(
        "",
        &with("eab_key_id = \"a\""),
        "eab_key_id",
        "eab_key_file",
    );
    check(
        "",
        &with("eab_key_file = \"a\""),
        "eab_key_file",
        "eab_key_id",
    );
    check("", &with("domain = \"a\""), "domain", "");
    let files = "certificate = \"a.pem\"\nkey = \"a.key\"";
    check(files, LEAST, "server.certificate", "remove");
    check(
        "acme_webroot = \"/var/www\"",
        LEAST,
        "acme_webroot",
        "remove",
    );
    check(
        "development_authority = \"tls\"",
        LEAST,
        "development_authority",
        "remove",
    );
}

#[test]
fn a_missing_file_is_an_error_before_the_first_order() {
    let acme = read("", &format!("{LEAST}root = \"missing.pem\"")).unwrap();
    let error = acme
        .open(palisade::core::SystemClock::shared())
        .unwrap_err();
    assert!(error.to_string().contains("missing.pem"), "{error}");
}

/// A certificate for an address (RFC 8738): `hosts` has IPv6 in brackets, a certificate has not.
#[test]
fn addresses_may_be_ordered_if_they_are_served() {
    let read = |hosts: &str, domains: &str| -> Result<Vec<String>, String> {
        let text = format!(
            "[server]\nhosts = {hosts}\n[server.acme]\nterms = \"accepted\"\ndomains = {domains}"
        );
        let config = Config::parse(&text).map_err(|error| error.to_string())?;
        match config
            .server()
            .map_err(|error| error.to_string())?
            .certificate
        {
            CertificateSource::Acme(acme) => Ok(acme.domains),
            other => panic!("{other:?}"),
        }
    };
    let hosts = r#"["203.0.113.7", "[2001:db8::7]"]"#;
    let domains = r#"["203.0.113.7", "2001:db8::7"]"#;
    assert_eq!(
        read(hosts, domains).unwrap(),
        ["203.0.113.7", "2001:db8::7"]
    );
    let not_served = read(hosts, r#"["203.0.113.8"]"#).unwrap_err();
    assert!(
        not_served.contains("`203.0.113.8` is not served"),
        "{not_served}"
    );
}
