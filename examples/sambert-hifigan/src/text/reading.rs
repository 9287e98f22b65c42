//! The syllables of Chinese words.

use pinyin::ToPinyin;

use super::{
    Syllable, Unspeakable, lexicon, polyphones,
    segment::{Cut, Token},
};

/// Reads one word; the cuts around it decide characters with several readings.
///
/// # Errors
///
/// The first character without a reading.
pub(crate) fn read(cut: Cut<'_>, cuts: &[Cut<'_>], index: usize) -> Result<Token, Unspeakable> {
    let text: Vec<char> = cut.text.chars().collect();
    let mut syllables = match *text.as_slice() {
        [c] => vec![single(c, cuts, index)?],
        _ => word(cut.text, &text)?,
    };
    // A place that ends in 上 is on something: 墙上.
    if let ([_, .., '上'], true, Some(last)) =
        (text.as_slice(), cut.tag == "s", syllables.last_mut())
    {
        last.tone = 5;
    }
    if cut.tag.starts_with("nr")
        && let (Some(first), Some(surname)) = (
            syllables.first_mut(),
            text.first().and_then(|c| polyphones::surname(*c)),
        )
        && let Some(surname) = Syllable::parse(surname)
    {
        *first = surname;
    }
    let tag = cut.tag.chars().next().unwrap_or('x');
    Ok(Token::new(text, syllables, tag))
}

fn single(c: char, cuts: &[Cut<'_>], index: usize) -> Result<Syllable, Unspeakable> {
    match polyphones::read(c, cuts, index) {
        Some(reading) => Syllable::parse(reading).ok_or(Unspeakable(c)),
        None => character(c),
    }
}

/// Reads a word by the table, else by the longest words inside it that the table knows.
fn word(word: &str, text: &[char]) -> Result<Vec<Syllable>, Unspeakable> {
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
            // An opening 得 that no word claims is the verb: 得到, 得知.
            None if *first == '得' && syllables.is_empty() => {
                syllables.push(Syllable {
                    spelling: "de".to_owned(),
                    tone: 2,
                });
                rest = rest.get(1..).unwrap_or_default();
                left = left.get(first.len_utf8()..).unwrap_or_default();
            }
            // A closing 子 that no word claims is the suffix.
            None if *first == '子' && rest.len() == 1 && !syllables.is_empty() => {
                syllables.push(Syllable {
                    spelling: "zi".to_owned(),
                    tone: 5,
                });
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

/// Words in which 儿 is a child and not a coloring of the syllable before it.
const CHILDREN: &str = "女儿 男儿 幼儿 婴儿 孤儿 胎儿 少儿 小儿 健儿 妻儿 宠儿 弃儿 产儿 患儿 托儿 育儿 生儿 混血儿 幸运儿 \
    早产儿 畸形儿 低能儿 弄潮儿";

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
    let child = CHILDREN
        .split_whitespace()
        .any(|child| word.ends_with(child));
    if child || word == "孩儿" {
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
