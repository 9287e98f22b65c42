//! The service: reads the body, inspects the request, and calls the inner service.
//!
//! A request without a body, or on a path that is skipped, goes through in this file and is never
//! buffered. Only one with a body starts the reading in `future`.
//!
//! Readiness follows the contract of `tower`: the instance that was polled is the one that is
//! called. The service therefore hands over the polled instance and keeps a clone.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, request};
use http_body::Body;
use palisade_core::{BoxError, GuardBody, RebuildBody, Rejection, SecurityContext, refuse};
use tower_service::Service;

use super::future::{InspectFuture, Waiting};
use super::response::{InspectBody, ResponseInspection};
use super::settings::{NAME, Settings};

/// The service that [`InspectLayer`](crate::InspectLayer) wraps around an inner service.
///
/// Its requests are those that arrived, byte for byte. It is always ready unless the inner service
/// fails; it waits for the inner service after the request was inspected.
///
/// A refusal needs no capacity of the inner service, so it is given even while that service is
/// busy.
///
/// The inner service must be `Clone`, as axum's are: a request that waits for its body takes an
/// instance along.
pub struct InspectService<S> {
    /// Shared by all services of the layer. `None`: nothing is inspected.
    settings: Option<Arc<Settings>>,
    /// The instance that was polled for readiness.
    inner: S,
    /// Whether its last poll said that it is ready and it was not called since.
    ready: bool,
}

impl<S> InspectService<S> {
    /// Wraps a service and inspects nothing: requests and responses pass unchanged.
    ///
    /// It gives stacks with and without rules the same type.
    pub const fn pass_through(inner: S) -> Self {
        Self::new(None, inner)
    }

    /// Wraps a service. Nothing is known yet about its readiness.
    pub(super) const fn new(settings: Option<Arc<Settings>>, inner: S) -> Self {
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
        Self::new(self.settings.clone(), self.inner.clone())
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
///
/// A refusal is the error of [`InspectService::plan`], not a variant.
enum Plan {
    /// It passes as it is.
    ///
    /// It has no body and no rule refused it, or its body is too long and the layer only observes.
    Pass,
    /// Its body is read.
    ///
    /// Its declared length, if any, is within the limit.
    Read,
}

impl<S, B, ResB> Service<Request<B>> for InspectService<S>
where
    S: Service<Request<B>, Response = Response<ResB>> + Clone,
    B: RebuildBody<Error: Into<BoxError>>,
    ResB: Body<Data: From<Bytes>>,
{
    type Response = Response<GuardBody<InspectBody<ResB>>>;
    type Error = S::Error;
    type Future = InspectFuture<S, B, ResB>;

    /// Polls the inner service but never waits for it: a refusal needs no capacity.
    ///
    /// It remembers the response for `call`. A failure of the inner service is passed on.
    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        match self.inner.poll_ready(task) {
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => self.ready = true,
            Poll::Pending => self.ready = false,
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some(settings) = &self.settings else {
            return self.pass_on(request);
        };
        let settings = Arc::clone(settings);
        let (mut head, body) = request.into_parts();
        let cx = SecurityContext::find_or_create(&mut head);
        if settings.skips(head.uri.path()) {
            return self.pass_on(Request::from_parts(head, body));
        }
        let response = ResponseInspection::prepare(&settings, &cx, &head);
        match Self::plan_inspection(&settings, &cx, &head, &body) {
            Err(rejection) => InspectFuture::refused(refuse(&cx, NAME, *rejection)),
            Ok(Plan::Pass) => {
                settings.ask_for_readable_response(&mut head.headers);
                self.pass_on(Request::from_parts(head, body))
                    .with_response(response)
            }
            Ok(Plan::Read) => {
                let waiting = self.take_inner();
                InspectFuture::reading(waiting, settings, cx, head, body).with_response(response)
            }
        }
    }
}

impl<S: Clone> InspectService<S> {
    /// Decides what is done with a request. One without a body is inspected here.
    ///
    /// The order is: requests without a body or with a stream, the declared length, then the body.
    /// A body that is too long by its declaration is refused before a byte is read. Without a
    /// declared length (`Transfer-Encoding: chunked`, HTTP/2) the limit applies while it is read.
    fn plan_inspection<B: Body>(
        settings: &Settings,
        cx: &SecurityContext,
        head: &request::Parts,
        body: &B,
    ) -> Result<Plan, Box<Rejection>> {
        if body.is_end_stream() || is_stream(settings, head) {
            return settings.inspect(cx, head, b"").map(|()| Plan::Pass);
        }
        let most = u64::try_from(settings.max_body).unwrap_or(u64::MAX);
        if body.size_hint().lower() > most {
            return settings.too_long(cx).map(|()| Plan::Pass);
        }
        Ok(Plan::Read)
    }

    /// Passes a request on.
    ///
    /// If the inner service was ready it is called at once, else the future waits for it.
    fn pass_on<B, ResB>(&mut self, request: Request<B>) -> InspectFuture<S, B, ResB>
    where
        S: Service<Request<B>, Response = Response<ResB>>,
        ResB: Body,
    {
        if mem::take(&mut self.ready) {
            return InspectFuture::calling(self.inner.call(request));
        }
        InspectFuture::readying(self.take_inner(), request)
    }

    /// Takes the service that was polled for readiness and leaves a clone, which was not polled.
    ///
    /// The readiness goes with the service that was polled.
    fn take_inner(&mut self) -> Waiting<S> {
        let clone = self.inner.clone();
        Waiting {
            ready: mem::take(&mut self.ready),
            service: mem::replace(&mut self.inner, clone),
        }
    }
}

/// Whether a body is a stream that the handler answers before it ends. Reading it first could wait
/// forever.
fn is_stream(settings: &Settings, head: &request::Parts) -> bool {
    let content_type = head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let start = content_type.and_then(|value| value.get(..GRPC.len()));
    let is_grpc = start.is_some_and(|start| start.eq_ignore_ascii_case(GRPC));
    // A tunnel (RFC 8441) has no end of its own.
    head.method == Method::CONNECT || (settings.only_heads_of_grpc && is_grpc)
}

/// The start of the media types of gRPC.
const GRPC: &[u8] = b"application/grpc";
