//! Pieces of text that are worked on one after the other.
//!
//! Rules look ahead and back, and some look for what is not there. What that costs is bounded by the piece, so that the whole
//! costs in proportion to its length, whatever the text is.

use crate::symbol::Symbol;

/// Symbols of the longest piece: more than any sentence that was meant to be read aloud.
const LONGEST: usize = 400;

/// A piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) symbols: &'a [Symbol<'a>],
    /// Whether a sentence ends with it, rather than the patience of the reader.
    pub(crate) ends_sentence: bool,
}

/// Cuts text behind sentences, and else before it gets too long, between words where possible.
pub(crate) fn split<'a>(text: &'a [Symbol<'a>]) -> impl Iterator<Item = Piece<'a>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (end, ends_sentence) = end_of(rest);
        let (symbols, tail) = rest.split_at_checked(end)?;
        rest = tail;
        Some(Piece {
            symbols,
            ends_sentence,
        })
    })
}

/// Returns where the first piece ends, and whether a sentence does.
fn end_of(text: &[Symbol<'_>]) -> (usize, bool) {
    let mut blank = None;
    let mut last = None;
    for (at, symbol) in text.iter().enumerate() {
        let c = symbol.character();
        // A mark inside an address ends nothing.
        let inside = c.is_some_and(|c| c.is_ascii_graphic());
        if matches!(last, Some('。' | '\n')) || matches!(last, Some('!' | '?')) && !inside {
            return (at, true);
        }
        if at == LONGEST {
            return (blank.unwrap_or(at), false);
        }
        if matches!(last, Some(' ' | ',' | '、' | ';')) {
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
    use crate::{clause, numbers::in_words, symbol::text_of};

    fn symbols(text: &str) -> Vec<Symbol<'_>> {
        text.chars().map(Symbol::usual).collect()
    }

    #[test]
    fn sentences_are_pieces() {
        let text = symbols("你好!我来了。http://a.cn/?b=1 谢谢\n再见");
        let pieces: Vec<_> = split(&text).collect();
        let texts: Vec<_> = pieces.iter().map(|piece| text_of(piece.symbols)).collect();
        assert_eq!(
            texts,
            ["你好!", "我来了。", "http://a.cn/?b=1 谢谢\n", "再见"]
        );
        assert!(pieces.iter().all(|piece| piece.ends_sentence));
    }

    #[test]
    fn long_text_is_cut_between_words() {
        let text = format!("{},{}", "字".repeat(300), "1".repeat(500));
        let text = symbols(&text);
        let lengths: Vec<_> = split(&text).map(|piece| piece.symbols.len()).collect();
        assert_eq!(lengths, [301, 400, 100]);
        assert!(split(&text).take(2).all(|piece| !piece.ends_sentence));
    }

    /// Counts what a step that looks at every pair of characters of a clause would do.
    fn work(text: &str) -> usize {
        let text = symbols(text);
        let clauses = split(&text).flat_map(|piece| clause::split(in_words(piece.symbols)));
        clauses.map(|clause| clause.symbols.len().pow(2)).sum()
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
            let text = symbols(&text);
            let pieces: Vec<_> = split(&text).map(|piece| piece.symbols).collect();
            prop_assert_eq!(pieces.concat(), text.clone());
            prop_assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.len() <= LONGEST));
        }
    }
}
