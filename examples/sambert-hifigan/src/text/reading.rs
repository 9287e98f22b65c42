//! The syllables of Chinese words.

use pinyin::ToPinyin;

use super::{Break, Syllable, Unspeakable, lexicon, segment::Token};

/// Reads one word.
pub(crate) fn read(word: &str, tag: &str, _before: &[Token]) -> Result<Token, Unspeakable> {
    let text: Vec<char> = word.chars().collect();
    let syllables = match lexicon::look_up(word).map(parse).filter(|syllables| syllables.len() == text.len()) {
        Some(syllables) => syllables,
        None => text.iter().map(|c| character(*c)).collect::<Result<_, _>>()?,
    };
    Ok(Token { text, syllables, tag: tag.to_owned(), after: Break::Word })
}

fn parse(pinyin: &str) -> Vec<Syllable> {
    pinyin.split_whitespace().filter_map(Syllable::parse).collect()
}

fn character(c: char) -> Result<Syllable, Unspeakable> {
    if let Some(known) = lexicon::look_up(c.encode_utf8(&mut [0; 4])) {
        return Syllable::parse(known).ok_or(Unspeakable(c));
    }
    c.to_pinyin().and_then(|pinyin| Syllable::parse(pinyin.with_tone_num_end())).ok_or(Unspeakable(c))
}
