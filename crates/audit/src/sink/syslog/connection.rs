//! The way to the syslog server: datagrams, a stream, or a local socket.
//!
//! Every call may block for at most a few seconds: it runs on the thread of the sink. A failed
//! connection is opened again at the next message, but not more often than once a second.

use std::{
    io::{self, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket},
    time::Duration,
};

use palisade_core::SharedClock;

#[cfg(feature = "syslog-tls")]
use super::tls_stream::{TlsServer, TlsStream};
use super::{
    SyslogAddress,
    tcp::{WRITING, open_stream},
};

/// The least time between two tries to connect.
const PAUSE: Duration = Duration::from_secs(1);

/// The connection to one address, or the time of the next try.
#[derive(Debug)]
pub(super) struct Connection {
    /// The server.
    address: SyslogAddress,
    /// Tells when the next try may begin.
    clock: SharedClock,
    /// How a connection is protected, for an address with TLS.
    #[cfg(feature = "syslog-tls")]
    tls: Option<TlsServer>,
    /// The open socket. `None`: there is none, and the next message opens one if it may.
    open: Option<Socket>,
    /// No try before this moment on the monotonic clock, so that a server that is down costs one
    /// try a second.
    retry_at: Duration,
}

/// An open socket.
#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    #[cfg(feature = "syslog-tls")]
    Tls(Box<TlsStream>),
    Udp(UdpSocket),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixDatagram),
}

impl Connection {
    /// Names an address. Nothing is opened before the first message.
    pub(super) fn new(address: SyslogAddress, clock: SharedClock) -> Self {
        Self {
            address,
            clock,
            #[cfg(feature = "syslog-tls")]
            tls: None,
            open: None,
            retry_at: Duration::ZERO,
        }
    }

    /// Prepares TLS.
    ///
    /// # Errors
    ///
    /// The certificates cannot be read, or the host is no name.
    #[cfg(feature = "syslog-tls")]
    pub(super) fn over_tls(
        mut self,
        settings: &crate::sink::tls::TlsSettings,
    ) -> Result<Self, crate::error::AuditBuildError> {
        if let SyslogAddress::Tls { host, port } = &self.address {
            self.tls = Some(TlsServer::new(host, *port, settings)?);
        }
        Ok(self)
    }

    /// Ends the connection. A server then knows that nothing was cut off.
    pub(super) fn close(&mut self) {
        #[cfg(feature = "syslog-tls")]
        if let Some(Socket::Tls(stream)) = &mut self.open {
            stream.close();
        }
        self.open = None;
    }

    /// Sends one message.
    ///
    /// A stream that the server closed is noticed at the second message after it; a new one is opened
    /// for that message at once.
    ///
    /// # Errors
    ///
    /// The message was not sent, or it is unknown whether it was.
    pub(super) fn send(&mut self, message: &str) -> io::Result<()> {
        if let Some(open) = &mut self.open {
            match open.send(message) {
                Ok(()) => return Ok(()),
                Err(_) => self.open = None,
            }
        }
        let now = self.clock.monotonic();
        if now < self.retry_at {
            return Err(io::ErrorKind::NotConnected.into());
        }
        self.retry_at = now.saturating_add(PAUSE);
        #[cfg(feature = "syslog-tls")]
        let mut socket = match &self.tls {
            Some(server) => Socket::Tls(Box::new(server.connect()?)),
            None => Socket::open(&self.address)?,
        };
        #[cfg(not(feature = "syslog-tls"))]
        let mut socket = Socket::open(&self.address)?;
        socket.send(message)?;
        self.open = Some(socket);
        Ok(())
    }
}

impl Socket {
    /// Opens a socket to an address. For UDP nothing is sent: a server that is not there shows at the first message
    /// or never.
    ///
    /// # Errors
    ///
    /// The connection is refused, or not accepted within two seconds.
    fn open(address: &SyslogAddress) -> io::Result<Self> {
        match address {
            SyslogAddress::Tcp(server) => open_stream(server).map(Self::Tcp),
            #[cfg(feature = "syslog-tls")]
            SyslogAddress::Tls { .. } => Err(io::ErrorKind::Unsupported.into()),
            SyslogAddress::Udp(server) => {
                let any: SocketAddr = match server {
                    SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
                    SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
                };
                let socket = UdpSocket::bind(any)?;
                socket.connect(server)?;
                Ok(Self::Udp(socket))
            }
            #[cfg(unix)]
            SyslogAddress::Unix(path) => {
                let socket = std::os::unix::net::UnixDatagram::unbound()?;
                socket.connect(path)?;
                socket.set_write_timeout(Some(WRITING))?;
                Ok(Self::Unix(socket))
            }
        }
    }

    /// Sends one message. Over a stream it is framed by its length (RFC 6587, 3.4.1).
    ///
    /// # Errors
    ///
    /// The server has closed the connection, or does not read for too long.
    fn send(&mut self, message: &str) -> io::Result<()> {
        match self {
            // One write, so that no frame is split by a failure in between.
            Self::Tcp(stream) => stream.write_all(frame(message).as_bytes()),
            #[cfg(feature = "syslog-tls")]
            Self::Tls(stream) => stream.send(frame(message).as_bytes()),
            Self::Udp(socket) => socket.send(message.as_bytes()).map(drop),
            #[cfg(unix)]
            Self::Unix(socket) => socket.send(message.as_bytes()).map(drop),
        }
    }
}

/// Puts the length before a message (RFC 6587, 3.4.1, and RFC 5425, 4.3).
fn frame(message: &str) -> String {
    format!("{} {message}", message.len())
}
