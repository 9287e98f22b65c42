//! The optional fields of version 2 (type, length, value; section 2.2).
//!
//! Proxies may send any number of fields, and all types that are not assigned are valid. What is not
//! used here is skipped, so that a new version of a proxy does not end the service.
//!
//! | type | field | used for |
//! |---|---|---|
//! | `0x02` | `PP2_TYPE_AUTHORITY` | `ProxyHeader::authority` |
//! | `0x03` | `PP2_TYPE_CRC32C` | checked, if it is there |
//! | `0x20` | `PP2_TYPE_SSL` | `ProxyHeader::is_tls`, and so the scheme of the requests |
//! | `0x21` | `PP2_SUBTYPE_SSL_VERSION`, inside the one before | `ProxyHeader::tls_version` |

use std::str;

use crate::server::proxy_protocol::{ProxyHeaderError, checksum::crc32c};

/// `PP2_TYPE_AUTHORITY` (section 2.2.3).
const AUTHORITY: u8 = 0x02;
/// `PP2_TYPE_CRC32C` (section 2.2.4).
const CRC32C: u8 = 0x03;
/// `PP2_TYPE_SSL` (section 2.2.6).
const SSL: u8 = 0x20;
/// `PP2_SUBTYPE_SSL_VERSION`, a field inside `PP2_TYPE_SSL`.
const SSL_VERSION: u8 = 0x21;

/// The bit of `PP2_TYPE_SSL` for a client that used TLS.
const CLIENT_SSL: u8 = 0x01;

/// Bytes before the fields inside `PP2_TYPE_SSL`: flags, and the result of the verification.
const SSL_FIXED: usize = 5;

/// The longest host and version that are kept, in bytes.
const MAX_TEXT: usize = 255;

/// The fields that are used. All others are skipped, but must be well formed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Fields {
    /// The host of the TLS handshake.
    pub(super) authority: Option<Box<str>>,
    /// Whether the client used TLS.
    pub(super) is_tls: bool,
    /// The version of TLS.
    pub(super) tls_version: Option<Box<str>>,
}

impl Fields {
    /// Parses fields up to the end of the bytes. `whole` is the header, for its checksum.
    ///
    /// A repeated field is refused where it is used: two hosts could be read differently by two
    /// programs.
    ///
    /// # Errors
    ///
    /// A field is cut off, used and repeated, not text where text is expected, or the checksum
    /// differs.
    pub(super) fn parse(bytes: &[u8], whole: &[u8]) -> Result<Self, ProxyHeaderError> {
        let mut fields = Self::default();
        let mut seen = [false; 3];
        let mut rest = bytes;
        while !rest.is_empty() {
            let (kind, value, after) = split_field(rest)?;
            rest = after;
            let index = match kind {
                AUTHORITY => 0,
                CRC32C => 1,
                SSL => 2,
                _ => continue,
            };
            if seen
                .get_mut(index)
                .is_some_and(|seen| std::mem::replace(seen, true))
            {
                return Err(ProxyHeaderError("a field is repeated"));
            }
            match kind {
                AUTHORITY => fields.authority = Some(text(value)?),
                CRC32C => check_checksum(value, whole, rest.len())?,
                _ => fields.parse_ssl(value)?,
            }
        }
        Ok(fields)
    }

    /// Parses what the proxy knows about the TLS connection of the client.
    ///
    /// The result of the verification of a client certificate is not used: this server grants nothing
    /// for it.
    ///
    /// # Errors
    ///
    /// It is shorter than its fixed part, or a field inside is cut off, repeated or not plain text.
    fn parse_ssl(&mut self, value: &[u8]) -> Result<(), ProxyHeaderError> {
        let (fixed, mut rest) = value.split_at_checked(SSL_FIXED).ok_or(CUT_OFF)?;
        self.is_tls = fixed.first().is_some_and(|flags| flags & CLIENT_SSL != 0);
        while !rest.is_empty() {
            let (kind, value, after) = split_field(rest)?;
            rest = after;
            if kind != SSL_VERSION {
                continue;
            }
            if self.tls_version.replace(text(value)?).is_some() {
                return Err(ProxyHeaderError("a field is repeated"));
            }
        }
        Ok(())
    }
}

/// A length points behind the end of the bytes.
const CUT_OFF: ProxyHeaderError = ProxyHeaderError("a field is cut off");

/// Splits off one field. Returns its type, its value, and what follows.
///
/// Type (1 byte), length (2 bytes, the high one first), value.
///
/// # Errors
///
/// Fewer bytes are left than the field says.
fn split_field(bytes: &[u8]) -> Result<(u8, &[u8], &[u8]), ProxyHeaderError> {
    let (&[kind, high, low], rest) = bytes.split_first_chunk::<3>().ok_or(CUT_OFF)?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let (value, rest) = rest.split_at_checked(length).ok_or(CUT_OFF)?;
    Ok((kind, value, rest))
}

