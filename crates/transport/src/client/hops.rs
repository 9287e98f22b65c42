//! Reads forwarding headers from their end, hop by hop, without allocating.
//!
//! The `walk` module calls this once per request of a trusted proxy. The
//! rightmost value was written by the nearest proxy; values further left may be the client's. A
//! value that cannot be read becomes a hop without an address. The caller then stops at it.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue};

/// What one proxy wrote about the request that it received.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Hop<'a> {
    /// The address, or `None` where it is unknown, obfuscated or no address at all.
    pub(super) address: Option<IpAddr>,
    /// The `host` parameter of `Forwarded`. Always `None` for `X-Forwarded-For`.
    pub(super) host: Option<&'a str>,
    /// The `proto` parameter of `Forwarded`. Always `None` for `X-Forwarded-For`.
    pub(super) proto: Option<&'a str>,
}

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
            address: address(written),
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
        .map(element)
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

/// Reads one forwarded-element: `for=192.0.2.43;proto=https;host="example.com"`.
///
/// An element that breaks the grammar (RFC 7239, section 4) gives an empty hop.
fn element(written: &str) -> Hop<'_> {
    parameters(written).unwrap_or_default()
}

/// Reads the parameters of an element. `None` if one is malformed or occurs twice.
fn parameters(written: &str) -> Option<Hop<'_>> {
    let mut hop = Hop::default();
    let mut seen = [false; 3];
    for pair in pairs(written) {
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
            0 => hop.address = address(value),
            1 => hop.host = Some(value),
            _ => hop.proto = Some(value),
        }
    }
    Some(hop)
}

