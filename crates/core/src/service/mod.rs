//! Runs a sequence of guards around a service: [`GuardService`], its future, its body.
//!
//! - The inner service is never called before the verdict, and the service that was polled for
//!   readiness is the one that is called.
//! - A refusal never waits for capacity: `poll_ready` polls the service, and readiness is awaited after the verdict.
//!   So a `LoadShed` must be *inside* this layer; outside it would never shed.
//! - Every pass that was given is closed exactly once, inner guards first, whatever happens.
//!
//! Each `GuardService` moves the request and the response, which costs more than most guards do:
//! prefer one with a sequence (a tuple of guards, a `Shield`) to five `.layer()` calls.

mod layer;
mod future;
mod stage;
mod body;
mod close_at_end;
mod guard_run;
mod progress;
mod refuse;

use std::{
    fmt, mem,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

pub use self::{
    body::GuardBody,
    future::GuardFuture,
    layer::GuardLayer,
    refuse::{refuse, refuse_response},
};
use self::{
    guard_run::GuardRun,
    stage::{Admitting, Calling, MovableStage, Readying, Stage},
};
use crate::{context::SecurityContext, sequence::Guards};

/// A service behind guards, made by [`GuardLayer`](crate::GuardLayer) or [`layer!`](crate::layer).
///
/// It is always ready, unless the inner service returned an error: a refusal needs no capacity. An
/// admitted request waits in the future until the inner service is ready. Place a `LoadShed` inside
/// it.
///
/// Applications use a layer. Make one by hand to catch panics without the facade:
///
/// ```
/// use palisade_core::{GuardService, NotFoundLayer, RequestIdLayer, testing::EmptyOk};
///
/// let guards = (RequestIdLayer::new(), NotFoundLayer::new());
/// let service = GuardService::new(guards, EmptyOk::default()).catch_panics();
/// ```
///
/// Without catching, for a server that does it itself. A clone has guards and service of its own:
///
/// ```
/// use palisade_core::{GuardService, RequestIdLayer, testing::EmptyOk};
///
/// let service = GuardService::new(RequestIdLayer::new(), EmptyOk::default());
/// let for_the_next_connection = service.clone();
/// # let _ = for_the_next_connection;
/// ```
pub struct GuardService<G, S> {
    guards: G,
    inner: S,
    ready: bool,
    catch_panics: bool,
}

impl<G, S> GuardService<G, S> {
    /// Puts guards around a service. Panics are not caught, see
    /// [`catch_panics`](Self::catch_panics).
    #[must_use]
    pub const fn new(guards: G, inner: S) -> Self {
        Self {
            guards,
            inner,
            ready: false,
            catch_panics: false,
        }
    }

    /// Responds 500 `internal_error` if something panics before the response begins: the inner service, a
    /// guard's `admit` or `finish`, or the renderer. Default: the panic continues outwards, and an HTTP/1 server
    /// closes the connection without a response. `Shield` catches panics by default.
    ///
    /// - The guards that admitted finish the 500, and all end with [`OutcomeKind::Panicked`](crate::OutcomeKind::Panicked).
    /// - A panic in `admit` refuses: the request reaches neither the guards further in nor the service.
    /// - A panic in `finish` replaces the response, as a refusal there does: a guard that did not admit has
    ///   not admitted. Guards further out see the 500; the guard that panicked is not called again.
    /// - A renderer that panics is replaced by [`ProblemJson`](crate::ProblemJson) for this response.
    /// - `close` is guarded always, with or without this. A panic of a response body always continues outwards.
    ///
    /// Of several nested services, the innermost one that catches responds. With `panic = "abort"` in
    /// the profile nothing can be caught.
    #[must_use]
    pub const fn catch_panics(mut self) -> Self {
        self.catch_panics = true;
        self
    }
}

impl<G: Clone, S: Clone> Clone for GuardService<G, S> {
    fn clone(&self) -> Self {
        // The clone's inner service was not polled for readiness.
        Self {
            catch_panics: self.catch_panics,
            ..Self::new(self.guards.clone(), self.inner.clone())
        }
    }
}

impl<G: Guards, S> fmt::Debug for GuardService<G, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardService")
            .field("guards", &self.guards.guard_names())
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

    /// Polls the inner service and never waits for it: a refusal needs no capacity.
    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        match self.inner.poll_ready(task) {
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => self.ready = true,
            Poll::Pending => self.ready = false,
        }
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let cx = SecurityContext::find_or_create(&mut head);
        let mut run = Box::new(GuardRun::new(
            self.guards.clone(),
            self.catch_panics,
            cx,
            &head,
        ));
        GuardFuture::at(match run.admit(&mut head, &mut None) {
            Poll::Ready(Ok(())) if self.ready => {
                let request = Request::from_parts(head, body);
                self.ready = false;
                match run.call_inner(|| self.inner.call(request)) {
                    Ok(future) => Stage::Calling {
                        call: Calling::new(future, run),
                    },
                    Err(rejection) => MovableStage::Refused { rejection, run }.into(),
                }
            }
            Poll::Ready(Ok(())) => {
                let waiting = Box::new(Readying {
                    service: self.take_inner(),
                    request: Request::from_parts(head, body),
                    ready: false,
                });
                MovableStage::Readying { waiting, run }.into()
            }
            Poll::Ready(Err(rejection)) => {
                if !self.ready {
                    // Its place in the queue for capacity would go unused: give it to others.
                    drop(self.take_inner());
                }
                MovableStage::Refused { rejection, run }.into()
            }
            Poll::Pending => {
                let waiting = Box::new(Admitting {
                    ready: mem::take(&mut self.ready),
                    service: self.take_inner(),
                    head,
                    body,
                });
                MovableStage::Admitting { waiting, run }.into()
            }
        })
    }
}

impl<G, S: Clone> GuardService<G, S> {
    /// Takes the service that was polled for readiness and leaves a clone, which was not.
    fn take_inner(&mut self) -> S {
        let clone = self.inner.clone();
        mem::replace(&mut self.inner, clone)
    }
}
