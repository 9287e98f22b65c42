//! Errors that prevent a server from starting.

use std::{error, fmt, io};

use crate::server::listener::ListenAddress;

/// Why a server cannot be built.
///
/// `Display` is one line for the operator, with the cause and, where one is known, the remedy.
///
/// # Examples
///
/// ```
/// use palisade_transport::server::{Listener, ServerBuildError};
///
/// let first = Listener::bind("127.0.0.1:0".parse().unwrap())?;
/// let taken = first.address().as_tcp().unwrap();
/// let error = Listener::bind(taken).unwrap_err();
/// assert!(matches!(error, ServerBuildError::Bind { .. }));
/// assert!(error.to_string().ends_with("another program listens there"));
/// # Ok::<(), palisade_transport::server::ServerBuildError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerBuildError {
    /// The address is in use, is not one of this machine, or needs a privilege (ports under
    /// 1024).
    Bind {
        /// The address that was requested.
        address: ListenAddress,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Clients are asked for certificates, and the server has no TLS.
    ClientAuthWithoutTls,
    /// A socket of the service manager (`LISTEN_FDS`) is not a listening stream socket.
    Inherited(io::Error),
    /// The socket cannot be used for listening.
    Listen(io::Error),
    /// No address, path or socket was given.
    NoListener,
    /// The TLS library has no usable protocol version, or gives no keys for session tickets.
    Tls,
}

impl fmt::Display for ServerBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { address, source } => {
                write!(f, "cannot listen on {address}: ")?;
                match source.kind() {
                    io::ErrorKind::AddrInUse => f.write_str("another program listens there"),
                    io::ErrorKind::AddrNotAvailable => {
                        f.write_str("this machine does not have that address")
                    }
                    io::ErrorKind::PermissionDenied if address.as_tcp().is_some() => f.write_str(
                        "ports under 1024 need the right to bind them (CAP_NET_BIND_SERVICE)",
                    ),
                    _ => write!(f, "{source}"),
                }
            }
            Self::ClientAuthWithoutTls => f.write_str(
                "clients are asked for certificates, and the server has no TLS; add a certificate",
            ),
            Self::Inherited(source) => {
                write!(
                    f,
                    "a socket of the service manager cannot be used: {source}"
                )
            }
            Self::Listen(source) => write!(f, "the listening socket does not work: {source}"),
            Self::NoListener => f.write_str("the server has no address to listen on; add one"),
            Self::Tls => f.write_str(
                "the TLS library has no usable protocol version, or gives no keys for session tickets",
            ),
        }
    }
}

impl error::Error for ServerBuildError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Bind { source, .. } | Self::Inherited(source) | Self::Listen(source) => {
                Some(source)
            }
            Self::ClientAuthWithoutTls | Self::NoListener | Self::Tls => None,
        }
    }
}
