//! Counters and histograms for the `metrics` facade (feature `metrics`).
//!
//! The number of label sets does not depend on clients: labels are templates, classes of status,
//! and names from the code. Without a recorder all calls do nothing.

use std::time::Duration;

use http::request;
use metrics::{counter, gauge, histogram};
use palisade_core::{
    Fact, Guard, Observations, Outcome, Refusal, SecurityContext, SharedClock, SystemClock,
    Verdict, layer,
};

/// Counts requests and refusals for the `metrics` facade.
///
/// Pass it to [`ShieldBuilder::observe`](crate::shield::ShieldBuilder::observe). The application installs a
/// recorder, such as `metrics-exporter-prometheus`; without one nothing is counted. It never
/// refuses a request. The metrics:
///
/// - `palisade_requests_total{route, status, ending}`
/// - `palisade_refusals_total{guard, code}`, `palisade_would_refuse_total{guard, code}`
/// - `palisade_degraded_total{guard, what}`: requests that were decided in a reduced way, for
///   example with older keys (`keys_stale`)
/// - `palisade_inspect_matches_total{rule}`: requests and responses in which a firewall rule matched, by its id. At
///   most 16 rules of a request are counted; the others are `other`
/// - `palisade_request_seconds{route}`, `palisade_response_bytes_total{route}`, `palisade_requests_open`
///
/// `route` is the template of the rule, or `unknown`, never the path of a request. `status` is a
/// class such as `2xx`, or `none` without a response.
///
/// # Examples
///
/// ```
/// use palisade::{Shield, metrics::MetricsLayer};
///
/// let shield = Shield::builder().observe(MetricsLayer::new());
/// # let _ = shield;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct MetricsLayer {
    /// Measures the duration of requests.
    clock: SharedClock,
}

layer!(MetricsLayer);

impl MetricsLayer {
    /// Measures durations with the system clock.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Starts to configure the layer.
    pub fn builder() -> MetricsLayerBuilder {
        MetricsLayerBuilder {
            clock: SystemClock::shared(),
        }
    }
}

/// Configures a [`MetricsLayer`]. Made by [`MetricsLayer::builder`].
///
/// ```
/// use std::time::Duration;
///
/// use palisade::{core::ManualClock, metrics::MetricsLayer};
///
/// // For a test: durations are those by which the test moves the clock.
/// let clock = ManualClock::new(Duration::from_secs(1_800_000_000));
/// let layer = MetricsLayer::builder().clock(clock.shared()).build();
/// # let _ = layer;
/// ```
///
/// Without a choice it measures by the system clock, as [`MetricsLayer::new`] does:
///
/// ```
/// use palisade::{Shield, metrics::MetricsLayer};
///
/// let shield = Shield::builder().observe(MetricsLayer::builder().build());
/// # let _ = shield;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct MetricsLayerBuilder {
    clock: SharedClock,
}

impl MetricsLayerBuilder {
    /// Sets the clock that measures durations. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Builds the layer.
    pub fn build(self) -> MetricsLayer {
        MetricsLayer { clock: self.clock }
    }
}

impl Default for MetricsLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl Guard for MetricsLayer {
    type Pass = Duration;

    fn name(&self) -> &'static str {
        "metrics"
    }

    fn admit(&self, _: &SecurityContext, _: &mut request::Parts) -> Verdict<Duration> {
        gauge!("palisade_requests_open").increment(1);
        Verdict::Admit(self.clock.monotonic())
    }

    fn close(&self, cx: &SecurityContext, start: Duration, outcome: Outcome) {
        let route = cx
            .rule()
            .map_or("unknown", |rule| rule.template())
            .to_owned();
        let status = outcome
            .status
            .map_or("none", |status| class(status.as_u16()));
        let ending = outcome.kind.as_str();
        let labels = [
            ("route", route.clone()),
            ("status", status.to_owned()),
            ("ending", ending.to_owned()),
        ];
        gauge!("palisade_requests_open").decrement(1);
        counter!("palisade_requests_total", &labels).increment(1);
        counter!("palisade_response_bytes_total", "route" => route.clone())
            .increment(outcome.bytes);
        let passed = self.clock.monotonic().saturating_sub(start);
        histogram!("palisade_request_seconds", "route" => route).record(passed);
        cx.with_observations(count);
    }
}

/// Counts refusals, shadow refusals and reduced decisions of one request.
fn count(seen: &Observations) {
    for Refusal { guard, code, .. } in seen.refusals() {
        counter!("palisade_refusals_total", "guard" => *guard, "code" => *code).increment(1);
    }
    for shadow in seen.shadow_refusals() {
        let Refusal { guard, code, .. } = shadow.value;
        counter!("palisade_would_refuse_total", "guard" => guard, "code" => code)
            .increment(shadow.count.into());
    }
    for fact in seen.facts() {
        match &fact.value {
            Fact::Degraded { guard, what } => {
                counter!("palisade_degraded_total", "guard" => *guard, "what" => *what)
                    .increment(fact.count.into());
            }
            Fact::Noted { key, value }
                if matches!(*key, "inspect_rules" | "inspect_response_rules") =>
            {
                count_rules(value);
            }
            _ => {}
        }
    }
}

/// Counts the firewall rules that matched, from their note: `942100,949110,+3`.
///
/// The ids are those of rules that the owner has loaded, so a client cannot add labels.
fn count_rules(note: &str) {
    for rule in note.split(',') {
        let (rule, count) = match rule.strip_prefix('+') {
            Some(more) => ("other", more.parse().unwrap_or(1)),
            None => (rule, 1),
        };
        counter!("palisade_inspect_matches_total", "rule" => rule.to_owned()).increment(count);
    }
}

/// Returns the class of a status. Five values keep the number of label sets small.
fn class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}
