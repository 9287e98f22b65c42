//! The socket of a connection, which is returned when HTTP no longer uses it.
//!
//! hyper owns an `HttpSocket`. When hyper drops it, the task of the connection gets the
//! `Socket` back, to send a last frame and to close it gracefully.
//!
//! # Reading
//!
//! HTTP/1 is passed on as it is, except that a head with two lengths is made invalid, so that hyper
//! refuses it (`request_framing`). Of HTTP/2 only complete frame headers are passed on: a part of
//! nine bytes is held back until the rest is there, since a frame may have to be replaced. At most
//! eight bytes are held.
//!
//! # Writing
//!
//! What hyper writes is counted after the socket has accepted it. On HTTP/1, a write while no request
//! is open is a response of hyper to bytes that are not a request. It is collected, completed with
//! the security headers, and then written.
//!
//! # Errors
//!
//! A connection over a limit of frames fails with an error on its next read or write. hyper then
//! drops the socket, and the task sends GOAWAY.
//!
//! The versions differ in what is counted: HTTP/1 (RFC 9112) has one request at a time, so bytes are
//! enough. HTTP/2 (RFC 9113) has frames, and a flood of small ones costs more than their bytes.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::oneshot,
};

use crate::{
    server::{
        connection::{own_response::OwnResponses, request_framing::RequestFraming, socket::Socket},
        events::ConnectionEventKind,
    },
    tls::is_refusal_of_certificate,
};

/// The socket that hyper reads and writes. Counts bytes and frames on the way.
///
/// There is one for each connection. It copies no body: bytes go to and from the buffers of hyper.
#[derive(Debug)]
pub(crate) struct HttpSocket {
    /// `None` only while it is being dropped.
    socket: Option<Socket>,
    /// HTTP/2: bytes that were counted already, and are passed on first.
    counted: Bytes,
    /// HTTP/1: finds heads with two lengths.
    framing: RequestFraming,
    /// The number of requests when everything was written the last time.
    flushed_after: Option<u32>,
    /// HTTP/1: a response of hyper itself with the security headers, while it is being written.
    completed_response: Option<Bytes>,
    /// Adds the security headers to a response of hyper.
    own_responses: Arc<OwnResponses>,
    /// Where the socket goes when hyper drops it.
    back: Option<oneshot::Sender<Socket>>,
}

/// Receives the socket when hyper drops it.
pub(crate) type SocketReceiver = oneshot::Receiver<Socket>;

impl HttpSocket {
    /// Returns it with the receiver of the socket, for the task of the connection.
    ///
    /// The receiver gets nothing if the connection was upgraded and its new owner keeps the socket.
    pub(crate) fn new(socket: Socket, own_responses: Arc<OwnResponses>) -> (Self, SocketReceiver) {
        let (back, receiver) = oneshot::channel();
        let http = Self {
            socket: Some(socket),
            counted: Bytes::new(),
            framing: RequestFraming::default(),
            flushed_after: Some(0),
            completed_response: None,
            own_responses,
            back: Some(back),
        };
        (http, receiver)
    }

    /// Returns the socket.
    ///
    /// # Errors
    ///
    /// `NotConnected` while it is being dropped. hyper does not use it then.
    fn socket(&mut self) -> io::Result<&mut Socket> {
        Ok(self.socket.as_mut().ok_or(io::ErrorKind::NotConnected)?)
    }

    /// Reads from the socket.
    ///
    /// Received bytes are noted, since they end the time of an idle connection.
    fn poll_read_bytes(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let socket = self.socket()?;
        let before = buffer.filled().len();
        let polled = Pin::new(&mut socket.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            socket.activity.received();
        }
        if let Poll::Ready(Err(error)) = &polled
            && is_refusal_of_certificate(error)
        {
            // With TLS 1.3 the refusal comes after the handshake.
            socket
                .activity
                .report(ConnectionEventKind::CertificateRefused);
        }
        polled
    }

