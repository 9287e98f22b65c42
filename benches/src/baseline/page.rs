//! The table of the book: `docs/src/instructions.md` says what the baseline says.

use std::{fs, path::PathBuf};

use super::{Baseline, FLOOR};

/// The lines between which the table stands.
const BEGIN: &str = "<!-- table of benches/baseline.toml -->";
const END: &str = "<!-- end of the table -->";

impl Baseline {
    /// Renders the table of the book: a line for each path, in the order of the file.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut table = "| path | instructions | of them memcpy |\n|---|--:|--:|\n".to_owned();
        let others = self.0.keys().filter(|path| *path != FLOOR);
        for path in [FLOOR].into_iter().chain(others.map(String::as_str)) {
            let count = |name| self.costs(path).and_then(|costs| costs.get(name));
            let [instructions, memcpy] = ["instructions", "memcpy"]
                .map(|name| count(name).map_or("–".to_owned(), |count| thousands(*count)));
            table += &format!("| {path} | {instructions} | {memcpy} |\n");
        }
        table
    }

    /// Tells whether the page of the book has this table.
    ///
    /// # Panics
    ///
    /// When the page cannot be read.
    #[must_use]
    pub fn is_in_book(&self) -> bool {
        let page = fs::read_to_string(page_file()).expect("docs/src/instructions.md");
        table_of(&page).is_some_and(|(_, table, _)| table.trim() == self.to_markdown().trim())
    }

    /// Writes this table into the page of the book.
    pub(super) fn write_to_book(&self) {
        let page = fs::read_to_string(page_file()).expect("docs/src/instructions.md");
        let (before, _, after) = table_of(&page).expect("a table between its two comments");
        let table = self.to_markdown();
        let page = format!("{before}{BEGIN}\n\n{table}\n{END}{after}");
        fs::write(page_file(), page).expect("docs/src/instructions.md");
    }
}

/// Returns the text before the table, the table, and the text after it.
fn table_of(page: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (table, after) = rest.split_once(END)?;
    Some((before, table, after))
}

/// Writes a number with a comma between thousands.
fn thousands(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", thousands(number / 1000), number % 1000),
    }
}

fn page_file() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/src/instructions.md"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        let text = [7, 999, 1000, 12_034, 1_000_000].map(thousands);
        assert_eq!(text, ["7", "999", "1,000", "12,034", "1,000,000"]);
    }

    #[test]
    fn the_book_has_the_numbers_of_the_file() {
        assert!(
            Baseline::read().is_in_book(),
            "UPDATE_BASELINE=1 .ci/baseline"
        );
    }
}
