//! What the book and the READMEs of packages say of the code: modules, features, compiled examples.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the names in code marks.
fn names(text: &str) -> Vec<String> {
    let names = text.split('`').skip(1).step_by(2);
    names.map(ToOwned::to_owned).collect()
}

/// Returns the modules of a crate as its root lists them.
fn modules(package: &str) -> Vec<String> {
    let source = read(&format!("crates/{package}/src/lib.rs"));
    let declared = source.lines().filter_map(|line| {
        let line = line.trim_start_matches("pub ");
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    declared.map(ToOwned::to_owned).collect()
}

#[test]
fn the_table_of_modules_is_the_one_of_the_crates() {
    let page = read("docs/src/architecture.md");
    let table = page
        .lines()
        .skip_while(|line| !line.starts_with("| crate | modules"));
    let rows = table.skip(2).take_while(|line| line.starts_with('|'));
    let mut compared = 0;
    for row in rows {
        let cells: Vec<&str> = row.split('|').collect();
        let package = names(cells[1]).concat();
        if cells[2].trim_start().starts_with('`') {
            assert_eq!(names(cells[2]), modules(&package), "{package}");
            compared += 1;
        }
    }
    assert!(compared >= 8, "{compared} rows were found");
}

/// Lists the pages of the book.
fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            found.push(path);
        }
    }
}

/// Returns the pages of the book that have an example in Rust, from the folder of the book.
fn pages_with_rust() -> BTreeSet<String> {
    let book = root().join("docs/src");
    let mut all = Vec::new();
    pages(&book, &mut all);
    all.retain(|page| {
        let text = fs::read_to_string(page).unwrap();
        text.lines().any(|line| line.starts_with("```rust"))
    });
    let names = all.iter().map(|page| page.strip_prefix(&book).unwrap());
    names
        .map(|page| page.to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_example_in_rust_is_compiled() {
    let pages = pages_with_rust();
    assert!(pages.len() > 20, "{pages:?}");
    let roots = ["palisade", "inspect"].map(|name| read(&format!("crates/{name}/src/lib.rs")));
    for page in pages {
        let compiled = |root: &String| root.contains(&format!("{page}\""));
        assert!(
            roots.iter().any(compiled),
            "{page} is compiled by no package"
        );
        // The code of other packages, on the pages for those who come from them.
        let other_packages = page.starts_with("coming-from/");
        let ignored = read(&format!("docs/src/{page}")).contains("```rust,ignore");
        assert!(
            !ignored || other_packages,
            "{page} has an example that is not compiled"
        );
    }
}

#[test]
fn the_readme_of_the_facade_lists_every_feature() {
    let manifest: toml::Table = read("crates/palisade/Cargo.toml").parse().unwrap();
    let features = manifest["features"].as_table().unwrap().keys();
    let features: Vec<String> = features
        .filter(|name| *name != "default")
        .cloned()
        .collect();
    let readme = read("crates/palisade/README.md");
    let line = readme.lines().find(|line| line.starts_with("- Features:"));
    assert_eq!(names(line.unwrap()), features);
}

#[test]
fn the_readme_of_every_package_ends_with_its_licences_and_leads_out_of_no_package() {
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let readme = entry.unwrap().path().join("README.md");
        let text = fs::read_to_string(&readme).unwrap();
        let last = text.trim_end().lines().last().unwrap();
        assert!(
            last.starts_with("Licensed under MIT or Apache-2.0"),
            "{}",
            readme.display()
        );
        assert!(
            !text.contains("](../"),
            "{} has a link out of its package",
            readme.display()
        );
    }
}

/// A row after an empty line is shown as text, unless a new table begins there.
#[test]
fn no_table_is_divided_by_an_empty_line() {
    let mut all = Vec::new();
    pages(&root().join("docs/src"), &mut all);
    for page in all {
        let text = fs::read_to_string(&page).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for four in lines.windows(4) {
            let row = |line: &str| line.starts_with("| ");
            let divided = row(four[0]) && four[1].is_empty() && row(four[2]);
            let begins = four[3].starts_with("|-");
            assert!(!divided || begins, "{}: {}", page.display(), four[2]);
        }
    }
}
