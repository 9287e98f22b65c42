//! Length limits in bytes, code points and graphemes.
//!
//! The sanitizer checks them twice: for the input, before anything else, and for the cleaned text.
//! A text over a limit is refused with `Refused::TooLong`, or cut.
//!
//! Bytes are counted first, then code points, then graphemes: a text that is far too long is refused
//! without a search for the borders of graphemes.

use unicode_segmentation::UnicodeSegmentation;

use super::refused::{LengthUnit, Refused};

/// Upper limits. `None` means no limit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    /// In bytes of UTF-8. `None`: no limit.
    pub(crate) bytes: Option<usize>,
    /// In code points. `None`: no limit.
    pub(crate) chars: Option<usize>,
    /// In characters as a reader sees them (grapheme clusters, UAX #29). `None`: no limit.
    pub(crate) graphemes: Option<usize>,
}

impl Limits {
    /// Refuses a text that is over a limit. The cheapest count comes first.
    ///
    /// # Errors
    ///
    /// [`Refused::TooLong`], with the first unit whose limit is exceeded.
    pub(crate) fn check(&self, text: &str) -> Result<(), Refused> {
        if let Some(limit) = self.bytes.filter(|&limit| text.len() > limit) {
            return Err(Refused::TooLong {
                unit: LengthUnit::Bytes,
                limit,
            });
        }
        if let Some(limit) = self.chars.filter(|&limit| is_longer(text, limit)) {
            return Err(Refused::TooLong {
                unit: LengthUnit::Chars,
                limit,
            });
        }
        if let Some(limit) = self
            .graphemes
            .filter(|&limit| is_longer(text, limit) && grapheme_at(text, limit).is_some())
        {
            return Err(Refused::TooLong {
                unit: LengthUnit::Graphemes,
                limit,
            });
        }
        Ok(())
    }

    /// Cuts a text to the limits, between graphemes only.
    pub(crate) fn cut<'t>(&self, text: &'t str) -> &'t str {
        if self.check(text).is_ok() {
            return text;
        }
        let (mut end, mut chars) = (0usize, 0usize);
        for (count, (start, grapheme)) in text.grapheme_indices(true).enumerate() {
            chars = chars.saturating_add(grapheme.chars().count());
            let behind = start.saturating_add(grapheme.len());
            let over =
                |limit: Option<usize>, value: usize| limit.is_some_and(|limit| value > limit);
            if over(self.bytes, behind)
                || over(self.chars, chars)
                || self.graphemes.is_some_and(|g| count >= g)
            {
                break;
            }
            end = behind;
        }
        text.get(..end).unwrap_or_default()
    }
}

/// Tells whether a text has at least this many graphemes.
pub(crate) fn has_graphemes(text: &str, count: usize) -> bool {
    match count {
        0 => true,
        1 => !text.is_empty(),
        _ => grapheme_at(text, count - 1).is_some(),
    }
}

/// Tells whether a text has more code points than this.
///
/// A text has never more code points than bytes, and never more graphemes than code points. So most
/// texts are not counted at all, and few are searched for the borders of graphemes.
fn is_longer(text: &str, limit: usize) -> bool {
    text.len() > limit && text.chars().nth(limit).is_some()
}

/// Returns the grapheme at this index, counted from 0, or `None` if the text has fewer.
fn grapheme_at(text: &str, index: usize) -> Option<&str> {
    text.graphemes(true).nth(index)
}