    /// Reads HTTP/1. A head with two lengths is made invalid on the way.
    ///
    /// After an upgrade the bytes are no HTTP and are not looked at.
    fn poll_read_http1(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.poll_read_bytes(cx, buffer))?;
        let is_upgraded = self.socket()?.activity.is_upgraded();
        if let (false, Some(new)) = (is_upgraded, buffer.filled_mut().get_mut(before..)) {
            self.framing.receive(new);
        }
        Poll::Ready(Ok(()))
    }

    /// Reads HTTP/2. Frame headers are passed on complete.
    ///
    /// # Errors
    ///
    /// The connection is over a budget of frames.
    fn poll_read_frames(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.counted.has_remaining() {
                let count = self.counted.len().min(buffer.remaining());
                buffer.put_slice(&self.counted.split_to(count));
                return Poll::Ready(Ok(()));
            }
            if let Some(missing) = self.missing_header_bytes() {
                ready!(self.poll_read_header(cx, missing))?;
                continue;
            }
            let before = buffer.filled().len();
            ready!(self.poll_read_bytes(cx, buffer))?;
            let after = buffer.filled().len();
            let socket = self.socket()?;
            let requests = socket.activity.requests();
            let (Some(frames), Some(new)) =
                (&mut socket.frames, buffer.filled_mut().get_mut(before..))
            else {
                return Poll::Ready(Ok(()));
            };
            let passed = frames.receive(new, requests);
            socket.end_if_flooded()?;
            buffer.set_filled(before + passed);
            if passed > 0 || after == before {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Returns how many bytes of a frame header are missing, if a part is held back.
    ///
    /// `None` on HTTP/1, and between frames.
    fn missing_header_bytes(&self) -> Option<usize> {
        self.socket.as_ref()?.frames.as_ref()?.missing()
    }

    /// Reads the rest of a frame header that came in parts, to be passed on next.
    ///
    /// At the end of the connection the part that was held back is passed on, so that hyper sees how it
    /// ended.
    fn poll_read_header(&mut self, cx: &mut Context<'_>, missing: usize) -> Poll<io::Result<()>> {
        let mut space = [0; 9];
        let mut part = ReadBuf::new(space.get_mut(..missing).unwrap_or_default());
        ready!(self.poll_read_bytes(cx, &mut part))?;
        let socket = self.socket()?;
        let Some(frames) = &mut socket.frames else {
            return Poll::Ready(Ok(()));
        };
        let counted = if part.filled().is_empty() {
            Bytes::from(frames.take_held())
        } else {
            let header = frames.receive_missing(part.filled());
            header.map_or_else(Bytes::new, |header| Bytes::copy_from_slice(&header))
        };
        socket.end_if_flooded()?;
        self.counted = counted;
        Poll::Ready(Ok(()))
    }

    /// HTTP/1: returns whether hyper is writing a response of its own, to an invalid request.
    ///
    /// That is so if all requests have ended and were flushed, none has begun since, but
    /// something is written. Such a response has no security headers yet.
    fn is_own_response(&self) -> bool {
        let Some(socket) = &self.socket else {
            return false;
        };
        let activity = &socket.activity;
        activity.is_http1()
            && activity.is_idle()
            && !activity.is_upgraded()
            && self.flushed_after == Some(activity.begun())
    }

    /// Writes a response of hyper itself, with the security headers added.
    ///
    /// Such a response is 400, 414 or 431 with a short head, so collecting it costs little. The event
    /// `MalformedRequest` is reported once.
    fn poll_write_own_response(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let whole: Vec<u8> = slices
            .iter()
            .flat_map(|slice| slice.iter().copied())
            .collect();
        if self.completed_response.is_none() {
            self.completed_response = Some(self.own_responses.complete(&whole));
            self.socket()?
                .activity
                .report(ConnectionEventKind::MalformedRequest);
        }
        while let Some(rest) = self.completed_response.take().filter(Buf::has_remaining) {
            let mut rest = rest;
            let polled = Pin::new(&mut self.socket()?.stream).poll_write(cx, &rest);
            let count = match &polled {
                Poll::Ready(Ok(count)) => *count,
                Poll::Ready(Err(_)) => return polled,
                Poll::Pending => 0,
            };
            rest.advance(count);
            self.completed_response = Some(rest);
            if count == 0 {
                return polled;
            }
        }
        // Hyper closes after it; if it wrote more, that would not be ours to change.
        self.flushed_after = None;
        Poll::Ready(Ok(whole.len()))
    }

    /// Counts what was written.
    ///
    /// # Errors
    ///
    /// The connection is over a budget of frames. What was written stays written.
    fn count_written(
        &mut self,
        slices: &[IoSlice<'_>],
        polled: &Poll<io::Result<usize>>,
    ) -> io::Result<()> {
        let socket = self.socket()?;
        match (polled, &mut socket.frames) {
            (Poll::Ready(Ok(count)), Some(frames)) => {
                let mut left = *count;
                let mut of_responses = 0;
                for slice in slices {
                    let written = slice.get(..left.min(slice.len())).unwrap_or_default();
                    of_responses += frames.send(written);
                    left -= written.len();
                }
                socket.activity.response_written(of_responses);
                socket.end_if_flooded()
            }
            (Poll::Ready(Ok(count)), None) => {
                socket.activity.response_written(*count);
                Ok(())
            }
            (Poll::Pending, None) => {
                socket.activity.set_blocked(true);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Drop for HttpSocket {
    fn drop(&mut self) {
        if let (Some(socket), Some(back)) = (self.socket.take(), self.back.take()) {
            // After an upgrade no task waits for it: then it is closed here.
            let _ = back.send(socket);
        }
    }
}

impl AsyncRead for HttpSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.socket()?.frames.is_some() {
            return self.poll_read_frames(cx, buffer);
        }
        self.poll_read_http1(cx, buffer)
    }
}

impl AsyncWrite for HttpSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_own_response() {
            return self.poll_write_own_response(cx, slices);
        }
        let stream = Pin::new(&mut self.socket()?.stream);
        let polled = match slices {
            [one] => stream.poll_write(cx, one),
            _ => stream.poll_write_vectored(cx, slices),
        };
        self.count_written(slices, &polled)?;
        polled
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// A flush while no request is open marks that all responses are out.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.socket()?;
        ready!(Pin::new(&mut socket.stream).poll_flush(cx))?;
        socket.activity.set_blocked(false);
        let flushed_after = socket.activity.is_idle().then(|| socket.activity.begun());
        self.flushed_after = flushed_after;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket()?.stream).poll_shutdown(cx)
    }
}
