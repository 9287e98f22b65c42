//! Errors that prevent a server from starting.

use std::{error, fmt, io, net::SocketAddr};

/// Why a server does not start.
///
/// `Display` is one line for the operator, with the cause and, where one is known, the remedy.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// The address is in use, is not one of this machine, or needs a privilege (ports under
    /// 1024).
    Bind {
        /// The address that was requested.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The socket cannot be used for listening.
    Listen(io::Error),
    /// The TLS settings cannot be used.
    Tls(Box<dyn error::Error + Send + Sync>),
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { address, source } => {
                write!(f, "cannot listen on {address}: ")?;
                match source.kind() {
                    io::ErrorKind::AddrInUse => f.write_str("another program listens there"),
                    io::ErrorKind::AddrNotAvailable => {
                        f.write_str("this machine does not have that address")
                    }
                    io::ErrorKind::PermissionDenied => f.write_str(
                        "ports under 1024 need the right to bind them (CAP_NET_BIND_SERVICE)",
                    ),
                    _ => write!(f, "{source}"),
                }
            }
            Self::Listen(source) => write!(f, "the listening socket does not work: {source}"),
            Self::Tls(source) => write!(f, "the TLS settings cannot be used: {source}"),
        }
    }
}

impl error::Error for ServerError {}
