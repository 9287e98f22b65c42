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
        "session",
        "transport",
    ];
    let mut checked = 0;
    for member in members {
        let manifest: toml::Table = read(&format!("crates/{member}/Cargo.toml"))
            .parse()
            .unwrap();
        let features = manifest.get("features").and_then(toml::Value::as_table);
        for feature in features.into_iter().flat_map(toml::Table::keys) {
            let forwarded = ["", "?"].map(|mark| format!("\"palisade-{member}{mark}/{feature}\""));
            let is_forwarded = forwarded.iter().any(|feature| facade.contains(feature));
            assert!(
                is_forwarded || feature == "default",
                "no feature of the facade has {}",
                forwarded[0]
            );
            checked += 1;
        }
    }
    assert!(checked >= 10, "{checked} features");
}

/// Returns the functions of the inherent implementations in a file, by type: the signature of each,
/// without those that the documentation hides.
fn functions(code: &str) -> Vec<(String, String)> {
    let (mut found, mut of, mut hidden) = (Vec::new(), None, false);
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let line = line.replace("pub const fn", "pub fn");
        if let Some(name) = line.strip_prefix("impl ") {
            let name = name.strip_suffix(" {").filter(|name| !name.contains(' '));
            of = name.map(ToOwned::to_owned);
        }
        hidden |= line.contains("#[doc(hidden)]");
        if let (Some(name), Some((_, function))) = (&of, line.split_once("    pub fn "))
            && !std::mem::take(&mut hidden)
        {
            let mut function = function.to_owned();
            while !function.contains('{')
                && let Some(more) = lines.next()
            {
                function.push_str(more.trim());
            }
            found.push((name.clone(), function));
        }
    }
    found
}

/// Returns the files of all crates.
fn source_files() -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for entry in fs::read_dir(crates).unwrap() {
        rust_files(&entry.unwrap().path().join("src"), &mut files);
    }
    files
}

#[test]
fn new_and_builder_never_fail() {
    let (mut checked, mut wrong) = (0, Vec::new());
    for file in source_files() {
        for (name, function) in functions(&fs::read_to_string(file).unwrap()) {
            let called = function.split(['(', '<']).next().unwrap_or_default();
            if matches!(called, "new" | "builder") {
                checked += 1;
                if can_fail(&function) {
                    wrong.push(format!("{name}: {function}"));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "refuse in build(), or name it after what it reads or opens: {wrong:#?}"
    );
    assert!(checked > 100, "{checked}");
}

/// Tells whether a function returns a `Result` or an `Option`.
fn can_fail(function: &str) -> bool {
    let (_, returned) = function.rsplit_once("->").unwrap_or_default();
    returned.contains("Result<") || returned.contains("Option<")
}

#[test]
fn a_layer_has_its_settings_on_its_builder() {
    let (mut builders, mut wrong) = (BTreeSet::new(), Vec::new());
    for file in source_files() {
        for (name, function) in functions(&fs::read_to_string(file).unwrap()) {
            if name.ends_with("Layer") && is_setter(&function) {
                wrong.push(format!("{name}: {function}"));
            }
            if name.ends_with("Layer") && function.starts_with("builder(") {
                builders.insert(name);
            }
        }
    }
    assert!(wrong.is_empty(), "move these to the builder: {wrong:#?}");
    assert!(builders.len() >= 12, "{builders:?}");
}

/// Tells whether a function takes its value and returns it changed.
fn is_setter(function: &str) -> bool {
    let takes_itself = ["(mut self", "(self,", "(self)"];
    takes_itself.iter().any(|start| function.contains(start)) && function.contains("-> Self")
}

/// Lists the Rust files below a folder.
fn rust_files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn setters_of_a_layer_are_found() {
    let code = "impl ALayer {\n    pub const fn one(\n        mut self,\n    ) -> Self {\n    #[doc(hidden)]\n    pub fn two(mut self)";
    let one = "one(mut self,) -> Self {";
    assert_eq!(functions(code), [("ALayer".to_owned(), one.to_owned())]);
    assert!(is_setter(one) && is_setter("index(self) -> Self {"));
    assert!(!is_setter("new() -> Self {") && !is_setter("known(&self) -> Self {"));
    assert!(can_fail("new(path: &Path) -> io::Result<Self> {"));
    assert!(!can_fail("new(of: Option<u8>) -> Self {") && !can_fail("new(of: Option<u8>) {"));
}
