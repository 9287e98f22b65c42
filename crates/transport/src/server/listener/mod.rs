//! Sockets on which a server accepts connections.
//!
//! A [`Listener`] is bound before the server is built, so that a wrong address is found at
//! start. `AcceptSocket` is the same socket registered with the runtime.
//!
//! The rest of the server knows neither kind of socket: it gets a `RawStream` and an address. TCP and
//! Unix sockets differ in the address of the peer alone, which is `127.0.0.1` for a Unix socket.

mod address;
mod systemd;
#[cfg(unix)]
mod unix;
mod raw_stream;

use std::{
    future::poll_fn,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdTcpListener},
    task::{Context, Poll, ready},
};
#[cfg(unix)]
use std::{os::unix::net::UnixListener as StdUnixListener, path::Path};

use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

pub use self::address::ListenAddress;
pub(crate) use self::raw_stream::RawStream;
use crate::server::error::ServerBuildError;

/// A socket that listens: TCP or, on Unix, a Unix socket.
///
/// Create one to learn its port before the server is built, or to use a socket that another
/// process opened. For an address alone,
/// [`ServerBuilder::listen`](crate::server::ServerBuilder::listen) is shorter.
///
/// Clients that connect from now on wait until [`Server::serve`](crate::server::Server::serve).
///
/// # Examples
///
/// Port 0 lets the system select a port:
///
/// ```
/// use palisade_transport::server::{Listener, Server};
///
/// let listener = Listener::bind("127.0.0.1:0".parse()?)?;
/// println!("listening on {}", listener.address());
/// let server = Server::builder().listener(listener).build()?;
/// # drop(server);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The sockets of a systemd unit, or a custom address if there are none:
///
/// ```
/// use palisade_transport::server::{Listener, Server};
///
/// let mut builder = Server::builder();
/// let inherited = Listener::inherited()?;
/// if inherited.is_empty() {
///     builder = builder.listen("127.0.0.1:0".parse()?);
/// }
/// for listener in inherited {
///     builder = builder.listener(listener);
/// }
/// # drop(builder.build()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Listener {
    /// Non-blocking at the latest when the runtime watches it.
    socket: Socket,
    /// Read once, when the socket is bound: afterwards reading it could fail.
    address: ListenAddress,
    /// Whether another process opened the socket; its backlog is not changed then.
    is_inherited: bool,
}

/// The socket of a listener.
#[derive(Debug)]
enum Socket {
    Tcp(StdTcpListener),
    #[cfg(unix)]
    Unix(StdUnixListener),
}

