//! When a key was last accepted, in this process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Shared by all states of one record, so that a change of the record does not forget it. In whole
/// seconds since the Unix epoch; 0 where it was never used.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastUse(Arc<AtomicU64>);

impl LastUse {
    /// Notes a use. Writes once a second, so that busy keys do not make processors wait for each other.
    pub(crate) fn note(&self, now: Duration) {
        let now = now.as_secs();
        if self.0.load(Ordering::Relaxed) < now {
            self.0.fetch_max(now, Ordering::Relaxed);
        }
    }

    pub(crate) fn get(&self) -> Option<Duration> {
        let seconds = self.0.load(Ordering::Relaxed);
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }
}
