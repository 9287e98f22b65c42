//! Health checks of load balancers, answered before all other layers.

use bytes::Bytes;
use http::StatusCode;
use palisade_core::Peer;
use tower_layer::Layer;

use crate::{
    client_address::TrustedProxies,
    error::TransportBuildError,
    path::ExactPath,
    server::{
        outer_layer::{OuterLayerService, OwnResponse, PendingResponse, Responder},
        readiness::Readiness,
    },
};

/// Responds to health checks of load balancers on one path: 200 while ready, then 503.
///
/// Must be outside all other layers. So a check passes with any `Host` or none and over clear
/// text, and is neither limited nor recorded. The body is `ok` or `draining`; caches do not
/// store it.
///
/// Only `GET` and `HEAD` from peers of the given networks are health checks. All other requests
/// go on to the service. The peer is that of the connection: clients of a proxy in these
/// networks can read the state too.
///
/// ```
/// use palisade_transport::{TrustedProxies, server::{HealthLayer, Readiness}};
///
/// let readiness = Readiness::new();
/// let probes = TrustedProxies::parse("10.0.0.0/8")?;
/// let layer = HealthLayer::builder("/health", probes, readiness.clone()).build()?;
/// // .. when the signal to stop comes:
/// readiness.drain();
/// # let _ = layer;
/// # Ok::<(), palisade_transport::TransportBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct HealthLayer {
    path: ExactPath,
    from: TrustedProxies,
    readiness: Readiness,
}

impl HealthLayer {
    /// Starts to configure a layer that responds on an exact path to peers of the given networks.
    pub fn builder(
        path: impl Into<Box<str>>,
        from: TrustedProxies,
        readiness: Readiness,
    ) -> HealthLayerBuilder {
        HealthLayerBuilder {
            path: path.into(),
            from,
            readiness,
        }
    }
}

impl Responder for HealthLayer {
    fn respond(&self, path: &str, peer: Option<&Peer>) -> Option<PendingResponse> {
        let is_probe =
            self.path.is(path) && peer.is_some_and(|peer| self.from.contains(peer.address.ip()));
        let (status, word) = match self.readiness.is_ready() {
            true => (StatusCode::OK, "ok\n"),
            false => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        };
        is_probe.then(|| -> PendingResponse {
            Box::pin(std::future::ready(OwnResponse {
                status,
                content_type: "text/plain; charset=utf-8",
                text: Bytes::from_static(word.as_bytes()),
            }))
        })
    }
}

/// Configures a [`HealthLayer`]. Made by [`HealthLayer::builder`].
///
/// ```
/// use palisade_transport::{TrustedProxies, server::{HealthLayer, Readiness}};
///
/// // Only the load balancer sees it: other peers get what the application responds on this path.
/// let balancers = TrustedProxies::parse("10.0.0.0/8")?;
/// let health = HealthLayer::builder("/health", balancers, Readiness::new()).build()?;
/// # let _ = health;
/// # Ok::<(), palisade_transport::TransportBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct HealthLayerBuilder {
    /// Checked by `build`.
    path: Box<str>,
    from: TrustedProxies,
    readiness: Readiness,
}

impl HealthLayerBuilder {
    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// [`TransportBuildError::Path`] if the path does not begin with a slash, or has a query.
    ///
    /// ```
    /// use palisade_transport::{TrustedProxies, server::{HealthLayer, Readiness}};
    ///
    /// let no_slash = HealthLayer::builder("health", TrustedProxies::none(), Readiness::new());
    /// assert!(no_slash.build().is_err());
    /// ```
    pub fn build(self) -> Result<HealthLayer, TransportBuildError> {
        Ok(HealthLayer {
            path: ExactPath::parse(&self.path)?,
            from: self.from,
            readiness: self.readiness,
        })
    }
}

impl<S> Layer<S> for HealthLayer {
    type Service = OuterLayerService<S>;

    fn layer(&self, inner: S) -> OuterLayerService<S> {
        OuterLayerService::new(self.clone(), inner)
    }
}
