//! The fingerprint of a certificate.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 of a certificate, displayed as in browsers: upper-case hexadecimal with colons.
///
/// ```no_run
/// # let authority = palisade_transport::server::DevAuthority::open_or_create("tls")?;
/// println!("compare before you trust: {}", authority.fingerprint());
/// # Ok::<(), palisade_transport::server::CertificateError>(())
/// ```
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Computes the digest.
    pub(in crate::tls) fn of(bytes: &[u8]) -> Self {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(fingerprint)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, byte) in self.0.iter().enumerate() {
            let colon = if count > 0 { ":" } else { "" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
