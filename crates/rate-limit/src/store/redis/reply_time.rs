//! Waiting for a reply without taking this process' own delay for the server's.

use std::{pin::pin, time::Duration};

use palisade_core::SharedClock;
use tokio::time::timeout;

use super::store_metrics;

/// A timer that fires so much too late shows that the process does not get to run. Timers count
/// whole milliseconds, so some lateness is ordinary.
const TOLERATED: Duration = Duration::from_millis(5);

/// So often a late timer gives the reply another deadline. A reply needs about four turns of a busy
/// process to be sent, read and handed on; one that is not there after so many is the server's fault.
const ROUNDS: usize = 16;

/// Waits for a reply as long as `deadline`, on a process that runs in time.
///
/// If the timer fires too late, the process could not have read a reply that was there: it gets
/// another `deadline`, a few times. Returns `None` if the server is too slow.
pub(super) async fn within<F: Future>(
    clock: &SharedClock,
    deadline: Duration,
    reply: F,
) -> Option<F::Output> {
    let mut reply = pin!(reply);
    for _ in 0..ROUNDS {
        let start = clock.monotonic();
        if let Ok(reply) = timeout(deadline, reply.as_mut()).await {
            return Some(reply);
        }
        let passed = clock.monotonic().saturating_sub(start);
        if passed.saturating_sub(deadline) < TOLERATED {
            return None;
        }
        store_metrics::starved();
    }
    None
}
