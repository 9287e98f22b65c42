//! The thread that watches the writer thread, which may hang in the disk.
//!
//! A few times in each commit deadline it refuses responses that have waited too long, logs a disk that
//! does not respond, and publishes the metrics. It ends with the queue.

use std::{thread, time::Duration};

use super::queue::Queue;

/// The watcher looks at least this often, however long the deadline is.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Refuses answers that are late and tells of a disk that hangs, as long as the queue is open.
pub(super) fn watch(queue: &Queue) {
    let pause = (queue.deadline() / 4).min(LONGEST_PAUSE);
    while queue.expire() {
        queue.tell_hanging();
        #[cfg(feature = "metrics")]
        super::trail_metrics::publish(&queue.figures());
        thread::park_timeout(pause);
    }
}
