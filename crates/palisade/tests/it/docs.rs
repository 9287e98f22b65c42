//! What the documentation says of the code: tests that exist, links that lead somewhere.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn book() -> PathBuf {
    root().join("docs/src")
}

/// Lists all files with an ending below a folder, build output and foreign data aside.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("target") {
                files(&path, ending, found);
            }
        } else if path.extension().is_some_and(|own| own == ending) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["crates", "examples"] {
        files(&root().join(folder), "rs", &mut found);
    }
    found
}

/// Names the functions of a source that are tests.
fn tests_of(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut marked = false;
    for line in source.lines().map(str::trim) {
        let signature = line.trim_start_matches("pub ").trim_start_matches("async ");
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some(rest) = signature.strip_prefix("fn ").filter(|_| marked) {
            names.extend(rest.split(['(', '<']).next().map(ToOwned::to_owned));
            marked = false;
        }
    }
    names
}

/// Returns what stands in code marks in the last column of the tables of a page.
fn names_in_last_column(page: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(book().join(page)).unwrap();
    let rows = text.lines().filter(|line| line.starts_with('|'));
    let last = rows.filter_map(|row| {
        row.trim_end_matches('|')
            .rsplit('|')
            .next()
            .map(ToOwned::to_owned)
    });
    let names = last.flat_map(|cell| {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(ToOwned::to_owned)
            .collect::<Vec<_>>()
    });
    names.collect()
}

/// Returns the names of all tests of the workspace.
fn all_tests() -> BTreeSet<String> {
    sources()
        .iter()
        .flat_map(|path| tests_of(&fs::read_to_string(path).unwrap()))
        .collect()
}

/// Names of tests are sentences; types, fields and headers have fewer words.
fn is_name_of_test(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.bytes().all(plain) && name.matches('_').count() >= 3
}

#[test]
fn every_threat_names_tests_that_exist() {
    let named = names_in_last_column("threats.md");
    assert!(named.len() > 100, "{} tests are named", named.len());
    let there = all_tests();
    let missing: Vec<&String> = named.difference(&there).collect();
    assert!(
        missing.is_empty(),
        "threats.md names tests that do not exist: {missing:#?}"
    );
}

#[test]
fn every_interaction_names_tests_that_exist() {
    let mut named = names_in_last_column("interactions.md");
    named.retain(|name| is_name_of_test(name));
    assert!(named.len() > 100, "{} tests are named", named.len());
    let there = all_tests();
    let missing: Vec<&String> = named.difference(&there).collect();
    assert!(
        missing.is_empty(),
        "interactions.md names tests that do not exist: {missing:#?}"
    );
}

#[test]
fn every_rule_of_others_names_tests_that_exist() {
    let named = names_in_last_column("reference/compliance.md");
    assert!(named.len() > 40, "{} tests are named", named.len());
    let there = all_tests();
    let missing: Vec<&String> = named.difference(&there).collect();
    assert!(
        missing.is_empty(),
        "compliance.md names tests that do not exist: {missing:#?}"
    );
}

#[test]
fn every_attack_that_is_tested_is_a_threat() {
    let named = names_in_last_column("threats.md");
    let is_attacks = |path: &&PathBuf| {
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        name == "attacks" || name.starts_with("attacks_")
    };
    let mut unnamed = Vec::new();
    for path in sources().iter().filter(is_attacks) {
        let tests = tests_of(&fs::read_to_string(path).unwrap());
        unnamed.extend(
            tests
                .into_iter()
                .filter(|test| !test.starts_with("the_good_") && !named.contains(test)),
        );
    }
    assert!(unnamed.is_empty(), "threats.md lacks {unnamed:#?}");
}

/// Gives the targets of the links of a page, those to the outside and within the page left out.
fn links(page: &str) -> Vec<String> {
    let behind = page
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let inside = behind.filter(|link| !link.contains("://") && !link.starts_with('#'));
    inside
        .filter_map(|link| link.split('#').next())
        .map(ToOwned::to_owned)
        .collect()
}

#[test]
fn every_link_of_the_book_leads_somewhere() {
    let mut pages = vec![root().join("CHANGELOG.md")];
    files(&book(), "md", &mut pages);
    pages.extend(Some(root().join("README.md")).filter(|readme| readme.exists()));
    for page in &pages {
        for link in links(&fs::read_to_string(page).unwrap()) {
            let target = page.parent().unwrap().join(&link);
            assert!(
                target.exists(),
                "{}: `{link}` leads nowhere",
                page.display()
            );
        }
    }
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = links(&fs::read_to_string(book().join("SUMMARY.md")).unwrap());
    let mut pages = Vec::new();
    files(&book(), "md", &mut pages);
    for page in pages {
        let name = page
            .strip_prefix(book())
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            name == "SUMMARY.md" || summary.contains(&name),
            "{name} is not in SUMMARY.md"
        );
    }
}

#[test]
fn the_changelog_knows_this_version() {
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let heading = format!("## {}", env!("CARGO_PKG_VERSION"));
    assert!(
        changelog.lines().any(|line| line.starts_with(&heading)),
        "CHANGELOG.md lacks `{heading}`"
    );
}

#[test]
fn headings_in_documentation_of_code_have_an_empty_line_after_them() {
    let mut wrong = Vec::new();
    for file in sources() {
        let source = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = source.lines().map(str::trim).collect();
        for (number, pair) in lines.windows(2).enumerate() {
            let headings = ["# Errors", "# Panics", "# Examples"];
            let heading = ["/// ", "//! "]
                .iter()
                .find_map(|start| pair[0].strip_prefix(start));
            if heading.is_some_and(|text| headings.contains(&text)) && pair[1].len() != 3 {
                wrong.push(format!("{}:{}", file.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
