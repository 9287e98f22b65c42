//! Responds to preflights in place of the handler.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response, StatusCode};
use palisade_core::{GuardBody, RouteMatch, SecurityContext};
use pin_project_lite::pin_project;
use tower_service::Service;

/// Responds to the CORS preflight of a known route with status 204, if the shield has a CORS layer.
/// Every other request goes to the inner service.
///
/// It is inside all guards, so preflights are recorded, and limited by client address. The response
/// has no body; the CORS headers are added by the guard outside.
///
/// It is part of the type [`Protected`](crate::shield::Protected), and cannot be made alone.
#[derive(Clone, Debug)]
pub struct PreflightService<S> {
    inner: S,
    /// Whether there is a CORS layer. Without one, a preflight is an ordinary request.
    responds: bool,
}

impl<S> PreflightService<S> {
    /// Wraps a service. `responds` is false without a CORS layer.
    pub(in crate::shield) const fn new(inner: S, responds: bool) -> Self {
        Self { inner, responds }
    }
}

impl<S, B, R> Service<Request<B>> for PreflightService<S>
where
    S: Service<Request<B>, Response = Response<GuardBody<R>>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = PreflightFuture<S::Future>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let kind = match self.responds && is_preflight(&request) {
            true => Kind::Preflight,
            false => Kind::Inner {
                future: self.inner.call(request),
            },
        };
        PreflightFuture { kind }
    }
}

/// Returns whether the table found a known route and a preflight for it.
fn is_preflight<B>(request: &Request<B>) -> bool {
    let cx = SecurityContext::of(request.extensions());
    matches!(
        cx.and_then(SecurityContext::route),
        Some(RouteMatch::Preflight)
    )
}

pin_project! {
    /// The future of a [`PreflightService`].
    #[derive(Debug)]
    pub struct PreflightFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project! {
    /// Who responds.
    #[project = KindProjected]
    #[derive(Debug)]
    enum Kind<F> {
        Inner { #[pin] future: F },
        Preflight,
    }
}

impl<F, R, E> Future for PreflightFuture<F>
where
    F: Future<Output = Result<Response<GuardBody<R>>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().kind.project() {
            KindProjected::Inner { future } => future.poll(task),
            KindProjected::Preflight => {
                let mut response = Response::new(GuardBody::default());
                *response.status_mut() = StatusCode::NO_CONTENT;
                Poll::Ready(Ok(response))
            }
        }
    }
}
