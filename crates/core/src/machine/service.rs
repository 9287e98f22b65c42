//! The service: judges at once where it can, and hands over to the future.

use std::{
    fmt, mem,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{GuardBody, GuardFuture, hold::Held, stage::Stage};
use crate::{Guards, SecurityContext};

/// A service behind guards.
pub struct GuardService<G, S> {
    guards: G,
    inner: S,
    ready: bool,
    catch_panics: bool,
}

impl<G, S> GuardService<G, S> {
    /// Puts guards around a service.
    #[must_use]
    pub const fn new(guards: G, inner: S) -> Self {
        Self {
            guards,
            inner,
            ready: false,
            catch_panics: false,
        }
    }

    /// Answers 500 `internal_error` if the inner service panics before its response begins. Default: the
    /// panic goes on outwards, and an HTTP/1 server closes the connection without a response.
    ///
    /// `Shield` does this. The guards finish the response, and end with [`How::Panicked`](crate::How::Panicked).
    /// A panic of a guard, or of a response body, goes on outwards as before.
    #[must_use]
    pub const fn catch_panics(mut self) -> Self {
        self.catch_panics = true;
        self
    }
}

impl<G: Clone, S: Clone> Clone for GuardService<G, S> {
    fn clone(&self) -> Self {
        // The clone's inner service was not asked whether it is ready.
        Self {
            catch_panics: self.catch_panics,
            ..Self::new(self.guards.clone(), self.inner.clone())
        }
    }
}

impl<G: Guards, S> fmt::Debug for GuardService<G, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardService")
            .field("guards", &self.guards.names())
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}

impl<G, S, ReqB, ResB> Service<Request<ReqB>> for GuardService<G, S>
where
    G: Guards + Clone,
    S: Service<Request<ReqB>, Response = Response<ResB>> + Clone,
    ResB: Body,
    ResB::Data: From<Bytes>,
{
    type Response = Response<GuardBody<ResB>>;
    type Error = S::Error;
    type Future = GuardFuture<G, S, ReqB, ResB>;

    /// Asks the inner service and never waits for it: a refusal needs no capacity.
    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        match self.inner.poll_ready(task) {
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => self.ready = true,
            Poll::Pending => self.ready = false,
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let cx = SecurityContext::enter(&mut head);
        let mut held = Box::new(Held::new(self.guards.clone(), self.catch_panics, cx, &head));
        match held.admit(&mut head, &mut None) {
            Poll::Ready(Ok(())) if self.ready => {
                let request = Request::from_parts(head, body);
                self.ready = false;
                match held.run_inner(|| self.inner.call(request)) {
                    Ok(answer) => GuardFuture::calling(held, answer),
                    Err(rejection) => GuardFuture::at(held, Stage::Refused(rejection)),
                }
            }
            Poll::Ready(Ok(())) => {
                let request = Request::from_parts(head, body);
                let service = self.take_inner();
                GuardFuture::at(held, Stage::readying(service, request, false))
            }
            Poll::Ready(Err(rejection)) => {
                if !self.ready {
                    // It stands in line for capacity that nobody will use: let others have the place.
                    drop(self.take_inner());
                }
                GuardFuture::at(held, Stage::Refused(rejection))
            }
            Poll::Pending => {
                let ready = mem::take(&mut self.ready);
                let service = self.take_inner();
                GuardFuture::at(held, Stage::admitting(service, head, body, ready))
            }
        }
    }
}

impl<G, S: Clone> GuardService<G, S> {
    /// Takes the very service that was asked for readiness and leaves a clone, which was not.
    fn take_inner(&mut self) -> S {
        let clone = self.inner.clone();
        mem::replace(&mut self.inner, clone)
    }
}
