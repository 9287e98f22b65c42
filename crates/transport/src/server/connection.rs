//! One connection, from the handshake to the last byte.

use std::{error::Error, io, net::SocketAddr, sync::Arc};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body::Body;
use hyper_util::rt::TokioIo;
use palisade_core::{Peer, Scheme};
use tokio::{io::AsyncReadExt, net::TcpStream, sync::watch};
use tower_service::Service;

use super::{
    activity::Activity,
    body::ReceivedBody,
    drive::{End, drive, stopped},
    service::OnConnection,
    slots::Slot,
    stream::{Lent, Stream},
    wiring::Wiring,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Protocol {
    Http1,
    Http2,
}

struct Opened {
    stream: Stream,
    protocol: Protocol,
    read_ahead: Bytes,
}

/// Serves one connection until it ends, is cut, or the server stops.
pub(super) async fn run<S, B>(
    wiring: Arc<Wiring>,
    socket: TcpStream,
    address: SocketAddr,
    slot: Slot,
    service: S,
    mut stop: watch::Receiver<bool>,
) where
    S: Service<Request<ReceivedBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    // Small answers go out at once; without this they wait for the client's acknowledgement.
    let _ = socket.set_nodelay(true);
    let opened = tokio::select! {
        opened = open(&wiring, socket) => opened,
        () = stopped(&mut stop) => return,
    };
    let Some(opened) = opened else {
        wiring.stats.failed_handshake();
        return;
    };
    let activity = Activity::new();
    let scheme = match opened.stream {
        Stream::Plain(_) => Scheme::Http,
        Stream::Tls(_) => Scheme::Https,
    };
    let service = OnConnection {
        service,
        peer: Peer::new(address, scheme),
        activity: Arc::clone(&activity),
        body_stall: wiring.limits.body_stall,
    };
    let (lent, back) = Lent::new(
        opened.stream,
        opened.read_ahead,
        Arc::clone(&activity),
        slot,
    );
    let lent = TokioIo::new(lent);
    let end = match opened.protocol {
        Protocol::Http1 => {
            activity.watch_heads();
            let connection = wiring.http1.serve_connection(lent, service).with_upgrades();
            drive(connection, &activity, &wiring.limits, &mut stop).await
        }
        Protocol::Http2 => {
            let connection = wiring.http2.serve_connection(lent, service);
            drive(connection, &activity, &wiring.limits, &mut stop).await
        }
    };
    if end == End::TimedOut {
        wiring.stats.timed_out();
        return;
    }
    // The connection is gone, so the socket is back, unless it was upgraded and lives on elsewhere.
    let Ok(held) = back.await else { return };
    let owed = end == End::Failed || activity.has_left_unread();
    tokio::select! {
        () = held.drain() => {}
        // A stopping server waits only for those who may still be sending.
        () = stopped(&mut stop), if !owed => {}
    }
}

async fn open(wiring: &Wiring, socket: TcpStream) -> Option<Opened> {
    let Some(tls) = &wiring.tls else {
        return open_plain(wiring, socket).await;
    };
    let accepted = tokio::time::timeout(wiring.limits.handshake, tls.accept(socket)).await;
    // Scanners fail here all day; whoever looks for a reason turns this level on.
    let refused = |error: &io::Error| tracing::debug!(%error, "no handshake");
    let stream = accepted.ok()?.inspect_err(refused).ok()?;
    let protocol = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http1,
    };
    Some(Opened {
        stream: Stream::Tls(Box::new(stream)),
        protocol,
        read_ahead: Bytes::new(),
    })
}

async fn open_plain(wiring: &Wiring, mut socket: TcpStream) -> Option<Opened> {
    let (protocol, read_ahead) = if wiring.http2_in_clear {
        let guessed = guess(&mut socket);
        let guessed = tokio::time::timeout(wiring.limits.header, guessed).await;
        guessed.ok()?.ok()?
    } else {
        (Protocol::Http1, Bytes::new())
    };
    Some(Opened {
        stream: Stream::Plain(socket),
        protocol,
        read_ahead,
    })
}

/// Reads until it is clear whether HTTP/2 is spoken (RFC 9113, 3.4).
async fn guess(socket: &mut TcpStream) -> io::Result<(Protocol, Bytes)> {
    let mut seen = BytesMut::with_capacity(1024);
    loop {
        let count = socket.read_buf(&mut seen).await?;
        if seen.starts_with(PREFACE) {
            return Ok((Protocol::Http2, seen.freeze()));
        }
        if count == 0 || !PREFACE.starts_with(&seen) {
            return Ok((Protocol::Http1, seen.freeze()));
        }
    }
}
