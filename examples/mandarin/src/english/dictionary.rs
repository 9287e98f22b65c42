//! The pronouncing dictionary: 125,000 words, unpacked when the first Latin word is read.

use std::{collections::HashMap, io::Read, sync::OnceLock};

use libflate::gzip::Decoder;

const PACKED: &[u8] = include_bytes!("../../data/cmudict.txt.gz");
const OWN: &str = include_str!("../../data/english.txt");

/// Returns the phones of a word in small letters, with the stress behind each vowel: `HH AH0 L OW1`.
pub(super) fn look_up(word: &str) -> Option<&'static str> {
    own().get(word).copied().or_else(|| find(unpacked(), word))
}

fn own() -> &'static HashMap<&'static str, &'static str> {
    static TABLE: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    TABLE.get_or_init(|| {
        OWN.lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(' '))
            .collect()
    })
}

/// Unpacks the dictionary: a word and its phones a line, sorted.
pub(super) fn unpacked() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut text = String::new();
        let read = Decoder::new(PACKED).and_then(|mut decoder| decoder.read_to_string(&mut text));
        // The file is part of the build, and a test reads all of it.
        debug_assert!(read.is_ok(), "the dictionary is damaged");
        text
    })
}

/// Searches sorted lines by halving: no index has to be built.
fn find<'a>(lines: &'a str, word: &str) -> Option<&'a str> {
    let (mut low, mut high) = (0, lines.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = lines.get(..middle)?.rfind('\n').map_or(0, |at| at + 1);
        let end = lines
            .get(middle..)?
            .find('\n')
            .map_or(lines.len(), |at| middle + at);
        let (entry, phones) = lines.get(start..end)?.split_once(' ')?;
        match entry.cmp(word) {
            std::cmp::Ordering::Equal => return Some(phones),
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_dictionary_is_found_by_its_word() {
        let lines = unpacked().lines().filter(|line| !line.starts_with('#'));
        let mut count = 0;
        for line in lines {
            let (word, phones) = line.split_once(' ').unwrap();
            assert_eq!(find(unpacked(), word), Some(phones), "{word}");
            count += 1;
        }
        assert!(count > 120_000);
    }

    #[test]
    fn what_is_no_word_is_not_found() {
        for word in ["", "#", "zzzzzz", "'", "aaaaaaa", "hellö"] {
            assert_eq!(look_up(word), None, "{word}");
        }
    }
}
