//! Base64, hexadecimal digits, SHA-1 and lengths.
//!
//! Decoders never fail: they stop or skip, as the text on each says. The reason is that the
//! programs behind differ, and a rule that gives up would miss what they read.

use super::changed;
use super::url::{hex, hex_pair};

/// The six bits that a character of Base64 stands for.
///
/// The alphabet is the ordinary one and that for URLs (RFC 4648).
const fn sextet(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// Joins sextets to bytes. Bits that do not fill a byte are dropped. `most`: how many there may be.
fn join_sextets(sextets: impl Iterator<Item = u8>, most: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(most / 4 * 3 + 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for sextet in sextets {
        bits = (bits << 6 | u32::from(sextet)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).unwrap_or_default());
        }
    }
    out
}

/// Decodes up to the first character outside the alphabet.
///
/// Padding ends it too.
pub(super) fn base64_decode(value: &[u8]) -> Option<Vec<u8>> {
    changed(
        value,
        join_sextets(value.iter().map_while(|byte| sextet(*byte)), value.len()),
    )
}

/// Decodes and skips what is outside the alphabet.
///
/// Blanks, line ends and padding in the middle do not hide anything.
pub(super) fn base64_decode_lenient(value: &[u8]) -> Option<Vec<u8>> {
    changed(
        value,
        join_sextets(value.iter().filter_map(|byte| sextet(*byte)), value.len()),
    )
}

/// Encodes.
pub(super) fn base64_encode(value: &[u8]) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::with_capacity(value.len().div_ceil(3) * 4);
    for chunk in value.chunks(3) {
        let bits = chunk.iter().chain([0, 0].iter()).take(3);
        let bits = bits.fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        for place in 0..4 {
            let letter = ALPHABET.get(bits >> (18 - 6 * place) & 63).copied();
            out.push(letter.filter(|_| place <= chunk.len()).unwrap_or(b'='));
        }
    }
    changed(value, out)
}

/// Decodes pairs of digits. What is no pair is skipped.
///
/// Pairs are counted from the start; a wrong pair does not move those after it.
pub(super) fn hex_decode(value: &[u8]) -> Option<Vec<u8>> {
    changed(value, value.chunks(2).filter_map(hex_pair).collect())
}

/// Writes each byte as two digits.
pub(super) fn hex_encode(value: &[u8]) -> Option<Vec<u8>> {
    let digits = value
        .iter()
        .flat_map(|byte| format!("{byte:02x}").into_bytes());
    changed(value, digits.collect())
}

/// The length as a decimal number.
///
/// An empty value gives `0`.
pub(super) fn length(value: &[u8]) -> Option<Vec<u8>> {
    changed(value, value.len().to_string().into_bytes())
}

/// The SHA-1, for rules that need a number with an even distribution. Nothing relies on its
/// strength.
///
/// The result is 20 bytes, usually followed by `t:hexEncode`.
pub(super) fn sha1(value: &[u8]) -> Option<Vec<u8>> {
    Some(sha1_smol::Sha1::from(value).digest().bytes().to_vec())
}

/// Decodes `0x414243` where it stands.
///
/// MySQL reads such a number as text. Of an odd number of digits the last stays.
pub(super) fn sql_hex_decode(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let digits = match (first, after) {
            (b'0', [b'x' | b'X', digits @ ..]) => digits,
            _ => &[],
        };
        let count = digits
            .iter()
            .take_while(|byte| hex(**byte).is_some())
            .count()
            / 2
            * 2;
        if count == 0 {
            out.push(first);
            continue;
        }
        let (pairs, after) = digits.split_at(count);
        out.extend(pairs.chunks(2).filter_map(hex_pair));
        rest = after;
    }
    changed(value, out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(base64_decode(b"aGVsbG8=!x").as_deref(), Some(&b"hello"[..]));
        assert_eq!(
            base64_decode_lenient(b"aGV\nsbG8").as_deref(),
            Some(&b"hello"[..])
        );
        assert_eq!(
            sql_hex_decode(b"a 0x414243z 0x 0xg").as_deref(),
            Some(&b"a ABCz 0x 0xg"[..])
        );
        assert_eq!(length(b"abc").as_deref(), Some(&b"3"[..]));
        let digest = sha1(b"abc")
            .and_then(|digest| hex_encode(&digest))
            .expect("changes");
        assert_eq!(digest, b"a9993e364706816aba3e25717850c26c9cd0d89d");
    }

    proptest! {
        #[test]
        fn encoding_is_the_reverse_of_decoding(value in proptest::collection::vec(any::<u8>(), 1..50)) {
            let encoded = base64_encode(&value).expect("differs");
            prop_assert_eq!(base64_decode(&encoded), Some(value.clone()));
            let digits = hex_encode(&value).expect("differs");
            prop_assert_eq!(hex_decode(&digits), Some(value));
        }
    }
}
