//! `palisade cert`: the certificate of a configuration. Orders are tested with pebble, in
//! `palisade-transport`.

use std::fs;

use crate::support::Folder;

/// Writes a configuration whose authority is not there. Returns the folder.
fn folder(acme: &str) -> Folder {
    let folder = Folder::new();
    let text = format!(
        "[server]\nhosts = [\"voice.example\"]\nhttp = \"127.0.0.1:80\"\n[tts]\nvoice = \"x\"\n{acme}"
    );
    fs::write(folder.path("server.toml"), text).unwrap();
    folder
}

const AWAY: &str = "[server.acme]\ndomains = [\"voice.example\"]\nterms = \"accepted\"
directory = \"https://127.0.0.1:1/dir\"\nself_check = false\nchallenge = \"http-01\"\n";

#[test]
fn a_certificate_that_is_not_issued_yet_is_shown_as_missing() {
    let ran = folder(AWAY).run("cert show --config server.toml");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    for expected in [
        "voice.example",
        "none that is valid now",
        "https://127.0.0.1:1/dir",
    ] {
        assert!(ran.out.contains(expected), "{}", ran.out);
    }
}

#[test]
fn an_unreachable_authority_has_exit_code_1_and_is_recorded() {
    let folder = folder(AWAY);
    let ran = folder.run("cert issue --config server.toml --listen 127.0.0.1:0");
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{}", ran.err);
    assert!(
        ran.err.contains("the authority cannot be reached"),
        "{}",
        ran.err
    );
    let again = folder.run("cert issue --config server.toml");
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("no order before"), "{}", again.err);
    let shown = folder.run("cert show --config server.toml");
    assert!(
        shown.out.contains("failures") && shown.out.contains("problem"),
        "{}",
        shown.out
    );
}

#[test]
fn a_dry_run_needs_a_staging_directory() {
    let folder = folder(AWAY);
    let output = folder.bad("cert issue --config server.toml --dry-run");
    assert!(output.contains("--directory"), "{output}");
    let ran =
        folder.run("cert issue --config server.toml --dry-run --directory https://127.0.0.1:1/x");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
}

#[test]
fn a_configuration_without_authority_or_with_a_mistake_is_reported() {
    let output = folder("").bad("cert issue --config server.toml");
    assert!(output.contains("there is no [server.acme]"), "{output}");
    let output = folder(&AWAY.replace("accepted", "no")).bad("cert show --config server.toml");
    assert!(
        output.contains("server.toml:") && output.contains("terms"),
        "{output}"
    );
    let output = folder(AWAY).bad("cert show --config missing.toml");
    assert!(output.contains("missing.toml"), "{output}");
}

#[test]
fn a_certificate_is_exported_without_its_key_and_over_no_other_file() {
    let folder = Folder::new();
    let made = rcgen::generate_simple_self_signed(["voice.example".to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let chain = chain.replace("\r\n", "\n");
    fs::write(folder.path("both.pem"), format!("{key}{chain}")).unwrap();
    let text =
        "[server]\nhosts = [\"voice.example\"]\ncertificate = \"both.pem\"\nkey = \"both.pem\"\n";
    fs::write(folder.path("server.toml"), text).unwrap();
    let ran = folder.run("cert export --config server.toml");
    assert_eq!(
        (ran.code, ran.out.trim()),
        (Some(0), chain.trim()),
        "{}",
        ran.err
    );
    let command = "cert export --config server.toml --output out.pem";
    assert_eq!(folder.run(command).code, Some(0));
    assert_eq!(
        fs::read_to_string(folder.path("out.pem")).unwrap().trim(),
        chain.trim()
    );
    let output = folder.bad(command);
    assert!(output.contains("out.pem"), "{output}");
}

#[test]
fn the_development_authority_is_exported_where_the_file_names_no_certificate() {
    let folder = folder("");
    let output = folder.bad("cert export --config server.toml");
    assert!(output.contains("tls/ca.pem"), "{output}");
    let made = rcgen::generate_simple_self_signed(["authority".to_owned()]).unwrap();
    fs::create_dir(folder.path("tls")).unwrap();
    fs::write(folder.path("tls/ca.pem"), made.cert.pem()).unwrap();
    for command in [
        "cert export --config server.toml",
        "cert export --authority tls",
    ] {
        let ran = folder.run(command);
        assert!(
            ran.out.contains("BEGIN CERTIFICATE"),
            "{command}: {}",
            ran.err
        );
    }
    fs::write(folder.path("tls/ca.pem"), "no certificate").unwrap();
    assert_eq!(folder.run("cert export --authority tls").code, Some(1));
    let pending = self::folder(AWAY).run("cert export --config server.toml");
    assert_eq!(pending.code, Some(1), "{}", pending.err);
}

#[test]
fn a_renewal_asks_the_authority_and_keeps_to_its_waits() {
    let folder = folder(AWAY);
    let ran = folder.run("cert renew --config server.toml --force --listen 127.0.0.1:0");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(
        ran.err.contains("the authority cannot be reached"),
        "{}",
        ran.err
    );
    let again = folder.run("cert renew --config server.toml --force");
    assert!(again.err.contains("no order before"), "{}", again.err);
    let output = self::folder("").bad("cert renew --config server.toml");
    assert!(output.contains("there is no [server.acme]"), "{output}");
}
