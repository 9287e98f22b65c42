//! Where a request comes from: the peer that a server saw, and the client that a layer made of it.

use std::net::{IpAddr, SocketAddr};

use http::uri::Authority;

/// How a request travelled on its last hop, or on its first where a trusted proxy says so.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums)] // HTTP has these two schemes.
pub enum Scheme {
    /// In clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// Returns the scheme as it stands in a URI.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The other end of the connection. A server puts it into the request's extensions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Peer {
    /// The address that the socket is connected to.
    pub address: SocketAddr,
    /// Whether the socket speaks TLS.
    pub scheme: Scheme,
}

impl Peer {
    /// Describes a connection.
    #[must_use]
    pub const fn new(address: SocketAddr, scheme: Scheme) -> Self {
        Self { address, scheme }
    }
}

/// The client as the rest of the stack sees it. Decided once a request; nobody else reads forwarded headers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientInfo {
    ip: IpAddr,
    scheme: Scheme,
    forwarded_host: Option<Authority>,
    through_proxy: bool,
}

impl ClientInfo {
    /// Names a client's address and how it reached the outermost trusted hop. An IPv4 address
    /// written as IPv6 (RFC 4291, 2.5.5.2) becomes plain IPv4, so that one client has one name.
    #[must_use]
    pub const fn new(ip: IpAddr, scheme: Scheme) -> Self {
        Self {
            ip: ip.to_canonical(),
            scheme,
            forwarded_host: None,
            through_proxy: false,
        }
    }

    /// Says that a trusted proxy sent the request: its ports are not those of this server.
    #[must_use]
    pub const fn with_proxy(mut self) -> Self {
        self.through_proxy = true;
        self
    }

    /// Adds the host that the client asked a trusted proxy for.
    #[must_use]
    pub fn with_forwarded_host(mut self, host: Authority) -> Self {
        self.forwarded_host = Some(host);
        self
    }

    /// Returns the client's address.
    #[must_use]
    pub const fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Returns how the request reached us, or the outermost trusted proxy.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Tells whether a trusted proxy sent the request.
    #[must_use]
    pub const fn is_through_proxy(&self) -> bool {
        self.through_proxy
    }

    /// Returns the host that a trusted proxy was asked for; `None` where the request's own host counts.
    #[must_use]
    pub const fn forwarded_host(&self) -> Option<&Authority> {
        self.forwarded_host.as_ref()
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
