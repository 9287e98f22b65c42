//! The order of packages and of their modules: what may import what.
//!
//! - `lib.rs` or `main.rs` lists its modules from what a user touches down to what everything rests
//!   on. A module imports only from modules that are listed after it, so there are no cycles.
//! - A module imports a name from the module that has it, not through the root.
//! - A package depends only on the packages that [`MAY_DEPEND_ON`] gives it.
//!
//! Tests and examples in comments may import anything.

mod imports;

use std::{
    fs,
    path::{Path, PathBuf},
};

use imports::{Modules, code, imports, rust_files};

/// What each package may depend on, apart from packages of others. Dependencies of tests are free.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("palisade-internal", &[]),
    ("palisade-core", &["palisade-internal"]),
    ("palisade-transport", CORE),
    ("palisade-audit", CORE),
    ("palisade-api-key", CORE),
    ("palisade-jwt", CORE),
    ("palisade-session", CORE),
    ("palisade-rate-limit", CORE),
    ("palisade-sanitize", CORE),
    ("palisade-inspect", CORE),
    ("palisade", MEMBERS),
    ("palisade-gateway", FACADE),
    ("palisade-cli", FACADE),
    ("quickstart", &["palisade"]),
    ("tutorial", &["palisade"]),
    ("grpc", &["palisade"]),
    ("mcp", &["palisade"]),
    // The voice knows nothing of HTTP.
    ("mandarin", &[]),
    ("checkpoint", &[]),
    ("sambert-hifigan", &["mandarin", "checkpoint"]),
    // Part of this repository, so it may share the internal helpers.
    (
        "tts-server",
        &["palisade", "palisade-internal", "sambert-hifigan"],
    ),
    ("benches", FACADE),
];

/// Members of the facade know the core, and no other member.
const CORE: &[&str] = &["palisade-core", "palisade-internal"];
/// The facade joins the members.
const MEMBERS: &[&str] = &[
    "palisade-api-key",
    "palisade-audit",
    "palisade-core",
    "palisade-inspect",
    "palisade-internal",
    "palisade-jwt",
    "palisade-rate-limit",
    "palisade-sanitize",
    "palisade-session",
    "palisade-transport",
];
/// Programs use the facade, and its members where they need no more.
const FACADE: &[&str] = &[
    "palisade",
    "palisade-api-key",
    "palisade-audit",
    "palisade-core",
    "palisade-gateway",
    "palisade-inspect",
    "palisade-internal",
    "palisade-jwt",
    "palisade-rate-limit",
    "palisade-sanitize",
    "palisade-session",
    "palisade-transport",
];

#[test]
fn modules_import_only_what_is_listed_after_them() {
    let mut upward = Vec::new();
    for package in packages() {
        upward.extend(upward_imports(&package.folder));
    }
    assert!(
        upward.is_empty(),
        "these imports point up; move what is imported further down, or the module further up \
         in the list of its lib.rs:\n{}",
        upward.join("\n")
    );
}

#[test]
fn names_are_imported_from_their_module_and_not_through_the_root() {
    let mut through_root = Vec::new();
    for package in packages() {
        through_root.extend(imports_through_the_root(&package.folder));
    }
    assert!(
        through_root.is_empty(),
        "write the module, as in `use crate::failure::Failure`:\n{}",
        through_root.join("\n")
    );
}

#[test]
fn packages_depend_only_on_what_is_below_them() {
    let mut wrong = Vec::new();
    for package in packages() {
        let Package { name, .. } = &package;
        let Some((_, allowed)) = MAY_DEPEND_ON.iter().find(|(known, _)| known == name) else {
            wrong.push(format!(
                "{name}: not in MAY_DEPEND_ON; say what it may depend on"
            ));
            continue;
        };
        let ours = MAY_DEPEND_ON.iter().map(|(name, _)| *name);
        let forbidden = ours.filter(|other| !allowed.contains(other));
        for other in forbidden.filter(|other| package.depends_on(other)) {
            wrong.push(format!("{name} -> {other}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_model_never_enters_a_crate() {
    for package in packages() {
        let is_crate = package.folder.parent().unwrap().ends_with("crates");
        let models = ["candle-core", "candle-nn", "sambert-hifigan"];
        for model in models.iter().filter(|_| is_crate) {
            assert!(!package.depends_on(model), "{} -> {model}", package.name);
        }
    }
}

#[test]
fn cargo_refuses_two_versions_of_the_core_in_one_tree() {
    let all = packages();
    let core = all.iter().find(|it| it.name == "palisade-core").unwrap();
    // Two packages that link one name cannot be in one tree; the name needs a build script.
    let links = core.manifest["package"]["links"].as_str();
    assert_eq!(links, Some("palisade-core"));
    assert!(core.folder.join("build.rs").exists());
}

/// A package of this repository.
struct Package {
    name: String,
    folder: PathBuf,
    manifest: toml::Table,
}

impl Package {
    fn read(folder: PathBuf) -> Option<Self> {
        let manifest: toml::Table = fs::read_to_string(folder.join("Cargo.toml"))
            .ok()?
            .parse()
            .unwrap();
        let name = manifest["package"]["name"].as_str()?.to_owned();
        Some(Self {
            name,
            folder,
            manifest,
        })
    }

    /// Tells whether another package is compiled into this one.
    fn depends_on(&self, other: &str) -> bool {
        let tables = ["dependencies", "build-dependencies"];
        let mut tables = tables.iter().filter_map(|table| self.manifest.get(*table));
        tables.any(|table| table.get(other).is_some())
    }
}

/// Returns all packages of this repository.
fn packages() -> Vec<Package> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["crates", "examples"].map(|folder| root.join(folder));
    let inside = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    let inside = inside.map(|entry| entry.unwrap().path());
    let all: Vec<_> = inside
        .chain([root.join("benches")])
        .filter_map(Package::read)
        .collect();
    assert!(all.len() > 10, "the packages were not found");
    all
}

/// Returns the imports of a package that point up, each with file, line and both modules.
fn upward_imports(package: &Path) -> Vec<String> {
    select_imports(package, |modules, here, name| {
        let there = modules.of_name(name).filter(|there| *there < here)?;
        Some(format!(
            "{} -> {}",
            modules.order[here], modules.order[there]
        ))
    })
}

/// Returns the imports of names that the root exports from a module, each with file and line.
fn imports_through_the_root(package: &Path) -> Vec<String> {
    select_imports(package, |modules, _, name| {
        let is_export = modules.module(name).is_none() && modules.exports.contains_key(name);
        is_export.then(|| format!("crate::{name}"))
    })
}

/// Returns what a function says about each import inside a package, with file and line. It gets the
/// modules, the module of the file, and the first name behind `crate::`.
fn select_imports(
    package: &Path,
    describe: impl Fn(&Modules, usize, &str) -> Option<String>,
) -> Vec<String> {
    let source = package.join("src");
    let mut roots = ["lib.rs", "main.rs"]
        .map(|name| source.join(name))
        .into_iter();
    let Some(root) = roots.find(|root| root.is_file()) else {
        return Vec::new();
    };
    let modules = Modules::of(&code(&root));
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let mut found = Vec::new();
    for file in files.iter().filter(|file| **file != root) {
        let Some(here) = modules.of_file(file.strip_prefix(&source).unwrap()) else {
            continue;
        };
        for (line, name) in imports(&code(file)) {
            if let Some(what) = describe(&modules, here, &name) {
                found.push(format!("{}:{line}: {what}", file.display()));
            }
        }
    }
    found
}
