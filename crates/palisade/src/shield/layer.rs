//! The stack as a tower layer, for services that are not axum routers.
//!
//! It is a separate type, so that no one passes a [`Shield`] to axum's `Router::layer` by mistake.

use tower_layer::Layer;

use super::{Protected, Shield};

/// The whole stack as a tower layer. Made by [`Shield::as_layer`].
///
/// Each service that it wraps is a [`Protected`] and shares the state of the shield.
#[derive(Clone, Debug)]
#[must_use]
pub struct ShieldLayer(Shield);

impl Shield {
    /// Returns the stack as a tower layer, for tonic's server and for a `ServiceBuilder`.
    ///
    /// **Not for axum's `Router::layer`**: axum applies a layer only to the routes that were added
    /// before. Routes that are added, nested or merged afterwards are served without any check.
    /// Give the finished router to [`protect`](Self::protect).
    ///
    /// ```
    /// use palisade::{AllowedHosts, Rule, Rules, Shield};
    /// use tower::{Layer as _, service_fn};
    ///
    /// let shield = Shield::builder()
    ///     .hosts(AllowedHosts::parse(["api.example"])?)
    ///     .rules(Rules::new().any("/echo", Rule::public()))
    ///     .build()?;
    /// let service = shield.as_layer().layer(service_fn(async |request: http::Request<String>| {
    ///     Ok::<_, std::convert::Infallible>(http::Response::new(request.into_body()))
    /// }));
    /// # let _ = service;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_layer(&self) -> ShieldLayer {
        ShieldLayer(self.clone())
    }
}

impl<S> Layer<S> for ShieldLayer {
    type Service = Protected<S>;

    fn layer(&self, inner: S) -> Protected<S> {
        self.0.wrap(inner)
    }
}
