//! The service: checks the head, reads the body if needed, and calls the inner service with clean
//! text.
//!
//! A refusal needs neither the body nor the inner service, so it is sent even if that is not ready.
//!
//! `poll_ready` does not ask the inner service: while that is busy, requests can still be refused, and
//! bodies read. The inner service is asked when the request was checked. This is the reason for
//! `S: Clone`: the future owns the service that will be called.
//!
//! A request in order: the fields are selected, the query is cleaned, and the head decides what happens
//! with the body. Then the future reads the body if it has fields, cleans it, and calls the inner
//! service.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use palisade_core::{BoxError, GuardBody, RequestBody, SecurityContext, refuse};
use tower_service::Service;

use super::future::{SanitizeFuture, Waiting};
use crate::request::{NAME, Plan, Settings, check_head};

/// The service that [`SanitizeLayer`](crate::SanitizeLayer) wraps around an inner service.
///
/// Its requests hold clean text only. It is always ready unless the inner service fails; it waits
/// for the readiness of the inner service after the request was checked.
///
/// # Failures
///
/// A refusal is a response, with the status and the code of the table at
/// [`SanitizeLayer`](crate::SanitizeLayer). An error is always one of the inner service.
pub struct SanitizeService<S> {
    /// Shared by all clones.
    settings: Arc<Settings>,
    /// Called with clean text only.
    inner: S,
    /// Whether `inner` reported that it is ready, and was not called since.
    ready: bool,
}

impl<S> SanitizeService<S> {
    /// Wraps a service. Nothing is known yet about its readiness.
    pub(crate) const fn new(settings: Arc<Settings>, inner: S) -> Self {
        Self {
            settings,
            inner,
            ready: false,
        }
    }
}

impl<S: Clone> Clone for SanitizeService<S> {
    fn clone(&self) -> Self {
        // The clone's inner service was not asked whether it is ready.
        Self::new(Arc::clone(&self.settings), self.inner.clone())
    }
}

impl<S> fmt::Debug for SanitizeService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SanitizeService")
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}

impl<S, B, ResB> Service<Request<B>> for SanitizeService<S>
where
    S: Service<Request<RequestBody<B>>, Response = Response<ResB>> + Clone,
    B: Body<Error: Into<BoxError>>,
    B::Data: From<Bytes>,
{
    type Response = Response<GuardBody<ResB>>;
    type Error = S::Error;
    type Future = SanitizeFuture<S, B, ResB>;

    /// Polls the inner service but never waits for it: a refusal needs no capacity.
    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        match self.inner.poll_ready(task) {
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => self.ready = true,
            Poll::Pending => self.ready = false,
        }
        Poll::Ready(Ok(()))
    }

    /// Without a security context in the request a new one is made, so the layer works without others.
    /// It then selects only the fields of the layer.
    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let cx = SecurityContext::find_or_create(&mut head);
        let mut selection = match self.settings.select(&cx) {
            Ok(selection) => selection,
            Err(rejection) => return SanitizeFuture::refused(refuse(&cx, NAME, *rejection)),
        };
        let plan = check_head(&self.settings, &mut head, &body, &mut selection);
        if !matches!(plan, Ok(Plan::Read(_))) {
            selection.record();
        }
        match plan {
            Err(rejection) => SanitizeFuture::refused(refuse(&cx, NAME, *rejection)),
            Ok(Plan::Pass(limit)) => {
                let request = Request::from_parts(head, RequestBody::limited(body, limit));
                if mem::take(&mut self.ready) {
                    return SanitizeFuture::calling(self.inner.call(request));
                }
                SanitizeFuture::readying(
                    Waiting {
                        service: self.take_inner(),
                        ready: false,
                    },
                    request,
                )
            }
            Ok(Plan::Read(kind)) => {
                let ready = mem::take(&mut self.ready);
                let waiting = Waiting {
                    service: self.take_inner(),
                    ready,
                };
                SanitizeFuture::reading(
                    waiting,
                    Arc::clone(&self.settings),
                    selection,
                    kind,
                    head,
                    body,
                )
            }
        }
    }
}

impl<S: Clone> SanitizeService<S> {
    /// Takes the service that was polled for readiness and leaves a clone, which was not polled.
    fn take_inner(&mut self) -> S {
        let clone = self.inner.clone();
        mem::replace(&mut self.inner, clone)
    }
}