impl Listener {
    /// Listens on an IP address and a port.
    ///
    /// Port 0 lets the system select a port: see [`address`](Self::address). `[::]:443` accepts
    /// IPv4 as well where the system allows it (Linux: `net.ipv6.bindv6only = 0`, its default).
    /// IPv4 clients are then seen by their IPv4 address.
    ///
    /// # Errors
    ///
    /// [`ServerBuildError::Bind`] if the address is in use, not of this machine, or not
    /// permitted.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::{Listener, ServerBuildError};
    ///
    /// let first = Listener::bind("127.0.0.1:0".parse()?)?;
    /// let taken = first.address().as_tcp().expect("a TCP socket");
    /// // A second server on the same port is an error at start, with the address in it.
    /// let error = Listener::bind(taken).unwrap_err();
    /// assert!(matches!(error, ServerBuildError::Bind { .. }));
    /// assert!(error.to_string().contains(&taken.to_string()), "{error}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bind(address: SocketAddr) -> Result<Self, ServerBuildError> {
        let bound = StdTcpListener::bind(address).and_then(|socket| Self::tcp(socket, false));
        bound.map_err(|source| ServerBuildError::Bind {
            address: ListenAddress::Tcp(address),
            source,
        })
    }

    /// Listens on a Unix socket.
    ///
    /// A socket file that no process listens on any more is replaced. The file gets the mode of
    /// the process (umask): set it with [`std::fs::set_permissions`] if a proxy of another user
    /// has to connect. The file is not removed at the end: the next start replaces it.
    ///
    /// Clients of a Unix socket have no IP address. They count as `127.0.0.1`, so
    /// [`TrustedProxies::loopback`](crate::TrustedProxies::loopback) trusts them.
    ///
    /// # Errors
    ///
    /// [`ServerBuildError::Bind`] if another process listens there, a file that is not a socket
    /// is in its place, or the folder cannot be written.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use std::{fs, os::unix::fs::PermissionsExt};
    ///
    /// use palisade_transport::server::{Listener, Server};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("http.sock");
    /// let listener = Listener::bind_unix(&path)?;
    /// // The user of the reverse proxy is in our group.
    /// fs::set_permissions(&path, fs::Permissions::from_mode(0o660))?;
    /// let server = Server::builder().listener(listener).build()?;
    /// # drop(server);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(unix)]
    pub fn bind_unix(path: impl AsRef<Path>) -> Result<Self, ServerBuildError> {
        let path = path.as_ref();
        let bound = unix::bind(path).and_then(|socket| Self::unix(socket, false));
        bound.map_err(|source| ServerBuildError::Bind {
            address: ListenAddress::Unix(Some(path.to_owned())),
            source,
        })
    }

    /// Like [`bind_unix`](Self::bind_unix), and sets who may connect: the permissions of the socket, such
    /// as `0o660` for the owner and its group.
    ///
    /// Between the two steps the socket has the permissions of new files: give the process a umask of
    /// at least `0o022`, as is usual.
    ///
    /// # Errors
    ///
    /// As [`bind_unix`](Self::bind_unix), or the permissions cannot be set.
    #[cfg(unix)]
    pub fn bind_unix_with_mode(
        path: impl AsRef<Path>,
        mode: u32,
    ) -> Result<Self, ServerBuildError> {
        use std::{fs, os::unix::fs::PermissionsExt as _};

        let path = path.as_ref();
        let listener = Self::bind_unix(path)?;
        let set = fs::set_permissions(path, fs::Permissions::from_mode(mode));
        set.map_err(|source| ServerBuildError::Bind {
            address: ListenAddress::Unix(Some(path.to_owned())),
            source,
        })?;
        Ok(listener)
    }

    /// Takes the sockets that a service manager opened (`LISTEN_FDS` of systemd).
    ///
    /// Returns them in the order of the unit. Empty if the process was started otherwise. A
    /// second call returns none. Sockets must be streams that listen, TCP or Unix
    /// (`ListenStream=` in the unit, `Accept=no`). Their backlog is not changed.
    ///
    /// Source: `sd_listen_fds(3)`.
    ///
    /// # Errors
    ///
    /// [`ServerBuildError::Inherited`] if one of them is not such a socket.
    ///
    /// # Examples
    ///
    /// The unit and the program. With the socket in the unit, the service needs no right to open port 443,
    /// and no connection is refused while it restarts:
    ///
    /// ```text
    /// [Socket]
    /// ListenStream=443
    /// Accept=no
    /// ```
    ///
    /// ```
    /// use palisade_transport::server::{Listener, Server};
    ///
    /// let sockets = Listener::inherited()?;
    /// println!("{} sockets of the unit", sockets.len());
    /// let server = sockets.into_iter().fold(Server::builder(), |server, socket| server.listener(socket));
    /// # drop(server);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inherited() -> Result<Vec<Self>, ServerBuildError> {
        let taken = Self::inherited_with_names()?;
        Ok(taken.into_iter().map(|(_, listener)| listener).collect())
    }

    /// Like [`inherited`](Self::inherited), with the name of each socket (`FileDescriptorName=` of the
    /// unit, or the name of the unit).
    ///
    /// # Errors
    ///
    /// As [`inherited`](Self::inherited).
    pub fn inherited_with_names() -> Result<Vec<(Option<String>, Self)>, ServerBuildError> {
        systemd::take_sockets().map_err(ServerBuildError::Inherited)
    }

    /// Returns the address, with the port that the system selected for port 0.
    #[must_use]
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// Wraps a TCP socket.
    fn tcp(socket: StdTcpListener, is_inherited: bool) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            address: ListenAddress::Tcp(socket.local_addr()?),
            socket: Socket::Tcp(socket),
            is_inherited,
        })
    }

    /// Wraps a Unix socket.
    #[cfg(unix)]
    fn unix(socket: StdUnixListener, is_inherited: bool) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let path = socket.local_addr()?.as_pathname().map(Path::to_owned);
        Ok(Self {
            address: ListenAddress::Unix(path),
            socket: Socket::Unix(socket),
            is_inherited,
        })
    }

    /// Sets how many connections the system queues: calling `listen` again changes it.
    ///
    /// For sockets that were inherited this does nothing: their manager chose the length. Linux takes at
    /// most `net.core.somaxconn` (4,096 by default).
    pub(crate) fn set_backlog(&self, backlog: u16) -> io::Result<()> {
        if self.is_inherited {
            return Ok(());
        }
        #[cfg(unix)]
        match &self.socket {
            Socket::Tcp(socket) => rustix::net::listen(socket, i32::from(backlog))?,
            Socket::Unix(socket) => rustix::net::listen(socket, i32::from(backlog))?,
        }
        #[cfg(not(unix))]
        let _ = backlog;
        Ok(())
    }

    /// Registers the socket with the runtime.
    ///
    /// # Errors
    ///
    /// The system refuses to watch the socket, for example without a free file descriptor.
    fn into_accept_socket(self) -> io::Result<AcceptSocket> {
        match self.socket {
            Socket::Tcp(socket) => {
                // One that came from elsewhere may still block.
                socket.set_nonblocking(true)?;
                TcpListener::from_std(socket).map(AcceptSocket::Tcp)
            }
            #[cfg(unix)]
            Socket::Unix(socket) => UnixListener::from_std(socket).map(AcceptSocket::Unix),
        }
    }
}

