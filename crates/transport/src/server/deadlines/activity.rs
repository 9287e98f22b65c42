//! Tracks what a connection is doing, so that it can be closed when it makes no progress.
//!
//! The task of the connection reads the deadlines; its requests and its socket report progress.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::server::{
    deadlines::{request_counts::RequestCounts, transfer::Transfer},
    events::{ConnectionEventKind, Events},
    limits::Limits,
};

/// The progress of one connection. Shared by its task, its requests and its socket.
///
/// Times are milliseconds since its start, plus one.
///
/// Progress is a whole request, a part of a request body that the handler read, or a part of a
/// response that was written. HTTP/2 control frames are no progress, however many bytes they
/// have.
#[derive(Debug)]
pub(crate) struct Activity {
    start: Instant,
    /// The other end of the socket.
    peer: IpAddr,
    port: u16,
    /// The client, if a PROXY header named it.
    client: OnceLock<IpAddr>,
    events: Arc<Events>,
    /// Requests whose response is not over.
    pub(crate) open: AtomicU32,
    /// Those among them that wait for the handler, not for the client.
    pub(crate) working: AtomicU32,
    /// All requests so far.
    pub(crate) begun: AtomicU32,
    /// Those whose response was produced to its end.
    pub(crate) completed: AtomicU32,
    /// Those that were refused because their head is too large.
    refused: AtomicU32,
    /// The time of the last progress.
    moved: AtomicU64,
    /// Bytes of responses that were written after the last request ended.
    pub(crate) written_while_idle: AtomicU64,
    /// The time at which the head of a request began to arrive; 0 for none.
    pub(crate) head: AtomicU64,
    is_http1: AtomicBool,
    /// HTTP/1: the socket accepts no bytes, and a part of a response is left.
    is_blocked: AtomicBool,
    /// The bytes are no longer HTTP.
    is_upgraded: AtomicBool,
    /// A response was sent before the request body was read.
    unread: AtomicBool,
    /// HTTP/1: the request in progress, or the last one.
    transfer: Mutex<Option<Arc<Transfer>>>,
    /// Signals the task to close the connection.
    close: Notify,
}

/// When a connection is to be closed, and what the client did not do in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    pub(crate) missed: Missed,
}

/// What a client did not do in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Missed {
    /// It did not send a whole request head.
    Head,
    /// It sent no further request. That is no fault.
    Request,
    /// It did not read a response.
    Response,
}

