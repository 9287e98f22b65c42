//! Waits for a reply, without counting delays of this process as delays of the server.

use std::{pin::pin, time::Duration};

use palisade_core::SharedClock;
use tokio::time::timeout;

use super::store_metrics;

/// A timer that fires later than this shows that the process was not scheduled. Timers count whole
/// milliseconds, so some delay is ordinary.
const TOLERATED: Duration = Duration::from_millis(5);

/// How often a late timer extends the deadline. A busy process needs about four turns to send a
/// request, read the reply and pass it on. After this many turns the server is too slow.
const ROUNDS: usize = 16;

/// Waits for a reply for `deadline`, measured on a process that is scheduled in time.
///
/// If the timer fires too late, the process could not have read a reply that had arrived. The deadline then
/// starts again, a few times. Returns `None` if the server is too slow.
///
/// Without this, a node without processor time would blame the server, and every such node would grant the whole
/// limit on its own.
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
