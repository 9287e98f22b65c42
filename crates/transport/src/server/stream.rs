//! The socket under a connection, which comes back when HTTP is done with it.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    sync::oneshot,
};
use tokio_rustls::server::TlsStream;

use super::{activity::Activity, slots::Slot};

/// A client that still sends when it has been answered is listened to for so long and so far; an
/// abrupt close would take the answer away from it (RFC 9112, 9.6).
pub(super) const DRAIN_TIME: Duration = Duration::from_secs(1);
pub(super) const DRAIN_BYTES: usize = 256 * 1024;

/// A socket with or without TLS.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A socket and the place it takes among all connections. Whoever holds it last, also after an
/// upgrade, gives the place back.
#[derive(Debug)]
pub(super) struct Held {
    stream: Stream,
    activity: Arc<Activity>,
    _slot: Slot,
}

/// The socket as HTTP sees it.
#[derive(Debug)]
pub(super) struct Lent {
    /// `None` only while it is being dropped.
    held: Option<Held>,
    /// What was read to find out which protocol is spoken.
    read_ahead: Bytes,
    back: Option<oneshot::Sender<Held>>,
}

/// Where the socket comes back to.
pub(super) type Back = oneshot::Receiver<Held>;

impl Lent {
    pub(super) fn new(
        stream: Stream,
        read_ahead: Bytes,
        activity: Arc<Activity>,
        slot: Slot,
    ) -> (Self, Back) {
        let (back, receiver) = oneshot::channel();
        let held = Held {
            stream,
            activity,
            _slot: slot,
        };
        let lent = Self {
            held: Some(held),
            read_ahead,
            back: Some(back),
        };
        (lent, receiver)
    }

    fn stream(&mut self) -> io::Result<Pin<&mut Stream>> {
        let held = self.held.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        Ok(Pin::new(&mut held.stream))
    }

    fn sent(&self, polled: &Poll<io::Result<usize>>) {
        if let (Poll::Ready(Ok(count)), Some(held)) = (polled, &self.held) {
            held.activity.sent(*count);
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(held), Some(back)) = (self.held.take(), self.back.take()) {
            // Nobody waits for it after an upgrade: then it is closed here.
            let _ = back.send(held);
        }
    }
}

impl Held {
    /// Closes our half and reads what the client still sends, within bounds, so that it gets to
    /// read what we sent.
    pub(super) async fn drain(self) {
        let mut socket = match self.stream {
            Stream::Plain(socket) => socket,
            Stream::Tls(stream) => stream.into_inner().0,
        };
        let drained = async {
            let _ = socket.shutdown().await;
            let mut scrap = [0; 8 * 1024];
            let mut seen = 0;
            while seen < DRAIN_BYTES {
                match socket.read(&mut scrap).await {
                    Ok(0) | Err(_) => break,
                    Ok(count) => seen += count,
                }
            }
        };
        let _ = tokio::time::timeout(DRAIN_TIME, drained).await;
    }
}

impl AsyncRead for Lent {
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
        let before = buffer.filled().len();
        let polled = self.stream()?.poll_read(cx, buffer);
        if buffer.filled().len() > before
            && let Some(held) = &self.held
        {
            held.activity.received();
        }
        polled
    }
}

impl AsyncWrite for Lent {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = self.stream()?.poll_write(cx, bytes);
        self.sent(&polled);
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = self.stream()?.poll_write_vectored(cx, slices);
        self.sent(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(cx)
    }
}

/// Hands each call to the one or the other.
macro_rules! either {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream.get_mut() {
            Stream::Plain(inner) => {
                let $inner = Pin::new(inner);
                $call
            }
            Stream::Tls(inner) => {
                let $inner = Pin::new(&mut **inner);
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, inner => inner.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, inner => inner.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, inner => inner.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, inner => inner.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, inner => inner.poll_shutdown(cx))
    }
}
