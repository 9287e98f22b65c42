//! The PROXY protocol, versions 1 and 2: the address of a client, as its proxy sends it before
//! all other bytes.
//!
//! The handshake of a connection calls `read` for peers that are allowed to send a header, and
//! for no others. The parsers are functions of bytes.
//!
//! They are written here and not taken from a library, since they decide who the client is:
//! each header has exactly one accepted form, the checksum is checked, and repeated fields are
//! refused.
//!
//! Source: "The PROXY protocol, versions 1 & 2" by Willy Tarreau.
//!
//! # Trust
//!
//! A header is believed without proof, so it is read from configured peers only. From these it is
//! required: a connection without one is closed, and no first bytes of a client can pass for it.

mod v1;
mod v2;
mod fields;
mod checksum;

use std::{error, fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::BytesMut;
use tokio::io::AsyncReadExt;

use self::fields::Fields;
use crate::server::listener::RawStream;

/// The longest header that is read, in bytes. A certificate of a client fits.
///
/// The protocol allows 65,551 bytes. Memory is taken as bytes arrive, from 512 on.
const MAX_HEADER: usize = 4096;

/// What a proxy sent about a connection before the first byte of the client.
///
/// A server that reads PROXY headers stores it in the extensions of every request of that
/// connection. The [`Peer`](palisade_core::Peer) of the request is then the client:
/// [`source`](Self::source), and HTTPS if the client [used TLS](Self::is_tls) towards the
/// proxy. See [`ServerBuilder::proxy_protocol`](crate::server::ServerBuilder::proxy_protocol).
///
/// Cloning is cheap: the contents are shared.
///
/// # Examples
///
/// In a handler:
///
/// ```
/// use axum::extract::Extension;
/// use palisade_transport::server::ProxyHeader;
///
/// async fn handler(Extension(header): Extension<ProxyHeader>) -> String {
///     format!("sent to {:?}", header.destination())
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(handler));
/// ```
///
/// Parsed from bytes, for a custom server:
///
/// ```
/// use palisade_transport::server::ProxyHeader;
///
/// let bytes = b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\nGET / HTTP/1.1\r\n";
/// let (header, length) = ProxyHeader::parse(bytes)?.expect("the header is complete");
/// assert_eq!(header.source(), Some("203.0.113.7:4711".parse().unwrap()));
/// assert!(bytes[length..].starts_with(b"GET"));
/// # Ok::<(), palisade_transport::server::ProxyHeaderError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProxyHeader {
    inner: Arc<Inner>,
}

/// The contents that clones share.
#[derive(Debug, Default, Eq, PartialEq)]
struct Inner {
    /// `None` for a health check of the proxy, and if it does not know the client.
    addresses: Option<Addresses>,
    fields: Fields,
}

/// Both ends of the connection of the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Addresses {
    /// The client.
    source: SocketAddr,
    /// What the client connected to: usually the proxy.
    destination: SocketAddr,
}

impl ProxyHeader {
    /// Parses the header at the begin of a connection. Returns it with its length in bytes.
    ///
    /// `None` if more bytes are needed. Call it again with all bytes so far.
    ///
    /// # Errors
    ///
    /// [`ProxyHeaderError`] if the bytes are not the begin of a header, or the header breaks
    /// the protocol. No more bytes can change that.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::ProxyHeader;
    ///
    /// let bytes = b"PROXY TCP4 203.0.113.7 192.0.2.1 51000 443\r\nGET / HTTP/1.1\r\n";
    /// let (header, length) = ProxyHeader::parse(bytes)?.expect("the whole line is there");
    /// assert_eq!(header.source(), Some("203.0.113.7:51000".parse().unwrap()));
    /// assert_eq!(&bytes[length..], b"GET / HTTP/1.1\r\n");
    ///
    /// // The begin of one: read more, and call it again.
    /// assert_eq!(ProxyHeader::parse(b"PROXY TC")?, None);
    /// # Ok::<(), palisade_transport::server::ProxyHeaderError>(())
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, ProxyHeaderError> {
        if is_start_of(bytes, v2::SIGNATURE) {
            v2::parse(bytes)
        } else if is_start_of(bytes, v1::PREFIX) {
            v1::parse(bytes)
        } else {
            Err(ProxyHeaderError("it begins with neither form"))
        }
    }

    /// Returns the address of the client.
    ///
    /// `None` if the proxy itself is the client, for a health check (`LOCAL`), or does not know
    /// the address (`UNKNOWN`, `UNSPEC`, a Unix socket).
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::ProxyHeader;
    ///
    /// // A proxy that checks the health of the server sends no address.
    /// let (header, _) = ProxyHeader::parse(b"PROXY UNKNOWN\r\n")?.expect("a whole header");
    /// assert_eq!(header.source(), None);
    /// # Ok::<(), palisade_transport::server::ProxyHeaderError>(())
    /// ```
    #[must_use]
    pub fn source(&self) -> Option<SocketAddr> {
        self.inner.addresses.map(|addresses| addresses.source)
    }

