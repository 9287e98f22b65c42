//! Reads the modules of a package and their imports from its source, as text.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The modules of a package, and the names that its root exports from them.
#[derive(Debug)]
pub(super) struct Modules {
    pub(super) order: Vec<String>,
    pub(super) exports: BTreeMap<String, usize>,
}

impl Modules {
    pub(super) fn of(root: &str) -> Self {
        let declared = root.lines().filter_map(|line| {
            let line = line.trim().trim_start_matches("pub(crate) ");
            let line = line.trim_start_matches("pub ");
            line.strip_prefix("mod ")?.strip_suffix(';')
        });
        let order: Vec<String> = declared.map(ToOwned::to_owned).collect();
        let mut exports = BTreeMap::new();
        for (_, path) in uses(root) {
            let path = path
                .trim_start_matches("self::")
                .trim_start_matches("crate::");
            let Some((module, _)) = path.split_once("::") else {
                continue;
            };
            if let Some(index) = order.iter().position(|known| known == module) {
                let name = path.rsplit("::").next().unwrap_or_default();
                let name = name.rsplit(" as ").next().unwrap_or_default();
                exports.insert(name.to_owned(), index);
            }
        }
        Self { order, exports }
    }

    /// Returns the module that a file belongs to.
    pub(super) fn of_file(&self, file: &Path) -> Option<usize> {
        let first = file.iter().next()?.to_str()?;
        self.module(first.trim_end_matches(".rs"))
    }

    /// Returns the module that `crate::name` leads to.
    pub(super) fn of_name(&self, name: &str) -> Option<usize> {
        self.module(name)
            .or_else(|| self.exports.get(name).copied())
    }

    pub(super) fn module(&self, name: &str) -> Option<usize> {
        self.order.iter().position(|known| known == name)
    }
}

/// Lists the Rust files below a folder, without tests.
pub(super) fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("tests") || path.ends_with("tests.rs") {
            continue;
        }
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Reads a file without its comments and without the tests at its end. Lines keep their numbers.
pub(super) fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with("#[cfg(test)]") {
            break;
        }
        lines.push(line.split("//").next().unwrap_or_default());
    }
    lines.join("\n")
}

/// Returns the first name behind each `crate::`, with its line.
pub(super) fn imports(code: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for (line, path) in uses(code) {
        if let Some(path) = path.strip_prefix("crate::") {
            found.push((line, first_name(path)));
        }
    }
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before != Some('$') && !code[at + 7..].starts_with('{') {
            found.push((line_of(code, at), first_name(&code[at + 7..])));
        }
    }
    found.sort();
    found.dedup();
    found
}

fn first_name(path: &str) -> String {
    let is_part = |letter: &char| letter.is_alphanumeric() || *letter == '_';
    path.trim_start().chars().take_while(is_part).collect()
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

/// Returns the paths of all `use` declarations, one for each name, with the line of the declaration.
fn uses(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let before = code[..at].rsplit('\n').next().unwrap_or_default().trim();
        let starts_line = before.is_empty() || before.starts_with("pub");
        if let Some((tree, _)) = code[at + 4..].split_once(';').filter(|_| starts_line) {
            let mut paths = Vec::new();
            expand("", tree, &mut paths);
            found.extend(paths.into_iter().map(|path| (line_of(code, at), path)));
        }
    }
    found
}

/// Expands `a::{b, c::{d}}` to `a::b` and `a::c::d`.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, inside)) = tree.split_once('{') else {
        return paths.push(format!("{prefix}{tree}"));
    };
    let prefix = format!("{prefix}{}", head.trim());
    let inside = inside.rsplit_once('}').map_or(inside, |(inside, _)| inside);
    let (mut depth, mut start) = (0_usize, 0);
    for (at, letter) in inside.char_indices().chain([(inside.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1), // A text may look like a declaration.
            ',' if depth == 0 => {
                if !inside[start..at].trim().is_empty() {
                    expand(&prefix, &inside[start..at], paths);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

#[test]
fn an_import_that_points_up_is_found() {
    let root = "pub mod layer;\nmod store;\nmod key;\npub use self::{key::Key, layer::Layer};\n";
    let modules = Modules::of(root);
    assert_eq!(modules.order, ["layer", "store", "key"]);
    assert_eq!(modules.of_name("Key"), Some(2));
    assert_eq!(modules.of_file(Path::new("store/memory.rs")), Some(1));
    let code = "use std::fmt;\nuse crate::{\n    key::{Key, digest},\n    layer,\n};\nfn a() { crate::Layer::new() }";
    let names: Vec<_> = imports(code);
    let expected = [(2, "key"), (2, "layer"), (6, "Layer")];
    assert_eq!(names, expected.map(|(line, name)| (line, name.to_owned())));
}
