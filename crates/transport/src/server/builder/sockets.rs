//! Where a server listens: addresses and paths that are opened, and sockets that are open already.

use std::net::SocketAddr;
#[cfg(unix)]
use std::path::PathBuf;

use super::ServerBuilder;
use crate::server::{error::ServerBuildError, listener::Listener};

/// A socket that `build` opens, or that is open already.
#[derive(Debug)]
pub(super) enum SocketToOpen {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf),
    Open(Listener),
}

impl SocketToOpen {
    /// Opens the socket, unless it is open.
    ///
    /// # Errors
    ///
    /// [`ServerBuildError::Bind`]: the address is in use, not of this machine, or not permitted.
    pub(super) fn open(self) -> Result<Listener, ServerBuildError> {
        match self {
            Self::Tcp(address) => Listener::bind(address),
            #[cfg(unix)]
            Self::Unix(path) => Listener::bind_unix(path),
            Self::Open(listener) => Ok(listener),
        }
    }
}

impl ServerBuilder {
    /// Listens on an IP address and a port. May be called several times, for several addresses.
    ///
    /// The socket is opened by [`build`](Self::build). Port 0 lets the system select a port: see
    /// [`Server::local_addr`](crate::server::Server::local_addr). For IPv4 and IPv6, see [`Listener::bind`].
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Server;
    ///
    /// // Both families of this machine, and nothing else.
    /// let server = Server::builder()
    ///     .listen("127.0.0.1:0".parse()?)
    ///     .listen("[::1]:0".parse()?)
    ///     .build()?;
    /// assert_eq!(server.addresses().count(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn listen(self, address: SocketAddr) -> Self {
        self.add_socket(SocketToOpen::Tcp(address))
    }

    /// Listens on a Unix socket. May be called several times, for several paths.
    ///
    /// Clients have no IP address there, and count as `127.0.0.1`: see
    /// [`Listener::bind_unix`].
    #[cfg(unix)]
    pub fn listen_unix(self, path: impl Into<PathBuf>) -> Self {
        self.add_socket(SocketToOpen::Unix(path.into()))
    }

    /// Uses a socket that is open already, such as one of [`Listener::inherited`]. May be called
    /// several times.
    pub fn listener(self, listener: impl Into<Listener>) -> Self {
        self.add_socket(SocketToOpen::Open(listener.into()))
    }

    fn add_socket(mut self, socket: SocketToOpen) -> Self {
        self.sockets.push(socket);
        self
    }
}
