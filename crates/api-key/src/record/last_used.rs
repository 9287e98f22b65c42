//! What this process knows of a key besides its record: when it was last accepted, and whether its digest
//! was renewed.
//!
//! Listings show the former. Both are lost on a restart and not written to a store.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// Shared by all versions of one record, so that a change of the record does not lose it.
///
#[derive(Clone, Debug, Default)]
pub(crate) struct LastUsed(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// In whole seconds since the Unix epoch; 0 if the key was never used.
    seconds: AtomicU64,
    /// Whether this process has asked for another digest.
    renewed: AtomicBool,
}

impl LastUsed {
    /// Records a use. Writes once a second, so that processors do not contend for a busy key.
    pub(crate) fn note_use(&self, now: Duration) {
        let now = now.as_secs();
        if self.0.seconds.load(Ordering::Relaxed) < now {
            self.0.seconds.fetch_max(now, Ordering::Relaxed);
        }
    }

    /// Returns `true` once: servers with different current peppers must not replace the digests of each other
    /// with every request.
    pub(crate) fn take_renewal(&self) -> bool {
        !self.0.renewed.swap(true, Ordering::Relaxed)
    }

    /// The last use since the Unix epoch; `None` if there was none.
    pub(crate) fn get(&self) -> Option<Duration> {
        let seconds = self.0.seconds.load(Ordering::Relaxed);
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }
}
