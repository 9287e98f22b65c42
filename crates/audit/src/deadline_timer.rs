//! Deadlines by a clock, without an async runtime.
//!
//! Each timer has one thread, which starts at the first wait. It reads the clock every 10
//! milliseconds while there are waits, so test clocks work too. If no thread can be started, a
//! wait ends at once: the request is refused.
//!
//! An async runtime has timers, but sinks must also work without one, and tests set a clock by hand.

use std::{
    fmt, mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use palisade_core::SharedClock;
use tokio::sync::oneshot;

/// How often the clock is read while there are waits: the clock may be a test clock.
const TICK: Duration = Duration::from_millis(10);

/// Ends waits when their time is over. Its thread starts with the first wait.
pub(crate) struct DeadlineTimer(Arc<Shared>);

/// What the layer and the thread share.
struct Shared {
    /// The clock of the layer.
    clock: SharedClock,
    /// The waits.
    state: Mutex<State>,
    /// Wakes the thread for the first wait, and at the end.
    wake: Condvar,
}

/// The state under the lock.
#[derive(Default)]
struct State {
    /// Whether the thread was started.
    running: bool,
    /// Whether the layer is gone: the thread ends.
    stopped: bool,
    /// Waits that have not ended.
    waits: Vec<TimerEntry>,
}

/// One wait.
struct TimerEntry {
    /// When it ends, on the monotonic clock.
    until: Duration,
    /// Is sent to when the time has passed. Closed if no one waits any more.
    over: oneshot::Sender<()>,
}

impl DeadlineTimer {
    /// Returns a timer without a thread.
    pub(crate) fn new(clock: SharedClock) -> Self {
        Self(Arc::new(Shared {
            clock,
            state: Mutex::default(),
            wake: Condvar::new(),
        }))
    }

    /// Returns a receiver that is ready after this time. Dropping it ends the wait.
    ///
    /// If no thread can be started, it is ready at once, with an error: a wait without a deadline would be worse than
    /// a refused request.
    pub(crate) fn after(&self, limit: Duration) -> oneshot::Receiver<()> {
        let (over, waiting) = oneshot::channel();
        let until = self.0.clock.monotonic().saturating_add(limit);
        let mut state = self.0.lock();
        if !mem::replace(&mut state.running, true) {
            let shared = Arc::clone(&self.0);
            let thread = thread::Builder::new().name("palisade-audit-timer".into());
            if thread.spawn(move || shared.run()).is_err() {
                // Without a thread the wait is over at once: better refused than waiting for ever.
                state.running = false;
                return waiting;
            }
        }
        // Between two ticks the thread sleeps: many waits do not wake it many times.
        if state.waits.is_empty() {
            self.0.wake.notify_one();
        }
        state.waits.push(TimerEntry { until, over });
        drop(state);
        waiting
    }
}

impl Drop for DeadlineTimer {
    fn drop(&mut self) {
        self.0.lock().stopped = true;
        self.0.wake.notify_one();
    }
}

impl Shared {
    /// Ends waits until the timer is dropped.
    fn run(&self) {
        let mut state = self.lock();
        loop {
            let idle = |state: &mut State| state.waits.is_empty() && !state.stopped;
            state = self
                .wake
                .wait_while(state, idle)
                .unwrap_or_else(PoisonError::into_inner);
            if state.stopped {
                return;
            }
            let now = self.clock.monotonic();
            let (late, left) = mem::take(&mut state.waits)
                .into_iter()
                .filter(|wait| !wait.over.is_closed())
                .partition(|wait| wait.until <= now);
            state.waits = left;
            drop(state);
            send_all(late);
            state = self
                .wake
                .wait_timeout(self.lock(), TICK)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Takes the lock. A poisoned lock is used.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends waits. Called without the lock: this may run code of the receiver.
fn send_all(late: Vec<TimerEntry>) {
    for wait in late {
        let _ = wait.over.send(());
    }
}

impl fmt::Debug for DeadlineTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadlineTimer")
            .field("waits", &self.0.lock().waits.len())
            .finish()
    }
}
