//! Finds the line and the key of a mistake.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;

use super::{ConfigFileError, SECTIONS};

/// The text of a file, and its name.
#[derive(Debug)]
pub(super) struct Source {
    name: String,
    text: String,
}

impl Source {
    pub(super) fn new(name: String, text: String) -> Self {
        Self { name, text }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Reads a document, or a part of it that stands on the same lines.
    pub(super) fn read<T: DeserializeOwned>(&self, text: &str) -> Result<T, ConfigFileError> {
        toml::from_str(text).map_err(|error| {
            let start = error
                .span()
                .and_then(|span| self.same_place(text, span.start));
            let problem = error.message().lines().collect::<Vec<_>>().join(", ");
            let remedy = "correct or remove it; the reference of the configuration lists every key";
            self.error(start, &problem, remedy)
        })
    }

    /// Finds the place in the file of a place in a part of it that stands on the same lines.
    fn same_place(&self, part: &str, start: usize) -> Option<usize> {
        let before = part.get(..start)?;
        let line = before.matches('\n').count();
        let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1);
        let lines_before: usize = self
            .text
            .split_inclusive('\n')
            .take(line)
            .map(str::len)
            .sum();
        Some(lines_before + column)
    }

    /// Complains about a value.
    pub(super) fn at<T>(
        &self,
        value: &Spanned<T>,
        problem: impl Into<Problem>,
        remedy: &str,
    ) -> ConfigFileError {
        let Range { start, .. } = value.span();
        self.error(Some(start), &problem.into().0, remedy)
    }

    pub(super) fn unknown_section(&self, name: &str, own: &[&str]) -> ConfigFileError {
        let mut known = [&SECTIONS, own].concat();
        known.sort_unstable();
        let remedy = format!("the sections are {}", known.join(", "));
        let mut error = self.complain(name, "", "no such section", &remedy);
        error.key = Some(name.to_owned());
        error
    }

    /// Complains about a key by its name.
    pub(super) fn complain(
        &self,
        section: &str,
        key: &str,
        problem: &str,
        remedy: &str,
    ) -> ConfigFileError {
        let lines = || self.text.lines().enumerate();
        let header = lines().find(|(_, line)| header(line) == Some(section));
        let start = header.map_or(0, |(number, _)| number);
        let within = lines().skip(start + usize::from(header.is_some()));
        let mut within = within.take_while(|(_, line)| self::header(line).is_none());
        let found = within.find(|(_, line)| self::key(line) == Some(key));
        ConfigFileError {
            file: self.name.clone(),
            line: found.or(header).map(|(number, _)| number + 1),
            key: Some(format!("{section}.{key}")),
            problem: problem.to_owned(),
            remedy: remedy.to_owned(),
        }
    }

    /// Complains about the file as a whole.
    pub(super) fn whole(&self, problem: impl Into<Problem>, remedy: &str) -> ConfigFileError {
        self.error(None, &problem.into().0, remedy)
    }

    /// Returns one section alone with the tables in it, on the lines where it stands.
    pub(super) fn only(&self, section: &str) -> Option<String> {
        let mut inside = false;
        let mut found = false;
        let mut only = String::new();
        for line in self.text.lines() {
            let header = header(line);
            if let Some(header) = header {
                let inner = header.strip_prefix(section);
                let inner = inner.filter(|inner| inner.is_empty() || inner.starts_with('.'));
                inside = inner.is_some();
                found |= inside;
                if let Some(table) = inner.and_then(|inner| inner.strip_prefix('.')) {
                    only.push_str(&line.replacen(header, table, 1));
                }
            } else if inside {
                only.push_str(line);
            }
            only.push('\n');
        }
        found.then_some(only)
    }

    fn error(&self, start: Option<usize>, problem: &str, remedy: &str) -> ConfigFileError {
        let before = start.and_then(|start| self.text.get(..start));
        ConfigFileError {
            file: self.name.clone(),
            line: before.map(|before| before.matches('\n').count() + 1),
            key: start.and_then(|start| self.key_at(start)),
            problem: problem.to_owned(),
            remedy: remedy.to_owned(),
        }
    }

    /// Names the key at a place, with the section above it.
    fn key_at(&self, start: usize) -> Option<String> {
        let before = self.text.get(..start)?;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text.get(line_start..)?.lines().next()?;
        let section = before.lines().rev().find_map(header);
        match (section.or_else(|| header(line)), key(line)) {
            (Some(section), Some(key)) => Some(format!("{section}.{key}")),
            (Some(section), None) => Some(section.to_owned()),
            (None, key) => key.map(ToOwned::to_owned),
        }
    }
}

/// What is wrong, in words: from a text, or from the error of whoever found out.
pub(super) struct Problem(String);

impl<T: ToString> From<T> for Problem {
    fn from(problem: T) -> Self {
        Self(problem.to_string())
    }
}

/// Reads `[section]` and `[[section]]`.
fn header(line: &str) -> Option<&str> {
    let line = line.trim().strip_prefix('[')?;
    let (name, _) = line.trim_start_matches('[').split_once(']')?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let name = name.trim();
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

/// Reads `key =`.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim();
    (!key.is_empty() && !key.starts_with('#')).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_alone_keeps_its_lines() {
        let source = Source::new("f".into(), "a = 1\n[one]\nb = 2\n[two]\nc = 3\n".into());
        assert_eq!(source.only("one").unwrap(), "\n\nb = 2\n\n\n");
        assert_eq!(source.only("three"), None);
        let nested = "[one]\nb = 2\n[one.two] # x\nc = 3\n[onetwo]\nd = 4\n[[one.four]]\n";
        let source = Source::new("f".into(), nested.into());
        let alone = "\nb = 2\n[two] # x\nc = 3\n\n\n[[four]]\n";
        assert_eq!(source.only("one").unwrap(), alone);
    }

    #[test]
    fn a_complaint_finds_its_line() {
        let source = Source::new("f".into(), "[one]\nb = 2\n[two]\nb = 3\n".into());
        let error = source.complain("two", "b", "wrong", "mend it");
        assert_eq!(error.to_string(), "f:4: two.b: wrong; mend it");
        assert_eq!(
            source.complain("two", "x", "missing", "add it").line(),
            Some(3)
        );
    }
}
