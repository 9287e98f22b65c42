//! `palisade doctor`: each finding is made where the fault is, and not made where it is not.

use std::{fs, os::unix::fs::PermissionsExt as _};

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::Value;

use crate::support::Folder;

/// A configuration in which nothing is to be found, with its files.
const GOOD: &str = r#"
[server]
hosts = ["localhost:8443"]
https = "127.0.0.1:8443"
certificate = "chain.pem"
key = "key.pem"
[server.limits]
connections = 64
[keys]
file = "keys.toml"
pepper = "pepper"
[audit]
file = "audit/audit.jsonl"
[[limits]]
name = "client"
rate = "60/minute"
"#;

/// Makes the good configuration with a certificate for some days.
pub(crate) fn good(days: i64) -> Folder {
    let folder = Folder::new();
    folder.good("key new --store keys.toml --pepper pepper --scope a");
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = time::OffsetDateTime::now_utc() + time::Duration::days(days);
    let certificate = params.self_signed(&key).unwrap();
    fs::write(folder.path("chain.pem"), certificate.pem()).unwrap();
    private(&folder, "key.pem", &key.serialize_pem());
    fs::write(folder.path("palisade.toml"), GOOD).unwrap();
    folder
}

fn private(folder: &Folder, name: &str, content: &str) {
    fs::write(folder.path(name), content).unwrap();
    mode(folder, name, 0o600);
}

pub(crate) fn mode(folder: &Folder, name: &str, mode: u32) {
    fs::set_permissions(folder.path(name), fs::Permissions::from_mode(mode)).unwrap();
}

/// Adds lines at the end of the configuration.
pub(crate) fn add(folder: &Folder, lines: &str) {
    let text = folder.text("palisade.toml");
    fs::write(folder.path("palisade.toml"), format!("{text}\n{lines}\n")).unwrap();
}

/// Replaces a text of the configuration.
fn replace(folder: &Folder, from: &str, to: &str) {
    let text = folder.text("palisade.toml");
    assert!(text.contains(from), "{from}");
    fs::write(folder.path("palisade.toml"), text.replace(from, to)).unwrap();
}

/// The findings, as number and text.
pub(crate) fn findings(folder: &Folder) -> Vec<(String, String)> {
    let ran = folder.run("doctor --config palisade.toml --json");
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
    let list = report["findings"].as_array().unwrap();
    assert_eq!(ran.code, Some(i32::from(!list.is_empty())));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list.iter()
        .map(|one| (text(&one["number"]), text(&one["text"])))
        .collect()
}

/// Checks that a change of the good configuration has this one finding.
#[track_caller]
pub(crate) fn check(number: &str, expected: &str, change: impl FnOnce(&Folder)) {
    let folder = good(90);
    change(&folder);
    let found = findings(&folder);
    let numbers: Vec<&str> = found.iter().map(|(number, _)| number.as_str()).collect();
    assert_eq!(numbers, [number], "{found:?}");
    assert!(found[0].1.contains(expected), "{}", found[0].1);
}

#[test]
fn a_good_configuration_has_no_finding() {
    let folder = good(90);
    assert_eq!(findings(&folder), []);
    let ran = folder.run("doctor --config palisade.toml");
    assert!(ran.err.contains("nothing was found"), "{}", ran.err);
    assert!(!folder.path("audit").exists(), "nothing is created");
}

#[test]
fn sections_of_an_application_are_named_and_misspelled_ones_refused() {
    let folder = good(90);
    add(&folder, "[speech]\nvoices = 3");
    assert_eq!(findings(&folder), []);
    let ran = folder.run("doctor --config palisade.toml");
    assert!(ran.err.contains("not checked here: speech,"), "{}", ran.err);
    add(&folder, "[[limit]]\nname = \"notes\"");
    for command in ["doctor", "cert show"] {
        let error = folder.bad(&format!("{command} --config palisade.toml"));
        assert!(
            error.contains("did you mean `limits`?"),
            "{command}: {error}"
        );
    }
}

