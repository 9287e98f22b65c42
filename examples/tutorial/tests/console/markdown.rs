//! The console blocks of a page: commands after `$ `, each followed by what it prints.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// One command of a block.
pub struct Step {
    /// The line of the page that has the command, from 1.
    pub line: usize,
    /// The command, continued lines included.
    pub command: String,
    /// What the page says that it prints.
    pub output: Vec<String>,
}

/// Returns the root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Reads a page, named from the root of the repository.
pub fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// Returns all commands in the console blocks of a page, in order.
pub fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut in_block = false;
    let mut continued = false;
    for (index, line) in read(page).lines().enumerate() {
        if line.starts_with("```") {
            in_block = line == "```console";
        } else if !in_block {
            // The text between the blocks.
        } else if let Some(last) = steps.last_mut().filter(|_| continued) {
            last.command.push('\n');
            last.command.push_str(line);
        } else if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step {
                line: index + 1,
                command: command.to_owned(),
                output: Vec::new(),
            });
        } else {
            let last = steps.last_mut();
            let last = last.unwrap_or_else(|| panic!("{page}:{}: no command", index + 1));
            last.output.push(line.to_owned());
        }
        continued = in_block && line.ends_with('\\');
    }
    steps
}

/// Returns the fenced blocks of a kind on a page.
pub fn blocks(page: &str, kind: &str) -> Vec<String> {
    let text = read(page);
    let open = format!("```{kind}\n");
    let rest = text.split(&open).skip(1);
    rest.filter_map(|rest| rest.split("```").next())
        .map(ToOwned::to_owned)
        .collect()
}

/// Returns the pages that have console blocks, named from the root of the repository.
pub fn pages_with_console_blocks() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned()];
    collect(&root().join("docs/src"), &mut pages);
    pages.retain(|page| read(page).lines().any(|line| line == "```console"));
    pages.sort();
    pages
}

fn collect(folder: &Path, pages: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, pages);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            let page = path.strip_prefix(root()).unwrap();
            pages.push(page.to_str().unwrap().to_owned());
        }
    }
}