/// Splits an element at its semicolons.
///
/// Empty pairs are allowed (RFC 7239, section 4); an empty element is not.
fn pairs(element: &str) -> impl Iterator<Item = &str> {
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

/// Reads an address, with or without port and brackets.
///
/// Returns the canonical form: an IPv4-mapped IPv6 address becomes IPv4. `unknown`, `_hidden`
/// and other text give `None`.
pub(super) fn address(written: &str) -> Option<IpAddr> {
    let address = match written.parse::<IpAddr>() {
        Ok(address) => address,
        Err(_) => match bracketed(written) {
            Some(address) => address,
            None => with_port(written)?,
        },
    };
    Some(address.to_canonical())
}

/// Reads an IPv6 address in brackets.
fn bracketed(written: &str) -> Option<IpAddr> {
    let inner = written.strip_prefix('[')?.strip_suffix(']')?;
    inner.parse().ok().map(IpAddr::V6)
}

/// Reads `192.0.2.7:4711` and `[2001:db8::7]:4711`.
///
/// The port may be obfuscated (`_x`, RFC 7239, section 6.3).
fn with_port(written: &str) -> Option<IpAddr> {
    if let Ok(socket) = written.parse::<SocketAddr>() {
        return Some(socket.ip());
    }
    let (node, port) = written.rsplit_once(':')?;
    let hidden = port.strip_prefix('_')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if hidden.is_empty() || !hidden.bytes().all(is_plain) {
        return None;
    }
    match bracketed(node) {
        Some(address) => Some(address),
        None => node.parse().ok().map(IpAddr::V4),
    }
}

#[cfg(test)]
mod tests {
    use http::header::FORWARDED;
    use proptest::prelude::*;

    use super::*;

    fn hops(lines: &[&str]) -> Vec<Option<String>> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED, HeaderValue::from_str(line).unwrap());
        }
        let hops = of_forwarded(&headers, &FORWARDED);
        hops.map(|hop| hop.address.map(|ip| ip.to_string()))
            .collect()
    }

    fn some(address: &str) -> Option<String> {
        Some(address.to_owned())
    }

    #[test]
    fn every_written_form_of_an_address_is_read() {
        for (written, expected) in [
            ("203.0.113.7", Some("203.0.113.7")),
            ("203.0.113.7:4711", Some("203.0.113.7")),
            ("203.0.113.7:_port", Some("203.0.113.7")),
            ("2001:db8::7", Some("2001:db8::7")),
            ("[2001:db8::7]", Some("2001:db8::7")),
            ("[2001:db8::7]:4711", Some("2001:db8::7")),
            ("[2001:db8::7]:_p", Some("2001:db8::7")),
            ("::ffff:203.0.113.7", Some("203.0.113.7")),
            ("[::ffff:203.0.113.7]:1", Some("203.0.113.7")),
            ("unknown", None),
            ("_hidden", None),
            ("", None),
            ("unix:", None),
            ("203.0.113.7:", None),
            ("203.0.113.7:65536", None),
            ("203.0.113.7:_", None),
            ("203.0.113.07", None),
            ("0x7f.1", None),
            ("2130706433", None),
            ("[203.0.113.7]", None),
            ("[2001:db8::7", None),
            ("fe80::1%eth0", None),
            ("example.com", None),
            ("203.0.113.7 ", None),
            ("203.0.113.7, 10.0.0.1", None),
        ] {
            let read = address(written).map(|ip| ip.to_string());
            assert_eq!(read.as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn a_forwarded_element_is_read_with_its_quotes() {
        let hop =
            element("For=\"[2001:db8::7]:4711\" ; Proto=https;host=\"example.com:8443\"; by=_x");
        assert_eq!(hop.address, "2001:db8::7".parse().ok());
        assert_eq!(
            (hop.proto, hop.host),
            (Some("https"), Some("example.com:8443"))
        );
    }

    #[test]
    fn an_element_that_cannot_be_read_says_nothing() {
        for written in [
            "for",
            "for=",
            "for=\"203.0.113.7",
            "for=203.0.113.7\"",
            "for=\"203.0.113\\.7\"",
            "",
            "for=203.0.113.7;by=\"a\"b\"",
            "for=203.0.113.7;by=\"a\\\"",
            "for=203.0.113.7;by=\"open;x=y",
            "for=203.0.113.7;by",
            "for=203.0.113.7;for=198.51.100.1",
            "for=203.0.113.7;proto=https;proto=http",
            "203.0.113.7",
        ] {
            assert_eq!(element(written), Hop::default(), "{written}");
        }
    }

    #[test]
    fn an_open_quote_cannot_swallow_what_a_proxy_appended() {
        let nearest = |line: &str| hops(&[line]).into_iter().next().unwrap();
        for attack in [
            "for=\"",
            "for=\"198.51.100.1",
            "\\\"",
            "for=\"a\\\"",
            "\"\"\"",
            "for=\"x, for=10.0.0.1",
        ] {
            let line = format!("{attack}, for=203.0.113.7;proto=https");
            assert_eq!(nearest(&line), some("203.0.113.7"), "{line}");
            let line = format!("{attack}, for=\"[2001:db8::7]:1\"");
            assert_eq!(nearest(&line), some("2001:db8::7"), "{line}");
        }
    }

    #[test]
    fn a_comma_inside_quotes_separates_nothing() {
        let read = hops(&["for=192.0.2.1, for=\"a,b\", for=192.0.2.3", "for=192.0.2.4"]);
        assert_eq!(
            read,
            [
                some("192.0.2.4"),
                some("192.0.2.3"),
                None,
                some("192.0.2.1")
            ]
        );
    }

    #[test]
    fn separators_and_escapes_inside_quotes_end_nothing() {
        for line in [
            "for=192.0.2.1;by=\"a;b\"",
            "by=\"a;b\";for=192.0.2.1",
            "for=192.0.2.1;by=\"a,b\"",
            "for=192.0.2.1;x=\"a;b,c;for=6.6.6.6\"",
            "for=192.0.2.1;x=\"a\\\";b\\\", c\"",
            "for=192.0.2.1;x=\"\\\\\"",
            "for=192.0.2.1;",
            ";for=192.0.2.1;;proto=https;",
        ] {
            let line = format!("for=192.0.2.7, {line}, for=\"192.0.2.3\";x=\";,\"");
            let expected = ["192.0.2.3", "192.0.2.1", "192.0.2.7"].map(some);
            assert_eq!(hops(&[&line]), expected, "{line}");
        }
    }

    #[test]
    fn an_empty_place_is_a_hop_that_cannot_be_read() {
        assert_eq!(
            hops(&["for=192.0.2.1,,for=192.0.2.3"]),
            [some("192.0.2.3"), None, some("192.0.2.1")]
        );
        assert_eq!(hops(&[""]), [None]);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(line in "[ -~\u{80}-\u{ff}]{0,60}") {
            let mut headers = HeaderMap::new();
            headers.append(FORWARDED, HeaderValue::from_str(&line).unwrap_or(HeaderValue::from_static("")));
            let _ = of_forwarded(&headers, &FORWARDED).count();
            let _ = of_list(&headers, &FORWARDED).count();
            let _ = (address(&line), value_of_outermost(&headers, &FORWARDED, 2));
        }

        #[test]
        fn reading_from_the_right_agrees_with_reading_from_the_left(
            elements in prop::collection::vec("[a-z]{1,3}=([a-z0-9]{1,4}|\"[a-z,;= ]{0,5}(\\\\[\"\\\\])?[a-z,]{0,3}\")", 1..6),
        ) {
            let line = elements.join(", ");
            let mut read: Vec<_> = from_the_right(&line, true).map(str::to_owned).collect();
            read.reverse();
            prop_assert_eq!(read, elements);
        }
    }
}
