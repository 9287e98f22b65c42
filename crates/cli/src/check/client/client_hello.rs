//! The first message of TLS 1.0 and 1.1, and what a server says to it (RFC 2246, RFC 4346).
//!
//! No current library speaks these versions, and none is needed: a server that accepts one says so in its
//! first message, the `ServerHello`. Nothing is sent after it.
//!
//! # What is sent
//!
//! One record: type 22 (handshake), version 3.1, length; then `ClientHello` with version, 32 random
//! bytes, no session, nine cipher suites, no compression, and the extensions server name (RFC
//! 6066), supported groups and point formats (RFC 8422), and renegotiation information (RFC 5746).
//!
//! # What is read
//!
//! At most eleven bytes: the header of the record (5), the header of the message (4), and the
//! version that the server chose (2). Type 22 and message type 2 with the version that was offered
//! mean yes. An alert (type 21) is the usual no.

/// A version that no server should accept any more (RFC 8996).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum OldVersion {
    /// TLS 1.0.
    Tls10,
    /// TLS 1.1.
    Tls11,
}

impl OldVersion {
    /// The version as two bytes.
    ///
    /// As in `client_version`: major, then minor.
    fn wire_bytes(self) -> [u8; 2] {
        match self {
            Self::Tls10 => [3, 1],
            Self::Tls11 => [3, 2],
        }
    }

    /// The name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
        }
    }
}

/// How many bytes of the response are needed at most: the header of a record, and a `ServerHello` up to
/// its version.
pub(crate) const ENOUGH: usize = 11;

/// Cipher suites that servers with these versions have: AES and 3DES in CBC mode, with ECDHE, DHE and RSA.
///
/// Without the suites of export strength, RC4 and NULL: the question is the version, not the suite.
const SUITES: [u16; 9] = [
    0xc009, 0xc00a, 0xc013, 0xc014, 0x0033, 0x0039, 0x002f, 0x0035, 0x000a,
];

/// Makes the record with a `ClientHello`. `host` is sent as the server name if it is a name.
pub(crate) fn client_hello(version: OldVersion, host: &str, random: [u8; 32]) -> Vec<u8> {
    let mut hello = version.wire_bytes().to_vec();
    hello.extend(random);
    hello.push(0); // no session
    let suites: Vec<u8> = SUITES
        .iter()
        .flat_map(|suite| suite.to_be_bytes())
        .collect();
    hello.extend(with_length(&suites));
    hello.extend([1, 0]); // no compression
    hello.extend(with_length(&hello_extensions(host)));
    let mut message = vec![1, 0];
    message.extend(with_length(&hello));
    // The version of the record is that of TLS 1.0: some servers accept no other in the first one.
    let mut record = vec![22, 3, 1];
    record.extend(with_length(&message));
    record
}

/// An IP address is not sent as a server name (RFC 6066, section 3), nor is a name longer than 253
/// bytes.
fn hello_extensions(host: &str) -> Vec<u8> {
    let mut all = Vec::new();
    let is_name = host.parse::<std::net::IpAddr>().is_err();
    if is_name && host.len() <= 253 {
        let mut name = vec![0];
        name.extend(with_length(host.as_bytes()));
        all.extend([0, 0]);
        all.extend(with_length(&with_length(&name)));
    }
    // Curves: P-256, P-384, P-521. Points: uncompressed.
    all.extend([0, 10, 0, 8, 0, 6, 0, 23, 0, 24, 0, 25]);
    all.extend([0, 11, 0, 2, 1, 0]);
    // Secure renegotiation, which some servers demand (RFC 5746).
    all.extend([0xff, 1, 0, 1, 0]);
    all
}

/// Puts a length of two bytes before some bytes. All messages here are far shorter than 64 KiB.
///
/// Longer bytes cannot occur: the longest part is the server name.
fn with_length(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let mut out = length.to_be_bytes().to_vec();
    out.extend(bytes);
    out
}

/// Whether the beginning of a response is a `ServerHello` with this version.
///
/// `None` means that more bytes are needed. An alert, another version and what is not TLS are a no.
///
/// The first bytes are compared as they come, so a server that speaks HTTP is recognized by its
/// first byte.
pub(crate) fn server_accepts(version: OldVersion, response: &[u8]) -> Option<bool> {
    let expected = [
        Some(22),
        Some(3),
        None,
        None,
        None,
        Some(2),
        None,
        None,
        None,
    ];
    let wrong = expected
        .iter()
        .zip(response)
        .any(|(expected, byte)| expected.is_some_and(|expected| expected != *byte));
    if wrong {
        return Some(false);
    }
    let chosen = response.get(9..ENOUGH)?;
    Some(chosen == version.wire_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SERVER_HELLO: [u8; 11] = [22, 3, 1, 0, 80, 2, 0, 0, 76, 3, 1];

    #[test]
    fn only_a_server_hello_with_the_version_is_a_yes() {
        assert_eq!(server_accepts(OldVersion::Tls10, &SERVER_HELLO), Some(true));
        assert_eq!(
            server_accepts(OldVersion::Tls11, &SERVER_HELLO),
            Some(false)
        );
        assert_eq!(server_accepts(OldVersion::Tls10, &SERVER_HELLO[..10]), None);
        assert_eq!(server_accepts(OldVersion::Tls10, &[]), None);
        let alert = [21, 3, 1, 0, 2, 2, 70];
        assert_eq!(server_accepts(OldVersion::Tls10, &alert), Some(false));
        assert_eq!(
            server_accepts(OldVersion::Tls10, b"HTTP/1.1 400"),
            Some(false)
        );
    }

    #[test]
    fn every_length_in_the_message_is_that_of_what_follows() {
        for host in ["voice.example", "127.0.0.1"] {
            let record = client_hello(OldVersion::Tls11, host, [7; 32]);
            let length = |at: usize| usize::from(record[at]) * 256 + usize::from(record[at + 1]);
            assert_eq!(length(3), record.len() - 5);
            assert_eq!(length(7), record.len() - 9);
            let suites = length(9 + 2 + 32 + 1);
            assert_eq!(suites, SUITES.len() * 2);
            let extensions = 9 + 2 + 32 + 1 + 2 + suites + 2;
            assert_eq!(length(extensions), record.len() - extensions - 2);
        }
    }

    proptest! {
        #[test]
        fn any_response_is_read_without_a_panic(response: Vec<u8>) {
            let whole = server_accepts(OldVersion::Tls10, &response);
            prop_assert!(response.len() < ENOUGH || whole.is_some());
        }

        #[test]
        fn any_host_makes_a_well_formed_record(host in "\\PC{0,300}") {
            let record = client_hello(OldVersion::Tls10, &host, [0; 32]);
            let length = usize::from(record[3]) * 256 + usize::from(record[4]);
            prop_assert_eq!(length, record.len() - 5);
        }
    }
}
