//! One connection, from the handshake to the last byte.

use std::{
    error::Error,
    future::Future,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body::Body;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use palisade_core::{Peer, Scheme};
use tokio::{io::AsyncReadExt, net::TcpStream, sync::watch, time::Instant};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use super::{
    Limits,
    activity::Activity,
    body::ReceivedBody,
    service::OnConnection,
    slots::Slot,
    stats::Stats,
    stream::{Lent, Stream},
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Time for a connection that is told to stop and has nothing to do.
const FAREWELL: Duration = Duration::from_secs(1);

/// What all connections of a server share.
pub(super) struct Wiring {
    pub(super) http1: http1::Builder,
    pub(super) http2: http2::Builder<TokioExecutor>,
    pub(super) limits: Limits,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) http2_in_clear: bool,
    pub(super) stats: Arc<Stats>,
}

impl Wiring {
    pub(super) fn new(
        limits: Limits,
        tls: Option<TlsAcceptor>,
        http2_in_clear: bool,
        stats: Arc<Stats>,
    ) -> Self {
        Self {
            http1: http1(&limits),
            http2: http2(&limits),
            limits,
            tls,
            http2_in_clear,
            stats,
        }
    }
}

fn http1(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // Heads are timed by `Activity`, from their first byte: hyper would count idle time as well.
        .header_read_timeout(None)
        .max_header_size(limits.header_bytes as usize)
        .max_buf_size((limits.header_bytes as usize).max(64 * 1024));
    builder
}

fn http2(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(limits.header_bytes)
        // Streams that are opened only to be reset cost work and no place (CVE-2023-44487).
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(256)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(1024 * 1024)
        .max_frame_size(16 * 1024)
        .max_send_buf_size(256 * 1024)
        .keep_alive_interval(limits.idle / 2)
        .keep_alive_timeout(limits.header);
    builder
}

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
    let stream = accepted.ok()?.ok()?;
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

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    Failed,
    Finished,
    TimedOut,
}

/// Both protocols can be asked to come to an end.
trait Stop: Future<Output = hyper::Result<()>> {
    fn stop(self: Pin<&mut Self>);
}

/// Drives a connection and looks at the clock from time to time.
async fn drive(
    connection: impl Stop,
    activity: &Activity,
    limits: &Limits,
    stop: &mut watch::Receiver<bool>,
) -> End {
    let mut connection = pin!(connection);
    let mut stopping = None::<Instant>;
    loop {
        let now = Instant::now();
        let farewell = stopping.filter(|_| activity.is_idle());
        let deadline = [activity.deadline(limits), farewell]
            .into_iter()
            .flatten()
            .min();
        if deadline.is_some_and(|deadline| deadline <= now) {
            if stopping.is_some() || !activity.is_resting() {
                return End::TimedOut;
            }
            stopping = Some(now + FAREWELL);
            connection.as_mut().stop();
            continue;
        }
        let next_look = now + limits.tick();
        let wake = deadline.map_or(next_look, |deadline| deadline.min(next_look));
        tokio::select! {
            biased;
            end = connection.as_mut() => {
                return if end.is_ok() { End::Finished } else { End::Failed };
            }
            () = stopped(stop), if stopping.is_none() => {
                if !activity.has_served() {
                    return End::Finished;
                }
                stopping = Some(Instant::now() + FAREWELL);
                connection.as_mut().stop();
            }
            () = tokio::time::sleep_until(wake) => {}
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

impl<S, B> Stop for http1::UpgradeableConnection<TokioIo<Lent>, OnConnection<S>>
where
    S: Service<Request<ReceivedBody>, Response = Response<B>> + Clone,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn stop(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<S, B> Stop for http2::Connection<TokioIo<Lent>, OnConnection<S>, TokioExecutor>
where
    S: Service<Request<ReceivedBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn stop(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}
