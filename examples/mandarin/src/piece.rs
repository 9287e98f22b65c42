//! Pieces of text that are worked on one after the other.
//!
//! Rules look ahead and back, and some look for what is not there. What that costs is bounded by the piece, so that the whole
//! costs in proportion to its length, whatever the text is.

/// Characters of the longest piece: more than any sentence that was meant to be read aloud.
const LONGEST: usize = 400;

/// A piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) text: &'a str,
    /// Whether a sentence ends with it, rather than the patience of the reader.
    pub(crate) ends_sentence: bool,
}

/// Cuts text behind sentences, and else before it gets too long, between words where possible.
pub(crate) fn split(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (end, ends_sentence) = end_of(rest);
        let (text, tail) = rest.split_at(end);
        rest = tail;
        Some(Piece {
            text,
            ends_sentence,
        })
    })
}

/// Returns where the first piece ends, and whether a sentence does.
fn end_of(text: &str) -> (usize, bool) {
    let mut blank = None;
    let mut last = '\0';
    for (count, (at, c)) in text.char_indices().enumerate() {
        // A mark inside an address ends nothing.
        if matches!(last, '。' | '\n') || matches!(last, '!' | '?') && !c.is_ascii_graphic() {
            return (at, true);
        }
        if count == LONGEST {
            return (blank.unwrap_or(at), false);
        }
        if matches!(last, ' ' | ',' | '、' | ';') {
            blank = Some(at);
        }
        last = c;
    }
    (text.len(), true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{clause, numbers::spell_out};

    #[test]
    fn sentences_are_pieces() {
        let pieces: Vec<_> = split("你好!我来了。http://a.cn/?b=1 谢谢\n再见").collect();
        let texts: Vec<_> = pieces.iter().map(|piece| piece.text).collect();
        assert_eq!(
            texts,
            ["你好!", "我来了。", "http://a.cn/?b=1 谢谢\n", "再见"]
        );
        assert!(pieces.iter().all(|piece| piece.ends_sentence));
    }

    #[test]
    fn long_text_is_cut_between_words() {
        let text = format!("{},{}", "字".repeat(300), "1".repeat(500));
        let lengths: Vec<_> = split(&text)
            .map(|piece| piece.text.chars().count())
            .collect();
        assert_eq!(lengths, [301, 400, 100]);
        assert!(split(&text).take(2).all(|piece| !piece.ends_sentence));
    }

    /// Counts what a step that looks at every pair of characters of a clause would do.
    fn work(text: &str) -> usize {
        let clauses = split(text).flat_map(|piece| clause::split(&spell_out(piece.text)));
        clauses
            .map(|clause| clause.text.chars().count().pow(2))
            .sum()
    }

    #[test]
    fn twice_the_text_is_twice_the_work_whatever_it_is() {
        for text in [
            "1", "a", "1-", "1.", "1/", "1:", "一", "@a", "a.", "aB", "x^2", "°", "$1", "不一",
            "得", "——",
        ] {
            let once = text.repeat(4_000 / text.len());
            let (single, double) = (work(&once), work(&once.repeat(2)));
            assert!(
                double <= single * 2 + single / 5,
                "{text}: {single} and {double}"
            );
        }
    }

    proptest! {
        #[test]
        fn pieces_are_the_text_and_none_is_long(text in "([0-9a-z一,。!? ]|\\PC){0,1500}") {
            let pieces: Vec<_> = split(&text).map(|piece| piece.text).collect();
            prop_assert_eq!(pieces.concat(), text.as_str());
            prop_assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.chars().count() <= LONGEST));
        }
    }
}
