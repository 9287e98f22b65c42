//! Counts log lines, for tests of what a client can cause.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tracing::{
    Event, Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};

/// Returns how many warnings and errors a function logs on this thread.
///
/// Lines of other threads are not counted.
///
/// ```
/// use palisade_internal::log_lines;
///
/// let lines = log_lines::count(|| tracing::warn!("the disk is full"));
/// assert_eq!(lines, 1);
/// assert_eq!(log_lines::count(|| tracing::info!("started")), 0);
/// ```
pub fn count(run: impl FnOnce()) -> usize {
    let lines = Arc::<AtomicUsize>::default();
    tracing::subscriber::with_default(Counter(Arc::clone(&lines)), run);
    lines.load(Ordering::Relaxed)
}

/// Counts events and ignores spans.
struct Counter(Arc<AtomicUsize>);

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= LevelFilter::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
