//! Latin letters by their Mandarin names.

use super::{Syllable, segment::Token};

/// The tag of a letter, which no dictionary uses.
pub(crate) const LETTER: char = '@';

/// Names of the letters a to z, in syllables a Mandarin voice has.
const NAMES: [&str; 26] = [
    "ei1",
    "bi4",
    "xi1",
    "di4",
    "yi4",
    "ai2 fu5",
    "ji4",
    "ai1 chi5",
    "ai4",
    "zhei4",
    "kei4",
    "ai2 lou5",
    "ai2 mu5",
    "en1",
    "ou1",
    "pi1",
    "kiu4",
    "a4",
    "ai2 si5",
    "ti4",
    "you1",
    "wei1",
    "da2 bu5 liu5",
    "ai2 ke5 si5",
    "wai4",
    "zei4",
];

/// Reads one letter.
pub(crate) fn read(letter: char) -> Token {
    let index = (letter.to_ascii_lowercase() as usize).wrapping_sub('a' as usize);
    let name = NAMES.get(index).copied().unwrap_or_default();
    spoken(letter, name)
}

/// Reads a Greek letter by the name it has in formulas.
pub(crate) fn greek(letter: char) -> Option<Token> {
    let name = match letter.to_lowercase().next()? {
        'α' => "a1 er3 fa3",
        'β' => "bei4 ta3",
        'γ' => "ga1 ma3",
        'δ' => "de2 er3 ta3",
        'θ' => "xi1 ta3",
        'λ' => "lan2 da2",
        'μ' => "miao4",
        'π' => "pai4",
        'σ' => "xi1 ge2 ma3",
        'ω' => "ou1 mi3 ga1",
        _ => return None,
    };
    Some(spoken(letter, name))
}

fn spoken(letter: char, name: &str) -> Token {
    let syllables = name.split_whitespace().filter_map(Syllable::parse);
    Token::new(vec![letter], syllables.collect(), LETTER)
}
