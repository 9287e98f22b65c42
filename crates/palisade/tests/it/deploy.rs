//! The unit of systemd and the file for a container image in `docs/deploy`.

use std::{fs, path::PathBuf, process::Command};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/deploy")
        .join(name)
}

/// `None`, with a message, where the program is not installed.
#[allow(clippy::print_stderr)]
fn analyze(arguments: &[&str], unit: &str) -> Option<(bool, String)> {
    let command = Command::new("systemd-analyze")
        .args(arguments)
        .arg(file(unit))
        .output();
    let Ok(output) = command else {
        eprintln!("SKIPPED: systemd-analyze is not installed (apt-get install systemd)");
        return None;
    };
    let text = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8(text).unwrap()))
}

/// The threshold is in tenths.
#[test]
fn the_unit_of_the_book_has_the_exposure_that_the_book_says() {
    let arguments = ["security", "--offline=yes", "--threshold=17"];
    let Some((is_below, text)) = analyze(&arguments, "palisade-gateway.service") else {
        return;
    };
    assert!(is_below, "{text}");
    let page = fs::read_to_string(file("../src/deploy/service.md")).unwrap();
    assert!(page.contains("exposure of **1.7**"));
}

#[test]
fn the_units_of_the_book_have_no_unknown_setting() {
    for unit in ["palisade-gateway.service", "palisade-gateway.socket"] {
        let Some((_, text)) = analyze(&["verify"], unit) else {
            return;
        };
        for mistake in ["Unknown", "Failed to parse", "Invalid", "ignoring"] {
            assert!(!text.contains(mistake), "{unit}: {text}");
        }
    }
}

/// No program that builds images is needed to see these.
#[test]
fn the_image_has_no_root_and_only_what_the_program_needs() {
    let text = fs::read_to_string(file("Containerfile")).unwrap();
    let stages: Vec<&str> = text.split("\nFROM ").skip(1).collect();
    let last = stages.last().unwrap();
    assert_eq!(stages.len(), 2);
    assert!(
        last.contains("\nUSER 65532:65532\n") && !last.contains("\nRUN "),
        "{last}"
    );
    assert!(
        stages[0].contains("cargo build --locked --release --package palisade-cli --bin palisade")
    );
    let manifest = file("../../crates/cli/Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    assert!(
        manifest.contains("name = \"palisade-cli\"") && manifest.contains("name = \"palisade\"")
    );
    let toolchain = fs::read_to_string(file("../../Cargo.toml")).unwrap();
    assert!(toolchain.contains("rust-version = \"1.95\"") && text.contains("rust:1.95-"));
}
