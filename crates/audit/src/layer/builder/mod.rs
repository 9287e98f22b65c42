//! The settings of an [`AuditLayer`].
//!
//! `records` has those of what is written in a record. What can be found wrong before the first request is found by
//! `build`: no sink, a field that is correlated without a key, a credential that would be recorded in clear.

mod records;

use std::{
    fmt,
    sync::{Arc, RwLock},
    time::Duration,
};

use palisade_core::{Rejection, SharedClock, SystemClock};

use super::{
    AuditLayer, AuditRule, Inner,
    left_out::LeftOut,
    open_requests::OpenRequests,
    rules::Rules,
    sinks::{MAX_SINKS, SinkPolicy, SinkSlot, Sinks},
};
use crate::{
    error::AuditBuildError,
    key::AuditKey,
    record::redaction::Redaction,
    record::{AuditEvent, event_id},
    sink::Sink,
};

/// The `Retry-After` (RFC 9110, section 10.2.3) of a refusal while nothing can be recorded.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The default of [`AuditLayerBuilder::deadline`].
const DEADLINE: Duration = Duration::from_secs(5);
/// The default of [`AuditLayerBuilder::close_deadline`].
const CLOSE_DEADLINE: Duration = Duration::from_secs(10);

/// Settings of an [`AuditLayer`], from [`AuditLayer::builder`].
///
/// | setting | default |
/// |---|---|
/// | sinks | none; one is needed, 64 are allowed |
/// | [`deadline`](Self::deadline) | 5 seconds |
/// | [`close_deadline`](Self::close_deadline) | 10 seconds |
/// | [`clock`](Self::clock) | the system clock |
/// | client addresses | recorded whole |
/// | headers, query parameters | not recorded |
/// | paths without a known route | recorded as length and code |
/// | principals | recorded with their names |
/// | [`rule`](Self::rule) | none: every request is recorded |
///
/// # Examples
///
/// The defaults, with one sink:
///
/// ```
/// use palisade_audit::{AuditLayer, MemorySink};
///
/// let layer = AuditLayer::builder().sink(MemorySink::new()).build()?;
/// assert!(!layer.is_fail_closed());
/// # Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
///
/// With masked addresses, and a query parameter as a code under a key:
///
/// ```
/// use palisade_audit::{AuditKey, AuditLayer, MemorySink};
///
/// let layer = AuditLayer::builder()
///     .sink(MemorySink::new())
///     .correlation_key(AuditKey::generate()?)
///     .correlate_query("user")
///     .mask_client_address()
///     .build()?;
/// # let _ = layer; Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
#[must_use]
pub struct AuditLayerBuilder {
    /// The clock of the layer. `None`: the system clock.
    clock: Option<SharedClock>,
    /// What may be recorded of request heads.
    redaction: Redaction,
    /// Which requests are recorded.
    rules: Vec<AuditRule>,
    /// Sinks with their policies, in the order in which they were added.
    sinks: Vec<(Arc<dyn Sink>, SinkPolicy)>,
    /// The longest wait for head records.
    deadline: Duration,
    /// The longest wait of a close for requests, and again for sinks.
    close_deadline: Duration,
}

impl Default for AuditLayerBuilder {
    fn default() -> Self {
        Self {
            clock: None,
            redaction: Redaction::default(),
            rules: Vec::new(),
            sinks: Vec::new(),
            deadline: DEADLINE,
            close_deadline: CLOSE_DEADLINE,
        }
    }
}

impl AuditLayerBuilder {
    /// Adds a sink with the policy [`Required`](SinkPolicy::Required).
    ///
    /// Every sink gets every record. If this one cannot keep a record that it
    /// [requires](Sink::requires_head_records) before the response, the request is refused with
    /// 503. See [`sink_with`](Self::sink_with) for other policies.
    pub fn sink(self, sink: impl Sink) -> Self {
        self.sink_with(SinkPolicy::Required, sink)
    }

    /// Adds a sink with a policy: what happens to a request that this sink cannot record.
    ///
    /// A layer takes at most 64 sinks. They are called in the order in which they were added.
    ///
    /// ```
    /// use palisade_audit::{AuditLayer, MemorySink, SinkPolicy};
    ///
    /// // One of the two is enough.
    /// let layer = AuditLayer::builder()
    ///     .sink_with(SinkPolicy::OneSuffices, MemorySink::new())
    ///     .sink_with(SinkPolicy::OneSuffices, MemorySink::new())
    ///     .build()?;
    /// # let _ = layer; Ok::<(), palisade_audit::AuditBuildError>(())
    /// ```
    pub fn sink_with(mut self, policy: SinkPolicy, sink: impl Sink) -> Self {
        self.sinks.push((Arc::new(sink), policy));
        self
    }