    /// Returns the address that the client connected to. `None` as for
    /// [`source`](Self::source).
    #[must_use]
    pub fn destination(&self) -> Option<SocketAddr> {
        self.inner.addresses.map(|addresses| addresses.destination)
    }

    /// Returns the host that the client named in its TLS handshake (`PP2_TYPE_AUTHORITY`).
    ///
    /// Version 2 only, where the proxy sends it. It is not compared with the host of the
    /// requests.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.inner.fields.authority.as_deref()
    }

    /// Returns whether the client used TLS towards the proxy (`PP2_TYPE_SSL`). Version 2 only.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.inner.fields.is_tls
    }

    /// Returns the version of TLS that the client used, such as `TLSv1.3`. Version 2 only,
    /// where the proxy sends it.
    #[must_use]
    pub fn tls_version(&self) -> Option<&str> {
        self.inner.fields.tls_version.as_deref()
    }

    /// A header without addresses: the proxy is the client, or does not know it.
    fn without_addresses(fields: Fields) -> Self {
        Self::new(None, fields)
    }

    /// A header with what was parsed.
    fn new(addresses: Option<Addresses>, fields: Fields) -> Self {
        Self {
            inner: Arc::new(Inner { addresses, fields }),
        }
    }
}

/// Why bytes are not a PROXY header. The connection is closed, as the protocol demands.
///
/// `Display` names the rule that was broken, without the bytes.
///
/// # Examples
///
/// ```
/// use palisade_transport::server::ProxyHeader;
///
/// let error = ProxyHeader::parse(b"GET / HTTP/1.1\r\n").unwrap_err();
/// assert_eq!(error.to_string(), "this is no PROXY header: it begins with neither form");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProxyHeaderError(&'static str);

impl fmt::Display for ProxyHeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is no PROXY header: {}", self.0)
    }
}

impl error::Error for ProxyHeaderError {}

/// Why a connection has no header.
#[derive(Debug)]
pub(crate) enum NoHeader {
    /// The connection broke.
    Broken,
    /// The bytes are not a header.
    Invalid(ProxyHeaderError),
    /// It did not come in time.
    Timeout,
}

/// Reads the header of a connection. What follows it stays in the socket.
///
/// `deadline` is for the whole header, and is `Limits::proxy_header_timeout`. A peer that sends one
/// byte at a time does not move it.
///
/// # Errors
///
/// The header is not valid, not complete in time, or the connection broke before.
pub(crate) async fn read(
    socket: &mut RawStream,
    deadline: Duration,
) -> Result<ProxyHeader, NoHeader> {
    let header = tokio::time::timeout(deadline, read_whole(socket)).await;
    header.map_err(|_| NoHeader::Timeout)?
}

/// Reads until the header is complete.
///
/// Bytes of the client that came with the header are given back to the socket, where TLS or HTTP
/// reads them next.
async fn read_whole(socket: &mut RawStream) -> Result<ProxyHeader, NoHeader> {
    let mut bytes = BytesMut::with_capacity(512);
    loop {
        let read: io::Result<usize> = socket.read_buf(&mut bytes).await;
        if read.map_err(|_| NoHeader::Broken)? == 0 {
            return Err(NoHeader::Broken);
        }
        if let Some((header, length)) = ProxyHeader::parse(&bytes).map_err(NoHeader::Invalid)? {
            socket.unread(bytes.split_off(length).freeze());
            return Ok(header);
        }
    }
}

/// Returns whether bytes begin with a signature, as far as they go.
///
/// An empty start matches: more bytes are needed then.
fn is_start_of(bytes: &[u8], signature: &[u8]) -> bool {
    bytes
        .iter()
        .zip(signature)
        .all(|(byte, expected)| byte == expected)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn other_protocols_are_no_header() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"\x16\x03\x01\x02\x00\x01",
            b"proxy TCP4 203.0.113.7 192.0.2.1 1 2\r\n",
            b" PROXY TCP4 203.0.113.7 192.0.2.1 1 2\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"PROXY\r\n",
        ] {
            assert!(ProxyHeader::parse(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn the_first_bytes_of_either_form_need_more() {
        for bytes in [&b""[..], b"P", b"PROXY ", b"\r", b"\r\n\r\n\0\r\nQUIT"] {
            assert_eq!(ProxyHeader::parse(bytes), Ok(None), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_a_panic(
            start in prop::sample::select(vec![&b""[..], v1::PREFIX, v2::SIGNATURE]),
            rest in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let bytes = [start, &rest].concat();
            if let Ok(Some((_, length))) = ProxyHeader::parse(&bytes) {
                prop_assert!(length <= bytes.len());
                // What follows does not change the header.
                let again = ProxyHeader::parse(&bytes[..length]);
                prop_assert_eq!(again.unwrap().unwrap().1, length);
                prop_assert_eq!(ProxyHeader::parse(&bytes[..length - 1]), Ok(None));
            }
        }
    }
}