impl From<StdTcpListener> for Listener {
    /// Uses a TCP socket that listens already. Its backlog is not changed.
    fn from(socket: StdTcpListener) -> Self {
        let address = socket.local_addr();
        Self {
            address: ListenAddress::Tcp(address.unwrap_or((Ipv4Addr::UNSPECIFIED, 0).into())),
            socket: Socket::Tcp(socket),
            is_inherited: true,
        }
    }
}

/// A socket that the runtime watches.
#[derive(Debug)]
enum AcceptSocket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl AcceptSocket {
    /// Accepts a connection, or registers the task to be woken by the next one.
    ///
    /// A peer of a Unix socket has no address, and counts as `127.0.0.1` with port 0.
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(RawStream, SocketAddr)>> {
        match self {
            Self::Tcp(listener) => {
                let accepted = ready!(listener.poll_accept(cx));
                Poll::Ready(accepted.map(|(stream, address)| (RawStream::tcp(stream), address)))
            }
            #[cfg(unix)]
            Self::Unix(listener) => {
                let accepted = ready!(listener.poll_accept(cx));
                let address = (Ipv4Addr::LOCALHOST, 0).into();
                Poll::Ready(accepted.map(|(stream, _)| (RawStream::unix(stream), address)))
            }
        }
    }
}

/// Accepts from several sockets in turn, so that a busy one does not keep the others waiting.
#[derive(Debug)]
pub(crate) struct AcceptSockets {
    /// In the order of the configuration.
    sockets: Vec<AcceptSocket>,
    /// The socket that is asked first.
    next: usize,
}

impl AcceptSockets {
    /// Registers all sockets with the runtime.
    ///
    /// # Errors
    ///
    /// The runtime or the system refuses one of them.
    pub(crate) fn register(listeners: Vec<Listener>) -> io::Result<Self> {
        let sockets = listeners.into_iter().map(Listener::into_accept_socket);
        Ok(Self {
            sockets: sockets.collect::<Result<_, _>>()?,
            next: 0,
        })
    }

    /// Waits for a connection on any socket. Returns it with the address of its peer.
    pub(crate) async fn accept(&mut self) -> io::Result<(RawStream, SocketAddr)> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    /// Begins with the socket after the one that was polled last. An error of one socket is returned, and the next
    /// call continues with the one after it.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(RawStream, SocketAddr)>> {
        for _ in 0..self.sockets.len() {
            let index = self.next;
            self.next = (index + 1) % self.sockets.len();
            let Some(socket) = self.sockets.get(index) else {
                break;
            };
            if let Poll::Ready(accepted) = socket.poll_accept(cx) {
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    }
}
