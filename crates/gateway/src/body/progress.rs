//! When something last moved, for timeouts that begin again with each part.
//!
//! A timeout that is fixed at the begin would cut long uploads. A timer that is set again with each part
//! would cost a lock for each part. So a part only stores its time, and the timer looks at that time
//! when it fires.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// The time of the last movement. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Arc<Inner>);

/// One for each exchange or tunnel, shared by the parts that move and the one that waits.
#[derive(Debug)]
struct Inner {
    /// The clock of the runtime, which tests can pause.
    start: Instant,
    /// Milliseconds from `start` to the last movement.
    moved: AtomicU64,
    /// The next part has to come from the client.
    waits_for_client: AtomicBool,
}

/// Nothing moved for too long.
///
/// The caller decides what that means: 504 for a response that does not begin, the end for a tunnel.
#[derive(Debug)]
pub(crate) struct Stalled;

impl Progress {
    /// Begins now.
    ///
    /// The begin counts as the first movement.
    pub(crate) fn start() -> Self {
        Self(Arc::new(Inner {
            start: Instant::now(),
            moved: AtomicU64::new(0),
            waits_for_client: AtomicBool::new(false),
        }))
    }

    /// Notes that something moved.
    ///
    /// Cheap: one atomic store without ordering. Resolution: one millisecond.
    pub(crate) fn note_movement(&self) {
        let passed = u64::try_from(self.0.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.moved.store(passed, Ordering::Relaxed);
    }

    /// Notes whether the next part has to come from the client.
    ///
    /// True while the body of a request has no part ready. An upstream that stays silent meanwhile is
    /// not to blame.
    pub(crate) fn wait_for_client(&self, waits: bool) {
        self.0.waits_for_client.store(waits, Ordering::Relaxed);
    }

    /// Returns whether the next part has to come from the client.
    pub(crate) fn waits_for_client(&self) -> bool {
        self.0.waits_for_client.load(Ordering::Relaxed)
    }

    /// Returns when it is over if nothing moves before.
    ///
    /// Each later movement moves it further away.
    fn deadline(&self, patience: Duration) -> Instant {
        let moved = Duration::from_millis(self.0.moved.load(Ordering::Relaxed));
        self.0.start + moved + patience
    }

    /// Waits until nothing has moved for `patience`.
    ///
    /// Sleeps until the deadline that is known now, and again if it has moved since. It wakes at most
    /// once for each `patience`.
    pub(crate) async fn until_stalled(&self, patience: Duration) {
        loop {
            let deadline = self.deadline(patience);
            tokio::time::sleep_until(deadline).await;
            if self.deadline(patience) <= deadline {
                return;
            }
        }
    }

    /// Runs a future as long as something moves.
    ///
    /// The future is polled first, so a result that is ready at the deadline is not lost.
    ///
    /// # Errors
    ///
    /// Nothing moved for `patience`. The future was dropped.
    pub(crate) async fn while_moving<F: Future>(
        &self,
        patience: Duration,
        future: F,
    ) -> Result<F::Output, Stalled> {
        tokio::select! {
            biased;
            output = future => Ok(output),
            () = self.until_stalled(patience) => Err(Stalled),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_movement_begins_the_time_anew() {
        let progress = Progress::start();
        let begin = Instant::now();
        let moving = progress.clone();
        let moves = async move {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_secs(4)).await;
                moving.note_movement();
            }
            std::future::pending::<()>().await;
        };
        let result = progress.while_moving(Duration::from_secs(5), moves).await;
        assert!(result.is_err());
        assert_eq!(begin.elapsed().as_secs(), 17);
    }
}
