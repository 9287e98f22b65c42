//! Letters by their names.

use super::Latin;
use crate::{syllable::Syllable, token::Token};

/// The tag of a letter, which no dictionary uses.
pub(crate) const LETTER: char = '@';

/// Letters of one token: longer runs are split, as a speaker pauses in them.
const TOGETHER: usize = 4;

/// Names of the letters a to z, in syllables a Mandarin voice has, and in English phones.
const NAMES: [(&str, &str); 26] = [
    ("ei1", "EY1"),
    ("bi4", "B IY1"),
    ("xi1", "S IY1"),
    ("di4", "D IY1"),
    ("yi4", "IY1"),
    ("ai2 fu5", "EH1 F"),
    ("ji4", "JH IY1"),
    ("ai1 chi5", "EY1 CH"),
    ("ai4", "AY1"),
    ("zhei4", "JH EY1"),
    ("kei4", "K EY1"),
    ("ai2 lou5", "EH1 L"),
    ("ai2 mu5", "EH1 M"),
    ("en1", "EH1 N"),
    ("ou1", "OW1"),
    ("pi1", "P IY1"),
    ("kiu4", "K Y UW1"),
    ("a4", "AA1 R"),
    ("ai2 si5", "EH1 S"),
    ("ti4", "T IY1"),
    ("you1", "Y UW1"),
    ("wei1", "V IY1"),
    ("da2 bu5 liu5", "D AH1 B AH0 L Y UW0"),
    ("ai2 ke5 si5", "EH1 K S"),
    ("wai4", "W AY1"),
    ("zei4", "Z IY1"),
];

/// Reads letters one by one.
pub(crate) fn read(letters: &str, latin: Latin) -> Vec<Token> {
    let letters: Vec<char> = letters.chars().filter(char::is_ascii_alphabetic).collect();
    match latin {
        Latin::English => letters
            .chunks(TOGETHER)
            .map(|letters| token(letters.to_vec(), letters.iter().flat_map(english).collect()))
            .collect(),
        Latin::Mandarin => letters
            .iter()
            .map(|letter| spoken(*letter, names(letter).0))
            .collect(),
    }
}

fn names(letter: &char) -> (&'static str, &'static str) {
    let index = (letter.to_ascii_lowercase() as usize).wrapping_sub('a' as usize);
    NAMES.get(index).copied().unwrap_or_default()
}

fn english(letter: &char) -> Vec<Syllable> {
    super::syllables(names(letter).1)
}

/// Tells whether phones are the names of a word's letters, however they are stressed.
pub(crate) fn are_names(word: &str, phones: &str) -> bool {
    let plain = |phones: &str| phones.replace(|c: char| c.is_ascii_digit(), "");
    let named: Vec<String> = word.chars().map(|letter| plain(names(&letter).1)).collect();
    named.join(" ") == plain(phones)
}

/// Reads a Greek letter by the name it has in formulas.
pub(crate) fn greek(letter: char) -> Option<Token> {
    let name = match letter.to_lowercase().next()? {
        'α' => "a1 er3 fa3",
        'β' => "bei4 ta3",
        'γ' => "ga1 ma3",
        'δ' => "de2 er3 ta3",
        'ε' => "yi1 pu3 xi1 long2",
        'η' => "yi1 ta3",
        'θ' => "xi1 ta3",
        'λ' => "lan2 da2",
        'μ' => "miao4",
        'ξ' => "ke4 xi1",
        'π' => "pai4",
        'ρ' => "rou4",
        'σ' | 'ς' => "xi1 ge2 ma3",
        'τ' => "tao4",
        'φ' => "fai4",
        'χ' => "kai4",
        'ψ' => "pu3 sai4",
        'ω' => "ou1 mi3 ga1",
        _ => return None,
    };
    Some(spoken(letter, name))
}

fn spoken(letter: char, name: &str) -> Token {
    let syllables = name.split_whitespace().filter_map(Syllable::parse);
    token(vec![letter], syllables.collect())
}

fn token(text: Vec<char>, syllables: Vec<Syllable>) -> Token {
    Token::new(text, syllables, LETTER)
}
