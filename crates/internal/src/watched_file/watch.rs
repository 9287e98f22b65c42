//! The thread that checks whether a file changed, so that no request waits for a disk.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread,
    time::Duration,
};

/// Ends the thread when it is dropped. A check that is running completes first.
pub(super) struct Watch {
    _disconnects_when_dropped: mpsc::Sender<()>,
}

impl Watch {
    /// Calls `look` once an interval, until it returns `None` or the watch is dropped.
    pub(super) fn start(
        name: &str,
        interval: Duration,
        look: impl Fn() -> Option<()> + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, dropped) = mpsc::channel();
        let watch = move || {
            while dropped.recv_timeout(interval) == Err(mpsc::RecvTimeoutError::Timeout) {
                // A report that panics must not end the watch: revocations come this way.
                if let Ok(None) = catch_unwind(AssertUnwindSafe(&look)) {
                    return;
                }
            }
        };
        thread::Builder::new().name(name.into()).spawn(watch)?;
        Ok(Self {
            _disconnects_when_dropped: sender,
        })
    }
}
