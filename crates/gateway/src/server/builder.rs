//! Settings of a gateway that are not in its file.

use palisade::core::{SharedClock, SystemClock};

use super::Gateway;
use crate::{error::GatewayError, settings::Settings};

/// Prepares a [`Gateway`] with another clock. Returned by [`Gateway::builder`].
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
}

impl GatewayBuilder {
    /// Starts with the system clock.
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            clock: SystemClock::shared(),
        }
    }

    /// Sets the clock of the certificates and of the first key. Default: the system clock.
    ///
    /// The circuit breakers have the clock with which the upstreams were read.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Binds the sockets and opens the files. Nothing is accepted yet.
    ///
    /// # Errors
    ///
    /// As [`Gateway::prepare`].
    pub async fn prepare(self) -> Result<Gateway, GatewayError> {
        Gateway::open(self.settings, self.clock).await
    }
}