/// Reads visible ASCII: a host or a version.
///
/// Spaces and control characters are refused: applications may write the text to a log.
///
/// # Errors
///
/// It is longer than 255 bytes or has another character.
fn text(value: &[u8]) -> Result<Box<str>, ProxyHeaderError> {
    let is_plain = value.len() <= MAX_TEXT && value.iter().all(u8::is_ascii_graphic);
    let text = str::from_utf8(value).ok().filter(|_| is_plain);
    text.map(Into::into)
        .ok_or(ProxyHeaderError("a field is not plain text"))
}

/// Compares the checksum of the header, computed with zeros in its place.
///
/// `following` is the number of bytes after the checksum.
///
/// # Errors
///
/// The checksum differs or does not have 4 bytes. The protocol demands that the connection is closed
/// then.
fn check_checksum(value: &[u8], whole: &[u8], following: usize) -> Result<(), ProxyHeaderError> {
    let expected = <[u8; 4]>::try_from(value).map_err(|_| CUT_OFF)?;
    let end = whole.len().checked_sub(following).ok_or(CUT_OFF)?;
    let (covered, after) = whole.split_at_checked(end).ok_or(CUT_OFF)?;
    let (before, _) = covered.split_last_chunk::<4>().ok_or(CUT_OFF)?;
    let parts = [before, &[0; 4], after];
    if crc32c(parts.into_iter().flatten()) == u32::from_be_bytes(expected) {
        Ok(())
    } else {
        Err(ProxyHeaderError("the checksum differs"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: u8, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len()).unwrap().to_be_bytes();
        [&[kind], &length[..], value].concat()
    }

    fn parse(parts: &[Vec<u8>]) -> Result<Fields, ProxyHeaderError> {
        let bytes = parts.concat();
        Fields::parse(&bytes, &bytes)
    }

    #[test]
    fn host_and_tls_are_read_and_others_skipped() {
        let version = field(SSL_VERSION, b"TLSv1.3");
        let ssl = [&[1, 0, 0, 0, 0][..], &version, &field(0x22, b"name")].concat();
        let fields = parse(&[
            field(0x01, b"h2"),
            field(AUTHORITY, b"tts.example.com"),
            field(0x04, &[0; 9]),
            field(SSL, &ssl),
            field(0xee, b"custom"),
        ]);
        let fields = fields.unwrap();
        assert_eq!(fields.authority.as_deref(), Some("tts.example.com"));
        assert_eq!(fields.tls_version.as_deref(), Some("TLSv1.3"));
        assert!(fields.is_tls);
    }

    #[test]
    fn a_client_without_tls_is_told_by_its_flag() {
        assert!(!parse(&[field(SSL, &[0, 0, 0, 0, 1])]).unwrap().is_tls);
        assert!(!parse(&[]).unwrap().is_tls);
    }

    #[test]
    fn a_repeated_or_broken_field_is_refused() {
        let host = field(AUTHORITY, b"a.example");
        for parts in [
            &[host.clone(), host.clone()][..],
            &[field(SSL, &[1, 0, 0, 0, 0]), field(SSL, &[0, 0, 0, 0, 0])],
            &[field(SSL, &[1, 0, 0, 0])],
            &[field(SSL, &[1, 0, 0, 0, 0, SSL_VERSION, 0, 9])],
            &[host[..host.len() - 1].to_vec()],
            &[vec![AUTHORITY, 0]],
            &[field(AUTHORITY, b"a b")],
            &[field(AUTHORITY, b"a\r\nb")],
            &[field(AUTHORITY, "\u{e9}".as_bytes())],
            &[field(AUTHORITY, &[b'a'; 256])],
            &[field(CRC32C, &[0; 3])],
            &[field(CRC32C, &[0; 4])],
        ] {
            assert!(parse(parts).is_err(), "{parts:?}");
        }
    }

    #[test]
    fn the_checksum_covers_the_whole_header() {
        let parts = [
            field(AUTHORITY, b"a.example"),
            field(CRC32C, &[0; 4]),
            field(0xee, b"after"),
        ];
        let at = parts[0].len() + 3;
        let mut bytes = parts.concat();
        let sum = crc32c(&bytes).to_be_bytes();
        bytes[at..at + 4].copy_from_slice(&sum);
        assert!(Fields::parse(&bytes, &bytes).is_ok());
        bytes[4] ^= 1;
        assert!(Fields::parse(&bytes, &bytes).is_err());
    }
}
