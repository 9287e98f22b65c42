//! What a connection is doing, so that it can be closed when it does nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::Limits;

/// So many bytes written at once are an answer that is being read.
const PROGRESS: usize = 1024;

/// Shared by the connection's task, its requests and its socket. Times are milliseconds since its start, plus one.
#[derive(Debug)]
pub(super) struct Activity {
    start: Instant,
    /// Requests whose answer is not over.
    open: AtomicU32,
    /// Those among them that wait for the handler, not for the client.
    working: AtomicU32,
    /// The last moment at which anything moved.
    moved: AtomicU64,
    /// The moment at which the head of a request began to arrive; 0 for none.
    head: AtomicU64,
    watches_head: AtomicBool,
    served: AtomicBool,
    unread: AtomicBool,
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            open: AtomicU32::new(0),
            working: AtomicU32::new(0),
            moved: AtomicU64::new(1),
            head: AtomicU64::new(0),
            watches_head: AtomicBool::new(false),
            served: AtomicBool::new(false),
            unread: AtomicBool::new(false),
        })
    }

    /// On HTTP/1, bytes between two requests are the head of the next. HTTP/2 has other frames there.
    pub(super) fn watch_heads(&self) {
        self.watches_head.store(true, Ordering::Relaxed);
    }

    /// Notes bytes from the client.
    pub(super) fn received(&self) {
        if self.is_idle() && self.watches_head.load(Ordering::Relaxed) {
            let now = self.now();
            // The first byte counts; those that trickle in later do not move it.
            let _ = self
                .head
                .compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Notes bytes on their way to the client. Few at a time are no progress: an HTTP/2 client that
    /// reads nothing of its answers can still have its pings answered.
    pub(super) fn sent(&self, count: usize) {
        if count >= PROGRESS {
            self.touch();
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.open.load(Ordering::Relaxed) == 0
    }

    /// Tells whether there was any request yet.
    pub(super) fn has_served(&self) -> bool {
        self.served.load(Ordering::Relaxed)
    }

    /// Notes that a request was answered before its body was read.
    pub(super) fn leave_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    /// Tells whether there may be more on the way from the client than was read.
    pub(super) fn has_left_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// Returns the moment at which the connection is to be closed if nothing moves until then.
    /// `None` while a handler works: that is not for the connection to judge.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let moved = self.moved.load(Ordering::Relaxed);
        let (since, time) = match self.head.load(Ordering::Relaxed) {
            _ if !self.is_idle() && self.working.load(Ordering::Relaxed) > 0 => return None,
            _ if !self.is_idle() => (moved, limits.write_stall),
            // Whoever connects has something to say, and says it as fast as any other head.
            0 if !self.has_served() => (moved, limits.header),
            0 => (moved, limits.idle),
            head => (head, limits.header),
        };
        Some(self.start + Duration::from_millis(since) + time)
    }

    /// Returns the last moment at which anything moved.
    pub(super) fn moved_at(&self) -> Instant {
        self.start + Duration::from_millis(self.moved.load(Ordering::Relaxed))
    }

    /// Tells whether the connection lies between two requests, so that closing it takes nothing away.
    pub(super) fn is_resting(&self) -> bool {
        self.is_idle() && self.has_served() && self.head.load(Ordering::Relaxed) == 0
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    fn touch(&self) {
        self.moved.store(self.now(), Ordering::Relaxed);
    }
}

/// One request, from its head to the end of its answer, whichever way it ends.
#[derive(Debug)]
pub(super) struct OpenRequest {
    activity: Arc<Activity>,
    working: bool,
}

impl OpenRequest {
    pub(super) fn begin(activity: &Arc<Activity>) -> Self {
        activity.head.store(0, Ordering::Relaxed);
        activity.served.store(true, Ordering::Relaxed);
        activity.open.fetch_add(1, Ordering::Relaxed);
        activity.working.fetch_add(1, Ordering::Relaxed);
        activity.touch();
        Self {
            activity: Arc::clone(activity),
            working: true,
        }
    }

    /// Notes who is waited for from now on: the handler, or the client.
    pub(super) fn waits_for_handler(&mut self, working: bool) {
        if self.working != working {
            self.working = working;
            let count = &self.activity.working;
            match working {
                true => count.fetch_add(1, Ordering::Relaxed),
                false => count.fetch_sub(1, Ordering::Relaxed),
            };
        }
        if !working {
            self.activity.touch();
        }
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.waits_for_handler(false);
        self.activity.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits::default()
            .idle_timeout(Duration::from_secs(60))
            .header_timeout(Duration::from_secs(10))
            .write_timeout(Duration::from_secs(30))
    }

    fn left(activity: &Activity) -> Option<u64> {
        let deadline = activity.deadline(&limits())?;
        Some((deadline - Instant::now()).as_millis().div_ceil(1000) as u64)
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_follows_what_the_client_does() {
        let activity = Activity::new();
        activity.watch_heads();
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
        request.waits_for_handler(false);
        assert_eq!(left(&activity), Some(31), "the client reads");
        request.waits_for_handler(true);
        assert_eq!(left(&activity), None, "more is on the way");
        request.waits_for_handler(false);
        tokio::time::advance(Duration::from_secs(20)).await;
        activity.sent(17);
        assert_eq!(
            left(&activity),
            Some(11),
            "the answer to a ping is no progress"
        );
        activity.sent(16 * 1024);
        assert_eq!(left(&activity), Some(31), "a part of the answer is");
        drop(request);
        assert_eq!(left(&activity), Some(61), "idle again");
        assert!(activity.is_idle() && activity.has_served());
    }

    #[tokio::test(start_paused = true)]
    async fn frames_between_requests_do_not_keep_http2_open() {
        let activity = Activity::new();
        drop(OpenRequest::begin(&activity));
        tokio::time::advance(Duration::from_secs(50)).await;
        activity.received();
        assert!(activity.is_resting());
        assert_eq!(left(&activity), Some(11), "ten seconds of sixty are left");
    }
}
