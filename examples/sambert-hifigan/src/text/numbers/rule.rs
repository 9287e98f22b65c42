//! A pattern and what it becomes.

use regex::{Captures, Regex};

/// Replaces what a pattern matches.
pub(super) struct Rule {
    pattern: Regex,
    write: fn(&Found<'_>) -> Option<String>,
}

/// What a pattern matched, with groups that are empty when they took no part.
pub(super) struct Found<'a>(&'a Captures<'a>);

impl<'a> Found<'a> {
    /// Returns a group's text.
    pub(super) fn get(&self, group: usize) -> &'a str {
        self.0.get(group).map_or("", |group| group.as_str())
    }

    /// Returns a group's number.
    pub(super) fn number(&self, group: usize) -> Option<u64> {
        self.get(group).parse().ok()
    }
}

impl Rule {
    /// Makes a rule; `write` returns nothing to leave the text as it is.
    ///
    /// # Panics
    ///
    /// When the pattern is none, which the tests of this module show for every rule.
    pub(super) fn new(pattern: &str, write: fn(&Found<'_>) -> Option<String>) -> Self {
        Self {
            pattern: Regex::new(pattern).expect("the patterns are constants"),
            write,
        }
    }

    /// Applies the rule everywhere.
    pub(super) fn apply(&self, text: String) -> String {
        if !self.pattern.is_match(&text) {
            return text;
        }
        let write = |captures: &Captures<'_>| {
            (self.write)(&Found(captures))
                .unwrap_or_else(|| captures.get(0).map_or("", |all| all.as_str()).to_owned())
        };
        self.pattern.replace_all(&text, write).into_owned()
    }
}

/// Makes a function that builds its rules once.
macro_rules! rules {
    ($($pattern:expr => $write:expr),* $(,)?) => {
        pub(super) fn rules() -> &'static [super::Rule] {
            static RULES: std::sync::OnceLock<Vec<super::Rule>> = std::sync::OnceLock::new();
            RULES.get_or_init(|| vec![$(super::Rule::new($pattern, $write)),*])
        }
    };
}

pub(super) use rules;
