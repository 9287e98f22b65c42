//! Opening a connection: the try, its probe, and what is told when it fails.

use std::sync::atomic::Ordering;

use super::{Connection, ConnectionManager, PATIENT, lock};
use crate::store::{
    StoreProblem,
    redis::{
        calls::evaluate,
        error_codes::{self, problem_of},
        reply_time::within,
        script::ScriptCall,
        servers::Handle,
        store_metrics,
    },
};

impl ConnectionManager {
    /// Reconnects. Real calls must then show that the server works.
    ///
    /// # Errors
    ///
    /// Why the server cannot be used.
    pub(in crate::store::redis) async fn connect(&self, prefix: &str) -> Result<(), StoreProblem> {
        let handle = match self.try_connect(prefix).await {
            Ok(handle) => handle,
            Err(problem) => {
                self.not_connected(problem);
                return Err(problem);
            }
        };
        self.failures.store(0, Ordering::Relaxed);
        lock(&self.backoff).record_connected(self.clock.monotonic());
        *lock(&self.problem) = None;
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        self.current
            .send_replace(Some(Connection { handle, number }));
        self.changes.announce();
        store_metrics::up(true);
        tracing::info!(target: "palisade", "the store of the limits is up");
        Ok(())
    }

    /// Records why a try to connect failed. It is logged again only if the reason became more
    /// specific.
    pub(in crate::store::redis) fn not_connected(&self, problem: StoreProblem) {
        store_metrics::failed(problem);
        store_metrics::up(false);
        lock(&self.backoff).record_failed_probe();
        let before = lock(&self.problem).replace(problem);
        self.changes.announce();
        let news =
            before.is_some_and(|before| before != problem) && error_codes::is_telling(problem);
        if news && let Some(held_back) = self.problem_log.admit(self.clock.monotonic()) {
            tracing::warn!(
                target: "palisade",
                code = problem.code(),
                remedy = problem.remedy(),
                held_back,
                "the store of the limits is still away, for another reason"
            );
        }
    }

    /// Opens a connection and runs the probe.
    ///
    /// # Errors
    ///
    /// Why the server cannot be used.
    async fn try_connect(&self, prefix: &str) -> Result<Handle, StoreProblem> {
        let connecting = self.servers.connect();
        let handle = within(&self.clock, self.time_to_connect(), connecting).await;
        let handle = handle
            .ok_or(StoreProblem::Timeout)?
            .map_err(|error| problem_of(&error))?;
        // The first call may have to carry the script's text, and has more time.
        for (call, time) in [
            (ScriptCall::probe(prefix), PATIENT.max(self.deadline)),
            (ScriptCall::probe_back(prefix), self.deadline),
        ] {
            let probing = evaluate(handle.clone(), &call);
            let outcome = within(&self.clock, time, probing).await;
            outcome.ok_or(StoreProblem::Timeout)??;
        }
        Ok(handle)
    }
}
