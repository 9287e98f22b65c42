//! The begin of a connection: the TLS handshake, and which version of HTTP follows.
//!
//! Without TLS, HTTP/2 is recognized by its preface (RFC 9113, section 3.4), if it is allowed. The
//! bytes that were read for that are given back to the socket.

use std::io;

use bytes::BytesMut;
use palisade_core::ClientCertificate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    server::{
        connection::{shared::Shared, stream::Stream},
        events::ConnectionEventKind,
        listener::RawStream,
    },
    tls::{CHALLENGE_PROTOCOL, is_refusal_of_certificate, is_refusal_of_client},
};

/// The first bytes of an HTTP/2 connection (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The version of HTTP on a connection. Fixed before the first request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Protocol {
    /// HTTP/1.1, and HTTP/1.0 as far as hyper supports it (RFC 9112).
    Http1,
    /// HTTP/2 (RFC 9113), by ALPN over TLS, or by its preface without TLS.
    Http2,
}

/// A connection whose handshake is done.
pub(crate) struct Opened {
    /// With TLS, the decrypted bytes.
    pub(crate) stream: Stream,
    /// What the bytes are.
    pub(crate) protocol: Protocol,
    /// Verified in this handshake, or in that of the session that was resumed.
    pub(crate) client_certificate: Option<ClientCertificate>,
}

/// Does the TLS handshake, if TLS is configured. The error is the event to report. `None` if the
/// handshake was all: a certificate authority checked a name.
pub(crate) async fn open(
    shared: &Shared,
    socket: RawStream,
) -> Result<Option<Opened>, ConnectionEventKind> {
    let Some(tls) = &shared.tls else {
        return open_plain(shared, socket).await.map(Some);
    };
    let accepted = tokio::time::timeout(shared.limits.handshake, tls.accept(socket)).await;
    let accepted = accepted.map_err(|_| ConnectionEventKind::HandshakeTimeout)?;
    let (mut stream, client_certificate) = accepted.map_err(|error| {
        // Scanners fail here often. An operator who needs the reason turns this level on.
        tracing::debug!(%error, "the TLS handshake failed");
        if is_refusal_of_certificate(&error) {
            ConnectionEventKind::CertificateRefused
        } else if is_refusal_of_client(&error) {
            ConnectionEventKind::ClientCertificateRefused
        } else {
            ConnectionEventKind::HandshakeFailed
        }
    })?;
    let protocol = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        Some(CHALLENGE_PROTOCOL) => {
            let _ = tokio::time::timeout(shared.limits.handshake, stream.shutdown()).await;
            return Ok(None);
        }
        _ => Protocol::Http1,
    };
    Ok(Some(Opened {
        stream: Stream::Tls(Box::new(stream)),
        protocol,
        client_certificate,
    }))
}

/// Opens a connection without TLS.
///
/// Unless HTTP/2 in clear is allowed, nothing is read: HTTP/1 refuses the preface of HTTP/2 by itself.
async fn open_plain(shared: &Shared, mut socket: RawStream) -> Result<Opened, ConnectionEventKind> {
    let protocol = if shared.http2_in_clear {
        let guessed = guess(&mut socket);
        let guessed = tokio::time::timeout(shared.limits.header, guessed).await;
        guessed
            .map_err(|_| ConnectionEventKind::HeaderTimeout)?
            .map_err(|_| ConnectionEventKind::HandshakeFailed)?
    } else {
        Protocol::Http1
    };
    Ok(Opened {
        stream: Stream::Plain(socket),
        protocol,
        client_certificate: None,
    })
}

/// Reads until it is clear whether the client uses HTTP/2 (RFC 9113, section 3.4).
///
/// One byte is enough for most requests of HTTP/1: no method of common use begins with `PRI`. What
/// was read is given back, so HTTP sees all of it.
async fn guess(socket: &mut RawStream) -> io::Result<Protocol> {
    let mut read = BytesMut::with_capacity(1024);
    loop {
        let count = socket.read_buf(&mut read).await?;
        let protocol = if read.starts_with(PREFACE) {
            Protocol::Http2
        } else if count == 0 || !PREFACE.starts_with(&read) {
            Protocol::Http1
        } else {
            continue;
        };
        socket.unread(read.freeze());
        return Ok(protocol);
    }
}
