//! The thread that watches the writer thread, which may hang in the disk.
//!
//! A few times in each commit deadline it refuses responses that have waited too long, logs a disk
//! that does not respond, and publishes the metrics. It ends with the queue.

use std::{thread, time::Duration};

use super::queue::Queue;

/// The longest time between two checks, however long the deadline is.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Refuses responses that waited too long and logs a disk that does not respond.
///
/// Checks four times in each deadline, and at least once a second. Returns when the queue is
/// closed.
pub(super) fn watch(queue: &Queue) {
    let pause = (queue.deadline() / 4).min(LONGEST_PAUSE);
    while queue.expire() {
        queue.tell_hanging();
        #[cfg(feature = "metrics")]
        super::trail_metrics::publish(&queue.figures());
        thread::park_timeout(pause);
    }
}
