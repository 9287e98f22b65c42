//! Names with stars, of models, tools and paths: `gpt-4o*` is every name that begins so.

use std::fmt;

/// A pattern of a name. A star stands for any text, also none; everything else for itself, with case.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Pattern(Box<str>);

impl Pattern {
    /// Takes a pattern as it is written. Every text is one.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the pattern as it is written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether a name has this form.
    ///
    /// Each part between two stars is found at its first place, so the time is at most the product of
    /// both lengths.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let Some((begin, rest)) = self.0.split_once('*') else {
            return name == &*self.0;
        };
        let Some(mut name) = name.strip_prefix(begin) else {
            return false;
        };
        let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
        for part in middle.split('*') {
            let Some((_, after)) = name.split_once(part) else {
                return false;
            };
            name = after;
        }
        name.ends_with(end)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the first pattern that a name has.
pub(crate) fn first_match<'a>(patterns: &'a [Pattern], name: &str) -> Option<&'a Pattern> {
    patterns.iter().find(|pattern| pattern.matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_the_rest_is_exact() {
        for (pattern, name, expected) in [
            ("gpt-4o", "gpt-4o", true),
            ("gpt-4o", "gpt-4o-mini", false),
            ("gpt-4o", "GPT-4o", false),
            ("gpt-4o*", "gpt-4o", true),
            ("gpt-4o*", "gpt-4o-mini", true),
            ("*", "", true),
            ("*mini", "gpt-4o-mini", true),
            ("*mini", "mini-gpt", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("a*ab*b", "aab", false),
            ("**", "x", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(name),
                expected,
                "{pattern} {name}"
            );
        }
    }
}
