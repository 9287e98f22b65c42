//! The certificate by which the peer identified itself in the TLS handshake (mutual TLS).

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use http::Extensions;

/// The verified certificate of the peer, in the extensions of each request of its connection.
///
/// The server of `palisade-transport` inserts it after it has checked the chain, the validity and,
/// if configured, the revocation. It is not there if the peer sent none. Only the server can insert
/// it: nothing in a request becomes one. Cheap to clone.
///
/// It is the certificate of the *peer*. Behind a proxy that ends TLS, the peer is the proxy, and
/// the certificate of the client is not known here.
///
/// A route demands one with [`Rule::client_certificate`](crate::Rule::client_certificate).
///
/// # Examples
///
/// ```
/// use http::Request;
/// use palisade_core::ClientCertificate;
///
/// // What the server does for each request:
/// let certificate = ClientCertificate::new([7; 32])
///     .with_subject("CN=billing,O=Example")
///     .with_uris(["spiffe://example.org/billing"]);
/// let mut request = Request::new(());
/// request.extensions_mut().insert(certificate);
///
/// // What a handler or an authenticator does:
/// let found = ClientCertificate::of(request.extensions()).expect("mutual TLS");
/// assert_eq!(found.uris().collect::<Vec<_>>(), ["spiffe://example.org/billing"]);
/// assert_eq!(found.sha256(), &[7; 32]);
/// ```
///
/// A handler for one service of the own network:
///
/// ```
/// use http::{Extensions, StatusCode};
/// use palisade_core::ClientCertificate;
///
/// fn billing(extensions: &Extensions) -> StatusCode {
///     match ClientCertificate::of(extensions) {
///         Some(certificate) if certificate.dns_names().any(|name| name == "billing.internal") => StatusCode::OK,
///         _ => StatusCode::FORBIDDEN,
///     }
/// }
/// assert_eq!(billing(&Extensions::new()), StatusCode::FORBIDDEN);
///
/// let mut extensions = Extensions::new();
/// extensions.insert(ClientCertificate::new([7; 32]).with_dns_names(["billing.internal"]));
/// assert_eq!(billing(&extensions), StatusCode::OK);
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
#[must_use]
pub struct ClientCertificate {
    inner: Arc<Inner>,
}

/// What the certificate says. Shared by all requests of a connection.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Inner {
    sha256: [u8; 32],
    subject: Box<str>,
    issuer: Box<str>,
    dns_names: Box<[Box<str>]>,
    uris: Box<[Box<str>]>,
    emails: Box<[Box<str>]>,
    addresses: Box<[IpAddr]>,
    expires: Duration,
}

impl ClientCertificate {
    /// Describes a certificate by the SHA-256 of its DER encoding.
    ///
    /// Default: empty names, and the end of its validity at the Unix epoch. Servers and tests call
    /// it, after the certificate was verified.
    pub fn new(sha256: [u8; 32]) -> Self {
        Self {
            inner: Arc::new(Inner {
                sha256,
                subject: Box::default(),
                issuer: Box::default(),
                dns_names: Box::default(),
                uris: Box::default(),
                emails: Box::default(),
                addresses: Box::default(),
                expires: Duration::ZERO,
            }),
        }
    }

    /// Returns the certificate of the peer, or `None` if the peer identified itself with none.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Sets the subject, as a string of RFC 4514. Default: empty.
    pub fn with_subject(self, subject: impl Into<Box<str>>) -> Self {
        self.change_inner(|inner| inner.subject = subject.into())
    }

    /// Sets the issuer, as a string of RFC 4514. Default: empty.
    pub fn with_issuer(self, issuer: impl Into<Box<str>>) -> Self {
        self.change_inner(|inner| inner.issuer = issuer.into())
    }

    /// Sets the DNS names among the subject alternative names. Default: none.
    pub fn with_dns_names<T: Into<Box<str>>>(self, names: impl IntoIterator<Item = T>) -> Self {
        self.change_inner(|inner| inner.dns_names = names.into_iter().map(Into::into).collect())
    }

    /// Sets the URIs among the subject alternative names. Default: none.
    pub fn with_uris<T: Into<Box<str>>>(self, uris: impl IntoIterator<Item = T>) -> Self {
        self.change_inner(|inner| inner.uris = uris.into_iter().map(Into::into).collect())
    }

    /// Sets the e-mail addresses among the subject alternative names. Default: none.
    pub fn with_emails<T: Into<Box<str>>>(self, emails: impl IntoIterator<Item = T>) -> Self {
        self.change_inner(|inner| inner.emails = emails.into_iter().map(Into::into).collect())
    }

    /// Sets the IP addresses among the subject alternative names. Default: none.
    pub fn with_addresses(self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.change_inner(|inner| inner.addresses = addresses.into_iter().collect())
    }

    /// Sets the end of its validity, since the Unix epoch. Default: zero.
    pub fn with_expiry(self, expires: Duration) -> Self {
        self.change_inner(|inner| inner.expires = expires)
    }

    /// Returns the SHA-256 of the certificate's DER encoding.
    ///
    /// In base64url it is the `x5t#S256` of a token that is bound to a certificate (RFC 8705,
    /// section 3.1).
    #[must_use]
    pub fn sha256(&self) -> &[u8; 32] {
        &self.inner.sha256
    }

    /// Returns the subject as a string of RFC 4514, such as `CN=billing,O=Example`. May be empty.
    ///
    /// Special characters are escaped, so one certificate has one string. Compare whole strings;
    /// do not search in them.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.inner.subject
    }

    /// Returns the issuer as a string of RFC 4514.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.inner.issuer
    }

    /// Returns the DNS names (`dNSName`, RFC 5280, section 4.2.1.6), in lower case.
    pub fn dns_names(&self) -> impl Iterator<Item = &str> {
        self.inner.dns_names.iter().map(AsRef::as_ref)
    }

    /// Returns the URIs (`uniformResourceIdentifier`), such as a SPIFFE ID. As written.
    pub fn uris(&self) -> impl Iterator<Item = &str> {
        self.inner.uris.iter().map(AsRef::as_ref)
    }

    /// Returns the e-mail addresses (`rfc822Name`). As written.
    pub fn emails(&self) -> impl Iterator<Item = &str> {
        self.inner.emails.iter().map(AsRef::as_ref)
    }

    /// Returns the IP addresses (`iPAddress`).
    #[must_use]
    pub fn addresses(&self) -> &[IpAddr] {
        &self.inner.addresses
    }

    /// Returns the end of its validity, since the Unix epoch.
    #[must_use]
    pub fn expires(&self) -> Duration {
        self.inner.expires
    }

    fn change_inner(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }
}

/// Shows the fingerprint and the subject.
impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sha256 = palisade_internal::hex::encode(&self.inner.sha256);
        f.debug_struct("ClientCertificate")
            .field("sha256", &sha256)
            .field("subject", &self.inner.subject)
            .finish_non_exhaustive()
    }
}
