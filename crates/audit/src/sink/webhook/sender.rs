//! The thread that sends the batches of the spool, oldest first and one at a time.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use palisade_core::SharedClock;

use super::{
    backoff::Backoff,
    signature,
    spool::{Spool, StoredBatch},
};
use crate::{
    key::AuditKey,
    sink::{
        http::{HttpClient, Reply, retry_after},
        job_queue::LossCounter,
    },
};

/// The state of the thread.
pub(super) struct Sender {
    pub(super) client: HttpClient,
    pub(super) spool: Arc<Spool>,
    pub(super) key: Option<AuditKey>,
    pub(super) backoff: Backoff,
    pub(super) clock: SharedClock,
    pub(super) losses: LossCounter,
    /// Whether the last try failed.
    pub(super) failing: bool,
}

/// What a try says about a batch.
enum Decision {
    /// The server has it.
    Taken,
    /// The server will never take it.
    Malformed(io::Error),
    /// It may be taken later, after a pause if the server asked for one.
    Later(io::Error, Option<Duration>),
}

impl Sender {
    /// Sends until the spool says that nothing is to be sent any more.
    pub(super) fn run(mut self) {
        while let Some(batch) = self.spool.wait_for_batch() {
            let pause = match self.spool.read(&batch) {
                Ok(body) => self.send(&batch, body),
                Err(error) => self.give_up(&batch, 1, &error),
            };
            if let Some(pause) = pause {
                let until = self.clock.monotonic().saturating_add(pause);
                if !self.spool.wait_until(&self.clock, until) {
                    return;
                }
            }
        }
    }

    /// Tries once to send a batch. Returns the pause before the next try, if there must be one.
    fn send(&mut self, batch: &StoredBatch, body: Vec<u8>) -> Option<Duration> {
        let lines = body.iter().filter(|byte| **byte == b'\n').count();
        match self.try_once(batch, &Bytes::from(body)) {
            Decision::Taken => {
                self.backoff.reset();
                self.tell(None);
                self.remove(batch);
                None
            }
            Decision::Malformed(problem) => {
                self.give_up(batch, u64::try_from(lines).unwrap_or(u64::MAX), &problem)
            }
            Decision::Later(problem, asked) => {
                self.tell(Some(&problem));
                Some(self.backoff.pause(asked))
            }
        }
    }

    fn try_once(&mut self, batch: &StoredBatch, body: &Bytes) -> Decision {
        let now = self.clock.unix_time();
        let headers = signature::headers(self.key.as_ref(), &batch.id, now, body);
        let spool = Arc::clone(&self.spool);
        match self.client.post(&headers, body, spool.stopped()) {
            Ok(reply) => decision(&reply, now),
            Err(problem) => Decision::Later(problem, None),
        }
    }

    /// Drops a batch that would stop all others.
    fn give_up(
        &mut self,
        batch: &StoredBatch,
        records: u64,
        problem: &io::Error,
    ) -> Option<Duration> {
        self.losses.lost(records);
        tracing::error!(target: "palisade::audit", error = %problem, records, batch = batch.id, "a batch for the webhook is dropped");
        self.remove(batch);
        // So that a server that calls everything malformed is not asked without a pause.
        Some(self.backoff.pause(None))
    }

    fn remove(&self, batch: &StoredBatch) {
        if let Err(error) = self.spool.remove(batch) {
            tracing::error!(target: "palisade::audit", %error, batch = batch.id, "cannot remove a batch that was sent; it will be sent again");
        }
    }

    /// Logs that sending began to fail, or works again.
    fn tell(&mut self, problem: Option<&io::Error>) {
        let failed = std::mem::replace(&mut self.failing, problem.is_some());
        match (failed, problem) {
            (false, Some(error)) => {
                tracing::warn!(target: "palisade::audit", %error, "batches cannot be sent to the webhook; they wait in the spool");
            }
            (true, None) => {
                tracing::info!(target: "palisade::audit", "batches are sent to the webhook again");
            }
            _ => {}
        }
    }
}

/// Decides by the status. A redirect is not followed: the batch would go where no one said.
fn decision(reply: &Reply, now: Duration) -> Decision {
    let problem = || io::Error::other(format!("status {}", reply.status));
    match reply.status.as_u16() {
        200..=299 => Decision::Taken,
        400 | 413 | 415 | 422 => Decision::Malformed(problem()),
        _ => Decision::Later(problem(), retry_after(reply.retry_after.as_ref(), now)),
    }
}
