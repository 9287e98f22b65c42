//! The table of README, between two comments.

use std::{fmt::Write as _, fs, path::Path};

use crate::{Failure, machine, page::whole, results::Results};

const BEGIN: &str = "<!-- benchmarks: written by `cargo run -p benches --bin report` -->";
const END: &str = "<!-- end of benchmarks -->";

/// The rows: what README calls it, and the group and the row that it is.
const ROWS: &[(&str, &str, &str)] = &[
    ("client address", "layers", "client address"),
    ("security headers (13 fields)", "layers", "security headers"),
    ("API key, admitted", "identity", "API key admitted"),
    ("API key, unknown", "identity", "API key unknown"),
    (
        "token RS256, verified before",
        "peers: token RS256",
        "palisade",
    ),
    (
        "token RS256, `jwt-authorizer`",
        "peers: token RS256",
        "jwt-authorizer",
    ),
    (
        "limit by address, admitted",
        "peers: limit by address",
        "admitted: palisade",
    ),
    (
        "limit by address, admitted, `tower_governor`",
        "peers: limit by address",
        "admitted: tower_governor",
    ),
    (
        "limit by address, refused",
        "peers: limit by address",
        "refused: palisade",
    ),
    (
        "limit by address, refused, `tower_governor`",
        "peers: limit by address",
        "refused: tower_governor",
    ),
    ("audit record to a file", "audit", "file, drop and count"),
    (
        "whole stack without a trail, admitted",
        "stack",
        "admitted, no trail",
    ),
    ("whole stack, admitted", "stack", "admitted"),
    ("whole stack, no key (401)", "stack", "no key (401)"),
    (
        "whole stack, limit reached (429)",
        "stack",
        "limit reached (429)",
    ),
];

/// Replaces the table in README.
pub(crate) fn update(file: &Path, results: &Results) -> Result<(), Failure> {
    let readme = fs::read_to_string(file)?;
    let missing = || {
        format!(
            "{} has no line {BEGIN:?} with {END:?} after it",
            file.display()
        )
    };
    let (before, rest) = readme.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    fs::write(
        file,
        format!("{before}{BEGIN}\n{}{END}{after}", table(results)?),
    )?;
    Ok(())
}

fn table(results: &Results) -> Result<String, Failure> {
    let mut table = format!(
        "Nanoseconds over a bare service, with 20,000 different requests from 10,000 addresses, response read to its end; \
{}. All of it, with versions, is in [Benchmarks](docs/src/benchmarks.md).\n\n| | ns |\n|---|--:|\n",
        machine::describe()
    );
    for (label, group, name) in ROWS {
        if let Some(time) = results.over_floor(group, name) {
            writeln!(table, "| {label} | {} |", whole(time))?;
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::page::heading;

    /// The last cell of the row that begins with this label.
    fn last_cell<'a>(text: &'a str, label: &str) -> Option<&'a str> {
        let start = format!("| {label} |");
        let row = text.lines().find(|line| line.starts_with(&start))?;
        row.trim_end_matches('|').rsplit('|').next().map(str::trim)
    }

    #[test]
    fn the_figures_of_readme_are_those_of_the_page() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let readme = fs::read_to_string(root.join("README.md")).unwrap();
        let page = fs::read_to_string(root.join("docs/src/benchmarks.md")).unwrap();
        for (label, group, name) in ROWS {
            let title = format!("\n## {}\n", heading(group));
            let (_, section) = page.split_once(&title).expect(group);
            let section = section.split("\n## ").next().unwrap_or_default();
            let measured = last_cell(section, name).expect(name);
            assert_eq!(last_cell(&readme, label), Some(measured), "{label}");
        }
    }
}
