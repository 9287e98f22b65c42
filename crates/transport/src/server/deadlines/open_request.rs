//! One open request: counts it, and tells who has to act next, the handler or the client.
//!
//! ```text
//!  begin ──► handler works ──► respond ──► client reads ──► drop
//!                 ▲                            │
//!                 └──── wait_for_handler ◄─────┘   wait_for_client ──► back
//! ```
//!
//! Only in "client reads" a deadline runs. A handler may take as long as it likes: its own timeout is
//! the business of the application.

use std::sync::{Arc, atomic::Ordering};

use crate::server::deadlines::{activity::Activity, transfer::Transfer};

/// One request, from its head to the end of its response. Dropping it ends it, however that
/// happens.
#[derive(Debug)]
pub(crate) struct OpenRequest {
    activity: Arc<Activity>,
    transfer: Arc<Transfer>,
    working: bool,
    is_complete: bool,
}

impl OpenRequest {
    /// Begins a request.
    ///
    /// The time since the first byte of its head is over; from now on the handler is waited for. On
    /// HTTP/1 there is one request at a time, so its transfer becomes that of the connection.
    pub(crate) fn begin(activity: &Arc<Activity>) -> Self {
        let transfer = Transfer::new();
        if activity.is_http1() {
            *activity.transfer() = Some(Arc::clone(&transfer));
        }
        activity.head.store(0, Ordering::Relaxed);
        activity.written_while_idle.store(0, Ordering::Relaxed);
        activity.begun.fetch_add(1, Ordering::Relaxed);
        activity.open.fetch_add(1, Ordering::Relaxed);
        activity.working.fetch_add(1, Ordering::Relaxed);
        activity.touch();
        Self {
            activity: Arc::clone(activity),
            transfer,
            working: true,
            is_complete: false,
        }
    }

    pub(crate) fn transfer(&self) -> &Arc<Transfer> {
        &self.transfer
    }

    /// The handler has returned a response: from now on the client has to read it.
    pub(crate) fn respond(&mut self) {
        self.transfer.respond();
        self.wait_for_client();
    }

    /// From now on the server waits for the handler to produce more.
    pub(crate) fn wait_for_handler(&mut self) {
        self.transfer.stop_waiting();
        self.set_working(true);
    }

    /// From now on the server waits for the client to read.
    pub(crate) fn wait_for_client(&mut self) {
        self.set_working(false);
        self.transfer.wait_for_client();
        if self.activity.is_http1() {
            self.activity.touch();
        }
    }

    /// Notes that the client accepted more bytes of the response.
    pub(crate) fn take(&self, bytes: usize) {
        // HTTP/1 counts the bytes that are written to the socket instead.
        if !self.activity.is_http1() {
            self.transfer.take(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }

    /// The bytes that follow on this HTTP/1 connection are no longer HTTP.
    pub(crate) fn upgrade(&self) {
        self.activity.upgrade();
    }

    /// The response was produced to its end.
    pub(crate) fn complete(&mut self) {
        self.is_complete = true;
    }

    /// Counts whether the handler is at work.
    fn set_working(&mut self, working: bool) {
        if self.working == working {
            return;
        }
        self.working = working;
        let count = &self.activity.working;
        match working {
            true => count.fetch_add(1, Ordering::Relaxed),
            false => count.fetch_sub(1, Ordering::Relaxed),
        };
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.set_working(false);
        self.activity.touch();
        if self.is_complete {
            self.activity.completed.fetch_add(1, Ordering::Relaxed);
        }
        self.activity.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::server::limits::Limits;

    fn limits() -> Limits {
        Limits::default()
            .idle_timeout(Duration::from_secs(60))
            .header_timeout(Duration::from_secs(10))
            .write_timeout(Duration::from_secs(30))
            .rate_grace(Duration::from_secs(100))
    }

    fn left(activity: &Activity) -> Option<u64> {
        let deadline = activity.deadline(&limits())?;
        Some((deadline.at - Instant::now()).as_millis().div_ceil(1000) as u64)
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_follows_what_the_client_does() {
        let activity = Activity::for_tests();
        activity.begin_http(true);
        assert_eq!(
            left(&activity),
            Some(11),
            "nothing yet: the first head is awaited"
        );

        tokio::time::advance(Duration::from_secs(8)).await;
        activity.received();
        assert_eq!(left(&activity), Some(11), "a head has begun");
        tokio::time::advance(Duration::from_secs(5)).await;
        activity.received();
        assert_eq!(
            left(&activity),
            Some(6),
            "a trickle does not move the deadline"
        );

        let mut request = OpenRequest::begin(&activity);
        assert_eq!(
            left(&activity),
            None,
            "the handler works as long as it likes"
        );
        request.wait_for_client();
        assert_eq!(left(&activity), Some(31), "the client reads");
        request.wait_for_handler();
        assert_eq!(left(&activity), None, "more is on the way");
        request.wait_for_client();
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(left(&activity), Some(11), "nothing was read");
        activity.response_written(16 * 1024);
        assert_eq!(left(&activity), Some(31), "a part of the response was");
        drop(request);
        assert_eq!(left(&activity), Some(61), "idle again");
        assert!(activity.is_idle() && activity.has_served());
        activity.set_blocked(true);
        assert_eq!(
            left(&activity),
            Some(31),
            "the tail of the response is not read"
        );
        assert!(!activity.is_resting());
    }

    #[tokio::test(start_paused = true)]
    async fn frames_between_requests_do_not_keep_http2_open() {
        let activity = Activity::for_tests();
        activity.begin_http(false);
        drop(OpenRequest::begin(&activity));
        tokio::time::advance(Duration::from_secs(50)).await;
        activity.received();
        assert!(activity.is_resting());
        assert_eq!(left(&activity), Some(11), "ten seconds of sixty are left");
        activity.response_written(5_000);
        assert_eq!(
            left(&activity),
            Some(21),
            "the tail of a response earns its time"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_now_and_then_does_not_keep_a_response_alive_on_http1() {
        let activity = Activity::for_tests();
        activity.begin_http(true);
        let mut request = OpenRequest::begin(&activity);
        request.respond();
        for _ in 0..19 {
            tokio::time::advance(Duration::from_secs(5)).await;
            activity.response_written(1);
        }
        assert_eq!(
            left(&activity),
            Some(6),
            "95 seconds of 100 were slower than the rate"
        );
    }
}
