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
    certificates: Vec<Certificates>,
    /// One for each of the certificates.
    resolvers: Vec<Arc<dyn ResolvesServerCert>>,
}

impl ByName {
    /// Uses these certificates, in their order. An exact name is preferred to a wildcard.
    pub(crate) fn new(certificates: &[Certificates]) -> Self {
        Self {
            certificates: certificates.to_vec(),
            resolvers: certificates.iter().map(Certificates::resolver).collect(),
        }
    }
}

impl Certificates {
    /// Returns which of several certificates a server shows to a client that names a host in its
    /// handshake (SNI), as [`ServerBuilder::tls`](crate::server::ServerBuilder::tls) does.
    ///
    /// An exact name is preferred to a wildcard. The first certificate is for clients that name no
    /// host, and for hosts that no certificate covers. `None` if there are no certificates.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Certificates;
    ///
    /// # let pem = |name: &str| {
    /// #     let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    /// #     let key = made.signing_key.serialize_pem();
    /// #     Certificates::from_pem(made.cert.pem().as_bytes(), key.as_bytes()).unwrap()
    /// # };
    /// let all = [pem("a.example"), pem("*.b.example"), pem("x.b.example")];
    /// let shown = |host| Certificates::for_host(&all, host).unwrap().names();
    /// assert_eq!(shown(Some("X.b.example")), ["x.b.example"]);
    /// assert_eq!(shown(Some("y.b.example")), ["*.b.example"]);
    /// assert_eq!(shown(Some("other.example")), ["a.example"]);
    /// assert_eq!(shown(None), ["a.example"]);
    /// ```
    #[must_use]
    pub fn for_host<'a>(all: &'a [Self], host: Option<&str>) -> Option<&'a Self> {
        all.get(index_for(all, host))
    }
}

/// Returns the position of the certificate for a host; that of the first one for any other.
fn index_for(all: &[Certificates], host: Option<&str>) -> usize {
    let index = host.and_then(|host| {
        let host = host.to_ascii_lowercase();
        let is_named = |one: &Certificates| one.names().contains(&host);
        let exact = all.iter().position(is_named);
        exact.or_else(|| all.iter().position(|one| one.covers(&host)))
    });
    index.unwrap_or(0)
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // With one certificate, nothing is compared.
        let resolver = match self.resolvers.as_slice() {
            [only] => only,
            all => all.get(index_for(&self.certificates, hello.server_name()))?,
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
