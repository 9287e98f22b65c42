//! A view of a text in which characters that mean the same to a reader are equal: for lists of words.
//!
//! Letters are in lower case, full-width letters and digits are the plain ones, and white space is one
//! space. Positions are translated back.

use std::ops::Range;

use super::folded::fold;

/// The view, and where its characters are in the text.
pub(crate) struct Compared {
    /// The text in the form that is compared.
    text: String,
    /// For each character of the view: its start there, and its place in the text.
    places: Vec<(usize, Range<usize>)>,
}

impl Compared {
    /// Makes the view. With `skips_separators`, only letters, digits and marks are in it.
    pub(crate) fn new(source: &str, skips_separators: bool) -> Self {
        let mut view = Self {
            text: String::with_capacity(source.len()),
            places: Vec::with_capacity(source.len() / 2),
        };
        for (at, c) in source.char_indices() {
            let place = at..at + c.len_utf8();
            let c = fold(c).unwrap_or(c);
            if skips_separators && !is_word_part(c) {
                continue;
            }
            if c.is_whitespace() {
                view.push_space(place);
            } else {
                c.to_lowercase().for_each(|c| view.push(c, place.clone()));
            }
        }
        view
    }

    /// Returns the view.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Translates a range of the view, which is not empty, into one of the text.
    pub(crate) fn in_source(&self, range: Range<usize>) -> Range<usize> {
        let start = self.place(range.start);
        let end = self.place(range.end.saturating_sub(1));
        start.start..end.end
    }

    fn push(&mut self, c: char, place: Range<usize>) {
        self.places.push((self.text.len(), place));
        self.text.push(c);
    }

    /// Adds white space: a run of it is one space.
    fn push_space(&mut self, place: Range<usize>) {
        match self.places.last_mut() {
            Some((_, last)) if self.text.ends_with(' ') => last.end = place.end,
            _ => self.push(' ', place),
        }
    }

    /// Returns the place of the character at this byte of the view.
    fn place(&self, at: usize) -> Range<usize> {
        let next = self.places.partition_point(|(start, _)| *start <= at);
        let last = next.checked_sub(1).and_then(|last| self.places.get(last));
        last.map_or(0..0, |(_, place)| place.clone())
    }
}

/// Tells whether a character is part of words: no space, sign or punctuation mark.
fn is_word_part(c: char) -> bool {
    c.is_alphanumeric() || crate::characters::is_mark(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_the_view_are_translated_back() {
        let source = "Ａb \u{3000} İC-好";
        let view = Compared::new(source, false);
        assert_eq!(view.as_str(), "ab i\u{307}c-好");
        let start = view.as_str().find(" i").unwrap();
        assert_eq!(&source[view.in_source(start..start + 4)], " \u{3000} İ");
        let compact = Compared::new(source, true);
        assert_eq!(compact.as_str(), "abi\u{307}c好");
        let start = compact.as_str().find("c好").unwrap();
        assert_eq!(&source[compact.in_source(start..start + 4)], "C-好");
    }
}
