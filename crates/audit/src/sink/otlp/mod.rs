//! Sends records or spans to an OpenTelemetry collector (OTLP over HTTP, in JSON).
//!
//! `exporter` is the thread, `document` and `span` are what is sent. The queue to the thread is bounded: a
//! collector that does not respond holds up no request. A batch that cannot be sent is tried again, and lost and
//! counted in the end.

mod exporter;
mod span;
mod document;

use std::{fmt, sync::Arc, thread, time::Duration};

use http::Uri;
use palisade_core::MaybeReady;

use self::exporter::Exporter;
use super::{
    LossPolicy, Sink,
    http::HttpTarget,
    http_settings::{HttpSettings, http_setting_methods},
    job_queue::{JobQueue, queue_setting_methods, sink_methods_of_queue},
};
use crate::{
    error::{AuditBuildError, SinkUnavailable},
    record::{AuditEvent, RequestRecord},
};

/// Sends records to an OpenTelemetry collector, over OTLP/HTTP in JSON. Needs the feature `otlp`.
///
/// Each record is one log record: its body is the record as JSON, and attributes have what filters need
/// (`http.request.method`, `http.route`, `http.response.status_code`, `client.address`, `user.id`, `palisade.…`). Up to
/// 512 records are one request, which is sent when it is full or a second old.
///
/// By default no request waits for it; [`policy`](OtlpSinkBuilder::policy) changes that: a response then waits until
/// the collector has confirmed its record. A batch that the collector does not take (status 429, 502, 503 or 504, no connection,
/// no response) is tried four times, with growing pauses. Records that are lost in the end, or that the queue has no
/// space for, are [counted](Sink::lost_records). A status 2xx decides as soon as it is there, whatever its body does. If
/// the collector rejects some records of a batch, all responses that wait for this batch are without a record, since
/// it does not say which. Repeated refusals of one client are sent once a minute; a log record `held_back` has their
/// number, and whom they are about.
///
/// An address with `https://` is connected to over TLS. With `http://`, only a collector on the same machine is accepted
/// (`127.0.0.1`, `[::1]`, `localhost`). See [`dangerously_allow_http`](OtlpSinkBuilder::dangerously_allow_http).
///
/// # Examples
///
/// ```
/// use palisade_audit::{AuditLayer, OtlpSink, SinkPolicy};
///
/// let collector = OtlpSink::builder("http://127.0.0.1:4318/v1/logs".parse()?).service_name("tts");
/// let layer = AuditLayer::builder().sink_with(SinkPolicy::BestEffort, collector.build()?).build()?;
/// # let _ = layer; Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A collector of another company, over TLS, with the key that it gave, and responses that wait until it has the record:
///
/// ```
/// use std::time::Duration;
/// use http::{HeaderValue, header::AUTHORIZATION};
/// use palisade_audit::{AuditLayer, LossPolicy, OtlpSink};
///
/// let key = HeaderValue::try_from("Bearer from-a-file-with-mode-0600")?;
/// let collector = OtlpSink::builder("https://otlp.example/v1/logs".parse()?)
///     .service_name("tts")
///     .header(AUTHORIZATION, key)
///     .policy(LossPolicy::FailClosed)
///     .commit_deadline(Duration::from_secs(1))
///     .build()?;
/// let layer = AuditLayer::builder().sink(collector).build()?;
/// # let _ = layer; Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct OtlpSink {
    queue: JobQueue,
    /// The address, for `Debug`.
    target: HttpTarget,
}

/// Settings of an [`OtlpSink`], from [`OtlpSink::builder`].
///
/// | setting | default |
/// |---|---|
/// | [`service_name`](Self::service_name) | `palisade` |
/// | [`send_spans`](Self::send_spans) | log records |
/// | [`header`](Self::header) | none |
/// | [`capacity`](Self::capacity) | 4096 records |
/// | [`linger`](Self::linger) | 1 second |
/// | [`deadline`](Self::deadline) | 10 seconds |
/// | [`retry_pause`](Self::retry_pause) | 1 second |
/// | [`policy`](Self::policy), [`commit_deadline`](Self::commit_deadline) | drop and count; 2 seconds |
/// | [`trust_anchors`](Self::trust_anchors) | the authorities of the machine |
/// | [`client_certificate`](Self::client_certificate) | none |
/// | [`clock`](Self::clock) | the system clock |
/// | [`dangerously_allow_http`](Self::dangerously_allow_http) | a collector on the same machine only |
#[derive(Clone, Debug)]
#[must_use]
pub struct OtlpSinkBuilder {
    /// How requests are sent, and the queue of what waits.
    http: HttpSettings,
    /// The attribute `service.name` of the resource.
    service_name: Box<str>,
    /// Whether every record is sent as a log record, or one span for each request.
    signal: OtlpSignal,
}

/// What a collector gets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum OtlpSignal {
    /// Every record of the trail.
    Logs,
    /// One span for each request.
    Spans,
}

impl OtlpSink {
    /// Returns the settings of a sink for the logs endpoint of a collector, usually
    /// `http://127.0.0.1:4318/v1/logs` or `https://collector.example:4318/v1/logs`. Nothing is opened before the first record.
    pub fn builder(endpoint: Uri) -> OtlpSinkBuilder {
        OtlpSinkBuilder {
            http: HttpSettings::new(endpoint),
            service_name: "palisade".into(),
            signal: OtlpSignal::Logs,
        }
    }
}