    /// Sets how long a response waits for the head records of all sinks together. Default: 5
    /// seconds.
    ///
    /// After that the request is refused with 503. A sink may have a shorter deadline, such as
    /// [`FileSinkBuilder::commit_deadline`](crate::FileSinkBuilder::commit_deadline). Zero is an
    /// error.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_audit::{AuditLayer, MemorySink};
    ///
    /// // Clients of this service wait for one second at most.
    /// let layer = AuditLayer::builder()
    ///     .sink(MemorySink::new())
    ///     .deadline(Duration::from_millis(500))
    ///     .build()?;
    /// # let _ = layer; Ok::<(), palisade_audit::AuditBuildError>(())
    /// ```
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how long [`AuditHandle::close`](crate::AuditHandle::close) waits for open requests, and
    /// then again for the sinks. Default: 10 seconds each.
    ///
    /// Requests that are still open then are counted in an event, and as lost when they end.
    pub fn close_deadline(mut self, deadline: Duration) -> Self {
        self.close_deadline = deadline;
        self
    }

    /// Sets the clock. Default: the system clock.
    ///
    /// Times of records, durations and deadlines are read from it. Tests use `ManualClock` of
    /// `palisade-core`.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Adds a rule about which requests are recorded, and how much of them. The first rule that fits a route decides.
    ///
    /// Default: no rule; every request is recorded in full. Refusals and failures are recorded whatever the rules say.
    /// What the rules are is recorded as an event when the layer is built. At most 256.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::{AuditLayer, AuditLevel, AuditRule, MemorySink};
    ///
    /// let layer = AuditLayer::builder()
    ///     .sink(MemorySink::new())
    ///     .rule(AuditRule::route("/healthz").successes(AuditLevel::None))
    ///     .rule(AuditRule::any_route().sample_successes(10))
    ///     .build()?;
    /// # let _ = layer; Ok::<(), palisade_audit::AuditBuildError>(())
    /// ```
    pub fn rule(mut self, rule: AuditRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// - [`AuditBuildError::NoSink`] without a sink.
    /// - [`AuditBuildError::NoCorrelationKey`] if a field is correlated, or pseudonyms are recorded, and there is no key.
    /// - [`AuditBuildError::SecretInClear`] if a credential would be recorded in clear.
    /// - [`AuditBuildError::InvalidSetting`] for more than 64 sinks, a deadline of zero, more than 256 rules, and a rule that
    ///   leaves out refusals or failures, or samples one of zero.
    /// - [`AuditBuildError::NoRandomness`] if the key of unknown paths cannot be drawn.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::{AuditBuildError, AuditLayer};
    ///
    /// let error = AuditLayer::builder().build().unwrap_err();
    /// assert!(matches!(error, AuditBuildError::NoSink));
    /// ```
    pub fn build(self) -> Result<AuditLayer, AuditBuildError> {
        if self.sinks.is_empty() {
            return Err(AuditBuildError::NoSink);
        }
        if self.sinks.len() > MAX_SINKS {
            return Err(AuditBuildError::InvalidSetting {
                setting: "sink",
                problem: "use at most 64 sinks",
            });
        }
        if self.deadline.is_zero() {
            return Err(AuditBuildError::InvalidSetting {
                setting: "deadline",
                problem: "use more than zero",
            });
        }
        self.redaction.check()?;
        let rules = Rules::new(self.rules)?;
        let mut redaction = self.redaction;
        redaction.path_key = Some(match &redaction.key {
            Some(key) => key.clone(),
            None => AuditKey::generate()?,
        });
        let clock = self.clock.unwrap_or_else(SystemClock::shared);
        let slots = self.sinks.into_iter();
        let slots = slots
            .map(|(sink, policy)| SinkSlot::new(sink, policy))
            .collect();
        let sinks = Sinks::new(slots, Arc::clone(&clock), self.deadline);
        let key_event = redaction
            .key
            .as_ref()
            .map(|key| AuditEvent::new(event_id::CORRELATION_KEY).text("key", key.id()));
        let rules_events: Vec<AuditEvent> = rules.to_events().collect();
        let layer = AuditLayer(Arc::new(Inner {
            clock,
            redaction: RwLock::new(Arc::new(redaction)),
            rules,
            requires_head_records: sinks.requires_head_records(),
            fails_closed: sinks.fail_closed(),
            sinks,
            open: OpenRequests::default(),
            left_out: LeftOut::default(),
            close_deadline: self.close_deadline,
            unavailable: Rejection::unavailable(RETRY_AFTER).prerendered(),
        }));
        for event in key_event.into_iter().chain(rules_events) {
            layer.record(event);
        }
        Ok(layer)
    }
}

impl fmt::Debug for AuditLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLayerBuilder")
            .field("sinks", &self.sinks)
            .field("redaction", &self.redaction)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
