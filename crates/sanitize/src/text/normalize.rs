//! Unicode normalization of the cleaned text (Unicode Standard Annex 15).
//!
//! It runs after the filter of characters and before the rules, so that a rule sees one form of what
//! looks the same.

use unicode_normalization::char::{
    canonical_combining_class, decompose_canonical, decompose_compatible,
};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc, is_nfc_quick, is_nfkc};

use super::source_map::SourceMap;
use crate::characters::Traits;

/// The Unicode normalization form of the cleaned text (Unicode Standard Annex 15).
///
/// Set with [`SanitizerBuilder::normalization`](crate::SanitizerBuilder::normalization). Default:
/// [`Nfc`](Self::Nfc).
///
/// # Examples
///
/// ```
/// use palisade_sanitize::{Normalization, Sanitizer};
///
/// let shown = Sanitizer::builder().build()?;
/// assert_eq!(shown.clean("Ａｎｎａ")?.text(), "Ａｎｎａ");
/// let compared = Sanitizer::builder().normalization(Normalization::Nfkc).build()?;
/// assert_eq!(compared.clean("Ａｎｎａ")?.text(), "Anna");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Normalization {
    /// Canonical composition: one encoding for what looks the same and means the same.
    #[default]
    Nfc,
    /// Compatibility composition: full-width letters, ligatures and circled digits become plain
    /// ones.
    ///
    /// It loses distinctions, so use it for names that are compared, not for text that is shown.
    Nfkc,
    /// No normalization: the text keeps the form of the input.
    None,
}

impl Normalization {
    /// Tells whether the form may differ for a text of these traits.
    pub(super) const fn touches(self, found: Traits) -> bool {
        match self {
            Self::Nfc => found.has_any(Traits::COMPOSES),
            Self::Nfkc => found.has_any(Traits::COMPATIBLE),
            Self::None => false,
        }
    }

    /// Returns the normalized text, or `None` if it is in that form already.
    pub(super) fn apply(self, text: &str, map: &mut SourceMap) -> Option<String> {
        let is_normal = match self {
            Self::Nfc => is_nfc(text),
            Self::Nfkc => is_nfkc(text),
            Self::None => true,
        };
        if is_normal {
            return None;
        }
        self.record(text, map);
        Some(self.normalized(text))
    }

    fn normalized(self, text: &str) -> String {
        match self {
            Self::Nfc => text.nfc().collect(),
            Self::Nfkc => text.nfkc().collect(),
            Self::None => text.to_owned(),
        }
    }

    /// Records the parts that normalization changes. A part is as short as it can be: it ends before
    /// the next character that never joins the one before it.
    fn record(self, text: &str, map: &mut SourceMap) {
        if !map.is_recording() {
            return;
        }
        let mut start = 0;
        let borders = text.char_indices().skip(1);
        let borders = borders.filter(|&(_, c)| self.begins_part(c));
        for end in borders.map(|(at, _)| at).chain([text.len()]) {
            let part = text.get(start..end).unwrap_or_default();
            let normalized = self.normalized(part);
            if normalized != part {
                map.record(start..end, normalized.len());
            }
            start = end;
        }
        map.end_step();
    }

    /// Tells whether a character never joins the one before it: its decomposition begins with a
    /// character of class 0 that is second in no composition.
    fn begins_part(self, c: char) -> bool {
        let mut first = None;
        let emit = |part: char| {
            first.get_or_insert(part);
        };
        match self {
            Self::Nfkc => decompose_compatible(c, emit),
            _ => decompose_canonical(c, emit),
        }
        first.is_none_or(|first| {
            canonical_combining_class(first) == 0
                && is_nfc_quick(std::iter::once(first)) == IsNormalized::Yes
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Parts that are normalized one by one give the normalized text, so their places are right.
        #[test]
        fn parts_are_independent(text in "[a\u{300}\u{323}\u{5ae}éｶﾞ가\u{1100}\u{1161}\u{11a8}\u{ffa1}\u{ffc2}①好ﬃ\u{9be}\u{9c7}１㍿]{0,20}") {
            for form in [Normalization::Nfc, Normalization::Nfkc] {
                let mut parts: Vec<String> = Vec::new();
                for c in text.chars() {
                    match parts.last_mut() {
                        Some(last) if !form.begins_part(c) => last.push(c),
                        _ => parts.push(c.into()),
                    }
                }
                let joined: String = parts.iter().map(|part| form.normalized(part)).collect();
                prop_assert_eq!(joined, form.normalized(&text));
            }
        }
    }
}
