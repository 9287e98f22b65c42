//! Digits of all scripts and their values.

/// The zeros of Unicode's decimal digits (general category Nd); nine more digits follow each.
#[rustfmt::skip] // a table reads better in rows
const ZEROS: [u32; 72] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620,
    0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0, 0x11136,
    0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0, 0x11950, 0x11bf0,
    0x11c50, 0x11d50, 0x11da0, 0x11de0, 0x11f50, 0x16130, 0x16a60, 0x16ac0, 0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1e140,
    0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950,
];

/// The zeros that the rows above do not reach: other mathematical digits, and segmented digits.
const MORE_ZEROS: [u32; 5] = [0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1fbf0];

/// The ones of digits that are not decimal: circled, superscript, subscript. Eight more follow
/// each.
const ONES: [u32; 6] = [0x2460, 0x2776, 0x2780, 0x278a, 0x2474, 0x2488];

/// A digit, and whether it is of the Chinese number system.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Digit {
    /// 0 to 9.
    pub(crate) value: u8,
    /// Whether it is a digit of Chinese: a group of digits has one kind.
    pub(crate) is_chinese: bool,
}

/// Returns the value of a digit of any script, or `None` for another character.
pub(crate) fn digit(c: char) -> Option<Digit> {
    let value = match c {
        '0'..='9' => c.to_digit(10),
        '\0'..='\u{b1}' => None,
        '〇' | '\u{4e00}'..='\u{9fff}' => chinese(c),
        _ => decimal(c).or_else(|| other(c)),
    };
    Some(Digit {
        value: u8::try_from(value?).ok()?,
        is_chinese: matches!(c, '〇' | '\u{4e00}'..='\u{9fff}'),
    })
}

/// Returns the value of a Chinese digit: the common ones, those of the bank (壹贰叁), and 幺, which is said for 1 in numbers
/// of phones.
const fn chinese(c: char) -> Option<u32> {
    Some(match c {
        '〇' | '零' => 0,
        '一' | '壹' | '壱' | '幺' => 1,
        '二' | '贰' | '貳' | '弐' => 2,
        '三' | '叁' | '參' | '叄' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' | '陸' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

/// Returns the value of a decimal digit (general category Nd of Unicode), by the zero of its block.
fn decimal(c: char) -> Option<u32> {
    let code = u32::from(c);
    let at = ZEROS.partition_point(|&zero| zero <= code);
    let zero = ZEROS.get(at.checked_sub(1)?)?;
    let zeros = MORE_ZEROS.iter().chain([zero]);
    zeros
        .filter_map(|&zero| code.checked_sub(zero))
        .find(|&value| value < 10)
}

/// Returns the value of a digit that is no decimal one: superscripts, subscripts, digits in
/// circles.
fn other(c: char) -> Option<u32> {
    let code = u32::from(c);
    match c {
        '\u{b9}' => Some(1),
        '\u{b2}' | '\u{b3}' => code.checked_sub(0xb0),
        '\u{2070}' | '\u{2074}'..='\u{2079}' => code.checked_sub(0x2070),
        '\u{2080}'..='\u{2089}' => code.checked_sub(0x2080),
        '\u{24ea}' | '\u{24ff}' => Some(0),
        '\u{24f5}'..='\u{24fd}' => code.checked_sub(0x24f4),
        // With a comma behind it: 🄂.
        '\u{1f101}'..='\u{1f10a}' => code.checked_sub(0x1f101),
        _ => {
            let mut values = ONES.iter().filter_map(|&one| code.checked_sub(one));
            Some(values.find(|&value| value < 9)?.saturating_add(1))
        }
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn every_decimal_digit_of_unicode_has_its_value() {
        let decimal_digit = Regex::new(r"\p{Nd}").unwrap();
        let mut expected = 0..;
        let mut count = 0;
        for c in ('\0'..=char::MAX).filter(|c| !matches!(c, '〇' | '\u{4e00}'..='\u{9fff}')) {
            if !decimal_digit.is_match(c.encode_utf8(&mut [0; 4])) {
                continue;
            }
            // They come in tens, each from zero to nine.
            let value = expected.next().unwrap() % 10;
            assert_eq!(
                digit(c).map(|digit| digit.value),
                Some(value as u8),
                "{:x}",
                u32::from(c)
            );
            count += 1;
        }
        assert!(count >= 680, "{count}");
    }

    #[test]
    fn no_letter_is_a_digit() {
        let number = Regex::new(r"[\p{N}\p{Cn}]").unwrap();
        for c in ('\0'..=char::MAX).filter(|&c| digit(c).is_some_and(|digit| !digit.is_chinese)) {
            assert!(
                number.is_match(c.encode_utf8(&mut [0; 4])),
                "{:x}",
                u32::from(c)
            );
        }
    }

    #[test]
    fn circled_raised_and_chinese_digits_have_their_value() {
        let values = |text: &str| {
            text.chars()
                .map(|c| digit(c).map(|digit| digit.value))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            values("⓪①⑨❶➀➊⁰¹²³⁴₀₉🄁🄂🄊"),
            [0, 1, 9, 1, 1, 1, 0, 1, 2, 3, 4, 0, 9, 0, 1, 9].map(Some)
        );
        assert_eq!(values("〇零一九幺"), [0, 0, 1, 9, 1].map(Some));
        let of_banks = values("零壹贰叁肆伍陆柒捌玖");
        assert_eq!(of_banks, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(Some));
        let traditional = values("貳參陸");
        assert_eq!(traditional, [2, 3, 6].map(Some));
        assert_eq!(values("十好a⑩"), [None; 4]);
    }
}
