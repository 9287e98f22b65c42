//! The thread that sends the batches of the spool, oldest first and one at a time.
//!
//! A batch that the server does not take now is tried again. After some failures that may be the fault of the batch, the
//! next one is tried once: if the server takes that one, the first is divided, down to the record that is refused. A batch
//! that is a day old is divided too, also if nothing is taken meanwhile, and in the end set aside. Its parts do not wait
//! for another day: `doubt` decides.

use std::{io, mem, sync::Arc, time::Duration};

use bytes::Bytes;
use palisade_core::SharedClock;

use super::{
    backoff::Backoff,
    decision::Decision,
    doubt::{Doubt, FAILURES},
    signature,
    spool::{Spool, StoredBatch},
};
use crate::{
    key::AuditKey,
    sink::{http::HttpClient, job_queue::LossCounter},
};

/// The state of the thread.
pub(super) struct Sender {
    /// The connection to the server.
    pub(super) client: HttpClient,
    /// The folder that batches wait in.
    pub(super) spool: Arc<Spool>,
    /// Signs requests. `None`: they are not signed.
    pub(super) key: Option<AuditKey>,
    /// The pauses between tries.
    pub(super) backoff: Backoff,
    /// Measures pauses and ages, and is the time in signatures.
    pub(super) clock: SharedClock,
    /// Counts records of batches whose file is gone.
    pub(super) losses: LossCounter,
    /// Whether the last try failed.
    pub(super) failing: bool,
    /// The failures of the oldest batch that may be its own fault.
    pub(super) failures: u32,
    /// Whether the fault is with the batch.
    pub(super) doubt: Doubt,
    /// Host and port of the server, for metrics.
    #[cfg(feature = "metrics")]
    pub(super) receiver: String,
}

impl Sender {
    /// Sends until the spool says that nothing is to be sent any more.
    pub(super) fn run(mut self) {
        while self.spool.wait_for_batch() {
            let pause = self.step();
            self.publish();
            if let Some(pause) = pause {
                let until = self.clock.monotonic().saturating_add(pause);
                if !self.spool.wait_until(until) {
                    return;
                }
            }
        }
    }

    /// Tries one batch once. Returns the pause before the next try, if there must be one.
    fn step(&mut self) -> Option<Duration> {
        let passes_over = self.failures >= FAILURES && self.spool.len() > 1;
        let (batch, decision) = match self.spool.seal(usize::from(passes_over)) {
            Ok(Some(batch)) => {
                let decision = self.try_once(&batch);
                (batch, decision)
            }
            Ok(None) => return None,
            Err((batch, error)) => (batch, Decision::of_spool(error)),
        };
        if passes_over {
            return self.after_second(&batch, decision);
        }
        let before = mem::take(&mut self.failures);
        match decision {
            Decision::Doubtful(problem, asked) => {
                self.failures = before.saturating_add(1);
                match self.is_given_up(&batch) {
                    true => self.divide(&batch, &problem),
                    false => self.later(&problem, asked),
                }
            }
            Decision::Later(problem, asked) => {
                self.failures = before;
                self.later(&problem, asked)
            }
            other => self.after(&batch, other),
        }
    }

    /// Counts a failure that may be the fault of a batch. Returns whether it has failed for too long.
    fn is_given_up(&mut self, batch: &StoredBatch) -> bool {
        let age = self.spool.age(batch);
        self.doubt.failed(batch, age, self.clock.monotonic())
    }

    /// Sends a batch once. It is read from the spool and signed anew: the time in the signature is that of the try.
    fn try_once(&mut self, batch: &StoredBatch) -> Decision {
        let body = match self.spool.read(batch) {
            Ok(body) => Bytes::from(body),
            Err(error) => return Decision::of_spool(error),
        };
        let now = self.clock.unix_time();
        let headers = signature::headers(self.key.as_ref(), &batch.id(), now, &body);
        let spool = Arc::clone(&self.spool);
        match self.client.post(&headers, &body, spool.stopped()) {
            Ok(reply) => Decision::of_reply(&reply, now),
            Err(problem) => Decision::of_connection(problem),
        }
    }

