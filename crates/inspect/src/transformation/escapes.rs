//! Escapes of JavaScript, CSS, ANSI C and HTML.
//!
//! Each language drops or keeps the backslash of an unknown escape in its own way; the functions
//! follow the language. Code points beyond ASCII go through `unicode::push_best_fit`.

use super::{
    changed, unicode,
    url::{hex_number, hex_pair},
};

/// Reads up to three octal digits: the byte and how many digits were used.
///
/// `None` if there is no digit. The result is always one byte: `\477` is `\47` and a `7`.
fn read_octal(text: &[u8]) -> Option<(u8, usize)> {
    let digits = text
        .iter()
        .take(3)
        .take_while(|byte| matches!(byte, b'0'..=b'7'))
        .count();
    // Three digits write more than a byte if the first is above 3.
    let used = if digits == 3 && text.first().is_some_and(|first| *first > b'3') {
        2
    } else {
        digits
    };
    let number = text
        .iter()
        .take(used)
        .fold(0_u32, |sum, byte| sum * 8 + u32::from(byte - b'0'));
    (used > 0).then_some((u8::try_from(number).unwrap_or_default(), used))
}

/// The control character that `\n` and its like write.
///
/// `None` for all other letters.
const fn control_character(byte: u8) -> Option<u8> {
    Some(match byte {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        _ => return None,
    })
}

/// Decodes backslashes with a function that reads what follows one, writes it, and returns how many
/// bytes it used.
///
/// Text without a backslash is copied as it is.
fn decode(value: &[u8], escape: impl Fn(&[u8], &mut Vec<u8>) -> usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first == b'\\' {
            let used = escape(after, &mut out);
            rest = after.get(used..).unwrap_or_default();
        } else {
            out.push(first);
        }
    }
    changed(value, out)
}

/// `\uHHHH`, `\xHH`, octal, `\n`; before anything else the backslash disappears.
///
/// A `\u` or `\x` without enough digits becomes its letter.
pub(super) fn javascript(value: &[u8]) -> Option<Vec<u8>> {
    decode(value, |rest, out| {
        let (first, after) = match rest.split_first() {
            Some((first, after)) => (*first, after),
            None => return 0,
        };
        if first == b'u'
            && let (code, 4) = hex_number(after, 4)
        {
            unicode::push_best_fit(code, out);
            return 5;
        }
        if first == b'x'
            && let Some(byte) = hex_pair(after)
        {
            out.push(byte);
            return 3;
        }
        if let Some((byte, used)) = read_octal(rest) {
            out.push(byte);
            return used;
        }
        out.push(control_character(first).unwrap_or(first));
        1
    })
}

/// Up to six hexadecimal digits and one blank; a backslash before a line end disappears with it.
pub(super) fn css(value: &[u8]) -> Option<Vec<u8>> {
    decode(value, |rest, out| {
        let (code, digits) = hex_number(rest, 6);
        if digits > 0 {
            unicode::push_best_fit(code, out);
            let blank = rest.get(digits).is_some_and(u8::is_ascii_whitespace);
            return digits + usize::from(blank);
        }
        match rest.first() {
            Some(b'\n') => 1,
            Some(other) => {
                out.push(*other);
                1
            }
            None => 0,
        }
    })
}

/// The escapes of ANSI C; an unknown one keeps its backslash.
///
/// A backslash at the end stays.
pub(super) fn ansi_c(value: &[u8]) -> Option<Vec<u8>> {
    decode(value, |rest, out| {
        let Some((&first, after)) = rest.split_first() else {
            out.push(b'\\');
            return 0;
        };
        if matches!(first, b'x' | b'X')
            && let Some(byte) = hex_pair(after)
        {
            out.push(byte);
            return 3;
        }
        if let Some((byte, used)) = read_octal(rest) {
            out.push(byte);
            return used;
        }
        match (control_character(first), first) {
            (Some(byte), _) | (None, byte @ (b'\\' | b'?' | b'\'' | b'"')) => {
                out.push(byte);
                1
            }
            _ => {
                out.push(b'\\');
                0
            }
        }
    })
}

/// Numbers and the five names that browsers accept without a semicolon.
///
/// An `&` that starts no entity stays. `&amp;lt;` is decoded once, to `&lt;`.
pub(super) fn html(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let used = if first == b'&' {
            decode_entity(after, &mut out)
        } else {
            0
        };
        if used == 0 {
            out.push(first);
            continue;
        }
        rest = after.get(used..).unwrap_or_default();
        rest = rest.strip_prefix(b";").unwrap_or(rest);
    }
    changed(value, out)
}

/// Decodes what follows `&`. Returns how many bytes it used, 0 if it is no entity.
///
/// Names have no case here, as some browsers accept `&LT;`. The semicolon is not counted.
fn decode_entity(text: &[u8], out: &mut Vec<u8>) -> usize {
    if let Some(number) = text.strip_prefix(b"#") {
        let (code, used) = entity_number(number);
        if used > 0 {
            unicode::push_best_fit(code, out);
            return used + 1;
        }
        return 0;
    }
    const NAMES: [(&[u8], u8); 5] = [
        (b"quot", b'"'),
        (b"amp", b'&'),
        (b"lt", b'<'),
        (b"gt", b'>'),
        (b"nbsp", 0xa0),
    ];
    let letters = text
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let name = text.get(..letters).unwrap_or_default();
    match NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
    {
        Some((known, byte)) => {
            out.push(*byte);
            known.len()
        }
        None => 0,
    }
}

/// Reads `x41` or `65`: the code point and how many bytes were used.
///
/// The count is 0 if there is no digit.
fn entity_number(text: &[u8]) -> (u32, usize) {
    if let Some(digits) = text.strip_prefix(b"x").or_else(|| text.strip_prefix(b"X")) {
        // Zeros in front do not count towards the length of the number.
        let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
        let (code, used) = hex_number(digits.get(zeros..).unwrap_or_default(), 6);
        return (
            code,
            if zeros + used > 0 {
                zeros + used + 1
            } else {
                0
            },
        );
    }
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold((0, 0), |(number, used): (u32, usize), digit| {
        (
            number
                .saturating_mul(10)
                .saturating_add(u32::from(digit - b'0')),
            used + 1,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_javascript() {
        let text = javascript(br"\u0061\x62\143\n\q\u{1}\uff07");
        assert_eq!(text.as_deref(), Some(&b"abc\nqu{1}'"[..]));
    }

    #[test]
    fn escapes_of_css() {
        assert_eq!(
            css(br"ja\76 a\000073cript\(").as_deref(),
            Some(&b"javascript("[..])
        );
        assert_eq!(css(b"a\\\nb").as_deref(), Some(&b"ab"[..]));
    }

    #[test]
    fn escapes_of_ansi_c() {
        assert_eq!(
            ansi_c(br"\x41\101\t\q\\").as_deref(),
            Some(&b"AA\t\\q\\"[..])
        );
    }

    #[test]
    fn entities_of_html() {
        let text = html(b"&lt;&#x3c;&#0060 &#X003C&Quot;&copy;&");
        assert_eq!(text.as_deref(), Some(&b"<<< <\"&copy;&"[..]));
        assert_eq!(html(b"&#99999999999;").as_deref(), Some(&b"\xff"[..]));
    }
}
