//! Variation sequences: which selector may follow which character.
//!
//! A selector after any other character selects nothing but can carry hidden data: sixteen values
//! for each character, invisible in every font. The table is parsed once in a process, from the
//! data files of Unicode.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A base character and its selectors a line, from StandardizedVariants.txt.
const DATA: &str = include_str!("../../data/standardized_variants.txt");

/// The selectors by their base. Few bases have more than two.
static SEQUENCES: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
    let lines = DATA.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(parse).collect()
});

/// Reads a line: the base and its selectors. `None`: a code is none.
fn parse(line: &str) -> Option<(char, Vec<char>)> {
    let mut codes = line.split(' ').map(character);
    let base = codes.next()??;
    Some((base, codes.collect::<Option<_>>()?))
}

/// Reads the code of a character, in hexadecimal digits.
fn character(code: &str) -> Option<char> {
    char::from_u32(u32::from_str_radix(code, 16).ok()?)
}

/// The first and last character of each range of bases, from emoji-variation-sequences.txt.
const EMOJI_DATA: &str = include_str!("../../data/emoji_variation_bases.txt");

/// The ranges, in ascending order.
static EMOJI_BASES: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    let lines = EMOJI_DATA.lines().filter(|line| !line.starts_with('#'));
    let range = |line: &str| {
        let (first, last) = line.split_once(' ').unwrap_or((line, line));
        Some((character(first)?, character(last)?))
    };
    lines.filter_map(range).collect()
});

/// Tells whether U+FE0E and U+FE0F select the text and the emoji form of this character.
///
/// After any other pictograph they select nothing: U+FE0E and U+FE0F would be one hidden bit for
/// each.
pub(crate) fn is_emoji_variation_base(base: char) -> bool {
    let at = EMOJI_BASES.partition_point(|&(_, last)| last < base);
    EMOJI_BASES.get(at).is_some_and(|&(first, _)| first <= base)
}

/// Tells whether Unicode lists this pair in StandardizedVariants.
///
/// A slashed zero (U+0030 U+FE00) is listed, but does not count: it would split a number in two for
/// every rule that looks for digits.
pub(crate) fn is_standardized_variant(base: char, selector: char) -> bool {
    base != '0'
        && SEQUENCES
            .get(&base)
            .is_some_and(|selectors| selectors.contains(&selector))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_data_is_read() {
        let lines = DATA.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!((SEQUENCES.len(), lines), (1120, 1120));
        let pairs: usize = SEQUENCES.values().map(Vec::len).sum();
        assert_eq!(pairs, 1292);
        assert!(is_standardized_variant('\u{2229}', '\u{fe00}'));
        assert!(!is_standardized_variant('好', '\u{fe00}'));
    }

    #[test]
    fn the_bases_of_emoji_variations_are_371_emoji() {
        let emoji = regex::Regex::new(r"\p{Emoji}").unwrap();
        let bases: Vec<char> = ('\0'..=char::MAX)
            .filter(|&c| is_emoji_variation_base(c))
            .collect();
        assert_eq!(bases.len(), 371);
        let mut text = [0; 4];
        assert!(
            bases
                .iter()
                .all(|c| emoji.is_match(c.encode_utf8(&mut text)))
        );
        assert!(is_emoji_variation_base('❤') && is_emoji_variation_base('㊙'));
        assert!(!is_emoji_variation_base('🥰') && !is_emoji_variation_base('🧑'));
    }
}