    /// Does what was decided.
    fn after(&mut self, batch: &StoredBatch, decision: Decision) -> Option<Duration> {
        match decision {
            Decision::Taken => {
                self.backoff.reset();
                self.doubt.taken(batch);
                self.tell(None);
                self.remove(batch);
                None
            }
            Decision::TooLarge(problem) => {
                self.spool.merge_less_than(batch);
                self.divide(batch, &problem)
            }
            Decision::Refused(problem) => self.set_aside(batch, &problem),
            Decision::Gone(problem) => {
                self.forget(batch, &problem);
                None
            }
            Decision::Later(problem, asked) | Decision::Doubtful(problem, asked) => {
                self.later(&problem, asked)
            }
            Decision::Stopped => None,
        }
    }

    /// The second batch was tried in place of the first. If it was taken, the fault is with the first one.
    fn after_second(&mut self, batch: &StoredBatch, decision: Decision) -> Option<Duration> {
        self.failures = 0;
        let first = self.spool.front().filter(|first| first != batch);
        let is_taken = matches!(decision, Decision::Taken);
        let pause = self.after(batch, decision);
        match first.filter(|_| is_taken) {
            Some(first) => {
                let problem = io::Error::other("refused again and again, while others are taken");
                // One half is tried as often as the whole before it is divided again.
                self.doubt.give_up(&first);
                self.divide(&first, &problem)
            }
            None => pause,
        }
    }

    /// Divides a batch, or sets it aside if it has one record or cannot be read.
    fn divide(&mut self, batch: &StoredBatch, problem: &io::Error) -> Option<Duration> {
        match self.spool.split(batch) {
            Ok(()) => {
                let records = batch.records();
                tracing::warn!(target: "palisade::audit", error = %problem, records, batch = batch.id(), "a batch for the webhook is divided");
                None
            }
            // The halves cannot be written now, as on a full disk.
            Err(error) if batch.records() > 1 && self.spool.read(batch).is_ok() => {
                self.later(&error, None)
            }
            Err(_) => self.set_aside(batch, problem),
        }
    }

    /// Keeps a batch for the operator, which would stop all others.
    fn set_aside(&mut self, batch: &StoredBatch, problem: &io::Error) -> Option<Duration> {
        let records = batch.records();
        match self.spool.set_aside(batch) {
            Ok(()) => {
                self.count_refused(records);
                tracing::error!(target: "palisade::audit", error = %problem, records, batch = batch.id(), "a batch for the webhook is refused; it is kept in the folder refused of the spool");
                // So that a server that refuses everything is not asked without a pause.
                Some(self.backoff.pause(None))
            }
            Err(error) => self.later(&error, None),
        }
    }

    /// Counts the records of a batch that is not in the spool any more.
    fn forget(&mut self, batch: &StoredBatch, problem: &io::Error) {
        let records = batch.records();
        self.spool.forget(batch);
        self.losses.lost(records);
        tracing::error!(target: "palisade::audit", error = %problem, records, batch = batch.id(), "a batch for the webhook is gone from the spool; its records are counted as lost");
    }

    /// Removes a batch that was sent. If that fails, a receiver knows it by its identifier when it comes again.
    fn remove(&self, batch: &StoredBatch) {
        if let Err(error) = self.spool.remove(batch) {
            tracing::error!(target: "palisade::audit", %error, batch = batch.id(), "cannot remove a batch that was sent; it may be sent again after a restart");
        }
    }

    /// Returns the pause before the next try: the one that the server asked for, or a random one that grows.
    fn later(&mut self, problem: &io::Error, asked: Option<Duration>) -> Option<Duration> {
        self.tell(Some(problem));
        Some(self.backoff.pause(asked))
    }

    /// Logs that sending began to fail, or works again.
    fn tell(&mut self, problem: Option<&io::Error>) {
        let failed = mem::replace(&mut self.failing, problem.is_some());
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

    /// Publishes the age of the oldest batch.
    #[cfg(feature = "metrics")]
    fn publish(&self) {
        let age = self.spool.oldest_age().unwrap_or_default();
        metrics::gauge!("palisade_audit_webhook_oldest_age_seconds", "receiver" => self.receiver.clone())
            .set(age.as_secs_f64());
    }

    #[cfg(not(feature = "metrics"))]
    fn publish(&self) {}

    /// Counts refused records.
    #[cfg(feature = "metrics")]
    fn count_refused(&self, records: u64) {
        metrics::counter!("palisade_audit_webhook_refused_total", "receiver" => self.receiver.clone())
            .increment(records);
    }

    #[cfg(not(feature = "metrics"))]
    fn count_refused(&self, _: u64) {}
}
