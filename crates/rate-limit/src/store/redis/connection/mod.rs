//! The connection to the server: deadlines of calls, and the circuit breaker. `connecting` opens it.
//!
//! Five failures in a row, or a lost connection, end the connection (circuit breaker). While there
//! is none, callers use the fallback, and a background task reconnects after a pause (`backoff`).
//! Each change of state is one log line and one metric, never one per request.

mod connecting;

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use palisade_core::SharedClock;
use palisade_internal::log_limit::LogLimit;
use redis::{Cmd, FromRedisValue, RedisResult};
use tokio::{sync::watch, time::timeout};

use super::{
    backoff::Backoff,
    calls::{evaluate, send_all},
    error_codes::problem_of,
    permissions::is_refused,
    reply_time::within,
    script::{ScriptCall, count_nodes},
    servers::{Handle, Servers},
    status_changes::StatusChanges,
    store_metrics,
};
use crate::store::{StoreDecision, StoreProblem};

/// The failures in a row that open the circuit breaker.
const TOLERATED: u32 = 5;

/// The time limit of the first call over a new connection, and of a call for an operator.
pub(super) const PATIENT: Duration = Duration::from_millis(250);

/// The time limit of a batch of settlements. It is longer than for requests, because no client
/// waits.
pub(super) const DELIVERING: Duration = Duration::from_secs(2);

/// A connection and its number: a late failure must not end the next connection. Clones share the connection.
#[derive(Clone)]
pub(super) struct Connection {
    /// The connection to one server, to a cluster, or to the server that the sentinels name.
    handle: Handle,
    /// Counts up with each new connection.
    number: u64,
}

/// The outcome of one settlement. Decides whether it is sent again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum DeliveryOutcome {
    /// It was applied.
    Done,
    /// The server refused it for a reason that may be temporary.
    NotApplied,
    /// The server refuses it permanently.
    Rejected,
    /// There was no reply: it may have been applied or not.
    Unknown,
}

/// The connection to the server, or the reason why there is none.
///
/// States: *up* with a [`Connection`], or *away* with a [`StoreProblem`]. Failures lead from the first to the
/// second, and [`connect`](Self::connect) back. Every request reads the state, and none changes it but by a
/// failure of its own call.
pub(super) struct ConnectionManager {
    /// How a connection is opened.
    servers: Servers,
    /// The time limit of a call that a request waits for.
    deadline: Duration,
    /// `None` while the server is not asked.
    current: watch::Sender<Option<Connection>>,
    /// How many connections there were. Gives each its number.
    connections: AtomicU64,
    /// Failed calls in a row. A few are tolerated before the server counts as away.
    failures: AtomicU32,
    /// Why there is no connection, for the operator and for metrics.
    problem: Mutex<Option<StoreProblem>>,
    /// When the next try begins.
    backoff: Mutex<Backoff>,
    /// Measures deadlines and pauses.
    clock: SharedClock,
    /// Bounds the log: an outage is one line, and then one a minute.
    problem_log: LogLimit,
    /// Wakes tasks that wait until the server is there, or away.
    changes: StatusChanges,
}

impl ConnectionManager {
    /// Starts without a connection.
    pub(super) fn new(
        servers: Servers,
        deadline: Duration,
        changes: StatusChanges,
        clock: SharedClock,
    ) -> Self {
        Self {
            servers,
            deadline,
            current: watch::Sender::new(None),
            connections: AtomicU64::new(0),
            failures: AtomicU32::new(0),
            problem: Mutex::new(None),
            backoff: Mutex::default(),
            clock,
            problem_log: LogLimit::per_minute(),
            changes,
        }
    }

    /// Returns the deadline of a call for a request.
    pub(super) const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Returns the connection, if the circuit breaker is closed.
    pub(super) fn connection(&self) -> Option<Connection> {
        self.current.borrow().clone()
    }

    /// Whether the buckets of different subjects may be on different servers.
    pub(super) const fn is_cluster(&self) -> bool {
        self.servers.is_cluster()
    }

    /// Returns the time limit of one try to connect.
    pub(super) const fn time_to_connect(&self) -> Duration {
        self.servers.time_to_connect()
    }

    /// Tells whether requests are sent to the server now.
    pub(super) fn is_up(&self) -> bool {
        self.current.borrow().is_some()
    }

    /// Returns a receiver of changes of the connection, for background tasks. It ends with the manager.
    pub(super) fn subscribe(&self) -> watch::Receiver<Option<Connection>> {
        self.current.subscribe()
    }

    /// Returns why the connection was given up, while there is none.
    pub(super) fn problem(&self) -> Option<StoreProblem> {
        *lock(&self.problem)
    }

    /// Returns how long to wait before the next try to connect.
    pub(super) fn pause(&self, random: u64) -> Duration {
        lock(&self.backoff).pause(random)
    }

    /// Calls the script, within the deadline. If a reply is late because this process was not scheduled, the call
    /// waits longer.
    ///
    /// # Errors
    ///
    /// Why there is no decision. Failures in a row end the connection.
    pub(super) async fn run_script(
        &self,
        connection: Connection,
        call: &ScriptCall,
    ) -> Result<StoreDecision, StoreProblem> {
        let number = connection.number;
        let start = self.clock.monotonic();
        let asking = evaluate(connection.handle, call);
        let outcome = within(&self.clock, self.deadline, asking).await;
        let passed = self.clock.monotonic().saturating_sub(start);
        // Longer ones hold a delay of this process, or are counted as failures.
        if passed <= self.deadline {
            store_metrics::round_trip(passed);
        }
        self.record_outcome(number, outcome)
    }

