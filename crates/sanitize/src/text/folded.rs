//! A view of a text in which look-alike digits, letters, spaces and dashes are the ASCII ones.
//!
//! Rules for numbers and addresses match this view, so that full-width digits or a no-break space
//! do not hide a number from them. Positions are translated back, since the text itself must not
//! change.
//!
//! The view has the same number of characters as the text, but not the same number of bytes.

use std::borrow::Cow;
use std::ops::Range;

use crate::characters::digit;

/// The distance between a full-width character and its ASCII form.
const FULL_WIDTH: u32 = 0xfee0;

/// The folded text, and where its characters are in the source.
pub(crate) struct Folded<'t> {
    text: Cow<'t, str>,
    /// Behind each folded character: its end in the view, and its end in the text.
    ends: Vec<(usize, usize)>,
}

impl<'t> Folded<'t> {
    /// Folds a text. Borrows it if there is nothing to fold.
    pub(crate) fn new(source: &'t str) -> Self {
        let mut chars = source.char_indices();
        let Some((first, _)) = chars.find(|&(_, c)| fold(c).is_some()) else {
            return Self {
                text: Cow::Borrowed(source),
                ends: Vec::new(),
            };
        };
        let (before, rest) = source.split_at_checked(first).unwrap_or((source, ""));
        let mut text = String::with_capacity(source.len());
        text.push_str(before);
        let mut ends = Vec::new();
        let mut end = first;
        for c in rest.chars() {
            end = end.saturating_add(c.len_utf8());
            let folded = fold(c);
            text.push(folded.unwrap_or(c));
            if folded.is_some() {
                ends.push((text.len(), end));
            }
        }
        Self {
            text: Cow::Owned(text),
            ends,
        }
    }

    /// Returns the folded text.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Translates a range of the view into one of the text.
    pub(crate) fn in_source(&self, range: Range<usize>) -> Range<usize> {
        self.original_offset(range.start)..self.original_offset(range.end)
    }

    fn original_offset(&self, at: usize) -> usize {
        let next = self.ends.partition_point(|&(folded, _)| folded <= at);
        let last = next.checked_sub(1).and_then(|last| self.ends.get(last));
        last.map_or(at, |&(folded, source)| {
            source.saturating_add(at.saturating_sub(folded))
        })
    }
}

/// Returns the ASCII form of a look-alike character, if it has one.
pub(crate) fn fold(c: char) -> Option<char> {
    match c {
        '\0'..='\u{9f}' => None,
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            Some(' ')
        }
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => Some('-'),
        // Punctuation of Chinese sentences is left: nearly every text has some.
        '０'..='９'
        | 'Ａ'..='Ｚ'
        | 'ａ'..='ｚ'
        | '＃'
        | '＊'
        | '＋'
        | '－'
        | '．'
        | '／'
        | '＠'
        | '＿' => char::from_u32(u32::from(c).saturating_sub(FULL_WIDTH)),
        _ => {
            let digit = digit(c).filter(|digit| !digit.is_chinese)?;
            char::from_digit(digit.value.into(), 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_translated_back() {
        let source = "打１３\u{a0}8—x٣ b";
        let folded = Folded::new(source);
        assert_eq!(folded.as_str(), "打13 8-x3 b");
        for (part, original) in [
            ("13", "１３"),
            (" 8", "\u{a0}8"),
            ("-x", "—x"),
            ("3 b", "٣ b"),
        ] {
            let start = folded.as_str().find(part).unwrap();
            let range = folded.in_source(start..start + part.len());
            assert_eq!(&source[range], original, "{part}");
        }
        assert!(matches!(Folded::new("打13 8").text, Cow::Borrowed(_)));
    }
}
