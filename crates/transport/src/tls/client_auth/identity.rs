//! Reads who a client is from its certificate.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use palisade_core::ClientCertificate;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName};

use super::distinguished_name;
use crate::tls::names;

/// Reads a certificate in DER that has been verified. `None` if the parser refuses it.
pub(super) fn read(der: &[u8]) -> Option<ClientCertificate> {
    let (_, parsed) = x509_parser::parse_x509_certificate(der).ok()?;
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest(&SHA256, der).as_ref());
    let expires = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0);
    let certificate = ClientCertificate::new(sha256)
        .with_subject(distinguished_name::write(parsed.subject()))
        .with_issuer(distinguished_name::write(parsed.issuer()))
        .with_expiry(Duration::from_secs(expires));
    Some(with_alternative_names(certificate, &parsed))
}

/// Adds the subject alternative names (RFC 5280, section 4.2.1.6). Kinds that are not listed here
/// are left out.
fn with_alternative_names(
    certificate: ClientCertificate,
    parsed: &X509Certificate<'_>,
) -> ClientCertificate {
    let Ok(Some(alternative)) = parsed.subject_alternative_name() else {
        return certificate;
    };
    let all = || alternative.value.general_names.iter();
    certificate
        .with_dns_names(all().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        }))
        .with_uris(all().filter_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        }))
        .with_emails(all().filter_map(|name| match name {
            GeneralName::RFC822Name(email) => Some(*email),
            _ => None,
        }))
        .with_addresses(all().filter_map(|name| match name {
            GeneralName::IPAddress(bytes) => names::address(bytes),
            _ => None,
        }))
}
