//! The help texts.

use crate::support::Folder;

fn check(line: &str, expected: &[&str]) {
    let help = Folder::new().good(line);
    for text in expected {
        assert!(help.contains(text), "{text} in:\n{help}");
    }
}

#[test]
fn the_help_of_every_command_has_examples() {
    check(
        "--help",
        &["key", "token", "audit", "cert", "Examples:", "Exit codes"],
    );
    check(
        "key new --help",
        &["Examples:", "--scope", "--expires", "once"],
    );
    check("key list --help", &["Examples:", "--json"]);
    check("key show --help", &["Examples:", "--json", "--redis"]);
    check("key new-pepper --help", &["Example:", "other_peppers"]);
    check(
        "key import --help",
        &["Examples:", "SHA-256", "128 random bits"],
    );
    check("key revoke --help", &["Examples:", "within a second"]);
    check("key disable --help", &["Examples:", "within a second"]);
    check("key enable --help", &["Examples:", "stays revoked"]);
    check("key rotate --help", &["Examples:", "--overlap", "24h"]);
    check("key verify --help", &["Examples:", "--as", "Exit code"]);
    check(
        "token mint --help",
        &["Examples:", "For development", "HS256"],
    );
    check(
        "audit verify --help",
        &["Examples:", "--anchor", "Exit code"],
    );
    check(
        "cert export --help",
        &["Examples:", "--authority", "Exit codes"],
    );
    check(
        "cert issue --help",
        &["Examples:", "--dry-run", "--listen", "Exit codes"],
    );
    check(
        "cert renew --help",
        &["Examples:", "--force", "stays valid", "Exit codes"],
    );
    check(
        "check --help",
        &[
            "Examples:",
            "Exit codes",
            "--probe-limits",
            "never",
            "revoke",
        ],
    );
    check("doctor --help", &["Examples:", "Exit codes", "PAL0015"]);
    check("cert show --help", &["Examples:", "Exit codes"]);
    check("--version", &[env!("CARGO_PKG_VERSION")]);
}

#[test]
fn a_command_alone_shows_its_help_and_fails() {
    for line in ["", "key", "token", "audit", "cert"] {
        let ran = Folder::new().run(line);
        assert_eq!(ran.code, Some(2), "{line}");
        assert!(ran.err.contains("Usage: palisade"), "{}", ran.err);
    }
}

#[test]
fn a_mistyped_command_gets_a_suggestion() {
    assert!(
        Folder::new()
            .bad("key lits --store keys.toml")
            .contains("list")
    );
}
