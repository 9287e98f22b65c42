//! Connections that switched protocols: bytes in both directions until one side ends.
//!
//! The gateway does not read the messages. It counts bytes, ends a tunnel that is silent for too long,
//! and ends all of them when it stops: the server does not wait for connections that switched.
//!
//! A tunnel holds a [`Lease`] on the guards of its request. So a limit of requests at a time counts
//! sockets, and the audit record is written at the end, with the bytes of both directions.

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
const BUFFER: usize = 4 * 1024;
/// How long the last bytes of both sides may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// The open tunnels of a gateway: counted, and ended when the gateway stops. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Tunnels(Arc<State>);

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
    pub(crate) fn stop(&self) {
        self.0.stop.send_replace(true);
    }

    /// Waits until none is open, at most for `patience`.
    ///
    /// The audit trail is closed after that, so that the records of the last sockets are in it.
    pub(crate) async fn ended(&self, patience: Duration) {
        let mut open = self.0.open.subscribe();
        let none = open.wait_for(|open| *open == 0);
        let _ = tokio::time::timeout(patience, none).await;
    }

    /// Counts a tunnel.
    fn enter(&self) -> Entered {
        self.0.open.send_modify(|open| *open += 1);
        Entered(self.clone())
    }

    /// Waits for [`stop`](Self::stop).
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
    client: OnUpgrade,
    upstream: OnUpgrade,
    idle: Duration,
    /// Keeps the audit record open, which gets the bytes at the end.
    lease: Lease,
    cx: SecurityContext,
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
    stream: TokioIo<Upgraded>,
    read: Arc<AtomicU64>,
    progress: Progress,
}

impl Counted {
    /// Returns it with its counter.
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
