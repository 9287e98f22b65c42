//! One form for the many ways to write the same.

use std::{collections::HashMap, sync::OnceLock};

use unicode_normalization::UnicodeNormalization;

/// Folds full-width and compatibility forms, writes traditional characters as simplified ones, and drops what
/// has no sound: controls, marks, joiners.
pub(crate) fn clean(text: &str) -> String {
    text.nfkc()
        .flat_map(unmarked)
        .filter(|c| !is_silent(*c))
        .map(fold)
        .collect()
}

/// Takes the marks off Latin letters, so that é is read as e.
fn unmarked(c: char) -> impl Iterator<Item = char> {
    let latin = matches!(c, '\u{00c0}'..='\u{024f}' | '\u{1e00}'..='\u{1eff}');
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
            | '\u{0300}'..='\u{036f}'
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
        '’' | '‘' | 'ʼ' | '`' | '´' => '\'',
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
    fn equal_texts_look_equal() {
        assert_eq!(clean("ＡＢ１２％　Ｃ"), "AB12% C");
        assert_eq!(clean("電腦軟體"), "电脑软体");
        assert_eq!(clean("café"), "cafe");
        assert_eq!(clean("你\u{200b}好"), "你好");
    }
}
