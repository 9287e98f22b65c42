//! Runs a future to its end on a thread without an async runtime.
//!
//! Two callers: [`AuditHandle::close_blocking`](crate::AuditHandle::close_blocking), and the thread
//! of a [`DetachedSink`](crate::DetachedSink), whose inner sink may return a future. The thread is
//! parked between polls. On a thread that runs tasks this would block those tasks.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake},
    thread::{self, Thread},
};

/// The thread that waits. Waking it ends its pause.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks the thread until the future is ready, and returns its value.
///
/// It has no time limit: the future must end by itself.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut task = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut task) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
