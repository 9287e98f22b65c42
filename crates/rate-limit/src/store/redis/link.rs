//! The connection, its deadline and its breaker.

use std::{
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, ErrorKind, RedisResult, ServerErrorKind, Value,
    aio::MultiplexedConnection,
};
use tokio::{sync::Notify, time::timeout};

use super::script::Call;
use crate::Answer;

/// So many failures in a row are no accident.
const TOLERATED: u32 = 5;

/// A connection that takes longer is not worth waiting for; the next try follows soon.
const CONNECTING: Duration = Duration::from_millis(250);

/// Calls that wait to be written. More of them wait in their own futures, under their own deadlines.
const PIPELINE: usize = 1024;

/// Why there is no answer from the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Failure {
    /// The connection is gone.
    Lost,
    /// The reply is none of this script's.
    Malformed,
    /// The server would not run the script: full, read-only, locked, a foreign value under the key.
    Refused,
    /// The deadline is over.
    Slow,
}

/// A connection, and the how-manieth it is.
#[derive(Clone)]
pub(super) struct Line {
    connection: MultiplexedConnection,
    number: u64,
}

/// The way to the server.
pub(super) struct Link {
    client: Client,
    deadline: Duration,
    /// `None` while the breaker is open.
    line: RwLock<Option<Line>>,
    lines: AtomicU64,
    failures: AtomicU32,
    broken: Notify,
}

impl Link {
    /// Starts without a connection.
    pub(super) fn new(client: Client, deadline: Duration) -> Self {
        Self {
            client,
            deadline,
            line: RwLock::new(None),
            lines: AtomicU64::new(0),
            failures: AtomicU32::new(0),
            broken: Notify::new(),
        }
    }

    pub(super) const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Returns the connection, unless the breaker is open.
    pub(super) fn line(&self) -> Option<Line> {
        let line = self.line.read().unwrap_or_else(PoisonError::into_inner);
        line.clone()
    }

    /// Wakes whoever waits for the breaker to open, also to see that the store is gone.
    pub(super) fn wake(&self) {
        self.broken.notify_one();
    }

    pub(super) async fn broken(&self) {
        self.broken.notified().await;
    }

    /// Asks the server, within the deadline. Failures in a row open the breaker.
    pub(super) async fn ask(&self, line: Line, call: &Call) -> Result<Answer, Failure> {
        let number = line.number;
        let asking = timeout(self.deadline, run(line.connection, call));
        let answer = asking.await.unwrap_or(Err(Failure::Slow));
        match answer {
            Ok(_) => self.failures.store(0, Ordering::Relaxed),
            Err(failure) => self.failed(number, failure),
        }
        answer
    }

    fn failed(&self, number: u64, failure: Failure) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if failures < TOLERATED && failure != Failure::Lost {
            return;
        }
        // Of many that fail at once, one finds the connection and says so. One that comes late finds
        // the next connection, which is none of its business.
        let taken = {
            let mut line = self.line.write().unwrap_or_else(PoisonError::into_inner);
            line.take_if(|line| line.number == number)
        };
        if taken.is_some() {
            tracing::warn!(target: "palisade", ?failure, "the store of the limits is away: policies follow their failure modes");
            self.wake();
        }
    }

    /// Connects anew and lets the script prove that the server is of use. Returns whether it is.
    pub(super) async fn mend(&self, prefix: &str) -> bool {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECTING))
            .set_response_timeout(Some(CONNECTING))
            .set_pipeline_buffer_size(PIPELINE);
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let Ok(Ok(connection)) = timeout(CONNECTING, connecting).await else {
            return false;
        };
        let proof = timeout(CONNECTING, run(connection.clone(), &Call::probe(prefix))).await;
        if !matches!(proof, Ok(Ok(_))) {
            return false;
        }
        self.failures.store(0, Ordering::Relaxed);
        let number = self.lines.fetch_add(1, Ordering::Relaxed);
        let mut line = self.line.write().unwrap_or_else(PoisonError::into_inner);
        *line = Some(Line { connection, number });
        tracing::info!(target: "palisade", "the store of the limits is up");
        true
    }
}

async fn run(mut connection: MultiplexedConnection, call: &Call) -> Result<Answer, Failure> {
    let reply: RedisResult<Value> = match call.by_digest().query_async(&mut connection).await {
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
            call.by_text().query_async(&mut connection).await
        }
        other => other,
    };
    match reply {
        Ok(reply) => call.read(&reply),
        Err(error) if error.is_timeout() => Err(Failure::Slow),
        Err(error) if error.is_io_error() || error.is_connection_dropped() => Err(Failure::Lost),
        Err(_) => Err(Failure::Refused),
    }
}
