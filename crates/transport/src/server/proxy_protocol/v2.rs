//! Version 2: bytes.
//!
//! The layout (section 2.2), all numbers with the high byte first:
//!
//! | bytes | content |
//! |---|---|
//! | 0 to 11 | the signature |
//! | 12 | version 2, and the command: `LOCAL` or `PROXY` |
//! | 13 | family and transport: IPv4, IPv6 or Unix, as a stream |
//! | 14 and 15 | the length of what follows |
//! | then | both addresses, both ports, fields (see `fields`) |

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::server::proxy_protocol::{
    Addresses, MAX_HEADER, ProxyHeader, ProxyHeaderError, fields::Fields,
};

/// The begin of a header. No other protocol begins so (section 2.2).
pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Bytes before the addresses: signature, version and command, family, length.
const FIXED: usize = 16;

/// Bytes of the addresses of Unix sockets.
const UNIX_ADDRESSES: usize = 216;

/// Parses a header. The caller has checked the signature, as far as there are bytes.
///
/// `None` while bytes are missing. The length is checked first, so no more than 4,096 bytes are
/// waited for.
///
/// # Errors
///
/// The header breaks the protocol, is for datagrams, or is longer than 4,096 bytes.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(ProxyHeader, usize)>, ProxyHeaderError> {
    let Some(&[version, family, high, low]) = bytes
        .get(SIGNATURE.len()..FIXED)
        .and_then(|fixed| <&[u8; 4]>::try_from(fixed).ok())
    else {
        return Ok(None);
    };
    let is_local = match version {
        0x20 => true,
        0x21 => false,
        _ => return Err(ProxyHeaderError("an unknown version or command")),
    };
    let end = FIXED + usize::from(u16::from_be_bytes([high, low]));
    if end > MAX_HEADER {
        return Err(ProxyHeaderError("it is longer than 4096 bytes"));
    }
    let Some(contents) = bytes.get(FIXED..end) else {
        return Ok(None);
    };
    // The rest of a LOCAL header must be ignored (section 2.2).
    let header = match is_local {
        true => ProxyHeader::without_addresses(Fields::default()),
        false => parse_contents(family, contents, bytes.get(..end).unwrap_or_default())?,
    };
    Ok(Some((header, end)))
}

/// Parses addresses and fields of a proxied connection. `whole` is the header, for its checksum.
///
/// A Unix socket has addresses without a use here. They are skipped, and its fields are read.
///
/// # Errors
///
/// The contents are shorter than the addresses, the family is not that of a stream, or a field is
/// malformed.
fn parse_contents(
    family: u8,
    contents: &[u8],
    whole: &[u8],
) -> Result<ProxyHeader, ProxyHeaderError> {
    const SHORT: ProxyHeaderError = ProxyHeaderError("it is too short for its addresses");
    let (addresses, rest) = match family {
        0x00 => (None, Some(contents)),
        0x11 => split_addresses::<4>(contents).ok_or(SHORT)?,
        0x21 => split_addresses::<16>(contents).ok_or(SHORT)?,
        0x31 => (None, contents.get(UNIX_ADDRESSES..)),
        _ => return Err(ProxyHeaderError("its addresses are of no stream")),
    };
    let fields = Fields::parse(rest.ok_or(SHORT)?, whole)?;
    Ok(ProxyHeader::new(addresses, fields))
}

/// Splits off both addresses and both ports. `N` is the length of an address.
///
/// `None` if there are fewer bytes.
fn split_addresses<const N: usize>(contents: &[u8]) -> Option<(Option<Addresses>, Option<&[u8]>)> {
    let (source, rest) = contents.split_at_checked(N)?;
    let (destination, rest) = rest.split_at_checked(N)?;
    let (source_port, rest) = rest.split_first_chunk::<2>()?;
    let (destination_port, rest) = rest.split_first_chunk::<2>()?;
    let addresses = Addresses {
        source: socket_address(source, *source_port)?,
        destination: socket_address(destination, *destination_port)?,
    };
    Some((Some(addresses), Some(rest)))
}

