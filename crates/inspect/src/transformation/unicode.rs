//! Characters beyond ASCII, and the ASCII characters that programs make of them.
//!
//! A filter sees `＜` (full-width), and a database or a browser that converts to Latin 1 makes `<`
//! of it. The functions here do the same conversion before rules look.

use super::changed;

/// Writes the byte that a careless conversion to ASCII makes of a code point.
///
/// The list follows the "best fit" tables of Windows for characters that are syntax somewhere.
///
/// Full-width forms become their ASCII letter, typographic quotes become quotes, and code points up
/// to `U+00FF` become their byte. Other characters stay what they are (UTF-8): no conversion makes
/// syntax of a Chinese letter, and its low byte would be noise for every rule.
pub(super) fn push_best_fit(code: u32, out: &mut Vec<u8>) {
    let byte = match code {
        0xff01..=0xff5e => u8::try_from(code - 0xff01 + 0x21).ok(),
        0x2018..=0x201b | 0x2032 | 0x2035 | 0x02b9 | 0x02bb..=0x02bd | 0x02c8 => Some(b'\''),
        0x201c..=0x201f | 0x2033 | 0x2036 | 0x02ba => Some(b'"'),
        0x2039 | 0x2329 | 0x3008 => Some(b'<'),
        0x203a | 0x232a | 0x3009 => Some(b'>'),
        0x2010..=0x2015 | 0x2212 => Some(b'-'),
        0x2044 | 0x2215 => Some(b'/'),
        0x2216 => Some(b'\\'),
        0x2000..=0x200a | 0x3000 => Some(b' '),
        _ => u8::try_from(code).ok(),
    };
    match (byte, char::from_u32(code)) {
        (Some(byte), _) => out.push(byte),
        (None, Some(character)) => {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        // Half of a surrogate pair: only its low byte is left.
        (None, None) => out.push(u8::try_from(code & 0xff).unwrap_or_default()),
    }
}

/// Writes each character beyond ASCII as `%uXXXX`, also from overlong UTF-8. Bytes that are no
/// UTF-8 stay.
///
/// Overlong forms of ASCII characters are written too, as some decoders accept them although RFC
/// 3629 forbids it.
pub(super) fn to_percent_u(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&first, after)) = rest.split_first() {
        match read_sequence(rest) {
            // Beyond four digits there is no such form, and no program makes syntax of it.
            Some((code, length)) if code <= 0xffff => {
                out.extend(format!("%u{code:04x}").into_bytes());
                rest = rest.get(length..).unwrap_or_default();
            }
            _ => {
                out.push(first);
                rest = after;
            }
        }
    }
    changed(value, out)
}

/// Reads a sequence of 2 to 4 bytes, overlong or not.
///
/// `None`: the bytes are ASCII, or no such sequence.
fn read_sequence(text: &[u8]) -> Option<(u32, usize)> {
    let first = *text.first()?;
    let (bits, length) = match first {
        0xc0..=0xdf => (first & 0x1f, 2),
        0xe0..=0xef => (first & 0x0f, 3),
        0xf0..=0xf7 => (first & 0x07, 4),
        _ => return None,
    };
    let mut code = u32::from(bits);
    for byte in text.get(1..length)? {
        if byte & 0xc0 != 0x80 {
            return None;
        }
        code = code << 6 | u32::from(byte & 0x3f);
    }
    Some((code, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_become_percent_u() {
        assert_eq!(
            to_percent_u("aé中".as_bytes()).as_deref(),
            Some(&b"a%u00e9%u4e2d"[..])
        );
        assert_eq!(
            to_percent_u(b"\xc0\xaf\xff").as_deref(),
            Some(&b"%u002f\xff"[..])
        );
        assert_eq!(to_percent_u(b"plain"), None);
    }

    #[test]
    fn only_look_alikes_become_syntax() {
        let fit = |code| {
            let mut out = Vec::new();
            push_best_fit(code, &mut out);
            out
        };
        assert_eq!(fit(0xff07), b"'");
        assert_eq!(fit(0x2019), b"'");
        assert_eq!(fit(0x27), b"'");
        assert_eq!(fit(0x4e27), "\u{4e27}".as_bytes());
        assert_eq!(fit(0xd83d), b"\x3d");
    }
}
