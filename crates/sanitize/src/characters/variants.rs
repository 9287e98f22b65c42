//! Variation sequences: which selector may follow which character.
//!
//! A selector after any other character selects nothing but can carry hidden data: sixteen values
//! for each character, invisible in every font. The table is parsed once in a process, from the
//! data file of Unicode.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A base character and its selectors a line, from StandardizedVariants.txt.
const DATA: &str = include_str!("../../data/standardized_variants.txt");

static SEQUENCES: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
    let lines = DATA.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(parse).collect()
});

fn parse(line: &str) -> Option<(char, Vec<char>)> {
    let mut codes = line.split(' ').map(character);
    let base = codes.next()??;
    Some((base, codes.collect::<Option<_>>()?))
}

fn character(code: &str) -> Option<char> {
    char::from_u32(u32::from_str_radix(code, 16).ok()?)
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
}