#[test]
fn parts_that_are_missing_are_found() {
    check("PAL0001", "[audit]", |folder| {
        replace(folder, "[audit]\nfile = \"audit/audit.jsonl\"\n", "");
    });
    check("PAL0002", "[[limits]]", |folder| {
        replace(
            folder,
            "[[limits]]\nname = \"client\"\nrate = \"60/minute\"\n",
            "",
        );
    });
    check("PAL0003", "client.proxies", |folder| {
        let halves =
            "[client]\nproxies = [\"0.0.0.0/1\", \"128.0.0.0/1\"]\nheader = \"X-Forwarded-For\"";
        add(folder, halves);
    });
}

#[test]
fn the_checks_of_the_server_have_the_same_numbers() {
    check("PAL0007", "other.example", |folder| {
        replace(
            folder,
            "\"localhost:8443\"",
            "\"localhost:8443\", \"other.example\"",
        );
    });
    check("PAL0008", "port 8443", |folder| {
        replace(folder, "\"localhost:8443\"", "\"localhost\"");
    });
}

#[test]
fn a_missing_file_is_found_with_its_line() {
    check("PAL0014", "palisade.toml:10: keys.file", |folder| {
        fs::remove_file(folder.path("keys.toml")).unwrap();
    });
    check("PAL0014", "server.certificate", |folder| {
        fs::write(folder.path("chain.pem"), "no certificate").unwrap();
    });
}

#[test]
fn a_secret_that_others_read_is_found() {
    check("PAL0015", "keys.pepper", |folder| {
        mode(folder, "pepper", 0o640)
    });
    check("PAL0015", "server.key", |folder| {
        mode(folder, "key.pem", 0o644)
    });
}

#[test]
fn a_short_secret_is_found() {
    check("PAL0016", "keys.pepper", |folder| {
        private(folder, "pepper", "short\n")
    });
}

#[test]
fn a_certificate_near_its_end_is_found() {
    let found = findings(&good(5));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "PAL0017");
    assert_eq!(findings(&good(20)), []);
}

#[test]
fn hsts_that_is_never_sent_is_found() {
    check("PAL0013", "headers.hsts_days", |folder| {
        replace(folder, "https = \"127.0.0.1:8443\"\n", "");
        add(folder, "[headers]\nhsts_days = 30");
    });
}

#[test]
fn a_store_that_does_not_respond_is_found_and_its_password_is_not_shown() {
    let folder = good(90);
    private(&folder, "hash", "0123456789abcdef0123456789abcdef");
    // Port 1 of this machine refuses.
    let section = "[redis]\nurl = \"redis://user:very-secret@127.0.0.1:1\"\nhash_key = \"hash\"";
    add(&folder, section);
    let found = findings(&folder);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "PAL0019");
    assert!(found[0].1.contains("palisade.toml:"), "{}", found[0].1);
    assert!(!found[0].1.contains("very-secret"), "{}", found[0].1);
}

#[test]
fn an_address_that_this_machine_does_not_have_is_found() {
    check("PAL0023", "192.0.2.7", |folder| {
        replace(folder, "127.0.0.1:8443", "192.0.2.7:8443");
    });
}

#[test]
fn more_connections_than_file_descriptors_are_found() {
    check("PAL0021", "LimitNOFILE=", |folder| {
        replace(folder, "connections = 64", "connections = 900000000");
    });
}

#[test]
fn what_is_accepted_is_not_reported() {
    let folder = good(5);
    for code in ["PAL0017", "certificate-near-end"] {
        folder.good(&format!("doctor --config palisade.toml --accept {code}"));
    }
    let unknown = folder.bad("doctor --config palisade.toml --accept no-such-code");
    assert!(unknown.contains("no-such-code"));
}

#[test]
fn a_configuration_that_cannot_be_read_is_no_finding() {
    let folder = good(90);
    add(&folder, "[server.no_such_key]");
    assert!(
        folder
            .bad("doctor --config palisade.toml")
            .contains("no_such_key")
    );
    folder.bad("doctor --config missing.toml");
}

#[test]
fn a_clock_that_differs_from_the_source_is_found() {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread,
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let date = "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
            let _ = write!(stream, "HTTP/1.1 200 OK\r\n{date}Content-Length: 0\r\n\r\n");
        }
    });
    let folder = good(90);
    let line = format!("doctor --config palisade.toml --time-source http://{address}");
    let ran = folder.run(&line);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.out.starts_with("PAL0020 clock-skew: "), "{}", ran.out);
}
