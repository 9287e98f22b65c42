//! The state of the store for health checks and operators, and the record of lost settlements.
//!
//! Warnings are logged at most once a minute, with the number of those that were suppressed.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use palisade_core::SharedClock;
use palisade_internal::log_limit::LogLimit;

use super::{
    RedisStore,
    script::ScriptCall,
    store_metrics::{self, LostKind},
};
use crate::store::{StoreProblem, nanoseconds};

/// The state of a shared store. For health checks and dashboards.
///
/// [`RedisStore::status`] returns it from memory, and [`RedisStore::check`] after a call of the server.
///
/// ```no_run
/// use palisade_rate_limit::RedisStore;
///
/// fn report(store: &RedisStore) -> String {
///     let status = store.status();
///     match status.problem {
///         Some(problem) => format!("limits count on this node only: {problem}"),
///         None => format!("limits are shared by {} nodes", status.nodes),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct StoreStatus {
    /// Whether the store calls the server. `false` while the circuit breaker is open.
    pub up: bool,
    /// Why the server is not called, while `up` is `false`.
    pub problem: Option<StoreProblem>,
    /// The number of nodes when this node last registered, including itself.
    pub nodes: u32,
    /// Settlements and penalties that have not reached the server yet.
    pub unsettled: u64,
    /// Settlements and penalties since the start that will never arrive: there was no space, or a
    /// connection broke while they were given back.
    pub lost: u64,
}

impl RedisStore {
    /// Returns the state of the store, from memory. Costs no call of the server.
    #[must_use]
    pub fn status(&self) -> StoreStatus {
        let up = self.is_up();
        StoreStatus {
            up,
            problem: self.0.connections.problem().filter(|_| !up),
            nodes: self.0.nodes.load(Ordering::Relaxed),
            unsettled: self.unsettled(),
            lost: self.0.losses.count.load(Ordering::Relaxed),
        }
    }

    /// Calls the server now, as a request would, registers this node, reads the overrides, and returns the
    /// state of the store. Limits of concurrent requests and budgets over the store are probed too.
    ///
    /// In a cluster one node is called.
    ///
    /// # Errors
    ///
    /// [`StoreProblem`]: why the server cannot be used now. A store that cannot be reached and will be tried again soon is
    /// not called; the problem is then the last one.
    ///
    /// ```no_run
    /// use palisade_rate_limit::RedisStore;
    ///
    /// /// For a readiness probe: the limits are shared, or it says why not.
    /// async fn ready(store: &RedisStore) -> Result<u32, String> {
    ///     store.check().await.map(|status| status.nodes).map_err(|problem| problem.to_string())
    /// }
    /// ```
    pub async fn check(&self) -> Result<StoreStatus, StoreProblem> {
        let connections = &self.0.connections;
        let Some(connection) = connections.connection() else {
            return Err(connections
                .problem()
                .unwrap_or(StoreProblem::ConnectionLost));
        };
        connections
            .run_script(connection, &ScriptCall::probe(&self.0.prefix))
            .await?;
        self.0.count_nodes().await;
        self.0.refresh_overrides().await;
        self.0.check_parts().await?;
        Ok(self.status())
    }

    /// Returns the number of settlements, penalties and requests of an outage that have not reached the server.
    ///
    /// At the end of a process, wait for [`settled`](Self::settled): what still waits then is lost.
    #[must_use]
    pub fn unsettled(&self) -> u64 {
        let queues = [&self.0.settlements, &self.0.penalties, &self.0.outage_usage];
        queues.iter().map(|queue| queue.settlements()).sum()
    }

    /// Waits until nothing is [unsettled](Self::unsettled): all settlements, penalties and requests of
    /// an outage have reached the server, or are counted as lost.
    ///
    /// While the server cannot be reached this waits, without a limit. While requests arrive, there may always
    /// be something that waits: stop the server first.
    ///
    /// # Examples
    ///
    /// The last step of a process, for two seconds at most:
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use palisade_rate_limit::RedisStore;
    ///
    /// async fn finish(store: &RedisStore) {
    ///     let settled = tokio::time::timeout(Duration::from_secs(2), store.settled());
    ///     if settled.await.is_err() {
    ///         eprintln!("{} settlements are lost", store.unsettled());
    ///     }
    /// }
    /// ```
    pub async fn settled(&self) {
        self.wait_for(|status| status.unsettled == 0).await;
    }

    /// Waits until the status fulfils a condition, and returns that status.
    ///
    /// The condition is checked at once, then at each change of [`up`](StoreStatus::up) or
    /// [`problem`](StoreStatus::problem), and when a queue of settlements becomes empty. Changes of the
    /// other numbers alone are not noticed.
    ///
    /// # Examples
    ///
    /// A service that starts to accept requests when its limits are shared:
    ///
    /// ```no_run
    /// use palisade_rate_limit::RedisStore;
    ///
    /// async fn start(store: &RedisStore) {
    ///     let status = store.wait_for(|status| status.up).await;
    ///     println!("limits are shared by {} nodes", status.nodes);
    /// }
    /// ```
    pub async fn wait_for(&self, mut condition: impl FnMut(&StoreStatus) -> bool) -> StoreStatus {
        let mut changes = self.0.changes.subscribe();
        loop {
            let status = self.status();
            if condition(&status) {
                return status;
            }
            // The sender lives as long as the store, so this cannot fail.
            let _ = changes.changed().await;
        }
    }

