//! Connections that switched protocols: bytes in both directions until one side ends.
//!
//! The gateway does not read the messages. It counts bytes, ends a tunnel that is silent for too long,
//! and ends all of them when it stops: the server does not wait for connections that switched.
//!
//! A tunnel holds a [`Lease`] on the guards of its request. So a limit of requests at a time counts
//! sockets, and the audit record is written at the end, with the bytes of both directions.
//!
//! | limit | value | at the limit |
//! |---|---|---|
//! | silence in both directions | `idle_timeout_seconds`, 300 s by default | both sides are closed |
//! | buffer for each direction | 4 KiB | reading waits until the other side has taken it |
//! | closing | 1 s | the connections are dropped |
//! | number of tunnels | the stack's limit of requests at a time, if there is one | the handshake is refused |
//!
//! A proxy of bytes is what RFC 9110 section 7.8 leaves after a switch: the new protocol is between the
//! two ends.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use palisade::core::{Lease, SecurityContext};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf, copy_bidirectional_with_sizes},
    sync::watch,
};

use crate::body::Progress;

/// Bytes that are read at once in each direction. Ten thousand idle connections keep 80 MB.
///
/// A message that is longer passes in several reads. The size bounds memory, not messages.
const BUFFER: usize = 4 * 1024;
/// How long the last bytes of both sides may take.
///
/// Enough for a TLS `close_notify` over a slow path; a peer that is gone does not delay a stop longer.
const GOODBYE: Duration = Duration::from_secs(1);

/// The open tunnels of a gateway: counted, and ended when the gateway stops. Clones share them.
///
/// There is one list for a gateway. It outlives reloads.
#[derive(Clone, Debug)]
pub(crate) struct Tunnels(Arc<State>);

/// Two channels that keep their last value, so that no change is missed by a task that looks later.
#[derive(Debug)]
struct State {
    /// True: all have to end.
    stop: watch::Sender<bool>,
    /// How many are open.
    open: watch::Sender<usize>,
}

impl Default for Tunnels {
    fn default() -> Self {
        let state = State {
            stop: watch::Sender::new(false),
            open: watch::Sender::new(0),
        };
        Self(Arc::new(state))
    }
}

impl Tunnels {
    /// Tells all tunnels to end, also those that open later.
    ///
    /// It returns at once. Use `ended` to wait.
    pub(crate) fn stop(&self) {
        self.0.stop.send_replace(true);
    }

    /// Waits until none is open, at most for `patience`.
    ///
    /// The audit trail is closed after that, so that the records of the last sockets are in it.
    ///
    /// Tunnels that are still open after `patience` end with the process; their records may be
    /// missing.
    pub(crate) async fn ended(&self, patience: Duration) {
        let mut open = self.0.open.subscribe();
        let none = open.wait_for(|open| *open == 0);
        let _ = tokio::time::timeout(patience, none).await;
    }

    /// Counts a tunnel.
    ///
    /// The count goes down when the returned value is dropped, also after a panic of the task.
    fn enter(&self) -> Entered {
        self.0.open.send_modify(|open| *open += 1);
        Entered(self.clone())
    }

    /// Waits for [`stop`](Self::stop).
    ///
    /// Returns at once if the gateway has already stopped.
    async fn stopped(&self) {
        let mut stop = self.0.stop.subscribe();
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

/// A tunnel that is counted.
struct Entered(Tunnels);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.0.open.send_modify(|open| *open -= 1);
    }
}

/// Two connections that will be joined when both have switched.
pub(super) struct Tunnel {
    /// Ready when the 101 is written to the client.
    client: OnUpgrade,
    /// Ready at once: the 101 of the upstream has been read.
    upstream: OnUpgrade,
    /// The longest silence in both directions together.
    idle: Duration,
    /// Keeps the audit record open, which gets the bytes at the end.
    lease: Lease,
    /// Gets the counts of bytes, for the audit record.
    cx: SecurityContext,
    /// Counts the tunnel as open while it lives.
    entered: Entered,
}

impl Tunnel {
    /// Prepares a tunnel, which ends after `idle` without a byte in either direction.
    ///
    /// It takes a lease on the request at once, and counts as open: both before the response is out, so
    /// that the end of the response does not close the audit record.
    pub(super) fn new(
        client: OnUpgrade,
        upstream: OnUpgrade,
        idle: Duration,
        cx: &SecurityContext,
        tunnels: &Tunnels,
    ) -> Self {
        Self {
            client,
            upstream,
            idle,
            lease: cx.lease(),
            cx: cx.clone(),
            entered: tunnels.enter(),
        }
    }

    /// Joins the two connections.
    ///
    /// Passes bytes until one side ends, both are silent for too long, or the gateway stops. Then
    /// both are closed, and the bytes are settled as `bytes_up` and `bytes_down`.
    ///
    /// A ping of WebSocket (RFC 6455 section 5.5.2) is bytes like any other, so a client that pings
    /// keeps its tunnel open.
    ///
    /// A side that closes its half does not end the tunnel at once: the other direction goes on until
    /// it ends too.
    pub(super) async fn run(self) {
        let (Ok(client), Ok(upstream)) = tokio::join!(self.client, self.upstream) else {
            return; // One side left before it switched: the lease ends here.
        };
        let progress = Progress::start();
        let (mut client, up) = Counted::new(client, &progress);
        let (mut upstream, down) = Counted::new(upstream, &progress);
        let copied = copy_bidirectional_with_sizes(&mut client, &mut upstream, BUFFER, BUFFER);
        tokio::select! {
            _ = copied => {}
            () = progress.stalled(self.idle) => {}
            () = self.entered.0.stopped() => {}
        }
        let goodbye = async { tokio::join!(client.shutdown(), upstream.shutdown()) };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        self.cx.settle("bytes_up", up.load(Ordering::Relaxed));
        self.cx.settle("bytes_down", down.load(Ordering::Relaxed));
        drop(self.lease); // Closes the audit record.
        drop(self.entered);
    }
}

/// A connection whose incoming bytes are counted.
struct Counted {
    /// The connection after the switch, with bytes that were read too early in front.
    stream: TokioIo<Upgraded>,
    /// Bytes read from this side since the switch.
    read: Arc<AtomicU64>,
    /// Shared by both sides: a byte in either direction counts.
    progress: Progress,
}

impl Counted {
    /// Returns it with its counter.
    ///
    /// The counter outlives the connection, so that it can be read after the end.
    fn new(stream: Upgraded, progress: &Progress) -> (Self, Arc<AtomicU64>) {
        let read = Arc::new(AtomicU64::new(0));
        let counted = Self {
            stream: TokioIo::new(stream),
            read: Arc::clone(&read),
            progress: progress.clone(),
        };
        (counted, read)
    }
}

impl AsyncRead for Counted {
    /// Counts, and begins the time of silence anew.
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let read = buffer.filled().len().saturating_sub(before);
        self.read
            .fetch_add(u64::try_from(read).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.progress.touch();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
