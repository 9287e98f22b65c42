//! Personal data as a report names it: kind, place and score, without any of the text.

use std::ops::Range;
use std::sync::Arc;

use super::rule::Match;
use super::source_map::SourceMap;

/// Personal data that a sanitizer found: its kind, where it is in the input, and how certain it is.
///
/// [`Report::found_data`](crate::Report::found_data) lists them. It holds none of the text and is
/// safe to log.
///
/// ```
/// use palisade_sanitize::{PersonalData, Sanitizer};
///
/// let sanitizer = Sanitizer::builder().rule(PersonalData::new().rule()).build()?;
/// // A zero-width space hides the number from a search. The place is that in the text as it was sent.
/// let clean = sanitizer.clean("打138\u{200b}00138000吧")?;
/// assert_eq!(clean.text(), "打***********吧");
/// let found: Vec<_> = clean.report().found_data().collect();
/// assert_eq!((found[0].kind(), found[0].char_range()), ("phone", 1..13));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReportedData {
    /// The name of the kind.
    kind: Arc<str>,
    /// In bytes of the input.
    bytes: Range<usize>,
    /// In code points of the input.
    chars: Range<usize>,
    /// How certain it is, in percent.
    score: u8,
}

impl ReportedData {
    /// Returns the name of the kind, such as `phone`, or of the recognizer of the operator.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns where it is, in code points of the input.
    ///
    /// Characters that were dropped from its middle are part of it, those at its ends are not.
    #[must_use]
    pub const fn char_range(&self) -> Range<usize> {
        self.chars.start..self.chars.end
    }

    /// Returns where it is, in bytes of the input.
    #[must_use]
    pub const fn byte_range(&self) -> Range<usize> {
        self.bytes.start..self.bytes.end
    }

    /// Returns how certain it is, from 0 to 1. See [`Finding::score`](crate::Finding::score).
    #[must_use]
    pub fn score(&self) -> f32 {
        f32::from(self.score) / 100.0
    }

    /// Returns the name of the kind without a copy.
    pub(super) fn shared_kind(&self) -> &Arc<str> {
        &self.kind
    }
}

impl Match {
    /// Makes the entry of the report. Its place in code points is counted at the end.
    pub(super) fn reported(&self, map: &SourceMap) -> ReportedData {
        ReportedData {
            kind: Arc::clone(&self.kind),
            bytes: map.in_input(&self.place),
            chars: 0..0,
            score: self.score,
        }
    }
}

/// Orders entries by their place, and counts the places in code points in one pass over the input.
pub(super) fn count_chars(all: &mut [ReportedData], input: &str) {
    all.sort_by_key(|data| (data.bytes.start, data.bytes.end));
    let (mut at, mut chars) = (0, 0);
    for data in all {
        let count = |range: Range<usize>| input.get(range).map_or(0, |part| part.chars().count());
        chars += count(at..data.bytes.start);
        at = data.bytes.start;
        data.chars = chars..chars + count(data.byte_range());
    }
}
