//! The socket of a connection, TCP or Unix, with bytes that were read from it already.
//!
//! Everything above reads from here: the PROXY header, TLS, and HTTP. A reader that took more than it needs
//! gives the rest back with `unread`, and the next reader gets it first.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::{
    io::{AsyncRead, ReadBuf},
    net::TcpStream,
};

use crate::server::forward_io::forward_writes;

/// The socket of a connection, below TLS.
#[derive(Debug)]
pub(crate) struct RawStream {
    /// What is read when nothing is left in `read_ahead`.
    socket: RawSocket,
    /// Bytes that were read to find a PROXY header or the version of HTTP. Read first.
    read_ahead: Bytes,
}

/// The two kinds of sockets.
#[derive(Debug)]
enum RawSocket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl RawStream {
    /// Uses a TCP socket.
    pub(crate) fn tcp(socket: TcpStream) -> Self {
        Self::new(RawSocket::Tcp(socket))
    }

    /// Uses a Unix socket.
    #[cfg(unix)]
    pub(crate) fn unix(socket: UnixStream) -> Self {
        Self::new(RawSocket::Unix(socket))
    }

    /// Nothing was read ahead yet.
    fn new(socket: RawSocket) -> Self {
        Self {
            socket,
            read_ahead: Bytes::new(),
        }
    }

    /// Sends small packets at once (`TCP_NODELAY`).
    ///
    /// Without this, small responses wait for an acknowledgement of the client.
    ///
    /// A failure is ignored: the connection works without it. Unix sockets do not wait.
    pub(crate) fn send_at_once(&self) {
        match &self.socket {
            RawSocket::Tcp(socket) => drop(socket.set_nodelay(true)),
            #[cfg(unix)]
            RawSocket::Unix(_) => {}
        }
    }

    /// Gives bytes back that were read, so that the next read returns them.
    ///
    /// Everything that was given back before must have been read again.
    pub(crate) fn unread(&mut self, bytes: Bytes) {
        self.read_ahead = bytes;
    }
}

/// Forwards a call to the socket.
macro_rules! either {
    ($stream:expr, $inner:ident => $call:expr) => {
        match &mut $stream.get_mut().socket {
            RawSocket::Tcp(inner) => {
                let $inner = Pin::new(inner);
                $call
            }
            #[cfg(unix)]
            RawSocket::Unix(inner) => {
                let $inner = Pin::new(inner);
                $call
            }
        }
    };
}

impl AsyncRead for RawStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read_ahead.has_remaining() {
            let count = self.read_ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.read_ahead.split_to(count));
            return Poll::Ready(Ok(()));
        }
        either!(self, inner => inner.poll_read(cx, buffer))
    }
}

forward_writes!(RawStream, either);
