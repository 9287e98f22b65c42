//! White space at the ends and in runs.

use std::borrow::Cow;

use super::source_map::SourceMap;

/// What is done with white space (the Unicode property `White_Space`).
///
/// Set with [`SanitizerBuilder::whitespace`](crate::SanitizerBuilder::whitespace). Default:
/// [`Trim`](Self::Trim). It runs after the filter of characters, which may have replaced tabs and
/// line breaks.
///
/// | Text | `Trim` | `Fold` | `FoldLines` |
/// |---|---|---|---|
/// | two spaces, `a`, two spaces, `b` | `a`, two spaces, `b` | `a b` | `a b` |
/// | `a`, space, line feed, space, `b` | unchanged | `a b` | `a`, line feed, `b` |
/// | line feed, `a` | `a` | `a` | `a` |
///
/// # Examples
///
/// ```
/// use palisade_sanitize::{Sanitizer, Whitespace};
///
/// let one_line = Sanitizer::builder().whitespace(Whitespace::Fold).build()?;
/// assert_eq!(one_line.clean("  a  b ")?.text(), "a b");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Whitespace {
    /// Replaces each run of white space with one space, and trims the ends.
    Fold,
    /// Replaces each run that holds a line feed with one line feed and each other run with one
    /// space, and trims the ends.
    FoldLines,
    /// Keeps white space as it is.
    Keep,
    /// Removes white space at both ends.
    #[default]
    Trim,
}

impl Whitespace {
    /// Applies the mode. Borrows if nothing has to change.
    pub(crate) fn apply(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Keep => Cow::Borrowed(text),
            Self::Trim => Cow::Borrowed(text.trim()),
            Self::Fold => fold(text.trim(), false),
            Self::FoldLines => fold(text.trim(), true),
        }
    }

    /// Records which runs of white space the mode changed. The rest of both texts is equal.
    pub(crate) fn record(self, before: &str, after: &str, map: &mut SourceMap) {
        if !map.is_recording() || before == after {
            return;
        }
        let (mut at, mut rest, mut after) = (0, before, after);
        while !rest.is_empty() {
            let (old, new) = (space_length(rest), space_length(after));
            if rest.get(..old) != after.get(..new) {
                map.record(at..at + old, new);
            }
            let word = word_length(rest.get(old..).unwrap_or_default());
            at += old + word;
            rest = rest.get(old + word..).unwrap_or_default();
            after = after.get(new + word..).unwrap_or_default();
        }
        map.end_step();
    }
}

/// Returns the length in bytes of the white space that a text begins with.
fn space_length(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// Returns the length in bytes of what a text begins with and is no white space.
fn word_length(text: &str) -> usize {
    text.find(char::is_whitespace).unwrap_or(text.len())
}

/// Replaces each run of white space with one character.
fn fold(text: &str, lines: bool) -> Cow<'_, str> {
    if is_folded(text, lines) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut run: Option<char> = None;
    for c in text.chars() {
        if c.is_whitespace() {
            let stays = lines && (c == '\n' || run == Some('\n'));
            run = Some(if stays { '\n' } else { ' ' });
        } else {
            out.extend(run.take());
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Tells whether folding would change nothing.
fn is_folded(text: &str, lines: bool) -> bool {
    let mut in_run = false;
    text.chars().all(|c| {
        let space = c.is_whitespace();
        let stays = !space || (!in_run && (c == ' ' || (lines && c == '\n')));
        in_run = space;
        stays
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(how: Whitespace, before: &str, after: &str) {
        assert_eq!(how.apply(before), after, "{how:?}");
        assert!(
            matches!(how.apply(after), Cow::Borrowed(same) if same == after),
            "{how:?} {after:?}"
        );
    }

    #[test]
    fn runs_are_folded() {
        check(Whitespace::Fold, "  a \n\t b\u{3000}c ", "a b c");
        check(Whitespace::FoldLines, "  a \n\t b\u{a0}\u{a0}c ", "a\nb c");
        check(Whitespace::Trim, "\u{3000} a  b \n", "a  b");
        check(Whitespace::Keep, " a  b \n", " a  b \n");
    }
}
