//! One form for the many ways to write the same.

use unicode_normalization::UnicodeNormalization;

/// Folds full-width and compatibility forms, and drops what has no sound: controls, marks, joiners.
pub(crate) fn clean(text: &str) -> String {
    text.nfkc().filter(|c| !is_silent(*c)).map(fold).collect()
}

fn is_silent(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{00ad}')
        || ('\u{0300}'..='\u{036f}').contains(&c)
}

fn fold(c: char) -> char {
    match c {
        '\n' | '\r' | '\u{2028}' | '\u{2029}' => '\n',
        c if c.is_control() => ' ',
        '〇' => '零',
        '－' | '−' | '‐' | '‑' | '‒' | '–' => '-',
        '～' | '〜' | '∼' => '~',
        c => c,
    }
}
