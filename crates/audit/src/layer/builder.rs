//! The settings of a layer.

use std::{fmt, sync::Arc, time::Duration};

use http::HeaderName;
use palisade_core::{Rejection, SharedClock, SystemClock};

use super::{
    AuditLayer, Inner,
    open_requests::OpenRequests,
    sinks::{MAX_SINKS, SinkPolicy, Sinks, Slot},
};
use crate::{
    AuditBuildError, AuditKey, Sink,
    redact::{Field, Form, Place, Redaction},
};

/// What a client is told to wait while nothing can be recorded.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long the sinks have to keep a record before an answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long a close waits for requests under way, and then for the sinks.
const CLOSE_DEADLINE: Duration = Duration::from_secs(10);

/// Describes an [`AuditLayer`].
#[must_use]
pub struct AuditLayerBuilder {
    clock: Option<SharedClock>,
    redaction: Redaction,
    sinks: Vec<(Arc<dyn Sink>, SinkPolicy)>,
    deadline: Duration,
    close_deadline: Duration,
}

impl Default for AuditLayerBuilder {
    fn default() -> Self {
        Self {
            clock: None,
            redaction: Redaction::default(),
            sinks: Vec::new(),
            deadline: DEADLINE,
            close_deadline: CLOSE_DEADLINE,
        }
    }
}

impl AuditLayerBuilder {
    /// Adds a sink. Every sink gets every event. If it cannot keep a record that it
    /// [demands](Sink::requires_head_records), the request is refused: see [`sink_with`](Self::sink_with).
    pub fn sink(self, sink: impl Sink) -> Self {
        self.sink_with(SinkPolicy::Required, sink)
    }

    /// Adds a sink with a policy: whether a request goes on that this sink cannot record. At most 64
    /// sinks.
    ///
    /// ```
    /// use palisade_audit::{AuditLayer, MemorySink, SinkPolicy};
    ///
    /// // Either of the two is enough.
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

    /// Sets how long an answer is held back for the records of all sinks together. Default: 5
    /// seconds; then the request is refused with 503. A sink may have a shorter deadline of its own.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how long [`AuditHandle::close`](crate::AuditHandle::close) waits for requests that are
    /// under way, and then for the sinks. Default: 10 seconds each.
    pub fn close_deadline(mut self, deadline: Duration) -> Self {
        self.close_deadline = deadline;
        self
    }

    /// Takes the time from this clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Records the network of a client (`/24`, or `/48` of IPv6) in place of its address.
    pub fn mask_client_address(mut self) -> Self {
        self.redaction.mask_client = true;
        self
    }

    /// Sets the key for fields that are correlated.
    pub fn correlation_key(mut self, key: AuditKey) -> Self {
        self.redaction.key = Some(key);
        self
    }

    /// Records a code of this header's value under the correlation key: equal values have equal
    /// codes, and without the key nothing can be told from them.
    pub fn correlate_header(self, name: HeaderName) -> Self {
        self.field(Place::Header(name), Form::Correlated)
    }

    /// Records a code of this query parameter's value, as [`correlate_header`](Self::correlate_header).
    pub fn correlate_query(self, name: impl Into<Box<str>>) -> Self {
        self.field(Place::Query(name.into()), Form::Correlated)
    }

    /// Records this header's value in clear, at most 256 bytes of it. For values that hold nothing
    /// about people and no secret (a client's version). Credentials and cookies are refused.
    pub fn dangerously_record_header(self, name: HeaderName) -> Self {
        self.field(Place::Header(name), Form::Clear)
    }

    /// Records this query parameter's value in clear, at most 256 bytes of it. For values that hold
    /// nothing about people and no secret (a format, a page number).
    pub fn dangerously_record_query(self, name: impl Into<Box<str>>) -> Self {
        self.field(Place::Query(name.into()), Form::Clear)
    }

    /// Records the path of a request without a known route shortened: at most eight segments, of
    /// longer ones than 24 characters the first eight. Default: its length and a code under the
    /// correlation key (without one: a key of this process), so that one-time codes, telephone
    /// numbers and names are not there. For services whose users get no links with secrets.
    pub fn dangerously_record_unknown_paths(mut self) -> Self {
        self.redaction.unknown_paths = true;
        self
    }

    /// Records paths as they came, up to 512 characters, also where a route's template is known. For
    /// services whose paths hold neither names nor tokens.
    pub fn dangerously_record_raw_paths(mut self) -> Self {
        self.redaction.raw_paths = true;
        self
    }

    /// Finishes the layer.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::NoSink`] without a sink, [`AuditBuildError::NoCorrelationKey`] if a field is
    /// correlated without a key, [`AuditBuildError::SecretInClear`] if a credential would be recorded
    /// in clear, and [`AuditBuildError::InvalidSetting`] for more than 64 sinks or a deadline of zero.
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
        let mut redaction = self.redaction;
        redaction.path_key = Some(match &redaction.key {
            Some(key) => key.clone(),
            None => AuditKey::generate()?,
        });
        let clock = self.clock.unwrap_or_else(SystemClock::shared);
        let slots = self.sinks.into_iter();
        let slots = slots
            .map(|(sink, policy)| Slot::new(sink, policy))
            .collect();
        let sinks = Sinks::new(slots, Arc::clone(&clock), self.deadline);
        Ok(AuditLayer(Arc::new(Inner {
            clock,
            redaction: Arc::new(redaction),
            requires_head_records: sinks.requires_head_records(),
            sinks,
            open: OpenRequests::default(),
            close_deadline: self.close_deadline,
            unavailable: Rejection::unavailable(RETRY_AFTER).prerendered(),
        })))
    }

    fn field(mut self, place: Place, form: Form) -> Self {
        self.redaction.fields.push(Field { place, form });
        self
    }
}

impl fmt::Debug for AuditLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLayerBuilder")
            .field("sinks", &self.sinks)
            .field("redaction", &self.redaction)
            .finish_non_exhaustive()
    }
}
