//! Tracks how fast a client reads the response of one request.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::server::limits::Limits;

/// The progress of one response. Times are milliseconds since its start.
#[derive(Debug)]
pub(crate) struct Transfer {
    /// The begin of the request.
    start: Instant,
    /// Whether the handler has returned a head.
    has_responded: AtomicBool,
    /// Since when the server waits for the client, plus one; 0 while it waits for the handler.
    waiting_since: AtomicU64,
    /// How long it waited for the client before.
    waited: AtomicU64,
    /// Bytes that the client read.
    taken: AtomicU64,
}

impl Transfer {
    /// Starts with the handler at work.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            has_responded: AtomicBool::new(false),
            waiting_since: AtomicU64::new(0),
            waited: AtomicU64::new(0),
            taken: AtomicU64::new(0),
        })
    }

    /// Notes that the handler returned a response.
    pub(crate) fn respond(&self) {
        self.has_responded.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_responded(&self) -> bool {
        self.has_responded.load(Ordering::Relaxed)
    }

    /// From now on the server waits for the client.
    pub(crate) fn wait_for_client(&self) {
        self.stop_waiting();
        self.waiting_since.store(self.now() + 1, Ordering::Relaxed);
    }

    /// From now on the server waits for the handler.
    pub(crate) fn stop_waiting(&self) {
        let since = self.waiting_since.swap(0, Ordering::Relaxed);
        if since > 0 {
            let waited = (self.now() + 1).saturating_sub(since);
            self.waited.fetch_add(waited, Ordering::Relaxed);
        }
    }

    /// Notes bytes that the client read.
    ///
    /// Bytes that hyper took for HTTP/2, and bytes that the socket took for HTTP/1.
    pub(crate) fn take(&self, bytes: u64) {
        self.taken.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns when the response is below its minimum rate, or over its total time.
    ///
    /// `None` while the handler is waited for, or if neither limit is set. Only the time that the server
    /// waited for the client counts.
    pub(crate) fn pace_deadline(&self, limits: &Limits) -> Option<Instant> {
        let since = self.waiting_since.load(Ordering::Relaxed).checked_sub(1)?;
        let waited = Duration::from_millis(self.waited.load(Ordering::Relaxed));
        let remaining = limits
            .response
            .remaining(waited, self.taken.load(Ordering::Relaxed))?;
        self.start
            .checked_add(Duration::from_millis(since).checked_add(remaining)?)
    }

    /// Returns the earlier of that and the deadline for a client that reads nothing.
    fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let since = self.waiting_since.load(Ordering::Relaxed).checked_sub(1)?;
        let stall = limits
            .response
            .stall
            .map(|stall| self.start + Duration::from_millis(since) + stall);
        match (stall, self.pace_deadline(limits)) {
            (Some(stall), Some(pace)) => Some(stall.min(pace)),
            (stall, pace) => stall.or(pace),
        }
    }

    /// Waits until the response is read too slowly.
    ///
    /// Never returns if no limit is set: the caller drops it when the stream ends.
    pub(crate) async fn too_slow(&self, limits: &Limits) {
        loop {
            let now = Instant::now();
            // While the handler is waited for, there is no deadline: look again later.
            let next = self.deadline(limits).unwrap_or(now + limits.tick());
            if next <= now {
                return;
            }
            tokio::time::sleep_until(next).await;
        }
    }

    /// Milliseconds since the start.
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer() -> Arc<Transfer> {
        Transfer::new()
    }

    fn remaining(transfer: &Transfer) -> Option<u64> {
        let deadline = transfer.deadline(&Limits::default())?;
        Some((deadline - Instant::now()).as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_the_handler_takes_is_not_slow_reading() {
        let transfer = transfer();
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(remaining(&transfer), None);
        transfer.wait_for_client();
        assert_eq!(remaining(&transfer), Some(30));
        tokio::time::advance(Duration::from_secs(20)).await;
        transfer.stop_waiting();
        tokio::time::advance(Duration::from_secs(3600)).await;
        transfer.wait_for_client();
        assert_eq!(remaining(&transfer), Some(10), "the twenty seconds stay");
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_now_and_then_is_too_slow() {
        let transfer = transfer();
        for _ in 0..5 {
            transfer.wait_for_client();
            tokio::time::advance(Duration::from_secs(5)).await;
            transfer.take(1);
        }
        transfer.wait_for_client();
        assert_eq!(remaining(&transfer), Some(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_reader_has_an_hour() {
        let transfer = transfer();
        for _ in 0..124 {
            transfer.wait_for_client();
            tokio::time::advance(Duration::from_secs(29)).await;
            transfer.take(1024 * 1024);
        }
        transfer.wait_for_client();
        assert_eq!(remaining(&transfer), Some(3600 - 124 * 29));
    }
}
