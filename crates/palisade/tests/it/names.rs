//! What the facade offers: few names at the root, and every feature of a member crate.

use std::{collections::BTreeSet, fs, path::Path};

/// Reads a file of the workspace.
fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap()
}

/// Returns the types that `lib.rs` exports at the root.
fn root_names() -> BTreeSet<String> {
    let text = read("crates/palisade/src/lib.rs");
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let exports = code.split("pub use ").skip(1);
    let exports = exports.filter_map(|rest| rest.split(';').next());
    let words = exports.flat_map(|export| {
        export
            .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .map(ToOwned::to_owned)
            .collect::<Vec<_>>()
    });
    words
        .filter(|word| word.starts_with(|first: char| first.is_ascii_uppercase()))
        .collect()
}

#[test]
fn the_root_has_at_most_twenty_names() {
    let names = root_names();
    assert!(names.contains("Shield"), "{names:?}");
    assert!(names.len() <= 20, "{} names: {names:?}", names.len());
}

#[test]
fn every_feature_of_a_member_is_reachable_from_the_facade() {
    let facade = read("crates/palisade/Cargo.toml");
    let members = [
        "api-key",
        "audit",
        "core",
        "inspect",
        "jwt",
        "rate-limit",
        "sanitize",
        "transport",
    ];
    let mut checked = 0;
    for member in members {
        let manifest: toml::Table = read(&format!("crates/{member}/Cargo.toml"))
            .parse()
            .unwrap();
        let features = manifest.get("features").and_then(toml::Value::as_table);
        for feature in features.into_iter().flat_map(toml::Table::keys) {
            let forwarded = format!("\"palisade-{member}/{feature}\"");
            assert!(
                facade.contains(&forwarded) || feature == "default",
                "no feature of the facade has {forwarded}"
            );
            checked += 1;
        }
    }
    assert!(checked >= 10, "{checked} features");
}
