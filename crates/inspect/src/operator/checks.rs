//! Checks of encodings, of addresses and of numbers.
//!
//! They are the simple operators: `@validateUrlEncoding`, `@validateUtf8Encoding`,
//! `@validateByteRange`, `@ipMatch`, and the reading of numbers for `@eq` and its like.

use std::net::IpAddr;

use crate::byte_set::ByteSet;

/// Reads a number as C's `atoi` does: blanks, a sign, digits; anything else is 0.
///
/// It stops at the limits of 64 bits. Text after the digits is ignored, so `5 apples` is 5.
pub(crate) fn number(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (sign, digits) = match text.split_first() {
        Some((b'-', rest)) => (-1, rest),
        Some((b'+', rest)) => (1, rest),
        _ => (1, text),
    };
    let digits = digits
        .iter()
        .map_while(|byte| char::from(*byte).to_digit(10));
    let value = digits.fold(0_i64, |sum, digit| {
        sum.saturating_mul(10).saturating_add(i64::from(digit))
    });
    value.saturating_mul(sign)
}

/// Whether a `%` in the value is not followed by two hexadecimal digits.
///
/// An encoding cut off at the end is wrong too (RFC 3986, section 2.1).
pub(crate) fn is_wrong_url_encoding(value: &[u8]) -> bool {
    let mut rest = value;
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        let after = rest.get(at + 1..).unwrap_or_default();
        let valid = after.len() >= 2 && after.iter().take(2).all(u8::is_ascii_hexdigit);
        if !valid {
            return true;
        }
        rest = after;
    }
    false
}

/// Whether the value is not UTF-8.
///
/// An empty value is valid.
pub(crate) fn is_wrong_utf8(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_err()
}

/// Reads `1-255,10`.
///
/// Numbers are decimal, 0 to 255, both ends included.
///
/// # Errors
///
/// The reason as text.
pub(crate) fn byte_ranges(text: &str) -> Result<ByteSet, String> {
    let mut set = ByteSet::default();
    for part in text.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let byte = |text: &str| text.trim().parse::<u8>();
        match (byte(from), byte(to)) {
            (Ok(from), Ok(to)) => set = set.union(&ByteSet::range(from, to)),
            _ => return Err(format!("{part} is no range of bytes; use 0 to 255")),
        }
    }
    Ok(set)
}

/// A network of addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network {
    /// As written; bits behind the prefix do not count.
    address: IpAddr,
    /// The length of the prefix: at most 32 for IPv4 and 128 for IPv6.
    bits: u32,
}

/// Reads `127.0.0.1,::1,10.0.0.0/8`.
///
/// Commas and blanks separate. An address without a prefix is a network of one.
///
/// # Errors
///
/// The reason as text.
pub(crate) fn parse_networks(text: &str) -> Result<Vec<Network>, String> {
    text.split([',', ' '])
        .filter(|part| !part.trim().is_empty())
        .map(parse_network)
        .collect()
}

/// Reads one network.
///
/// # Errors
///
/// The text is neither an address nor a network. The message has it.
fn parse_network(text: &str) -> Result<Network, String> {
    let wrong = || format!("{text} is no address");
    let (address, bits) = text.trim().split_once('/').unwrap_or((text.trim(), "128"));
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits: u32 = bits.parse().map_err(|_| wrong())?;
    Ok(Network {
        address,
        bits: bits.min(most),
    })
}

impl Network {
    /// Whether an address, given as text, is in the network.
    ///
    /// False for a text that is no address, and for one of the other family.
    pub(crate) fn contains(&self, address: &[u8]) -> bool {
        let text = std::str::from_utf8(address).ok();
        let Some(address) = text.and_then(|text| text.parse::<IpAddr>().ok()) else {
            return false;
        };
        let same = |own: u128, other: u128, width: u32| {
            let shift = width - self.bits.min(width);
            own.checked_shr(shift).unwrap_or_default()
                == other.checked_shr(shift).unwrap_or_default()
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                same(u32::from(own).into(), u32::from(other).into(), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.into(), other.into(), 128),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, expected) in [("12", 12), (" -3x", -3), ("+4", 4), ("x", 0), ("", 0)] {
            assert_eq!(number(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(number(b"99999999999999999999"), i64::MAX);
    }

    #[test]
    fn wrong_encodings_are_seen() {
        assert!(is_wrong_url_encoding(b"a%4") && is_wrong_url_encoding(b"%zz"));
        assert!(!is_wrong_url_encoding(b"%41%2f") && !is_wrong_url_encoding(b""));
        assert!(is_wrong_utf8(b"\xc0\xaf") && !is_wrong_utf8("é".as_bytes()));
    }

    #[test]
    fn ranges_and_networks_are_read() {
        let set = byte_ranges("9,32-126").expect("valid");
        assert!(set.contains(b'a') && !set.contains(10));
        assert!(byte_ranges("1-999").is_err());
        let found = parse_networks("127.0.0.1,::1, 10.0.0.0/8").expect("valid");
        let inside = |address: &str| found.iter().any(|n| n.contains(address.as_bytes()));
        assert!(
            inside("10.2.3.4") && inside("::1") && inside("127.0.0.1") && inside("::ffff:10.0.0.1")
        );
        assert!(!inside("11.0.0.1") && !inside("nobody") && !inside("::2"));
        assert!(parse_networks("x").is_err());
    }
}
