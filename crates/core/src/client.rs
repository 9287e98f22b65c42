//! The origin of a request: the peer that the server saw, and the client that a layer derived from
//! it.
//!
//! A server inserts [`Peer`]. The client address layer reads it and the forwarded headers, and
//! stores [`ClientInfo`] with [`SecurityContext::set_client`](crate::SecurityContext::set_client).
//! Nothing else reads forwarded headers.

use std::net::{IpAddr, SocketAddr};

use http::uri::Authority;

/// Whether a request used TLS on its last hop, or on its first hop if a trusted proxy says so.
///
/// The value comes from the socket ([`Peer::scheme`]), or from the forwarded headers of a trusted
/// proxy. A client cannot choose it.
///
/// ```
/// use palisade_core::Scheme;
///
/// assert_eq!(Scheme::Https.as_str(), "https");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums)] // HTTP has these two schemes.
pub enum Scheme {
    /// Without TLS.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// Returns the scheme as in a URI: `http` or `https`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The other end of the connection. A server puts it into the extensions of the request.
///
/// Without it the client address is unknown, and guards that need the address refuse.
///
/// The servers of `palisade-transport` and the facade insert it. With another server, insert it for
/// each connection, before the guards run:
///
/// ```
/// use http::Request;
/// use palisade_core::{Peer, Scheme};
///
/// let address = "203.0.113.7:50000".parse().unwrap(); // from `TcpListener::accept`
/// let mut request = Request::new(());
/// request.extensions_mut().insert(Peer::new(address, Scheme::Http));
/// ```
///
/// Never fill it from a header: every client could then choose its own address.
///
/// In a test, a request without a socket has the peer that the test gives it:
///
/// ```
/// use http::Request;
/// use palisade_core::{Peer, Scheme};
///
/// let peer = Peer::new(([127, 0, 0, 1], 50_000).into(), Scheme::Https);
/// let request = Request::get("/").extension(peer).body(())?;
/// assert_eq!(request.extensions().get::<Peer>().map(|peer| peer.scheme), Some(Scheme::Https));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Peer {
    /// The remote address of the socket: the client, or the nearest proxy.
    pub address: SocketAddr,
    /// Whether the socket speaks TLS.
    pub scheme: Scheme,
    /// The version of TLS, if it ends at this server and is known.
    pub tls: Option<TlsVersion>,
}

impl Peer {
    /// Describes a connection by its remote address and whether it uses TLS. Its version of TLS is not known.
    #[must_use]
    pub const fn new(address: SocketAddr, scheme: Scheme) -> Self {
        Self {
            address,
            scheme,
            tls: None,
        }
    }

    /// Sets the version of TLS. `None`: TLS does not end at this server.
    #[must_use]
    pub const fn with_tls(mut self, version: Option<TlsVersion>) -> Self {
        self.tls = version;
        self
    }
}

/// A version of TLS that servers use today.
///
/// ```
/// use palisade_core::{Peer, Scheme, TlsVersion};
///
/// let address = "203.0.113.7:50000".parse().unwrap();
/// let peer = Peer::new(address, Scheme::Https).with_tls(Some(TlsVersion::Tls13));
/// assert_eq!(peer.tls.unwrap().as_str(), "1.3");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl TlsVersion {
    /// Returns the version as in its standard: `1.2` or `1.3`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }
}

/// The client as all guards and handlers see it. Decided once for each request.
///
/// Read it with [`SecurityContext::client`](crate::SecurityContext::client).
///
/// ```
/// use palisade_core::{ClientInfo, Scheme};
///
/// let client = ClientInfo::new("::ffff:203.0.113.7".parse().unwrap(), Scheme::Https);
/// assert_eq!(client.ip().to_string(), "203.0.113.7");
/// assert!(!client.is_through_proxy());
/// ```
///
/// A custom layer for another source of addresses, such as the PROXY protocol, builds one itself:
///
/// ```
/// use palisade_core::{ClientInfo, Scheme, SecurityContext};
///
/// fn client_of_proxied_request(cx: &SecurityContext) {
///     let client = ClientInfo::new("203.0.113.7".parse().unwrap(), Scheme::Https)
///         .with_proxy()
///         .with_forwarded_host("api.example".parse().unwrap());
///     cx.set_client(client); // A second call is ignored.
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientInfo {
    ip: IpAddr,
    scheme: Scheme,
    /// Boxed: few requests have one, and each context has space for it.
    forwarded_host: Option<Box<Authority>>,
    through_proxy: bool,
}

impl ClientInfo {
    /// Describes a client by its address and by how it reached the outermost trusted hop.
    ///
    /// An IPv4 address written as IPv6 (RFC 4291, 2.5.5.2) becomes plain IPv4, so that one client
    /// has one address. Default: not through a proxy, no forwarded host.
    #[must_use]
    pub const fn new(ip: IpAddr, scheme: Scheme) -> Self {
        Self {
            ip: ip.to_canonical(),
            scheme,
            forwarded_host: None,
            through_proxy: false,
        }
    }

    /// Marks the request as sent by a trusted proxy: its ports are not those of this server.
    #[must_use]
    pub const fn with_proxy(mut self) -> Self {
        self.through_proxy = true;
        self
    }

    /// Adds the host that the client requested from a trusted proxy.
    #[must_use]
    pub fn with_forwarded_host(mut self, host: Authority) -> Self {
        self.forwarded_host = Some(Box::new(host));
        self
    }

    /// Returns the client's address, IPv4 where an IPv6 address maps to it.
    #[must_use]
    pub const fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Returns the scheme by which the request reached this server, or the outermost trusted proxy.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Tells whether a trusted proxy sent the request.
    #[must_use]
    pub const fn is_through_proxy(&self) -> bool {
        self.through_proxy
    }

    /// Returns the host that the client requested from a trusted proxy. `None`: the host of the request
    /// itself applies.
    #[must_use]
    pub fn forwarded_host(&self) -> Option<&Authority> {
        self.forwarded_host.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_is_the_same_client_as_the_plain_one() {
        let mapped: IpAddr = "::ffff:203.0.113.7".parse().unwrap();
        let plain: IpAddr = "203.0.113.7".parse().unwrap();
        assert_eq!(ClientInfo::new(mapped, Scheme::Http).ip(), plain);
    }
}
