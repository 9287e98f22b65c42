//! The address of a listener: TCP or a Unix socket.

use std::{fmt, net::SocketAddr, path::PathBuf};

/// Where a listener accepts connections. Displays as `127.0.0.1:8443` or
/// `unix:/run/tts/http.sock`.
///
/// ```
/// use palisade_transport::server::ListenAddress;
///
/// let address = ListenAddress::Tcp("127.0.0.1:8443".parse().unwrap());
/// assert_eq!(address.to_string(), "127.0.0.1:8443");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ListenAddress {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// The path of a Unix socket. `None` if it has no name in the file system.
    Unix(Option<PathBuf>),
}

impl ListenAddress {
    /// Returns the IP address and the port. `None` for a Unix socket.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::ListenAddress;
    ///
    /// let unix = ListenAddress::Unix(Some("/run/tts/http.sock".into()));
    /// assert_eq!(unix.as_tcp(), None);
    /// assert_eq!(unix.to_string(), "unix:/run/tts/http.sock");
    /// ```
    #[must_use]
    pub fn as_tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(Some(path)) => write!(f, "unix:{}", path.display()),
            Self::Unix(None) => f.write_str("unix:"),
        }
    }
}
