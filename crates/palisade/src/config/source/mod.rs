//! The text of the file and the position of each key in it.
//!
//! Every error about the file is made here, so that each names file, line, key path and remedy.
//! TOML has several spellings for one key (header, inline table, dotted or quoted key). Positions
//! come from the parser, so all spellings give the same errors.

pub(in crate::config) mod suggest;

use std::{ops::Range, path::Path};

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Error, ValueDeserializer},
};

use crate::config::{
    error::{ConfigFileError, ConfigFileErrorKind},
    read::{SECTIONS, read_file},
};

/// What to do about an error of the parser, which brings no remedy.
const REMEDY: &str = "correct or remove it; the reference of the configuration lists every key";

/// The text of a file, its name, and the positions of its keys.
pub(in crate::config) struct Source {
    /// The path for error messages, or `configuration` for a text without a file.
    name: String,
    /// The text as it was read.
    text: String,
    /// All keys at every depth, in the order of the parser.
    keys: Vec<KeyPosition>,
}

/// The position of a key and of its value, or of an element of an array.
#[derive(Debug)]
struct KeyPosition {
    /// The names of the sections and, last, of the key. An element has the path of its array.
    path: Vec<String>,
    /// The bytes of the key.
    key: Range<usize>,
    /// The bytes of the value.
    value: Range<usize>,
}

impl Source {
    /// Parses a text and collects every key of every section, those of the application included.
    ///
    /// # Errors
    ///
    /// The text is not TOML.
    pub(in crate::config) fn parse(name: String, text: String) -> Result<Self, ConfigFileError> {
        let mut source = Self {
            name,
            text,
            keys: Vec::new(),
        };
        let mut keys = Vec::new();
        match DeTable::parse(&source.text) {
            Ok(table) => collect(&[], table.get_ref(), &mut keys),
            Err(error) => return Err(source.wrong(&error)),
        }
        source.keys = keys;
        Ok(source)
    }

    /// Reads and parses a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not TOML.
    pub(in crate::config) fn read(path: &Path) -> Result<Self, ConfigFileError> {
        let name = path.display().to_string();
        let text =
            read_file(path).map_err(|problem| ConfigFileError::unreadable(&name, &problem))?;
        Self::parse(name, text)
    }

    /// Returns the path of the file for error messages.
    pub(in crate::config) fn name(&self) -> &str {
        &self.name
    }

    /// Deserializes the whole document.
    ///
    /// # Errors
    ///
    /// The first key that is unknown, or whose value has another type.
    pub(in crate::config) fn document<T: DeserializeOwned>(&self) -> Result<T, ConfigFileError> {
        toml::from_str(&self.text).map_err(|error| self.wrong(&error))
    }

    /// Deserializes one section in any spelling. Returns `None` if the file does not have it.
    ///
    /// # Errors
    ///
    /// A key is unknown, or has a value of another type.
    pub(in crate::config) fn section<T: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<T>, ConfigFileError> {
        let table = DeTable::parse(&self.text).map_err(|error| self.wrong(&error))?;
        let mut sections = table.into_inner().into_iter();
        let section = sections.find(|(key, _)| key.get_ref() == name);
        let Some((_, value)) = section else {
            return Ok(None);
        };
        let read = T::deserialize(ValueDeserializer::from(value));
        read.map(Some).map_err(|error| self.wrong(&error))
    }

    /// Returns whether the file has a key, given with the sections that it is in.
    pub(in crate::config) fn has(&self, path: &[&str]) -> bool {
        self.position(path).is_some()
    }

    /// Refuses a section that is neither one of [`SECTIONS`] nor in `own`, the sections of the
    /// application.
    ///
    /// # Errors
    ///
    /// The first such section, with the nearest known name.
    pub(in crate::config) fn check_sections(&self, own: &[&str]) -> Result<(), ConfigFileError> {
        let unknown = self.other_sections().find(|(name, _)| !own.contains(name));
        unknown.map_or(Ok(()), |(_, position)| {
            Err(self.unknown_section(position, own))
        })
    }