    /// Tells whether the store calls the server. `false` while the circuit breaker is open.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.0.connections.is_up()
    }
}

/// The number of lost settlements, and how long they matter.
///
/// A lost charge is unknown to the server until its bucket would be full again anyway. For that long this node
/// also counts it itself.
#[derive(Debug)]
pub(super) struct LossRecord {
    /// Settlements that were given up since the process began.
    count: AtomicU64,
    /// Until then, in nanoseconds, the server may not know of a charge that was lost here.
    doubt: AtomicU64,
    /// Measures how long a loss matters.
    clock: SharedClock,
    /// Bounds the lines about settlements.
    settlements_log: LogLimit,
    /// Bounds the lines about nodes that cannot be counted.
    nodes_log: LogLimit,
    /// Bounds the lines about overrides that cannot be read.
    overrides_log: LogLimit,
    /// Bounds the lines about budgets that stay reserved.
    #[cfg(feature = "budgets")]
    budgets_log: LogLimit,
}

impl LossRecord {
    /// Nothing is lost yet. The clock bounds the log lines.
    pub(super) fn new(clock: SharedClock) -> Self {
        Self {
            count: AtomicU64::new(0),
            doubt: AtomicU64::new(0),
            clock,
            settlements_log: LogLimit::per_minute(),
            nodes_log: LogLimit::per_minute(),
            overrides_log: LogLimit::per_minute(),
            #[cfg(feature = "budgets")]
            budgets_log: LogLimit::per_minute(),
        }
    }

    /// Returns the time of the clock of the store.
    pub(super) fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Tells whether charges were lost that the server should know.
    pub(super) fn in_doubt(&self, now: Duration) -> bool {
        nanoseconds(now) < self.doubt.load(Ordering::Relaxed)
    }

    /// Extends the doubt for as long as a lost charge can matter.
    pub(super) fn doubt_until(&self, now: Duration, longest: u64) {
        let until = nanoseconds(now).saturating_add(longest);
        self.doubt.fetch_max(until, Ordering::Relaxed);
    }

    /// Counts lost settlements, and logs them once a minute.
    pub(super) fn count(&self, what: LostKind, settlements: u64) {
        if settlements == 0 {
            return;
        }
        self.count.fetch_add(settlements, Ordering::Relaxed);
        store_metrics::lost(what, settlements);
        if let Some(held_back) = self.settlements_log.admit(self.clock.monotonic()) {
            tracing::warn!(
                target: "palisade",
                kind = what.label(),
                held_back,
                "settlements of limits did not reach the store: what was to be given back stays charged, \
                 and charges hold on this node only; check the store, or raise `settlement_memory`"
            );
        }
    }

    /// Logs, once a minute, that a budget was not settled. Each request with a budget can cause it.
    #[cfg(feature = "budgets")]
    pub(super) fn unsettled_budget(&self) {
        if let Some(held_back) = self.budgets_log.admit(self.clock.monotonic()) {
            tracing::warn!(
                target: "palisade",
                held_back,
                "a budget was not settled: its reserve stays charged until its window ends"
            );
        }
    }

    /// Logs, once a minute, that the overrides could not be read.
    pub(super) fn unread_overrides(&self, problem: StoreProblem) {
        if let Some(held_back) = self.overrides_log.admit(self.clock.monotonic()) {
            tracing::warn!(
                target: "palisade",
                code = problem.code(),
                held_back,
                "the overrides of limits cannot be read, and those known before apply: allow the user GET on \
                 PREFIX:{{overrides}}, or delete that key if another program wrote it"
            );
        }
    }

    /// Logs, once a minute, that the nodes could not be counted.
    pub(super) fn uncounted_nodes(&self, problem: StoreProblem) {
        if let Some(held_back) = self.nodes_log.admit(self.clock.monotonic()) {
            tracing::warn!(
                target: "palisade",
                code = problem.code(),
                held_back,
                "the nodes that share the limits cannot be counted: set `share` to their number, or \
                 allow the user ZADD, ZCARD, ZREMRANGEBYSCORE and EXPIRE"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use palisade_core::ManualClock;
    use palisade_internal::log_lines;

    use super::*;

    #[test]
    fn lost_settlements_write_one_line_a_minute_of_the_clock_of_the_store() {
        let clock = ManualClock::new(Duration::from_secs(1_800_000_000));
        let losses = LossRecord::new(clock.shared());
        let lose = || {
            log_lines::count(|| {
                for _ in 0..100 {
                    losses.count(LostKind::Refund, 1);
                    losses.uncounted_nodes(StoreProblem::Timeout);
                }
            })
        };
        assert_eq!([lose(), lose()], [2, 0]);
        clock.advance(Duration::from_secs(61));
        assert_eq!(lose(), 2);
    }
}
