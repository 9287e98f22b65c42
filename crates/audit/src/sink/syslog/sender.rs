//! The thread that sends messages, one after the other.

use std::{
    sync::mpsc::{RecvError, RecvTimeoutError},
    time::Duration,
};

use palisade_core::SharedClock;

use super::{
    connection::Connection,
    message::{MessageHeader, Severity},
};
use crate::{
    error::SinkUnavailable,
    record::{AuditEvent, RequestRecord},
    sink::{
        job_queue::{Job, JobReceiver},
        repeat_filter::{RepeatFilter, held_back},
        repeats::RepeatCount,
    },
};

/// The state of the thread. It may block.
pub(super) struct SyslogSender {
    /// What is the same in all messages: host, program and process.
    header: MessageHeader,
    /// The socket or the connection to the server, which is opened again after a failure.
    connection: Connection,
    /// Decides which repeated refusals are only counted.
    repeats: RepeatFilter,
    /// How many messages were made, also those that could not be sent: a receiver sees the gap.
    made: u64,
}

impl SyslogSender {
    /// Returns the state before the first message. `has_heads` tells whether responses wait.
    pub(super) fn new(
        header: MessageHeader,
        connection: Connection,
        has_heads: bool,
        clock: SharedClock,
    ) -> Self {
        Self {
            header,
            connection,
            repeats: RepeatFilter::new(has_heads, clock),
            made: 0,
        }
    }

    /// Sends until the queue is closed.
    pub(super) fn run(mut self, jobs: &JobReceiver) {
        while let Ok(job) = self.next_job(jobs) {
            let ended = self.repeats.take_ended();
            self.counts(&ended, jobs);
            if let Some(job) = job {
                self.take(job, jobs);
            }
        }
        self.all_counts(jobs);
        self.connection.close();
    }

    /// Waits for a job. `None`: a count is due before there is one.
    ///
    /// # Errors
    ///
    /// The sink is gone, and no job waits.
    fn next_job(&self, jobs: &JobReceiver) -> Result<Option<Job>, RecvError> {
        let Some(limit) = self.repeats.due_in() else {
            return jobs.recv().map(Some);
        };
        match jobs.recv_timeout(limit) {
            Ok(job) => Ok(Some(job)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(RecvError),
        }
    }

    /// Does one job. A flush sends the counts first, so that nothing is held back after it.
    fn take(&mut self, job: Job, jobs: &JobReceiver) {
        match job {
            Job::Event(event) => self.event(&event, jobs),
            Job::Flush(response) => {
                self.all_counts(jobs);
                let _ = response.send(Ok(()));
            }
            Job::Head(record, response) => {
                let outcome = match self.repeats.head(&record) {
                    true => self.request(&record, "head", jobs),
                    false => jobs.held_back(),
                };
                let _ = response.send(outcome);
            }
            Job::Request(record) => {
                if self.repeats.request(&record) {
                    let _ = self.request(&record, "request", jobs);
                }
            }
        }
    }

    /// Sends the counts whose window has not ended too.
    fn all_counts(&mut self, jobs: &JobReceiver) {
        let counts = self.repeats.take_all();
        self.counts(&counts, jobs);
    }

    /// Sends one message for each count. Its time is that of the last repetition.
    fn counts(&mut self, counts: &[RepeatCount], jobs: &JobReceiver) {
        for count in counts {
            let about = (Severity::Notice, count.last, "held_back");
            let _ = self.send_text(about, &held_back(count), jobs);
        }
    }

    /// Sends the record of a request. The severity says how it ended: `warning` for status 5xx, `notice` for a refusal,
    /// `informational` otherwise (RFC 5424, section 6.2.1).
    ///
    /// # Errors
    ///
    /// The message could not be sent, and is counted as lost.
    fn request(
        &mut self,
        record: &RequestRecord,
        kind: &str,
        jobs: &JobReceiver,
    ) -> Result<(), SinkUnavailable> {
        let severity = match record.status() {
            Some(status) if status.is_server_error() => Severity::Warning,
            _ if record.refusal_code().is_some() => Severity::Notice,
            _ => Severity::Informational,
        };
        let about = (severity, record.received_at(), kind);
        self.send_text(about, &record.to_json(), jobs)
    }

    /// Sends an event, unless it repeats another one of its client.
    fn event(&mut self, event: &AuditEvent, jobs: &JobReceiver) {
        if self.repeats.event(event) {
            let time = event.time().unwrap_or_default();
            let about = (Severity::Informational, time, "event");
            let _ = self.send_text(about, &event.to_json(), jobs);
        }
    }

    /// Sends a message, or counts it as lost. A change between both is logged.
    ///
    /// # Errors
    ///
    /// The message could not be sent.
    fn send_text(
        &mut self,
        about: (Severity, Duration, &str),
        text: &str,
        jobs: &JobReceiver,
    ) -> Result<(), SinkUnavailable> {
        let message = self.header.message(about, self.made, text);
        self.made = self.made.wrapping_add(1);
        let sent = self.connection.send(&message);
        let changed = jobs.note(sent.is_ok());
        match sent {
            Ok(()) => {
                if changed {
                    tracing::info!(target: "palisade::audit", "records are sent to syslog again");
                }
                Ok(())
            }
            Err(error) => {
                jobs.lost(1);
                if changed {
                    tracing::warn!(
                        target: "palisade::audit",
                        %error,
                        "records cannot be sent to syslog; they are counted as lost"
                    );
                }
                Err(SinkUnavailable::Failing)
            }
        }
    }
}
