//! The service: reads the body, inspects the request, and calls the inner service.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, request};
use http_body::Body;
use palisade_core::{BoxError, GuardBody, Rejection, SecurityContext, refuse};
use tower_service::Service;

use super::future::{InspectFuture, Waiting};
use super::settings::{NAME, Settings};

/// The service that [`InspectLayer`](crate::InspectLayer) wraps around an inner service.
///
/// Its requests are those that arrived, byte for byte. It is always ready unless the inner service
/// fails; it waits for the inner service after the request was inspected.
pub struct InspectService<S> {
    settings: Arc<Settings>,
    inner: S,
    ready: bool,
}

impl<S> InspectService<S> {
    /// Wraps a service. Nothing is known yet about its readiness.
    pub(super) const fn new(settings: Arc<Settings>, inner: S) -> Self {
        Self {
            settings,
            inner,
            ready: false,
        }
    }
}

impl<S: Clone> Clone for InspectService<S> {
    fn clone(&self) -> Self {
        // The clone's inner service was not asked whether it is ready.
        Self::new(Arc::clone(&self.settings), self.inner.clone())
    }
}

impl<S> fmt::Debug for InspectService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InspectService")
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}

/// What is done with a request, decided from its head.
enum Plan {
    /// It passes as it is.
    Pass,
    /// Its body is read.
    Read,
}

impl<S, B, ResB> Service<Request<B>> for InspectService<S>
where
    S: Service<Request<B>, Response = Response<ResB>> + Clone,
    B: Body<Error: Into<BoxError>> + From<Bytes>,
{
    type Response = Response<GuardBody<ResB>>;
    type Error = S::Error;
    type Future = InspectFuture<S, B, ResB>;

    /// Polls the inner service but never waits for it: a refusal needs no capacity.
    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        match self.inner.poll_ready(task) {
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => self.ready = true,
            Poll::Pending => self.ready = false,
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let cx = SecurityContext::find_or_create(&mut head);
        match self.plan(&cx, &head, &body) {
            Err(rejection) => InspectFuture::refused(refuse(&cx, NAME, *rejection)),
            Ok(Plan::Pass) => self.pass(Request::from_parts(head, body)),
            Ok(Plan::Read) => {
                let waiting = self.take_inner();
                InspectFuture::reading(waiting, Arc::clone(&self.settings), cx, head, body)
            }
        }
    }
}

impl<S: Clone> InspectService<S> {
    /// Decides what is done with a request. One without a body is inspected here.
    fn plan<B: Body>(
        &self,
        cx: &SecurityContext,
        head: &request::Parts,
        body: &B,
    ) -> Result<Plan, Box<Rejection>> {
        if self.settings.skips(head.uri.path()) {
            return Ok(Plan::Pass);
        }
        if body.is_end_stream() {
            return self.settings.inspect(cx, head, b"").map(|()| Plan::Pass);
        }
        let most = u64::try_from(self.settings.max_body).unwrap_or(u64::MAX);
        if body.size_hint().lower() > most {
            let too_large =
                Rejection::payload_too_large().with_reason("the body is longer than is inspected");
            return self.settings.refuse(cx, too_large).map(|()| Plan::Pass);
        }
        Ok(Plan::Read)
    }

    /// Passes a request on.
    fn pass<B, ResB>(&mut self, request: Request<B>) -> InspectFuture<S, B, ResB>
    where
        S: Service<Request<B>, Response = Response<ResB>>,
    {
        if mem::take(&mut self.ready) {
            return InspectFuture::calling(self.inner.call(request));
        }
        InspectFuture::readying(self.take_inner(), request)
    }

    /// Takes the service that was polled for readiness and leaves a clone, which was not polled.
    fn take_inner(&mut self) -> Waiting<S> {
        let clone = self.inner.clone();
        Waiting {
            ready: mem::take(&mut self.ready),
            service: mem::replace(&mut self.inner, clone),
        }
    }
}
