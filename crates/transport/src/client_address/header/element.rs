//! Reads one element of `Forwarded` (RFC 7239, section 4).

use crate::client_address::header::{address::parse_address, hop::Hop};

/// Reads one forwarded-element: `for=192.0.2.43;proto=https;host="example.com"`.
///
/// An element that breaks the grammar (RFC 7239, section 4) gives an empty hop.
pub(super) fn parse_element(written: &str) -> Hop<'_> {
    parse_parameters(written).unwrap_or_default()
}

/// Reads the parameters of an element. `None` if one is malformed or occurs twice.
fn parse_parameters(written: &str) -> Option<Hop<'_>> {
    let mut hop = Hop::default();
    let mut seen = [false; 3];
    for pair in split_pairs(written) {
        let (name, value) = pair.split_once('=')?;
        let value = Value::parse(value)?;
        let known = ["for", "host", "proto"];
        let Some(index) = known
            .iter()
            .position(|known| name.eq_ignore_ascii_case(known))
        else {
            continue;
        };
        // Each parameter occurs once (RFC 7239, 4); an element with two values is not used.
        let seen = seen.get_mut(index)?;
        if std::mem::replace(seen, true) {
            return None;
        }
        let value = value.plain()?;
        match index {
            0 => hop.address = parse_address(value),
            1 => hop.host = Some(value),
            _ => hop.proto = Some(value),
        }
    }
    Some(hop)
}

/// Splits an element at its semicolons.
///
/// Empty pairs are allowed (RFC 7239, section 4); an empty element is not.
fn split_pairs(element: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(element);
    let pairs = std::iter::from_fn(move || {
        let line = rest?;
        let (pair, after) = match semicolon_outside_quotes(line) {
            Some(at) => (line.get(..at)?, line.get(at + 1..)),
            None => (line, None),
        };
        rest = after;
        Some(pair.trim_matches([' ', '\t']))
    });
    pairs.filter(move |pair| !pair.is_empty() || element.is_empty())
}

/// Returns the position of the first semicolon that is not inside a quoted string.
fn semicolon_outside_quotes(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.bytes().position(|byte| {
        let is_escaped = std::mem::take(&mut escaped);
        match byte {
            b'\\' => escaped = quoted && !is_escaped,
            b'"' if !is_escaped => quoted = !quoted,
            _ => {}
        }
        byte == b';' && !quoted
    })
}

/// The value of a parameter, without its quotes.
#[derive(Clone, Copy)]
struct Value<'a>(&'a str);

impl<'a> Value<'a> {
    /// Reads a token or a quoted string. `None` if it is empty, or its quotes are not paired.
    fn parse(written: &'a str) -> Option<Self> {
        let Some(opened) = written.strip_prefix('"') else {
            return (!written.is_empty() && !written.contains('"')).then_some(Self(written));
        };
        let inner = opened.strip_suffix('"')?;
        let mut bytes = inner.bytes();
        while let Some(byte) = bytes.next() {
            match byte {
                b'\\' => drop(bytes.next()?), // A backslash escapes the character after it.
                b'"' => return None,
                _ => {}
            }
        }
        Some(Self(inner))
    }

    /// Returns the text, or `None` if it has a backslash.
    ///
    /// No address, host or scheme needs one, so escaped values are not decoded and nothing is
    /// copied.
    fn plain(self) -> Option<&'a str> {
        (!self.0.contains('\\')).then_some(self.0)
    }
}
