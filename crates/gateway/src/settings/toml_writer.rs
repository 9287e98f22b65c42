//! Writes a configuration file.
//!
//! A quick start is written as a file and read like one. So options of the command line have the same
//! checks and errors as a file, and `explain` can print what they mean.

use std::{
    fmt::{self, Write as _},
    path::Path,
};

/// Writes TOML. Every value is quoted by the library that reads it.
///
/// It writes lines in the order of the calls. The caller keeps the order of TOML: keys follow their
/// section.
#[derive(Default)]
pub(super) struct Toml(String);

impl Toml {
    /// Begins a section.
    ///
    /// `header` has its brackets: `[server]`, or `[[routes]]` for one more entry of a list.
    pub(super) fn section(&mut self, header: &str) {
        self.line(format_args!("{header}"));
    }

    /// Writes a string.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        let value = toml::Value::from(value);
        self.line(format_args!("{key} = {value}"));
    }

    /// Characters that are no UTF-8 are replaced; such a path is then not found, and the error names
    /// it.
    pub(super) fn path(&mut self, key: &str, path: &Path) {
        self.text(key, &path.to_string_lossy());
    }

    /// Writes an array of strings.
    pub(super) fn list<S: AsRef<str>>(&mut self, key: &str, values: &[S]) {
        let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        let values = toml::Value::from(values);
        self.line(format_args!("{key} = {values}"));
    }

    /// Writes a limit that counts on all routes.
    ///
    /// `rate` is such as `60/minute`. `by` says what is counted: `client` or `principal`.
    pub(super) fn limit(&mut self, name: &str, rate: &str, by: &str) {
        self.section("[[limits]]");
        self.text("name", name);
        self.text("rate", rate);
        self.text("by", by);
    }

    /// Writes a rule for every method of a path.
    ///
    /// With text fields the route takes JSON and form bodies. Without, it takes any.
    pub(super) fn route(&mut self, path: &str, access: &str, text: &[String]) {
        self.section("[[routes]]");
        self.text("path", path);
        self.text("access", access);
        if !text.is_empty() {
            self.list("text", text);
            self.text("body", "json-or-form");
        }
    }

    /// Adds a text that is TOML already.
    pub(super) fn add(&mut self, text: &str) {
        self.0.push_str(text);
    }

    /// Returns the text.
    pub(super) fn finish(self) -> String {
        self.0
    }

    /// Every line ends with a line feed.
    fn line(&mut self, line: fmt::Arguments<'_>) {
        let _ = writeln!(self.0, "{line}"); // Writing to a string cannot fail.
    }
}
