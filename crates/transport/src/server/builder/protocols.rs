//! What is spoken on the sockets of a server: TLS with its certificates, and HTTP/2 without it.

use super::ServerBuilder;
use crate::tls::{Certificates, ClientAuth};

impl ServerBuilder {
    /// Uses TLS 1.2 and 1.3 with these certificates, and HTTP/2 if the client supports it.
    ///
    /// Default: HTTP/1 in clear. Applies to all sockets of this server: serve other ones with a
    /// second server.
    ///
    /// May be called several times, for certificates of several hosts. The client's handshake
    /// names the host (SNI, RFC 6066, section 3): an exact name of a certificate is preferred to
    /// a wildcard. Clients that name no host, or one without a certificate, get the first one.
    ///
    /// The key exchange is `X25519MLKEM768` where the client supports it: traffic that is
    /// recorded today cannot be decrypted by a later quantum computer. Other clients use X25519
    /// or a NIST curve.
    ///
    /// OCSP responses are not sent: public authorities have stopped to issue them, and
    /// certificates that live for weeks need none.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::{DevAuthority, Server};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path().join("tls");
    /// // A certificate for this machine, from an authority of its own. In production: `Certificates`.
    /// let authority = DevAuthority::open_or_create(&folder)?;
    /// let server = Server::builder()
    ///     .listen("127.0.0.1:0".parse()?)
    ///     .tls(authority.certificates()?)
    ///     .tls13_only()
    ///     .build()?;
    /// # drop(server);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tls(mut self, certificates: Certificates) -> Self {
        self.certificates.push(certificates);
        self
    }

    /// Asks clients for a certificate (mutual TLS). Default: they are not asked.
    ///
    /// Each request of a client that sent one has a
    /// [`ClientCertificate`](palisade_core::ClientCertificate) in its extensions. Needs
    /// [`tls`](Self::tls). Challenges of an ACME authority (tls-alpn-01) need no certificate. The
    /// health checks of a load balancer need one if it is required: let them come without TLS.
    pub fn client_auth(mut self, client_auth: impl Into<Option<ClientAuth>>) -> Self {
        self.client_auth = client_auth.into();
        self
    }

    /// Accepts TLS 1.3 only (RFC 8446). Default: 1.2 and 1.3. Clients from before about 2019
    /// cannot connect then.
    pub fn tls13_only(mut self) -> Self {
        self.tls13_only = true;
        self
    }

    /// Also accepts HTTP/2 in clear from clients that start with it (RFC 9113, section 3.3).
    /// Default: HTTP/1 only.
    ///
    /// For gRPC behind a proxy that terminates TLS. Has no effect with TLS.
    pub fn http2_in_clear(mut self) -> Self {
        self.http2_in_clear = true;
        self
    }
}
