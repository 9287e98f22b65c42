//! White space at the ends and in runs.

use std::borrow::Cow;

/// What is done with white space.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Whitespace {
    /// Makes one space of every run, and trims the ends.
    Fold,
    /// Makes one line feed of every run that holds one, one space of every other, and trims the ends.
    FoldLines,
    /// Leaves it as it is.
    Keep,
    /// Trims the ends.
    #[default]
    Trim,
}

impl Whitespace {
    /// Borrows if nothing has to change.
    pub(crate) fn apply(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Keep => Cow::Borrowed(text),
            Self::Trim => Cow::Borrowed(text.trim()),
            Self::Fold => fold(text.trim(), false),
            Self::FoldLines => fold(text.trim(), true),
        }
    }
}

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
