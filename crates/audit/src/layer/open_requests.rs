//! Counts requests that have started and have not ended.
//!
//! The guard counts them. [`AuditHandle::close`](crate::AuditHandle::close) waits until there are
//! none. The count is atomic; the lock is taken only while a close waits.

use std::{
    mem,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::oneshot;

/// The number of open requests, and who waits for the last one.
#[derive(Debug, Default)]
pub(super) struct OpenRequests {
    /// Open requests.
    count: AtomicUsize,
    /// Closes that wait until no request is open.
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
}

impl OpenRequests {
    /// Counts a request that starts.
    pub(super) fn begin(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts a request that ended. The last one wakes all waiting closes.
    ///
    /// Called when the body of the response is dropped, so a stream counts until its last byte.
    pub(super) fn end(&self) {
        if self.count.fetch_sub(1, Ordering::SeqCst) == 1 {
            let waiting = mem::take(&mut *self.lock());
            for waiting in waiting {
                let _ = waiting.send(());
            }
        }
    }

    /// Returns how many requests are open.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Returns a receiver that is ready when no request is open. `None` if none is open now.
    pub(super) fn none_left(&self) -> Option<oneshot::Receiver<()>> {
        let mut waiting = self.lock();
        // Counted under the lock: a request that ends from here on sees the one who waits.
        if self.count() == 0 {
            return None;
        }
        let (none_left, is_so) = oneshot::channel();
        waiting.push(none_left);
        Some(is_so)
    }

    /// Takes the lock. A poisoned lock is used.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<oneshot::Sender<()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