impl OtlpSinkBuilder {
    /// Sets the name of the service, the resource attribute `service.name`. Default: `palisade`.
    pub fn service_name(mut self, name: impl Into<Box<str>>) -> Self {
        self.service_name = name.into();
        self
    }

    /// Sends one span for each request in place of log records. Default: log records.
    ///
    /// The endpoint is then that of traces, usually `http://127.0.0.1:4318/v1/traces`. Only requests with a
    /// [`TraceLayer`](palisade_core::TraceLayer) outside the audit layer have spans, and of those the traces that are
    /// [recorded](palisade_core::TraceContext::is_sampled). What a rule of the trail leaves out has no span either, nor
    /// have repeated refusals that are only counted.
    ///
    /// A span has the template of the route, the principal as the trail records it, status and outcome. It has neither path,
    /// address nor text of the client.
    ///
    /// A lost span harms no one, so no response waits for it: [`build`](Self::build) refuses another
    /// [`policy`](Self::policy) than the default.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::{AuditLayer, MemorySink, OtlpSink};
    ///
    /// let spans = OtlpSink::builder("http://127.0.0.1:4318/v1/traces".parse()?).send_spans();
    /// let layer = AuditLayer::builder().sink(MemorySink::new()).sink(spans.build()?).build()?;
    /// # let _ = layer; Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_spans(mut self) -> Self {
        self.signal = OtlpSignal::Spans;
        self
    }

    http_setting_methods!("collector");
    queue_setting_methods!(http.queue);

    /// Sets the pause after the first failed try. Default: 1 second; not 0. It doubles with each.
    pub fn retry_pause(mut self, pause: Duration) -> Self {
        self.http.retry_pause = pause;
        self
    }

    /// Sets what happens to a request whose record the collector does not confirm in time. Default:
    /// [`LossPolicy::DropAndCount`]: no response waits.
    ///
    /// A batch with a record that a response waits for is sent at once.
    pub fn policy(mut self, policy: LossPolicy) -> Self {
        self.http.queue.policy = policy;
        self
    }

    /// Sends over `http://` to another machine too. Default: only to this one.
    ///
    /// Records and headers then cross the network in clear text, and nothing shows who receives them: users, addresses
    /// and the key of the collector are readable on the way. Only for a network that protects them itself, such as a
    /// VPN or the private network between two containers.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::OtlpSink;
    ///
    /// let sidecar = OtlpSink::builder("http://collector:4318/v1/logs".parse()?);
    /// assert!(sidecar.clone().build().is_err());
    /// assert!(sidecar.dangerously_allow_http().build().is_ok());
    /// # Ok::<(), http::uri::InvalidUri>(())
    /// ```
    pub fn dangerously_allow_http(mut self) -> Self {
        self.http.allow_http = true;
        self
    }

    /// Starts the thread that sends. It ends when the sink is dropped, after one more try for what waits.
    ///
    /// # Errors
    ///
    /// - [`AuditBuildError::InvalidSetting`] for an endpoint without `https://` or `http://` and a host, for `http://`
    ///   to another machine without [`dangerously_allow_http`](Self::dangerously_allow_http), for certificates that
    ///   cannot be read, for a deadline or pause of 0, for a capacity of 0 (of 1 where responses wait), and for spans
    ///   that responses wait for.
    /// - [`AuditBuildError::NoThread`] if the thread, or its event queue, cannot be made.
    ///
    /// A collector that cannot be reached is no error: it may come later.
    ///
    /// ```
    /// use palisade_audit::OtlpSink;
    ///
    /// let error = OtlpSink::builder("http://collector.example/v1/logs".parse()?).build().unwrap_err();
    /// assert!(error.to_string().contains("use https://"), "{error}");
    /// # Ok::<(), http::uri::InvalidUri>(())
    /// ```
    pub fn build(self) -> Result<OtlpSink, AuditBuildError> {
        let http = self.http;
        let target = http.check("OtlpSink::builder")?;
        let batches = match self.signal {
            OtlpSignal::Logs => http.batches(),
            OtlpSignal::Spans if http.queue.policy.waits() => {
                return Err(AuditBuildError::InvalidSetting {
                    setting: "policy",
                    problem: "no response waits for a span: use LossPolicy::DropAndCount",
                });
            }
            OtlpSignal::Spans => http.batches().of_requests(|record| {
                let span = span::span(record)?;
                Some(span.to_string())
            }),
        };
        let exporter = Exporter {
            client: http.client(target.clone())?,
            service_name: self.service_name,
            signal: self.signal,
            batches,
            retry_pause: http.retry_pause,
            clock: Arc::clone(&http.queue.clock),
        };
        let (queue, jobs) = JobQueue::new(http.queue);
        thread::Builder::new()
            .name("palisade-audit-otlp".into())
            .spawn(move || exporter.run(&jobs))
            .map_err(AuditBuildError::NoThread)?;
        Ok(OtlpSink { queue, target })
    }
}

impl Sink for OtlpSink {
    sink_methods_of_queue!();
}

impl fmt::Debug for OtlpSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OtlpSink({:?})", self.target)
    }
}
