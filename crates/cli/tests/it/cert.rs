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
