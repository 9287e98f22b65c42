//! The state that health checks report.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Whether a service accepts requests. Clones share the state.
///
/// Default: ready. Give a clone to [`HealthLayer`](crate::server::HealthLayer), and call [`drain`](Self::drain) before
/// shutdown, so that load balancers stop sending requests.
///
/// ```
/// use palisade_transport::server::Readiness;
///
/// let readiness = Readiness::new();
/// assert!(readiness.is_ready());
/// readiness.clone().drain();
/// assert!(!readiness.is_ready());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Creates a state that is ready.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Marks the service as draining: health checks get 503 from now on. It cannot become ready
    /// again.
    ///
    /// A load balancer gets 503 from then on, on the path of a [`HealthLayer`](crate::server::HealthLayer):
    ///
    /// ```
    /// use palisade_transport::{TrustedProxies, server::{HealthLayer, Readiness}};
    ///
    /// let readiness = Readiness::new();
    /// let balancers = TrustedProxies::parse("10.0.0.0/8")?;
    /// let health = HealthLayer::builder("/health", balancers, readiness.clone()).build()?;
    /// readiness.drain(); // in the handler of SIGTERM, some seconds before the shutdown
    /// # let _ = health;
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn drain(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns whether requests are accepted.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }
}
