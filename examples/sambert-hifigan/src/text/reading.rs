//! The syllables of Chinese words.

use pinyin::ToPinyin;

use super::{
    Syllable, Unspeakable, lexicon, polyphones,
    segment::{Cut, is_word},
    token::Token,
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

/// Characters with a reading of their own as family names, in words that the dictionary takes for names. The others
/// (华, 单, 查, ...) begin more words than names; names with them stand in the table.
const FAMILIES: &str = "任仇区曾缪覃";

/// Characters that make an ordinary word with one of those before them.
const NO_NAMES: &str = "凭重劳满教之何意务职命免性期选你一人富恨必未深者敌怨视";

fn family_name(cut: Cut<'_>, text: &[char]) -> Option<Syllable> {
    let named = cut.tag.starts_with("nr") && lexicon::look_up(cut.text).is_none();
    match *text {
        [first, second] | [first, second, _]
            if named && FAMILIES.contains(first) && !NO_NAMES.contains(second) =>
        {
            Syllable::parse(polyphones::surname(first)?)
        }
        _ => None,
    }
}

fn single(c: char, cuts: &[Cut<'_>], index: usize) -> Result<Syllable, Unspeakable> {
    match polyphones::read(c, cuts, index) {
        Some(reading) => Syllable::parse(reading).ok_or(Unspeakable(c)),
        None => character(c),
    }
}

/// Reads a word by the table, else by the longest words inside it that the table knows.
fn word(word: &str, text: &[char]) -> Result<Vec<Syllable>, Unspeakable> {
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
