//! How a rule finds its matches: by a pattern, by a check of numbers, or by another search.
//!
//! Patterns are compiled once, when the rule is made. The `regex` crate searches in linear time, so no
//! text can make a search slow.
//!
//! A pattern with a check runs on folded text, in which digits of other scripts are ASCII. Its places
//! are mapped back to the text itself.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use regex::Regex;

use super::rewrite::Rewriter;
use crate::error::SanitizeBuildError;
use crate::text::folded::Folded;
use crate::text::numbers::{self, Number};

/// The limit of digits in a part of a match that is checked by itself.
///
/// It bounds the work for a long run of digits: each part is checked at most once for each length.
const MAX_DIGITS: usize = 32;

/// How a rule finds its matches.
#[derive(Clone, Debug)]
pub(super) enum Matcher {
    /// Numbers at the borders of groups.
    Number(fn(Number<'_>) -> bool),
    /// As above, with a check of the operator, which receives only the digits.
    NumberDigits(fn(&str) -> bool),
    /// A search that also names the kinds of its matches.
    Finder(Arc<dyn Finder>),
    /// No search: `SanitizerBuilder::build` returns the error, so no sanitizer has such a rule.
    Invalid(SanitizeBuildError),
    /// A pattern in the text itself.
    Pattern(Regex),
    /// The whole text, if a function would change it.
    Rewrite(Rewriter),
    /// A pattern in the folded text, and a check that its matches must pass.
    PatternIf(Regex, fn(&str) -> bool),
}

/// A search that is no pattern, such as the one for personal data.
///
/// Implementations must be deterministic: a text is searched again after it was changed.
pub(crate) trait Finder: fmt::Debug + Send + Sync {
    /// Returns the matches, from left to right, without overlaps.
    fn find(&self, text: &str) -> Vec<Match>;

    /// Tells whether the report lists kind and place of what is found. Default: no.
    fn reports_places(&self) -> bool {
        false
    }
}

/// A match of a [`Finder`].
#[derive(Clone, Debug)]
pub(crate) struct Match {
    /// The word of [`TextRule::label`], such as `PHONE`.
    pub(crate) label: &'static str,
    /// The name under which the report counts it, such as `phone`. Empty for a rule that finds no
    /// kinds.
    pub(crate) kind: Arc<str>,
    /// Data of the same form that belongs to no one.
    pub(crate) stand_in: Option<&'static str>,
    /// How certain it is, in percent.
    pub(crate) score: u8,
    /// In bytes of the text that was searched.
    pub(crate) place: Range<usize>,
}

impl Match {
    /// Makes a match that is of no kind.
    pub(crate) fn plain(place: Range<usize>) -> Self {
        Self {
            label: "DATA",
            kind: Arc::default(),
            stand_in: None,
            score: 100,
            place,
        }
    }
}

impl Matcher {
    /// Tells whether the report lists kind and place of what is found.
    pub(super) fn reports_places(&self) -> bool {
        matches!(self, Self::Finder(finder) if finder.reports_places())
    }

    /// Finds the matches, from left to right. They do not overlap.
    pub(super) fn find(&self, text: &str) -> Vec<Match> {
        if let Self::Finder(finder) = self {
            return finder.find(text);
        }
        self.places(text).into_iter().map(Match::plain).collect()
    }

    /// Finds the places of the matches.
    ///
    /// From left to right, without overlaps.
    fn places(&self, text: &str) -> Vec<Range<usize>> {
        match self {
            Self::Finder(finder) => finder.find(text).into_iter().map(|it| it.place).collect(),
            // Never called. All text matches, since a rule that does nothing would be the worse mistake.
            Self::Invalid(_) => std::iter::once(0..text.len()).collect(),
            Self::Number(check) => numbers::find(text, check),
            Self::NumberDigits(check) => numbers::find(text, |number| check(number.digits)),
            Self::Rewrite(rewriter) => {
                let is_changed = rewriter.apply(text) != text;
                is_changed.then_some(0..text.len()).into_iter().collect()
            }
            Self::Pattern(regex) => regex.find_iter(text).map(|found| found.range()).collect(),
            Self::PatternIf(regex, check) => {
                let folded = Folded::new(text);
                let view = folded.as_str();
                let found = regex.find_iter(view);
                let places =
                    found.flat_map(|found| parts_that_pass(regex, *check, view, &found.range()));
                places.map(|place| folded.in_source(place)).collect()
            }
        }
    }
}

/// Returns a match if it passes the check, and otherwise the parts of it that do.
///
/// A pattern may take two numbers as one match. The longest part from each group that passes is taken,
/// then the search goes on behind it.
fn parts_that_pass(
    regex: &Regex,
    check: fn(&str) -> bool,
    view: &str,
    place: &Range<usize>,
) -> Vec<Range<usize>> {
    let found = view.get(place.clone()).unwrap_or_default();
    if check(found) {
        return vec![place.clone()];
    }
    let groups = digit_groups(found);
    let mut parts = Vec::new();
    let mut first = 0;
    while let Some(from) = groups.get(first..).filter(|rest| !rest.is_empty()) {
        let passes = |end: usize| {
            let part = from.first()?.start..end;
            let text = found.get(part.clone())?;
            let matches = || {
                regex
                    .find(text)
                    .is_some_and(|all| all.range() == (0..text.len()))
            };
            (check(text) && matches()).then_some(part)
        };
        let within = number_of_groups(from);
        let hit = (1..=within).rev().find_map(|count| {
            let end = from.get(count.checked_sub(1)?)?.end;
            // A check character such as X may follow directly.
            let next = found.get(end..).and_then(|rest| rest.chars().next());
            let longer = next.filter(|next| next.is_ascii_alphabetic());
            let part = longer.and_then(|next| passes(end.saturating_add(next.len_utf8())));
            part.or_else(|| passes(end)).map(|part| (count, part))
        });
        let groups = hit.as_ref().map_or(1, |(count, _)| *count);
        let start = place.start;
        parts.extend(
            hit.map(|(_, part)| part.start.saturating_add(start)..part.end.saturating_add(start)),
        );
        first = first.saturating_add(groups);
    }
    parts
}

/// Returns the runs of ASCII digits.
///
/// In bytes of the match.
fn digit_groups(text: &str) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (at, _) in text
        .bytes()
        .enumerate()
        .filter(|(_, byte)| byte.is_ascii_digit())
    {
        let end = at.saturating_add(1);
        match groups.last_mut() {
            Some(group) if group.end == at => group.end = end,
            _ => groups.push(at..end),
        }
    }
    groups
}

/// Counts the groups, from the first, that have at most [`MAX_DIGITS`] digits together.
fn number_of_groups(groups: &[Range<usize>]) -> usize {
    let mut digits = 0usize;
    let within = groups.iter().take_while(|group| {
        digits = digits.saturating_add(group.len());
        digits <= MAX_DIGITS
    });
    within.count()
}
