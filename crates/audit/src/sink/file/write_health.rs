//! Logs changes of the writer's state: that writing fails, and that it works again.
//!
//! The writer thread calls it after each attempt. A lasting failure is one line a minute, not one for
//! each attempt.

use std::{io, time::Duration};

use palisade_internal::log_limit::LogLimit;

/// Whether the trail can be written, as it was logged last.
#[derive(Debug)]
pub(super) struct WriteHealth {
    failing_with: Option<(io::ErrorKind, Option<i32>)>,
    attempts: u64,
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
    /// Notes the outcome of an attempt to write. A failure is logged when it begins, when the
    /// system's error changes, and once a minute; and its end once.
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
