//! The thread that sends messages, one after the other.

use std::time::Duration;

use super::{
    connection::Connection,
    message::{MessageHeader, Severity},
};
use crate::{
    error::SinkUnavailable,
    record::{AuditEvent, RequestRecord},
    sink::{
        job_queue::{Job, JobReceiver},
        repeat_lines::RepeatFilter,
    },
};

/// The state of the thread. It may block.
pub(super) struct SyslogSender {
    header: MessageHeader,
    connection: Connection,
    repeats: RepeatFilter,
    /// How many messages were made, also those that could not be sent: a receiver sees the gap.
    made: u64,
}

impl SyslogSender {
    /// Returns the state before the first message. `has_heads` tells whether responses wait.
    pub(super) fn new(header: MessageHeader, connection: Connection, has_heads: bool) -> Self {
        Self {
            header,
            connection,
            repeats: RepeatFilter::new(has_heads),
            made: 0,
        }
    }

    /// Sends until the queue is closed.
    pub(super) fn run(mut self, jobs: &JobReceiver) {
        while let Ok(job) = jobs.recv() {
            match job {
                Job::Event(event) => self.event(&event, jobs),
                Job::Flush(response) => {
                    let _ = response.send(Ok(()));
                }
                Job::Head(record, response) => {
                    let admitted = self.repeats.head(&record);
                    let _ = response.send(self.request(admitted, &record, "head", jobs));
                }
                Job::Request(record) => {
                    let admitted = self.repeats.request(&record);
                    let _ = self.request(admitted, &record, "request", jobs);
                }
            }
        }
        self.connection.close();
    }

    fn request(
        &mut self,
        admitted: Option<u64>,
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
        self.send(admitted, about, || record.to_json(), jobs)
    }

    fn event(&mut self, event: &AuditEvent, jobs: &JobReceiver) {
        let about = (
            Severity::Informational,
            event.time().unwrap_or_default(),
            "event",
        );
        let admitted = self.repeats.event(event);
        let _ = self.send(admitted, about, || event.to_json(), jobs);
    }

    /// Sends a record, unless it is a repetition. A message with the number of repetitions comes first.
    fn send(
        &mut self,
        admitted: Option<u64>,
        about: (Severity, Duration, &str),
        record: impl FnOnce() -> String,
        jobs: &JobReceiver,
    ) -> Result<(), SinkUnavailable> {
        let Some(held_back) = admitted else {
            return Ok(());
        };
        if held_back > 0 {
            let (severity, time, _) = about;
            let count = format!("{{\"type\":\"held_back\",\"count\":{held_back}}}");
            let _ = self.send_text((severity, time, "held_back"), &count, jobs);
        }
        self.send_text(about, &record(), jobs)
    }

    /// Sends a message, or counts it as lost. A change between both is logged.
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
