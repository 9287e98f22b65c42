//! What each published package has, so that crates.io and docs.rs show it well.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn published() -> Vec<(PathBuf, toml::Table)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folders = fs::read_dir(crates)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let manifests = folders.map(|folder| {
        let text = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        (folder, text.parse::<toml::Table>().unwrap())
    });
    manifests
        .filter(|(_, manifest)| manifest["package"].get("publish").is_none())
        .collect()
}

fn text(value: &toml::Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn every_package_has_what_a_registry_shows() {
    for (folder, manifest) in published() {
        let package = &manifest["package"];
        let name = text(&package["name"]);
        for key in ["version", "license", "repository", "rust-version"] {
            assert!(
                package[key]["workspace"].as_bool().unwrap(),
                "{name}: {key}"
            );
        }
        assert!(text(&package["description"]).ends_with('.'), "{name}");
        assert_eq!(
            text(&package["documentation"]),
            format!("https://docs.rs/{name}")
        );
        let keywords = package["keywords"].as_array().unwrap();
        assert!((1..=5).contains(&keywords.len()), "{name}: {keywords:?}");
        assert!(keywords.iter().all(|word| text(word).len() <= 20), "{name}");
        assert!(
            !package["categories"].as_array().unwrap().is_empty(),
            "{name}"
        );
        let readme = fs::read_to_string(folder.join(text(&package["readme"]))).unwrap();
        assert!(readme.starts_with(&format!("# {name}\n")), "{name}");
    }
    assert!(published().len() >= 10);
}

#[test]
fn every_package_has_the_licences() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (folder, _) in published() {
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let own = fs::read(folder.join(licence)).unwrap();
            assert!(
                own == fs::read(root.join(licence)).unwrap(),
                "{}",
                folder.display()
            );
        }
    }
}

#[test]
fn the_documentation_of_every_library_shows_all_features_with_badges() {
    for (folder, manifest) in published() {
        let Ok(library) = fs::read_to_string(folder.join("src/lib.rs")) else {
            continue;
        };
        let settings = &manifest["package"]["metadata"]["docs"]["rs"];
        assert_eq!(
            settings["all-features"].as_bool(),
            Some(true),
            "{}",
            folder.display()
        );
        assert_eq!(text(&settings["rustdoc-args"][1]), "docsrs");
        let badges = "#![cfg_attr(docsrs, feature(doc_cfg))]";
        assert!(library.contains(badges), "{}", folder.display());
    }
}

/// All packages of a build share their features here, so nothing else would show that the installed
/// command lacks one.
#[test]
fn the_gateway_reads_every_section_of_the_reference() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let reference = root.join("docs/src/reference/configuration.md");
    let reference = fs::read_to_string(reference).unwrap();
    let named = reference.match_indices("eature `").map(|(at, start)| {
        let rest = &reference[at + start.len()..];
        rest.split('`').next().unwrap()
    });
    let manifest = fs::read_to_string(root.join("crates/gateway/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let features = manifest["dependencies"]["palisade"]["features"].as_array();
    let has = |feature: &str| {
        let mut all = features.unwrap().iter().map(text);
        // `jwks-url` includes `jwt`, and `redis-tls` includes `redis`.
        all.any(|it| {
            it == feature || it == format!("{feature}-tls") || (feature, it) == ("jwt", "jwks-url")
        })
    };
    let missing: Vec<&str> = named.filter(|feature| !has(feature)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
