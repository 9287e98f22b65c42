//! Reads forwarding headers from their end, hop by hop, without allocating.
//!
//! The `resolve` module calls this once per request of a trusted proxy. The
//! rightmost value was written by the nearest proxy; values further left may be the client's. A
//! value that cannot be read becomes a hop without an address. The caller then stops at it.

mod element;
mod address;
mod hop;
#[cfg(test)]
mod tests;

use http::{HeaderMap, HeaderName, HeaderValue};

use self::element::parse_element;
pub(super) use self::{address::parse_address, hop::Hop};

/// Yields the hops of `X-Forwarded-For`, the nearest first.
///
/// Several lines are one list (RFC 9110, section 5.3).
pub(super) fn of_list<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = Hop<'a>> {
    let lines = headers.get_all(name).into_iter().rev();
    lines
        .flat_map(|line| from_the_right(text(line), false))
        .map(|written| Hop {
            address: parse_address(written),
            ..Hop::default()
        })
}

/// Yields the hops of `Forwarded` (RFC 7239), the nearest first.
pub(super) fn of_forwarded<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = Hop<'a>> {
    let lines = headers.get_all(name).into_iter().rev();
    lines
        .flat_map(|line| from_the_right(text(line), true))
        .map(parse_element)
}

/// A header has several values, and one of them may be the client's.
///
/// The request is refused with 400. Holds the private reason, for the audit record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ambiguous(pub(super) &'static str);

/// Returns what the outermost trusted proxy wrote into a header to which each proxy appends a
/// value.
///
/// `hops` counts the hops that trusted proxies wrote. A single value was written by the nearest
/// proxy.
///
/// # Errors
///
/// The number of values is neither one nor `hops`: one of them may be the client's.
pub(super) fn value_of_outermost<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    hops: usize,
) -> Result<Option<&'a str>, Ambiguous> {
    let lines = headers.get_all(name).into_iter().rev();
    let values = lines.flat_map(|line| from_the_right(text(line), false));
    // One more than fits is enough to know that there are too many.
    let (mut count, mut outermost) = (0, None);
    for value in values.take(hops.max(1) + 1) {
        count += 1;
        outermost = Some(value);
    }
    if count > 1 && count != hops {
        return Err(Ambiguous(
            "X-Forwarded-Proto or X-Forwarded-Host has another number of values than there are trusted \
             proxies: trust every proxy of the chain, or let the nearest one overwrite the header",
        ));
    }
    Ok(outermost)
}

/// Returns the readable part of a line: all of it, or what follows the last unreadable element.
///
/// The comma before that part remains, so the unreadable element counts as a hop without an
/// address. Otherwise one odd byte of a client would hide the address that a proxy appended to
/// the same line.
fn text(line: &HeaderValue) -> &str {
    let bytes = line.as_bytes();
    let is_odd = |byte: &u8| !matches!(byte, b' '..=b'~' | b'\t');
    let readable = match bytes.iter().rposition(is_odd) {
        None => bytes,
        Some(odd) => behind_comma(bytes.get(odd..).unwrap_or_default()),
    };
    str::from_utf8(readable).unwrap_or_default()
}

/// Returns the first comma and what follows it. Empty if there is no comma.
fn behind_comma(bytes: &[u8]) -> &[u8] {
    let comma = bytes.iter().position(|byte| *byte == b',');
    comma.and_then(|at| bytes.get(at..)).unwrap_or_default()
}

/// Splits a list at its commas, from the right.
///
/// With `quotes`, quotation marks are paired from the right as well. A quote that a client left
/// open cannot hide what a proxy appended after it.
fn from_the_right(line: &str, quotes: bool) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let comma = if quotes {
            comma_outside_quotes(line)
        } else {
            line.rfind(',')
        };
        let (before, element) = match comma {
            Some(at) => (line.get(..at), line.get(at + 1..)?),
            None => (None, line),
        };
        rest = before;
        Some(element.trim_matches([' ', '\t']))
    })
}

/// Returns the position of the last comma that is not inside a quoted string.
fn comma_outside_quotes(line: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in line.bytes().enumerate().rev() {
        match byte {
            b'"' if !is_escaped(line, at) => quoted = !quoted,
            b',' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Returns whether an odd number of backslashes precedes a position.
fn is_escaped(line: &str, at: usize) -> bool {
    let before = line.bytes().take(at).rev();
    before.take_while(|byte| *byte == b'\\').count() % 2 == 1
}
