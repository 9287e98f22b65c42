//! The key and the certificate of the authority: read, or created.
//!
//! Both files are made once. Two processes that start at the same time agree on the key of the first
//! one. Only the owner may read the key; a key that others may read is refused.

use std::{path::Path, time::Duration};

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use zeroize::Zeroizing;

use super::description::ca_params;
use crate::tls::{
    certificates::validity, error::CertificateError, files, names as certificate_names,
};

/// Reads the key of the authority, or creates it.
///
/// # Errors
///
/// The file cannot be read or written, others may read it, or it is no private key in PEM.
pub(super) fn open_or_create_key(path: &Path) -> Result<KeyPair, CertificateError> {
    if files::read_if_there(path)?.is_none() {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256);
        let key = key.map_err(|error| CertificateError::make(&error))?;
        let pem = Zeroizing::new(key.serialize_pem());
        // Of two processes that start at once, both go on with the key of the first.
        files::write_first(path, pem.as_bytes(), true)?;
    }
    if files::is_open(path)? {
        return Err(CertificateError::Open { path: path.into() });
    }
    let pem = files::read(path)?;
    let key = str::from_utf8(&pem)
        .ok()
        .and_then(|pem| KeyPair::from_pem(pem).ok());
    key.ok_or_else(|| CertificateError::unreadable(path, "a private key in PEM"))
}

/// Reads the certificate of the authority, or creates it. An expired or too narrow one is
/// replaced.
///
/// "Too narrow" means that its name constraints do not include all `names` (RFC 5280, section
/// 4.2.1.10).
///
/// # Errors
///
/// A file cannot be read or written, or the certificate belongs to another key.
pub(super) fn open_or_create_ca(
    path: &Path,
    key: &KeyPair,
    names: &[String],
    now: Duration,
) -> Result<CertificateDer<'static>, CertificateError> {
    if files::read_if_there(path)?.is_none() {
        files::write_first(path, make_ca(key, names, now)?.as_bytes(), false)?;
    }
    let certificate = read_ca(path, key)?;
    let is_valid = validity(&certificate).is_some_and(|(from, to)| (from..to).contains(&now));
    if is_valid && may_sign_for(&certificate, names) {
        return Ok(certificate);
    }
    tracing::warn!(authority = %path.display(), "the development authority was made again: clients have to trust it again");
    files::write(path, make_ca(key, names, now)?.as_bytes(), false)?;
    read_ca(path, key)
}

/// Returns whether the name constraints of an authority include all names.
///
/// False for a certificate that cannot be parsed.
fn may_sign_for(authority: &CertificateDer<'_>, names: &[String]) -> bool {
    x509_parser::parse_x509_certificate(authority).is_ok_and(|(_, authority)| {
        names
            .iter()
            .all(|name| certificate_names::permits(&authority, name))
    })
}

/// Creates the certificate of the authority, in PEM.
fn make_ca(key: &KeyPair, names: &[String], now: Duration) -> Result<String, CertificateError> {
    let made = ca_params(names, now).and_then(|params| params.self_signed(key));
    made.map(|made| made.pem())
        .map_err(|error| CertificateError::make(&error))
}

/// Reads the certificate of the authority, and checks that it has this key.
fn read_ca(path: &Path, key: &KeyPair) -> Result<CertificateDer<'static>, CertificateError> {
    let certificate = CertificateDer::from_pem_slice(&files::read(path)?).ok();
    certificate
        .filter(|certificate| is_of(certificate, key))
        .ok_or_else(|| CertificateError::unreadable(path, "the certificate of `ca.key`"))
}

/// Returns whether a certificate has this public key.
fn is_of(certificate: &CertificateDer<'_>, key: &KeyPair) -> bool {
    x509_parser::parse_x509_certificate(certificate).is_ok_and(|(_, parsed)| {
        parsed.public_key().subject_public_key.data.as_ref() == key.public_key_raw()
    })
}
