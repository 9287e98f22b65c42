//! Signs that are written out before compatibility forms would lose what they mean.

use unicode_normalization::UnicodeNormalization;

use super::roman;

/// Writes out signs whose meaning the compatibility forms would lose: powers, Roman numerals, numbers in circles.
pub(super) fn expand(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut numeral = String::new();
    let mut raised = false;
    for c in text.chars() {
        if matches!(c, '\u{2160}'..='\u{216b}' | '\u{2170}'..='\u{217b}') {
            numeral.extend(std::iter::once(c).nfkc().map(|c| c.to_ascii_uppercase()));
            continue;
        }
        end_numeral(&mut plain, &mut numeral);
        let digit = power(c);
        if digit.is_some() && !raised {
            plain.push('^');
        }
        raised = digit.is_some();
        match (digit, c) {
            (Some(digit), _) => plain.push(digit),
            (_, '\u{2460}'..='\u{2473}') => {
                plain.extend(std::iter::once(c).nfkc());
                plain.push('、');
            }
            (_, '¼' | '½' | '¾' | '\u{2150}'..='\u{215e}') => {
                if plain.ends_with(|c: char| c.is_ascii_digit()) {
                    plain.push('又');
                }
                plain.extend(std::iter::once(c).nfkc());
            }
            // A wide comma never parts thousands.
            (_, '，') if plain.ends_with(|c: char| c.is_ascii_digit()) => plain.push('、'),
            (_, '№') => plain.push_str("No."),
            (_, 'ß' | 'ẞ') => plain.push_str("ss"),
            (_, 'Æ' | 'æ') => plain.push_str("ae"),
            (_, 'Œ' | 'œ') => plain.push_str("oe"),
            (_, 'Þ' | 'þ') => plain.push_str("th"),
            (_, 'Đ' | 'đ' | 'Ð' | 'ð') => plain.push('d'),
            (_, 'Ł' | 'ł') => plain.push('l'),
            (_, 'Ø' | 'ø') => plain.push('o'),
            (_, 'ı') => plain.push('i'),
            (_, '™' | '℠' | '©' | '®' | 'ℹ') => {}
            (_, c) => plain.push(c),
        }
    }
    end_numeral(&mut plain, &mut numeral);
    plain
}

/// Writes a finished Roman numeral as a number.
fn end_numeral(plain: &mut String, numeral: &mut String) {
    if !numeral.is_empty() {
        match roman::value(numeral) {
            Some(value) => plain.push_str(&value.to_string()),
            None => plain.push_str(numeral),
        }
        numeral.clear();
    }
}

/// Returns the digit or sign of a raised one.
const fn power(c: char) -> Option<char> {
    Some(match c {
        '⁰' => '0',
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁴' => '4',
        '⁵' => '5',
        '⁶' => '6',
        '⁷' => '7',
        '⁸' => '8',
        '⁹' => '9',
        '⁻' => '-',
        'ⁿ' => 'n',
        _ => return None,
    })
}