/// Reads an address of 4 or 16 bytes.
fn socket_address(address: &[u8], port: [u8; 2]) -> Option<SocketAddr> {
    let port = u16::from_be_bytes(port);
    let four = <[u8; 4]>::try_from(address).map(|bytes| (Ipv4Addr::from(bytes), port).into());
    four.or_else(|_| {
        <[u8; 16]>::try_from(address).map(|bytes| (Ipv6Addr::from(bytes), port).into())
    })
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with a version and command, a family, and what follows.
    fn header(version: u8, family: u8, contents: &[u8]) -> Vec<u8> {
        let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[version, family], &length, contents].concat()
    }

    const V4: &[u8] = &[203, 0, 113, 7, 192, 0, 2, 1, 0x12, 0x67, 0x01, 0xbb];

    fn parsed(bytes: &[u8]) -> Result<ProxyHeader, ProxyHeaderError> {
        let followed = [bytes, b"GET / HTTP/1.1\r\n"].concat();
        let (header, length) = parse(&followed)?.expect("the header is complete");
        assert_eq!(length, bytes.len());
        for cut in SIGNATURE.len()..bytes.len() {
            assert_eq!(parse(&bytes[..cut]), Ok(None), "cut at {cut}");
        }
        Ok(header)
    }

    #[test]
    fn both_families_are_read() {
        let four = parsed(&header(0x21, 0x11, V4)).unwrap();
        assert_eq!(four.source(), Some("203.0.113.7:4711".parse().unwrap()));
        assert_eq!(four.destination(), Some("192.0.2.1:443".parse().unwrap()));
        let addresses = [
            "2001:db8::7".parse::<Ipv6Addr>().unwrap().octets(),
            Ipv6Addr::LOCALHOST.octets(),
        ];
        let contents = [addresses.as_flattened(), &[0, 1, 0, 2]].concat();
        let six = parsed(&header(0x21, 0x21, &contents)).unwrap();
        assert_eq!(six.source(), Some("[2001:db8::7]:1".parse().unwrap()));
    }

    #[test]
    fn a_local_connection_has_no_address_whatever_it_claims() {
        for (family, contents) in [(0x00, &[][..]), (0x11, V4), (0xff, b"garbage")] {
            let local = parsed(&header(0x20, family, contents)).unwrap();
            assert_eq!(local.source(), None, "{family}");
        }
    }

    #[test]
    fn unspecified_and_unix_clients_have_no_address() {
        assert_eq!(parsed(&header(0x21, 0x00, &[])).unwrap().source(), None);
        let unix = parsed(&header(0x21, 0x31, &[b'x'; UNIX_ADDRESSES])).unwrap();
        assert_eq!(unix.source(), None);
    }

    #[test]
    fn everything_else_is_refused() {
        for (version, family, contents) in [
            (0x11, 0x11, V4),
            (0x22, 0x11, V4),
            (0x31, 0x11, V4),
            (0x21, 0x12, V4),
            (0x21, 0x10, V4),
            (0x21, 0x41, V4),
            (0x21, 0x32, &[0; UNIX_ADDRESSES]),
            (0x21, 0x31, V4),
            (0x21, 0x21, V4),
            (0x21, 0x11, &V4[..11]),
            (0x21, 0x11, &[]),
        ] {
            let bytes = header(version, family, contents);
            assert!(parse(&bytes).is_err(), "{version:#x} {family:#x}");
        }
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_it_is_read() {
        let start = [SIGNATURE, &[0x21, 0x11, 0xff, 0xff]].concat();
        assert!(parse(&start).is_err());
        let start = [SIGNATURE, &[0x21, 0x11, 0x0f, 0xf0]].concat();
        assert_eq!(parse(&start), Ok(None));
    }
}
