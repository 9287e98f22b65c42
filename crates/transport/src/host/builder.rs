//! The choices of the layer: paths without the check, and shadow.

use palisade_core::Mode;

use super::{AllowedHosts, HostLayer};
use crate::{error::TransportBuildError, path::ExactPath};

/// Configures a [`HostLayer`]. Made by [`HostLayer::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`except_path`](Self::except_path) | none: every path needs an allowed host |
/// | [`dangerously_only_shadow`](Self::dangerously_only_shadow) | refusals are enforced |
///
/// # Examples
///
/// ```
/// use palisade_transport::{AllowedHosts, HostLayer};
///
/// // A load balancer asks for `http://10.0.0.5/health`.
/// let hosts = AllowedHosts::parse(["tts.example.com"])?;
/// let layer = HostLayer::builder(hosts).except_path("/health").build()?;
/// # let _ = layer;
/// # Ok::<(), palisade_transport::TransportBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct HostLayerBuilder {
    allowed: AllowedHosts,
    /// Checked by `build`.
    exempt: Vec<Box<str>>,
    mode: Mode,
}

impl HostLayerBuilder {
    pub(super) fn new(allowed: AllowedHosts) -> Self {
        Self {
            allowed,
            exempt: Vec::new(),
            mode: Mode::Enforce,
        }
    }

    /// Serves one exact path under every valid host, for health checks that know only an
    /// address. Default: none. Call it once for each path.
    ///
    /// A missing or malformed host is still refused. A path that does not begin with a slash, or
    /// has a query, is an error of [`build`](Self::build).
    pub fn except_path(mut self, path: impl Into<Box<str>>) -> Self {
        self.exempt.push(path.into());
        self
    }

    /// Records what would be refused, and allows it. For the time in which the list is being
    /// collected.
    ///
    /// Default: requests are refused.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.mode = Mode::Shadow;
        self
    }

    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// [`TransportBuildError::Path`] if a path does not begin with a slash, or has a query.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{AllowedHosts, HostLayer, TransportBuildError};
    ///
    /// let hosts = AllowedHosts::parse(["tts.example.com"])?;
    /// let no_slash = HostLayer::builder(hosts).except_path("health").build();
    /// assert!(matches!(no_slash, Err(TransportBuildError::Path { .. })));
    /// # Ok::<(), TransportBuildError>(())
    /// ```
    pub fn build(self) -> Result<HostLayer, TransportBuildError> {
        let exempt = self.exempt.iter().map(|path| ExactPath::parse(path));
        let exempt = exempt.collect::<Result<_, _>>()?;
        Ok(HostLayer::with(self.allowed, exempt, self.mode))
    }
}
