//! Joins the modules of the page into one script, so that a visit loads one file in place of twenty.
//!
//! A module becomes a function that is called once, in the order in which modules import each other; its exports
//! are an object. Imports and exports are written on lines of their own: `import { a, b } from './x.js';`,
//! `import './x.js';` and `export` before `const`, `class`, `function`, `async function`, with or without `*`.

use std::fmt::{self, Write as _};

/// What keeps modules from being joined: the module and the problem.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct BundleError {
    module: String,
    problem: String,
}

/// A file of JavaScript by its name.
pub(super) type Source = (&'static str, &'static str);

/// Joins a module and everything that it imports.
///
/// # Errors
///
/// When a module is missing, imports itself through others, imports what is not exported, or has an import or
/// export in another form.
pub(super) fn bundle(entry: &str, sources: &[Source]) -> Result<String, BundleError> {
    let mut bundle = Bundle {
        sources,
        open: Vec::new(),
        joined: Vec::new(),
        script: String::new(),
    };
    bundle.add(entry)?;
    Ok(bundle.script)
}

struct Bundle<'a> {
    sources: &'a [Source],
    /// Modules whose imports are being added.
    open: Vec<String>,
    /// Modules that are in the script, with what they export.
    joined: Vec<(String, Vec<String>)>,
    script: String,
}

/// One import of a module.
struct Import<'a> {
    names: Vec<&'a str>,
    from: &'a str,
}

impl Bundle<'_> {
    fn add(&mut self, name: &str) -> Result<(), BundleError> {
        if self.joined.iter().any(|(joined, _)| joined == name) {
            return Ok(());
        }
        if self.open.iter().any(|open| open == name) {
            return Err(wrong(name, "it imports itself through other modules"));
        }
        let source = self.sources.iter().find(|(known, _)| *known == name);
        let (_, source) = source.ok_or_else(|| wrong(name, "there is no such module"))?;
        self.open.push(name.to_owned());
        let (mut body, mut exports) = (String::new(), Vec::new());
        for line in source.lines() {
            if let Some(import) = import(name, line)? {
                self.add(import.from)?;
                self.take_imports(name, &import, &mut body)?;
            } else if let Some(declaration) = line.strip_prefix("export ") {
                exports.push(exported(name, declaration)?.to_owned());
                body += declaration;
            } else {
                body += line;
            }
            body.push('\n');
        }
        self.open.pop();
        self.write(name, &body, exports);
        Ok(())
    }

    fn take_imports(
        &self,
        name: &str,
        import: &Import<'_>,
        body: &mut String,
    ) -> Result<(), BundleError> {
        let Some(place) = self.joined.iter().position(|(from, _)| from == import.from) else {
            return Err(wrong(name, "an import is not joined before it"));
        };
        let exports = self
            .joined
            .get(place)
            .map(|(_, exports)| exports.as_slice());
        for wanted in &import.names {
            if !exports
                .unwrap_or_default()
                .iter()
                .any(|name| name == wanted)
            {
                let problem = format!("{} does not export `{wanted}`", import.from);
                return Err(wrong(name, problem));
            }
        }
        if !import.names.is_empty() {
            *body += &format!("const {{ {} }} = module{place};", import.names.join(", "));
        }
        Ok(())
    }

    fn write(&mut self, name: &str, body: &str, exports: Vec<String>) {
        // Writing into a string does not fail.
        let _ = write!(
            self.script,
            "// {name}\nconst module{} = (() => {{\n{body}return {{ {} }};\n}})();\n",
            self.joined.len(),
            exports.join(", ")
        );
        self.joined.push((name.to_owned(), exports));
    }
}

/// Reads a line as an import, if it is one.
fn import<'a>(name: &str, line: &'a str) -> Result<Option<Import<'a>>, BundleError> {
    let Some(rest) = line.strip_prefix("import ") else {
        return Ok(None);
    };
    let unread = || wrong(name, format!("this import cannot be read: {line}"));
    let (names, from) = match rest.strip_prefix("{ ") {
        Some(rest) => rest.split_once(" } from ").ok_or_else(unread)?,
        None => ("", rest),
    };
    let from = from
        .strip_prefix("'./")
        .and_then(|from| from.strip_suffix("';"));
    let names: Vec<&str> = names.split(", ").filter(|name| !name.is_empty()).collect();
    match from {
        Some(from) if names.iter().all(|name| is_name(name)) => Ok(Some(Import { names, from })),
        _ => Err(unread()),
    }
}

/// Finds the name that a declaration exports.
fn exported<'a>(module: &str, declaration: &'a str) -> Result<&'a str, BundleError> {
    const KINDS: [&str; 6] = [
        "const ",
        "class ",
        "function* ",
        "function ",
        "async function* ",
        "async function ",
    ];
    let behind = KINDS.iter().find_map(|kind| declaration.strip_prefix(kind));
    let name = behind.map(|rest| {
        let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        rest.split_at(end).0
    });
    name.filter(|name| is_name(name)).ok_or_else(|| {
        let problem = format!("this export cannot be read: export {declaration}");
        wrong(module, problem)
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(is_part)
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '$' | '_')
}

fn wrong(module: &str, problem: impl Into<String>) -> BundleError {
    BundleError {
        module: module.to_owned(),
        problem: problem.into(),
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "page/{}: {}", self.module, self.problem)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn modules_are_joined_once_each_and_what_is_imported_stands_first() {
        let script = bundle(
            "main.js",
            &[
                (
                    "main.js",
                    "import { b } from './b.js';\nimport './a.js';\nb();\n",
                ),
                (
                    "a.js",
                    "export const $ = 1;\nexport async function* many() {}\n",
                ),
                (
                    "b.js",
                    "import { $, many } from './a.js';\nexport function b() { return $; }\n",
                ),
            ],
        );
        let expected = "// a.js\nconst module0 = (() => {\nconst $ = 1;\nasync function* many() {}\nreturn { $, many };\n})();\n\
            // b.js\nconst module1 = (() => {\nconst { $, many } = module0;\nfunction b() { return $; }\nreturn { b };\n})();\n\
            // main.js\nconst module2 = (() => {\nconst { b } = module1;\n\nb();\nreturn {  };\n})();\n";
        assert_eq!(script.unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_joined_is_told_with_its_module() {
        #[track_caller]
        fn check(source: &'static str, problem: &str) {
            let sources = [("main.js", source), ("a.js", "import './main.js';\n")];
            let error = bundle("main.js", &sources).unwrap_err().to_string();
            assert!(
                error.contains(".js: ") && error.contains(problem),
                "{error}"
            );
        }
        check("import { a } from './gone.js';", "no such module");
        check("import './a.js';", "imports itself");
        check("import a from './a.js';", "cannot be read");
        check("import { a as b } from './a.js';", "cannot be read");
        check("import { a } from \"./a.js\";", "cannot be read");
        check("export default 1;", "cannot be read");
        check("export let a = 1;", "cannot be read");
        let sources = [
            ("main.js", "import { b } from './a.js';"),
            ("a.js", "export const a = 1;"),
        ];
        let error = bundle("main.js", &sources).unwrap_err().to_string();
        assert_eq!(error, "page/main.js: a.js does not export `b`");
    }
}
