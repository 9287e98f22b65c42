//! The settings of a layer.

use std::{fmt, sync::Arc, time::Duration};

use http::HeaderName;
use palisade_core::{Rejection, SharedClock, SystemClock};

use super::{AuditLayer, Inner};
use crate::{
    AuditError, AuditKey, Sink,
    redact::{Field, Form, Place, Redaction},
};

/// What a client is told to wait while nothing can be recorded.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Describes an [`AuditLayer`].
#[derive(Default)]
#[must_use]
pub struct AuditLayerBuilder {
    clock: Option<SharedClock>,
    redaction: Redaction,
    sinks: Vec<Arc<dyn Sink>>,
}

impl AuditLayerBuilder {
    /// Adds a sink. Every sink gets every event.
    pub fn sink(mut self, sink: impl Sink) -> Self {
        self.sinks.push(Arc::new(sink));
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
    /// [`AuditError::NoSink`], [`AuditError::NoCorrelationKey`], or [`AuditError::Setting`] where a
    /// credential's header would be recorded in clear.
    pub fn build(self) -> Result<AuditLayer, AuditError> {
        if self.sinks.is_empty() {
            return Err(AuditError::NoSink);
        }
        self.redaction.check()?;
        Ok(AuditLayer(Arc::new(Inner {
            clock: self.clock.unwrap_or_else(SystemClock::shared),
            redaction: Arc::new(self.redaction),
            demands_heads: self.sinks.iter().any(|sink| sink.demands_heads()),
            sinks: self.sinks,
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
