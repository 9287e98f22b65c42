//! Recognizes handshakes by which a certificate authority checks a name: tls-alpn-01 (RFC 8737).

use rustls::server::ClientHello;

/// The protocol that the authority offers (RFC 8737, section 6.2). Nothing is sent with it.
pub(crate) const CHALLENGE_PROTOCOL: &[u8] = b"acme-tls/1";

/// Returns whether a handshake is a challenge: it offers that protocol and no other.
///
/// One that offers others too is an ordinary handshake with the ordinary certificate.
pub(crate) fn is_challenge(hello: &ClientHello<'_>) -> bool {
    let Some(mut offered) = hello.alpn() else {
        return false;
    };
    offered.next() == Some(CHALLENGE_PROTOCOL) && offered.next().is_none()
}
