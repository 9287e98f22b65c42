//! The thread that looks whether the file changed, so that no request ever waits for a disk.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Weak, mpsc},
    thread,
    time::Duration,
};

use super::state::State;

/// Ends the thread when the last store is dropped.
pub(super) struct Watch {
    _hung_up_when_dropped: mpsc::Sender<()>,
}

impl Watch {
    pub(super) fn start(store: Weak<State>, interval: Duration) -> io::Result<Self> {
        let (sender, dropped) = mpsc::channel();
        let watch = move || {
            while dropped.recv_timeout(interval) == Err(mpsc::RecvTimeoutError::Timeout) {
                let Some(store) = store.upgrade() else { return };
                // Who listens has been told. A listener that panics must not end the watch: revocations come this way.
                let _ = catch_unwind(AssertUnwindSafe(|| store.refresh()));
            }
        };
        thread::Builder::new()
            .name("palisade-keys".into())
            .spawn(watch)?;
        Ok(Self {
            _hung_up_when_dropped: sender,
        })
    }
}
