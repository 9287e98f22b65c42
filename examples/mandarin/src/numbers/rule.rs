//! A pattern and what it becomes.

use regex::{Captures, Regex};

/// Replaces what a pattern matches.
pub(super) struct Rule {
    pattern: Regex,
    write: fn(&Match<'_>) -> Option<String>,
}

/// What a pattern matched, with groups that are empty when they took no part, and what stands around it.
pub(super) struct Match<'a> {
    groups: &'a Captures<'a>,
    text: &'a str,
}

impl<'a> Match<'a> {
    /// Returns a group's text.
    pub(super) fn get(&self, group: usize) -> &'a str {
        self.groups.get(group).map_or("", |group| group.as_str())
    }

    /// Returns a group's number.
    pub(super) fn number(&self, group: usize) -> Option<u64> {
        self.get(group).parse().ok()
    }

    /// Returns the character before the match, or a blank.
    pub(super) fn before(&self) -> char {
        let start = self.groups.get(0).map_or(0, |all| all.start());
        let before = self.text.get(..start).unwrap_or_default();
        before.chars().next_back().unwrap_or(' ')
    }

    /// Returns the text behind the match.
    pub(super) fn rest(&self) -> &'a str {
        let end = self.groups.get(0).map_or(0, |all| all.end());
        self.text.get(end..).unwrap_or_default()
    }

    /// Returns the character behind the match, or a blank.
    pub(super) fn after(&self) -> char {
        self.rest().chars().next().unwrap_or(' ')
    }

    /// Tells whether the match stands free of other digits and points on both sides.
    pub(super) fn is_whole_number(&self) -> bool {
        let mut rest = self.rest().chars();
        let goes_on = match (rest.next(), rest.next()) {
            (Some('.' | ':' | '/' | '-'), Some(next)) => next.is_ascii_digit(),
            (Some(next), _) => next.is_ascii_digit(),
            _ => false,
        };
        !goes_on && !self.goes_on_before()
    }

    /// Tells whether the number began earlier. A colon behind a word does not belong to it.
    fn goes_on_before(&self) -> bool {
        let start = self.groups.get(0).map_or(0, |all| all.start());
        let mut before = self.text.get(..start).unwrap_or_default().chars().rev();
        match (before.next(), before.next()) {
            (Some(':'), far) => far.is_some_and(|far| far.is_ascii_digit()),
            (near, _) => near.is_some_and(|near| matches!(near, '0'..='9' | '.' | '/')),
        }
    }
}

impl Rule {
    /// Makes a rule; `write` returns nothing to leave the text as it is.
    ///
    /// # Panics
    ///
    /// When the pattern is none, which the tests of this module show for every rule.
    pub(super) fn new(pattern: &str, write: fn(&Match<'_>) -> Option<String>) -> Self {
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
        let write = |groups: &Captures<'_>| {
            let found = Match {
                groups,
                text: &text,
            };
            (self.write)(&found).unwrap_or_else(|| found.get(0).to_owned())
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
