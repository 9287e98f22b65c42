//! The syllables of Chinese words.

use pinyin::ToPinyin;

use crate::{
    dictionary::{Cut, is_word},
    lexicon, polyphones,
    syllable::Syllable,
    table::rows,
    token::Token,
    word::Unspeakable,
};

/// Reads one word; the cuts around it decide characters with several readings.
///
/// # Errors
///
/// The first character without a reading.
pub(crate) fn read(cut: Cut<'_>, cuts: &[Cut<'_>], index: usize) -> Result<Token, Unspeakable> {
    let text: Vec<char> = cut.text.chars().collect();
    let mut syllables = match (polyphones::read(cut.text, cuts, index), text.as_slice()) {
        (Some(reading), _) => parse(reading),
        (None, [c]) => vec![character(*c)?],
        (None, _) => word(cut.text, &text)?,
    };
    // A place that ends in 上 is on something: 墙上.
    let place = cut.tag == "s" && lexicon::look_up(cut.text).is_none();
    if let ([_, .., '上'], true, Some(last)) = (text.as_slice(), place, syllables.last_mut()) {
        last.tone = 5;
    }
    if let (Some(surname), Some(first)) = (family_name(cut, &text), syllables.first_mut()) {
        *first = surname;
    }
    let tag = cut.tag.chars().next().unwrap_or('x');
    Ok(Token::new(text, syllables, tag))
}

/// Reads the first character of a word that the dictionary takes for a name as a family name.
fn family_name(cut: Cut<'_>, text: &[char]) -> Option<Syllable> {
    let named = cut.tag.starts_with("nr") && lexicon::look_up(cut.text).is_none();
    match *text {
        [first, second] | [first, second, _]
            if named && !polyphones::is_ordinary(first, second) =>
        {
            Syllable::parse(polyphones::surname(first.encode_utf8(&mut [0; 4]))?)
        }
        _ => None,
    }
}

/// Reads a word by the table, else by the longest words inside it that the table knows.
fn word(word: &str, text: &[char]) -> Result<Vec<Syllable>, Unspeakable> {
    if let Some(doubled) = doubled(word, text)? {
        return Ok(doubled);
    }
    if let Some([first, second]) = halves(word, text) {
        let (before, behind) = text.split_at(2);
        return Ok([self::word(first, before)?, self::word(second, behind)?].concat());
    }
    let mut syllables = Vec::new();
    let mut rest = text;
    let mut left = word;
    while let Some(first) = rest.first() {
        let known = (2..=rest.len()).rev().find_map(|length| {
            let end = left
                .char_indices()
                .nth(length)
                .map_or(left.len(), |(at, _)| at);
            let found = parse(lexicon::look_up(left.get(..end)?)?);
            (found.len() == length).then_some((found, length, end))
        });
        match known {
            Some((found, length, end)) => {
                syllables.extend(found);
                rest = rest.get(length..).unwrap_or_default();
                left = left.get(end..).unwrap_or_default();
            }
            // An opening 得 or 了 that no word claims is the verb: 得到, 得知, 了断.
            None if matches!(first, '得' | '了') && syllables.is_empty() => {
                let reading = if *first == '得' { "de2" } else { "liao3" };
                syllables.extend(Syllable::parse(reading));
                rest = rest.get(1..).unwrap_or_default();
                left = left.get(first.len_utf8()..).unwrap_or_default();
            }
            // What a line is counted in: 第一行.
            None if *first == '行' && rest.len() == 1 && ends_in_number(text) => {
                syllables.extend(Syllable::parse("hang2"));
                break;
            }
            // What can be done: 吃得了.
            None if *rest == ['得', '了'] && !syllables.is_empty() => {
                syllables.extend(["de5", "liao3"].into_iter().filter_map(Syllable::parse));
                break;
            }
            // A closing 子 that no word claims is the suffix.
            None if *first == '子' && rest.len() == 1 && !syllables.is_empty() => {
                syllables.push(Syllable {
                    spelling: "zi".to_owned(),
                    tone: 5,
                });
                break;
            }
            None if *first == '地'
                && says_how(text.split_last().map_or(&[], |(_, before)| before)) =>
            {
                syllables.extend(Syllable::parse("de5"));
                break;
            }
            None => {
                syllables.push(character(*first)?);
                rest = rest.get(1..).unwrap_or_default();
                left = left.get(first.len_utf8()..).unwrap_or_default();
            }
        }
    }
    Ok(syllables)
}

