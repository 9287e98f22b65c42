//! Logs changes of the writer's state: that writing fails, and that it works again.
//!
//! The writer thread calls it after each attempt. A lasting failure is one line a minute, not one
//! for each attempt.

use std::{io, time::Duration};

use palisade_internal::log_limit::LogLimit;

/// Whether the trail can be written, as it was last logged.
#[derive(Debug)]
pub(super) struct WriteHealth {
    /// The last error: its kind and its number. `None` while writing works.
    failing_with: Option<(io::ErrorKind, Option<i32>)>,
    /// Failed attempts since writing began to fail.
    attempts: u64,
    /// Admits one log line a minute.
    reminders: LogLimit,
}

impl Default for WriteHealth {
    fn default() -> Self {
        Self {
            failing_with: None,
            attempts: 0,
            reminders: LogLimit::per_minute(),
        }
    }
}

impl WriteHealth {
    /// Takes the result of an attempt to write.
    ///
    /// A failure is logged when it begins, when its error changes, and once a minute. Its end is
    /// logged once.
    pub(super) fn note(&mut self, outcome: &io::Result<()>, now: Duration) {
        match outcome {
            Ok(()) => {
                if self.failing_with.take().is_some() {
                    let attempts = std::mem::take(&mut self.attempts);
                    tracing::info!(target: "palisade::audit", attempts, "writes the audit trail again");
                }
            }
            Err(error) => self.failed(error, now),
        }
    }

    /// Logs a failure if it is new or a minute has passed.
    fn failed(&mut self, error: &io::Error, now: Duration) {
        self.attempts = self.attempts.saturating_add(1);
        let this = Some((error.kind(), error.raw_os_error()));
        let reminder = self.reminders.admit(now);
        if self.failing_with != this || reminder.is_some() {
            // Kind and number, and not the text, which may hold a path.
            let (kind, errno, attempts) = (error.kind(), error.raw_os_error(), self.attempts);
            tracing::error!(target: "palisade::audit", %kind, errno, attempts, "cannot write the audit trail");
        }
        self.failing_with = this;
    }
}
