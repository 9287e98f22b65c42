//! Selects the certificate of a handshake by the name that the client sends (SNI, RFC 6066,
//! section 3).

use std::{fmt, sync::Arc};

use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::tls::certificates::Certificates;

/// Several certificates. The first one is for clients that name no host, and for hosts that no
/// certificate covers.
///
/// A client that gets the first one for another host refuses it by itself, and a request for a
/// host that is not served gets 421 from the host list. So a wrong name is not refused here,
/// where the client would see only an alert.
pub(crate) struct ByName {
    certificates: Vec<(Certificates, Arc<dyn ResolvesServerCert>)>,
}

impl ByName {
    /// Uses these certificates, in their order. An exact name is preferred to a wildcard.
    pub(crate) fn new(certificates: &[Certificates]) -> Self {
        let pair = |one: &Certificates| (one.clone(), one.resolver());
        Self {
            certificates: certificates.iter().map(pair).collect(),
        }
    }

    /// Returns what has the certificate for a host.
    fn select(&self, host: Option<&str>) -> Option<&Arc<dyn ResolvesServerCert>> {
        let exact = |host: &str| self.position(|names| names.iter().any(|name| name == host));
        let index = host.and_then(|host| {
            let host = host.to_ascii_lowercase();
            exact(&host).or_else(|| {
                self.certificates
                    .iter()
                    .position(|(one, _)| one.covers(&host))
            })
        });
        let (_, resolver) = self.certificates.get(index.unwrap_or(0))?;
        Some(resolver)
    }

    /// Returns the first certificate whose names pass a test.
    fn position(&self, is_wanted: impl Fn(&[String]) -> bool) -> Option<usize> {
        let mut all = self.certificates.iter();
        all.position(|(certificates, _)| is_wanted(&certificates.names()))
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // With one certificate, nothing is compared.
        let resolver = match self.certificates.as_slice() {
            [(_, only)] => only,
            _ => self.select(hello.server_name())?,
        };
        resolver.resolve(hello)
    }
}

impl fmt::Debug for ByName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByName")
            .field("certificates", &self.certificates.len())
            .finish()
    }
}
