//! The tables of `docs/src/install.md`: how many packages each feature and each package brings.
//!
//! `UPDATE_COUNTS=1 cargo test -p palisade --test it install` writes the numbers again.

use std::{
    collections::BTreeSet,
    env, fs,
    path::Path,
    process::Command,
    sync::{Mutex, PoisonError},
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/install.md");

/// Held while the page is written: its tests run at the same time.
static WRITING: Mutex<()> = Mutex::new(());

/// Returns the packages that cargo compiles for a package with these features.
fn packages(package: &str, features: &str) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["tree", "--locked", "--offline", "--prefix", "none"])
        .args(["--no-dedupe", "--edges", "normal,build"])
        .args(["--target", "x86_64-unknown-linux-gnu"])
        .args(["--package", package, "--no-default-features"])
        .args(["--features", features])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        // A setting of the caller would count the features of the whole workspace.
        .env_remove("CARGO_RESOLVER_FEATURE_UNIFICATION")
        .env_remove("CARGO_UNSTABLE_FEATURE_UNIFICATION");
    let output = cargo.output().unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problem}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let name = |line: &str| line.split(" (").next().map(ToOwned::to_owned);
    lines.lines().filter_map(name).collect()
}

/// Returns the rows of the table whose first column has this heading.
fn rows(heading: &str) -> Vec<String> {
    let page = fs::read_to_string(PAGE).unwrap();
    let start = format!("| {heading} |");
    let table = page.lines().skip_while(|line| !line.starts_with(&start));
    let rows = table.skip(2).take_while(|line| line.starts_with('|'));
    rows.map(ToOwned::to_owned).collect()
}

/// Returns the names in code marks in the first column of a row.
fn names(row: &str) -> Vec<String> {
    let cell = row.split('|').nth(1).unwrap();
    let names = cell.split('`').skip(1).step_by(2);
    names.map(ToOwned::to_owned).collect()
}

/// Compares rows with what they should be, or writes those if that is wanted.
fn compare(rows: &[String], counted: &[String]) {
    if env::var_os("UPDATE_COUNTS").is_some() {
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let page = fs::read_to_string(PAGE).unwrap();
        let pairs = rows.iter().zip(counted);
        let page = pairs.fold(page, |page, (row, counted)| page.replace(row, counted));
        return fs::write(PAGE, page).unwrap();
    }
    assert_eq!(rows, counted, "run this test with UPDATE_COUNTS=1");
}

fn all_features() -> BTreeSet<String> {
    let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let names = manifest["features"].as_table().unwrap().keys();
    names.filter(|name| *name != "default").cloned().collect()
}

#[test]
fn the_features_bring_as_many_packages_as_the_page_says() {
    let rows = rows("features");
    let all: Vec<String> = all_features().into_iter().collect();
    let count = |row: &String| {
        let features = if row.starts_with("| all |") {
            all.clone()
        } else {
            names(row)
        };
        let count = packages("palisade", &features.join(",")).len();
        let text = row.split('|').nth(2).unwrap();
        format!("|{}|{text}| {count} |", row.split('|').nth(1).unwrap())
    };
    let counted: Vec<String> = rows.iter().map(count).collect();
    compare(&rows, &counted);
}

#[test]
fn the_page_has_every_feature() {
    let named: BTreeSet<String> = rows("features").iter().flat_map(|row| names(row)).collect();
    assert_eq!(named, all_features());
}

#[test]
fn the_packages_bring_as_many_packages_as_the_page_says() {
    let rows = rows("package");
    assert_eq!(rows.len(), 9, "core and the eight layer crates");
    let count = |row: &String| {
        let package = names(row).concat();
        let found = packages(&package, "");
        let compiles_c = found.iter().any(|name| name.starts_with("aws-lc-sys "));
        let compiler = if compiles_c { "yes" } else { "no" };
        format!("| `{package}` | {} | {compiler} |", found.len())
    };
    let counted: Vec<String> = rows.iter().map(count).collect();
    compare(&rows, &counted);
}
