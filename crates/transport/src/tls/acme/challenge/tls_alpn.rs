//! The certificate that responds to tls-alpn-01 (RFC 8737).
//!
//! The certificate is shown only in handshakes that offer `acme-tls/1` alone, and no HTTP follows. It
//! is signed by itself with a new P-256 key for each handshake, and never stored.

use palisade_internal::hex;
use rcgen::{CertificateParams, CustomExtension, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::{
    crypto::aws_lc_rs::sign::any_supported_type,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};

/// The extension with the digest, `id-pe-acmeIdentifier` (RFC 8737, section 3).
pub(super) const ACME_IDENTIFIER: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 31];

/// Makes a self-signed certificate with the digest, in hexadecimal, for a host. `None` if the
/// digest is damaged.
pub(super) fn certificate(host: &str, digest: &str) -> Option<CertifiedKey> {
    let digest = hex::decode::<32>(digest)?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).ok()?;
    let mut params = CertificateParams::new([host.to_owned()]).ok()?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(&digest)];
    let certificate = params.self_signed(&key).ok()?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = any_supported_type(&key).ok()?;
    Some(CertifiedKey::new(vec![certificate.der().clone()], key))
}

/// Returns whether a certificate in DER carries the digest.
///
/// The value of the extension is a DER OCTET STRING, so two bytes come before the digest.
pub(super) fn carries(certificate: &[u8], digest: &[u8; 32]) -> bool {
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(certificate) else {
        return false;
    };
    let is_identifier = |oid: &x509_parser::oid_registry::Oid<'_>| {
        oid.iter().is_some_and(|arcs| arcs.eq(ACME_IDENTIFIER))
    };
    let mut extensions = parsed.extensions().iter();
    let found = extensions.find(|extension| is_identifier(&extension.oid));
    // An OCTET STRING of 32 bytes.
    found.is_some_and(|found| found.value.strip_prefix(&[0x04, 0x20]) == Some(digest.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_carries_the_digest_for_the_host() {
        let hex = "07".repeat(32);
        let made = certificate("a.example", &hex).unwrap();
        let leaf = made.cert.first().unwrap();
        assert!(carries(leaf, &[7; 32]));
        assert!(!carries(leaf, &[8; 32]));
        let (_, parsed) = x509_parser::parse_x509_certificate(leaf).unwrap();
        assert_eq!(crate::tls::names::of(&parsed), ["a.example"]);
    }

    #[test]
    fn a_damaged_digest_makes_no_certificate() {
        for hex in ["", "07", &"0g".repeat(32), &"é".repeat(32)] {
            assert!(certificate("a.example", hex).is_none(), "{hex}");
        }
    }
}
