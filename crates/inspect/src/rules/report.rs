//! What was loaded and what was not.

use std::fmt;
use std::path::PathBuf;

/// A directive that has no effect, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct NotLoaded {
    /// The file.
    pub file: PathBuf,
    /// The line on which the directive starts, from 1.
    pub line: usize,
    /// The id of the rule, if it is one.
    pub id: Option<u64>,
    /// Why.
    pub reason: String,
}

impl fmt::Display for NotLoaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file.display(), self.line)?;
        if let Some(id) = self.id {
            write!(f, "rule {id}: ")?;
        }
        f.write_str(&self.reason)
    }
}

/// What a rule set was made of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct LoadReport {
    /// How many files were read.
    pub files: usize,
    /// How many rules run. A chain is one rule.
    pub rules: usize,
    /// The directives that have no effect.
    pub not_loaded: Vec<NotLoaded>,
}
