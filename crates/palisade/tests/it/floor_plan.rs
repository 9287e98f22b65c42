//! The floor plan of the workspace: siblings depend on the core alone.

use std::{fs, path::Path};

fn crates() -> impl Iterator<Item = std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
}

fn dependencies(manifest: &Path, section: &str) -> Vec<String> {
    let text = fs::read_to_string(manifest.join("Cargo.toml")).unwrap();
    let document: toml::Table = text.parse().unwrap();
    let table = document.get(section).and_then(toml::Value::as_table);
    table
        .map(|table| table.keys().cloned().collect())
        .unwrap_or_default()
}

#[test]
fn siblings_depend_on_the_core_alone() {
    let houses = ["palisade", "cli"];
    let mut looked_at = 0;
    for path in crates() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if houses.contains(&name.as_str()) {
            continue;
        }
        let ours = dependencies(&path, "dependencies");
        let ours: Vec<_> = ours
            .iter()
            .filter(|name| name.starts_with("palisade"))
            .collect();
        let below: &[&str] = match name.as_str() {
            "internal" => &[],
            "core" => &["palisade-internal"],
            _ => &["palisade-core", "palisade-internal"],
        };
        let above: Vec<_> = ours
            .iter()
            .filter(|name| !below.contains(&name.as_str()))
            .collect();
        assert!(above.is_empty(), "{name} depends on {above:?}");
        looked_at += 1;
    }
    assert_eq!(looked_at, 8, "internal, core and its six siblings");
}

#[test]
fn the_model_never_enters_a_crate() {
    for path in crates() {
        let all = dependencies(&path, "dependencies");
        let models: Vec<_> = all
            .iter()
            .filter(|name| name.starts_with("candle"))
            .collect();
        assert!(models.is_empty(), "{}", path.display());
    }
}

#[test]
fn cargo_refuses_two_versions_of_the_core_in_one_tree() {
    let core = crates().find(|path| path.ends_with("core")).unwrap();
    let text = fs::read_to_string(core.join("Cargo.toml")).unwrap();
    let document: toml::Table = text.parse().unwrap();
    // Two packages that link one name cannot stand in one tree; the name needs a build script.
    assert_eq!(document["package"]["links"].as_str(), Some("palisade-core"));
    assert!(core.join("build.rs").exists());
}