    /// Makes a call of another part within a time limit, and counts its outcome as that of a request. A user that may not
    /// run what the part needs is no failure: limits go on.
    ///
    /// # Errors
    ///
    /// The call failed, or there was no reply in time.
    pub(super) async fn call<T, F>(
        &self,
        connection: Connection,
        patience: Duration,
        call: impl FnOnce(Handle) -> F,
    ) -> Result<T, StoreProblem>
    where
        F: Future<Output = Result<T, StoreProblem>>,
    {
        let Connection { handle, number } = connection;
        let outcome = within(&self.clock, patience, call(handle)).await;
        self.record_of_part(number, outcome)
    }

    /// Deletes a key, which makes its bucket full.
    ///
    /// # Errors
    ///
    /// The server did not confirm it within a quarter of a second.
    pub(super) async fn delete(
        &self,
        connection: Connection,
        key: &str,
    ) -> Result<(), StoreProblem> {
        let mut command = redis::cmd("DEL");
        command.arg(key);
        self.run_command::<i64>(connection, command).await.map(drop)
    }

    /// Runs a command for an operator, and counts its outcome as [`call`](Self::call) does.
    ///
    /// # Errors
    ///
    /// The server did not reply within a quarter of a second, or not with such a value.
    pub(super) async fn run_command<T: FromRedisValue>(
        &self,
        connection: Connection,
        command: Cmd,
    ) -> Result<T, StoreProblem> {
        let Connection { mut handle, number } = connection;
        let running = async {
            let reply: RedisResult<T> = command.query_async(&mut handle).await;
            reply.map_err(|error| problem_of(&error))
        };
        let outcome = within(&self.clock, PATIENT.max(self.deadline), running).await;
        self.record_of_part(number, outcome)
    }

    /// Registers this node and returns how many there are.
    ///
    /// # Errors
    ///
    /// As for [`query`](Self::query).
    pub(super) async fn nodes(
        &self,
        connection: Connection,
        prefix: &str,
        node: &str,
    ) -> Result<u32, StoreProblem> {
        self.query(connection, count_nodes(prefix, node)).await
    }

    /// Runs a command of a heartbeat. The connection is not given up if it fails.
    ///
    /// # Errors
    ///
    /// The server did not reply within two seconds or not with such a value, or the user may not run the command.
    pub(super) async fn query<T: FromRedisValue>(
        &self,
        connection: Connection,
        command: Cmd,
    ) -> Result<T, StoreProblem> {
        let Connection { mut handle, .. } = connection;
        let querying = timeout(DELIVERING, command.query_async(&mut handle)).await;
        let reply: RedisResult<T> = querying.map_err(|_| StoreProblem::Timeout)?;
        reply.map_err(|error| problem_of(&error))
    }

    /// Sends settlements in one batch. Returns the outcome of each, in their order.
    pub(super) async fn deliver(
        &self,
        connection: Connection,
        calls: &[ScriptCall],
    ) -> Vec<DeliveryOutcome> {
        let number = connection.number;
        let sending = send_all(connection.handle, calls);
        let outcome = within(&self.clock, DELIVERING, sending).await;
        match self.record_outcome(number, outcome) {
            Ok((deliveries, None)) => deliveries,
            Ok((deliveries, Some(problem))) => {
                self.record_failure(number, problem);
                deliveries
            }
            Err(_) => vec![DeliveryOutcome::Unknown; calls.len()],
        }
    }

    /// Counts an outcome as success or failure of the connection.
    ///
    /// # Errors
    ///
    /// The problem of the call, or [`StoreProblem::Timeout`] if it has no outcome.
    fn record_outcome<T>(
        &self,
        number: u64,
        outcome: Option<Result<T, StoreProblem>>,
    ) -> Result<T, StoreProblem> {
        let outcome = outcome.unwrap_or(Err(StoreProblem::Timeout));
        match &outcome {
            Ok(_) => self.failures.store(0, Ordering::Relaxed),
            Err(problem) => self.record_failure(number, *problem),
        }
        outcome
    }

    /// Counts an outcome as [`record_outcome`](Self::record_outcome) does, but a refusal of the call to this user only in
    /// the metrics.
    ///
    /// # Errors
    ///
    /// As there.
    fn record_of_part<T>(
        &self,
        number: u64,
        outcome: Option<Result<T, StoreProblem>>,
    ) -> Result<T, StoreProblem> {
        match outcome {
            Some(Err(problem)) if is_refused(problem) => {
                store_metrics::failed(problem);
                Err(problem)
            }
            outcome => self.record_outcome(number, outcome),
        }
    }

    /// Counts a failure, and ends the connection after too many in a row.
    ///
    /// A lost connection, and a server that became a replica, end it at once: more calls would fail too. A bucket
    /// with a value of another program is no failure of the server.
    fn record_failure(&self, number: u64, problem: StoreProblem) {
        store_metrics::failed(problem);
        // One key holds a value that is not a bucket; the server itself works.
        if problem == StoreProblem::ForeignValue {
            return;
        }
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        // The address leads to another server after a failover: there is nothing to wait for.
        let is_final = matches!(
            problem,
            StoreProblem::ConnectionLost | StoreProblem::ReadOnly
        );
        if failures < TOLERATED && !is_final {
            return;
        }
        // Of many calls that fail at once, the first ends the connection and logs it. A late failure
        // meets the next connection and must not end it.
        let given_up = self.current.send_if_modified(|current| {
            current
                .take_if(|connection| connection.number == number)
                .is_some()
        });
        if given_up {
            lock(&self.backoff).record_failed(self.clock.monotonic());
            *lock(&self.problem) = Some(problem);
            self.changes.announce();
            store_metrics::up(false);
            tracing::warn!(
                target: "palisade",
                number = "PAL0019",
                code = problem.code(),
                remedy = problem.remedy(),
                "the store of the limits cannot be reached: policies follow their failure modes"
            );
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