/// Reads a word of two characters of which each is said twice, as it is read once: 的的确确. A neutral tone is a full
/// one there: 清楚, 清清楚楚.
fn doubled(word: &str, text: &[char]) -> Result<Option<Vec<Syllable>>, Unspeakable> {
    let [a, again, b, too] = *text else {
        return Ok(None);
    };
    let once = String::from_iter([a, b]);
    let known = lexicon::look_up(&once).filter(|_| a == again && b == too);
    let known = known
        .filter(|_| lexicon::look_up(word).is_none())
        .map(parse);
    let Some([first, second]) = known.as_deref() else {
        return Ok(None);
    };
    let second = match second.tone {
        5 => character(b)?,
        _ => second.clone(),
    };
    let pair = |syllable: &Syllable| [syllable.clone(), syllable.clone()];
    Ok(Some([pair(first), pair(&second)].concat()))
}

/// Tells whether a number stands before the last character.
fn ends_in_number(text: &[char]) -> bool {
    let before = text.split_last().and_then(|(_, before)| before.last());
    before.is_some_and(|c| "一二两三四五六七八九十百千几".contains(*c))
}

/// Tells whether 地 behind it says how something is done: 轻轻地, 高高兴兴地.
fn says_how(before: &[char]) -> bool {
    match *before {
        [a, again] => a == again,
        [a, again, b, too] => a == again && b == too,
        _ => false,
    }
}

/// Parts four characters that are two words: 举行会谈 is not read as 举, 行会, 谈.
fn halves<'a>(word: &'a str, text: &[char]) -> Option<[&'a str; 2]> {
    let (middle, _) = word.char_indices().nth(2).filter(|_| text.len() == 4)?;
    let (first, second) = word.split_at(middle);
    let two = lexicon::look_up(word).is_none() && is_word(first) && is_word(second);
    two.then_some([first, second])
}

fn parse(pinyin: &str) -> Vec<Syllable> {
    pinyin
        .split_whitespace()
        .filter_map(Syllable::parse)
        .collect()
}

fn character(c: char) -> Result<Syllable, Unspeakable> {
    if let Some(known) = lexicon::look_up(c.encode_utf8(&mut [0; 4])) {
        return Syllable::parse(known).ok_or(Unspeakable(c));
    }
    c.to_pinyin()
        .and_then(|pinyin| Syllable::parse(pinyin.with_tone_num_end()))
        .ok_or(Unspeakable(c))
}

const CHILD_WORDS: &str = include_str!("../data/child-words.tsv");

/// Tells whether the 儿 at the end of a word is a child and has a syllable of its own.
fn ends_in_child(word: &str) -> bool {
    rows(CHILD_WORDS).any(|[known, place, _]| match place {
        "whole" => word == known,
        _ => word.ends_with(known),
    })
}

/// Colors the syllable before a closing 儿 and drops the 儿's own: after this characters and syllables differ.
pub(crate) fn color(token: &mut Token) {
    let last = token.syllables.len().saturating_sub(1);
    if token.is_given(last) || token.is_given(last.saturating_sub(1)) {
        return;
    }
    let Token {
        text, syllables, ..
    } = token;
    if text.len() < 2 || text.len() != syllables.len() || text.last() != Some(&'儿') {
        return;
    }
    let word: String = text.iter().collect();
    if ends_in_child(&word) {
        return;
    }
    if let [.., before, _] = syllables.as_slice()
        && !before.spelling.ends_with('r')
    {
        let colored = Syllable {
            spelling: format!("{}r", before.spelling),
            tone: before.tone,
        };
        // A final without a colored form keeps its 儿.
        if colored.phones().is_some() {
            syllables.truncate(syllables.len() - 2);
            syllables.push(colored);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{analyze::analyze, english::Latin, script::Script, table::lines, word::pinyin};

    #[test]
    fn a_child_has_a_syllable_of_its_own_in_the_example_of_each_row() {
        for [word, place, example] in rows(CHILD_WORDS) {
            assert!(matches!(place, "end" | "whole"), "{word}");
            assert!(example.contains(&format!("[{word}]")), "{word}");
            let sentence = example.replace(['[', ']'], "");
            let stretches = analyze(&Script::plain(&sentence), Latin::Mandarin).unwrap();
            let read = pinyin(&stretches[0].words, " ");
            assert!(read.contains("er2"), "{example}: {read}");
        }
        assert_eq!(rows::<3>(CHILD_WORDS).count(), lines(CHILD_WORDS).count());
        assert!(!ends_in_child("女孩儿") && !ends_in_child("花儿"));
    }
}
