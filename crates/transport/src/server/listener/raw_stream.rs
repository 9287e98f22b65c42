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

/// The most bytes of a response that wait in the system and were not sent yet.
#[cfg(any(target_os = "android", target_os = "linux"))]
const MAX_UNSENT: u32 = 128 * 1024;

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

    /// Bounds what waits in the system for a client that reads slowly (`TCP_NOTSENT_LOWAT`).
    ///
    /// Without this the send buffer of a connection grows to 4 MiB. A thousand clients that do not read then use
    /// up the memory that the system has for all sockets, and every connection of the machine is slowed down. What
    /// is on its way to a client that reads is not bounded by it.
    ///
    /// A failure is ignored, as in [`send_at_once`](Self::send_at_once). Other systems than Linux keep their default.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub(crate) fn limit_unsent(&self) {
        if let RawSocket::Tcp(socket) = &self.socket {
            drop(socket2::SockRef::from(socket).set_tcp_notsent_lowat(MAX_UNSENT));
        }
    }

    /// There is no such option that is the same on all systems.
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    #[allow(clippy::unused_self, reason = "the same on all systems")]
    pub(crate) const fn limit_unsent(&self) {}

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

#[cfg(all(test, any(target_os = "android", target_os = "linux")))]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn little_waits_in_the_system_for_a_client_that_does_not_read() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let stream = RawStream::tcp(listener.accept().await.unwrap().0);
        stream.limit_unsent();
        let RawSocket::Tcp(socket) = &stream.socket else {
            unreachable!("made of a TCP socket");
        };
        let set = socket2::SockRef::from(socket).tcp_notsent_lowat().unwrap();
        assert_eq!(set, 128 * 1024);
    }
}