    /// Refuses a section whose name is nearly one of [`SECTIONS`]. Others may be those of an
    /// application.
    ///
    /// # Errors
    ///
    /// The first such section.
    pub(in crate::config) fn check_misspelled_sections(&self) -> Result<(), ConfigFileError> {
        let is_similar = |name: &str| suggest::nearest(name, &SECTIONS).is_some();
        let misspelled = self.other_sections().find(|(name, _)| is_similar(name));
        misspelled.map_or(Ok(()), |(_, position)| {
            Err(self.unknown_section(position, &[]))
        })
    }

    /// Returns the sections that are none of [`SECTIONS`]: their names, and where they begin.
    fn other_sections(&self) -> impl Iterator<Item = (&str, &KeyPosition)> {
        self.keys
            .iter()
            .filter_map(|position| match &*position.path {
                [name] if !SECTIONS.contains(&name.as_str()) => Some((name.as_str(), position)),
                _ => None,
            })
    }

    /// Returns the names of the sections that are none of [`SECTIONS`], each once.
    pub(in crate::config) fn other_section_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.other_sections().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Makes the error about an unknown section: the list of known ones, and the nearest name.
    fn unknown_section(&self, position: &KeyPosition, own: &[&str]) -> ConfigFileError {
        let mut known = [&SECTIONS, own].concat();
        known.sort_unstable();
        let all = format!("the sections are {}", known.join(", "));
        let name = position
            .path
            .first()
            .map(String::as_str)
            .unwrap_or_default();
        let remedy = match suggest::nearest(name, &known) {
            Some(nearest) => format!("did you mean `{nearest}`? {all}"),
            None => all,
        };
        self.error(
            Some(position.key.start),
            Some(dotted(&position.path)),
            "no such section",
            &remedy,
        )
        .about(ConfigFileErrorKind::UnknownSection)
    }

    /// Makes an error about a value, with its line and the path of its key.
    pub(in crate::config) fn at<T>(
        &self,
        value: &Spanned<T>,
        problem: impl Into<Problem>,
        remedy: &str,
    ) -> ConfigFileError {
        let start = value.span().start;
        let key = self.path_at(start).map(dotted);
        self.error(Some(start), key, &problem.into().0, remedy)
    }

    /// Makes an error about a key by its name. If the key is missing, the line is that of its
    /// section.
    pub(in crate::config) fn key_error(
        &self,
        section: &str,
        key: &str,
        problem: &str,
        remedy: &str,
    ) -> ConfigFileError {
        let position = self
            .position(&[section, key])
            .or_else(|| self.position(&[section]));
        let start = position.map(|position| position.key.start);
        let path = [section.to_owned(), key.to_owned()];
        self.error(start, Some(dotted(&path)), problem, remedy)
    }

    /// Makes an error about a key that differs from another file. Without the key there is no line.
    pub(in crate::config) fn changed(
        &self,
        path: &[&str],
        problem: &str,
        remedy: &str,
    ) -> ConfigFileError {
        let start = self.position(path).map(|position| position.key.start);
        self.error(start, Some(path.join(".")), problem, remedy)
            .about(ConfigFileErrorKind::Changed)
    }

    /// Makes an error about the file as a whole, without line and key.
    pub(in crate::config) fn whole(
        &self,
        problem: impl Into<Problem>,
        remedy: &str,
    ) -> ConfigFileError {
        self.error(None, None, &problem.into().0, remedy)
    }

    /// Makes an error of one of the parser, with line, key path and, for an unknown key, the
    /// nearest name.
    fn wrong(&self, error: &Error) -> ConfigFileError {
        let start = error.span().map(|span| span.start);
        let problem = error.message().lines().collect::<Vec<_>>().join(", ");
        let mut path = start
            .and_then(|start| self.path_at(start))
            .map(<[_]>::to_vec);
        if let Some(missing) = suggest::missing_field(&problem) {
            path.get_or_insert_default().push(missing.to_owned());
        }
        let remedy = match suggest::for_problem(&problem) {
            Some(meant) => format!("did you mean `{meant}`? {REMEDY}"),
            None => REMEDY.to_owned(),
        };
        self.error(start, path.as_deref().map(dotted), &problem, &remedy)
            .about(ConfigFileErrorKind::Syntax)
    }

