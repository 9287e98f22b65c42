//! TLS to a server that takes records: which authorities are trusted, and the certificate of this service.

use std::{fmt, sync::Arc};

use palisade_core::Secret;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use crate::error::AuditBuildError;

/// How a connection is protected. Default: the authorities of the machine, and no certificate of this service.
#[derive(Clone, Default)]
pub(super) struct TlsSettings {
    /// Certificates of authorities in PEM.
    pub(super) anchors: Option<Box<str>>,
    /// The certificate chain of this service and its key, in PEM.
    pub(super) identity: Option<(Box<str>, Secret)>,
}

impl TlsSettings {
    /// Reads the certificates.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::InvalidSetting`] if there is no authority, or certificate and key cannot be used.
    pub(super) fn config(&self, protocols: &[&[u8]]) -> Result<Arc<ClientConfig>, AuditBuildError> {
        let invalid = |setting, problem| AuditBuildError::InvalidSetting { setting, problem };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| invalid("tls", "no version of TLS is available"))?
            .with_root_certificates(self.roots()?);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let unusable =
                    || invalid("client_certificate", "use a certificate and its key in PEM");
                let chain: Result<Vec<_>, _> =
                    CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
                let key = PrivateKeyDer::from_pem_slice(key.expose()).map_err(|_| unusable())?;
                let chain = chain.map_err(|_| unusable())?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|_| unusable())?
            }
        };
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }

    fn roots(&self) -> Result<RootCertStore, AuditBuildError> {
        let mut roots = RootCertStore::empty();
        match &self.anchors {
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
            Some(pem) => {
                let read: Result<Vec<_>, _> =
                    CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
                roots.add_parsable_certificates(read.unwrap_or_default());
            }
        }
        match roots.is_empty() {
            false => Ok(roots),
            true => Err(AuditBuildError::InvalidSetting {
                setting: "trust_anchors",
                problem: "no certificate of an authority can be read",
            }),
        }
    }
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSettings")
            .field("anchors", &self.anchors.is_some())
            .field("identity", &self.identity.is_some())
            .finish()
    }
}
