//! Where syslog messages go.

use std::net::SocketAddr;
#[cfg(unix)]
use std::path::PathBuf;

/// Where syslog messages go.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SyslogAddress {
    /// A stream over TCP, in frames with their length (RFC 6587, 3.4.1). Messages arrive whole and in
    /// order, but those under way are lost when the connection breaks.
    Tcp(SocketAddr),
    /// A stream over TLS (RFC 5425), usually at port 6514. The certificate of the server must have this name.
    #[cfg(feature = "syslog-tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "syslog-tls")))]
    Tls {
        /// The name of the server, or its address.
        host: Box<str>,
        /// Its port.
        port: u16,
    },
    /// Datagrams over UDP (RFC 5426). Any of them may be lost without notice, and receivers may cut
    /// those of more than 2048 bytes.
    Udp(SocketAddr),
    /// Datagrams to a local socket, usually `/dev/log`.
    #[cfg(unix)]
    Unix(PathBuf),
}

impl SyslogAddress {
    /// Returns whether messages would cross a network unprotected.
    pub(super) fn leaves_in_clear_text(&self) -> bool {
        match self {
            Self::Tcp(server) | Self::Udp(server) => !server.ip().is_loopback(),
            #[cfg(feature = "syslog-tls")]
            Self::Tls { .. } => false,
            #[cfg(unix)]
            Self::Unix(_) => false,
        }
    }
}
