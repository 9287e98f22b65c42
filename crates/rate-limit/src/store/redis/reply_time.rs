//! Waiting for a reply without taking this process' own delay for the server's.

use std::{pin::pin, time::Duration};

use palisade_core::SharedClock;
use tokio::time::timeout;

use super::measure;

/// A timer that fires so much too late shows that the process does not get to run. Timers count
/// whole milliseconds, so some lateness is ordinary.
const TOLERATED: Duration = Duration::from_millis(5);

/// So often a late timer buys the reply another deadline. Then the request goes on without it.
const ROUNDS: usize = 8;

/// Whose delay it is that there is no reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Late {
    /// This process was not scheduled: nothing is known of the server.
    Process,
    /// The process ran in time and there was no reply.
    Server,
}

/// Waits for a reply as long as `deadline`, on a process that runs in time.
///
/// If the timer fires too late, the process could not have read a reply that was there: it gets
/// another `deadline`, a few times.
pub(super) async fn within<F: Future>(
    clock: &SharedClock,
    deadline: Duration,
    reply: F,
) -> Result<F::Output, Late> {
    let mut reply = pin!(reply);
    for _ in 0..ROUNDS {
        let start = clock.monotonic();
        if let Ok(reply) = timeout(deadline, reply.as_mut()).await {
            return Ok(reply);
        }
        let passed = clock.monotonic().saturating_sub(start);
        if passed.saturating_sub(deadline) < TOLERATED {
            return Err(Late::Server);
        }
        measure::starved();
    }
    Err(Late::Process)
}
