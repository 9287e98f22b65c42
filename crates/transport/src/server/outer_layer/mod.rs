//! What the layers outside all others have in common: they respond to some requests themselves, with a
//! short text, and pass all others on.
//!
//! [`HealthLayer`](super::HealthLayer) and `ChallengeLayer` decide which requests those are
//! ([`Responder`]). The service, the future and the body are the same for both.
//!
//! Requests that they respond to meet no other layer: no host check, no limit, no audit record. So a
//! responder must be cheap, and must decide by itself who gets a response.

mod body;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use palisade_core::Peer;
use pin_project_lite::pin_project;
use tower_service::Service;

pub use self::body::OuterLayerBody;

/// A response of the layer itself. Caches do not store it.
#[derive(Debug)]
pub(crate) struct OwnResponse {
    /// For example 200, 404 or 503.
    pub(crate) status: StatusCode,
    /// A media type. Browsers are told not to guess another.
    pub(crate) content_type: &'static str,
    /// Also sent for `HEAD`; hyper leaves the body out.
    pub(crate) text: Bytes,
}

impl OwnResponse {
    /// Adds `Cache-Control: no-store` (RFC 9111, section 5.2.2.5).
    fn into_response<B>(self) -> Response<OuterLayerBody<B>> {
        let mut response = Response::new(OuterLayerBody::text(self.text));
        *response.status_mut() = self.status;
        let fields = [
            (CACHE_CONTROL, "no-store"),
            (CONTENT_TYPE, self.content_type),
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

/// A response that may have to be looked up first.
pub(crate) type PendingResponse = Pin<Box<dyn Future<Output = OwnResponse> + Send>>;

/// Decides which requests a layer responds to.
pub(crate) trait Responder: fmt::Debug + Send + Sync + 'static {
    /// Begins the response to a `GET` or `HEAD` request. `None`: the request goes on to the service.
    ///
    /// Called for every such request, before any limit, so it must be cheap where it returns `None`.
    fn respond(&self, path: &str, peer: Option<&Peer>) -> Option<PendingResponse>;
}

/// A service inside a [`HealthLayer`](super::HealthLayer) or a `ChallengeLayer`, which creates it.
///
/// Requests that the layer does not respond to go on to the inner service as they came. It is ready
/// when the inner service is.
#[derive(Clone, Debug)]
#[must_use]
pub struct OuterLayerService<S> {
    /// Shared by all clones.
    responder: Arc<dyn Responder>,
    inner: S,
}

impl<S> OuterLayerService<S> {
    pub(crate) fn new(responder: impl Responder, inner: S) -> Self {
        Self {
            responder: Arc::new(responder),
            inner,
        }
    }

    /// Begins the response, if it is one of the layer.
    ///
    /// Other methods than `GET` and `HEAD` always go on to the inner service.
    fn respond<R>(&self, request: &Request<R>) -> Option<PendingResponse> {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let peer = request.extensions().get::<Peer>();
        reads.then(|| self.responder.respond(request.uri().path(), peer))?
    }
}

impl<S, R, B> Service<Request<R>> for OuterLayerService<S>
where
    S: Service<Request<R>, Response = Response<B>>,
{
    type Response = Response<OuterLayerBody<B>>;
    type Error = S::Error;
    type Future = OuterLayerFuture<S::Future>;

    /// Own responses wait for the inner service too: a service has one response for all requests.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let kind = match self.respond(&request) {
            Some(response) => FutureKind::Own { response },
            None => FutureKind::Inner {
                future: self.inner.call(request),
            },
        };
        OuterLayerFuture { kind }
    }
}

pin_project! {
    /// The future of an [`OuterLayerService`]. Fails only if the inner service fails.
    pub struct OuterLayerFuture<F> {
        #[pin]
        kind: FutureKind<F>,
    }
}

pin_project! {
    #[project = FutureKindProjected]
    enum FutureKind<F> {
        Inner { #[pin] future: F },
        Own { response: PendingResponse },
    }
}

impl<F> fmt::Debug for OuterLayerFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OuterLayerFuture").finish_non_exhaustive()
    }
}

impl<F, B, E> Future for OuterLayerFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<OuterLayerBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            FutureKindProjected::Inner { future } => {
                let response = ready!(future.poll(cx))?;
                Poll::Ready(Ok(response.map(OuterLayerBody::inner)))
            }
            FutureKindProjected::Own { response } => {
                let response = ready!(response.as_mut().poll(cx));
                Poll::Ready(Ok(response.into_response()))
            }
        }
    }
}
