//! The settings of an [`AuditLayer`].
//!
//! What can be found wrong before the first request is found by `build`: no sink, a field that is
//! correlated without a key, a credential that would be recorded in clear.

use std::{fmt, sync::Arc, time::Duration};

use http::HeaderName;
use palisade_core::{Rejection, SharedClock, SystemClock};

use super::{
    AuditLayer, Inner,
    open_requests::OpenRequests,
    sinks::{MAX_SINKS, SinkPolicy, SinkSlot, Sinks},
};
use crate::{
    error::AuditBuildError,
    key::AuditKey,
    record::redaction::{Field, FieldForm, FieldSource, Redaction},
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

    /// Records the network of a client in place of its address: `/24` of IPv4, `/48` of IPv6.
    ///
    /// Default: the whole address. Addresses can be personal data; records of one network can still
    /// be correlated.
    pub fn mask_client_address(mut self) -> Self {
        self.redaction.mask_client = true;
        self
    }

    /// Sets the key for [`correlate_header`](Self::correlate_header) and
    /// [`correlate_query`](Self::correlate_query).
    ///
    /// It also makes codes of unknown paths comparable over restarts. Use another key than that of
    /// the trail: the two have different readers.
    pub fn correlation_key(mut self, key: AuditKey) -> Self {
        self.redaction.key = Some(key);
        self
    }

    /// Records an HMAC-SHA-256 code of this header's value, under the correlation key.
    ///
    /// Equal values of one header have equal codes. Without the key a code says nothing about its
    /// value. If the header occurs several times, the first value counts.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::HeaderName;
    /// use palisade_audit::{AuditKey, AuditLayer, MemorySink};
    ///
    /// let layer = AuditLayer::builder()
    ///     .sink(MemorySink::new())
    ///     .correlation_key(AuditKey::generate()?)
    ///     .correlate_header(HeaderName::from_static("x-device-id"))
    ///     .build()?;
    /// # let _ = layer; Ok::<(), palisade_audit::AuditBuildError>(())
    /// ```
    pub fn correlate_header(self, name: HeaderName) -> Self {
        self.field(FieldSource::Header(name), FieldForm::Correlated)
    }

    /// Records an HMAC-SHA-256 code of this query parameter's value, under the correlation key.
    ///
    /// The name is compared after form decoding (`application/x-www-form-urlencoded`). The first
    /// parameter of the name counts, of the first 64 parameters.
    pub fn correlate_query(self, name: impl Into<Box<str>>) -> Self {
        self.field(FieldSource::Query(name.into()), FieldForm::Correlated)
    }

    /// Records this header's value in clear, at most its first 256 bytes.
    ///
    /// For values without personal data and without secrets, such as the version of a client.
    /// `build` refuses names of credentials and cookies.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::header::{AUTHORIZATION, USER_AGENT};
    /// use palisade_audit::{AuditBuildError, AuditLayer, MemorySink};
    ///
    /// let layer = AuditLayer::builder().sink(MemorySink::new());
    /// let layer = layer.dangerously_record_header(USER_AGENT);
    /// let refused = layer.dangerously_record_header(AUTHORIZATION).build().unwrap_err();
    /// assert!(matches!(refused, AuditBuildError::SecretInClear { .. }));
    /// ```
    pub fn dangerously_record_header(self, name: HeaderName) -> Self {
        self.field(FieldSource::Header(name), FieldForm::Clear)
    }

    /// Records this query parameter's value in clear, at most its first 256 bytes.
    ///
    /// For values without personal data and without secrets, such as a format or a page number.
    /// `build` refuses names of credentials.
    pub fn dangerously_record_query(self, name: impl Into<Box<str>>) -> Self {
        self.field(FieldSource::Query(name.into()), FieldForm::Clear)
    }

    /// Records the path of a request without a known route, shortened.
    ///
    /// At most eight segments are recorded; a segment of more than 24 characters keeps its first
    /// eight. Default: the length of the path and a code under the correlation key, or under a
    /// random key of the process. One-time codes, telephone numbers and names are then not in the
    /// trail. For services that send no links with secrets to their users.
    pub fn dangerously_record_unknown_paths(mut self) -> Self {
        self.redaction.unknown_paths = true;
        self
    }

    /// Records paths as they were sent, up to 512 characters, also where a route's template is
    /// known.
    ///
    /// For services whose paths hold neither names nor tokens.
    pub fn dangerously_record_raw_paths(mut self) -> Self {
        self.redaction.raw_paths = true;
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// - [`AuditBuildError::NoSink`] without a sink.
    /// - [`AuditBuildError::NoCorrelationKey`] if a field is correlated and there is no key.
    /// - [`AuditBuildError::SecretInClear`] if a credential would be recorded in clear.
    /// - [`AuditBuildError::InvalidSetting`] for more than 64 sinks or a deadline of zero.
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
        Ok(AuditLayer(Arc::new(Inner {
            clock,
            redaction: Arc::new(redaction),
            requires_head_records: sinks.requires_head_records(),
            fails_closed: sinks.fail_closed(),
            sinks,
            open: OpenRequests::default(),
            close_deadline: self.close_deadline,
            unavailable: Rejection::unavailable(RETRY_AFTER).prerendered(),
        })))
    }

    /// Adds a header or query parameter that is recorded.
    fn field(mut self, source: FieldSource, form: FieldForm) -> Self {
        self.redaction.fields.push(Field { source, form });
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
