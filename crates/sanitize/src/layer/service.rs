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
use http::{Request, Response, request};
use http_body::Body;
use palisade_core::{BoxError, GuardBody, RequestBody, SecurityContext, refuse};
use tower_service::Service;

use super::future::{Readying, SanitizeFuture, Waiting, hand_over};
use crate::request::{NAME, Plan, Selection, Settings, check_head};
use crate::response::{ResponseCleaning, SanitizeBody};

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
    ResB: Body,
{
    type Response = Response<GuardBody<SanitizeBody<ResB>>>;
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
        let mut cleaning = self.clean_response(&cx, &mut head, &selection);
        match plan {
            Err(rejection) => SanitizeFuture::refused(refuse(&cx, NAME, *rejection)),
            Ok(Plan::Pass(limit)) => {
                hand_over(&mut selection, &mut head, cleaning.as_deref_mut());
                let request = Request::from_parts(head, RequestBody::limited(body, limit));
                let decision = self.settings.moderate(&mut selection);
                let ready = mem::take(&mut self.ready);
                if ready && decision.is_none() {
                    return SanitizeFuture::calling(self.inner.call(request))
                        .with_response(cleaning);
                }
                let service = self.take_inner();
                SanitizeFuture::readying(
                    Readying {
                        waiting: Waiting { service, ready },
                        request,
                    },
                    cx,
                    decision,
                )
                .with_response(cleaning)
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
                .with_response(cleaning)
            }
        }
    }
}

impl<S> SanitizeService<S> {
    /// Prepares the cleaning of the response, and asks the inner service for one that can be read.
    ///
    /// `None` if responses pass as they are: by default, without text fields, and in shadow.
    fn clean_response(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        selection: &Selection,
    ) -> Option<Box<ResponseCleaning>> {
        let rules = self.settings.responses.as_ref()?;
        if self.settings.shadow || !rules.applies(!selection.is_empty()) {
            return None;
        }
        rules.ask_for_readable(&mut head.headers);
        Some(Box::new(ResponseCleaning::new(rules, cx, head)))
    }
}

impl<S: Clone> SanitizeService<S> {
    /// Takes the service that was polled for readiness and leaves a clone, which was not polled.
    fn take_inner(&mut self) -> S {
        let clone = self.inner.clone();
        mem::replace(&mut self.inner, clone)
    }
}
