//! Settings of a gateway that are not in its file.

use palisade::core::{SharedClock, SystemClock};

use super::{Gateway, metrics::Metrics};
use crate::{error::GatewayError, settings::Settings};

/// Prepares a [`Gateway`] with another clock, or with metrics. Returned by [`Gateway::builder`].
///
/// # Examples
///
/// ```no_run
/// use palisade::core::ManualClock;
/// use palisade_gateway::{Gateway, Settings};
///
/// # async fn prepare() -> Result<(), palisade_gateway::GatewayError> {
/// let clock = ManualClock::new(std::time::Duration::from_secs(1_800_000_000));
/// let settings = Settings::read("gateway.toml")?;
/// let gateway = Gateway::builder(settings).clock(clock.shared()).prepare().await?;
/// # drop(gateway); Ok(()) }
/// ```
#[derive(Debug)]
#[must_use]
pub struct GatewayBuilder {
    /// The file, checked.
    settings: Settings,
    /// The clock of certificates and of the first key.
    clock: SharedClock,
    /// What `/metrics` shows.
    metrics: Option<Metrics>,
}

impl GatewayBuilder {
    /// Starts with the system clock.
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            clock: SystemClock::shared(),
            metrics: None,
        }
    }

    /// Sets the clock of the certificates and of the first key. Default: the system clock.
    ///
    /// The circuit breakers have the clock with which the upstreams were read.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Shows metrics at `/metrics` of the status page, for a Prometheus on this machine. Default: there is no such path.
    ///
    /// `render` writes them in its text format, such as `PrometheusHandle::render` of `metrics-exporter-prometheus`. It is
    /// called for each request. Without `page` of `[admin]` it has no effect.
    pub fn metrics(mut self, render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.metrics = Some(Metrics::new(render));
        self
    }

    /// Binds the sockets and opens the files. Nothing is accepted yet.
    ///
    /// # Errors
    ///
    /// As [`Gateway::prepare`].
    pub async fn prepare(self) -> Result<Gateway, GatewayError> {
        Gateway::open(self.settings, self.clock, self.metrics).await
    }
}
