//! Writes records as log lines of `tracing`.
//!
//! Repeated refusals of one client are limited to one line in 60 seconds, so a client cannot fill
//! the log. The table of clients is bounded.

use std::sync::{Arc, Mutex, PoisonError};

use palisade_core::{MaybeReady, SharedClock, SystemClock};

use super::{
    Sink,
    repeat_filter::{RepeatFilter, held_back},
    repeats::RepeatCount,
};
use crate::{
    error::SinkUnavailable,
    record::{AuditEvent, RequestRecord},
};

/// Writes every record as a log line of `tracing`, level `INFO`, target `palisade::audit`.
///
/// The message is the record as JSON. `id`, `status`, `how` and `refused` are also fields, for
/// filters. Of each client address, guard and code only the first refusal in 60 seconds is a line,
/// and so with connection events of a client. A line `held_back` has the number of the others, and
/// whom they are about. It is written with the next line after the 60 seconds, and at a flush or close.
///
/// A log can be lost or rewritten by the subscriber: for a trail that can be verified, use a
/// [`FileSink`](crate::FileSink).
///
/// ```
/// use palisade_audit::{AuditLayer, TracingSink};
///
/// let layer = AuditLayer::builder().sink(TracingSink::new()).build()?;
/// # let _ = layer; Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
///
/// Beside a file, for the log of the container. A test that moves the clock of the layer gives it to the sink too:
///
/// ```
/// use std::time::Duration;
/// use palisade_audit::{AuditLayer, MemorySink, TracingSink};
/// use palisade_core::ManualClock;
///
/// let clock = ManualClock::new(Duration::from_secs(1_700_000_000));
/// let layer = AuditLayer::builder()
///     .clock(clock.shared())
///     .sink(MemorySink::new()) // in a service: a `FileSink`
///     .sink(TracingSink::new().clock(clock.shared()))
///     .build()?;
/// # let _ = layer; Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TracingSink {
    /// What was held back; shared by all clones.
    repeats: Arc<Mutex<RepeatFilter>>,
}

impl TracingSink {
    /// Returns a sink that has written no line.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(SystemClock::shared())
    }

    /// Measures the 60 seconds by this clock, and starts with empty counts. Default: the system clock.
    ///
    /// The times in records are those of the layer.
    #[must_use]
    pub fn clock(self, clock: SharedClock) -> Self {
        Self::with_clock(clock)
    }

    fn with_clock(clock: SharedClock) -> Self {
        Self {
            repeats: Arc::new(Mutex::new(RepeatFilter::new(false, clock))),
        }
    }

    /// Writes the counts that are due, and returns whether a record is written. Lines are written without the lock: a
    /// subscriber is code of others.
    fn admits(&self, decide: impl FnOnce(&mut RepeatFilter) -> bool) -> bool {
        let mut repeats = self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = repeats.take_ended();
        let admitted = decide(&mut repeats);
        drop(repeats);
        write_counts(&ended);
        admitted
    }
}

impl Default for TracingSink {
    fn default() -> Self {
        Self::new()
    }
}

fn write_counts(counts: &[RepeatCount]) {
    for count in counts {
        tracing::info!(target: "palisade::audit", held_back = count.count, "{}", held_back(count));
    }
}

impl Sink for TracingSink {
    fn record_event(&self, event: &Arc<AuditEvent>) {
        // The record is only written when a subscriber is interested.
        if !tracing::enabled!(target: "palisade::audit", tracing::Level::INFO)
            || !self.admits(|repeats| repeats.event(event))
        {
            return;
        }
        tracing::info!(target: "palisade::audit", event_id = event.id(), "{}", event.to_json());
    }

    fn record_request(&self, event: &Arc<RequestRecord>) {
        if !tracing::enabled!(target: "palisade::audit", tracing::Level::INFO)
            || !self.admits(|repeats| repeats.request(event))
        {
            return;
        }
        tracing::info!(
            target: "palisade::audit",
            id = %event.request_id(),
            status = event.status().map(|status| status.as_u16()),
            how = event.outcome().map(|outcome| outcome.kind.as_str()),
            refused = event.refusal_code(),
            "{}",
            event.to_json()
        );
    }

    fn flush(&self) -> MaybeReady<Result<(), SinkUnavailable>> {
        let mut repeats = self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = repeats.take_all();
        drop(repeats);
        write_counts(&counts);
        MaybeReady::Ready(Ok(()))
    }
}
