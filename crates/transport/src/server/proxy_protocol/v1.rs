//! Version 1: one line of text.
//!
//! `PROXY TCP4 203.0.113.7 192.0.2.1 4711 443`, then CR and LF (section 2.1). Exactly one space
//! separates the words. An IPv4 address has four decimal numbers without leading zeros, and a port
//! has none either.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::{self, FromStr},
};

use crate::server::proxy_protocol::{Addresses, ProxyHeader, ProxyHeaderError, fields::Fields};

/// The begin of a header.
pub(super) const PREFIX: &[u8] = b"PROXY ";

/// The longest line, with its end (section 2.1).
const MAX_LINE: usize = 107;

/// Parses a header. The caller has checked the prefix, as far as there are bytes.
///
/// `None` while the end of the line is missing and fewer than 107 bytes are there.
///
/// # Errors
///
/// The line breaks the grammar, or is too long.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(ProxyHeader, usize)>, ProxyHeaderError> {
    let start = bytes.get(..MAX_LINE).unwrap_or(bytes);
    let Some(end) = start.windows(2).position(|pair| pair == b"\r\n") else {
        return match start.len() {
            MAX_LINE => Err(ProxyHeaderError("the line is longer than 107 bytes")),
            _ => Ok(None),
        };
    };
    let line = start
        .get(PREFIX.len()..end)
        .and_then(|rest| str::from_utf8(rest).ok());
    let header = parse_line(line.ok_or(ProxyHeaderError("the line is no text"))?)?;
    Ok(Some((header, end + 2)))
}

/// Parses what follows the prefix.
///
/// # Errors
///
/// It begins with no known family, a word is malformed, or there are too many words.
fn parse_line(line: &str) -> Result<ProxyHeader, ProxyHeaderError> {
    // What follows `UNKNOWN` must be ignored (section 2.1).
    if line == "UNKNOWN" || line.starts_with("UNKNOWN ") {
        return Ok(ProxyHeader::without_addresses(Fields::default()));
    }
    let mut words = line.split(' ');
    let addresses = match words.next() {
        Some("TCP4") => parse_addresses::<Ipv4Addr>(&mut words),
        Some("TCP6") => parse_addresses::<Ipv6Addr>(&mut words),
        _ => return Err(ProxyHeaderError("it is neither TCP4, TCP6 nor UNKNOWN")),
    };
    let is_over = words.next().is_none();
    let addresses = addresses.filter(|_| is_over);
    let addresses = addresses.ok_or(ProxyHeaderError("an address or a port is malformed"))?;
    Ok(ProxyHeader::new(Some(addresses), Fields::default()))
}

/// Parses both addresses, then both ports.
///
/// `A` is the family: an IPv6 address is malformed in a line of TCP4.
fn parse_addresses<'a, A>(words: &mut impl Iterator<Item = &'a str>) -> Option<Addresses>
where
    A: FromStr + Into<IpAddr>,
{
    let source = words.next()?.parse::<A>().ok()?.into();
    let destination = words.next()?.parse::<A>().ok()?.into();
    Some(Addresses {
        source: SocketAddr::new(source, parse_port(words.next()?)?),
        destination: SocketAddr::new(destination, parse_port(words.next()?)?),
    })
}

/// Parses a port: digits only, without a leading zero (section 2.1).
fn parse_port(written: &str) -> Option<u16> {
    let is_plain = written.bytes().all(|byte| byte.is_ascii_digit());
    let is_padded = written.len() > 1 && written.starts_with('0');
    written.parse().ok().filter(|_| is_plain && !is_padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses a complete header.
    fn source(line: &str) -> Result<Option<String>, ProxyHeaderError> {
        let bytes = format!("{line}\r\nrest");
        let (header, length) = parse(bytes.as_bytes())?.expect("the line is complete");
        assert_eq!(length, line.len() + 2);
        Ok(header.source().map(|source| source.to_string()))
    }

    #[test]
    fn both_families_are_read() {
        for (line, expected) in [
            (
                "PROXY TCP4 203.0.113.7 192.0.2.1 4711 443",
                "203.0.113.7:4711",
            ),
            (
                "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535",
                "255.255.255.255:65535",
            ),
            ("PROXY TCP4 203.0.113.7 192.0.2.1 0 0", "203.0.113.7:0"),
            ("PROXY TCP6 2001:db8::7 ::1 4711 443", "[2001:db8::7]:4711"),
            (
                "PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2",
                "[::ffff:203.0.113.7]:1",
            ),
        ] {
            assert_eq!(source(line), Ok(Some(expected.to_owned())), "{line}");
        }
    }

    #[test]
    fn an_unknown_client_has_no_address_whatever_follows() {
        for line in [
            "PROXY UNKNOWN",
            "PROXY UNKNOWN ",
            "PROXY UNKNOWN 203.0.113.7 192.0.2.1 4711 443",
            "PROXY UNKNOWN ffff::1 any thing",
        ] {
            assert_eq!(source(line), Ok(None), "{line}");
        }
    }

    #[test]
    fn every_other_spelling_is_refused() {
        for line in [
            "PROXY TCP4",
            "PROXY  TCP4 203.0.113.7 192.0.2.1 1 2",
            "PROXY TCP4  203.0.113.7 192.0.2.1 1 2",
            "PROXY TCP4 203.0.113.7 192.0.2.1 1 2 ",
            "PROXY TCP4 203.0.113.7 192.0.2.1 1 2 3",
            "PROXY TCP4 203.0.113.7 192.0.2.1 1",
            "PROXY TCP4\t203.0.113.7 192.0.2.1 1 2",
            "PROXY TCP4 203.0.113.07 192.0.2.1 1 2",
            "PROXY TCP4 203.0.113 192.0.2.1 1 2",
            "PROXY TCP4 0x7f.1 192.0.2.1 1 2",
            "PROXY TCP4 203.0.113.7 192.0.2.1 01 2",
            "PROXY TCP4 203.0.113.7 192.0.2.1 +1 2",
            "PROXY TCP4 203.0.113.7 192.0.2.1 65536 2",
            "PROXY TCP4 203.0.113.7 192.0.2.1 -1 2",
            "PROXY TCP4 203.0.113.7 192.0.2.1 1 ",
            "PROXY TCP4 2001:db8::7 ::1 1 2",
            "PROXY TCP6 203.0.113.7 192.0.2.1 1 2",
            "PROXY TCP6 [2001:db8::7] ::1 1 2",
            "PROXY TCP6 fe80::1%eth0 ::1 1 2",
            "PROXY tcp4 203.0.113.7 192.0.2.1 1 2",
            "PROXY UDP4 203.0.113.7 192.0.2.1 1 2",
            "PROXY UNKNOWNX",
            "PROXY TCP4 203.0.113.7\n192.0.2.1 1 2",
            "PROXY TCP4 203.0.113.7 192.0.2.1 1 2\n",
        ] {
            assert!(source(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_cut_at_107_bytes() {
        let longest = format!("PROXY UNKNOWN {}\r\n", "x".repeat(91));
        assert_eq!(longest.len(), 107);
        assert!(parse(longest.as_bytes()).unwrap().is_some());
        let endless = format!("PROXY UNKNOWN {}", "x".repeat(200));
        assert_eq!(parse(&endless.as_bytes()[..106]), Ok(None));
        assert!(parse(&endless.as_bytes()[..107]).is_err());
        assert!(parse(endless.as_bytes()).is_err());
    }

    #[test]
    fn a_bare_line_feed_ends_nothing() {
        assert_eq!(parse(b"PROXY UNKNOWN\nGET / HTTP/1.1\n"), Ok(None));
    }
}
