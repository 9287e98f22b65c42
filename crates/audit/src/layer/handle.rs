//! The end of the work: nothing that was taken is left in memory.

use std::{
    fmt,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake},
    thread::{self, Thread},
};

use super::all;
use crate::{Anchor, Sink, Unavailable};

/// Flushes and closes the sinks of a layer. Clones do the same.
#[derive(Clone)]
pub struct AuditHandle {
    sinks: Vec<Arc<dyn Sink>>,
}

impl AuditHandle {
    pub(super) fn new(sinks: Vec<Arc<dyn Sink>>) -> Self {
        Self { sinks }
    }

    /// Waits until everything that was recorded so far is safe.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a sink could not make it so.
    pub async fn flush(&self) -> Result<(), Unavailable> {
        let answers = self.sinks.iter().map(|sink| sink.flush()).collect();
        all(answers).get().await
    }

    /// Ends the work of all sinks: what was recorded is made safe, and nothing more is taken.
    /// Requests that end later are counted as lost, and fail-closed ones are refused.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a sink could not make everything safe.
    pub async fn close(&self) -> Result<(), Unavailable> {
        let answers = self.sinks.iter().map(|sink| sink.close()).collect();
        all(answers).get().await
    }

    /// Ends the work as [`close`](Self::close) and blocks until it is done: for programs without a
    /// runtime, and never for a thread that runs tasks.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a sink could not make everything safe.
    pub fn close_blocking(&self) -> Result<(), Unavailable> {
        block_on(self.close())
    }

    /// Returns the last record that is safe: keep it outside, and a cut trail shows.
    #[must_use]
    pub fn anchor(&self) -> Option<Anchor> {
        self.sinks.iter().find_map(|sink| sink.anchor())
    }

    /// Returns how many requests could not be recorded, over all sinks.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.sinks.iter().map(|sink| sink.lost()).sum()
    }
}

impl fmt::Debug for AuditHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditHandle")
            .field("sinks", &self.sinks)
            .finish()
    }
}

/// Wakes a thread that waits for a future.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
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
