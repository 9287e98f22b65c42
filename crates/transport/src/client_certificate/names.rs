//! The names of a certificate by which a principal can be found.

use palisade_core::ClientCertificate;

/// One name. Names of two kinds are never equal.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum CertificateName {
    /// In lower case.
    Dns(Box<str>),
    Email(Box<str>),
    Sha256([u8; 32]),
    Subject(Box<str>),
    Uri(Box<str>),
}

impl CertificateName {
    /// Returns whether it could be the name of every certificate without one.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Dns(name) | Self::Email(name) | Self::Subject(name) | Self::Uri(name) => {
                name.is_empty()
            }
            Self::Sha256(_) => false,
        }
    }
}

/// Returns all names of a certificate.
pub(super) fn of(certificate: &ClientCertificate) -> impl Iterator<Item = CertificateName> {
    let single = [
        CertificateName::Sha256(*certificate.sha256()),
        CertificateName::Subject(certificate.subject().into()),
    ];
    let dns = certificate
        .dns_names()
        .map(Into::into)
        .map(CertificateName::Dns);
    let emails = certificate
        .emails()
        .map(Into::into)
        .map(CertificateName::Email);
    let uris = certificate.uris().map(Into::into).map(CertificateName::Uri);
    single.into_iter().chain(dns).chain(emails).chain(uris)
}
