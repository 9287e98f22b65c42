//! Decodes and encodes JSON strings.
//!
//! Escapes are those of RFC 8259, section 7. A string without escapes is borrowed. What is written
//! escapes the quotation mark, the backslash and control characters, and nothing else.
//!
//! What is decoded and encoded again is equal in value, but may differ in its escapes: `\/` becomes
//! `/`. Only strings that were changed are encoded.

use std::borrow::Cow;

/// Why a string is not JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum StringFlaw {
    /// An escape holds half of a surrogate pair.
    Surrogate,
    /// An escape is unknown or incomplete.
    Syntax,
}

/// Decodes what is between the quotes. The scanner refused control characters before.
///
/// # Errors
///
/// [`StringFlaw::Syntax`] for an unknown or incomplete escape, [`StringFlaw::Surrogate`] for half of a pair.
pub(crate) fn decode(raw: &str) -> Result<Cow<'_, str>, StringFlaw> {
    let Some((plain, _)) = raw.split_once('\\') else {
        return Ok(Cow::Borrowed(raw));
    };
    let mut decoded = String::with_capacity(raw.len());
    decoded.push_str(plain);
    let mut rest = raw.get(plain.len()..).unwrap_or_default();
    while let Some((plain, escape)) = rest.split_once('\\') {
        decoded.push_str(plain);
        let (c, length) = read_escape(escape)?;
        decoded.push(c);
        rest = escape.get(length..).ok_or(StringFlaw::Syntax)?;
    }
    decoded.push_str(rest);
    Ok(Cow::Owned(decoded))
}

/// Decodes what others wrote: half of a surrogate pair becomes U+FFFD, and the backslash of an escape
/// that does not exist stays.
pub(crate) fn decode_lossy(raw: &str) -> Cow<'_, str> {
    if let Ok(decoded) = decode(raw) {
        return decoded;
    }
    let mut decoded = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        decoded.push_str(plain);
        let (c, length) = match read_escape(escape) {
            Ok(read) => read,
            Err(StringFlaw::Surrogate) => ('\u{fffd}', UNIT),
            Err(StringFlaw::Syntax) => ('\\', 0),
        };
        decoded.push(c);
        rest = escape.get(length..).unwrap_or_default();
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

/// Returns how many bytes of the beginning of a string can be decoded by themselves: up to an escape
/// that may go on, or all.
pub(crate) fn complete_length(raw: &str) -> usize {
    let mut at = 0;
    while let Some(escape) = raw.get(at..).and_then(|rest| rest.find('\\')) {
        let start = at + escape;
        let behind = raw.get(start + 1..).unwrap_or_default();
        let length = match read_escape(behind) {
            _ if behind.len() < PAIR => return start,
            Ok((_, length)) => length,
            Err(StringFlaw::Surrogate) => UNIT,
            Err(StringFlaw::Syntax) => 0,
        };
        at = start + 1 + length;
    }
    raw.len()
}

/// The length of an escape such as `u4f60`, without its backslash.
const UNIT: usize = 5;

/// The length of two such escapes, with the backslash between them.
const PAIR: usize = 11;

/// Returns how many bytes, from the first, are of a string and need no look: no quotation mark, no
/// backslash, no control character.
pub(crate) fn plain_length(bytes: &[u8]) -> usize {
    let end = memchr::memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
    let content = bytes.get(..end).unwrap_or_default();
    // The compiler turns this into a few instructions for sixteen bytes. Hardly any string has one.
    let has_control = content
        .iter()
        .fold(false, |any, &byte| any | is_control(byte));
    match has_control {
        true => content
            .iter()
            .take_while(|&&byte| !is_control(byte))
            .count(),
        false => end,
    }
}

/// Tells whether a byte must be escaped in a string (RFC 8259, section 7).
const fn is_control(byte: u8) -> bool {
    byte < 0x20
}

/// Reads one escape. Returns the character and the number of bytes read.
///
/// `escape` begins after the backslash.
///
/// # Errors
///
/// [`StringFlaw::Syntax`] for an escape that JSON does not have, [`StringFlaw::Surrogate`] for half
/// of a pair.
fn read_escape(escape: &str) -> Result<(char, usize), StringFlaw> {
    let simple = match escape.bytes().next() {
        Some(b'"') => '"',
        Some(b'/') => '/',
        Some(b'\\') => '\\',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unescape_unit(escape),
        _ => return Err(StringFlaw::Syntax),
    };
    Ok((simple, 1))
}

/// Reads `\u` escapes: one UTF-16 unit, or a surrogate pair. Half a pair is refused.
///
/// `\ud83d\ude00` is one character (RFC 8259, section 7). Halves that stand alone or in the wrong order
/// are refused.
///
/// # Errors
///
/// [`StringFlaw::Surrogate`] for half of a pair, in either order.
fn unescape_unit(escape: &str) -> Result<(char, usize), StringFlaw> {
    let first = read_unit(escape.get(1..5))?;
    if let Some(c) = char::from_u32(first.into()) {
        return Ok((c, 5));
    }
    let second = match escape.get(5..7) {
        Some("\\u") => read_unit(escape.get(7..11))?,
        _ => return Err(StringFlaw::Surrogate),
    };
    match char::decode_utf16([first, second]).next() {
        Some(Ok(c)) => Ok((c, 11)),
        _ => Err(StringFlaw::Surrogate),
    }
}

/// Reads four hexadecimal digits.
///
/// `None` stands for digits that are cut off by the end of the string.
///
/// # Errors
///
/// [`StringFlaw::Syntax`] unless there are four hexadecimal digits.
fn read_unit(digits: Option<&str>) -> Result<u16, StringFlaw> {
    // The parser of numbers would take a sign for a digit.
    let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    digits
        .and_then(|digits| u16::from_str_radix(digits, 16).ok())
        .ok_or(StringFlaw::Syntax)
}

/// Encodes a string, with its quotes. Only what JSON requires is escaped.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len().saturating_add(2));
    encoded.push('"');
    push_escaped(&mut encoded, text);
    encoded.push('"');
    encoded
}

/// Writes a text as it is between the quotes of a string.
pub(crate) fn push_escaped(encoded: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '"' => encoded.push_str("\\\""),
            '\\' => encoded.push_str("\\\\"),
            '\n' => encoded.push_str("\\n"),
            '\r' => encoded.push_str("\\r"),
            '\t' => encoded.push_str("\\t"),
            '\0'..='\u{1f}' => encoded.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => encoded.push(c),
        }
    }
}
