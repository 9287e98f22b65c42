//! Personal data that was found in a text, and the choice between findings that overlap.
//!
//! Overlaps are common: eleven digits in an order number, an address inside a token. The choice is the
//! same for the same text, in whatever order the recognizers run.

use std::ops::Range;
use std::sync::Arc;

use super::kind::PersonalDataKind;

/// Personal data that was found: its kind, where it is, and how certain it is.
///
/// It holds none of the text and is safe to log. [`PersonalData::find`](crate::PersonalData::find)
/// returns it.
///
/// # Examples
///
/// ```
/// use palisade_sanitize::PersonalData;
///
/// let text = "write to anna@example.com";
/// let findings = PersonalData::builder().build().find(text);
/// assert_eq!(findings[0].name(), "email");
/// assert_eq!(&text[findings[0].range()], "anna@example.com");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What it is. Findings of the operator have a name too.
    pub(crate) kind: PersonalDataKind,
    /// The name of a recognizer of the operator.
    pub(crate) custom: Option<Arc<str>>,
    /// Where it is, in bytes of the text.
    pub(crate) span: Range<usize>,
    /// In percent. More than 100 counts as 100, and wins over another finding at its place.
    pub(crate) score: u8,
}

impl Finding {
    /// Makes a finding of a recognizer of this crate.
    pub(crate) const fn new(kind: PersonalDataKind, span: Range<usize>, score: u8) -> Self {
        Self {
            kind,
            custom: None,
            span,
            score,
        }
    }

    /// Returns the kind.
    #[must_use]
    pub const fn kind(&self) -> PersonalDataKind {
        self.kind
    }

    /// Returns the name of the kind, or of the recognizer of the operator that found it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.custom.as_deref().unwrap_or_else(|| self.kind.name())
    }

    /// Returns where it is, in bytes of the text. The ends are borders of characters.
    #[must_use]
    pub const fn range(&self) -> Range<usize> {
        self.span.start..self.span.end
    }

    /// Returns where it is, in code points of the text.
    ///
    /// Takes time in proportion to the length of the text before it.
    #[must_use]
    pub fn char_range(&self, text: &str) -> Range<usize> {
        let count = |end: usize| text.get(..end).map_or(0, |before| before.chars().count());
        count(self.span.start)..count(self.span.end)
    }

    /// Returns how certain it is, in percent.
    pub(crate) fn percent(&self) -> u8 {
        self.score.min(100)
    }

    /// Returns how certain it is: 0 to 1, where 1 means that a check digit and the words nearby
    /// agree.
    #[must_use]
    pub fn score(&self) -> f32 {
        f32::from(self.percent()) / 100.0
    }
}

/// Keeps, of findings that overlap, the one with the highest score; of equal scores the longest.
/// Returns them from left to right.
pub(super) fn without_overlaps(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| {
        let by_score = b.score.cmp(&a.score);
        let by_length = b.span.len().cmp(&a.span.len());
        by_score
            .then(by_length)
            .then(a.span.start.cmp(&b.span.start))
    });
    let mut chosen: Vec<Finding> = Vec::new();
    for finding in findings {
        let at = chosen.partition_point(|other| other.span.end <= finding.span.start);
        let is_free = chosen
            .get(at)
            .is_none_or(|next| next.span.start >= finding.span.end);
        if is_free {
            chosen.insert(at, finding);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_certain_and_then_the_longer_finding_is_kept() {
        let one = |span: Range<usize>, score| Finding::new(PersonalDataKind::Card, span, score);
        let all = vec![
            one(0..10, 60),
            one(5..15, 90),
            one(12..20, 80),
            one(20..22, 50),
            one(20..24, 50),
        ];
        let kept: Vec<_> = without_overlaps(all).iter().map(Finding::range).collect();
        assert_eq!(kept, [5..15, 20..24]);
    }
}
