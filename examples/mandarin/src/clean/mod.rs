//! One form for the many ways to write the same.

mod roman;
mod signs;
mod tags;

use std::{collections::HashMap, sync::OnceLock};

use unicode_normalization::UnicodeNormalization;

pub(crate) use self::roman::value as roman_value;
use self::{signs::expand, tags::without_tags};
use crate::run::is_han;

/// Folds full-width and compatibility forms, writes traditional characters as simplified ones, and drops what
/// has no sound: controls, marks, joiners, tags of HTML.
///
/// ```
/// assert_eq!(mandarin::clean("電腦，<b>１２％</b>"), "电脑,12%");
/// ```
#[must_use]
pub fn clean(text: &str) -> String {
    let plain = expand(&without_tags(text));
    let folded = plain
        .nfkc()
        .flat_map(unmarked)
        .filter(|c| !is_silent(*c))
        .map(fold);
    repeat(folded)
}

/// Writes characters again where a mark says so: 人々.
fn repeat(characters: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    let mut last = ' ';
    for c in characters {
        let c = match c {
            '々' | '〻' if is_han(last) => last,
            c => c,
        };
        text.push(c);
        last = c;
    }
    text
}

/// Takes the marks off Latin letters, so that é is read as e.
fn unmarked(c: char) -> impl Iterator<Item = char> {
    let latin =
        matches!(c, '\u{00c0}'..='\u{024f}' | '\u{1e00}'..='\u{1eff}') && c != '×' && c != '÷';
    let base = if latin {
        std::iter::once(c).nfd().next()
    } else {
        None
    };
    std::iter::once(base.unwrap_or(c))
}

fn is_silent(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{00ad}'
            | '\u{0300}'..='\u{036f}' | '\u{20e3}'
    )
}

fn fold(c: char) -> char {
    match c {
        '\n' | '\r' | '\u{2028}' | '\u{2029}' => '\n',
        c if c.is_control() => ' ',
        '〇' | '○' => '零',
        '－' | '−' | '‐' | '‑' | '‒' | '–' => '-',
        '\u{2044}' | '\u{2215}' => '/',
        '～' | '〜' | '∼' => '~',
        '×' | '✕' => '×',
        '¥' | '￥' => '¥',
        '’' | '‘' | 'ʼ' | '`' | '´' | '′' => '\'',
        '∶' | '꞉' => ':',
        '•' | '∙' | '⋅' | '・' | '‧' => '·',
        '≧' | '⩾' => '≥',
        '≦' | '⩽' => '≤',
        c => simplified().get(&c).copied().unwrap_or(c),
    }
}

fn simplified() -> &'static HashMap<char, char> {
    static TABLE: OnceLock<HashMap<char, char>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let lines = include_str!("../../data/traditional.txt")
            .lines()
            .filter(|line| !line.starts_with('#'));
        let pair = |pair: &str| {
            let mut characters = pair.chars();
            Some((characters.next()?, characters.next()?))
        };
        lines
            .flat_map(str::split_whitespace)
            .filter_map(pair)
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_html_have_no_sound() {
        assert_eq!(clean("<b>粗</b>，3<5"), "粗,3<5");
    }

    #[test]
    fn equal_texts_look_equal() {
        assert_eq!(clean("ＡＢ１２％　Ｃ"), "AB12% C");
        assert_eq!(clean("電腦軟體"), "电脑软体");
        assert_eq!(clean("café"), "cafe");
        assert_eq!(clean("你\u{200b}好"), "你好");
        assert_eq!(clean("3×4÷2"), "3×4÷2");
    }

    #[test]
    fn signs_keep_their_meaning() {
        assert_eq!(clean("x²+10⁻³"), "x^2+10^-3");
        assert_eq!(clean("第Ⅲ章，ⅩⅣ，ⅳ"), "第3章,14、4");
        assert_eq!(clean("11，618和11,618"), "11、618和11,618");
        assert_eq!(clean("①甲②乙"), "1、甲2、乙");
        assert_eq!(clean("½杯，3½杯"), "1/2杯,3又1/2杯");
        assert_eq!(clean("H₂O"), "H2O");
        assert_eq!(clean("1\u{fe0f}\u{20e3}号™"), "1号");
    }

    #[test]
    fn repeated_characters_are_written_again() {
        assert_eq!(clean("人々，佐々木，々"), "人人,佐佐木,々");
    }
}