impl Activity {
    /// Starts the clock of a connection.
    pub(crate) fn new(peer: SocketAddr, events: Arc<Events>) -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            peer: peer.ip(),
            port: peer.port(),
            client: OnceLock::new(),
            events,
            open: AtomicU32::new(0),
            working: AtomicU32::new(0),
            begun: AtomicU32::new(0),
            completed: AtomicU32::new(0),
            refused: AtomicU32::new(0),
            moved: AtomicU64::new(1),
            written_while_idle: AtomicU64::new(0),
            head: AtomicU64::new(0),
            is_http1: AtomicBool::new(false),
            is_blocked: AtomicBool::new(false),
            is_upgraded: AtomicBool::new(false),
            unread: AtomicBool::new(false),
            transfer: Mutex::default(),
            close: Notify::new(),
        })
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Arc<Self> {
        Self::new(([127, 0, 0, 1], 0).into(), Events::new(None))
    }

    /// Reports an event of this connection.
    pub(crate) fn report(&self, kind: ConnectionEventKind) {
        self.events
            .record(kind, *self.client.get().unwrap_or(&self.peer));
    }

    /// Reports further events for the client that a PROXY header named.
    pub(crate) fn set_client(&self, client: IpAddr) {
        // A connection has one header.
        let _ = self.client.set(client);
    }

    /// Returns when the connection is too old, whatever it does. `None` for no limit.
    pub(crate) fn end_of_life(&self, limits: &Limits) -> Option<Instant> {
        let age = limits.connection_age?;
        // Up to a tenth earlier, so that clients that began together do not come back together.
        let earlier = age * u32::from(self.port % 100) / 1000;
        self.start.checked_add(age - earlier)
    }

    /// Marks the begin of HTTP.
    ///
    /// On HTTP/1, bytes between two requests are the head of the next, and all bytes that are
    /// written belong to responses. HTTP/2 has other frames there.
    pub(crate) fn begin_http(&self, is_http1: bool) {
        self.is_http1.store(is_http1, Ordering::Relaxed);
        self.touch();
    }

    pub(crate) fn is_http1(&self) -> bool {
        self.is_http1.load(Ordering::Relaxed)
    }

    /// Notes bytes from the client.
    pub(crate) fn received(&self) {
        if self.is_idle() && self.is_http1() {
            let now = self.now();
            // The first byte counts; those that trickle in later do not move it.
            let _ = self
                .head
                .compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Notes a part of a request body that the handler read.
    pub(crate) fn body_taken(&self, bytes: usize) {
        if bytes > 0 {
            self.touch();
        }
    }

    /// Notes bytes of responses that were written to the socket.
    pub(crate) fn response_written(&self, bytes: usize) {
        if bytes == 0 {
            return;
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if self.is_http1() {
            if let Some(transfer) = &*self.transfer() {
                transfer.take(bytes);
            }
            self.touch();
        } else if self.is_idle() {
            // Written after the last request was over: it earns time at the minimum rate, no more.
            self.written_while_idle.fetch_add(bytes, Ordering::Relaxed);
        } else {
            self.touch();
        }
    }

    /// Notes whether the socket of HTTP/1 accepts bytes.
    pub(crate) fn set_blocked(&self, blocked: bool) {
        self.is_blocked.store(blocked, Ordering::Relaxed);
    }

    /// Returns whether no request is open.
    pub(crate) fn is_idle(&self) -> bool {
        self.open() == 0
    }

    /// Returns the number of requests whose response is not finished.
    pub(crate) fn open(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }

    /// Returns whether there was any request yet.
    pub(crate) fn has_served(&self) -> bool {
        self.begun() > 0
    }

    /// Returns the number of requests so far.
    pub(crate) fn begun(&self) -> u32 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Returns what became of the requests so far.
    pub(crate) fn requests(&self) -> RequestCounts {
        RequestCounts {
            begun: self.begun(),
            completed: self.completed.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            under_way: self.open(),
        }
    }

    /// Notes that a request is refused because its head is too large.
    pub(crate) fn refuse_head(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.report(ConnectionEventKind::MalformedRequest);
    }

    /// Notes that a response was sent before the request body was read.
    pub(crate) fn leave_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    /// Returns whether the client may still be sending a body that no one reads.
    pub(crate) fn has_left_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// Notes that the bytes of this connection are no longer HTTP.
    pub(crate) fn upgrade(&self) {
        self.is_upgraded.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_upgraded(&self) -> bool {
        self.is_upgraded.load(Ordering::Relaxed)
    }

    /// Signals the task to close the connection, so that another one can be accepted.
    pub(crate) fn close(&self) {
        self.close.notify_one();
    }

    /// Waits for that signal.
    pub(crate) async fn closed(&self) {
        self.close.notified().await;
    }

    /// Returns when the connection is to be closed unless there is progress.
    ///
    /// `None` while a handler works, and while an HTTP/2 stream is open: streams have their own
    /// deadlines.
    pub(crate) fn deadline(&self, limits: &Limits) -> Option<Deadline> {
        let is_idle = self.is_idle();
        if self.is_http1() && (!is_idle || self.is_blocked.load(Ordering::Relaxed)) {
            return self.response_deadline(limits);
        }
        if !is_idle {
            return None;
        }
        let moved = self.moved.load(Ordering::Relaxed);
        let (since, time, missed) = match self.head.load(Ordering::Relaxed) {
            // A client that connects has something to send, and sends it as fast as any other head.
            0 if !self.has_served() => (moved, limits.header, Missed::Head),
            0 => (moved, self.idle_time(limits), Missed::Request),
            head => (head, limits.header, Missed::Head),
        };
        let at = self.start + Duration::from_millis(since) + time;
        Some(Deadline { at, missed })
    }

    /// HTTP/1: the earlier of the deadlines for a stalled and for a slow reader.
    fn response_deadline(&self, limits: &Limits) -> Option<Deadline> {
        if self.working.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let stall = limits.response.stall.map(|stall| self.moved_at() + stall);
        let pace = self
            .transfer()
            .as_ref()
            .and_then(|transfer| transfer.pace_deadline(limits));
        let at = match (stall, pace) {
            (Some(stall), Some(pace)) => stall.min(pace),
            (stall, pace) => stall.or(pace)?,
        };
        let missed = Missed::Response;
        Some(Deadline { at, missed })
    }

    /// Returns the idle timeout, longer by the time that unread responses need at the minimum
    /// rate.
    ///
    /// The addition is at most the total timeout of a response.
    fn idle_time(&self, limits: &Limits) -> Duration {
        let written = self.written_while_idle.load(Ordering::Relaxed);
        let earned = written.saturating_mul(1000) / u64::from(limits.response.rate.max(1));
        let most = limits.response.total.unwrap_or(limits.idle);
        limits.idle + Duration::from_millis(earned).min(most)
    }

    /// Returns the time of the last progress.
    pub(crate) fn moved_at(&self) -> Instant {
        self.start + Duration::from_millis(self.moved.load(Ordering::Relaxed))
    }

    /// Returns whether the connection is between two requests, so that closing it loses
    /// nothing.
    pub(crate) fn is_resting(&self) -> bool {
        self.is_idle()
            && self.has_served()
            && self.head.load(Ordering::Relaxed) == 0
            && !self.is_blocked.load(Ordering::Relaxed)
    }

    /// Returns the time since the start of the connection, in milliseconds, plus one.
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    /// Notes progress.
    pub(crate) fn touch(&self) {
        self.moved.store(self.now(), Ordering::Relaxed);
    }

    /// Locks the progress of the current HTTP/1 response.
    pub(crate) fn transfer(&self) -> MutexGuard<'_, Option<Arc<Transfer>>> {
        // The lock protects one pointer, which is valid after any panic.
        self.transfer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
