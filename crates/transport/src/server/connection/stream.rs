//! A socket with or without TLS.
//!
//! hyper and the drain use it alike. Reads and writes are forwarded without buffering; vectored writes
//! stay vectored, so that head and body of a response go out together.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use palisade_core::TlsVersion;
use rustls::ProtocolVersion;
use tokio::io::{AsyncRead, ReadBuf};
use tokio_rustls::server::TlsStream;

use crate::server::{forward_io::forward_writes, listener::RawStream};

/// A socket with or without TLS.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(RawStream),
    Tls(Box<TlsStream<RawStream>>),
}

impl Stream {
    /// Returns the version of TLS. `None` without TLS.
    pub(crate) fn tls_version(&self) -> Option<TlsVersion> {
        let Self::Tls(stream) = self else { return None };
        match stream.get_ref().1.protocol_version()? {
            ProtocolVersion::TLSv1_2 => Some(TlsVersion::Tls12),
            ProtocolVersion::TLSv1_3 => Some(TlsVersion::Tls13),
            _ => None,
        }
    }
}

/// Forwards a call to the socket, with or without TLS.
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

forward_writes!(Stream, either);
