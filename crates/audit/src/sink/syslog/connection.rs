//! The way to the syslog server: datagrams, a stream, or a local socket.
//!
//! Every call may block for at most a few seconds: it runs on the thread of the sink. A failed
//! connection is opened again at the next message, but not more often than once a second.

use std::{
    io::{self, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket},
    path::PathBuf,
    time::Duration,
};

use palisade_core::SharedClock;

/// The longest wait for a connection.
const CONNECTING: Duration = Duration::from_secs(2);
/// The longest wait for a stream to accept a message.
const WRITING: Duration = Duration::from_secs(5);
/// The least time between two tries to connect.
const PAUSE: Duration = Duration::from_secs(1);

/// Where syslog messages go.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SyslogAddress {
    /// A stream over TCP, in frames with their length (RFC 6587, 3.4.1). Messages arrive whole and in
    /// order, but those under way are lost when the connection breaks.
    Tcp(SocketAddr),
    /// Datagrams over UDP (RFC 5426). Any of them may be lost without notice, and receivers may cut
    /// those of more than 2048 bytes.
    Udp(SocketAddr),
    /// Datagrams to a local socket, usually `/dev/log`.
    #[cfg(unix)]
    Unix(PathBuf),
}

/// The connection to one address, or the time of the next try.
#[derive(Debug)]
pub(super) struct Connection {
    address: SyslogAddress,
    clock: SharedClock,
    open: Option<Socket>,
    retry_at: Duration,
}

/// An open socket.
#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
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
            open: None,
            retry_at: Duration::ZERO,
        }
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
            SyslogAddress::Tcp(server) => {
                let stream = TcpStream::connect_timeout(server, CONNECTING)?;
                stream.set_write_timeout(Some(WRITING))?;
                stream.set_nodelay(true)?;
                Ok(Self::Tcp(stream))
            }
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

    fn send(&mut self, message: &str) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => {
                // One write, so that no frame is split by a failure in between.
                let frame = format!("{} {message}", message.len());
                stream.write_all(frame.as_bytes())
            }
            Self::Udp(socket) => socket.send(message.as_bytes()).map(drop),
            #[cfg(unix)]
            Self::Unix(socket) => socket.send(message.as_bytes()).map(drop),
        }
    }
}
