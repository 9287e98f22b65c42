//! Counts requests that have begun and are not over.
//!
//! The guard counts; [`AuditHandle::close`](crate::AuditHandle::close) waits until none is left. The
//! count needs no lock, except when a close waits.

use std::{
    mem,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::oneshot;

#[derive(Debug, Default)]
pub(super) struct OpenRequests {
    count: AtomicUsize,
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
}

impl OpenRequests {
    pub(super) fn begin(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn end(&self) {
        if self.count.fetch_sub(1, Ordering::SeqCst) == 1 {
            let waiting = mem::take(&mut *self.lock());
            for waiting in waiting {
                let _ = waiting.send(());
            }
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Returns what is ready when none is open; `None` if that is so now.
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

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<oneshot::Sender<()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
