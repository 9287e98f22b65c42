//! Health checks of load balancers, answered before all other layers.

mod body;
mod readiness;

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use palisade_core::Peer;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

pub use self::{body::HealthBody, readiness::Readiness};
use crate::{client_address::TrustedProxies, error::TransportBuildError, path::ExactPath};

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

    /// Returns whether a request is a health check.
    fn asks<B>(&self, request: &Request<B>) -> bool {
        let peer = request.extensions().get::<Peer>();
        matches!(*request.method(), Method::GET | Method::HEAD)
            && self.path.is(request.uri().path())
            && peer.is_some_and(|peer| self.from.contains(peer.address.ip()))
    }

    /// Builds the response to a health check.
    fn response<B>(&self) -> Response<HealthBody<B>> {
        let (status, word) = match self.readiness.is_ready() {
            true => (StatusCode::OK, "ok\n"),
            false => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        };
        let body = HealthBody::text(Bytes::from_static(word.as_bytes()));
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let fields = [
            (CACHE_CONTROL, "no-store"),
            (CONTENT_TYPE, "text/plain; charset=utf-8"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        for (name, value) in fields {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// Configures a [`HealthLayer`]. Made by [`HealthLayer::builder`].
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
    type Service = HealthService<S>;

    fn layer(&self, inner: S) -> HealthService<S> {
        HealthService {
            layer: self.clone(),
            inner,
        }
    }
}

/// A service inside a [`HealthLayer`], which creates it.
#[derive(Clone, Debug)]
#[must_use]
pub struct HealthService<S> {
    layer: HealthLayer,
    inner: S,
}

impl<S, R, B> Service<Request<R>> for HealthService<S>
where
    S: Service<Request<R>, Response = Response<B>>,
{
    type Response = Response<HealthBody<B>>;
    type Error = S::Error;
    type Future = HealthFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        if self.layer.asks(&request) {
            let response = Some(self.layer.response());
            let kind = FutureKind::Probe { response };
            return HealthFuture { kind };
        }
        let future = self.inner.call(request);
        HealthFuture {
            kind: FutureKind::Inner { future },
        }
    }
}

pin_project! {
    /// The future of a [`HealthService`]. Fails only if the inner service fails.
    #[derive(Debug)]
    pub struct HealthFuture<F, B> {
        #[pin]
        kind: FutureKind<F, B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = FutureKindProjected]
    enum FutureKind<F, B> {
        Inner { #[pin] future: F },
        Probe { response: Option<Response<HealthBody<B>>> },
    }
}

impl<F, B, E> Future for HealthFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<HealthBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            FutureKindProjected::Inner { future } => {
                let response = ready!(future.poll(cx))?;
                Poll::Ready(Ok(response.map(HealthBody::inner)))
            }
            FutureKindProjected::Probe { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending, // Polled after its end, where a future may do anything.
            },
        }
    }
}
