//! When a key was last accepted, in this process.
//!
//! Listings show it. It is lost on a restart and not written to a store.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Shared by all versions of one record, so that a change of the record does not lose it.
///
/// In whole seconds since the Unix epoch; 0 if the key was never used.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastUsed(Arc<AtomicU64>);

impl LastUsed {
    /// Records a use. Writes once a second, so that processors do not contend for a busy key.
    pub(crate) fn note_use(&self, now: Duration) {
        let now = now.as_secs();
        if self.0.load(Ordering::Relaxed) < now {
            self.0.fetch_max(now, Ordering::Relaxed);
        }
    }

    /// The last use since the Unix epoch; `None` if there was none.
    pub(crate) fn get(&self) -> Option<Duration> {
        let seconds = self.0.load(Ordering::Relaxed);
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }
}
