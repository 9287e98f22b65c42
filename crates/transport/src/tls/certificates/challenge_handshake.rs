//! Recognizes handshakes by which a certificate authority checks a name: tls-alpn-01 (RFC 8737).

use std::{fmt, sync::Arc};

use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::tls::certificates::Certificates;

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

/// The responses to challenges for the names of several certificates. An ordinary handshake gets none
/// of them, and not the ordinary certificate either.
pub(crate) struct Challenges {
    certificates: Vec<Certificates>,
}

impl Challenges {
    pub(crate) fn new(certificates: &[Certificates]) -> Self {
        Self {
            certificates: certificates.to_vec(),
        }
    }
}

impl ResolvesServerCert for Challenges {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Asked again for the second `ClientHello` after a `HelloRetryRequest`.
        if !is_challenge(&hello) {
            return None;
        }
        let host = hello.server_name()?;
        let mut all = self.certificates.iter();
        all.find_map(|one| one.challenge_certificate(host))
    }
}

impl fmt::Debug for Challenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenges")
            .field("certificates", &self.certificates.len())
            .finish()
    }
}
