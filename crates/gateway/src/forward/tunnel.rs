//! Connections that switched protocols: bytes in both directions until one side ends.
//!
//! The gateway does not read the messages. It counts bytes, ends a tunnel at its bounds, and ends all of
//! them when it stops: the server does not wait for connections that switched.
//!
//! A tunnel holds a [`Lease`] on the guards of its request. So a limit of requests at a time counts
//! sockets, and the audit record is written at the end, with the bytes of both directions.
//!
//! | bound | value | at the bound |
//! |---|---|---|
//! | silence in both directions | `idle_timeout_seconds`, 300 s by default | both sides are closed |
//! | time in all | `total_timeout_seconds`; the date at which the credential expires | both sides are closed |
//! | a credential that ends before that, for example by revocation | found within `credential_check_seconds`, 10 s by default | both sides are closed |
//! | bytes of both directions together | `max_bytes` of `[upstreams.websocket]` | both sides are closed |
//! | buffer for each direction | 4 KiB | reading waits until the other side has taken it |
//! | closing | 1 s | the connections are dropped |
//!
//! How many may be open is decided in [`open_tunnels`](super::open_tunnels).
//!
//! A proxy of bytes is what RFC 9110 section 7.8 leaves after a switch: the new protocol is between the
//! two ends.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use palisade::core::{Lease, SecurityContext};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split},
    time::Instant,
};

use super::open_tunnels::Entered;
use crate::{
    body::Progress,
    credential_watch::{CredentialWatch, ended},
};

/// Bytes that are read at once in each direction. Ten thousand idle connections keep 80 MB.
///
/// A message that is longer passes in several reads. The size bounds memory, not messages.
const BUFFER: usize = 4 * 1024;
/// How long the last bytes of both sides may take.
///
/// Enough for a TLS `close_notify` over a slow path; a peer that is gone does not delay a stop longer.
const GOODBYE: Duration = Duration::from_secs(1);

/// Two connections that will be joined when both have switched.
pub(super) struct Tunnel {
    /// Ready when the 101 is written to the client.
    client: OnUpgrade,
    /// Ready at once: the 101 of the upstream has been read.
    upstream: OnUpgrade,
    /// How long it may be open and idle, and how much may pass.
    bounds: TunnelBounds,
    /// Keeps the audit record open, which gets the bytes at the end.
    lease: Lease,
    /// Gets the counts of bytes, for the audit record.
    cx: SecurityContext,
    /// Counts the tunnel as open while it lives.
    entered: Entered,
    /// Ends the tunnel with the credential.
    watch: Option<CredentialWatch>,
}

/// When a tunnel ends, at the latest.
#[derive(Clone, Copy, Debug)]
pub(super) struct TunnelBounds {
    /// The longest silence in both directions together.
    pub(super) idle: Duration,
    /// When it ends, however busy it is. `None`: no bound.
    pub(super) end: Option<Instant>,
    /// The most bytes of both directions together. `None`: no bound.
    pub(super) bytes: Option<u64>,
}

impl Tunnel {
    /// Prepares a tunnel.
    ///
    /// It takes a lease on the request at once, before the response is out, so that the end of the
    /// response does not close the audit record.
    pub(super) fn new(
        client: OnUpgrade,
        upstream: OnUpgrade,
        bounds: TunnelBounds,
        cx: &SecurityContext,
        entered: Entered,
        watch: Option<CredentialWatch>,
    ) -> Self {
        Self {
            client,
            upstream,
            bounds,
            lease: cx.lease(),
            cx: cx.clone(),
            entered,
            watch,
        }
    }

    /// Joins the two connections.
    ///
    /// Passes bytes until one side ends, a bound is reached, or the gateway stops. Then both are closed,
    /// and the bytes are settled as `bytes_up` and `bytes_down`.
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
        let (mut from_client, mut to_client) = split(TokioIo::new(client));
        let (mut from_upstream, mut to_upstream) = split(TokioIo::new(upstream));
        let passed = Passed::new(self.bounds.bytes);
        let up = passed.pass_bytes(&mut from_client, &mut to_upstream, &passed.up);
        let down = passed.pass_bytes(&mut from_upstream, &mut to_client, &passed.down);
        tokio::select! {
            _ = async { tokio::try_join!(up, down) } => {}
            () = passed.progress.until_stalled(self.bounds.idle) => {}
            () = wait_until(self.bounds.end) => {}
            () = self.entered.until_gateway_stops() => {}
            _ = ended(self.watch) => {}
        }
        let goodbye = async { tokio::join!(to_client.shutdown(), to_upstream.shutdown()) };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        self.cx
            .settle("bytes_up", passed.up.load(Ordering::Relaxed));
        self.cx
            .settle("bytes_down", passed.down.load(Ordering::Relaxed));
        drop(self.lease); // Closes the audit record.
        drop(self.entered);
    }
}

/// Waits until a moment. `None`: for ever.
async fn wait_until(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}

/// What has passed through a tunnel so far.
struct Passed {
    /// Bytes from the client.
    up: AtomicU64,
    /// Bytes from the upstream.
    down: AtomicU64,
    /// The most of both together.
    most: Option<u64>,
    /// A byte in either direction counts.
    progress: Progress,
}

impl Passed {
    /// Begins at zero bytes, with a movement.
    fn new(most: Option<u64>) -> Self {
        Self {
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            most,
            progress: Progress::start(),
        }
    }

    /// Passes bytes in one direction until its end, and closes the other side's half then.
    ///
    /// # Errors
    ///
    /// A side fails, or both directions together have passed more bytes than allowed. What exceeds is
    /// not passed.
    async fn pass_bytes(
        &self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
        count: &AtomicU64,
    ) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = from.read(&mut buffer).await?;
            let part = buffer.get(..read).unwrap_or_default();
            if part.is_empty() {
                return to.shutdown().await;
            }
            self.progress.note_movement();
            self.count_bytes(part.len() as u64, count)?;
            to.write_all(part).await?;
            to.flush().await?;
        }
    }

    /// Counts bytes of one direction.
    fn count_bytes(&self, bytes: u64, count: &AtomicU64) -> io::Result<()> {
        let sum = self.up.load(Ordering::Relaxed) + self.down.load(Ordering::Relaxed) + bytes;
        if self.most.is_some_and(|most| sum > most) {
            return Err(io::Error::other("more bytes than the tunnel may pass"));
        }
        count.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}