    /// Makes an error about a value; the line is counted from the offset `start`.
    fn error(
        &self,
        start: Option<usize>,
        key: Option<String>,
        problem: &str,
        remedy: &str,
    ) -> ConfigFileError {
        let before = start.and_then(|start| self.text.get(..start));
        ConfigFileError {
            kind: ConfigFileErrorKind::Value,
            file: self.name.clone(),
            line: before.map(|before| before.matches('\n').count() + 1),
            key,
            problem: problem.to_owned(),
            remedy: remedy.to_owned(),
        }
    }

    /// Finds the position of a key by its whole path.
    fn position(&self, path: &[&str]) -> Option<&KeyPosition> {
        let mut keys = self.keys.iter();
        keys.find(|position| position.path == path)
    }

    /// Returns the path of the narrowest key or value that covers an offset.
    fn path_at(&self, offset: usize) -> Option<&[String]> {
        let spans = self.keys.iter().flat_map(|position| {
            let spans = [&position.key, &position.value];
            spans.map(|span| (span, position.path.as_slice()))
        });
        let around = spans.filter(|(span, _)| span.contains(&offset));
        let narrowest = around.min_by_key(|(span, path)| (span.len(), usize::MAX - path.len()));
        narrowest.map(|(_, path)| path)
    }
}

/// Adds the keys of a table, and of all tables in it, below the path `above`.
fn collect(above: &[String], table: &DeTable<'_>, keys: &mut Vec<KeyPosition>) {
    for (key, value) in table {
        let path = [above, &[key.get_ref().to_string()]].concat();
        keys.push(KeyPosition {
            key: key.span(),
            value: value.span(),
            path: path.clone(),
        });
        collect_value(&path, value.get_ref(), keys);
    }
}

/// Adds the keys inside a value. Elements of an array are added with the path of the array.
fn collect_value(path: &[String], value: &DeValue<'_>, keys: &mut Vec<KeyPosition>) {
    match value {
        DeValue::Table(table) => collect(path, table, keys),
        DeValue::Array(array) => {
            for one in array.iter() {
                keys.push(KeyPosition {
                    key: one.span(),
                    value: one.span(),
                    path: path.to_vec(),
                });
                collect_value(path, one.get_ref(), keys);
            }
        }
        _ => {}
    }
}

/// Writes a path as a dotted key of TOML. A name with other characters is quoted.
fn dotted(path: &[String]) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    let segment = |name: &String| match !name.is_empty() && name.chars().all(plain) {
        true => name.clone(),
        false => format!("{name:?}"),
    };
    path.iter().map(segment).collect::<Vec<_>>().join(".")
}

/// The description of a problem: a text, or the message of any error.
pub(in crate::config) struct Problem(String);

impl<T: ToString> From<T> for Problem {
    fn from(problem: T) -> Self {
        Self(problem.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::parse("f".into(), text.into()).unwrap()
    }

    #[test]
    fn a_complaint_finds_its_line_in_every_spelling() {
        let spellings = [
            "[one]\nb = 2\n[two]\nb = 3\n",
            "one = { b = 2 }\n\n\ntwo = { b = 3 }",
            "one.b = 2\n\n\ntwo.b = 3",
            "\n\n\n[\"two\"]\n\"b\" = 3",
            "\n\n\n'two' . 'b' = 3",
        ];
        for (text, line) in spellings.into_iter().zip([4, 4, 4, 5, 4]) {
            let source = source(text);
            let error = source.key_error("two", "b", "wrong", "repair it");
            assert_eq!(
                error.to_string(),
                format!("f:{line}: two.b: wrong; repair it"),
                "{text}"
            );
            let missing = source
                .key_error("two", "x", "missing", "add it")
                .to_string();
            assert!(missing.contains(": two.x: missing"), "{missing}");
            assert!(source.has(&["two", "b"]) && !source.has(&["two", "x"]));
        }
    }

    #[test]
    fn a_section_is_read_in_every_spelling() {
        for text in [
            "[one]\na = 1\n[one.inner]\nb = 2\n",
            "one = { a = 1, inner = { b = 2 } }",
            "one.a = 1\none.inner.b = 2",
            "one.inner.b = 2\n[\"two\"]\n",
        ] {
            let one = source(text).section::<toml::Table>("one").unwrap().unwrap();
            assert_eq!(one["inner"]["b"].as_integer(), Some(2), "{text}");
            assert!(
                source(text)
                    .section::<toml::Table>("three")
                    .unwrap()
                    .is_none()
            );
        }
    }
}
