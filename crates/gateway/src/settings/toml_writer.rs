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
    pub(super) fn begin_section(&mut self, header: &str) {
        self.write_line(format_args!("{header}"));
    }

    /// Writes a string.
    pub(super) fn write_text(&mut self, key: &str, value: &str) {
        let value = toml::Value::from(value);
        self.write_line(format_args!("{key} = {value}"));
    }

    /// Characters that are no UTF-8 are replaced; such a path is then not found, and the error names
    /// it.
    pub(super) fn write_path(&mut self, key: &str, path: &Path) {
        self.write_text(key, &path.to_string_lossy());
    }

    /// Writes an array of strings.
    pub(super) fn write_list<S: AsRef<str>>(&mut self, key: &str, values: &[S]) {
        let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        let values = toml::Value::from(values);
        self.write_line(format_args!("{key} = {values}"));
    }

    /// Writes a limit that counts on all routes.
    ///
    /// `rate` is such as `60/minute`. `by` says what is counted: `client` or `principal`.
    pub(super) fn write_limit(&mut self, name: &str, rate: &str, by: &str) {
        self.begin_section("[[limits]]");
        self.write_text("name", name);
        self.write_text("rate", rate);
        self.write_text("by", by);
    }

    /// Writes a rule for every method of a path.
    ///
    /// With text fields the route takes JSON and form bodies. Without, it takes any.
    pub(super) fn write_route(&mut self, path: &str, access: &str, text: &[String]) {
        self.begin_section("[[routes]]");
        self.write_text("path", path);
        self.write_text("access", access);
        if !text.is_empty() {
            self.write_list("text", text);
            self.write_text("body", "json-or-form");
        }
    }

    /// Adds a text that is TOML already.
    pub(super) fn add_toml(&mut self, text: &str) {
        self.0.push_str(text);
    }

    /// Returns the text.
    pub(super) fn finish(self) -> String {
        self.0
    }

    /// Every line ends with a line feed.
    fn write_line(&mut self, line: fmt::Arguments<'_>) {
        let _ = writeln!(self.0, "{line}"); // Writing to a string cannot fail.
    }
}
