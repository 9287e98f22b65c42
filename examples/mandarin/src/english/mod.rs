//! Latin words: which are read as words and which by their letters.

mod dictionary;
mod letters;
mod mandarin;
mod rules;
mod sounds;
mod syllables;

pub(crate) use self::letters::{LETTER, greek};
use crate::{syllable::Syllable, table::rows, token::Token};
use dictionary::look_up;

/// What a voice does with Latin words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // A third would need another way to read every word.
pub enum Latin {
    /// The phones of English were trained: words are English ones.
    English,
    /// Only Mandarin was trained: words are said in the Mandarin syllables nearest to them.
    Mandarin,
}

/// The tag of an English word, as the dictionary of Chinese has it.
const WORD: char = 'e';

const ACRONYMS: &str = include_str!("../../data/acronyms.tsv");

/// Capitals up to this many are letters, if they are not among the above.
const INITIALS: usize = 4;

/// Letters up to which a word is looked for in the dictionary, and read by rules.
const LONGEST: usize = 30;

/// Syllables of one token: a longer word is cut, so that none is longer than a voice can say.
const SYLLABLES: usize = 6;

/// Reads a run of Latin letters and apostrophes.
pub(crate) fn read(word: &str, latin: Latin) -> Vec<Token> {
    match phones(word) {
        Some(phones) => spoken(word, &phones, latin),
        None => {
            let parts = by_case(word);
            match parts.as_slice() {
                [_] => letters::read(word, latin),
                parts => parts.iter().flat_map(|part| read(part, latin)).collect(),
            }
        }
    }
}

/// Returns the phones of what is read as a word, with the stress behind each vowel.
fn phones(word: &str) -> Option<String> {
    let small = word.to_ascii_lowercase();
    let small = small.trim_matches('\'');
    let count = small.len();
    if !(2..=LONGEST).contains(&count) {
        return None;
    }
    let capitals = !word.contains(|c: char| c.is_ascii_lowercase());
    let initials = capitals && !rows(ACRONYMS).any(|[known, _]| known == word);
    if initials && count <= INITIALS {
        return None;
    }
    if let Some(known) = look_up(small) {
        return (!letters::are_names(small, known)).then(|| known.to_owned());
    }
    let parts = by_case(word).len() > 1;
    if initials || parts {
        return None;
    }
    compound(small).or_else(|| rules::pronounce(small))
}

/// Reads a word that is two known ones: chatbot, livestream.
fn compound(word: &str) -> Option<String> {
    (3..word.len().saturating_sub(2)).rev().find_map(|at| {
        let (first, second) = (word.get(..at)?, word.get(at..)?);
        let second = look_up(second)?.replace('1', "2");
        Some(format!("{} {second}", look_up(first)?))
    })
}

/// Cuts where a capital follows a small letter, and before the last of several capitals: `iPhone`, `GPTs`, `XMLFile`.
fn by_case(word: &str) -> Vec<&str> {
    let bytes = word.as_bytes();
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, three) in bytes.windows(3).enumerate() {
        let [first, second, third] = three else {
            continue;
        };
        let small = |byte: &u8| byte.is_ascii_lowercase();
        let rises = small(second) && third.is_ascii_uppercase();
        let falls = !small(first) && second.is_ascii_uppercase() && small(third) && *third != b's';
        let cut = if rises {
            at + 2
        } else if falls {
            at + 1
        } else if at == 0 && small(first) && second.is_ascii_uppercase() {
            1
        } else {
            continue;
        };
        parts.extend(word.get(start..cut).filter(|part| !part.is_empty()));
        start = cut;
    }
    parts.extend(word.get(start..).filter(|part| !part.is_empty()));
    parts
}

fn spoken(word: &str, phones: &str, latin: Latin) -> Vec<Token> {
    let syllables = match latin {
        Latin::English => syllables(phones),
        Latin::Mandarin => mandarin::nearest(&syllables::of(phones)),
    };
    let text: Vec<char> = word.chars().collect();
    let token = |syllables: &[Syllable]| {
        // Never as many characters as syllables: those would be taken for Chinese.
        let text = text.iter().copied().chain([' '; 8]).collect();
        Token::new(text, syllables.to_vec(), WORD)
    };
    syllables.chunks(SYLLABLES).map(token).collect()
}

/// Returns the syllables of English phones, for a voice that knows them.
pub(crate) fn syllables(phones: &str) -> Vec<Syllable> {
    syllables::of(phones)
        .iter()
        .map(syllables::EnglishSyllable::english)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::lines;

    #[track_caller]
    fn check(word: &str, latin: Latin, spoken: &str) {
        let tokens = read(word, latin);
        let shown = tokens.iter().flat_map(|token| &token.syllables);
        let shown: Vec<_> = shown.map(ToString::to_string).collect();
        assert_eq!(shown.join(" "), spoken, "{word}");
    }

    #[test]
    fn known_words_are_read_by_the_dictionary() {
        check("hello", Latin::English, "HH-AH0 L-OW1");
        check("Hello", Latin::English, "HH-AH0 L-OW1");
        check("don't", Latin::English, "D-OW-N-T1");
        check("hello", Latin::Mandarin, "he1 lou4");
        check("google", Latin::Mandarin, "gu1 ge5 er5");
    }

    #[test]
    fn few_capitals_are_letters_unless_they_make_a_word() {
        check("GDP", Latin::English, "JH-IY1 D-IY1 P-IY1");
        check("usb", Latin::English, "Y-UW1 EH-S1 B-IY1");
        check("NASA", Latin::English, "N-AE1 S-AH0");
        check("GDP", Latin::Mandarin, "ji4 di4 pi1");
        check("HTTPS", Latin::Mandarin, "ai1 chi5 ti4 ti4 pi1 ai2 si5");
    }

    #[test]
    fn every_acronym_is_read_as_a_word() {
        for [word, spoken] in rows(ACRONYMS) {
            check(word, Latin::English, spoken);
        }
        assert_eq!(rows::<2>(ACRONYMS).count(), lines(ACRONYMS).count());
    }

    #[test]
    fn words_are_parted_where_small_letters_meet_capitals() {
        check("ChatGPT", Latin::English, "CH-AE-T1 JH-IY1 P-IY1 T-IY1");
        check("WeChatPay", Latin::English, "W-IY1 CH-AE-T1 P-EY1");
        check("iPod", Latin::English, "AY1 P-AA-D0");
        assert_eq!(by_case("XMLFile"), ["XML", "File"]);
        assert_eq!(by_case("eBay"), ["e", "Bay"]);
        assert_eq!(by_case("GPTs"), ["GPTs"]);
    }

    #[test]
    fn unknown_words_are_two_known_ones_or_read_by_rules_or_spelled() {
        check("livestream", Latin::English, "L-AY-V1 S-T-R-IY-M0");
        check("glorping", Latin::English, "G-L-AO-R1 P-IH-NG0");
        check("xqz", Latin::Mandarin, "ai2 ke5 si5 kiu4 zei4");
    }

    #[test]
    fn a_word_without_end_comes_in_pieces() {
        for (word, latin) in [
            ("ba", Latin::English),
            ("xyZ", Latin::Mandarin),
            ("Ab", Latin::English),
        ] {
            let tokens = read(&word.repeat(5_000), latin);
            assert!(tokens.len() > 1_000, "{word}");
            assert!(tokens.iter().all(|token| token.syllables.len() <= 8));
        }
    }
}
